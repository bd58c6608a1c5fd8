//! The fields of calls as Mistral's hosts take them.

use super::blocks::{call, chat, hello, result, text};
use super::encode;
use crate::block::{Block, ToolForm};
use crate::call::{
    Chat, CustomTool, Effort, Extra, Format, Function, ReasoningAsk, ReasoningMode, Role, Sampling,
    Tool, ToolChoice,
};
use crate::dialect::Dialect;
use crate::json::Raw;
use crate::quirk::Quirk;
use serde_json::{Number, Value, json};

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
    assert_eq!(encoded.asked.renamed, names);
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
    let binary = [
        Quirk::NoLowEffort,
        Quirk::NoMediumEffort,
        Quirk::NoXhighEffort,
    ];
    for (asked, sent, dropped) in [
        (Effort::None, "none", 0),
        (Effort::Medium, "high", 1),
        (Effort::High, "high", 0),
        (Effort::Xhigh, "high", 1),
    ] {
        let (body, notes, _) = encode(&ask(ReasoningMode::Unsaid, Some(asked)), &binary);
        assert_eq!(body["reasoning_effort"], sent);
        assert_eq!(notes, vec!["reasoning_effort"; dropped]);
    }
}
