//! What the real providers refuse is refused, and what they take is taken.

use serde_json::{Value, json};
use vane_testkit::{Answer, FakeUpstream, Settings};

use crate::wire::send;

const MISTRAL: &str = "/mistral/v1/chat/completions";
const OPENAI: &str = "/openai/v1/chat/completions";
const ANTHROPIC: &str = "/anthropic/v1/messages";

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn called(id: &str) -> Value {
    json!({"role": "assistant", "content": "", "tool_calls": [
        {"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
}

fn result(id: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": "ok"})
}

/// Sends each body and compares the status and a part of the answer.
async fn check(path: &str, cases: Vec<(Value, u16, &str)>) {
    let upstream = FakeUpstream::start().await.unwrap();
    for (body, status, part) in cases {
        let reply = send(&upstream, path, &body.to_string()).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.text());
        assert!(reply.text().contains(part), "{body}: {}", reply.text());
    }
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

/// Chat messages from a list of words: `user`, `assistant`, `call ID`, `result ID`.
fn turns(words: &str) -> Value {
    let turn = |word: &str| match word.split_once(' ') {
        Some(("call", id)) => called(id),
        Some((_, id)) => result(id),
        None => json!({"role": word, "content": "Hi"}),
    };
    words.split(", ").map(turn).collect()
}

#[tokio::test]
async fn t8_mistral_bodies_are_closed() {
    let chat = |messages: Value| json!({"model": "codestral-latest", "messages": messages});
    let hello = chat(turns("user"));
    let named = chat(json!([{"role": "user", "content": "Hi", "name": "Ann"}]));
    let tool =
        |name: &str| json!([{"type": "function", "function": {"name": name, "parameters": {}}}]);
    let options = with(hello.clone(), "stream_options", json!({}));
    let cases = vec![
        (hello.clone(), 200, ""),
        (options, 422, r#""loc":["body","stream_options"]"#),
        (named, 422, r#""loc":["body","messages","0","name"]"#),
        (json!({"model": "m"}), 422, "Field required"),
        (chat(turns("developer")), 422, "literal_error"),
        (with(hello.clone(), "tools", tool("f")), 200, ""),
        (with(hello, "tools", tool("f.g")), 400, "Function name was"),
    ];
    check(MISTRAL, cases).await;
}

#[tokio::test]
async fn t8_mistral_messages_are_ordered_and_balanced() {
    const ID: &str = "a1B2c3D4e";
    let chat = |messages: Value| json!({"model": "codestral-latest", "messages": messages});
    let mut cases = vec![(chat(json!([])), 400, "3230")];
    for (words, status, part) in [
        ("assistant", 400, "lone message"),
        ("user, assistant", 400, "Expected last role"),
        ("system, user, system, user", 200, ""),
        ("user, call ID, result ID", 200, "The tool answered: ok"),
        (
            "user, call ID, result ID, user",
            400,
            "'user' after role 'tool'",
        ),
        ("user, call ID, result ID, assistant, user", 200, ""),
        ("user, call ID, user", 400, "Not the same number"),
        (
            "user, call ID, result b1B2c3D4e",
            400,
            "Unexpected tool call id",
        ),
        ("user, call call_1234x, result call_1234x", 400, "3280"),
        (
            "user, assistant, system, user",
            400,
            "'system' after role 'assistant'",
        ),
    ] {
        cases.push((chat(turns(&words.replace("ID", ID))), status, part));
    }
    let silent = json!([user("Hi"), {"role": "assistant", "content": ""}, user("So?")]);
    cases.push((chat(silent), 400, "3240"));
    let prefix = json!([user("Hi"), {"role": "assistant", "content": "Yo", "prefix": true}]);
    cases.push((chat(prefix), 200, ""));
    // Newer tokenizers take any id.
    let long = turns("user, call call_1234x, result call_1234x");
    cases.push((
        json!({"model": "mistral-large-latest", "messages": long}),
        200,
        "",
    ));
    check(MISTRAL, cases).await;
}

#[tokio::test]
async fn mistral_fim_and_embeddings_are_closed() {
    let fim = json!({"model": "codestral-latest", "prompt": "a", "suffix": "b"});
    check(
        "/mistral/v1/fim/completions",
        vec![
            (fim.clone(), 200, "chat.completion"),
            (
                with(fim.clone(), "echo", json!(true)),
                422,
                "extra_forbidden",
            ),
            (
                with(fim.clone(), "prompt", json!(["a"])),
                422,
                "string_type",
            ),
            (
                with(fim, "model", json!("mistral-large-latest")),
                400,
                "Fill-in-the-middle",
            ),
        ],
    )
    .await;
    let embed = json!({"model": "codestral-embed", "input": "a", "dimensions": 4});
    check(
        "/mistral/v1/embeddings",
        vec![(embed, 422, "extra_forbidden")],
    )
    .await;
}

#[tokio::test]
async fn anthropic_requires_limits_and_known_keys() {
    let ask = |messages: Value| json!({"model": "m", "max_tokens": 9, "messages": messages});
    let hello = ask(json!([user("Hi")]));
    let without_limit = json!({"model": "m", "messages": [user("Hi")]});
    let thinking = json!({"type": "enabled", "budget_tokens": 5});
    let choice = with(hello.clone(), "tool_choice", json!({"type": "auto"}));
    let system = json!([user("Hi"), {"role": "system", "content": "x"}]);
    let cases = vec![
        (hello.clone(), 200, ""),
        (with(hello.clone(), "temperature", json!(1)), 200, ""),
        (without_limit, 400, "max_tokens: Field required"),
        (
            with(hello.clone(), "seed", json!(1)),
            400,
            "seed: Extra inputs",
        ),
        (choice, 400, "while providing tools"),
        (with(hello, "thinking", thinking), 400, "1024"),
        (ask(turns("assistant")), 400, "first message"),
        (ask(system), 200, ""),
        (ask(json!([user("")])), 400, "non-empty"),
    ];
    check(ANTHROPIC, cases).await;
}

#[tokio::test]
async fn the_newer_anthropic_version_takes_no_sampling_fields() {
    let hello = json!({"model": "m", "max_tokens": 9, "messages": [user("Hi")]});
    let path = "/anthropic/v1/messages?version=2026-10-21";
    let sampled = with(hello.clone(), "temperature", json!(1.0));
    check(
        path,
        vec![
            (hello, 200, ""),
            (sampled, 400, "temperature: Extra inputs"),
        ],
    )
    .await;
}

#[tokio::test]
async fn t20_all_results_of_a_turn_stand_in_the_next_message() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let calls = json!({"role": "assistant", "content": [call("t1"), call("t2")]});
    let answer = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "ok"});
    let results = |list: Value| json!({"role": "user", "content": list});
    let mut bare = json!({"role": "assistant", "content": [call("t1")]});
    bare["content"][0]["input"] = Value::Null;
    let together = results(json!([answer("t1"), answer("t2")]));
    let (first, second) = (
        results(json!([answer("t1")])),
        results(json!([answer("t2")])),
    );
    let mut cases = Vec::new();
    for (messages, status, part) in [
        (json!([user("Hi"), calls, together]), 200, ""),
        (
            json!([user("Hi"), calls, first, second]),
            400,
            "without `tool_result`",
        ),
        (json!([user("Hi"), first]), 400, "unexpected `tool_use_id`"),
        (json!([user("Hi"), bare, first]), 400, "valid dictionary"),
    ] {
        cases.push((
            json!({"model": "m", "max_tokens": 9, "messages": messages}),
            status,
            part,
        ));
    }
    check(ANTHROPIC, cases).await;
}

#[tokio::test]
async fn t4_only_its_own_signatures_are_taken() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::reasoning("Hm.").and_text("Yes."));
    let ask = |turns: Value| json!({"model": "m", "max_tokens": 9, "messages": turns}).to_string();
    let reply = send(&upstream, ANTHROPIC, &ask(json!([user("Hi")])))
        .await
        .json();
    let mut turns =
        json!([user("Hi"), {"role": "assistant", "content": reply["content"]}, user("So?")]);
    assert_eq!(
        send(&upstream, ANTHROPIC, &ask(turns.clone())).await.status,
        200
    );
    turns[1]["content"][0]["signature"] = json!("foreign");
    let reply = send(&upstream, ANTHROPIC, &ask(turns)).await;
    assert!(
        reply.status == 400 && reply.text().contains("Invalid `signature`"),
        "{reply:?}"
    );

    let path = "/openai/v1/responses";
    let ask = |input: Value| json!({"model": "m", "input": input}).to_string();
    let reply = send(&upstream, path, &ask(json!([user("Hi")])))
        .await
        .json();
    let mut input = json!([user("Hi"), reply["output"][0], user("So?")]);
    assert_eq!(send(&upstream, path, &ask(input.clone())).await.status, 200);
    input[1]["encrypted_content"] = json!("foreign");
    let reply = send(&upstream, path, &ask(input)).await;
    assert!(
        reply.text().contains("invalid_encrypted_content"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn openai_pairs_tools_and_refuses_unknown_arguments() {
    let ask = |messages: Value| json!({"model": "m", "messages": messages});
    let hello = ask(json!([user("Hi")]));
    check(
        OPENAI,
        vec![
            (hello.clone(), 200, ""),
            (
                with(hello.clone(), "random_seed", json!(1)),
                400,
                "Unrecognized request argument",
            ),
            (with(hello.clone(), "tools", json!([])), 400, "empty array"),
            (
                with(hello.clone(), "stream_options", json!({})),
                400,
                "only allowed when",
            ),
            (
                with(hello, "tool_choice", json!("auto")),
                400,
                "'tools' are specified",
            ),
            (
                ask(json!([user("Hi"), called("c1"), result("c1")])),
                200,
                "",
            ),
            (
                ask(json!([user("Hi"), called("c1"), user("So?")])),
                400,
                "did not have response messages: c1",
            ),
            (
                ask(json!([user("Hi"), result("c1")])),
                400,
                "must be a response",
            ),
        ],
    )
    .await;
    let orphan = json!([{"type": "function_call_output", "call_id": "c9", "output": "x"}]);
    let body = json!({"model": "m", "input": orphan});
    check(
        "/openai/v1/responses",
        vec![(body, 400, "No tool call found")],
    )
    .await;
}

#[tokio::test]
async fn a_lenient_fake_takes_everything() {
    let settings = Settings {
        lenient: true,
        ..Settings::default()
    };
    let upstream = FakeUpstream::with(settings).await.unwrap();
    let body = json!({"model": "m", "messages": [], "anything": 1}).to_string();
    for path in [MISTRAL, OPENAI, ANTHROPIC] {
        assert_eq!(send(&upstream, path, &body).await.status, 200);
    }
}
