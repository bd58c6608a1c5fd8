//! What pages tell of this server's own traffic: only what was measured, of each offer for itself.

use std::sync::atomic::Ordering;

use vane::gateway::State;
use vane_ledger::Clock;
use vane_testkit::{Answer, Fault};

use crate::door::Door;
use crate::pages::page;
use crate::world::{NOW, World};

fn at(world: &World, now: i64) {
    let Clock::Manual(hand) = &world.gateway.clock else {
        unreachable!("tests hold the clock")
    };
    hand.store(now, Ordering::Relaxed);
}

async fn ask(world: &World, status: u16) {
    let body = Door::Chat.request("two-m", "Hi", true);
    let reply = world.post(Door::Chat.path(), body).await;
    assert_eq!(reply.status, status, "{}", reply.text());
}

/// Times, pace and uptime of an offer, as the page's twin has them.
async fn figures(world: &World, provider: &str) -> [String; 3] {
    let twin = page(world, "/models/two-m.md").await;
    let begins = format!("| {provider} | ");
    let row = twin.text().lines().find(|line| line.starts_with(&begins));
    let cells: Vec<&str> = row.unwrap().split('|').map(str::trim).collect();
    let last = cells[cells.len() - 4..cells.len() - 1].iter();
    let last: Vec<String> = last.map(|cell| (*cell).to_owned()).collect();
    last.try_into().unwrap()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?}"))
}

#[tokio::test]
async fn a_page_tells_what_was_measured_of_each_offer_and_nothing_else() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let nothing = ["no traffic yet"; 3];
    assert_eq!(figures(&world, "lab").await, nothing);
    assert!(
        page(&world, "/models/two-m")
            .await
            .text()
            .contains(nothing[0])
    );

    world.fake.always(Answer::text("One two three four"));
    for _ in 0..3 {
        ask(&world, 200).await;
    }
    // The caller's own fault speaks against nobody.
    world.fake.always(Answer::fault(Fault::status(400)));
    ask(&world, 400).await;
    world.fake.always(Answer::fault(Fault::status(500)));
    world.second.always(Answer::fault(Fault::status(500)));
    ask(&world, 500).await;
    world.gateway.take_note();
    at(&world, NOW + 60);

    let [first, pace, uptime] = figures(&world, "lab").await;
    let (p50, p95) = first
        .strip_suffix(" ms")
        .unwrap()
        .split_once(" / ")
        .unwrap();
    assert!(number(p50) <= number(p95), "{first}");
    assert!(number(&pace) > 0);
    assert_eq!(uptime, "80.0%");
    let unanswered = ["not measured yet", "not measured yet", "0.0%"];
    assert_eq!(figures(&world, "spare").await, unanswered);
    let html = page(&world, "/models/two-m").await;
    assert!(html.text().contains("80.0%") && html.text().contains(&first));

    // It goes on under another configuration, and is forgotten after a day.
    let config = world.gateway.state().config.clone();
    world.gateway.replace(State::new(config).unwrap());
    assert_eq!(figures(&world, "lab").await, [first, pace, uptime]);
    at(&world, NOW + 90_000);
    world.gateway.take_note();
    assert_eq!(figures(&world, "lab").await, nothing);
}
