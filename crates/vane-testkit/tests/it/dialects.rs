//! Each dialect's default answers.

use serde_json::{Value, json};
use vane_testkit::{Answer, FakeUpstream, Family, Settings, Usage};

use crate::wire::{DOORS, ask, send};

#[tokio::test]
async fn streamed_and_unstreamed_say_the_same_in_every_dialect() {
    let upstream = FakeUpstream::start().await.unwrap();
    for (path, unary, streamed) in DOORS {
        let whole = send(&upstream, path, &ask(path, false)).await;
        let cut = send(&upstream, path, &ask(path, true)).await;
        assert_eq!(
            (whole.status, cut.status),
            (200, 200),
            "{path}: {whole:?} {cut:?}"
        );
        let text = whole
            .json()
            .pointer(unary)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        assert!(text.len() > 10, "{path}: {text}");
        assert_eq!(cut.joined(streamed), text, "{path}");
        let named = cut.text().contains("event: ");
        assert_eq!(
            named,
            path.contains("messages") || path.contains("responses"),
            "{path}"
        );
        let done = cut.text().ends_with("data: [DONE]\n\n");
        assert_eq!(done, path.contains("completions"), "{path}");
    }
}

/// The totals (prompt, completion) wherever a dialect puts them.
fn totals(reply: &Value) -> Option<(u64, u64)> {
    let usage = [reply, &reply["response"], &reply["message"]].map(|holder| &holder["usage"]);
    let usage = usage.into_iter().find(|usage| usage.is_object())?;
    let number = |name: &str| usage[name].as_u64();
    let cache = number("cache_read_input_tokens").unwrap_or(0)
        + number("cache_creation_input_tokens").unwrap_or(0);
    let prompt = number("prompt_tokens").or(number("input_tokens").map(|input| input + cache))?;
    Some((
        prompt,
        number("completion_tokens").or(number("output_tokens"))?,
    ))
}

#[tokio::test]
async fn usage_is_equal_streamed_and_unstreamed_and_includes_the_cache() {
    let upstream = FakeUpstream::start().await.unwrap();
    let scripted = Usage {
        prompt: 200,
        completion: 30,
        cached: 128,
        cache_write: 0,
        reasoning: 7,
    };
    for (answer, wanted) in [
        (Answer::default(), None),
        (Answer::text("Hi").usage(scripted), Some((200, 30))),
    ] {
        upstream.always(answer);
        for (path, ..) in DOORS.iter().filter(|(path, ..)| !path.contains("llama")) {
            let asked = ask(path, true);
            let asked = match path.contains("openai") && !path.contains("responses") {
                true => asked.replacen('{', r#"{"stream_options":{"include_usage":true},"#, 1),
                false => asked,
            };
            let whole = totals(&send(&upstream, path, &ask(path, false)).await.json());
            let cut = send(&upstream, path, &asked).await;
            let last = cut.events().iter().filter_map(totals).next_back();
            assert!(whole.is_some_and(|(prompt, completion)| prompt > 0 && completion > 0));
            assert_eq!(whole, last, "{path}");
            assert!(wanted.is_none() || whole == wanted, "{path}: {whole:?}");
        }
    }
}

#[tokio::test]
async fn openai_sends_usage_only_to_those_who_asked() {
    let upstream = FakeUpstream::start().await.unwrap();
    for path in ["/openai/v1/chat/completions", "/openai/v1/completions"] {
        let reply = send(&upstream, path, &ask(path, true)).await;
        assert!(!reply.text().contains("usage"), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_demanded_tool_is_called_and_its_result_is_quoted() {
    let upstream = FakeUpstream::start().await.unwrap();
    let text = r#"Please use the tool look with {"b":1,"a":[2]} now"#;
    let schema = json!({"type": "object"});
    let function = json!({"type": "function", "function": {"name": "look", "parameters": schema}});
    let user = json!({"role": "user", "content": text});
    let chat = json!({"model": "m", "tools": [function], "messages": [user]});
    for path in [
        "/openai/v1/chat/completions",
        "/mistral/v1/chat/completions",
    ] {
        let reply = send(&upstream, path, &chat.to_string()).await.json();
        let call = &reply["choices"][0]["message"]["tool_calls"][0];
        assert_eq!(
            call["function"]["arguments"], r#"{"b":1,"a":[2]}"#,
            "{reply}"
        );
        assert_eq!(reply["choices"][0]["finish_reason"], "tool_calls");
        let mut next = chat.clone();
        let id = &call["id"];
        let assistant = json!({"role": "assistant", "content": "", "tool_calls": [call]});
        let result = json!({"role": "tool", "tool_call_id": id, "content": "42 degrees"});
        next["messages"]
            .as_array_mut()
            .unwrap()
            .extend([assistant, result]);
        let reply = send(&upstream, path, &next.to_string()).await.json();
        let said = &reply["choices"][0]["message"]["content"];
        assert_eq!(said, "The tool answered: 42 degrees", "{reply}");
    }
    let tool = json!({"name": "look", "input_schema": schema});
    let mut ask = json!({"model": "m", "max_tokens": 9, "tools": [tool],
        "tool_choice": {"type": "any"}, "messages": [{"role": "user", "content": "Hi"}]});
    let path = "/anthropic/v1/messages";
    let reply = send(&upstream, path, &ask.to_string()).await.json();
    assert_eq!(reply["content"][0]["input"], json!({}));
    assert_eq!(reply["stop_reason"], "tool_use");
    let id = &reply["content"][0]["id"];
    let result = json!([{"type": "tool_result", "tool_use_id": id, "content": "ok"}]);
    let assistant = json!({"role": "assistant", "content": reply["content"]});
    ask["messages"].as_array_mut().unwrap().push(assistant);
    ask["messages"]
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "user", "content": result}));
    let reply = send(&upstream, path, &ask.to_string()).await.json();
    assert_eq!(reply["content"][0]["text"], "The tool answered: ok");
}

#[tokio::test]
async fn responses_call_tools_and_take_their_outputs() {
    let upstream = FakeUpstream::start().await.unwrap();
    let path = "/openai/v1/responses";
    let tool = json!({"type": "function", "name": "look", "parameters": {}, "strict": false});
    let user = json!({"role": "user", "content": "Hi"});
    let mut ask =
        json!({"model": "m", "tools": [tool], "tool_choice": "required", "input": [user]});
    let reply = send(&upstream, path, &ask.to_string()).await.json();
    let call = &reply["output"][0];
    assert_eq!(
        (&call["type"], &call["name"]),
        (&json!("function_call"), &json!("look"))
    );
    let output =
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "ok"});
    ask["input"]
        .as_array_mut()
        .unwrap()
        .extend([call.clone(), output]);
    let reply = send(&upstream, path, &ask.to_string()).await.json();
    assert_eq!(
        reply["output"][0]["content"][0]["text"],
        "The tool answered: ok"
    );
}

#[tokio::test]
async fn embeddings_are_stable_and_equal_in_both_encodings() {
    let upstream = FakeUpstream::start().await.unwrap();
    for path in ["/openai/v1/embeddings", "/mistral/v1/embeddings"] {
        let ask = r#"{"model":"e","input":["a","b"],"encoding_format":"float"}"#;
        let floats = send(&upstream, path, ask).await.json();
        let packed = send(&upstream, path, &ask.replace("float", "base64"))
            .await
            .json();
        let numbers = floats["data"][0]["embedding"].as_array().unwrap();
        assert_eq!(numbers.len(), 8);
        assert_ne!(
            floats["data"][0]["embedding"],
            floats["data"][1]["embedding"]
        );
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_string().parse::<f32>().unwrap().to_le_bytes())
            .collect();
        let wanted = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
        assert_eq!(packed["data"][0]["embedding"], Value::from(wanted));
        assert_eq!(floats["id"].is_string(), path.contains("mistral"));
    }
}

#[tokio::test]
async fn side_endpoints_answer_in_their_own_shape() {
    let upstream = FakeUpstream::start().await.unwrap();
    let messages = r#"{"model":"m","messages":[{"role":"user","content":"12345678"}]}"#;
    for (path, body, pointer, wanted) in [
        ("/openai/v1/models", "", "/data/0/owned_by", json!("openai")),
        (
            "/mistral/v1/models",
            "",
            "/data/1/capabilities/completion_fim",
            json!(true),
        ),
        (
            "/mistral/v1/models/codestral-latest",
            "",
            "/type",
            json!("base"),
        ),
        ("/anthropic/v1/models", "", "/data/0/type", json!("model")),
        (
            "/anthropic/v1/messages/count_tokens",
            messages,
            "/input_tokens",
            json!(3),
        ),
        (
            "/openai/v1/responses/input_tokens",
            r#"{"input":"12345678"}"#,
            "/input_tokens",
            json!(2),
        ),
    ] {
        let reply = send(&upstream, path, body).await.json();
        assert_eq!(reply.pointer(pointer), Some(&wanted), "{path}: {reply}");
    }
    assert_eq!(
        send(&upstream, "/openai/v1/models/no-such-model", "")
            .await
            .status,
        404
    );
    assert_eq!(
        send(&upstream, "/openai/v1/nowhere", "{}").await.status,
        404
    );
}

#[tokio::test]
async fn bare_paths_speak_what_the_setting_says() {
    let settings = Settings {
        bare: Family::Mistral,
        ..Settings::default()
    };
    let mistral = FakeUpstream::with(settings).await.unwrap();
    let openai = FakeUpstream::start().await.unwrap();
    let path = "/v1/chat/completions";
    let ask = ask(path, false);
    assert!(
        send(&openai, path, &ask)
            .await
            .text()
            .contains("system_fingerprint")
    );
    assert!(
        !send(&mistral, path, &ask)
            .await
            .text()
            .contains("system_fingerprint")
    );
}
