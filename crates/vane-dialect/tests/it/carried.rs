//! What a call of one dialect becomes at an upstream of another: single cases.

use serde_json::{Value, json};
use vane_dialect::codec;
use vane_dialect::fault::Kind;
use vane_dialect::seal::Plain;
use vane_dialect::{Dialect, Fault, Notes};

use crate::offers::{
    ANTHROPIC, DEEPSEEK, MINIMAX, MINIMAX_RESPONSES, MISTRAL, OPENAI, Offer, RESPONSES,
};

/// The body that the offer is sent, and the notes.
fn sent(door: Dialect, body: &Value, offer: Offer) -> Result<(String, Vec<String>), Fault> {
    let call = codec::decode_call(door, body.to_string().as_bytes(), &Plain).unwrap();
    let mut notes = Notes::default();
    let encoded = codec::encode_call(offer.dialect, &call, &offer.target(), &mut notes)?;
    let text = String::from_utf8(encoded.body).unwrap();
    Ok((text, notes.dropped().to_vec()))
}

#[test]
fn a_call_that_only_warms_a_cache_is_refused_where_none_can_be_warmed() {
    let body =
        json!({"model": "m", "max_tokens": 0, "messages": [{"role": "user", "content": "Hi"}]});
    for offer in [OPENAI, DEEPSEEK, RESPONSES, MISTRAL] {
        let fault = sent(Dialect::AnthropicMessages, &body, offer).unwrap_err();
        assert_eq!(fault.kind, Kind::Unsupported, "{}", offer.name);
        assert_eq!(fault.param.as_deref(), Some("max_tokens"), "{}", offer.name);
    }
    let (warms, notes) = sent(Dialect::AnthropicMessages, &body, ANTHROPIC).unwrap();
    assert!(warms.contains("\"max_tokens\":0"), "{warms}");
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn t9_a_tool_reference_is_told_in_words() {
    let body = json!({"model": "m", "max_tokens": 99, "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1",
            "content": [{"type": "tool_reference", "tool_name": "mcp__x"}]}]}]});
    for offer in [OPENAI, DEEPSEEK, RESPONSES, MISTRAL] {
        let (text, notes) = sent(Dialect::AnthropicMessages, &body, offer).unwrap();
        assert!(
            text.contains("The tool `mcp__x` is available."),
            "{}: {text}",
            offer.name
        );
        assert!(notes.is_empty(), "{}: {notes:?}", offer.name);
    }
}

#[test]
fn rule5_members_of_responses_items_and_tools_are_noted() {
    let item =
        |item: Value| json!({"model": "m", "input": [{"role": "user", "content": "Hi"}, item]});
    let tool = |tool: Value| json!({"model": "m", "input": "Hi", "tools": [tool]});
    let list = json!([{"type": "function", "name": "f", "parameters": {}}]);
    let cases = [
        (
            tool(json!({"type": "custom", "name": "c", "defer_loading": true})),
            "tools.defer_loading",
        ),
        (
            tool(json!({"type": "namespace", "name": "n", "x_space": 1, "tools": list})),
            "tools.x_space",
        ),
        (
            item(json!({"type": "message", "role": "user", "content": "a", "x_item": 1})),
            "input.x_item",
        ),
        (
            item(json!({"role": "assistant", "content": "a", "phase": "commentary"})),
            "input.phase",
        ),
        (
            item(
                json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "x_call": 1}),
            ),
            "input.x_call",
        ),
        (
            item(
                json!({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "", "x_call": 1}),
            ),
            "input.x_call",
        ),
        (
            item(
                json!({"type": "function_call_output", "call_id": "c", "output": "a", "x_output": {"a": 1}}),
            ),
            "input.x_output",
        ),
    ];
    for (body, name) in cases {
        for offer in [OPENAI, RESPONSES, ANTHROPIC, MISTRAL] {
            let (_, notes) = sent(Dialect::OpenaiResponses, &body, offer).unwrap();
            assert_eq!(notes, [name], "{}: {body}", offer.name);
        }
    }
    // What a server calls its own items says nothing to another.
    let echo = item(
        json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}], "x_empty": null}),
    );
    let (_, notes) = sent(Dialect::OpenaiResponses, &echo, OPENAI).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn r10_countless_members_of_items_are_noted_to_a_number() {
    let member = |n: usize| (format!("x{n}"), json!(n));
    let mut items: Vec<Value> = Vec::new();
    for item in 0..4 {
        let mut members: serde_json::Map<String, Value> =
            (item * 1_000..item * 1_000 + 1_000).map(member).collect();
        members.insert("role".into(), "user".into());
        members.insert("content".into(), "a".into());
        items.push(members.into());
    }
    let message = json!({"role": "user", "content": items.iter().map(|item| {
        let mut part = item.clone();
        part["type"] = "text".into();
        part["text"] = "a".into();
        part.as_object_mut().unwrap().retain(|name, _| name != "role" && name != "content");
        part
    }).collect::<Vec<_>>()});
    for (dialect, body) in [
        (
            Dialect::OpenaiResponses,
            json!({"model": "m", "input": items}),
        ),
        (
            Dialect::AnthropicMessages,
            json!({"model": "m", "max_tokens": 9, "messages": [message]}),
        ),
    ] {
        let call = codec::decode_call(dialect, body.to_string().as_bytes(), &Plain).unwrap();
        let vane_dialect::call::Call::Chat(chat) = call else {
            panic!("{dialect:?}")
        };
        assert_eq!(chat.extras.len(), 256, "{dialect:?}");
    }
}

/// DeepSeek refuses to answer with JSON where no message speaks of it, and nobody knows a schema that
/// is not sent.
#[test]
fn a_schema_is_told_in_words_where_it_is_no_field() {
    let ask = |messages: Value| {
        json!({"model": "m", "messages": messages, "response_format": {"type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object", "z": 1}, "strict": true}}})
    };
    let words = r#"Answer with JSON of this schema: {"type":"object","z":1}"#;
    let user = json!({"role": "user", "content": "Hi"});
    let system = json!({"role": "system", "content": "Be brief."});
    let parts =
        json!([{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]);
    let both = json!({"role": "system", "content": format!("Be brief.\n\n{words}")});

    let chat = |offer: Offer, messages: Value, expected: &Value| {
        let (body, notes) = sent(Dialect::OpenaiChat, &ask(messages), offer).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["response_format"], json!({"type": "json_object"}));
        assert_eq!(body["messages"][0], *expected, "{}", offer.name);
        assert_eq!(body["messages"].as_array().unwrap().len(), 2);
        assert_eq!(notes, ["response_format.json_schema"]);
    };
    for offer in [DEEPSEEK, MINIMAX] {
        let alone = json!({"role": "system", "content": words});
        chat(offer, json!([user]), &alone);
        chat(offer, json!([system, user]), &both);
    }
    let joined = format!("Be brief.\n\nBe kind.\n\n{words}");
    let several = json!([{"role": "system", "content": parts}, user]);
    chat(
        DEEPSEEK,
        several,
        &json!({"role": "system", "content": joined}),
    );

    for (messages, told) in [
        (json!([user]), words),
        (json!([system, user]), both["content"].as_str().unwrap()),
    ] {
        let (body, notes) = sent(Dialect::OpenaiChat, &ask(messages), MINIMAX_RESPONSES).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["instructions"], told);
        assert_eq!(body["text"], json!({"format": {"type": "json_object"}}));
        assert_eq!(notes, ["response_format"]);
    }
    // Who takes the schema is told it once.
    let (body, _) = sent(Dialect::OpenaiChat, &ask(json!([user])), OPENAI).unwrap();
    assert!(!body.contains("Answer with"), "{body}");
}

/// OpenAI takes bytes without a name for a file that is stored there, and asks for its id.
#[test]
fn a_pdf_without_a_title_has_a_file_name_at_openai() {
    let url = "data:application/pdf;base64,JVBE";
    let of = |part: Value| json!({"model": "m", "messages": [{"role": "user", "content": [part]}]});
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBE"});
    let messages = of(json!({"type": "document", "source": source}));
    let mistral = of(json!({"type": "document_url", "document_url": url}));
    for (door, body) in [
        (Dialect::AnthropicMessages, messages),
        (Dialect::MistralChat, mistral),
    ] {
        let (body, notes) = sent(door, &body, OPENAI).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            body["messages"][0]["content"],
            json!([{"type": "file", "file": {"filename": "document.pdf", "file_data": url}}]),
            "{door:?}"
        );
        assert!(notes.is_empty(), "{notes:?}");
    }
    let stored = of(json!({"type": "file", "file": {"file_id": "file-1"}}));
    let (body, _) = sent(Dialect::OpenaiChat, &stored, OPENAI).unwrap();
    assert!(body.contains(r#""file":{"file_id":"file-1"}"#), "{body}");
}

/// Gemini's endpoint and Kimi number the calls of each answer anew.
#[test]
fn t8_an_id_that_two_turns_share_is_two_ids_at_anthropic_and_each_result_keeps_its_call() {
    let turn = |ids: [&str; 2], says: &str| {
        let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let result = |n: usize| json!({"role": "tool", "tool_call_id": ids[n], "content": format!("{says}{n}")});
        [
            json!({"role": "assistant", "content": null, "tool_calls": [call(ids[0]), call(ids[1])]}),
            result(0),
            result(1),
        ]
    };
    let turns = [
        turn(["call_0", "call_1"], "a"),
        turn(["call_0", "call_0_r0"], "b"),
        turn(["call_0", "call_0"], "c"),
    ];
    // A conversation that goes on sends its beginning as before.
    let mut before = Vec::new();
    for many in 1..=3 {
        let user = json!({"role": "user", "content": "go"});
        let messages: Vec<Value> = [user].into_iter().chain(turns[..many].concat()).collect();
        let body = json!({"model": "m", "messages": messages});
        let (text, notes) = sent(Dialect::OpenaiChat, &body, ANTHROPIC).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        let body: Value = serde_json::from_str(&text).unwrap();
        let mut told = Vec::new();
        for messages in body["messages"].as_array().unwrap()[1..].chunks(2) {
            for (called, result) in
                [0, 1].map(|n| (&messages[0]["content"][n], &messages[1]["content"][n]))
            {
                assert_eq!(called["id"], result["tool_use_id"]);
                told.push((called["id"].clone(), result["content"].clone()));
            }
        }
        assert!(told.starts_with(&before), "{told:?}");
        before = told;
    }
    let expected = [
        ("call_0", "a0"),
        ("call_1", "a1"),
        ("call_0_r0", "b0"),
        ("call_0_r0_r1", "b1"),
        ("call_0_r2", "c0"),
        ("call_0_r3", "c1"),
    ];
    assert_eq!(before, expected.map(|(id, says)| (json!(id), json!(says))));
}

#[test]
fn t8_a_tool_that_openais_search_loaded_is_called_by_the_name_it_is_declared_under() {
    // As langchain-openai recorded it: the tool stands in no namespace, and its call names one.
    let body = json!({"model": "m", "input": [
        {"role": "user", "content": "Hi"},
        {"type": "function_call", "call_id": "c", "name": "get_weather", "namespace": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "sun"}],
        "tools": [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}]});
    for offer in [OPENAI, ANTHROPIC, MISTRAL] {
        let (text, _) = sent(Dialect::OpenaiResponses, &body, offer).unwrap();
        assert!(
            text.contains("get_weather") && !text.contains("get_weather__"),
            "{}: {text}",
            offer.name
        );
    }
    // OpenAI wants it back as it was.
    let (text, _) = sent(Dialect::OpenaiResponses, &body, RESPONSES).unwrap();
    assert!(text.contains(r#""namespace":"get_weather""#), "{text}");
}
