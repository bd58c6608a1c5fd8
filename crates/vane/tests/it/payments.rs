//! Top-ups over sockets, with a fake Stripe behind: what is credited, taken back, and refused.

use serde_json::{Value, json};
use std::sync::Arc;
use vane::config::Secret;
use vane_testkit::{FakeStripe, StripeSession};

use crate::client::Ask;
use crate::door::Door;
use crate::till::{SECRET_KEY, Till, usd};
use crate::world::{NOW, World, named};

#[tokio::test]
async fn a_top_up_is_asked_of_stripe_and_credited_when_it_is_paid() {
    let till = Till::open().await;
    let said = till.ask(r#"{"amount":"25"}"#).await.ok().json();
    let id = said["id"].as_str().unwrap();
    assert_eq!(
        (
            &said["amount"],
            &said["fee"],
            &said["total"],
            &said["status"]
        ),
        (
            &json!("25"),
            &json!("1.55"),
            &json!("26.55"),
            &json!("open")
        )
    );
    let request = till.stripe.requests().pop().unwrap();
    assert_eq!(request.header("idempotency-key"), Some(id));
    assert_eq!(request.header("stripe-version"), Some("2024-10-28.acacia"));
    let session = till.stripe.sessions().pop().unwrap();
    let url = format!("https://checkout.stripe.com/c/pay/{}", session.id);
    assert_eq!(said["url"], json!(url));
    for (name, value) in [
        ("mode", "payment"),
        ("client_reference_id", id),
        ("metadata[vane_top_up]", id),
        ("payment_intent_data[metadata][vane_top_up]", id),
        ("line_items[0][price_data][unit_amount]", "2500"),
        (
            "line_items[0][price_data][product_data][name]",
            "Credit for payer",
        ),
        ("line_items[1][price_data][unit_amount]", "155"),
        (
            "success_url",
            "https://vane.example/paid?session={CHECKOUT_SESSION_ID}",
        ),
    ] {
        assert_eq!(session.fields[name], value, "{name}");
    }
    assert_eq!(session.amount_total, 2_655);
    assert_eq!(till.balance().await, "5");
    assert_eq!(till.tell(&till.stripe.completed(&session)).await, 200);
    // The answer was the last word: it stands in the books.
    assert_eq!(till.balance().await, "30");
    assert_eq!(till.status(id).await, "paid");
    let lines = till.world.log.lines(5).await;
    assert!(
        lines.iter().any(|line| line["route"] == "/webhooks/stripe"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn s10_no_delivery_that_stripe_did_not_sign_credits_anything() {
    let till = Till::open().await;
    let (id, session) = till.begin().await;
    let event = till.stripe.completed(&session);
    let good = till.stripe.sign(&event, NOW);
    let other = FakeStripe::start(SECRET_KEY, "whsec_other").await.unwrap();
    let empty = FakeStripe::start(SECRET_KEY, "").await.unwrap();
    let changed = event.replace("2655", "9999");
    for (what, body, header) in [
        ("unsigned", &event, None),
        ("another secret", &event, Some(other.sign(&event, NOW))),
        ("an empty secret", &event, Some(empty.sign(&event, NOW))),
        ("of another body", &changed, Some(good.clone())),
        ("late", &event, Some(till.stripe.sign(&event, NOW - 301))),
        ("early", &event, Some(till.stripe.sign(&event, NOW + 301))),
        (
            "a later time",
            &event,
            Some(good.replace(&NOW.to_string(), &(NOW + 1).to_string())),
        ),
        ("no signature in it", &event, Some(format!("t={NOW}"))),
        ("nonsense", &event, Some("nonsense".to_owned())),
        (
            "a key instead",
            &event,
            Some(format!("Bearer {}", till.payer)),
        ),
    ] {
        let reply = till.deliver(body, header.as_deref()).await;
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
        assert!(!reply.text().contains("canary"), "{what}: {}", reply.text());
    }
    // By another method, with a key, and the signature where it does not belong.
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let ask = Ask::new(method, "/webhooks/stripe").body(event.clone());
        let ask = ask.header("stripe-signature", &good).key(&till.payer);
        let reply = till.world.ask(&ask).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    let twice = Ask::post("/webhooks/stripe", &event).header("stripe-signature", &good);
    let reply = till
        .world
        .ask(&twice.header("stripe-signature", &good))
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        (till.balance().await, till.status(&id).await),
        ("5".to_owned(), json!("open"))
    );
    assert_eq!(till.deliver(&event, Some(&good)).await.status, 200);
    assert_eq!(till.balance().await, "30");
    let log = till.world.log.text();
    assert!(
        !log.contains("Payer Canary") && !log.contains("-canary"),
        "{log}"
    );
}

#[tokio::test]
async fn s10_an_event_that_comes_again_credits_nothing_twice() {
    let till = Till::open().await;
    let (id, session) = till.begin().await;
    let event = till.stripe.completed(&session);
    let header = till.stripe.sign(&event, NOW);
    for _ in 0..3 {
        till.deliver(&event, Some(&header)).await.ok();
    }
    // A later event of the same payment, and one that contradicts it.
    for event in [
        till.stripe.completed(&session),
        till.stripe.async_succeeded(&session),
        till.stripe.expired(&session),
        till.stripe.async_failed(&session),
    ] {
        assert_eq!(till.tell(&event).await, 200);
    }
    assert_eq!(
        (till.balance().await, till.status(&id).await),
        ("30".to_owned(), json!("paid"))
    );
    let till = Arc::new(till);
    let (_, second) = till.begin().await;
    let event = till.stripe.completed(&second);
    let racing = (0..16).map(|_| {
        let (till, event) = (Arc::clone(&till), event.clone());
        tokio::spawn(async move { till.tell(&event).await })
    });
    for told in racing.collect::<Vec<_>>() {
        assert_eq!(told.await.unwrap(), 200);
    }
    assert_eq!(till.balance().await, "55");
}

#[tokio::test]
async fn s10_what_is_not_what_was_asked_for_credits_nothing() {
    let till = Till::open().await;
    let (id, session) = till.begin().await;
    let changed = |name: &str, value: Value| {
        let mut object = till.stripe.session_object(&session, "paid");
        object[name] = value;
        till.stripe.event("checkout.session.completed", &object)
    };
    for (name, value) in [
        ("amount_total", json!(2_654)),
        ("amount_total", json!(2_656)),
        ("amount_total", json!(265_500)),
        ("amount_total", json!(-2_655)),
        ("amount_total", Value::Null),
        ("currency", json!("eur")),
        ("currency", Value::Null),
        ("payment_intent", Value::Null),
        ("client_reference_id", Value::Null),
        ("client_reference_id", json!("top_up_of_nobody")),
        ("id", json!("cs_test_another")),
        ("payment_status", json!("unpaid")),
        ("payment_status", json!("no_payment_required")),
    ] {
        // Sending it again would change nothing, so it is taken.
        assert_eq!(
            till.tell(&changed(name, value.clone())).await,
            200,
            "{name}: {value}"
        );
    }
    for (name, value) in [
        ("amount_total", json!("2655")),
        ("amount_total", json!(2655.5)),
        ("payment_status", Value::Null),
        ("id", json!(7)),
    ] {
        assert_eq!(
            till.tell(&changed(name, value.clone())).await,
            400,
            "{name}: {value}"
        );
    }
    assert_eq!(
        (till.balance().await, till.status(&id).await),
        ("5".to_owned(), json!("open"))
    );
}

#[tokio::test]
async fn s10_what_is_no_event_for_this_server_is_refused_and_what_is_unknown_taken() {
    let till = Till::open().await;
    let (_, session) = till.begin().await;
    let event = till.stripe.completed(&session);
    for changed in [
        event.replace(
            "\"livemode\": false,\n  \"pending",
            "\"livemode\": true,\n  \"pending",
        ),
        event.replacen(
            "\"object\": \"event\",",
            "\"object\": \"event\", \"account\": \"acct_1\",",
            1,
        ),
        event.replace("\"type\"", "\"kind\""),
        "{}".to_owned(),
        "[]".to_owned(),
        "not json".to_owned(),
        String::new(),
    ] {
        assert_ne!(changed, event);
        assert_eq!(till.tell(&changed).await, 400, "{changed}");
    }
    for unknown in [
        "invoice.paid",
        "customer.created",
        "payment_intent.succeeded",
    ] {
        assert_eq!(
            till.tell(&till.stripe.event(unknown, &json!(7))).await,
            200,
            "{unknown}"
        );
    }
    let long = "x".repeat(300 << 10);
    assert_eq!(
        till.tell(&till.stripe.event("big", &json!(long))).await,
        413
    );
    assert_eq!(till.balance().await, "5");
    for times in 0..3 {
        assert_eq!(till.tell(&event).await, 200, "{times}");
    }
    let told = till.world.ask(&Ask::get("/metrics")).await.ok();
    for (outcome, count) in [
        ("credited", 1),
        ("entered", 0),
        ("credited_before", 2),
        ("ignored", 3),
        ("unusable", 0),
        ("refused", 7),
        ("away", 0),
    ] {
        let line = format!("vane_payment_deliveries_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(told.text().contains(&line), "{line}{}", told.text());
    }
}

#[tokio::test]
async fn slow_payments_are_credited_when_they_come() {
    let till = Till::open().await;
    let (slow, session) = till.begin().await;
    assert_eq!(
        till.tell(&till.stripe.completed_unpaid(&session)).await,
        200
    );
    assert_eq!(
        (till.balance().await, till.status(&slow).await),
        ("5".to_owned(), json!("open"))
    );
    assert_eq!(till.tell(&till.stripe.async_succeeded(&session)).await, 200);
    assert_eq!(
        (till.balance().await, till.status(&slow).await),
        ("30".to_owned(), json!("paid"))
    );
    let (failed, session) = till.begin().await;
    assert_eq!(
        till.tell(&till.stripe.completed_unpaid(&session)).await,
        200
    );
    assert_eq!(till.tell(&till.stripe.async_failed(&session)).await, 200);
    assert_eq!(till.status(&failed).await, "failed");
    let (expired, session) = till.begin().await;
    assert_eq!(till.tell(&till.stripe.expired(&session)).await, 200);
    assert_eq!(till.status(&expired).await, "expired");
    assert_eq!(till.balance().await, "30");
}

#[tokio::test]
async fn refunds_are_taken_back_by_what_they_come_to_in_all() {
    let till = Till::open().await;
    let (_, session) = till.begin().await;
    // The refund is told of before the payment.
    assert_eq!(till.tell(&till.stripe.refunded(&session, 1_000)).await, 200);
    assert_eq!(till.balance().await, "5");
    assert_eq!(till.tell(&till.stripe.completed(&session)).await, 200);
    assert_eq!(till.balance().await, "20");
    for (cents, balance) in [
        (1_200, "18"),
        (1_200, "18"),
        // An earlier one comes late.
        (1_000, "18"),
        (2_655, "5"),
        (9_999, "5"),
    ] {
        assert_eq!(till.tell(&till.stripe.refunded(&session, cents)).await, 200);
        assert_eq!(till.balance().await, balance, "{cents}");
    }
    let reply = till.ask(r#"{"amount":"25"}"#).await;
    assert_eq!(reply.status, 200, "not frozen: {}", reply.text());
}

#[tokio::test]
async fn a_dispute_beyond_the_balance_freezes_the_account() {
    let till = Till::open().await;
    let (_, session) = till.begin().await;
    assert_eq!(till.tell(&till.stripe.completed(&session)).await, 200);
    // An inquiry takes nothing; the dispute takes all; what was spent is lost.
    let inquiry = till
        .stripe
        .disputed(&session, "created", "warning_needs_response");
    assert_eq!(till.tell(&inquiry).await, 200);
    assert_eq!(till.balance().await, "30");
    let spent = vane_ledger::book::Act::Refund {
        account: vane_ledger::AccountId(2),
        amount: usd("20"),
        reason: "spent elsewhere".into(),
    };
    let op = vane_ledger::book::Op {
        id: "spent".into(),
        at: NOW,
        instance: 0,
        act: spent,
    };
    let store = &till.world.gateway.store;
    store.apply(&[op]).unwrap().remove(0).unwrap();
    let disputed = till.stripe.disputed(&session, "created", "needs_response");
    assert_eq!(till.tell(&disputed).await, 200);
    assert_eq!(till.tell(&disputed).await, 200);
    assert_eq!(till.balance().await, "0");
    for door in crate::door::DOORS {
        let body = door.request("lab-m", "Hi", false);
        let reply = till
            .world
            .ask(&Ask::post(door.path(), body).key(&till.payer))
            .await;
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert!(reply.text().contains("is frozen"), "{}", reply.text());
    }
    let reply = till.ask(r#"{"amount":"25"}"#).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (403, &json!("account_frozen"))
    );
    let credits = till
        .world
        .ask(&Ask::get("/v1/credits").key(&till.payer))
        .await;
    assert_eq!(credits.ok().json()["frozen"], true);
    // Other accounts go on.
    till.world
        .post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", false))
        .await
        .ok();
    let won = till.stripe.disputed(&session, "closed", "won");
    assert_eq!(till.tell(&won).await, 200);
    assert_eq!(till.tell(&disputed).await, 200);
    assert_eq!(till.balance().await, "10");
    let frozen = store.frozen(vane_ledger::AccountId(2)).unwrap().unwrap();
    assert!(
        frozen.reason.contains(&session.payment_intent),
        "{frozen:?}"
    );
}

#[tokio::test]
async fn m12_s7_a_top_up_takes_an_amount_and_nothing_else() {
    let till = Till::open().await;
    for (body, named) in [
        (r#"{"amount":"25","account":"team"}"#, "account"),
        (r#"{"amount":"25","balance":"1000"}"#, "balance"),
        (r#"{"amount":"25","fee":"0"}"#, "fee"),
        (r#"{"amount":"25","status":"paid"}"#, "status"),
        (r#"{"amount":"25","role":"owner"}"#, "role"),
        (r#"{"amounts":"25"}"#, "amounts"),
        (r#"{"amount":"4.99"}"#, "amount"),
        (r#"{"amount":-25}"#, "amount"),
        (r#"{"amount":1e3}"#, "amount"),
        (r#"{"amount":"NaN"}"#, "amount"),
        (r#"{"amount":10000.01}"#, "amount"),
        (r#"{"amount":25.005}"#, "amount"),
    ] {
        let reply = till.ask(body).await;
        let said = reply.json();
        assert_eq!(
            (reply.status, &said["error"]["param"]),
            (400, &json!(named)),
            "{body}: {said}"
        );
    }
    let reply = till
        .ask(format!("{{\"amount\":\"25\"{}}}", " ".repeat(5_000)))
        .await;
    assert_eq!(reply.status, 413);
    let ask = Ask::post("/v1/credits/top-ups?amount=1", r#"{"amount":"25"}"#).key(&till.payer);
    assert_eq!(till.world.ask(&ask).await.status, 400);
    assert!(till.stripe.requests().is_empty());
    assert_eq!(till.balance().await, "5");
}

#[tokio::test]
async fn s8_another_accounts_top_up_is_not_there() {
    let till = Till::open().await;
    let (id, _) = till.begin().await;
    let reply = till.world.get(&format!("/v1/credits/top-ups/{id}")).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
    for id in ["x", "..%2f", "%00", &"x".repeat(5_000)] {
        let ask = Ask::get(&format!("/v1/credits/top-ups/{id}")).key(&till.payer);
        assert_eq!(till.world.ask(&ask).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn a_stripe_that_refuses_or_is_away_is_told_and_nothing_is_open() {
    for status in [400, 401, 402, 429, 500] {
        let till = Till::open().await;
        till.stripe.refuse(status);
        let reply = till.ask(r#"{"amount":"25"}"#).await;
        assert_eq!(reply.status, 502, "{status}: {}", reply.text());
        assert!(!reply.text().contains("canary"), "{}", reply.text());
    }
    let till = Till::with(|payments| payments.api_base = "http://127.0.0.1:1".to_owned()).await;
    let reply = till.ask(r#"{"amount":"25"}"#).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    let till = Till::with(|payments| {
        payments.secret_key = Secret("sk_live_of-the-other-mode".to_owned());
    })
    .await;
    let reply = till.ask(r#"{"amount":"25"}"#).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
}

#[tokio::test]
async fn s10_an_empty_secret_believes_nobody() {
    let till = Till::with(|payments| payments.webhook_secret = Secret(String::new())).await;
    let (_, session) = till.begin().await;
    let event = till.stripe.completed(&session);
    let empty = FakeStripe::start(SECRET_KEY, "").await.unwrap();
    let reply = till.deliver(&event, Some(&empty.sign(&event, NOW))).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(till.balance().await, "5");
}

#[tokio::test]
async fn without_payments_there_is_nothing_to_pay_and_nobody_to_believe() {
    let world = World::start().await;
    let reply = world
        .post("/v1/credits/top-ups", r#"{"amount":"25"}"#)
        .await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (404, &json!("payments_off"))
    );
    let reply = world.ask(&Ask::post("/webhooks/stripe", "{}")).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
}

#[tokio::test]
async fn s14_floods_are_turned_away_and_the_event_comes_again() {
    let till = Till::open().await;
    let (_, session) = till.begin().await;
    let event = till.stripe.completed(&session);
    let mut connection = till.world.connect().await;
    for n in 0..100 {
        let reply = connection.ask(&Ask::post("/webhooks/stripe", "{}")).await;
        assert_eq!(reply.status, 400, "{n}");
    }
    assert_eq!(till.tell(&event).await, 429);
    let vane_ledger::Clock::Manual(hand) = &till.world.gateway.clock else {
        panic!("a world's clock stands still");
    };
    hand.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let taken = till
        .stripe
        .deliver_until_taken(till.world.address, &event, NOW, 3)
        .await;
    assert_eq!(taken.unwrap(), 1);
    assert_eq!(till.balance().await, "30");
    for _ in 0..29 {
        till.ask(r#"{"amount":"25"}"#).await.ok();
    }
    assert_eq!(till.ask(r#"{"amount":"25"}"#).await.status, 429);
    // Of another account.
    let other = till.world.new_key(&named("other"));
    let ask = Ask::post("/v1/credits/top-ups", r#"{"amount":"25"}"#).key(other.expose());
    till.world.ask(&ask).await.ok();
}

/// What is told of two payments: the first is refunded in part and disputed and won, the second
/// disputed and lost.
fn story(till: &Till, one: &StripeSession, two: &StripeSession) -> Vec<String> {
    let stripe = &till.stripe;
    vec![
        stripe.completed(one),
        stripe.refunded(one, 500),
        stripe.refunded(one, 1_300),
        stripe.disputed(one, "created", "needs_response"),
        stripe.disputed(one, "closed", "won"),
        stripe.completed_unpaid(two),
        stripe.async_succeeded(two),
        stripe.disputed(two, "created", "warning_needs_response"),
        stripe.disputed(two, "funds_withdrawn", "needs_response"),
        stripe.disputed(two, "closed", "lost"),
    ]
}

#[tokio::test]
async fn s10_whatever_order_events_come_in_the_books_say_the_same() {
    let mut seed: u64 = 7;
    let mut below = |n: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % n
    };
    for round in 0..6 {
        let till = Till::open().await;
        let (_, one) = till.begin().await;
        let (_, two) = till.begin().await;
        let mut events = story(&till, &one, &two);
        for _ in 0..round * 4 {
            let event = events.remove(below(events.len()));
            events.insert(below(events.len()), event.clone());
            events.insert(below(events.len()), event);
        }
        for event in &events {
            assert_eq!(till.tell(event).await, 200);
        }
        // Of the first, 13 of its 25 dollars went back; of the second all.
        assert_eq!(till.balance().await, "17", "round {round}: {events:?}");
        let fees = vane_ledger::book::BookKind::TopUpFee;
        let fees = till.world.gateway.store.book(fees, 1).unwrap().unwrap();
        assert_eq!(fees.posted, usd("1.55"));
    }
}
