//! What a key may do: calls and tokens a minute, calls at a time, providers, until when; and what
//! its owner is told. The clock stands still but for where a test moves it.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use vane_catalog::Money;
use vane_ledger::book::Period;
use vane_ledger::{Author, Clock, Key, Limits, NewKey};
use vane_testkit::{Answer, Fault, Usage};

use crate::client::{Ask, Connection, Reply, within};
use crate::door::{DOORS, Door};
use crate::world::{NOW, World, named};

const PATH: &str = "/v1/chat/completions";

/// What every answer of the fake is counted as, in and out.
const USED: u64 = 30;

async fn world() -> World {
    let world = World::start().await;
    let counts = Usage {
        prompt: 20,
        completion: 10,
        ..Usage::default()
    };
    world.fake.always(Answer::default().usage(counts));
    world.second.always(Answer::default().usage(counts));
    world
}

fn limited(limits: Limits) -> NewKey {
    NewKey {
        limits,
        ..named("limited")
    }
}

fn per_minute(requests: u32, tokens: u32) -> NewKey {
    limited(Limits {
        requests_per_minute: NonZeroU32::new(requests),
        tokens_per_minute: NonZeroU32::new(tokens),
        ..Limits::default()
    })
}

fn at(world: &World, seconds: i64) {
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("a world's clock is manual")
    };
    hand.store(NOW + seconds, Relaxed);
}

async fn ask(world: &World, key: &Key, path: &str, body: &Value) -> Reply {
    world.ask(&Ask::post(path, body).key(key.expose())).await
}

/// Limit, remaining and reset of `requests` or `tokens`, as the door tells them.
fn told<'r>(door: Door, reply: &'r Reply, of: &str) -> [Option<&'r str>; 3] {
    ["limit", "remaining", "reset"].map(|what| match door {
        Door::Messages => reply.header(&format!("anthropic-ratelimit-{of}-{what}")),
        _ => reply.header(&format!("x-ratelimit-{what}-{of}")),
    })
}

/// 61 seconds and one second after `NOW`, in the words of each door.
fn reset(door: Door, seconds: i64) -> &'static str {
    match (door, seconds) {
        (Door::Messages, 61) => "2026-11-30T00:54:21Z",
        (_, 61) => "1m1s",
        (_, 1) => "1s",
        other => panic!("{other:?}"),
    }
}

/// The output that a request of a door asks for, set to this.
fn with_output(door: Door, mut body: Value, tokens: u64) -> Value {
    let field = match door {
        Door::Responses => "max_output_tokens",
        Door::Chat => "max_completion_tokens",
        Door::MistralChat | Door::Messages => "max_tokens",
    };
    body[field] = tokens.into();
    body
}

/// What a call is reckoned to come to before it is made.
fn estimate(body: &Value, output: u64) -> u64 {
    (body.to_string().len() as u64).div_ceil(4) + output
}

#[tokio::test]
async fn calls_a_minute_are_held_and_told_at_every_door() {
    for door in DOORS {
        for stream in [false, true] {
            let world = world().await;
            let key = world.new_key(&per_minute(2, 0));
            let body = door.request("lab-m", "Hi", stream);
            for left in ["1", "0"] {
                let reply = ask(&world, &key, door.path(), &body).await.ok();
                let expected = [Some("2"), Some(left), Some(reset(door, 61))];
                assert_eq!(told(door, &reply, "requests"), expected, "{door:?}");
                assert_eq!(told(door, &reply, "tokens"), [None; 3], "{door:?}");
                assert_eq!(reply.header("retry-after"), None);
            }
            let refused = ask(&world, &key, door.path(), &body).await;
            assert_eq!(refused.status, 429, "{door:?}");
            assert_eq!(refused.header("retry-after"), Some("61"));
            assert_eq!(refused.header("x-should-retry"), None);
            let expected = [Some("2"), Some("0"), Some(reset(door, 61))];
            assert_eq!(told(door, &refused, "requests"), expected, "{door:?}");
            let kind = door.error_type(&refused.json());
            assert!(kind.contains("rate_limit"), "{}", refused.text());
            assert!(refused.text().contains("2 calls a minute"));
            assert_eq!(world.fake.calls().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_minute_ends_on_the_second() {
    let world = world().await;
    let key = world.new_key(&per_minute(2, 0));
    let body = Door::Chat.request("lab-m", "Hi", false);
    ask(&world, &key, PATH, &body).await.ok();
    at(&world, 1);
    ask(&world, &key, PATH, &body).await.ok();
    at(&world, 60);
    let refused = ask(&world, &key, PATH, &body).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    at(&world, 61);
    let reply = ask(&world, &key, PATH, &body).await.ok();
    let expected = [Some("2"), Some("0"), Some("1m1s")];
    assert_eq!(told(Door::Chat, &reply, "requests"), expected);
    assert_eq!(ask(&world, &key, PATH, &body).await.status, 429);
    at(&world, 3_600);
    let reply = ask(&world, &key, PATH, &body).await.ok();
    assert_eq!(told(Door::Chat, &reply, "requests")[1], Some("1"));
    // A clock that is set back neither frees nor blocks anybody.
    at(&world, 0);
    ask(&world, &key, PATH, &body).await.ok();
    assert_eq!(ask(&world, &key, PATH, &body).await.status, 429);
}

#[tokio::test]
async fn tokens_are_reserved_by_estimate_and_counted_when_the_call_ends() {
    for door in DOORS {
        for stream in [false, true] {
            let world = world().await;
            let key = world.new_key(&per_minute(0, 5_000));
            let body = with_output(door, door.request("lab-m", "Hi", stream), 2_000);
            let estimate = estimate(&body, 2_000);
            let mut left = 5_000;
            for _ in 0..2 {
                let reply = ask(&world, &key, door.path(), &body).await.ok();
                assert_eq!(door.read(&reply).tokens, (20, 10));
                let remaining = (left - estimate).to_string();
                let expected = [Some("5000"), Some(&*remaining), Some(reset(door, 61))];
                assert_eq!(told(door, &reply, "tokens"), expected, "{door:?}");
                assert_eq!(told(door, &reply, "requests"), [None; 3], "{door:?}");
                left -= USED;
            }
            let greedy = with_output(door, body.clone(), 4_940);
            let refused = ask(&world, &key, door.path(), &greedy).await;
            assert_eq!(refused.status, 429, "{door:?}");
            assert_eq!(refused.header("retry-after"), Some("61"));
            assert_eq!(told(door, &refused, "tokens")[1], Some(&*left.to_string()));
            assert!(refused.text().contains("5000 tokens a minute"));
            assert_eq!(world.fake.calls().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_call_above_the_whole_limit_is_refused_at_once_and_for_good() {
    let world = world().await;
    let key = world.new_key(&per_minute(0, 1_000));
    for door in DOORS {
        for stream in [false, true] {
            let body = with_output(door, door.request("lab-m", "Hi", stream), 1_000);
            let refused = ask(&world, &key, door.path(), &body).await;
            assert_eq!(refused.status, 429, "{door:?}");
            assert_eq!(refused.header("retry-after"), None, "waiting is of no use");
            assert_eq!(refused.header("x-should-retry"), Some("false"));
            assert_eq!(told(door, &refused, "tokens")[1], Some("1000"));
            let tokens = format!("could use {} tokens", estimate(&body, 1_000));
            assert!(refused.text().contains(&tokens), "{}", refused.text());
        }
    }
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn a_failed_call_gives_its_tokens_back_and_one_that_is_left_does_not() {
    let world = world().await;
    let key = world.new_key(&per_minute(0, 5_000));
    let body = with_output(Door::Chat, Door::Chat.request("lab-m", "Hi", true), 1_000);
    let estimate = estimate(&body, 1_000);
    let remaining = |taken: u64| (5_000 - taken).to_string();
    world.fake.always(Answer::fault(Fault::status(400)));
    for _ in 0..2 {
        let failed = ask(&world, &key, PATH, &body).await;
        assert_eq!(failed.status, 400, "{}", failed.text());
        let expected = Some(remaining(estimate));
        assert_eq!(told(Door::Chat, &failed, "tokens")[1], expected.as_deref());
    }
    world.fake.always(Answer::default().head_gate("head"));
    let mut connection = world.connect().await;
    let asking = Ask::post(PATH, &body).key(key.expose());
    connection.write(&asking.bytes()).await;
    within("the call upstream", world.fake.wait_call(2)).await;
    drop(connection);
    let lines = world.log.lines(3).await;
    assert_eq!(lines[2]["outcome"], "client_gone");
    world.fake.gate("head").open_for_good();
    let reply = ask(&world, &key, PATH, &body).await.ok();
    let expected = Some(remaining(2 * estimate));
    assert_eq!(told(Door::Chat, &reply, "tokens")[1], expected.as_deref());
}

#[tokio::test]
async fn other_doors_are_held_too_and_counting_tokens_is_not() {
    let world = world().await;
    let calls = [
        (
            "/v1/fim/completions",
            json!({"model": "lab-m", "prompt": "a", "suffix": "b"}),
        ),
        (
            "/v1/completions",
            json!({"model": "lab-m", "prompt": "a", "suffix": "b"}),
        ),
        ("/v1/embeddings", json!({"model": "lab-e", "input": "a"})),
        (
            "/mistral/v1/embeddings",
            json!({"model": "mistral-e", "input": "a"}),
        ),
    ];
    for (path, body) in calls {
        world.fake.always(Answer::default());
        let key = world.new_key(&per_minute(1, 600));
        let reply = ask(&world, &key, path, &body).await.ok();
        assert_eq!(
            reply.header("x-ratelimit-remaining-requests"),
            Some("0"),
            "{path}"
        );
        let output = if path.ends_with("embeddings") { 0 } else { 500 };
        let left = (600 - estimate(&body, output)).to_string();
        assert_eq!(
            reply.header("x-ratelimit-remaining-tokens"),
            Some(&*left),
            "{path}"
        );
        assert_eq!(ask(&world, &key, path, &body).await.status, 429, "{path}");
        let count = Door::Messages.request("claude-m", "Hi", false);
        let counted = ask(&world, &key, "/v1/messages/count_tokens", &count)
            .await
            .ok();
        assert_eq!(told(Door::Messages, &counted, "requests"), [None; 3]);
    }
}

#[tokio::test]
async fn a_key_has_places_of_its_own() {
    let world = world().await;
    let one = limited(Limits {
        concurrency: NonZeroU32::new(1),
        ..Limits::default()
    });
    let (key, other) = (world.new_key(&one), world.new_key(&one));
    let gated = Answer::text("One two three four").gate("gate");
    world.fake.always(gated);
    world.fake.gate("gate").open(2);
    let body = Door::Chat.request("lab-m", "Hi", true);
    let asking = Ask::post(PATH, &body).key(key.expose());
    let mut running = world.connect().await.begin(&asking).await;
    running.until("One", 1).await;
    world.fake.always(Answer::default());
    for door in DOORS {
        for stream in [false, true] {
            let body = door.request("lab-m", "Hi", stream);
            let refused = ask(&world, &key, door.path(), &body).await;
            assert_eq!(refused.status, 429, "{door:?}");
            assert_eq!(refused.header("retry-after"), Some("1"));
            let said = refused.text();
            assert!(said.contains("raise the key's concurrency"), "{said}");
        }
    }
    ask(&world, &other, PATH, &body).await.ok();
    world.fake.gate("gate").open_for_good();
    running.rest().await;
    ask(&world, &key, PATH, &body).await.ok();
}

#[tokio::test]
async fn m13_ten_times_the_limit_offered_at_once_lets_exactly_the_limit_pass() {
    const LIMIT: usize = 20;
    let world = world().await;
    let rate = world.new_key(&per_minute(20, 0));
    let body = with_output(Door::Chat, Door::Chat.request("lab-m", "Hi", false), 500);
    // Nothing comes back while the gate is shut, so reservations alone decide.
    let all = u32::try_from(estimate(&body, 500)).unwrap() * 20;
    let tokens = world.new_key(&per_minute(0, all));
    let places = world.new_key(&limited(Limits {
        concurrency: NonZeroU32::new(20),
        ..Limits::default()
    }));
    for key in [&rate, &tokens, &places] {
        world.fake.always(Answer::default().head_gate(key.id()));
        let mut calls = JoinSet::new();
        for _ in 0..10 * LIMIT {
            let asking = Ask::post(PATH, &body).key(key.expose());
            let address = world.address;
            calls.spawn(async move { Connection::open(address).await.ask(&asking).await.status });
        }
        for _ in 0..9 * LIMIT {
            let status = within("a refusal", calls.join_next()).await.unwrap();
            assert_eq!(status.unwrap(), 429);
        }
        world.fake.gate(key.id()).open_for_good();
        while let Some(status) = within("an answer", calls.join_next()).await {
            assert_eq!(status.unwrap(), 200);
        }
    }
    assert_eq!(world.fake.calls().len(), 3 * LIMIT);
}

#[tokio::test]
async fn changed_limits_hold_for_the_next_call() {
    let world = world().await;
    let key = world.new_key(&per_minute(1, 0));
    let body = Door::Chat.request("lab-m", "Hi", false);
    ask(&world, &key, PATH, &body).await.ok();
    assert_eq!(ask(&world, &key, PATH, &body).await.status, 429);
    let change = |requests| {
        let store = &world.gateway.store;
        let by = Author::operator(NOW);
        let changed = store.change_key(&by, world.account, key.id(), |terms| {
            terms.limits.requests_per_minute = NonZeroU32::new(requests);
        });
        changed.unwrap();
        world.gateway.ring.refresh().unwrap();
    };
    change(3);
    let reply = ask(&world, &key, PATH, &body).await.ok();
    let expected = [Some("3"), Some("1"), Some("1m1s")];
    assert_eq!(told(Door::Chat, &reply, "requests"), expected);
    change(0);
    for _ in 0..5 {
        let reply = ask(&world, &key, PATH, &body).await.ok();
        assert_eq!(told(Door::Chat, &reply, "requests"), [None; 3]);
    }
}

#[tokio::test]
async fn a_rotated_key_overlaps_and_its_limit_is_not_doubled() {
    let world = world().await;
    let old = world.new_key(&per_minute(3, 0));
    let store = &world.gateway.store;
    let new = store.rotate_key(world.account, old.id(), 600, NOW).unwrap();
    world.gateway.ring.refresh().unwrap();
    let body = Door::Messages.request("claude-m", "Hi", true);
    let path = Door::Messages.path();
    for (key, left) in [(&old, "2"), (&new, "1"), (&old, "0")] {
        let reply = ask(&world, key, path, &body).await.ok();
        assert_eq!(told(Door::Messages, &reply, "requests")[1], Some(left));
    }
    assert_eq!(ask(&world, &new, path, &body).await.status, 429);
    at(&world, 599);
    ask(&world, &old, path, &body).await.ok();
    at(&world, 600);
    let refused = ask(&world, &old, path, &body).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.text().contains("was replaced"),
        "{}",
        refused.text()
    );
    ask(&world, &new, path, &body).await.ok();
}

/// How many calls pass before the budget refuses one; the keys take turns.
async fn calls_within_budget(world: &World, keys: &[&Key]) -> usize {
    let body = with_output(Door::Chat, Door::Chat.request("lab-m", "Hi", false), 10);
    for made in 0..20 {
        let reply = ask(world, keys[made % keys.len()], PATH, &body).await;
        if reply.status != 200 {
            let said = reply.text();
            assert!(said.contains("the budget of the key"), "{said}");
            return made;
        }
    }
    panic!("no budget held")
}

#[tokio::test]
async fn a_rotated_key_spends_one_budget() {
    let world = world().await;
    let budgeted = || NewKey {
        budget: Some((Money::from_pico(300_000_000), Period::Day)),
        ..named("budgeted")
    };
    let (alone, old) = (world.new_key(&budgeted()), world.new_key(&budgeted()));
    let store = &world.gateway.store;
    let new = store.rotate_key(world.account, old.id(), 600, NOW).unwrap();
    let calls = calls_within_budget(&world, &[&alone]).await;
    assert!((2..8).contains(&calls), "{calls}");
    assert_eq!(calls_within_budget(&world, &[&old, &new]).await, calls);
}

#[tokio::test]
async fn a_key_is_served_until_it_expires() {
    let world = world().await;
    let key = world.new_key(&limited(Limits {
        expires_at: Some(NOW + 10),
        ..Limits::default()
    }));
    let body = Door::Chat.request("lab-m", "Hi", false);
    at(&world, 9);
    ask(&world, &key, PATH, &body).await.ok();
    at(&world, 10);
    let refused = ask(&world, &key, PATH, &body).await;
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("expired"), "{}", refused.text());
}

#[tokio::test]
async fn a_key_is_served_by_the_providers_it_names_and_by_no_other() {
    let world = world().await;
    let key = world.new_key(&limited(Limits {
        providers: Some(vec!["spare".into(), "spare-claude".into()]),
        ..Limits::default()
    }));
    for door in DOORS {
        for stream in [false, true] {
            let body = door.request("two-m", "Hi", stream);
            let reply = ask(&world, &key, door.path(), &body).await.ok();
            assert_eq!(reply.header("vane-provider"), Some("spare"), "{door:?}");
            let body = door.request("lab-m", "Hi", stream);
            let refused = ask(&world, &key, door.path(), &body).await;
            assert_eq!(refused.status, 403, "{door:?}");
            let said = refused.text();
            assert!(said.contains("no provider that this key may use"), "{said}");
        }
    }
    // Neither a fallback nor the caller's own choice reaches another provider.
    let mut body = Door::Chat.request("lab-m", "Hi", false);
    body["models"] = json!(["two-m"]);
    let reply = ask(&world, &key, PATH, &body).await.ok();
    assert_eq!(reply.header("vane-provider"), Some("spare"));
    let mut body = Door::Chat.request("two-m", "Hi", false);
    body["provider"] = json!({"only": ["lab"]});
    assert_eq!(ask(&world, &key, PATH, &body).await.status, 400);
    assert!(world.fake.calls().is_empty());

    let list = Ask::get("/v1/models").key(key.expose());
    let list = world.ask(&list).await.ok().json();
    let ids = list["data"].as_array().unwrap().iter();
    let ids: Vec<&str> = ids.map(|card| card["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["two-claude", "two-m"]);
    for (model, status) in [("two-m", 200), ("lab-m", 404)] {
        let one = Ask::get(&format!("/v1/models/{model}")).key(key.expose());
        assert_eq!(world.ask(&one).await.status, status, "{model}");
    }
}

#[tokio::test]
async fn a_key_without_limits_is_told_of_none() {
    let world = world().await;
    for door in DOORS {
        let reply = world.post(door.path(), door.request("lab-m", "Hi", false));
        let reply = reply.await.ok();
        let of_limits = |(name, _): &&(String, String)| name.contains("ratelimit");
        assert_eq!(reply.headers.iter().find(of_limits), None, "{door:?}");
    }
}
