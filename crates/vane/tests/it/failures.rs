//! Failures of upstreams: before content nobody notices, after it everybody is told.

use std::time::Duration;

use serde_json::Value;
use vane_testkit::{Answer, Ended, ErrorBody, Fault, Script, When};

use crate::client::{Ask, within};
use crate::door::{DOORS, Door};
use crate::said::events;
use crate::world::World;

const PATH: &str = "/v1/chat/completions";

fn hi(stream: bool) -> Value {
    Door::Chat.request("two-m", "Hi", stream)
}

/// Faults that strike before any content, whatever is asked.
fn early() -> Vec<Fault> {
    vec![
        Fault::status(500),
        Fault::status(503),
        Fault::status(529),
        Fault::status(429),
        Fault::status(401),
        Fault::status(402),
        Fault::status(403),
        Fault::status(404),
        Fault::Status {
            status: 502,
            body: ErrorBody::Html,
        },
        Fault::Status {
            status: 500,
            body: ErrorBody::Empty,
        },
        Fault::OkErrorObject,
        Fault::OkHtml,
        Fault::ErrorFirst,
        Fault::HalfHead,
        Fault::Close,
        Fault::BadChunk,
        Fault::HalfChunk,
        Fault::Truncate {
            frames: 1,
            bytes: 9,
            clean: false,
        },
        Fault::Truncate {
            frames: 1,
            bytes: 0,
            clean: true,
        },
        Fault::Redirect("http://127.0.0.1:9/".to_owned()),
    ]
}

#[tokio::test]
async fn r4_before_content_the_next_offer_answers_and_the_client_sees_only_it() {
    for fault in early() {
        for stream in [true, false] {
            // Faults of a stream leave an unstreamed answer whole.
            let only_streams = matches!(
                fault,
                Fault::BadChunk | Fault::HalfChunk | Fault::Truncate { .. }
            );
            if only_streams && !stream {
                continue;
            }
            let world = World::with(|config| config.retries.per_offer_max = 1).await;
            world
                .fake
                .always(Answer::text("Never seen.").with_fault(fault.clone()));
            world.second.always(Answer::text("From the spare."));
            let reply = world.post(PATH, hi(stream)).await;
            assert_eq!(
                reply.status,
                200,
                "{fault:?}, stream {stream}: {}",
                reply.text()
            );
            assert!(!reply.text().contains("Never"), "{fault:?}");
            assert_eq!(Door::Chat.read(&reply).text, "From the spare.", "{fault:?}");
            assert_eq!(world.log.lines(1).await[0]["outcome"], "done");
        }
    }
}

/// Faults after `frames` frames of a stream.
fn late(frames: usize) -> [Fault; 4] {
    let cut = |bytes, clean| Fault::Truncate {
        frames,
        bytes,
        clean,
    };
    [
        Fault::ErrorAfter(frames),
        cut(11, false),
        cut(0, false),
        cut(0, true),
    ]
}

/// The stream ends in an error of the door's dialect, and in nothing like a stop.
#[track_caller]
fn told(door: Door, text: &str, place: &str) {
    let events = events(text);
    let (name, data) = events.last().unwrap();
    let error: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("{place}"));
    let message = [&error["error"]["message"], &error["message"]];
    match door {
        Door::Chat | Door::MistralChat => {
            assert!(message.iter().any(|text| text.is_string()), "{place}");
        }
        Door::Messages => assert_eq!(name, "error", "{place}"),
        Door::Responses => assert!(name == "response.failed" || name == "error", "{place}"),
    }
    for stop in [
        "[DONE]",
        "event: message_stop",
        "response.completed",
        "\"finish_reason\":\"stop\"",
        "end_turn",
    ] {
        assert!(!text.contains(stop), "{place}");
    }
}

#[tokio::test]
async fn r4_after_content_the_client_is_told_in_its_dialect_and_no_stop_is_faked() {
    let world = World::start().await;
    for door in DOORS {
        for model in crate::door::UPSTREAMS {
            // A stream of Responses opens with more frames before its text.
            let frames = if model == "resp-m" { 8 } else { 6 };
            for fault in late(frames) {
                world.fake.reset();
                let said = "One two three four five six seven eight";
                let gated = Answer::text(said).with_fault(fault.clone()).gate("g");
                world.fake.always(gated);
                world.fake.gate("g").open(frames - 1);
                let body = door.request(model, "Hi", true);
                let mut stream = world.stream(door.path(), body).await;
                stream.until("One", 1).await;
                world.fake.gate("g").open_for_good();
                let reply = stream.rest().await;
                let place = format!("{fault:?}, {door:?} -> {model}: {}", reply.text());
                told(door, reply.text(), &place);
                assert_eq!(world.fake.calls().len(), 1, "not tried again: {place}");
            }
        }
    }
    for line in world.log.lines(4 * 4 * 4).await {
        assert!(
            line["outcome"] == "broken" && line["cost"].is_number(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn r3_a_silent_stream_is_kept_alive_before_and_between_content() {
    for door in DOORS {
        for model in ["lab-m", "claude-m"] {
            let world = World::with(|config| {
                config.timeouts.keep_alive = Duration::from_millis(30);
                config.timeouts.forced_head = Duration::from_millis(30);
            })
            .await;
            world
                .fake
                .always(Answer::text("One two").gate("g").head_gate("head"));
            let mut stream = world
                .stream(door.path(), door.request(model, "Hi", true))
                .await;
            let ping = if door == Door::Messages {
                "event: ping"
            } else {
                ": ping"
            };
            stream.until(ping, 3).await;
            assert!(!stream.so_far().contains("One"));
            world.fake.gate("head").open(1);
            world
                .fake
                .gate("g")
                .open(if model == "lab-m" { 2 } else { 4 });
            let before = stream.until("One", 1).await.matches(ping).count();
            stream.until(ping, before + 2).await;
            world.fake.gate("g").open_for_good();
            let reply = stream.rest().await;
            assert_eq!(door.read(&reply).text, "One two", "{door:?} -> {model}");
        }
    }
}

/// To its decoder the blank line after a comment ends an event, whose empty data is no JSON.
#[tokio::test]
async fn r3_openais_sdk_for_go_is_sent_no_comment_between_frames() {
    let world = World::with(|config| {
        config.timeouts.keep_alive = Duration::from_millis(30);
        config.timeouts.forced_head = Duration::from_millis(30);
    })
    .await;
    let answer = Answer::text("One two").gate("g").head_gate("head");
    world.fake.always(answer);
    let body = Door::Chat.request("lab-m", "Hi", true);
    let ask = Ask::post(PATH, body).key(&world.key);
    let ask = ask.header("user-agent", "OpenAI/Go 3.0.0");
    let mut stream = world.connect().await.begin(&ask).await;
    stream.until(": ping", 3).await;
    world.fake.gate("head").open_for_good();
    world.fake.gate("g").open(2);
    let before = stream.until("One", 1).await.matches(": ping").count();
    stream.until(": ping", before + 2).await;
    world.fake.gate("g").open_for_good();
    let reply = stream.rest().await;
    assert_eq!(Door::Chat.read(&reply).text, "One two");
    for frame in reply.text().split_terminator("\n\n") {
        let last = frame.lines().last().unwrap();
        assert!(last.starts_with("data: "), "{frame}");
    }
}

#[tokio::test]
async fn r4_after_a_forced_head_fallback_goes_on_and_a_last_failure_is_told_in_the_stream() {
    for door in DOORS {
        let world = World::with(|config| {
            config.timeouts.forced_head = Duration::from_millis(20);
            config.timeouts.keep_alive = Duration::from_millis(20);
            config.retries.per_offer_max = 1;
        })
        .await;
        world
            .fake
            .always(Answer::fault(Fault::status(500)).gate("g"));
        world.second.always(Answer::text("From the spare."));
        let mut stream = world
            .stream(door.path(), door.request("two-m", "Hi", true))
            .await;
        world.fake.gate("g").open_for_good();
        let reply = stream.rest().await.ok();
        assert_eq!(door.read(&reply).text, "From the spare.", "{door:?}");
        world
            .second
            .always(Answer::fault(Fault::status(500)).gate("h"));
        let mut stream = world
            .stream(door.path(), door.request("two-m", "Hi", true))
            .await;
        stream.until("ping", 1).await;
        world.second.gate("h").open_for_good();
        let reply = stream.rest().await.ok();
        let events = events(reply.text());
        let (name, data) = events.last().unwrap();
        match door {
            Door::Chat | Door::MistralChat => assert!(data.contains("message"), "{}", reply.text()),
            Door::Messages => assert_eq!(name, "error", "{}", reply.text()),
            Door::Responses => assert!(
                name == "response.failed" || name == "error",
                "{}",
                reply.text()
            ),
        }
        assert!(!reply.text().contains("[DONE]") && !reply.text().contains("message_stop"));
        assert_eq!(world.log.lines(2).await[1]["outcome"], "broken");
    }
}

#[tokio::test]
async fn r4_a_stream_that_holds_no_answer_falls_back_and_is_not_billed() {
    let counts = r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}"#;
    for frames in [
        "data: [DONE]\n\n".to_owned(),
        format!("{counts}\n\ndata: [DONE]\n\n"),
    ] {
        let world = World::with(|config| config.retries.per_offer_max = 1).await;
        let nothing = Answer::recorded("text/event-stream", &frames);
        world.fake.always(nothing);
        world.second.always(Answer::text("From the spare."));
        let reply = world.post(PATH, hi(true)).await.ok();
        assert_eq!(Door::Chat.read(&reply).text, "From the spare.", "{frames}");
        assert_eq!(world.log.lines(1).await[0]["provider"], "spare");
    }
}

#[tokio::test]
async fn r5_the_last_offer_is_never_benched_to_nothing() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    for fault in [Fault::status(500), Fault::status(401), Fault::Close] {
        world.fake.always(Answer::fault(fault));
        for _ in 0..5 {
            let reply = world
                .post(PATH, Door::Chat.request("lab-m", "Hi", false))
                .await;
            assert!([500, 502].contains(&reply.status), "{}", reply.text());
        }
        world.fake.always(Answer::text("Well again."));
        world
            .post(PATH, Door::Chat.request("lab-m", "Hi", false))
            .await
            .ok();
    }
}

#[tokio::test]
async fn r5_a_bad_credential_benches_its_provider_and_a_bad_offer_only_itself() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    world
        .fake
        .script(Script::new().on(When::model("lab-m"), Answer::fault(Fault::status(500))));
    for _ in 0..4 {
        world
            .post(PATH, Door::Chat.request("lab-m", "Hi", false))
            .await;
    }
    let reply = world.post(PATH, hi(false)).await.ok();
    assert_eq!(
        reply.header("vane-provider"),
        Some("lab"),
        "another offer of it is well"
    );
    world
        .fake
        .script(Script::new().on(When::model("lab-m"), Answer::fault(Fault::status(401))));
    for _ in 0..4 {
        world
            .post(PATH, Door::Chat.request("lab-m", "Hi", false))
            .await;
    }
    let reply = world.post(PATH, hi(false)).await.ok();
    assert_eq!(
        reply.header("vane-provider"),
        Some("spare"),
        "its key is bad for all offers"
    );
}

#[tokio::test]
async fn our_credential_is_never_the_callers_problem() {
    let world = World::start().await;
    for door in DOORS {
        for status in [401, 402, 403] {
            world.fake.always(Answer::fault(Fault::status(status)));
            for stream in [false, true] {
                let reply = world
                    .post(door.path(), door.request(door.own_model(), "Hi", stream))
                    .await;
                assert!(
                    [502, 503].contains(&reply.status),
                    "{door:?} {status}: {}",
                    reply.text()
                );
                assert_eq!(
                    reply.header("x-should-retry"),
                    Some("false"),
                    "{door:?} {status}"
                );
                assert!(
                    !reply.text().to_lowercase().contains("api key"),
                    "{}",
                    reply.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn retries_have_a_budget() {
    let world = World::with(|config| {
        config.retries.budget_percent = 0;
        config.retries.attempts_max = 2;
        config.retries.per_offer_max = 1;
    })
    .await;
    world.fake.always(Answer::fault(Fault::status(500)));
    world.second.always(Answer::fault(Fault::status(500)));
    for _ in 0..30 {
        world.post(PATH, hi(false)).await;
    }
    let asked = world.fake.calls().len() + world.second.calls().len();
    assert_eq!(
        asked,
        30 + 20,
        "one try each, and the twenty retries of a fresh gateway"
    );
}

#[tokio::test]
async fn r10_what_never_ends_or_never_comes_is_a_fault() {
    // The one that answers instead has the same time to do so.
    let quick = Duration::from_secs(3);
    for fault in [
        Fault::Stall(0),
        Fault::Stall(1),
        Fault::SlowHead,
        Fault::GiantFrame(2_000_000),
        Fault::Bomb(5_000_000),
        Fault::LongLength(10),
    ] {
        for stream in [true, false] {
            if fault == Fault::Stall(1) && !stream {
                continue;
            }
            let world = World::with(|config| {
                match fault {
                    Fault::SlowHead => config.timeouts.upstream_head = quick,
                    Fault::Stall(_) => config.timeouts.idle = quick,
                    _ => {}
                }
                config.limits.frame_bytes_max = 1_000_000;
                config.limits.answer_bytes_max = 1_000_000;
                config.retries.per_offer_max = 1;
            })
            .await;
            world
                .fake
                .always(Answer::text("Never whole.").with_fault(fault.clone()));
            world.second.always(Answer::text("From the spare."));
            let reply = world.post(PATH, hi(stream)).await;
            let place = format!("{fault:?}, stream {stream}: {}", reply.text());
            if matches!(fault, Fault::LongLength(_)) && stream {
                // A stream that said its last word is whole, whatever its head promised.
                reply.ok();
                continue;
            }
            let reply = reply.ok();
            assert_eq!(Door::Chat.read(&reply).text, "From the spare.", "{place}");
            let call = within("the first upstream to be left", world.fake.wait_closed(0)).await;
            assert!(call.unwrap().ended.is_some());
        }
    }
}

#[tokio::test]
async fn r10_an_endless_stream_ends_at_its_time_with_an_error() {
    let world = World::with(|config| config.timeouts.stream = Duration::from_secs(1)).await;
    let endless = Answer::text("Again and again").with_fault(Fault::Endless);
    world.fake.always(endless.delay_ms(1));
    let reply = world
        .post(PATH, Door::Chat.request("lab-m", "Hi", true))
        .await
        .ok();
    let events = events(reply.text());
    let last: Value = serde_json::from_str(&events.last().unwrap().1).unwrap();
    assert!(last["error"]["message"].is_string(), "{last}");
    let call = within("the upstream to be left", world.fake.wait_closed(0))
        .await
        .unwrap();
    assert_eq!(call.ended, Some(Ended::ClientLeft));
}

#[tokio::test]
async fn r10_a_stall_after_content_is_told() {
    let world = World::with(|config| config.timeouts.idle = Duration::from_secs(2)).await;
    for door in DOORS {
        world
            .fake
            .always(Answer::text("One two three").with_fault(Fault::Stall(5)));
        let reply = world
            .post(door.path(), door.request("claude-m", "Hi", true))
            .await
            .ok();
        assert!(reply.text().contains("One"), "{}", reply.text());
        assert!(reply.text().contains("error"), "{door:?}: {}", reply.text());
        assert!(!reply.text().contains("event: message_stop") && !reply.text().contains("[DONE]"));
    }
}

#[tokio::test]
async fn r11_every_chunk_comes_when_it_is_sent() {
    let world = World::start().await;
    for (door, model) in [
        (Door::Chat, "lab-m"),
        (Door::Chat, "claude-m"),
        (Door::Messages, "claude-m"),
        (Door::Messages, "lab-m"),
        (Door::Responses, "mistral-m"),
        (Door::Responses, "resp-m"),
    ] {
        world.fake.reset();
        let words: Vec<String> = (0..12).map(|number| format!("w{number}w ")).collect();
        world.fake.always(Answer::text(&words.concat()).gate("g"));
        let body = door.request(model, "Hi", true);
        let ask = Ask::post(door.path(), body).key(&world.key);
        let mut connection = world.connect().await;
        connection.write(&ask.bytes()).await;
        let gate = world.fake.gate("g");
        let frames = match model {
            "lab-m" => 1,
            "mistral-m" => 1,
            "claude-m" => 3,
            _ => 4,
        };
        gate.open(frames + 1);
        let mut stream = crate::client::Stream::of(connection).await;
        for word in &words {
            // The next frame leaves only when the last one is here.
            stream.until(word.trim(), 1).await;
            gate.open(1);
        }
        gate.open_for_good();
        let reply = stream.rest().await;
        assert_eq!(door.read(&reply).text, words.concat());
    }
}

#[tokio::test]
async fn r4_a_failure_after_a_forced_head_begins_with_response_created() {
    let world = World::with(|config| {
        config.timeouts.forced_head = Duration::from_millis(20);
        config.timeouts.keep_alive = Duration::from_millis(20);
        config.retries.per_offer_max = 1;
    })
    .await;
    for model in ["resp-m", "lab-m"] {
        let fails = Answer::fault(Fault::status(500)).gate(model);
        world.fake.always(fails);
        let body = Door::Responses.request(model, "Hi", true);
        let mut stream = world.stream(Door::Responses.path(), body).await;
        stream.until("ping", 1).await;
        world.fake.gate(model).open_for_good();
        let reply = stream.rest().await.ok();
        let said = events(reply.text()).into_iter().enumerate();
        let kinds: Vec<String> = said
            .map(|(number, (kind, data))| {
                let data: Value = serde_json::from_str(&data).unwrap();
                assert_eq!(data["sequence_number"], number, "{model}: {data}");
                kind
            })
            .collect();
        let expected = [
            "response.created",
            "response.in_progress",
            "response.failed",
        ];
        assert_eq!(kinds, expected, "{model}");
    }
}

#[tokio::test]
async fn r10_a_stream_that_never_ends_is_a_fault_at_the_answer_limit() {
    let world = World::with(|config| config.limits.answer_bytes_max = 20_000).await;
    for door in DOORS {
        let endless = Answer::text("Again and again").with_fault(Fault::Endless);
        world.fake.always(endless);
        let body = door.request("lab-m", "Hi", true);
        let reply = within("its end", world.post(door.path(), body)).await.ok();
        assert!(reply.text().contains("Again"), "{door:?}");
        told(door, reply.text(), &format!("{door:?}"));
        assert!(
            reply.text().contains("over the limit of 80000 bytes"),
            "{door:?}: {}",
            reply.text()
        );
    }
}
