//! What pages tell of this server's own traffic: only what was measured, of each offer for itself,
//! over hours and days, by all who serve one database.

use std::sync::atomic::Ordering;

use serde_json::Value;
use vane::config::{Config, Secret};
use vane::gateway::State;
use vane_ledger::Clock;
use vane_testkit::{Answer, Fault};

use crate::door::Door;
use crate::html::Document;
use crate::pages::{budget, facts, fetch, page, plain};
#[cfg(feature = "test-postgres")]
use crate::postgres::{Database, Schema};
use crate::world::{Folder, NOW, World};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Sets the clock and lets what was counted be known: by when it was, whether the server's own thread
/// took note of some of it or not.
fn at(world: &World, now: i64) {
    let Clock::Manual(hand) = &world.gateway.clock else {
        unreachable!("tests hold the clock")
    };
    world.gateway.take_note();
    hand.store(now, Ordering::Relaxed);
    world.gateway.take_note();
}

fn once(config: &mut Config) {
    config.retries.per_offer_max = 1;
}

/// At a database that others serve too, or have served.
async fn at_database(url: &str, folder: &Folder) -> World {
    let journal = folder.0.join("journal");
    World::with(|config| {
        once(config);
        config.database = Secret(url.to_owned());
        config.journal = Some(journal);
    })
    .await
}

async fn ask(world: &World, model: &str, status: u16) {
    let body = Door::Chat.request(model, "Hi", true);
    let reply = world.post(Door::Chat.path(), body).await;
    assert_eq!(reply.status, status, "{}", reply.text());
}

/// So many streams that are answered, then as many that the provider fails.
async fn traffic(world: &World, answered: usize, failed: usize) {
    world.fake.always(Answer::text("One two three four"));
    for _ in 0..answered {
        ask(world, "lab-m", 200).await;
    }
    world.fake.always(Answer::fault(Fault::status(500)));
    for _ in 0..failed {
        ask(world, "lab-m", 500).await;
    }
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

/// What the status says of the hours and days of a provider.
async fn lately(world: &World, provider: &str) -> Value {
    let json = page(world, "/status.json").await.json();
    let all = json["providers"].as_array().unwrap();
    let one = all.iter().find(|one| one["id"] == provider).unwrap();
    one["lately"].clone()
}

/// Attempts and faults.
fn counts(figures: &Value) -> (u64, u64) {
    let count = |name: &str| figures[name].as_u64().unwrap();
    (count("attempts"), count("faults"))
}

#[tokio::test]
async fn a_page_tells_what_was_measured_of_each_offer_and_nothing_else() {
    let world = World::with(once).await;
    let nothing = ["no traffic yet"; 3];
    assert_eq!(figures(&world, "lab").await, nothing);
    let before = page(&world, "/models/two-m").await;
    assert!(before.text().contains(nothing[0]) && !before.text().contains("100.0%"));

    world.fake.always(Answer::text("One two three four"));
    for _ in 0..3 {
        ask(&world, "two-m", 200).await;
    }
    // The caller's own fault speaks against nobody.
    world.fake.always(Answer::fault(Fault::status(400)));
    ask(&world, "two-m", 400).await;
    world.fake.always(Answer::fault(Fault::status(500)));
    world.second.always(Answer::fault(Fault::status(500)));
    ask(&world, "two-m", 500).await;
    at(&world, NOW);

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

    // It goes on under another configuration, and is forgotten after a month.
    let config = world.gateway.state().config.clone();
    world.gateway.replace(State::new(config).unwrap());
    assert_eq!(figures(&world, "lab").await, [first, pace, uptime]);
    at(&world, NOW + 31 * DAY);
    assert_eq!(figures(&world, "lab").await, nothing);
}

#[tokio::test]
async fn pages_with_figures_are_sound_and_their_twins_say_the_same() {
    let world = World::with(once).await;
    let mut connection = world.connect().await;
    for day in [0, 1, 2] {
        at(&world, NOW + day * DAY);
        world.fake.always(Answer::text("One two three four"));
        ask(&world, "two-m", 200).await;
        world.fake.always(Answer::fault(Fault::status(500)));
        ask(&world, "two-m", 200).await;
    }
    at(&world, NOW + 2 * DAY);
    let style = Document::read(page(&world, "/").await.text());
    let mut links = style.all("link");
    let style = links.find(|link| link.attribute("rel") == Some("stylesheet"));
    let style = style.unwrap().attribute("href").unwrap().to_owned();
    let (_, style) = fetch(&mut connection, &style).await;
    for path in ["/models/two-m", "/providers/lab", "/providers/spare"] {
        let (html, size) = fetch(&mut connection, path).await;
        assert!(size + style <= budget(path), "{path}: {size} and {style}");
        let document = Document::read(html.text());
        document.check();
        let twin = page(&world, &format!("{path}.md")).await;
        let said = plain(twin.text());
        for fact in facts(&document) {
            assert!(
                said.contains(&fact),
                "{path}.md does not say {fact:?}:\n{said}"
            );
        }
        for span in ["24 hours", "7 days", "30 days"] {
            assert!(html.text().contains(span), "{path}: {span}");
        }
    }
    let html = page(&world, "/models/two-m").await;
    let drawn: Vec<_> = html.text().matches("<path class=\"band\"").collect();
    assert_eq!(drawn.len(), 2, "one for each offer, three days in a row");
}

#[tokio::test]
async fn an_hour_with_faults_shows_and_a_day_goes_by() {
    let world = World::with(once).await;
    assert_eq!(lately(&world, "lab").await, Value::Null);
    traffic(&world, 3, 0).await;
    at(&world, NOW);
    at(&world, NOW + 2 * HOUR);
    traffic(&world, 1, 2).await;
    at(&world, NOW + 2 * HOUR);

    let lab = lately(&world, "lab").await;
    let hours: Vec<_> = lab["hours"]
        .as_array()
        .unwrap()
        .iter()
        .map(counts)
        .collect();
    assert_eq!(hours, [(3, 0), (3, 2)]);
    assert_eq!(counts(&lab["spans"]["day"]), (6, 2));
    assert_eq!(lately(&world, "openai").await, Value::Null);
    let html = page(&world, "/status").await;
    let document = Document::read(html.text());
    document.check();
    let cells = |class: &str| {
        document
            .all("rect")
            .filter(|cell| cell.has_class(class))
            .count()
    };
    // Of 24 hours and 30 days: an hour was good and one was not, and the day was not.
    assert_eq!((cells("good"), cells("poor"), cells("none")), (1, 2, 51));
    let twin = page(&world, "/status.md").await;
    for text in [html.text(), twin.text()] {
        for said in ["66.6%", "33.3%", "100.0%"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }

    at(&world, NOW + 27 * HOUR);
    let lab = lately(&world, "lab").await;
    assert_eq!(lab["spans"]["day"], Value::Null);
    assert_eq!(counts(&lab["spans"]["week"]), (6, 2));
    assert_eq!(lab["hours"], Value::Array(Vec::new()));
    at(&world, NOW + 32 * DAY);
    assert_eq!(lately(&world, "lab").await, Value::Null);
}

#[tokio::test]
async fn what_was_measured_stays_when_the_server_goes() {
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.0.join("vane.db").display());
    let world = at_database(&url, &folder).await;
    traffic(&world, 2, 1).await;
    // Its end takes the last note.
    drop(world);
    let world = at_database(&url, &folder).await;
    at(&world, NOW + HOUR);
    assert_eq!(counts(&lately(&world, "lab").await["spans"]["day"]), (3, 1));
    let html = page(&world, "/status").await;
    assert!(html.text().contains("not asked by this process yet"));
    traffic(&world, 1, 0).await;
    at(&world, NOW + HOUR);
    assert_eq!(counts(&lately(&world, "lab").await["spans"]["day"]), (4, 1));
}

#[cfg(feature = "test-postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_at_one_database_tell_the_sum_of_both() {
    let schema = Schema::new();
    let folders = [Folder::new(), Folder::new()];
    let one = at_database(&schema.url(), &folders[0]).await;
    let other = at_database(&schema.url(), &folders[1]).await;
    traffic(&one, 3, 0).await;
    traffic(&other, 1, 2).await;
    for world in [&one, &other, &one] {
        at(world, NOW);
    }
    for world in [&one, &other] {
        assert_eq!(counts(&lately(world, "lab").await["spans"]["day"]), (6, 2));
    }
}

#[cfg(feature = "test-postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_does_not_take_is_told_and_written_later() {
    let (schema, folder) = (Schema::new(), Folder::new());
    let world = at_database(&schema.url(), &folder).await;
    traffic(&world, 1, 0).await;
    at(&world, NOW);
    schema.sql("ALTER TABLE offer_hour RENAME TO away");
    traffic(&world, 1, 1).await;
    at(&world, NOW + HOUR);
    assert_eq!(counts(&lately(&world, "lab").await["spans"]["day"]), (3, 1));
    schema.sql("ALTER TABLE away RENAME TO offer_hour");
    at(&world, NOW + HOUR);
    at(&world, NOW + HOUR);
    assert_eq!(counts(&lately(&world, "lab").await["spans"]["day"]), (3, 1));
    let other = Folder::new();
    let other = at_database(&schema.url(), &other).await;
    at(&other, NOW + HOUR);
    assert_eq!(counts(&lately(&other, "lab").await["spans"]["day"]), (3, 1));
}

#[tokio::test]
async fn the_feed_tells_an_hour_with_faults_once_it_is_over() {
    let world = World::with(once).await;
    let feed = async || page(&world, "/status.atom").await;
    traffic(&world, 40, 2).await;
    at(&world, NOW + HOUR);
    traffic(&world, 1, 2).await;
    at(&world, NOW + HOUR);
    assert_eq!(feed().await.text().matches("<entry>").count(), 0);

    at(&world, NOW + 2 * HOUR);
    let told = feed().await;
    assert_eq!(
        told.header("content-type"),
        Some("application/atom+xml; charset=utf-8")
    );
    let text = told.text();
    assert_eq!(text.matches("<entry>").count(), 1, "{text}");
    assert!(text.contains(" failed 2 of 3 attempts</title>"), "{text}");
    let over = vane_catalog::Date::of(NOW + 2 * HOUR);
    let (over, hour) = (over.to_string(), (NOW + 2 * HOUR).rem_euclid(DAY) / HOUR);
    let updated = format!("<updated>{over}T{hour:02}:00:00Z</updated>");
    assert_eq!(text.matches(&updated).count(), 2, "{text}");
    at(&world, NOW + 26 * HOUR);
    assert_eq!(feed().await.text().matches("<entry>").count(), 0);
}
