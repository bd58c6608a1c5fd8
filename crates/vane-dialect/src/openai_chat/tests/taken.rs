//! What a provider takes of a call that was made for another: limits, names, schemas.

use super::*;
use crate::block::{Block, ToolForm, ToolUse};
use crate::call::{CustomTool, Function, Role, Sampling, Tool, ToolChoice, Turn};

#[test]
fn more_output_than_the_model_has_is_not_asked_for() {
    let chat = Chat {
        sampling: Sampling {
            max_output: Some(32_000),
            ..Sampling::default()
        },
        ..Chat::default()
    };
    for (limit, field, sent, dropped) in [
        (Some(16_384), Quirk::MaxCompletionTokens, 16_384, true),
        (Some(16_384), Quirk::MaxTokens, 16_384, true),
        (Some(32_000), Quirk::MaxTokens, 32_000, false),
        (None, Quirk::MaxTokens, 32_000, false),
    ] {
        let target = Target {
            max_output: limit,
            quirks: quirks(&[field]),
            ..target()
        };
        let got = send_to(&chat, &target);
        assert_eq!(got.json[field.name()], sent, "{}", got.text);
        let note = dropped.then(|| field.name().to_owned());
        assert_eq!(got.dropped, Vec::from_iter(note));
    }
}

const LONG: &str = "mcp__plugin_engineering-tools_issue-tracker__list_all_open_issues_of_a_project";

#[test]
fn a_tool_name_over_64_bytes_is_shortened_alike_everywhere_and_given_back() {
    let call = Block::ToolUse(ToolUse {
        id: "a".into(),
        name: LONG.into(),
        namespace: None,
        form: ToolForm::Function,
        arguments: "{}".into(),
        cache: None,
    });
    let function = |name: &str| {
        Tool::Function(Function {
            name: name.into(),
            ..Function::default()
        })
    };
    let chat = Chat {
        turns: vec![Turn::new(Role::Assistant, vec![call])],
        tools: vec![function(LONG), function("short")],
        tool_choice: Some(ToolChoice::Named {
            form: ToolForm::Function,
            name: LONG.into(),
        }),
        ..Chat::default()
    };
    let sent = send(&chat, &[]);
    let name = sent.json["tools"][0]["function"]["name"].as_str().unwrap();
    assert_eq!(name.len(), 64);
    assert_eq!(sent.json["tools"][1]["function"]["name"], "short");
    assert_eq!(sent.json["tool_choice"]["function"]["name"], name);
    let called = &sent.json["messages"][0]["tool_calls"][0]["function"]["name"];
    assert_eq!(called, name);
    assert_eq!(
        sent.asked.renamed,
        [(name.to_owned(), String::new(), LONG.to_owned())]
    );

    let whole = format!(
        r#"{{"id":"c","model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"tool_calls":[{{"id":"b","type":"function","function":{{"name":"{name}","arguments":"{{}}"}}}}]}},"finish_reason":"tool_calls"}}]}}"#
    );
    let streamed = format!(
        "data: {{\"id\":\"c\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"b\",\"type\":\"function\",\"function\":{{\"name\":\"{name}\",\"arguments\":\"{{}}\"}}}}]}},\"finish_reason\":\"tool_calls\"}}]}}\n\ndata: [DONE]\n\n"
    );
    let mut answers = [Answer::default(), Answer::default()];
    response::decode(whole.as_bytes(), &sent.asked, &mut answers[0]).unwrap();
    run(&[streamed.as_bytes()], &sent.asked, &mut answers[1]).unwrap();
    for answer in answers {
        assert!(
            matches!(&answer.blocks[..], [Block::ToolUse(call)]
                if call.name == LONG && call.namespace.is_none()),
            "{:?}",
            answer.blocks
        );
    }
}

#[test]
fn a_long_custom_tool_is_chosen_and_allowed_by_the_name_that_is_sent() {
    let custom = Tool::Custom(CustomTool {
        name: LONG.into(),
        description: None,
        format: None,
    });
    let chat = Chat {
        tools: vec![custom],
        tool_choice: Some(ToolChoice::Allowed {
            required: true,
            names: vec![LONG.into()],
        }),
        ..Chat::default()
    };
    let own = send(&chat, &[Quirk::OpenaiOwn]).json;
    let name = own["tools"][0]["custom"]["name"].as_str().unwrap();
    let allowed = &own["tool_choice"]["allowed_tools"]["tools"][0];
    assert_eq!(allowed["custom"]["name"], name);
    let wrapped = send(&chat, &[]);
    assert_eq!(wrapped.json["tools"][0]["function"]["name"], name);
    assert_eq!(wrapped.asked.custom, [name]);
}

#[test]
fn an_object_without_properties_gets_some_that_are_empty() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#,
    );
    let parameters = r#""parameters":{"properties":{},"type":"object"}"#;
    assert!(send(&chat, &[]).text.contains(parameters));
    // Gemini refuses an object whose properties are empty.
    let text = send(&chat, &[Quirk::SchemaGemini]).text;
    assert!(text.contains(r#""parameters":{"type":"object"}"#), "{text}");
}

#[test]
fn an_effort_that_the_model_does_not_take_becomes_the_nearest_and_is_noted() {
    let asked = |effort: &str| {
        chat(&format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"temperature":0.5,"reasoning_effort":"{effort}"}}"#
        ))
    };
    let gpt_5_1 = [
        Quirk::NoMinimalEffort,
        Quirk::NoXhighEffort,
        Quirk::NoMaxEffort,
        Quirk::SamplingUnlessReasoning,
    ];
    for (effort, quirks, sent, dropped) in [
        (
            "max",
            &gpt_5_1[..],
            "high",
            &["reasoning_effort", "temperature"][..],
        ),
        ("high", &gpt_5_1, "high", &["temperature"]),
        // Where it does not reason in the end, sampling is taken.
        ("minimal", &gpt_5_1, "none", &["reasoning_effort"]),
        (
            "max",
            &[Quirk::NoMaxEffortInChat],
            "xhigh",
            &["reasoning_effort"],
        ),
        ("max", &[], "max", &[]),
    ] {
        let got = send(&asked(effort), quirks);
        assert_eq!(got.json["reasoning_effort"], sent, "{}", got.text);
        assert_eq!(got.dropped, dropped, "{effort}");
    }
    let mut off = asked("high");
    off.reasoning.effort = None;
    off.reasoning.mode = crate::call::ReasoningMode::Off;
    let got = send(&off, &[Quirk::NoNoneEffort]);
    assert_eq!(got.json["reasoning_effort"], "minimal");
    assert_eq!(got.dropped, ["thinking"]);
}

/// opencode and the AI SDK's `openai-compatible` write marks on messages and beside functions.
#[test]
fn a_cache_mark_on_a_message_a_call_or_a_tool_reaches_claude() {
    let mark = r#""cache_control":{"type":"ephemeral"}"#;
    let chat = chat(&format!(
        r#"{{"model":"m","messages":[{{"role":"system","content":"S",{mark}}},{{"role":"user","content":[{{"type":"text","text":"A"}},{{"type":"text","text":"B"}}],{mark}}},{{"role":"assistant","content":"C","tool_calls":[{{"id":"a","type":"function","function":{{"name":"f","arguments":"{{}}"}},{mark}}}]}},{{"role":"tool","tool_call_id":"a","content":"D",{mark}}},{{"role":"assistant","content":"E",{mark}}},{{"role":"user","content":"","cache_control":{{"type":"ephemeral"}}}}],"tools":[{{"type":"function",{mark},"function":{{"name":"f"}}}},{{"type":"function","function":{{"name":"g",{mark}}}}}]}}"#
    ));
    let mut notes = Notes::default();
    let encoded = crate::anthropic_messages::request::encode(&chat, &target(), &mut notes).unwrap();
    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
    let marked = |pointer: &str| {
        sent.pointer(pointer)
            .unwrap()
            .get("cache_control")
            .is_some()
    };
    for (pointer, expected) in [
        ("/system/0", true),
        ("/messages/0/content/0", false),
        ("/messages/0/content/1", true),
        ("/messages/1/content/0", false),
        ("/messages/1/content/1", true),
        ("/messages/2/content/0", true),
        ("/messages/3/content/0", true),
        ("/tools/0", true),
        ("/tools/1", true),
    ] {
        assert_eq!(marked(pointer), expected, "{pointer}: {sent}");
    }
    // Where there is nothing to mark, that is said.
    assert_eq!(notes.dropped(), ["message.cache_control"]);
}

/// As Cursor writes a chat for an id that begins with `claude`.
const CURSOR: &str = r#"{"model":"claude-m","messages":[{"role":"user","content":[{"type":"text","text":"Read"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aWk="}}]},{"role":"assistant","content":[{"type":"text","text":"So"},{"type":"tool_use","id":"toolu_1","name":"read","input":{"path":"a"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"void"}],"is_error":true},{"type":"text","text":"And?"}]}],"tools":[{"name":"read","description":"d","input_schema":{"type":"object","properties":{"path":{"type":"string"}}}}],"tool_choice":{"type":"tool","name":"read"}}"#;

#[test]
fn cursors_anthropic_blocks_in_a_chat_are_the_blocks_they_are() {
    let call = chat(CURSOR);
    let said = send(&call, &[]);
    assert_eq!(said.dropped, Vec::<String>::new());
    assert_eq!(
        said.json["messages"],
        serde_json::json!([
            {"role": "user", "content": [{"type": "text", "text": "Read"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWk="}}]},
            {"role": "assistant", "content": "So", "tool_calls": [{"id": "toolu_1", "type": "function",
                "function": {"name": "read", "arguments": r#"{"path":"a"}"#}}]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "Error: void"},
            {"role": "user", "content": "And?"}
        ])
    );
    assert_eq!(said.json["tools"][0]["function"]["name"], "read");
    assert_eq!(said.json["tool_choice"]["function"]["name"], "read");
    let mut notes = Notes::default();
    let sent = crate::anthropic_messages::request::encode(&call, &target(), &mut notes).unwrap();
    let sent: Value = serde_json::from_slice(&sent.body).unwrap();
    let asked: Value = serde_json::from_str(CURSOR).unwrap();
    assert!(notes.is_empty(), "{:?}", notes.dropped());
    assert_eq!(sent["tools"], asked["tools"]);
    assert_eq!(sent["messages"][0], asked["messages"][0]);
    assert_eq!(sent["messages"][1], asked["messages"][1]);
    assert_eq!(sent["messages"][2]["content"][0]["is_error"], true);
}

#[test]
fn a_tool_result_that_no_message_can_carry_is_refused() {
    for (message, param) in [
        (
            r#"{"role":"user","content":[{"type":"tool_result","content":"x"}]}"#,
            "messages[0].content[0].tool_use_id",
        ),
        (
            r#"{"role":"assistant","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}"#,
            "messages[0].content",
        ),
        (
            r#"{"role":"tool","tool_call_id":"a","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}"#,
            "messages[0].content",
        ),
        (
            r#"{"role":"user","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}"#,
            "messages[0].content",
        ),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{message}]}}"#);
        let fault = request::decode(body.as_bytes(), &Plain).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{fault}");
    }
}

#[test]
fn a_choice_of_tools_in_other_words_is_read_as_meant() {
    let named = |form, name: &str| ToolChoice::Named {
        form,
        name: name.into(),
    };
    for (said, meant) in [
        (r#"{"type":"none"}"#, ToolChoice::None),
        (r#"{"type":"auto"}"#, ToolChoice::Auto),
        (r#"{"type":"required"}"#, ToolChoice::Required),
        (r#"{"type":"any"}"#, ToolChoice::Required),
        (
            r#"{"type":"tool","name":"f"}"#,
            named(ToolForm::Function, "f"),
        ),
        (
            r#"{"type":"function","name":"f"}"#,
            named(ToolForm::Function, "f"),
        ),
        (
            r#"{"type":"custom","name":"p"}"#,
            named(ToolForm::Custom, "p"),
        ),
        (
            r#"{"type":"function","function":{"name":"f"}}"#,
            named(ToolForm::Function, "f"),
        ),
    ] {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"tool_choice":{said}}}"#
        );
        assert_eq!(chat(&body).tool_choice, Some(meant), "{said}");
    }
}

/// As Cursor writes a chat for OpenAI's models.
#[test]
fn a_body_of_responses_at_the_door_of_chats_is_read_as_what_it_is() {
    let call = chat(
        r#"{"model":"gpt-5","input":[{"role":"system","content":"S"},{"role":"user","content":[{"type":"input_text","text":"Hi"}]},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"1"}],"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false},{"type":"custom","name":"patch"}],"stream":true,"stream_options":{"include_usage":true},"reasoning":{"effort":"low"}}"#,
    );
    assert!(call.stream.on && call.stream.include_usage);
    let sent = send(&call, &[Quirk::OpenaiOwn]);
    assert_eq!(sent.dropped, Vec::<String>::new());
    let roles = sent.json["messages"].as_array().unwrap().iter();
    let roles: Vec<&Value> = roles.map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool"]);
    assert_eq!(sent.json["tools"][1]["custom"]["name"], "patch");
    assert_eq!(sent.json["reasoning_effort"], "low");
    let fault = request::decode(br#"{"model":"m"}"#, &Plain).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("messages"));
}

#[test]
fn googles_own_body_reaches_google_where_it_only_says_how_to_answer() {
    let own = r#"{"google":{"thinking_config":{"include_thoughts":true,"thinking_budget":512},"safety_settings":[]}}"#;
    let cached = r#"{"google":{"thinking_config":{},"cached_content":"cachedContents/a"}}"#;
    for (body, is_taken) in [
        (own, true),
        (cached, false),
        (r#"{"google":{"cached\u005fcontent":"a"}}"#, false),
        (r#"{"google":{"cached_content":"a"},"google":{}}"#, false),
        (
            r#"{"google":{"cached_content":"a","cached_content":1}}"#,
            false,
        ),
        (r#"{"google":{"thinking_config":{}},"other":1}"#, false),
        (r#"{"google":7}"#, false),
        (r#"{"other":{"thinking_config":{}}}"#, false),
        (r#"["google"]"#, false),
    ] {
        let chat = chat(&format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"extra_body":{body}}}"#
        ));
        let sent = send(&chat, &[Quirk::ClosedBody, Quirk::GoogleExtras]);
        let written = format!(r#""extra_body":{body}"#);
        assert_eq!(sent.text.contains(&written), is_taken, "{}", sent.text);
        let note = (!is_taken).then(|| "extra_body".to_owned());
        assert_eq!(sent.dropped, Vec::from_iter(note), "{body}");
        let others = send(&chat, &[Quirk::ClosedBody]);
        assert_eq!(others.dropped, ["extra_body"], "{}", others.text);
    }
}
