//! `Idempotency-Key`: who asks again is given the first answer, and neither runs nor pays again.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use vane_ledger::Clock;
use vane_testkit::{Answer, FakeUpstream, Fault, Script, Settings, When};

use crate::client::{Ask, Reply, answered, within};
use crate::door::{DOORS, Door};
use crate::serving::Serving;
use crate::world::{Folder, PROVIDER_KEY, World, configuration};

/// As SDKs make them, who send the same with each retry.
const KEY: &str = "stainless-node-retry-0b0ad5f8-5c0e-4f5e-9d3e-6a1f0e9a7c11";
const SAID: &str = "One two three canary five";
/// After the first content, in each dialect.
const CUT: Fault = Fault::ErrorAfter(5);
/// More than is kept of an answer.
const LARGE: usize = (1 << 20) + 1;

/// A call with an idempotency key.
fn once(path: &str, body: &Value, key: &str) -> Ask {
    Ask::post(path, body)
        .key(key)
        .header("idempotency-key", KEY)
}

fn chat(stream: bool) -> Value {
    Door::Chat.request("lab-m", "Hi", stream)
}

/// A call at each door.
fn calls() -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for stream in [false, true] {
        for door in DOORS {
            calls.push((door.path(), door.request(door.own_model(), "Hi", stream)));
            calls.push((door.path(), door.request("two-m", "Hi", stream)));
        }
        for path in [
            "/v1/fim/completions",
            "/mistral/v1/fim/completions",
            "/v1/completions",
        ] {
            let body =
                json!({"model": "codestral-m", "prompt": "a", "suffix": "b", "stream": stream});
            calls.push((path, body));
        }
    }
    for path in ["/v1/embeddings", "/mistral/v1/embeddings"] {
        calls.push((path, json!({"model": "mistral-e", "input": "one"})));
    }
    calls
}

#[track_caller]
fn is_replay(again: &Reply, first: &Reply) {
    assert_eq!(again.status, first.status, "{}", again.text());
    assert_eq!(again.body, first.body, "byte for byte");
    for name in [
        "content-type",
        "cache-control",
        "vane-cost",
        "vane-model",
        "vane-provider",
        "vane-dropped",
    ] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    let id = first.header("vane-request-id");
    assert_eq!(again.header("vane-replayed-from"), id);
    assert_ne!(again.header("vane-request-id"), id);
    assert_eq!(first.header("vane-replayed-from"), None);
}

#[track_caller]
fn is_conflict(reply: &Reply, door: Door, said: &str) {
    let kind = door.error_type(&reply.json());
    let expected = match door {
        Door::Messages => "conflict_error",
        Door::MistralChat => "conflict",
        Door::Chat | Door::Responses => "invalid_request_error",
    };
    assert_eq!((reply.status, kind.as_str()), (409, expected));
    assert!(reply.text().contains(said), "{}", reply.text());
    let (retry, should) = match said {
        RUNNING => (Some("1"), None),
        _ => (None, Some("false")),
    };
    assert_eq!(reply.header("retry-after"), retry);
    assert_eq!(reply.header("x-should-retry"), should);
}

const RUNNING: &str = "is still running";
const OF_ANOTHER: &str = "was used for another request";
const TOO_LARGE: &str = "is not kept";

impl World {
    async fn receipts(&self, key: &str) -> usize {
        let list = self.ask(&Ask::get("/v1/receipts?limit=100").key(key)).await;
        list.ok().json()["data"].as_array().unwrap().len()
    }

    async fn balance(&self, key: &str) -> Value {
        let credits = self.ask(&Ask::get("/v1/credits").key(key)).await;
        credits.ok().json()["balance"].clone()
    }

    /// Asks until the key is free: whoever left gives it back in a moment.
    async fn once_free(&self, ask: &Ask) -> Reply {
        let asking = async {
            loop {
                let reply = self.ask(ask).await;
                if reply.status != 409 {
                    return reply;
                }
            }
        };
        within("the key to be given back", asking).await
    }
}

#[tokio::test]
async fn m11_a_repeat_is_given_the_first_answer_and_is_not_billed() {
    for (path, body) in calls() {
        let world = World::start().await;
        let payer = world.prepaid_key();
        let ask = once(path, &body, payer.expose());
        let first = world.ask(&ask).await.ok();
        let sent = world.only_call();
        assert_eq!(sent.request.header("idempotency-key"), None);
        let (balance, receipts) = (world.balance(payer.expose()).await, 1);
        assert_eq!(world.receipts(payer.expose()).await, receipts);
        for _ in 0..2 {
            let again = world.ask(&ask).await;
            is_replay(&again, &first);
            let line = world
                .log
                .line(again.header("vane-request-id").unwrap())
                .await;
            assert_eq!(line["replayed"].as_str(), first.header("vane-request-id"));
            assert_eq!(
                (&line["attempts"], &line["cost"]),
                (&json!(0), &Value::Null)
            );
        }
        world.only_call();
        assert_eq!(world.balance(payer.expose()).await, balance);
        assert_eq!(world.receipts(payer.expose()).await, receipts);
    }
}

#[tokio::test]
async fn m11_of_calls_with_one_key_at_once_exactly_one_runs() {
    for door in DOORS {
        for stream in [false, true] {
            let world = World::start().await;
            world.fake.always(Answer::text(SAID).head_gate("g"));
            let body = door.request(door.own_model(), "Hi", stream);
            let ask = once(door.path(), &body, &world.key);
            let mut connections = Vec::new();
            for _ in 0..8 {
                let mut connection = world.connect().await;
                connection.write(&ask.bytes()).await;
                connections.push(connection);
            }
            // The seven that are refused, while the one is running.
            world.log.lines(7).await;
            world.fake.gate("g").open_for_good();
            let mut answers = Vec::new();
            for mut connection in connections {
                let reply = answered(&mut connection).await;
                match reply.status {
                    200 => answers.push(reply),
                    _ => is_conflict(&reply, door, RUNNING),
                }
            }
            assert_eq!(answers.len(), 1);
            is_replay(&world.ask(&ask).await, &answers[0]);
            world.only_call();
        }
    }
}

#[tokio::test]
async fn m11_a_key_stands_for_one_request() {
    for door in DOORS {
        let world = World::start().await;
        let body = door.request(door.own_model(), "Hi", false);
        let ask = once(door.path(), &body, &world.key);
        let first = world.ask(&ask).await.ok();
        let other = door.request(door.own_model(), "Ho", false);
        let query = format!("{}?beta=true", door.path());
        for (path, body) in [(door.path(), &other), (&query, &body)] {
            let reply = world.ask(&once(path, body, &world.key)).await;
            is_conflict(&reply, door, OF_ANOTHER);
        }
        let fim = json!({"model": "codestral-m", "prompt": "a", "suffix": "b"});
        let elsewhere = once("/v1/completions", &fim, &world.key);
        is_conflict(&world.ask(&elsewhere).await, Door::Chat, OF_ANOTHER);
        is_replay(&world.ask(&ask).await, &first);
        world.only_call();
    }
}

#[tokio::test]
async fn s8_another_accounts_call_with_the_same_key_is_its_own() {
    let world = World::start().await;
    let other = world.prepaid_key();
    let mut answers = Vec::new();
    for (n, key) in [&world.key, other.expose()].into_iter().enumerate() {
        world.fake.always(Answer::text(&format!("answer {n}")));
        let reply = world.ask(&once(Door::Chat.path(), &chat(false), key)).await;
        assert!(reply.text().contains(&format!("answer {n}")));
        answers.push(reply.ok());
    }
    for (first, key) in answers.iter().zip([&world.key, other.expose()]) {
        is_replay(
            &world.ask(&once(Door::Chat.path(), &chat(false), key)).await,
            first,
        );
    }
    assert_eq!(world.fake.calls().len(), 2);
}

#[tokio::test]
async fn m11_what_failed_is_not_kept_and_an_sdks_retry_runs() {
    for door in DOORS {
        for stream in [false, true] {
            for fault in [
                Fault::status(500),
                Fault::status(503),
                Fault::status(429),
                Fault::OkHtml,
                CUT,
            ] {
                let world = World::start().await;
                let cut = stream && fault == CUT;
                world.fake.always(Answer::text(SAID).with_fault(fault));
                let body = door.request(door.own_model(), "Hi", stream);
                let ask = once(door.path(), &body, &world.key);
                let failed = world.ask(&ask).await;
                assert_eq!(failed.status == 200, cut, "{}", failed.text());
                let before = world.fake.calls().len();
                world.fake.always(Answer::text(SAID));
                // At once: the key was given back before the failure was told.
                let retried = world
                    .ask(&ask.clone().header("x-stainless-retry-count", 1))
                    .await;
                assert_eq!(retried.header("vane-replayed-from"), None);
                assert_eq!(door.read(&retried).text, SAID);
                assert_eq!(world.fake.calls().len(), before + 1);
                is_replay(&world.ask(&ask).await, &retried.ok());
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_was_refused_before_anyone_was_asked_runs_once_it_may() {
    let world = World::start().await;
    let payer = world.prepaid_key();
    let mut body = chat(false);
    body["max_tokens"] = json!(50_000_000);
    let (ask, fake) = (once(Door::Chat.path(), &body, payer.expose()), &world.fake);
    for _ in 0..2 {
        assert_eq!(world.ask(&ask).await.status, 429);
    }
    let unknown = Door::Chat.request("no-such-model", "Hi", false);
    for _ in 0..2 {
        let ask = once(Door::Chat.path(), &unknown, &world.key);
        assert_eq!(world.ask(&ask).await.status, 404);
    }
    let broken = Ask::post(Door::Chat.path(), "{").key(&world.key);
    let broken = broken.header("idempotency-key", KEY);
    for _ in 0..2 {
        assert_eq!(world.ask(&broken).await.status, 400);
    }
    assert!(fake.calls().is_empty());
    let ask = once(Door::Chat.path(), &chat(false), &world.key);
    world.ask(&ask).await.ok();
}

#[tokio::test]
async fn m11_a_client_that_left_gives_its_key_back() {
    for door in DOORS {
        for stream in [false, true] {
            let world = World::start().await;
            let answer = match stream {
                true => Answer::text(SAID).with_fault(Fault::Stall(3)),
                false => Answer::text(SAID).head_gate("never"),
            };
            let script = Script::new().on(When::default().first(1), answer);
            world
                .fake
                .script(script.on(When::default(), Answer::text(SAID)));
            let body = door.request(door.own_model(), "Hi", stream);
            let ask = once(door.path(), &body, &world.key);
            let mut connection = world.connect().await;
            connection.write(&ask.bytes()).await;
            world.fake.wait_call(0).await.unwrap();
            is_conflict(&world.ask(&ask).await, door, RUNNING);
            drop(connection);
            crate::leaving::left(&world, 0).await;
            let retried = world.once_free(&ask).await;
            assert_eq!(retried.header("vane-replayed-from"), None);
            assert_eq!(door.read(&retried).text, SAID);
            assert_eq!(world.fake.calls().len(), 2);
            is_replay(&world.ask(&ask).await, &retried.ok());
        }
    }
}

#[tokio::test]
async fn m11_an_answer_too_large_to_keep_is_not_billed_twice() {
    for stream in [false, true] {
        let world = World::start().await;
        let words = "canary ".repeat(4_096);
        let text = words.repeat(LARGE / words.len() + 1);
        world.fake.always(Answer::text(&text));
        let ask = once(Door::Chat.path(), &chat(stream), &world.key);
        let first = world.ask(&ask).await.ok();
        assert!(first.body.len() > LARGE);
        for _ in 0..2 {
            let again = world.ask(&ask).await;
            is_conflict(&again, Door::Chat, TOO_LARGE);
            assert!(
                again
                    .text()
                    .contains(first.header("vane-request-id").unwrap())
            );
        }
        world.only_call();
        assert_eq!(world.receipts(&world.key).await, 1);
    }
}

#[tokio::test]
async fn m11_after_a_day_the_same_key_runs_again() {
    let world = World::start().await;
    let ask = once(Door::Chat.path(), &chat(false), &world.key);
    let first = world.ask(&ask).await.ok();
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("made manual")
    };
    hand.fetch_add(86_399, Ordering::Relaxed);
    is_replay(&world.ask(&ask).await, &first);
    hand.fetch_add(1, Ordering::Relaxed);
    let second = world.ask(&ask).await.ok();
    assert_eq!(second.header("vane-replayed-from"), None);
    assert_eq!(world.fake.calls().len(), 2);
    is_replay(&world.ask(&ask).await, &second);
}

#[tokio::test]
async fn a_key_that_is_none_is_named() {
    let world = World::start().await;
    for door in DOORS {
        let body = door.request(door.own_model(), "Hi", false);
        let ask = |key: &str| {
            let ask = Ask::post(door.path(), &body).key(&world.key);
            ask.header("Idempotency-Key", key)
        };
        for wrong in ["", "two words", "schl\u{fc}ssel", &"k".repeat(256)] {
            let reply = world.ask(&ask(wrong)).await;
            assert_eq!(reply.status, 400, "{wrong}: {}", reply.text());
            assert!(reply.text().contains("Idempotency-Key"), "{}", reply.text());
        }
        let two = ask("one").header("idempotency-key", "two");
        assert_eq!(world.ask(&two).await.status, 400);
        assert!(world.fake.calls().is_empty());
    }
    let key = "k".repeat(255);
    let ask = Ask::post(Door::Chat.path(), chat(false)).key(&world.key);
    world.ask(&ask.header("idempotency-key", key)).await.ok();
}

/// A call, with a key of its own for whether it streams.
fn served(serving: &Serving, stream: bool) -> Ask {
    let ask = Ask::post(Door::Chat.path(), chat(stream)).key(&serving.key);
    ask.header("idempotency-key", format!("{KEY}-{stream}"))
}

fn again(folder: &Folder, key: &str) -> Serving {
    let mut serving = Serving::again(folder);
    key.clone_into(&mut serving.key);
    serving
}

#[tokio::test]
async fn m11_answers_outlive_a_killed_process_and_its_running_calls_do_not_block() {
    let folder = Folder::new();
    let key = Some(PROVIDER_KEY.to_owned());
    let settings = Settings {
        key,
        ..Settings::default()
    };
    let fake = FakeUpstream::with(settings).await.unwrap();
    let text = configuration(&fake, &fake).replace("sqlite::memory:", "sqlite:vane.db");
    std::fs::write(folder.0.join("vane.toml"), text).unwrap();
    let serving = Serving::start(&folder, &[]);
    fake.always(Answer::text(SAID));
    let whole = serving.ask(&served(&serving, false)).await.ok();
    fake.always(Answer::text(SAID).with_fault(Fault::Stall(3)));
    let mut running = serving.connect().await.begin(&served(&serving, true)).await;
    running.until("One", 1).await;
    let key = serving.key.clone();
    serving.kill();
    fake.always(Answer::text(SAID));
    let serving = again(&folder, &key);
    is_replay(&serving.ask(&served(&serving, false)).await, &whole);
    assert_eq!(fake.calls().len(), 2);
    let streamed = serving.ask(&served(&serving, true)).await.ok();
    assert_eq!(Door::Chat.read(&streamed).text, SAID);
    serving.kill();
    let serving = again(&folder, &key);
    is_replay(&serving.ask(&served(&serving, true)).await, &streamed);
    assert_eq!(fake.calls().len(), 3);
    for entry in std::fs::read_dir(&folder.0).unwrap().map(Result::unwrap) {
        let file = std::fs::read(entry.path()).unwrap_or_default();
        let found = memchr::memmem::find(&file, b"canary five");
        assert_eq!(found, None, "the answer is in {:?}", entry.path());
    }
}

#[tokio::test]
async fn m11_keys_beyond_what_an_account_may_use_are_refused_and_kept_ones_still_told() {
    let world = World::with(|config| config.limits.idempotency_keys_max = 2).await;
    let ask = |key: &str| {
        let ask = Ask::post(Door::Chat.path(), chat(false)).key(&world.key);
        ask.header("idempotency-key", key)
    };
    let first = world.ask(&ask("one")).await.ok();
    world.ask(&ask("two")).await.ok();
    let refused = world.ask(&ask("three")).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(
        refused.text().contains("limits.idempotency_keys_max"),
        "{}",
        refused.text()
    );
    assert_eq!(world.fake.calls().len(), 2);
    is_replay(&world.ask(&ask("one")).await, &first);
    world.post(Door::Chat.path(), chat(false)).await.ok();
}
