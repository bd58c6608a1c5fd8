//! Calls as Mistral's hosts take them.

use super::encode;
use crate::block::{
    Block, CacheMark, Document, Image, Opaque, Reasoning, Source, State, Text, ToolForm,
    ToolResult, ToolUse,
};
use crate::call::{
    Chat, CustomTool, Effort, Extra, Format, Function, ReasoningAsk, ReasoningMode, Role, Sampling,
    Tool, ToolChoice, Turn,
};
use crate::dialect::Dialect;
use crate::json::Raw;
use crate::quirk::Quirk;
use serde_json::{Number, Value, json};

fn text(text: &str) -> Block {
    Block::Text(Text::plain(text))
}

fn call(id: &str, name: &str) -> Block {
    Block::ToolUse(ToolUse {
        id: id.into(),
        name: name.into(),
        namespace: None,
        form: ToolForm::Function,
        arguments: "{}".into(),
        cache: None,
    })
}

fn result(id: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        id: id.into(),
        content,
        is_error: false,
        form: ToolForm::Function,
        cache: None,
    })
}

fn image() -> Block {
    Block::Image(Image {
        source: Source::Base64 {
            media_type: "image/png".into(),
            data: "AAAA".into(),
        },
        detail: None,
        cache: None,
    })
}

fn chat(turns: Vec<(Role, Vec<Block>)>) -> Chat {
    let turns = turns.into_iter();
    Chat {
        model: "m".into(),
        turns: turns
            .map(|(role, blocks)| Turn::new(role, blocks))
            .collect(),
        ..Chat::default()
    }
}

fn hello() -> Chat {
    chat(vec![(Role::User, vec![text("hi")])])
}

/// Roles and contents in short: `user:hi tool(id):...`.
fn script(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().unwrap().iter();
    messages
        .map(|message| {
            let role = message["role"].as_str().unwrap();
            let mut line = match message["tool_call_id"].as_str() {
                Some(id) => format!("{role}({id}):"),
                None => format!("{role}:"),
            };
            match &message["content"] {
                Value::String(text) => line.push_str(text),
                Value::Array(parts) => {
                    let parts = parts.iter().map(|part| match part["text"].as_str() {
                        Some(text) => text.to_owned(),
                        None => format!("<{}>", part["type"].as_str().unwrap()),
                    });
                    line.push_str(&parts.collect::<Vec<_>>().join("|"));
                }
                other => panic!("content is {other}"),
            }
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                line.push_str(&format!("+{}", call["id"].as_str().unwrap()));
            }
            if message["prefix"] == true {
                line.push_str(" prefix");
            }
            line
        })
        .collect()
}

const RULES: &[Quirk] = &[Quirk::NoUserAfterTool];

#[test]
fn t8_only_legal_keys_are_written() {
    let mut chat = hello();
    chat.turns[0].name = Some("bob".into());
    chat.sampling = Sampling {
        temperature: Number::from_f64(1.9),
        seed: Some(-7),
        max_output: Some(9),
        min_p: Number::from_f64(0.1),
        stop: vec!["a".into()],
        n: Some(2),
        ..Sampling::default()
    };
    chat.stream.on = true;
    chat.stream.include_usage = true;
    chat.cache_key = Some("k".into());
    chat.parallel_tools = Some(true);
    for (dialect, name, value) in [
        (Dialect::OpenaiChat, "logit_bias", "{}"),
        (Dialect::OpenaiChat, "user", "\"u\""),
        (Dialect::OpenaiChat, "metadata", r#"{"b":"1", "a":"2"}"#),
        (Dialect::OpenaiChat, "service_tier", "\"flex\""),
        (
            Dialect::OpenaiChat,
            "prediction",
            r#"{"type":"content","content":[{"type":"text","text":"x"}]}"#,
        ),
        (Dialect::AnthropicMessages, "metadata_", "{}"),
        (
            Dialect::AnthropicMessages,
            "service_tier",
            "\"standard_only\"",
        ),
        (Dialect::MistralChat, "safe_prompt", "false"),
        (Dialect::MistralChat, "made_up", "1"),
    ] {
        chat.extras.push(Extra {
            dialect,
            name: name.into(),
            value: Raw::parse(value).unwrap(),
        });
    }
    let (body, dropped, encoded) = encode(&chat, &[]);
    let expected = json!({
        "model": "mistral-large",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 1.5, "max_tokens": 9, "stop": ["a"], "random_seed": 7,
        "prompt_cache_key": "k",
        "metadata": {"b": "1", "a": "2"},
        "prediction": {"type": "content", "content": "x"},
        "service_tier": "standard_only", "safe_prompt": false, "stream": true
    });
    assert_eq!(body, expected);
    assert_eq!(
        dropped,
        [
            "name",
            "temperature",
            "min_p",
            "n",
            "logit_bias",
            "user",
            "service_tier",
            "metadata_",
            "made_up"
        ]
    );
    let bytes = String::from_utf8(encoded.body).unwrap();
    assert!(
        bytes.contains(r#""metadata":{"b":"1", "a":"2"}"#),
        "T12: {bytes}"
    );
}

#[test]
fn t20_results_follow_their_calls_in_order() {
    let chat = chat(vec![
        (Role::Developer, vec![text("be brief")]),
        (Role::User, vec![text("go")]),
        (
            Role::Assistant,
            vec![text("ok"), call("a", "f"), call("b", "g")],
        ),
        (
            Role::User,
            vec![
                result("a", vec![text("1")]),
                result("b", vec![]),
                text("and?"),
            ],
        ),
        (Role::Assistant, vec![text("done")]),
        (Role::User, vec![text("thanks")]),
    ]);
    let (body, dropped, _) = encode(&chat, &[]);
    let expected = [
        "system:be brief",
        "user:go",
        "assistant:ok+a+b",
        "tool(a):1",
        "tool(b):",
        "user:and?",
        "assistant:done",
        "user:thanks",
    ];
    assert_eq!(script(&body), expected);
    assert_eq!(body["messages"][4]["name"], "g");
    assert!(dropped.is_empty());
    let (body, ..) = encode(&chat, RULES);
    assert_eq!(
        script(&body)[4],
        "tool(b):[After this result, the user says:]|and?"
    );
}

#[test]
fn calls_and_results_balance_before_the_next_assistant_message() {
    let chat = chat(vec![
        (Role::User, vec![text("go")]),
        (Role::Assistant, vec![call("a", "f")]),
        (
            Role::Assistant,
            vec![text("and"), call("b", "g"), call("c", "g")],
        ),
        (Role::User, vec![text("wait")]),
        (
            Role::User,
            vec![result("b", vec![text("2")]), result("zz", vec![text("?")])],
        ),
        (Role::Assistant, vec![text(""), call("b", "f")]),
    ]);
    let (body, ..) = encode(&chat, &[]);
    let expected = [
        "user:go",
        "assistant:and+a+b+c",
        "tool(b):2",
        "tool(a):[No result was recorded for this tool call.]",
        "tool(c):[No result was recorded for this tool call.]",
        "user:wait",
        "user:[Result of a tool call (zz) that is not in this conversation:]|?",
        "assistant:+bx2",
        "tool(bx2):[No result was recorded for this tool call.]",
    ];
    assert_eq!(script(&body), expected);
}

#[test]
fn ids_that_are_none_are_repaired() {
    let chat = chat(vec![
        (Role::User, vec![text("go")]),
        (Role::Assistant, vec![call("null", "f"), call("", "g")]),
        (
            Role::User,
            vec![result("null", vec![text("1")]), result("", vec![text("2")])],
        ),
    ]);
    let (body, ..) = encode(&chat, &[]);
    assert_eq!(
        script(&body)[1..],
        [
            "assistant:+call1+call1x2",
            "tool(call1):1",
            "tool(call1x2):2"
        ]
    );
}

#[test]
fn t8_foreign_ids_become_nine_characters_and_the_map_is_kept() {
    let chat = chat(vec![
        (Role::User, vec![text("go")]),
        (
            Role::Assistant,
            vec![call("toolu_01ABCDEF", "f"), call("abcdefghi", "f")],
        ),
        (
            Role::User,
            vec![
                result("toolu_01ABCDEF", vec![]),
                result("abcdefghi", vec![]),
            ],
        ),
    ]);
    let (body, _, encoded) = encode(&chat, &[Quirk::NineCharToolIds]);
    let id = body["messages"][1]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(
        id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{id}"
    );
    assert_eq!(body["messages"][2]["tool_call_id"], id);
    assert_eq!(body["messages"][1]["tool_calls"][1]["id"], "abcdefghi");
    assert_eq!(
        encoded.asked.ids,
        [(id.to_owned(), "toolu_01ABCDEF".to_owned())]
    );
}

#[test]
fn system_messages_stand_only_where_they_may() {
    let turns = |last: Role| {
        chat(vec![
            (Role::System, vec![text("s1")]),
            (Role::User, vec![text("u1")]),
            (Role::System, vec![text("s2")]),
            (Role::Assistant, vec![text("a1")]),
            (Role::System, vec![text("s3")]),
            (Role::User, vec![text("u2")]),
            (last, vec![text("z")]),
        ])
    };
    let (body, ..) = encode(&turns(Role::User), &[]);
    let expected = [
        "system:s1",
        "user:u1",
        "system:s2",
        "assistant:a1",
        "user:<system>|s3|</system>",
        "user:u2",
        "user:z",
    ];
    assert_eq!(script(&body), expected);
    let (body, ..) = encode(
        &turns(Role::System),
        &[Quirk::SystemFirst, Quirk::NoTextParts],
    );
    assert_eq!(script(&body)[1], "user:u1\n\n<system>\n\ns2\n\n</system>");
    assert_eq!(
        script(&body).last().unwrap(),
        "user:u2\n\n<system>\n\nz\n\n</system>"
    );
    let (body, ..) = encode(&chat(vec![(Role::System, vec![text("s")])]), &[]);
    assert_eq!(script(&body), ["system:s"]);
}

#[test]
fn an_assistant_message_at_the_end_is_a_prefix() {
    let ends = |last: &str| {
        chat(vec![
            (Role::User, vec![text("go")]),
            (Role::Assistant, vec![text(last)]),
        ])
    };
    let (body, dropped, encoded) = encode(&ends("fn "), &[]);
    assert_eq!(script(&body), ["user:go", "assistant:fn  prefix"]);
    assert_eq!(encoded.asked.prefill.as_deref(), Some("fn "));
    assert!(dropped.is_empty());
    let (body, dropped, encoded) = encode(&ends("fn "), &[Quirk::NoPrefill]);
    assert_eq!(script(&body), ["user:go", "assistant:fn ", "user:Go on."]);
    assert_eq!(
        (encoded.asked.prefill, &*dropped),
        (None, &["prefill".to_owned()][..])
    );
    let (body, ..) = encode(&ends(""), &[]);
    assert_eq!(script(&body), ["user:go"]);
}

#[test]
fn text_and_calls_are_parted_for_old_models() {
    let chat = chat(vec![
        (Role::User, vec![text("go")]),
        (Role::Assistant, vec![text("ok"), call("a", "f")]),
        (Role::User, vec![result("a", vec![])]),
    ]);
    let (body, ..) = encode(&chat, &[Quirk::TextOrCalls]);
    assert_eq!(
        script(&body),
        ["user:go", "assistant:ok", "assistant:+a", "tool(a):"]
    );
}

#[test]
fn t9_an_image_in_a_result_reaches_the_model() {
    let turns = || {
        chat(vec![
            (Role::User, vec![text("go")]),
            (Role::Assistant, vec![call("a", "shot")]),
            (Role::User, vec![result("a", vec![text("see"), image()])]),
        ])
    };
    let (body, dropped, _) = encode(&turns(), &[]);
    let follow = "[What this tool returned follows in the next user message.]";
    assert_eq!(
        script(&body)[2..],
        [
            format!("tool(a):see|{follow}"),
            "user:[Returned by the tool shot:]|<image_url>".into()
        ]
    );
    assert_eq!(
        body["messages"][3]["content"][1]["image_url"],
        "data:image/png;base64,AAAA"
    );
    assert!(dropped.is_empty());
    let (body, ..) = encode(&turns(), RULES);
    assert_eq!(script(&body)[3], "assistant:OK.");
    let (body, ..) = encode(&turns(), &[Quirk::ToolImages]);
    assert_eq!(script(&body)[2], "tool(a):see|<image_url>");
    let (body, dropped, _) = encode(&turns(), &[Quirk::NoImages]);
    assert_eq!(
        script(&body)[2],
        "tool(a):see|[An image that could not be passed on.]"
    );
    assert_eq!(dropped, ["image"]);
}

#[test]
fn documents_marks_and_foreign_blocks() {
    let document = |source| {
        Block::Document(Document {
            source,
            title: Some("t".into()),
            context: None,
            citations: false,
            cache: None,
        })
    };
    let marked = Block::Text(Text {
        text: "hi".into(),
        cache: Some(CacheMark::Default),
    });
    let foreign = Block::Opaque(Opaque {
        dialect: Dialect::AnthropicMessages,
        kind: "server_tool_use".into(),
        raw: Raw::parse("{}").unwrap(),
    });
    let chat = chat(vec![(
        Role::User,
        vec![
            marked,
            document(Source::Url("https://x/y.pdf".into())),
            document(Source::Text("body".into())),
            document(Source::File {
                dialect: Dialect::MistralChat,
                id: "f1".into(),
            }),
            document(Source::File {
                dialect: Dialect::OpenaiChat,
                id: "f2".into(),
            }),
            foreign,
        ],
    )]);
    let (body, dropped, _) = encode(&chat, &[]);
    let expected = json!([
        {"type": "text", "text": "hi"},
        {"type": "document_url", "document_url": "https://x/y.pdf", "document_name": "t"},
        {"type": "text", "text": "t\n\nbody"},
        {"type": "file", "file_id": "f1"},
        {"type": "text", "text": "[A document that could not be passed on.]"}
    ]);
    assert_eq!(body["messages"][0]["content"], expected);
    assert_eq!(dropped, ["cache_control", "document", "server_tool_use"]);
}

#[test]
fn t4_reasoning_goes_back_with_its_own_state_only() {
    let turns = |dialect, provider: Option<&str>| {
        let reasoning = Block::Reasoning(Reasoning {
            text: "hmm".into(),
            state: Some(State {
                dialect,
                provider: provider.map(str::to_owned),
                id: None,
                redacted: false,
                data: "sig".into(),
            }),
        });
        chat(vec![
            (Role::User, vec![text("go")]),
            (Role::Assistant, vec![reasoning, call("a", "f")]),
            (Role::User, vec![result("a", vec![])]),
        ])
    };
    let thinking = json!({"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]});
    let mut signed = thinking.clone();
    signed["signature"] = json!("sig");
    for provider in [None, Some("mistral")] {
        let (body, dropped, _) = encode(&turns(Dialect::MistralChat, provider), &[]);
        assert_eq!(body["messages"][1]["content"], json!([signed]));
        assert!(dropped.is_empty());
    }
    for (dialect, provider) in [
        (Dialect::MistralChat, Some("other")),
        (Dialect::AnthropicMessages, Some("mistral")),
    ] {
        let (body, dropped, _) = encode(&turns(dialect, provider), &[]);
        assert_eq!(body["messages"][1]["content"], json!([thinking]));
        assert_eq!(dropped, ["reasoning_state"]);
    }
    for quirk in [Quirk::NoReasoning, Quirk::TextOrCalls] {
        let (body, dropped, _) = encode(&turns(Dialect::MistralChat, None), &[quirk]);
        assert_eq!(body["messages"][1]["content"], "");
        assert_eq!(dropped, ["reasoning"]);
    }
}

fn function(name: &str) -> Tool {
    Tool::Function(Function {
        name: name.into(),
        parameters: Raw::parse(r#"{ "type":"object","properties":{"$id":{}} }"#),
        strict: Some(true),
        ..Function::default()
    })
}

fn with_tools(choice: Option<ToolChoice>) -> Chat {
    let custom = Tool::Custom(CustomTool {
        name: "patch".into(),
        description: Some("d".into()),
        format: Raw::parse("{}"),
    });
    let hosted = Tool::Hosted {
        dialect: Dialect::OpenaiResponses,
        kind: "web_search".into(),
        raw: Raw::parse("{}").unwrap(),
    };
    let bare = Tool::Function(Function {
        name: "my.tool".into(),
        ..Function::default()
    });
    Chat {
        tools: vec![
            function("f"),
            bare,
            custom,
            Tool::Namespace {
                name: "fs".into(),
                description: None,
                tools: vec![function("read")],
            },
            hosted,
        ],
        tool_choice: choice,
        ..hello()
    }
}

#[test]
fn tools_are_functions_with_legal_names() {
    let (body, dropped, encoded) = encode(&with_tools(None), &[]);
    let tools = body["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["f", "my_tool", "patch", "fs__read"]);
    assert_eq!(
        tools[1]["function"]["parameters"],
        json!({"type": "object", "properties": {}})
    );
    assert_eq!(
        tools[2]["function"]["parameters"]["required"],
        json!(["input"])
    );
    assert_eq!(dropped, ["tools.web_search", "tools.custom.format"]);
    assert_eq!(encoded.asked.custom, ["patch"]);
    let names = [("my_tool", "", "my.tool"), ("fs__read", "fs", "read")];
    let names = names.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(encoded.asked.namespaced, names);
    let bytes = String::from_utf8(encoded.body).unwrap();
    let schema = r#""parameters":{ "type":"object","properties":{"$id":{}} },"strict":true"#;
    assert!(bytes.contains(schema), "T12: {bytes}");
}

#[test]
fn names_stay_bijective() {
    let long = "x".repeat(70);
    let names = ["a.b", "a_b", "a b", &long, "é"];
    let chat = Chat {
        tools: names.iter().map(|name| function(name)).collect(),
        ..hello()
    };
    let (body, ..) = encode(&chat, &[]);
    let tools = body["tools"].as_array().unwrap();
    let sent: Vec<_> = tools
        .iter()
        .map(|tool| tool["function"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(sent, ["a_b_2", "a_b", "a_b_3", &long[..64], "_"]);
}

#[test]
fn choices() {
    let named = |name: &str| {
        Some(ToolChoice::Named {
            form: ToolForm::Function,
            name: name.into(),
        })
    };
    let allowed = |required| {
        let names = vec!["read".into(), "patch".into()];
        Some(ToolChoice::Allowed { required, names })
    };
    for (choice, sent, count) in [
        (None, Value::Null, 4),
        (Some(ToolChoice::Auto), json!("auto"), 4),
        (Some(ToolChoice::None), json!("none"), 4),
        (Some(ToolChoice::Required), json!("any"), 4),
        (
            named("my.tool"),
            json!({"type": "function", "function": {"name": "my_tool"}}),
            4,
        ),
        (allowed(false), json!("auto"), 2),
        (allowed(true), json!("any"), 2),
    ] {
        let (body, ..) = encode(&with_tools(choice.clone()), &[]);
        assert_eq!(body["tool_choice"], sent, "{choice:?}");
        assert_eq!(body["tools"].as_array().unwrap().len(), count);
    }
    let (body, dropped, _) = encode(
        &with_tools(Some(ToolChoice::Required)),
        &[Quirk::NoForcedTool],
    );
    assert_eq!(body["tool_choice"], "auto");
    assert!(dropped.contains(&"tool_choice".to_owned()));
    let lone = Chat {
        tool_choice: Some(ToolChoice::Auto),
        ..hello()
    };
    assert_eq!(encode(&lone, &[]).0["tool_choice"], Value::Null);
}

#[test]
fn custom_calls_of_the_past_are_sent_as_their_function() {
    let mut past = call("a", "patch");
    if let Block::ToolUse(tool) = &mut past {
        tool.form = ToolForm::Custom;
        tool.arguments = "a\"b".into();
    }
    let turns = chat(vec![
        (Role::User, vec![text("go")]),
        (Role::Assistant, vec![past]),
        (Role::User, vec![result("a", vec![])]),
    ]);
    let (body, ..) = encode(&turns, &[]);
    let arguments = &body["messages"][1]["tool_calls"][0]["function"]["arguments"];
    assert_eq!(arguments, r#"{"input":"a\"b"}"#);
}

#[test]
fn formats_and_efforts() {
    let mut chat = hello();
    chat.format = Format::JsonSchema {
        name: None,
        description: None,
        schema: Raw::parse(r#"{"b":1,"a":2}"#).unwrap(),
        strict: Some(true),
    };
    let expected = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"b": 1, "a": 2}, "strict": true}});
    assert_eq!(encode(&chat, &[]).0["response_format"], expected);
    let (body, dropped, _) = encode(&chat, &[Quirk::NoJsonSchema]);
    assert_eq!(
        (&body["response_format"], &*dropped),
        (
            &json!({"type": "json_object"}),
            &["response_format".to_owned()][..]
        )
    );

    let ask = |mode, effort| Chat {
        reasoning: ReasoningAsk {
            mode,
            effort,
            ..ReasoningAsk::default()
        },
        ..hello()
    };
    let high = ask(ReasoningMode::Adaptive, Some(Effort::High));
    assert_eq!(encode(&high, &[]).0["reasoning_effort"], "high");
    assert_eq!(encode(&high, &[Quirk::NoReasoning]).1, ["reasoning_effort"]);
    let off = ask(ReasoningMode::Off, None);
    assert_eq!(encode(&off, &[Quirk::NoReasoning]).1, ["thinking"]);
    assert_eq!(encode(&off, &[]).0["reasoning_effort"], "none");
    let adaptive = ask(ReasoningMode::Adaptive, None);
    assert!(encode(&adaptive, &[]).1.is_empty());
}

#[test]
fn the_billing_line_of_one_client_stays_here() {
    let blocks = vec![
        text("x-anthropic-billing-header: cc_version=1"),
        text("be good"),
    ];
    let chat = chat(vec![(Role::System, blocks), (Role::User, vec![text("hi")])]);
    assert_eq!(script(&encode(&chat, &[]).0), ["system:be good", "user:hi"]);
}

#[test]
fn nothing_to_say_is_a_fault_of_the_caller() {
    let mut notes = crate::notes::Notes::default();
    let empty = chat(vec![(Role::Assistant, vec![])]);
    let fault = super::super::request::encode(&empty, &super::target(&[]), &mut notes);
    assert_eq!(fault.unwrap_err().param.as_deref(), Some("messages"));
}
