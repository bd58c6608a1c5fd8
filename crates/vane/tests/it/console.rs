//! The console: what its pages show of the calls of an account.

use std::sync::atomic::Ordering;

use vane_ledger::{Clock, Role};
use vane_testkit::{Answer, Fault, Script, Usage, When};

use crate::client::Ask;
use crate::door::Door;
use crate::html::{Document, Element};
use crate::people::Browser;
use crate::playground;
use crate::world::{NOW, World, named};

const DAY: i64 = 86_400;

fn advance(world: &World, seconds: i64) {
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("a world's clock stands still")
    };
    hand.fetch_add(seconds, Ordering::Relaxed);
}

async fn call(world: &World, model: &str) -> String {
    let body = Door::Chat.request(model, "Hi", true);
    let reply = world.post(Door::Chat.path(), body).await;
    reply.header("vane-request-id").unwrap().to_owned()
}

async fn page(browser: &mut Browser, world: &World, path: &str) -> Document {
    let page = browser.get(world, path).await.ok();
    let document = Document::read(page.text());
    document.check();
    document
}

/// What stands beside a term.
fn figure(document: &Document, term: &str) -> Option<String> {
    let terms = document.all("dt").map(|one| document.inner(one));
    let at = terms.into_iter().position(|one| one == term)?;
    Some(document.inner(document.all("dd").nth(at)?))
}

#[tokio::test]
async fn a_receipt_draws_its_attempts_and_has_the_same_as_a_table() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let script = Script::new().on(When::default().first(1), Answer::fault(Fault::status(503)));
    world.fake.script(script);
    let mut body = Door::Chat.request("claude-m", "Hi", true);
    body["logit_bias"] = serde_json::json!({"5": 1});
    let reply = world.post(Door::Chat.path(), body).await.ok();
    let id = reply.header("vane-request-id").unwrap();
    let receipt = page(&mut ann, &world, &format!("/console/receipts/{id}")).await;
    let svg = receipt.all("svg").next().unwrap();
    let of_class = |class: &str| {
        let inside = receipt.inside(svg);
        inside.filter(|one| one.has_class(class)).count()
    };
    // Waiting of the call and of who answered; what failed is one bar.
    assert_eq!(
        (of_class("wait"), of_class("s0"), of_class("poor")),
        (2, 2, 1)
    );
    let drawn = receipt.inner(svg);
    for said in ["The call", "1. anthropic", "failed, ", "2. anthropic"] {
        assert!(drawn.contains(said), "{said}: {drawn}");
    }
    let table = receipt.all("table").nth(1).unwrap();
    let rows: Vec<String> = receipt
        .inside(table)
        .filter(|one| one.name == "tr")
        .map(|row| receipt.inner(row))
        .collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows[1].contains("The call") && rows[1].contains(" done "));
    assert!(rows[2].contains("failed, unbilled") && rows[2].contains(" \u{2013} "));
    assert!(rows[3].contains(" done ") && rows[3].contains("logit_bias"));
}

#[tokio::test]
async fn the_console_tells_errors_times_and_cache_hits_and_what_they_are_of() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let empty = page(&mut ann, &world, "/console").await;
    assert_eq!(
        figure(&empty, "Errors"),
        None,
        "of nothing there is no rate"
    );
    let counts = Usage {
        prompt: 1_000,
        completion: 50,
        cached: 400,
        ..Usage::default()
    };
    world.fake.always(Answer::text("Hi.").usage(counts));
    for _ in 0..3 {
        call(&world, "lab-m").await;
    }
    world.fake.always(Answer::fault(Fault::status(500)));
    call(&world, "lab-m").await;
    let shown = page(&mut ann, &world, "/console?days=7").await;
    assert_eq!(figure(&shown, "Errors").unwrap(), "1 (25.0%)");
    assert_eq!(figure(&shown, "Cache hits").unwrap(), "40.0%");
    for time in ["First content, p95", "Whole answer, p95"] {
        let said = figure(&shown, time).unwrap();
        assert!(said.ends_with(" ms") || said.ends_with(" s"), "{said}");
    }
    let says = |document: &Document, what: &str| {
        let mut said = document.all("p").map(|one| document.inner(one));
        said.any(|said| said.contains(what))
    };
    assert!(says(&shown, "of all 4 calls of these days"));
    // Days later these days have none, and there is nothing to draw.
    for _ in 0..2 {
        advance(&world, 5 * DAY);
        page(&mut ann, &world, "/console").await;
    }
    let quiet = page(&mut ann, &world, "/console?days=7").await;
    assert_eq!(figure(&quiet, "Errors"), None);
    assert!(says(&quiet, "Nothing was called in these days."));
    assert_eq!(quiet.all("svg").count(), 0);
    assert_eq!(quiet.all("table").count(), 1, "the last calls");
    let usage = world.get("/v1/usage?from=2020-01-01&newest=2").await;
    assert_eq!(usage.ok().json()["newest"]["calls"], 2);
    assert_eq!(world.get("/v1/usage?newest=1001").await.status, 400);
}

#[tokio::test]
async fn the_keys_that_spent_most_are_named_and_when_each_was_last_used() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    world.fake.always(Answer::text("Hi."));
    call(&world, "lab-m").await;
    let alone = page(&mut ann, &world, "/console").await;
    let captions = |document: &Document| -> Vec<String> {
        let captions = document.all("caption").map(|one| document.inner(one));
        captions.collect()
    };
    assert!(!captions(&alone).contains(&"Keys that spent most, 30 days".to_owned()));

    advance(&world, 2 * 3_600);
    let store = &world.gateway.store;
    let other = store.create_key(world.account, &named("the other"), NOW);
    store
        .create_key(world.account, &named("unused"), NOW)
        .unwrap();
    let other = other.unwrap();
    for _ in 0..2 {
        let body = Door::Chat.request("lab-m", "Hi", true);
        let ask = Ask::post(Door::Chat.path(), &body).key(other.expose());
        world.ask(&ask).await.ok();
    }
    let both = page(&mut ann, &world, "/console").await;
    assert!(captions(&both).contains(&"Keys that spent most, 30 days".to_owned()));
    let rows = |document: &Document, name: &str| {
        let mut rows = document.all("tr").map(|row| document.inner(row));
        rows.find(|row| row.starts_with(name)).unwrap()
    };
    let first = rows(&both, "the other");
    assert!(first.starts_with("the other 2 $"), "{first}");

    let keys = page(&mut ann, &world, "/console/keys").await;
    let hour = |ago: i64| {
        let at = NOW + 2 * 3_600 - ago * 3_600;
        let hour = at.rem_euclid(DAY) / 3_600;
        format!("{} {hour:02}:00 UTC", vane_catalog::Date::of(at))
    };
    assert!(
        rows(&keys, "the other").contains(&hour(0)),
        "{hour:?}",
        hour = hour(0)
    );
    assert!(rows(&keys, "key").contains(&hour(2)));
    assert!(rows(&keys, "unused").contains("not this month"));
}

#[tokio::test]
async fn keys_that_spent_most_are_named_beyond_the_first_hundred() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    world.fake.always(Answer::text("Hi."));
    let store = &world.gateway.store;
    for n in 0..100 {
        let name = format!("idle {n}");
        store.create_key(world.account, &named(&name), NOW).unwrap();
    }
    for name in ["late one", "late two"] {
        let key = store.create_key(world.account, &named(name), NOW + 1);
        let key = key.unwrap();
        let body = Door::Chat.request("lab-m", "Hi", true);
        let ask = Ask::post(Door::Chat.path(), &body).key(key.expose());
        world.ask(&ask).await.ok();
    }
    let shown = page(&mut ann, &world, "/console").await;
    for name in ["late one", "late two"] {
        let mut rows = shown.all("tr").map(|row| shown.inner(row));
        assert!(rows.any(|row| row.starts_with(name)), "{name}");
    }
}

#[tokio::test]
async fn calls_that_cost_nothing_are_said_to_and_draw_no_axis() {
    let world = playground::world().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    call(&world, "free-m").await;
    let shown = page(&mut ann, &world, "/console").await;
    assert_eq!(shown.all("svg").count(), 0);
    let said = shown.all("p").map(|one| shown.inner(one));
    assert!(
        said.into_iter()
            .any(|said| said == "The calls of these days cost nothing.")
    );
    assert_eq!(figure(&shown, "Errors").unwrap(), "none");
}

#[tokio::test]
async fn a_role_that_does_not_call_is_told_so_before_it_sends() {
    let world = World::start().await;
    for (name, role, is_off) in [("vera", Role::Viewer, true), ("mona", Role::Member, false)] {
        let email = format!("{name}@example.com");
        let mut browser = Browser::of(&world, world.account, &email, role).await;
        let shown = page(&mut browser, &world, "/playground").await;
        let is_send = |one: &&Element| shown.inner(one) == "Send";
        let send = shown.all("button").find(is_send).unwrap();
        assert_eq!(send.attribute("disabled").is_some(), is_off, "{name}");
        let told = shown.all("p").any(|one| {
            one.attribute("id") == send.attribute("aria-describedby")
                && shown.inner(one).contains("you are a viewer")
        });
        assert_eq!(told, is_off, "{name}");
    }
}
