//! What strict clients and strict providers cannot read is amended on its way to them, and nothing
//! else is.

use serde_json::{Value, json};
use vane_dialect::quirk::Quirk;
use vane_testkit::{Answer, ErrorBody, Fault};

use crate::door::Door;
use crate::world::World;

const SSE: &str = "text/event-stream";

/// Two calls as Google's layer for OpenAI's clients streams them: unnumbered, with the end in the
/// last of them, and counts beside it.
const GOOGLE: [&str; 2] = [
    r#"{"choices":[{"delta":{"role":"assistant","tool_calls":[{"extra_content":{"google":{"thought_signature":"c2ln"}},"function":{"arguments":"{\"city\":\"Rome\"}","name":"weather"},"id":"function-call-1","type":"function"}]},"index":0}],"created":1,"id":"a","model":"gemini-3-fake","object":"chat.completion.chunk"}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}","name":"time"},"id":"function-call-2","type":"function","index":null}]},"finish_reason":"stop","index":0}],"created":1,"id":"a","model":"gemini-3-fake","object":"chat.completion.chunk","usage":{"completion_tokens":10,"prompt_tokens":20,"total_tokens":30}}"#,
];

fn streamed(chunks: &[&str]) -> Answer {
    let frames: String = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    Answer::recorded(SSE, &format!("{frames}data: [DONE]\n\n"))
}

fn refused(status: u16, body: &str) -> Fault {
    Fault::Status {
        status,
        body: ErrorBody::Raw(body.to_owned()),
    }
}

fn chunks(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let data = data.filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[tokio::test]
async fn streamed_calls_without_a_number_get_one_and_end_as_calls() {
    let world = World::start().await;
    world.fake.always(streamed(&GOOGLE));
    let mut body = Door::Chat.request("gem-m", "Hi", true);
    body["stream_options"] = json!({"include_usage": true});
    let reply = world.post(Door::Chat.path(), body).await.ok();
    let mut told = chunks(reply.text());
    let mut sent: Vec<Value> = GOOGLE
        .iter()
        .map(|chunk| serde_json::from_str(chunk).unwrap())
        .collect();
    for (number, chunk) in sent.iter_mut().enumerate() {
        chunk["choices"][0]["delta"]["tool_calls"][0]["index"] = json!(number);
    }
    sent[1]["choices"][0]["finish_reason"] = json!("tool_calls");
    let cost = told[1]["usage"].as_object_mut().unwrap().remove("cost");
    assert!(cost.is_some(), "{}", reply.text());
    assert_eq!(told, sent);
    assert!(
        reply
            .text()
            .contains(r#""tool_calls":[{"index":0,"extra_content""#),
        "{}",
        reply.text()
    );
}

/// OpenAI itself ends a call that was demanded by name with `stop`.
#[tokio::test]
async fn who_numbers_its_calls_is_taken_at_its_word() {
    let world = World::start().await;
    let own = [0, 1].map(|number| {
        let mut chunk: Value = serde_json::from_str(GOOGLE[number]).unwrap();
        chunk["choices"][0]["delta"]["tool_calls"][0]["index"] = json!(number);
        chunk.as_object_mut().unwrap().remove("usage");
        chunk.to_string()
    });
    world.fake.always(streamed(&[&own[0], &own[1]]));
    let body = Door::Chat.request("lab-m", "Hi", true);
    let reply = world.post(Door::Chat.path(), body).await.ok();
    for chunk in own {
        assert!(reply.text().contains(&chunk), "{}", reply.text());
    }
}

/// A stream of one choice a chunk, as `lab` sends it and a client of the same dialect gets it.
async fn forwarded(choices: &[Value]) -> Vec<Value> {
    let world = World::start().await;
    let chunk = |choice: &Value| {
        json!({"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [choice]})
        .to_string()
    };
    let sent: Vec<String> = choices.iter().map(chunk).collect();
    let sent: Vec<&str> = sent.iter().map(String::as_str).collect();
    world.fake.always(streamed(&sent));
    let body = Door::Chat.request("lab-m", "Hi", true);
    let reply = world.post(Door::Chat.path(), body).await.ok();
    let told = chunks(reply.text()).into_iter();
    told.map(|mut chunk| chunk["choices"][0].take()).collect()
}

/// Ollama's has one number for all calls, and vLLM goes on with a call without its id.
#[tokio::test]
async fn streamed_calls_of_one_number_are_told_apart_by_their_ids() {
    let call = |id: &str, arguments: &str| {
        let call = json!({"index": 0, "id": id, "type": "function",
            "function": {"name": "w", "arguments": arguments}});
        json!({"index": 0, "delta": {"tool_calls": [call]}})
    };
    let rest = json!({"index": 0, "delta": {"tool_calls": [
        {"index": 0, "function": {"arguments": ":2}"}}]}});
    let end = json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"});
    let sent = [call("a", "{\"p\":1}"), call("b", "{\"p\""), rest, end];
    let told = forwarded(&sent).await;
    let numbers = told[..3].iter().map(|choice| {
        let calls = &choice["delta"]["tool_calls"];
        calls[0]["index"].as_u64().unwrap()
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(told[0], sent[0]);
}

/// As MiniMax streams: an empty role in each chunk, and a last one without a delta.
#[tokio::test]
async fn streamed_chunks_have_a_role_and_a_delta_that_clients_can_read() {
    let said = |text: &str| json!({"index": 0, "delta": {"role": "", "content": text}});
    let end = json!({"finish_reason": "stop", "index": 0,
        "message": {"role": "assistant", "content": "One two"}});
    let told = forwarded(&[said("One"), said(" two"), said(" three"), end]).await;
    let roles: Vec<&Value> = told[..3]
        .iter()
        .map(|choice| &choice["delta"]["role"])
        .collect();
    assert_eq!(roles, [&json!("assistant"), &Value::Null, &Value::Null]);
    let texts = told[..3]
        .iter()
        .map(|choice| choice["delta"]["content"].as_str().unwrap());
    assert_eq!(texts.collect::<String>(), "One two three");
    assert_eq!(told[3]["delta"], json!({}));
    assert_eq!(told[3]["finish_reason"], "stop");
}

/// Typed clients read them into enumerations, and fail at a word of the server's own.
#[tokio::test]
async fn reasons_and_tiers_of_a_servers_own_are_told_in_openais_words() {
    let said = json!({"index": 0, "delta": {"content": "One"}, "finish_reason": ""});
    let end = json!({"index": 0, "delta": {}, "finish_reason": "eos"});
    let told = forwarded(&[said, end]).await;
    assert_eq!(told[0]["finish_reason"], Value::Null);
    assert_eq!(told[1]["finish_reason"], "stop");
    let world = World::start().await;
    let message = json!({"role": "assistant", "content": "One"});
    let mut whole = json!({"id": "a", "object": "chat.completion", "created": 1, "model": "m",
        "service_tier": "on_demand",
        "choices": [{"index": 0, "message": message, "finish_reason": "end_turn"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}});
    let sent = Answer::recorded("application/json", &whole.to_string());
    world.fake.always(sent);
    let body = Door::Chat.request("lab-m", "Hi", false);
    let mut told = world.post(Door::Chat.path(), body).await.ok().json();
    let cost = told["usage"].as_object_mut().unwrap().remove("cost");
    assert!(cost.is_some(), "{told}");
    whole["service_tier"] = Value::Null;
    whole["choices"][0]["finish_reason"] = json!("stop");
    assert_eq!(told, whole);
}

/// As Ollama streams a model that writes before it thinks: SDKs keep blocks by their place, and the
/// text would be lost.
#[tokio::test]
async fn a_block_that_begins_in_the_place_of_an_open_one_gets_its_own() {
    let world = World::start().await;
    let start = |index: u64, kind: &str, text: &str| {
        json!({"type": "content_block_start",
        "index": index, "content_block": {"type": kind, text: ""}})
    };
    let delta = |index: u64, kind: &str, key: &str, said: &str| {
        json!({"type": "content_block_delta",
        "index": index, "delta": {"type": kind, key: said}})
    };
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    let sent = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
            "role": "assistant", "model": "m", "content": [], "stop_reason": null,
            "usage": {"input_tokens": 3, "output_tokens": 0}}}),
        start(0, "text", "text"),
        delta(0, "text_delta", "text", "---"),
        delta(0, "text_delta", "text", "!"),
        start(0, "thinking", "thinking"),
        delta(0, "thinking_delta", "thinking", "hm"),
        delta(0, "thinking_delta", "thinking", "hm"),
        stop(0),
        start(1, "text", "text"),
        delta(1, "text_delta", "text", "Yes"),
        stop(1),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let frames = sent.iter().map(|data| {
        let event = data["type"].as_str().unwrap();
        format!("event: {event}\ndata: {data}\n\n")
    });
    let frames: String = frames.collect();
    world.fake.always(Answer::recorded(SSE, &frames));
    let body = Door::Messages.request("claude-m", "Hi", true);
    let reply = world.post(Door::Messages.path(), body).await.ok();
    let told = chunks(reply.text());
    let places: Vec<(&str, u64)> = told
        .iter()
        .filter_map(|data| Some((data["type"].as_str()?, data["index"].as_u64()?)))
        .collect();
    let (start, delta, stop) = (
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    );
    let expected = [
        (start, 0),
        (delta, 0),
        (delta, 0),
        (stop, 0),
        (start, 1),
        (delta, 1),
        (delta, 1),
        (stop, 1),
        (start, 2),
        (delta, 2),
        (stop, 2),
    ];
    assert_eq!(places, expected);
    assert!(reply.text().contains("\"cost\":"), "{}", reply.text());
}

/// Servers say it with any status, and in a stream that began well. It is the caller's own: asked
/// again it costs the same, and no offer is benched for it.
#[tokio::test]
async fn a_conversation_that_is_too_long_is_the_callers_wherever_it_is_told() {
    let chat = r#"{"error":{"message":"the request exceeds the available context size. try increasing it","type":"exceed_context_size_error","code":500}}"#;
    let messages = r#"{"type":"error","error":{"type":"internal_error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000."}}"#;
    let plain = r#"{"error":{"message":"This model's maximum context length is 131072 tokens.","type":"invalid_request_error"}}"#;
    let studio = "event: error\ndata: {\"error\":{\"message\":\"Input does not fit in context length\"}}\n\n";
    let json = "application/json";
    for (door, model, status, kind, said) in [
        (Door::Chat, "lab-m", 500, json, chat),
        (Door::Chat, "lab-m", 200, SSE, studio),
        (Door::Messages, "claude-m", 500, json, messages),
        (Door::Messages, "claude-m", 400, json, plain),
    ] {
        let world = World::start().await;
        for nth in 1..=4 {
            let answer = match status {
                200 => Answer::recorded(kind, said),
                status => Answer::fault(refused(status, said)),
            };
            world.fake.always(answer);
            let stream = kind == SSE;
            let reply = world
                .post(door.path(), door.request(model, "Hi", stream))
                .await;
            assert_eq!(reply.status, 400, "{}", reply.text());
            assert_eq!(world.fake.calls().len(), nth, "asked once: {said}");
            if door == Door::Messages {
                assert!(
                    reply.text().contains("prompt is too long"),
                    "{}",
                    reply.text()
                );
            }
        }
    }
}

/// What a client of the dialect would not know for an error is told in its envelope.
#[tokio::test]
async fn errors_come_in_the_envelope_of_the_door_and_keep_their_reason() {
    let chat = (Door::Chat, "lab-m");
    let messages = (Door::Messages, "claude-m");
    for ((door, model), said) in [
        (
            chat,
            r#"[{"error":{"code":400,"message":"The reason.","status":"INVALID_ARGUMENT"}}]"#,
        ),
        (
            chat,
            r#"{"object":"error","message":"The reason.","type":"BadRequestError","code":400}"#,
        ),
        (chat, r#"{"detail":"The reason."}"#),
        (chat, r#"{"error":"The reason."}"#),
        (
            chat,
            r#"{"code":"Client specified an invalid argument","error":"The reason."}"#,
        ),
        (messages, r#"{"error":"The reason."}"#),
        (
            messages,
            r#"{"error":{"message":"The reason.","code":400}}"#,
        ),
    ] {
        let world = World::start().await;
        world.fake.always(Answer::fault(refused(400, said)));
        let reply = world
            .post(door.path(), door.request(model, "Hi", false))
            .await;
        assert_eq!(reply.status, 400, "{said}");
        let told = reply.json();
        let message = told["error"]["message"].as_str().unwrap();
        assert!(message.contains("The reason."), "{said}: {told}");
        assert!(told["error"]["type"].is_string(), "{said}: {told}");
    }
}

/// Codex takes an answer that is incomplete for a content filter for a line that broke, and asks
/// for it five times more.
#[tokio::test]
async fn a_refusal_is_a_complete_response_that_says_so() {
    let world = World::start().await;
    for said in ["", "I began, "] {
        for stream in [false, true] {
            let start = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}"#;
            let block = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
            let delta = json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": said}});
            let end = r#"{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":4}}"#;
            let mut events = vec![("message_start", start.to_owned())];
            if !said.is_empty() {
                events.push(("content_block_start", block.to_owned()));
                events.push(("content_block_delta", delta.to_string()));
                let stop = r#"{"type":"content_block_stop","index":0}"#;
                events.push(("content_block_stop", stop.to_owned()));
            }
            events.push(("message_delta", end.to_owned()));
            events.push(("message_stop", r#"{"type":"message_stop"}"#.to_owned()));
            let frames: String = events
                .iter()
                .map(|(event, data)| format!("event: {event}\ndata: {data}\n\n"))
                .collect();
            let content = match said {
                "" => json!([]),
                text => json!([{"type": "text", "text": text}]),
            };
            let whole = json!({"id": "msg_1", "type": "message", "role": "assistant",
                "model": "claude-m", "content": content, "stop_reason": "refusal",
                "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 4}});
            world.fake.always(match stream {
                true => Answer::recorded(SSE, &frames),
                false => Answer::recorded("application/json", &whole.to_string()),
            });
            let body = Door::Responses.request("claude-m", "Hi", stream);
            let reply = world.post(Door::Responses.path(), body).await.ok();
            let response = match stream {
                true => chunks(reply.text()).pop().unwrap()["response"].clone(),
                false => reply.json(),
            };
            assert_eq!(response["status"], "completed", "{response}");
            let items = response["output"].as_array().unwrap();
            assert_eq!(items.len(), 1 + usize::from(!said.is_empty()), "{response}");
            let part = &items.last().unwrap()["content"][0];
            assert_eq!(part["type"], "refusal", "{response}");
            assert!(!part["refusal"].as_str().unwrap().is_empty());
        }
    }
}

/// A turn with one call of this id, and its result, as each door writes it.
fn with_a_call(door: Door, model: &str, id: &str) -> Value {
    let mut body = door.request(model, "Hi", false);
    let schema = json!({"type": "object", "properties": {}});
    let (turns, list) = match door {
        Door::Messages => {
            body["tools"] = json!([{"name": "read", "input_schema": schema}]);
            let call = json!({"type": "tool_use", "id": id, "name": "read", "input": {}});
            let result = json!({"type": "tool_result", "tool_use_id": id, "content": "text"});
            let call = json!({"role": "assistant", "content": [call]});
            let turns = [call, json!({"role": "user", "content": [result]})];
            (turns, "messages")
        }
        Door::Responses => {
            let call =
                json!({"type": "function_call", "call_id": id, "name": "read", "arguments": "{}"});
            let output = json!({"type": "function_call_output", "call_id": id, "output": "text"});
            let user = json!({"role": "user", "content": "Hi"});
            body["input"] = json!([user]);
            ([call, output], "input")
        }
        _ => {
            let call = json!({"id": id, "type": "function", "function": {"name": "read", "arguments": "{}"}});
            let call = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            let result = json!({"role": "tool", "tool_call_id": id, "content": "text"});
            ([call, result], "messages")
        }
    };
    body[list].as_array_mut().unwrap().extend(turns);
    body
}

/// The id of the call that was sent, which its result has too.
fn sent_id(sent: &Value) -> String {
    fn ids(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                let is_call = members
                    .get("type")
                    .is_some_and(|kind| kind == "tool_use" || kind == "function");
                for (key, value) in members {
                    let names = ["tool_use_id", "tool_call_id", "call_id"];
                    if names.contains(&key.as_str()) || (is_call && key == "id") {
                        found.push(value.as_str().unwrap().to_owned());
                    }
                    ids(value, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| ids(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    ids(sent, &mut found);
    assert_eq!(found.len(), 2, "{sent}");
    assert_eq!(found[0], found[1], "{sent}");
    found.swap_remove(0)
}

/// Kimi names its calls so, and vLLM had longer ones: a conversation that goes on at another provider
/// would be refused there for good.
#[tokio::test]
async fn ids_of_calls_that_another_made_are_made_what_the_provider_takes() {
    let long = format!("functions.mcp__a_server__a_tool:{}", "7".repeat(60));
    let kimi = "functions.Read:0";
    let is_word = |id: &str| {
        let mut bytes = id.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    for (door, model) in [
        (Door::Messages, "claude-m"),
        (Door::Messages, "gpt-m"),
        (Door::Chat, "claude-m"),
        (Door::Chat, "gpt-m"),
        (Door::Responses, "gpt-m"),
        (Door::Responses, "claude-m"),
    ] {
        for id in [&long, kimi] {
            let world = World::start().await;
            let body = with_a_call(door, model, id);
            world.post(door.path(), &body).await.ok();
            world.post(door.path(), &body).await.ok();
            let calls = world.fake.calls();
            let sent = sent_id(&calls[0].json());
            match model {
                "claude-m" => assert!(is_word(&sent), "{door:?}: {sent}"),
                _ if calls[0].request.path.ends_with("/responses") => {
                    assert!(sent.len() <= 64, "{sent}")
                }
                _ => assert!(sent.len() <= 40, "{sent}"),
            }
            assert_eq!(sent, sent_id(&calls[1].json()), "the prompt cache holds");
        }
    }
}

#[tokio::test]
async fn t12_ids_that_a_provider_takes_leave_the_bytes_alone() {
    for (door, model) in [(Door::Messages, "claude-m"), (Door::Chat, "gpt-m")] {
        let world = World::start().await;
        let body = with_a_call(door, model, "toolu_01-A").to_string();
        world.post(door.path(), &body).await.ok();
        assert_eq!(world.only_call().body_text(), body);
    }
}

#[tokio::test]
async fn an_answer_that_the_client_began_is_asked_for_below_beta_where_it_is_refused_elsewhere() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::PrefillInBeta);
        }
    })
    .await;
    let ask = |last: Value| json!({"model": "lab-m", "messages": [{"role": "user", "content": "Hi"}, last]});
    let begun = |prefix: bool| json!({"role": "assistant", "content": "Be", "prefix": prefix});
    let beta = "/openai/beta/chat/completions";
    for (body, path, begins) in [
        (ask(begun(true)), beta, true),
        (ask(begun(false)), "/openai/v1/chat/completions", false),
        (
            Door::Chat.request("lab-m", "Hi", false),
            "/openai/v1/chat/completions",
            false,
        ),
    ] {
        world.fake.reset();
        let reply = world.post(Door::Chat.path(), body).await.ok();
        assert_eq!(reply.header("vane-dropped"), None);
        let call = world.only_call();
        assert_eq!(call.request.path, path);
        assert_eq!(call.body_text().contains(r#""prefix":true"#), begins);
    }
}

#[tokio::test]
async fn who_answers_as_a_stream_only_is_not_asked_for_a_whole_answer() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::StreamsOnly);
        }
    })
    .await;
    let refused = world
        .post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", false))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert_eq!(refused.json()["error"]["param"], "stream");
    assert!(refused.text().contains("`stream: true`"));
    world
        .post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", true))
        .await
        .ok();
    assert!(world.only_call().body_text().contains(r#""stream":true"#));
}
