//! Recorded traffic of many providers over sockets: what a client reads of it, streamed and whole;
//! and the ways of asking that recorded clients have.
//!
//! The recordings are the golden streams of `vane-dialect`; the snapshots there show each frame.
//! Here the whole gateway stands around the codecs: splitting, pricing, the two forms of an answer.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use vane_testkit::{Answer, Fault, Recorded, Split};

use crate::client::Ask;
use crate::door::{DOORS, Door};
use crate::said::Said;
use crate::world::{World, cost_in};

const HOME: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../vane-dialect/tests/golden/streams"
);

/// The upstream dialects and the model that is asked in each.
const RECORDED: [(&str, &str, Door); 4] = [
    ("openai_chat", "lab-m", Door::Chat),
    ("openai_responses", "resp-m", Door::Responses),
    ("anthropic_messages", "claude-m", Door::Messages),
    ("mistral_chat", "mistral-m", Door::MistralChat),
];

fn recorded(content_type: &str, file: &Path) -> Answer {
    Answer {
        recorded: Some(Recorded {
            content_type: content_type.to_owned(),
            body: fs::read_to_string(file).unwrap(),
        }),
        ..Answer::default()
    }
}

/// The streams that have a whole twin, and are answers.
fn twins(dialect: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(format!("{HOME}/{dialect}")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut twins: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|end| end == "sse"))
        .filter(|file| file.with_extension("json").exists())
        .filter(|file| {
            let events = fs::read_to_string(file.with_extension("events.snap")).unwrap();
            // Free text of a custom tool is no JSON, which the reader of tools expects.
            !events.contains("\nfault: ")
                && !events.starts_with("fault: ")
                && !events.contains("form: Custom")
        })
        .collect();
    twins.sort();
    twins
}

/// What is said, and its cost: there is none where the answer names a tier without a price.
async fn read(world: &World, door: Door, model: &str, stream: bool) -> (Said, Option<String>) {
    let ask = door.request(model, "Hi", stream);
    let reply = world.post(door.path(), ask).await.ok();
    let text = reply.text();
    let cost = text.contains("\"cost\":").then(|| cost_in(text).to_owned());
    (door.read(&reply), cost)
}

#[tokio::test]
async fn t1_t19_recorded_streams_and_their_twins_read_alike_through_every_door() {
    let world = World::start().await;
    let mut seen = 0;
    for (dialect, model, own) in RECORDED {
        for file in twins(dialect) {
            for door in DOORS.into_iter().filter(|door| *door != own) {
                world
                    .fake
                    .always(recorded("application/json", &file.with_extension("json")));
                let (whole, cost) = read(&world, door, model, false).await;
                // An answer that was cut by a limit ends in an event of another name.
                if whole.finish == "incomplete" {
                    continue;
                }
                world.fake.always(recorded("text/event-stream", &file));
                let streamed = read(&world, door, model, true).await;
                assert_eq!(streamed, (whole, cost), "{} to {door:?}", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} were read");
}

#[tokio::test]
async fn a_whole_answer_to_a_stream_is_told_as_a_stream() {
    let world = World::start().await;
    let file = PathBuf::from(format!("{HOME}/openai_chat/local_server_quirks.json"));
    world.fake.always(recorded("application/json", &file));
    for door in DOORS {
        let (said, _) = read(&world, door, "lab-m", true).await;
        assert_eq!(said.text, "Yo", "{door:?}");
        assert_eq!(said.tools, [("ls".to_owned(), "{}".to_owned())], "{door:?}");
        assert_eq!(said.tokens, (8, 6), "{door:?}");
    }
}

#[tokio::test]
async fn a_stream_of_another_type_is_read_by_what_it_begins_with() {
    let world = World::start().await;
    let stream = PathBuf::from(format!("{HOME}/openai_chat/alibaba_pieces.sse"));
    let stream = fs::read_to_string(stream).unwrap();
    for door in DOORS {
        world
            .fake
            .always(Answer::recorded("text/event-stream", &stream));
        let expected = read(&world, door, "lab-m", true).await;
        for kind in [
            "application/json",
            "text/plain; charset=utf-8",
            "Text/Event-Stream",
        ] {
            for before in [
                "",
                "\n\r\n",
                ": processing\n\n",
                "retry: 10\n",
                "\n\nid: 1\n",
            ] {
                let body = format!("{before}{stream}");
                let answer = Answer::recorded("text/event-stream", &body);
                let answer = answer.with_fault(Fault::ContentType(kind.to_owned()));
                let begins_slowly = Split::At((1..8).collect());
                world.fake.always(answer.split(begins_slowly));
                let said = read(&world, door, "lab-m", true).await;
                assert_eq!(said, expected, "{door:?} {kind} {before:?}");
            }
        }
        // And what is no stream is none, whatever it is called.
        let whole = PathBuf::from(format!("{HOME}/openai_chat/local_server_quirks.json"));
        let whole = format!("\n {}", fs::read_to_string(whole).unwrap());
        world.fake.always(Answer::recorded("text/plain", &whole));
        assert_eq!(read(&world, door, "lab-m", true).await.0.text, "Yo");
        for body in ["<html></html>", "database is down", " \n", ""] {
            world.fake.always(Answer::recorded("text/html", body));
            let ask = door.request("lab-m", "Hi", true);
            let reply = world.post(door.path(), ask).await;
            assert_eq!(reply.status, 502, "{door:?} {body}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_stream_of_another_type_is_passed_on_as_it_comes() {
    let world = World::start().await;
    let stream = PathBuf::from(format!("{HOME}/openai_chat/alibaba_pieces.sse"));
    let stream = fs::read_to_string(stream).unwrap();
    let answer = Answer::recorded("text/event-stream", &stream).gate("slow");
    let mislabelled = Fault::ContentType("application/json".to_owned());
    world.fake.always(answer.with_fault(mislabelled));
    let gate = world.fake.gate("slow");
    // The first frame says nothing: with the second one the client gets a head.
    gate.open(2);
    let ask = Door::Chat.request("lab-m", "Hi", true);
    let mut client = world.stream(Door::Chat.path(), ask).await;
    let early = client.until("Look.", 1).await;
    assert!(!early.contains("[DONE]"));
    gate.open_for_good();
    assert!(client.rest().await.text().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn every_door_answers_with_the_id_that_its_clients_show() {
    let world = World::start().await;
    for (door, header) in [
        (Door::Chat, "x-request-id"),
        (Door::Responses, "x-request-id"),
        (Door::Messages, "request-id"),
    ] {
        for stream in [false, true] {
            let body = door.request(door.own_model(), "Hi", stream);
            let reply = world.post(door.path(), body).await.ok();
            assert!(reply.header(header).is_some(), "{door:?} lacks {header}");
        }
    }
    let refused = world.post("/v1/messages", json!({"model": 7})).await;
    assert_eq!(refused.status, 400);
    let id = refused.header("request-id").unwrap();
    assert_eq!(refused.json()["request_id"], id, "the body names it too");
}

#[tokio::test]
async fn claude_codes_ways_to_ask_are_all_served() {
    let world = World::start().await;
    let body = Door::Messages.request("claude-m", "Hi", false);
    let bearer = format!("Bearer {}", world.key);
    let ways = [
        Ask::post("/v1/messages?beta=true", &body).header("x-api-key", &world.key),
        Ask::post("/v1/messages?beta=true", &body).header("authorization", &bearer),
        // A key that a program of the user's prints arrives in both.
        Ask::post("/v1/messages?beta=true", &body)
            .header("authorization", &bearer)
            .header("x-api-key", &world.key),
    ];
    for way in &ways {
        world.ask(way).await.ok();
    }
    for call in world.fake.calls() {
        // Formally required; one that is missing stands for the first version.
        assert_eq!(call.request.header("anthropic-version"), Some("2023-06-01"));
    }
}

#[tokio::test]
async fn a_translated_call_says_the_version_that_its_body_is_written_for() {
    let world = World::start().await;
    let body = Door::Chat.request("claude-m", "Hi", false);
    world.post("/v1/chat/completions", body).await.ok();
    let call = world.only_call();
    assert_eq!(call.request.header("anthropic-version"), Some("2023-06-01"));
}

#[tokio::test]
async fn a_tool_of_another_dialect_that_must_be_called_is_a_400() {
    let world = World::start().await;
    let mut body = Door::Messages.request("lab-m", "Hi", false);
    body["tools"] = json!([{"type": "web_search_20260318", "name": "web_search"}]);
    world.post("/v1/messages", &body).await.ok();
    body["tool_choice"] = json!({"type": "tool", "name": "web_search"});
    let refused = world.post("/v1/messages", &body).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("web_search"), "{}", refused.text());
    assert_eq!(world.fake.calls().len(), 1);
}

#[tokio::test]
async fn stored_responses_are_not_found_and_what_needs_memory_is_refused() {
    let world = World::start().await;
    for (method, path) in [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("POST", "/v1/responses/compact"),
    ] {
        let reply = world.ask(&Ask::new(method, path).key(&world.key)).await;
        assert_eq!(reply.status, 404, "{method} {path}");
        assert!(reply.json()["error"]["message"].is_string());
    }
    for (member, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
    ] {
        // Towards a provider that would remember: all accounts share its key.
        let mut body = Door::Responses.request("resp-m", "Hi", false);
        body[member] = value;
        let reply = world.post("/v1/responses", body).await;
        assert_eq!(reply.status, 400, "{member}");
        assert!(reply.text().contains(member), "{}", reply.text());
    }
    assert!(world.fake.calls().is_empty());
}
