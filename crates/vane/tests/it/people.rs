//! The door: signing in and up, sessions, forms, over sockets.

use std::sync::atomic::Ordering;

use vane::config::Entry;
use vane_ledger::{AccountId, Author, Clock, Role, Token};

use crate::client::{Ask, Reply};
use crate::world::{NOW, World};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A browser: one cookie for each name, and what its pages were.
#[derive(Default)]
pub(crate) struct Browser {
    pub(crate) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(crate) async fn get(&mut self, world: &World, path: &str) -> Reply {
        let ask = self.dressed(Ask::get(path).header("accept", "text/html"));
        self.asked(world, ask).await
    }

    pub(crate) async fn post(&mut self, world: &World, path: &str, form: &[(&str, &str)]) -> Reply {
        let ask = self.dressed(Ask::post(path, encoded(form)));
        let kind = "application/x-www-form-urlencoded";
        let ask = ask
            .header("content-type", kind)
            .header("origin", "http://localhost");
        self.asked(world, ask).await
    }

    /// Sends a form with the token that the page of `from` carries.
    pub(crate) async fn send(&mut self, world: &World, path: &str, form: &[(&str, &str)]) -> Reply {
        let page = self.get(world, "/console").await.ok();
        let csrf = field(page.text(), "csrf").unwrap();
        let form: Vec<_> = form
            .iter()
            .copied()
            .chain([("csrf", csrf.as_str())])
            .collect();
        self.post(world, path, &form).await
    }

    fn dressed(&self, ask: Ask) -> Ask {
        let all: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match all.is_empty() {
            true => ask,
            false => ask.header("cookie", all.join("; ")),
        }
    }

    async fn asked(&mut self, world: &World, ask: Ask) -> Reply {
        let reply = world.ask(&ask).await;
        for (_, line) in reply
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    pub(crate) fn session(&self) -> Option<&str> {
        let found = self.cookies.iter().find(|(name, _)| name == "vane");
        found.map(|(_, value)| value.as_str())
    }

    /// A browser of a new member of an account, who has used an invitation.
    pub(crate) async fn of(world: &World, account: AccountId, email: &str, role: Role) -> Self {
        let token = invited(world, account, email, role);
        let mut browser = Self::default();
        let to = browser
            .get(world, &format!("/signup?invitation={}", token.expose()))
            .await;
        assert_eq!((to.status, to.header("location")), (303, Some("/signup")));
        let form = [("email", email), ("password", PASSWORD)];
        let joined = browser.post(world, "/signup", &form).await;
        assert_eq!(joined.status, 303, "{}", joined.text());
        browser
    }
}

pub(crate) fn invited(world: &World, account: AccountId, email: &str, role: Role) -> Token {
    let store = &world.gateway.store;
    if role != Role::Owner && store.list_members(account).unwrap().is_empty() {
        let by = Author::operator(NOW);
        store
            .add_member(&by, account, "first@example.com", Role::Owner)
            .unwrap();
    }
    let by = Author::operator(NOW);
    store
        .invite(&by, account, email, role, NOW + 86_400)
        .unwrap()
}

fn encoded(form: &[(&str, &str)]) -> String {
    let part = |text: &str| {
        let bytes = text.bytes();
        bytes.map(|byte| format!("%{byte:02X}")).collect::<String>()
    };
    let pairs = form
        .iter()
        .map(|(name, value)| format!("{name}={}", part(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The value of a hidden field.
pub(crate) fn field(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    Some(rest.split('"').next()?.to_owned())
}

const DAY: i64 = 86_400;

fn advance(world: &World, seconds: i64) {
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("a world's clock stands still")
    };
    hand.fetch_add(seconds, Ordering::Relaxed);
}

pub(crate) fn open(config: &mut vane::config::Config) {
    config.people.entry = Entry::Open;
    config.sign_up = Some(vane::config::SignUp {
        amount: vane_catalog::Money::parse("5").unwrap(),
        expires_days: None,
    });
}

#[tokio::test]
async fn a_new_user_signs_up_calls_reads_the_receipt_and_revokes() {
    let world = World::with(open).await;
    let mut ann = Browser::default();
    let form = [("email", "Ann@example.com"), ("password", PASSWORD)];
    let made = ann.post(&world, "/signup", &form).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, Some("/login?new"))
    );
    let page = ann.get(&world, "/login?new").await.ok();
    assert!(page.text().contains("If this address was new here"));
    let entered = ann.post(&world, "/login", &form).await;
    assert_eq!(
        (entered.status, entered.header("location")),
        (303, Some("/console"))
    );
    let console = ann.get(&world, "/console").await.ok();
    assert!(console.text().contains("$5.0000"), "{}", console.text());
    assert!(console.text().contains("The first call"));

    let key = made_key(&mut ann, &world).await;
    let call = world
        .ask(&Ask::post("/v1/chat/completions", BODY).key(&key))
        .await
        .ok();
    let request = call.header("vane-request-id").unwrap();
    receipt_is_read(&mut ann, &world, &key, request).await;
    revoked(&mut ann, &world, &key).await;
}

pub(crate) const BODY: &str = r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#;

async fn made_key(ann: &mut Browser, world: &World) -> String {
    let form = [
        ("name", "laptop"),
        ("budget", "1.50"),
        ("period", "day"),
        ("models", "lab-m, two-m"),
    ];
    let made = ann.send(world, "/console/keys", &form).await.ok();
    key_on(made.text())
}

/// The key that a page shows.
pub(crate) fn key_on(page: &str) -> String {
    let key = page
        .split("<code>")
        .find(|part| part.starts_with("sk-vane-"))
        .unwrap();
    key.split('<').next().unwrap().to_owned()
}

async fn receipt_is_read(ann: &mut Browser, world: &World, key: &str, request: &str) {
    let listed = ann.get(world, "/console/receipts").await.ok();
    assert!(
        listed
            .text()
            .contains(&format!("/console/receipts/{request}")),
        "{}",
        listed.text()
    );
    let receipt = ann
        .get(world, &format!("/console/receipts/{request}"))
        .await
        .ok();
    let told = world
        .ask(&Ask::get(&format!("/v1/receipts/{request}")).key(key))
        .await
        .ok()
        .json();
    let charged = format!("Charged: ${}", told["charged"].as_str().unwrap());
    assert!(
        receipt.text().contains(&charged),
        "{charged} {}",
        receipt.text()
    );
    let found = ann
        .get(world, &format!("/console/receipts?id={request}"))
        .await;
    assert_eq!(
        found.header("location"),
        Some(format!("/console/receipts/{request}").as_str())
    );
    let console = ann.get(world, "/console").await.ok();
    assert!(console.text().contains("<svg") && !console.text().contains("The first call"));
}

async fn revoked(ann: &mut Browser, world: &World, key: &str) {
    let id = &key["sk-vane-".len()..][..10];
    let path = format!("/console/keys/{id}");
    let page = ann.get(world, &path).await.ok();
    assert!(
        page.text().contains("$1.5 a day") && page.text().contains("lab-m, two-m"),
        "{}",
        page.text()
    );
    let unsure = ann.send(world, &path, &[("do", "revoke")]).await;
    assert_eq!(unsure.status, 400, "{}", unsure.text());
    let ended = ann
        .send(world, &path, &[("do", "revoke"), ("sure", "yes")])
        .await;
    assert_eq!(ended.status, 303, "{}", ended.text());
    let refused = world
        .ask(&Ask::post("/v1/chat/completions", BODY).key(key))
        .await;
    assert_eq!(refused.status, 401);
}

#[tokio::test]
async fn s16_a_session_is_new_with_every_sign_in_and_dead_after_sign_out() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let first = ann.session().unwrap().to_owned();
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    assert_eq!(ann.post(&world, "/login", &form).await.status, 303);
    let second = ann.session().unwrap().to_owned();
    assert_ne!(first, second);
    let thief = |stolen: &str| Browser {
        cookies: vec![("vane".to_owned(), stolen.to_owned())],
    };
    // What the browser had before is over, so nobody can plant one.
    let to = thief(&first).get(&world, "/console").await;
    assert_eq!(
        (to.status, to.header("location")),
        (303, Some("/login?to=/console"))
    );
    assert_eq!(thief(&second).get(&world, "/console").await.status, 200);
    assert_eq!(ann.send(&world, "/logout", &[]).await.status, 303);
    assert_eq!(ann.session(), None);
    assert_eq!(thief(&second).get(&world, "/console").await.status, 303);
    // A made-up one is none.
    let planted = "A".repeat(43);
    assert_eq!(thief(&planted).get(&world, "/console").await.status, 303);
}

#[tokio::test]
async fn s16_a_session_ends_by_idleness_and_by_age() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    for _ in 0..4 {
        advance(&world, 6 * DAY);
        assert_eq!(ann.get(&world, "/console").await.status, 200);
    }
    advance(&world, 6 * DAY);
    assert_eq!(ann.get(&world, "/console").await.status, 303, "thirty days");
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    ann.post(&world, "/login", &form).await;
    assert_eq!(ann.get(&world, "/console").await.status, 200);
    advance(&world, 7 * DAY);
    assert_eq!(
        ann.get(&world, "/console").await.status,
        303,
        "a week unused"
    );
}

#[tokio::test]
async fn s16_nobody_learns_who_has_an_account() {
    let world = World::with(open).await;
    Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let mut browser = Browser::default();
    let mut entered = Vec::new();
    for email in ["ann@example.com", "bob@example.com"] {
        let form = [("email", email), ("password", "not the password")];
        let reply = browser.post(&world, "/login", &form).await;
        assert_eq!(reply.status, 403);
        entered.push(reply.text().replace(email, ""));
    }
    assert_eq!(entered[0], entered[1]);
    let mut come = Vec::new();
    for email in ["ann@example.com", "bob@example.com"] {
        let form = [("email", email), ("password", "another password")];
        let reply = browser.post(&world, "/signup", &form).await;
        let told = |reply: &Reply| {
            let mut headers = reply.headers.clone();
            headers.retain(|(name, _)| !name.ends_with("request-id") && name != "date");
            (reply.status, headers, reply.body.clone())
        };
        come.push(told(&reply));
    }
    assert_eq!(come[0], come[1]);
    // And nothing of the first one was changed.
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    assert_eq!(browser.post(&world, "/login", &form).await.status, 303);
}

#[tokio::test]
async fn s16_guessing_is_limited_for_an_address_and_for_a_network() {
    let world = World::start().await;
    let mut browser = Browser::default();
    let mut statuses = Vec::new();
    for n in 0..21 {
        // Half of them for one address of mail.
        let email = if n % 2 == 0 {
            "ann@example.com".to_owned()
        } else {
            format!("{n}@example.com")
        };
        let form = [("email", email.as_str()), ("password", "a guess of many")];
        statuses.push(browser.post(&world, "/login", &form).await.status);
    }
    assert_eq!(
        statuses.iter().filter(|status| **status == 403).count(),
        20,
        "{statuses:?}"
    );
    assert_eq!(statuses.last(), Some(&429));
}

#[tokio::test]
async fn s15_forms_of_other_sites_sessions_and_times_are_refused() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let mut bob = Browser::of(&world, world.account, "bob@example.com", Role::Admin).await;
    let token = |page: Reply| field(page.ok().text(), "csrf").unwrap();
    let anns = token(ann.get(&world, "/console").await);
    let bobs = token(bob.get(&world, "/console").await);
    assert_ne!(anns, bobs);
    let name = ("name", "x");
    for form in [
        vec![name],
        vec![name, ("csrf", "")],
        vec![name, ("csrf", bobs.as_str())],
    ] {
        let reply = ann.post(&world, "/console/keys", &form).await;
        assert_eq!(reply.status, 403, "{form:?} {}", reply.text());
    }
    // Written before the session was another.
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    ann.post(&world, "/login", &form).await;
    let stale = [name, ("csrf", anns.as_str())];
    assert_eq!(ann.post(&world, "/console/keys", &stale).await.status, 403);
    // From another site, with all that a browser would send.
    let csrf = token(ann.get(&world, "/console").await);
    let body = format!("name=x&csrf={csrf}");
    let cookie = format!("vane={}", ann.session().unwrap());
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost.evil.example",
    ] {
        let ask = Ask::post("/console/keys", &body)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &cookie)
            .header("origin", origin);
        assert_eq!(world.ask(&ask).await.status, 403, "{origin}");
    }
    for path in ["/login", "/signup", "/logout", "/console/seat"] {
        let ask = Ask::post(path, &body)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &cookie);
        assert_eq!(
            world.ask(&ask).await.status,
            403,
            "{path} without an origin"
        );
    }
    let keys = world.gateway.store.list_keys(world.account).unwrap();
    assert!(keys.iter().all(|key| key.name != "x"));
}

#[tokio::test]
async fn s15_names_are_inert_and_pages_stand_in_no_frame() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let name = "<script>alert(1)</script>\"'";
    let made = ann
        .send(&world, "/console/keys", &[("name", name)])
        .await
        .ok();
    let list = ann.get(&world, "/console/keys").await.ok();
    for page in [&made, &list] {
        assert!(!page.text().contains("<script"), "{}", page.text());
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("content-encoding"), None);
    }
}

#[tokio::test]
async fn s16_the_cookie_of_a_session_is_for_this_host_alone() {
    let world = World::with(|config| {
        config.site.url = Some("https://vane.example.com".to_owned());
    })
    .await;
    let ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    assert!(ann.cookies.iter().any(|(name, _)| name == "__Host-vane"));
    let form = encoded(&[("email", "ann@example.com"), ("password", PASSWORD)]);
    let ask = Ask::post("/login", form)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://localhost");
    let reply = world.ask(&ask).await;
    let line = reply.header("set-cookie").unwrap();
    for part in [
        "__Host-vane=",
        "; Path=/;",
        "HttpOnly",
        "SameSite=Lax",
        "; Secure",
    ] {
        assert!(line.contains(part), "{line}");
    }
}

#[tokio::test]
async fn closed_is_closed_and_a_link_is_used_once() {
    let world = World::start().await;
    let mut eve = Browser::default();
    let form = [("email", "eve@example.com"), ("password", PASSWORD)];
    assert_eq!(eve.get(&world, "/signup").await.status, 403);
    assert_eq!(eve.post(&world, "/signup", &form).await.status, 403);
    let token = invited(&world, world.account, "ann@example.com", Role::Owner);
    let path = format!("/signup?invitation={}", token.expose());
    let (mut ann, mut late) = (Browser::default(), Browser::default());
    ann.get(&world, &path).await;
    late.get(&world, &path).await;
    let short = ann
        .post(&world, "/signup", &[("password", "too short")])
        .await;
    assert_eq!(short.status, 422, "{}", short.text());
    // Whatever address the form says, it is the invited one that joins.
    assert_eq!(ann.post(&world, "/signup", &form).await.status, 303);
    assert!(
        ann.get(&world, "/console")
            .await
            .ok()
            .text()
            .contains("ann@example.com")
    );
    assert_eq!(late.post(&world, "/signup", &form).await.status, 403);
    // A link that was made is over with its time.
    let token = invited(&world, world.account, "bob@example.com", Role::Viewer);
    advance(&world, DAY + 3_600);
    let mut bob = Browser::default();
    bob.get(&world, &format!("/signup?invitation={}", token.expose()))
        .await;
    assert_eq!(bob.get(&world, "/signup").await.status, 403);
}
