//! `POST /v1/responses`.

use serde_json::{Value, json};
use vane::config::Config;
use vane_dialect::Dialect;
use vane_testkit::{Answer, Settings};

use crate::door::Door;
use crate::said::events;
use crate::world::{PROVIDER_KEY, World, cost_in};

const PATH: &str = "/v1/responses";

#[tokio::test]
async fn t12_request_and_answer_are_the_clients_and_the_providers_bytes() {
    let world = World::start().await;
    for stream in [false, true] {
        world.fake.reset();
        let body = format!(
            r#"{{"store":false,"model" : "resp-m","stream":{stream},"client_metadata":{{"b":1,"a":2}},"input":"Hi"}}"#
        );
        let reply = world.post(PATH, &body).await.ok();
        let call = world.only_call();
        assert_eq!(call.body_text(), body);
        let cost = format!(",\"cost\":{}", cost_in(reply.text()));
        assert_eq!(
            reply.text().replace(&cost, ""),
            String::from_utf8(call.sent).unwrap()
        );
    }
}

/// Servers of open weights speak responses too, and refuse all tools there but functions: `spare`.
async fn beside_open_weights() -> World {
    let key = Some(PROVIDER_KEY.to_owned());
    let strict = Settings {
        key,
        ..Settings::default()
    };
    let open = Settings {
        only_functions: true,
        ..strict.clone()
    };
    let speaks = |config: &mut Config| {
        let spare = config.providers.iter_mut().find(|row| row.id == "spare");
        let spare = spare.unwrap();
        let responses = (Dialect::OpenaiResponses, "/responses".to_owned());
        spare.speaks.push(responses);
        // So a search costs nothing there either.
        let model = &mut spare.models[0];
        (model.input, model.output, model.cache_read, model.free) = (None, None, None, true);
    };
    World::of(strict, open, speaks).await
}

#[tokio::test]
async fn codexs_request_is_served_by_every_provider() {
    let world = beside_open_weights().await;
    for model in [
        "resp-m",
        "lab-m",
        "mistral-m",
        "claude-m",
        "gpt-m",
        "spare/two-m",
    ] {
        let answer =
            Answer::text("On it. ").and_tool("aB3dE6gH1", "shell", r#"{"command":["ls"]}"#);
        world.fake.always(answer.clone());
        world.second.always(answer);
        let body = json!({"model": model, "stream": true, "store": false, "tool_choice": "auto",
            "parallel_tool_calls": true, "reasoning": {"summary": "auto"},
            "include": ["reasoning.encrypted_content"], "prompt_cache_key": "k", "client_metadata": {"x": "y"},
            "input": [
                {"type": "message", "id": "msg_1", "role": "developer", "content": [{"type": "input_text", "text": "You are Codex."}]},
                {"type": "message", "id": "msg_2", "role": "user", "content": [{"type": "input_text", "text": "List"}]}],
            "tools": [
                {"type": "function", "name": "shell", "strict": false, "parameters": {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}}},
                {"type": "namespace", "name": "multi", "description": "d", "tools": [{"type": "function", "name": "agent", "parameters": {"type": "object", "properties": {}}}]},
                {"type": "web_search", "external_web_access": true}]});
        let reply = world.post(PATH, body).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        let said = Door::Responses.read(&reply);
        assert_eq!(
            said.tools,
            [("shell".to_owned(), r#"{"command":["ls"]}"#.to_owned())],
            "{model}"
        );
        let events = events(reply.text());
        for needed in [
            "response.created",
            "response.output_item.done",
            "response.completed",
        ] {
            assert!(
                events.iter().any(|(name, _)| name == needed),
                "{model}: {needed}"
            );
        }
        let numbers: Vec<u64> = events
            .iter()
            .map(|(_, data)| {
                serde_json::from_str::<Value>(data).unwrap()["sequence_number"]
                    .as_u64()
                    .unwrap()
            })
            .collect();
        assert!(
            numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
            "{model}: {numbers:?}"
        );
        let done = events
            .iter()
            .filter(|(name, _)| name == "response.output_item.done");
        let call = done
            .map(|(_, data)| serde_json::from_str::<Value>(data).unwrap())
            .find(|e| e["item"]["type"] == "function_call");
        assert_eq!(call.unwrap()["item"]["call_id"], "aB3dE6gH1", "{model}");
    }
}

#[tokio::test]
async fn only_functions_go_as_they_are_to_who_knows_no_other_tools() {
    let world = beside_open_weights().await;
    for (kind, path, answers_as) in [
        ("function", "/responses", ("f", None)),
        ("custom", "/chat/completions", ("f", None)),
        ("namespace", "/chat/completions", ("f", Some("n"))),
    ] {
        world.second.reset();
        let called = if kind == "namespace" { "n__f" } else { "f" };
        let arguments = r#"{"input":"x"}"#;
        world
            .second
            .always(Answer::tool("aB3dE6gH1", called, arguments));
        let function = json!({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}});
        let tool = match kind {
            "namespace" => {
                json!({"type": kind, "name": "n", "description": "d", "tools": [function]})
            }
            "custom" => json!({"type": kind, "name": "f"}),
            _ => function,
        };
        let body = json!({"model": "spare/two-m", "store": false, "input": "Hi", "tools": [tool]});
        let reply = world.post(PATH, body).await.ok().json();
        let calls = world.second.calls();
        assert!(calls[0].request.path.ends_with(path), "{kind}: {calls:?}");
        let output = reply["output"].as_array().unwrap();
        let call = output.iter().find(|item| item["name"].is_string()).unwrap();
        let said = (call["name"].as_str().unwrap(), call["namespace"].as_str());
        assert_eq!(said, answers_as, "{kind}: {call}");
        assert_eq!(
            call["type"] == "custom_tool_call",
            kind == "custom",
            "{call}"
        );
    }
}

#[tokio::test]
async fn stored_state_is_refused_by_name() {
    let world = World::start().await;
    for (key, value) in [
        ("previous_response_id", json!("resp_1")),
        ("background", json!(true)),
        ("conversation", json!("conv_1")),
    ] {
        let mut body = Door::Responses.request("lab-m", "Hi", false);
        body[key] = value;
        let reply = world.post(PATH, body).await;
        assert_eq!(reply.status, 400, "{key}: {}", reply.text());
        assert!(reply.text().contains(key), "{}", reply.text());
    }
    assert!(world.fake.calls().is_empty());
    let reply = world.get("/v1/responses/resp_1").await;
    assert_eq!(reply.status, 404);
    reply.json();
}

#[tokio::test]
async fn responses_goes_to_responses_and_to_chat_where_there_is_nothing_else() {
    let world = World::start().await;
    for model in ["resp-m", "gpt-m", "lab-m", "mistral-m", "claude-m"] {
        let reply = world
            .post(
                PATH,
                json!({"model": model, "store": false, "input": "Hi", "instructions": "Be brief."}),
            )
            .await
            .ok();
        let body = reply.json();
        assert_eq!(
            (&body["object"], &body["status"]),
            (&json!("response"), &json!("completed")),
            "{model}"
        );
        for key in [
            "id",
            "created_at",
            "output",
            "parallel_tool_calls",
            "tool_choice",
            "tools",
            "usage",
        ] {
            assert!(!body[key].is_null(), "{model} {key}");
        }
    }
    let paths: Vec<String> = world
        .fake
        .calls()
        .iter()
        .map(|call| call.request.path.clone())
        .collect();
    let expected = [
        "/openai/v1/responses",
        "/openai/v1/responses",
        "/openai/v1/chat/completions",
        "/mistral/v1/chat/completions",
        "/anthropic/v1/messages",
    ];
    assert_eq!(paths, expected);
}
