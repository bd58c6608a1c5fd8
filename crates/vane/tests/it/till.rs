//! A world that takes payments, and a fake Stripe behind it.

use serde_json::Value;
use vane::config::{Payments, Secret};
use vane_catalog::Money;
use vane_testkit::{FakeStripe, StripeSession};

use crate::client::{Ask, Reply};
use crate::world::{NOW, World};

pub(crate) const SECRET_KEY: &str = "sk_test_secret-key-canary";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_webhook-secret-canary";

pub(crate) fn usd(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A world whose `payer` has five dollars, and a Stripe.
pub(crate) struct Till {
    pub(crate) world: World,
    pub(crate) stripe: FakeStripe,
    pub(crate) payer: String,
}

impl Till {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Payments)) -> Self {
        let stripe = FakeStripe::start(SECRET_KEY, WEBHOOK_SECRET).await.unwrap();
        let mut payments = Payments {
            secret_key: Secret(SECRET_KEY.to_owned()),
            webhook_secret: Secret(WEBHOOK_SECRET.to_owned()),
            top_up_min: usd("5"),
            top_up_max: usd("10000"),
            fee_percent: usd("5"),
            fee_fixed: usd("0.30"),
            api_base: stripe.url(),
            success_url: "https://vane.example/paid?session={CHECKOUT_SESSION_ID}".to_owned(),
            cancel_url: "https://vane.example/credits".to_owned(),
        };
        change(&mut payments);
        let world = World::with(|config| config.payments = Some(payments)).await;
        let payer = world.prepaid_key().expose().to_owned();
        Self {
            world,
            stripe,
            payer,
        }
    }

    pub(crate) async fn ask(&self, body: impl ToString) -> Reply {
        let ask = Ask::post("/v1/credits/top-ups", body).key(&self.payer);
        self.world.ask(&ask).await
    }

    /// Begins a top-up of 25 dollars, for which 26.55 are to be paid.
    pub(crate) async fn begin(&self) -> (String, StripeSession) {
        let said = self.ask(r#"{"amount":"25"}"#).await.ok().json();
        let id = said["id"].as_str().unwrap().to_owned();
        (id, self.stripe.sessions().pop().unwrap())
    }

    pub(crate) async fn tell(&self, event: &str) -> u16 {
        let to = self.world.address;
        self.stripe.deliver(to, event, NOW).await.unwrap()
    }

    pub(crate) async fn status(&self, id: &str) -> Value {
        let path = format!("/v1/credits/top-ups/{id}");
        let reply = self.world.ask(&Ask::get(&path).key(&self.payer)).await;
        reply.ok().json()["status"].clone()
    }

    pub(crate) async fn balance(&self) -> String {
        let ask = Ask::get("/v1/credits").key(&self.payer);
        let said = self.world.ask(&ask).await.ok().json();
        said["balance"].as_str().unwrap().to_owned()
    }

    /// Delivers with a header of the test's own.
    pub(crate) async fn deliver(&self, body: &str, header: Option<&str>) -> Reply {
        let mut ask = Ask::post("/webhooks/stripe", body);
        if let Some(header) = header {
            ask = ask.header("stripe-signature", header);
        }
        self.world.ask(&ask).await
    }
}
