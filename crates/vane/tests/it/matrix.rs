//! Every door with every upstream dialect: what must not depend on either.

use serde_json::{Value, json};
use vane_dialect::quirk::Quirk;
use vane_testkit::{Answer, Script, Usage, When};

use crate::door::{DOORS, Door, UPSTREAMS};
use crate::world::{World, cost_in, pico};

/// An answer with everything in it. The ids are legal at every provider.
fn rich() -> Answer {
    Answer::reasoning("The user wants both.")
        .and_text("I look them up, d\u{e9}j\u{e0}. ")
        .and_tool("aB3dE6gH1", "look", r#"{"q": "first"}"#)
        .and_tool("aB3dE6gH2", "look", r#"{"q":"second","n":1.50}"#)
}

/// $1 and $2 per million, $0.10 for what came from the cache.
const COUNTS: Usage = Usage {
    prompt: 1_000,
    completion: 100,
    cached: 400,
    cache_write: 0,
    reasoning: 30,
};
const COST: i64 = 600 * 1_000_000 + 400 * 100_000 + 100 * 2_000_000;

#[tokio::test]
async fn t1_t3_streamed_equals_unstreamed_through_every_door_and_upstream() {
    let world = World::start().await;
    world.fake.always(rich());
    for door in DOORS {
        for model in UPSTREAMS {
            let ask = |stream| door.with_tool(door.request(model, "Look both up", stream), "look");
            let whole = world.post(door.path(), ask(false)).await.ok();
            let streamed = world.post(door.path(), ask(true)).await.ok();
            let written = whole.text().to_owned();
            let (whole, streamed) = (door.read(&whole), door.read(&streamed));
            assert_eq!(whole, streamed, "{door:?} -> {model}");
            assert_eq!(
                whole.text, "I look them up, d\u{e9}j\u{e0}. ",
                "{door:?} -> {model}"
            );
            assert_eq!(whole.tools.len(), 2, "{door:?} -> {model}: {whole:?}");
            assert_eq!(whole.tools[0].1, r#"{"q":"first"}"#);
            assert_eq!(
                whole.reasoning, "The user wants both.",
                "{door:?} -> {model}"
            );
            // T12: the digits of a number are the provider's.
            assert!(written.contains("1.50"), "{written}");
        }
    }
}

#[tokio::test]
async fn m1_the_cost_is_the_same_on_every_path() {
    let world = World::start().await;
    world.fake.always(rich().usage(COUNTS));
    for door in DOORS {
        for model in UPSTREAMS {
            for stream in [false, true] {
                let body = door.with_tool(door.request(model, "Look both up", stream), "look");
                let reply = world.post(door.path(), body).await.ok();
                let place = format!("{door:?} -> {model}, stream {stream}: {}", reply.text());
                assert_eq!(pico(cost_in(reply.text())), COST, "{place}");
                assert_eq!(door.read(&reply).tokens, (1_000, 100), "{place}");
                if !stream {
                    assert_eq!(reply.header("vane-cost").map(pico), Some(COST), "{place}");
                }
            }
        }
    }
    let lines = world.log.lines(DOORS.len() * UPSTREAMS.len() * 2).await;
    for line in lines {
        assert_eq!(line["cost"], json!(0.00084), "{line}");
        assert_eq!(
            (&line["input"], &line["output"]),
            (&json!(1_000), &json!(100))
        );
        assert_eq!(line["counted"], "reported");
    }
}

#[tokio::test]
async fn t4_reasoning_state_survives_a_three_turn_tool_loop() {
    for door in DOORS {
        for model in UPSTREAMS {
            let world = World::start().await;
            let turns = [
                Answer::reasoning("First thought.").and_tool("aB3dE6gH1", "look", r#"{"q":"a"}"#),
                Answer::reasoning("Second thought.").and_tool("aB3dE6gH2", "look", r#"{"q":"b"}"#),
                Answer::text("Done."),
            ];
            let script = turns.into_iter().fold(Script::new(), |s, answer| {
                s.on(When::default().first(1), answer)
            });
            world.fake.script(script);
            let mut body = door.with_tool(door.request(model, "Look up both", false), "look");
            for _ in 0..2 {
                let reply = world.post(door.path(), &body).await.ok();
                body = door.continued(body, &reply.json(), "found it");
            }
            let last = world.post(door.path(), &body).await;
            assert_eq!(
                last.status,
                200,
                "{door:?} -> {model}: {}\n{body:#}",
                last.text()
            );
            assert_eq!(door.read(&last).text, "Done.");
            let calls = world.fake.calls();
            // What the provider handed out came back to it, both states and in order.
            let handed: Vec<&str> = states(std::str::from_utf8(&calls[0].sent).unwrap())
                .into_iter()
                .chain(states(std::str::from_utf8(&calls[1].sent).unwrap()))
                .collect();
            let opaque = matches!(model, "claude-m" | "resp-m");
            assert_eq!(handed.len(), if opaque { 2 } else { 0 });
            let returned = states(calls[2].body_text());
            assert_eq!(
                returned,
                handed,
                "{door:?} -> {model}: {}",
                calls[2].body_text()
            );
        }
    }
}

#[tokio::test]
async fn t4_a_thought_whose_conversation_may_have_changed_is_passed_over_not_refused() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::BindsThoughts);
        }
    })
    .await;
    for door in DOORS {
        world.fake.reset();
        let first = Answer::reasoning("A thought.").and_tool("aB3dE6gH1", "look", r#"{"q":"a"}"#);
        let script = Script::new().on(When::default().nth(1), first);
        world.fake.script(script);
        let body = door.with_tool(door.request("claude-m", "Look it up", false), "look");
        let reply = world.post(door.path(), &body).await.ok();
        let next = door.continued(body, &reply.json(), "found it");
        world.post(door.path(), next).await.ok();
        let told = world.fake.calls().into_iter().map(|call| {
            let beta = call.request.header("anthropic-beta").map(str::to_owned);
            (
                beta,
                call.body_text()
                    .contains(r#""block_binding":{"prefix_mismatch_behavior":"drop_block"}"#),
            )
        });
        let told: Vec<_> = told.collect();
        // Bytes of Anthropic's own clients are theirs.
        let said = match door {
            Door::Messages => (None, false),
            Door::Chat | Door::MistralChat | Door::Responses => (
                Some("thinking-binding-controls-2026-08-01".to_owned()),
                true,
            ),
        };
        assert_eq!(told, [(None, false), said], "{door:?}");
    }
}

/// The opaque states in a text, in order.
fn states(text: &str) -> Vec<&str> {
    text.match_indices("EqFake")
        .map(|(at, _)| &text[at..at + 24])
        .collect()
}

#[tokio::test]
async fn t4_the_state_of_another_provider_is_removed() {
    let world = World::start().await;
    let answer = Answer::reasoning("A thought.").and_tool("aB3dE6gH1", "look", r#"{"q":"a"}"#);
    world
        .fake
        .script(Script::new().on(When::default().nth(1), answer));
    for door in DOORS {
        for (first, then) in [
            ("claude-m", "resp-m"),
            ("resp-m", "claude-m"),
            ("claude-m", "lab-m"),
            ("resp-m", "mistral-m"),
        ] {
            world.fake.reset();
            let answer =
                Answer::reasoning("A thought.").and_tool("aB3dE6gH1", "look", r#"{"q":"a"}"#);
            world
                .fake
                .script(Script::new().on(When::default().nth(1), answer));
            let body = door.with_tool(door.request(first, "Look it up", false), "look");
            let reply = world.post(door.path(), &body).await.ok();
            let mut next = door.continued(body, &reply.json(), "found it");
            next["model"] = json!(then);
            let last = world.post(door.path(), &next).await;
            let asked = world.fake.calls();
            assert_eq!(
                last.status,
                200,
                "{door:?}, {first} then {then}: {} {}",
                last.text(),
                asked[1].body_text()
            );
            assert!(
                !asked[1].body_text().contains("EqFake"),
                "{door:?}, {first} then {then}: {}",
                asked[1].body_text()
            );
        }
    }
}

/// The third request of a conversation that calls tools twice, at `model` throughout.
async fn third_request(world: &World, door: Door, model: &str, stream: bool) -> String {
    let turns = [
        Answer::text("I look. ")
            .and_tool("aB3dE6gH1", "look", r#"{"q":"a"}"#)
            .and_tool("aB3dE6gH2", "look", r#"{"q":"b"}"#),
        Answer::tool("aB3dE6gH3", "look", r#"{"q":"c"}"#),
        Answer::text("Done."),
    ];
    let script = turns.into_iter().fold(Script::new(), |s, answer| {
        s.on(When::default().first(1), answer)
    });
    world.fake.script(script);
    let mut body = door.with_tool(door.request(model, "Look up all", stream), "look");
    for _ in 0..2 {
        let reply = world.post(door.path(), &body).await.ok();
        let told = if stream {
            door.joined(reply.text())
        } else {
            reply.json()
        };
        body = door.continued(body, &told, "found it");
    }
    let last = world.post(door.path(), &body).await;
    let said = last.text();
    assert_eq!(last.status, 200, "{door:?} -> {model}: {said}\n{body:#}");
    world.fake.calls()[2].body_text().to_owned()
}

#[tokio::test]
async fn t4_thought_signatures_survive_a_three_turn_tool_loop() {
    for door in DOORS {
        for stream in [false, true] {
            let world = World::start().await;
            let third = third_request(&world, door, "gem-m", stream).await;
            let calls = world.fake.calls();
            let handed: Vec<&str> = [&calls[0], &calls[1]]
                .into_iter()
                .flat_map(|call| states(std::str::from_utf8(&call.sent).unwrap()))
                .collect();
            assert_eq!(
                handed.len(),
                2,
                "only the first of parallel calls is signed"
            );
            assert_eq!(states(&third), handed, "{door:?}, stream {stream}: {third}");
            assert!(!third.contains("skip_thought"), "{door:?}: {third}");
            let third: Value = serde_json::from_str(&third).unwrap();
            let signed = &third["messages"][1]["tool_calls"];
            assert!(signed[0]["extra_content"]["google"]["thought_signature"].is_string());
            assert!(signed[1].get("extra_content").is_none(), "{door:?}");
        }
    }
}

#[tokio::test]
async fn t4_thought_signatures_stay_away_from_other_providers_and_are_stood_in_for() {
    for door in DOORS {
        for (first, then) in [
            ("gem-m", "gpt-m"),
            ("gem-m", "claude-m"),
            ("claude-m", "gem-m"),
        ] {
            let world = World::start().await;
            let answer = Answer::reasoning("Hm.").and_tool("aB3dE6gH1", "look", r#"{"q":"a"}"#);
            let script = Script::new().on(When::default().nth(1), answer);
            world.fake.script(script);
            let body = door.with_tool(door.request(first, "Look it up", false), "look");
            let reply = world.post(door.path(), &body).await.ok();
            let mut next = door.continued(body, &reply.json(), "found it");
            next["model"] = json!(then);
            let last = world.post(door.path(), &next).await.ok();
            let asked = &world.fake.calls()[1];
            let place = format!("{door:?}, {first} then {then}: {}", asked.body_text());
            assert!(states(asked.body_text()).is_empty(), "{place}");
            let placeholder = asked
                .body_text()
                .contains("skip_thought_signature_validator");
            assert_eq!(placeholder, then == "gem-m", "{place}");
            let dropped = last.header("vane-dropped").unwrap_or_default();
            assert!(dropped.contains("reasoning_state"), "{place} {dropped}");
        }
    }
}

#[tokio::test]
async fn m1_a_stream_says_its_cost_once_and_to_the_digit() {
    let world = World::start().await;
    let odd = Usage {
        prompt: 1,
        completion: 3,
        ..Usage::default()
    };
    world.fake.always(Answer::text("Hi.").usage(odd));
    for door in DOORS {
        for model in UPSTREAMS {
            let reply = world
                .post(door.path(), door.request(model, "Hi", true))
                .await
                .ok();
            assert_eq!(cost_in(reply.text()), "0.000007", "{door:?} -> {model}");
        }
    }
}
