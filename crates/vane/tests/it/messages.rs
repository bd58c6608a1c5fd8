//! `POST /v1/messages`.

use serde_json::{Value, json};
use vane_testkit::{Answer, Fault, Script, Usage, When};

use crate::client::Ask;
use crate::door::Door;
use crate::said::events;
use crate::world::{World, cost_in};

const PATH: &str = "/v1/messages";

fn hi(model: &str, stream: bool) -> Value {
    Door::Messages.request(model, "Hi", stream)
}

#[tokio::test]
async fn t5_a_beta_header_and_its_field_go_up_together_untouched() {
    let world = World::start().await;
    let body = r#"{"model":"claude-m","max_tokens":99,"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"messages":[{"role":"user","content":"Hi"}]}"#;
    let ask = Ask::post("/v1/messages?beta=true", body)
        .header("x-api-key", &world.key)
        .header("anthropic-version", "2023-06-01")
        .header(
            "anthropic-beta",
            "context-management-2025-06-27,other-2030-01-01",
        );
    world.ask(&ask).await.ok();
    let sent = world.only_call();
    assert_eq!(sent.body_text(), body);
    let beta = sent.request.header("anthropic-beta");
    assert_eq!(beta, Some("context-management-2025-06-27,other-2030-01-01"));
    assert_eq!(sent.request.header("anthropic-version"), Some("2023-06-01"));
}

#[tokio::test]
async fn t5_towards_another_dialect_neither_header_nor_field_goes() {
    let world = World::start().await;
    for model in ["lab-m", "mistral-m", "resp-m"] {
        let mut body = hi(model, false);
        body["context_management"] = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
        let ask = Ask::post(PATH, body)
            .key(&world.key)
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "context-management-2025-06-27");
        let reply = world.ask(&ask).await.ok();
        assert!(
            reply
                .header("vane-dropped")
                .unwrap()
                .contains("context_management")
        );
    }
    for call in world.fake.calls() {
        assert!(
            !call.body_text().contains("context_management"),
            "{}",
            call.body_text()
        );
        let names = call
            .request
            .headers
            .iter()
            .map(|(name, _)| name.to_lowercase());
        assert!(
            names
                .into_iter()
                .all(|name| !name.starts_with("anthropic-"))
        );
    }
}

#[tokio::test]
async fn t5_the_newer_version_goes_up_as_it_came() {
    let world = World::start().await;
    let ask = Ask::post(PATH, hi("claude-m", false))
        .key(&world.key)
        .header("anthropic-version", "2026-10-21");
    world.ask(&ask).await.ok();
    assert_eq!(
        world.only_call().request.header("anthropic-version"),
        Some("2026-10-21")
    );
}

#[tokio::test]
async fn t12_request_and_answer_are_the_clients_and_the_providers_bytes() {
    let world = World::start().await;
    for stream in [false, true] {
        world.fake.reset();
        let body = format!(
            r#"{{"max_tokens" : 5e2, "model":"claude-m" ,"stream":{stream},"unknown_field":null,"messages":[{{"content":"\u0048i","role":"user"}}]}}"#
        )
        .replace("5e2", "500")
        .replace("\"unknown_field\":null,", "");
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

#[tokio::test]
async fn t19_a_translated_stream_has_all_counts_at_its_end() {
    let world = World::start().await;
    let counts = Usage {
        prompt: 1_000,
        completion: 50,
        cached: 400,
        ..Usage::default()
    };
    world.fake.always(Answer::text("Hi.").usage(counts));
    for model in ["claude-m", "lab-m", "mistral-m", "resp-m"] {
        let reply = world.post(PATH, hi(model, true)).await.ok();
        let events = events(reply.text());
        let (_, delta) = events
            .iter()
            .find(|(name, _)| name == "message_delta")
            .unwrap();
        let usage = &serde_json::from_str::<Value>(delta).unwrap()["usage"];
        assert_eq!(usage["input_tokens"], 600, "{model}: {delta}");
        assert_eq!(usage["cache_read_input_tokens"], 400, "{model}: {delta}");
        assert_eq!(usage["output_tokens"], 50, "{model}: {delta}");
        let (_, start) = &events[0];
        for key in [
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ] {
            assert!(start.contains(&format!("\"{key}\":")), "{model}: {start}");
        }
    }
}

#[tokio::test]
async fn t20_parallel_results_reach_anthropic_as_one_turn() {
    let world = World::start().await;
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let body = json!({"model": "claude-m", "messages": [
        {"role": "user", "content": "Both"},
        {"role": "assistant", "content": null, "tool_calls": [call("call_1"), call("call_2")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "one"},
        {"role": "tool", "tool_call_id": "call_2", "content": "two"}],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]});
    world.post("/v1/chat/completions", body).await.ok();
    let sent = world.only_call().json();
    let turns = sent["messages"].as_array().unwrap();
    assert_eq!(turns.len(), 3, "{sent}");
    let results: Vec<_> = turns[2]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["tool_use_id"])
        .collect();
    assert_eq!(results, ["call_1", "call_2"]);
}

/// What Claude Code asks first.
fn claude_codes(model: &str) -> Value {
    json!({"model": model, "stream": true, "max_tokens": 3200,
        "system": [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=00001;"},
            {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
            {"role": "system", "content": "A reminder."}],
        "tools": [{"name": "Bash", "description": "Runs", "input_schema": {"type": "object", "$schema": "x", "properties": {"command": {"type": "string"}}}}],
        "metadata": {"user_id": "{\"session_id\":\"s\"}"},
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "high"}})
}

#[tokio::test]
async fn claude_codes_request_is_served_by_every_provider() {
    let world = World::start().await;
    let elsewhere = json!({"only": ["spare-claude"]});
    for (model, provider) in [
        ("claude-m", Value::Null),
        ("lab-m", Value::Null),
        ("mistral-m", Value::Null),
        ("resp-m", Value::Null),
        ("gpt-m", Value::Null),
        ("two-claude", elsewhere),
    ] {
        let mut body = claude_codes(model);
        body["provider"] = provider;
        let ask = Ask::post("/v1/messages?beta=true", body)
            .key(&world.key)
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "claude-code-20250219");
        let reply = world.ask(&ask).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        assert_eq!(
            Door::Messages.read(&reply).text,
            "Hello from the fake upstream."
        );
    }
    let calls = world.fake.calls();
    assert!(
        calls[0].body_text().contains("billing-header"),
        "its own provider may see it"
    );
    let elsewhere = world.second.calls();
    assert_eq!((calls.len(), elsewhere.len()), (5, 1));
    for call in calls[1..].iter().chain(&elsewhere) {
        assert!(
            !call.body_text().contains("billing-header"),
            "{}",
            call.body_text()
        );
        assert!(call.body_text().contains("A reminder."));
    }
}

#[tokio::test]
async fn claude_code_reaches_others_that_speak_messages_without_its_billing_line_or_inner_system() {
    let world = World::start().await;
    let asked = |with: &dyn Fn(&mut Value)| {
        let mut body = claude_codes("two-claude");
        body["provider"] = json!({"only": ["spare-claude"]});
        with(&mut body);
        body.to_string()
    };
    let no_inner = |body: &mut Value| drop(body["messages"].as_array_mut().unwrap().pop());
    let no_line = |body: &mut Value| drop(body["system"].as_array_mut().unwrap().remove(0));
    let neither = |body: &mut Value| {
        no_inner(body);
        no_line(body);
    };
    for body in [asked(&|_| {}), asked(&no_inner), asked(&no_line)] {
        for path in [PATH, "/v1/messages/count_tokens"] {
            world.post(path, &body).await.ok();
        }
    }
    for call in world.second.calls() {
        let sent = call.json();
        assert_eq!(sent["system"][0]["text"], "You are Claude Code.", "{sent}");
        let messages = sent["messages"].as_array().unwrap();
        assert!(messages.iter().all(|m| m["role"] != "system"), "{sent}");
    }
    world.second.reset();
    world.post(PATH, asked(&neither)).await.ok();
    let mut plain = claude_codes("claude-m");
    neither(&mut plain);
    let sent = world.second.calls();
    assert_eq!(
        sent[0].body_text(),
        plain.to_string(),
        "most go as they are"
    );
}

#[tokio::test]
async fn an_upstreams_words_on_the_callers_fault_go_back_unchanged() {
    let world = World::start().await;
    let words = r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"},"request_id":"req_x"}"#;
    let body = vane_testkit::ErrorBody::Raw(words.to_owned());
    let refusal = Answer::fault(Fault::Status { status: 400, body });
    world
        .fake
        .script(Script::new().on(When::default(), refusal));
    let reply = world.post(PATH, hi("claude-m", true)).await;
    assert_eq!((reply.status, reply.text()), (400, words));
    assert_eq!(
        world.fake.calls().len(),
        1,
        "a caller's fault is not tried again"
    );
}
