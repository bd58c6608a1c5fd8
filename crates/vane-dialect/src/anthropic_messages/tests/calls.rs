//! Calls of other dialects' clients, as Anthropic gets them.

use super::*;
use crate::block::{Block, Text, ToolForm, ToolUse};
use crate::call::{
    CustomTool, Effort, Extra, Format, Function, ReasoningMode, Role, Tool, ToolChoice, Turn,
};
use crate::dialect::Dialect;
use crate::json::Raw;
use serde_json::Number;

fn said(role: Role, text: &str) -> Turn {
    Turn::new(role, vec![Block::Text(Text::plain(text))])
}

fn chat() -> Chat {
    Chat {
        model: "m".to_owned(),
        turns: vec![said(Role::User, "hi")],
        ..Chat::default()
    }
}

fn function(name: &str) -> Tool {
    Tool::Function(Function {
        name: name.to_owned(),
        ..Function::default()
    })
}

#[test]
fn sampling_that_anthropic_lacks_is_noted() {
    let mut chat = chat();
    chat.sampling.temperature = Number::from_f64(1.5);
    chat.sampling.top_p = Number::from_f64(0.5);
    chat.sampling.seed = Some(1);
    chat.sampling.n = Some(2);
    chat.sampling.stop = vec!["\n".to_owned(), "END".to_owned()];
    chat.format = Format::JsonObject;
    chat.cache_key = Some("k".to_owned());
    let (body, mut dropped) = encode(&chat);
    assert!(
        body.contains(r#""temperature":1,"stop_sequences":["END"]"#),
        "{body}"
    );
    dropped.sort_unstable();
    let expected = [
        "n",
        "prompt_cache_key",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "top_p",
    ];
    assert_eq!(dropped, expected);
    let (_, body, dropped) = encode_for(&chat, &target(&[Quirk::NoSampling]));
    assert!(!body.contains(r#""temperature""#));
    assert!(dropped.contains(&"temperature".to_owned()));
}

#[test]
fn efforts_and_budgets_become_what_the_model_takes() {
    let mut chat = chat();
    chat.reasoning.mode = ReasoningMode::On;
    chat.reasoning.effort = Some(Effort::Minimal);
    let (body, dropped) = encode(&chat);
    assert!(body.contains(r#""thinking":{"type":"adaptive"},"output_config":{"effort":"low"}"#));
    assert!(dropped.is_empty());
    chat.reasoning.effort = None;
    chat.reasoning.budget_tokens = Some(9000);
    let (body, _) = encode(&chat);
    // It must leave room for an answer within the limit of 8,000.
    assert!(
        body.contains(r#""thinking":{"type":"enabled","budget_tokens":7999}"#),
        "{body}"
    );
    let (_, body, dropped) = encode_for(&chat, &target(&[Quirk::NoThinkingBudget]));
    assert!(body.contains(r#""thinking":{"type":"adaptive"},"output_config":{"effort":"medium"}"#));
    assert_eq!(dropped, ["budget_tokens"]);
}

#[test]
fn namespaces_and_custom_tools_are_flattened_and_come_back() {
    let mut chat = chat();
    chat.tools = vec![
        Tool::Namespace {
            name: "mcp".to_owned(),
            description: None,
            tools: vec![function("read.file")],
        },
        Tool::Custom(CustomTool {
            name: "apply_patch".to_owned(),
            description: Some("Applies.".to_owned()),
            format: None,
        }),
    ];
    let tool = |namespace: Option<&str>, name: &str, form, arguments: &str| {
        Block::ToolUse(ToolUse {
            id: format!("call|{name}"),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            form,
            arguments: arguments.to_owned(),
            cache: None,
        })
    };
    let uses = vec![
        tool(Some("mcp"), "read.file", ToolForm::Function, "{}"),
        tool(None, "apply_patch", ToolForm::Custom, "*** \"x\""),
    ];
    chat.turns.push(Turn::new(Role::Assistant, uses));
    chat.turns.push(said(Role::User, "go"));
    let (encoded, body, _) = encode_for(&chat, &target(&[]));
    assert!(body.contains(
        r#"{"type":"tool_use","id":"call_read_file_r0","name":"mcp__read_file","input":{}}"#
    ));
    assert!(
        body.contains(r#""name":"apply_patch","input":{"input":"*** \"x\""}"#),
        "{body}"
    );
    assert_eq!(encoded.asked.custom, ["apply_patch"]);
    assert_eq!(
        encoded.asked.ids,
        [
            ("call_read_file_r0".to_owned(), "call|read.file".to_owned()),
            (
                "call_apply_patch_r1".to_owned(),
                "call|apply_patch".to_owned()
            ),
        ]
    );

    let answer = r#"{"id":"a","model":"m","content":[{"type":"tool_use","id":"t1","name":"mcp__read_file","input":{"a": 1}},{"type":"tool_use","id":"t2","name":"apply_patch","input":{"input":"*** \"y\""}}],"stop_reason":"tool_use"}"#;
    let mut read = Answer::default();
    response::decode(answer.as_bytes(), &encoded.asked, &mut read).unwrap();
    let [Block::ToolUse(file), Block::ToolUse(patch)] = read.blocks.as_slice() else {
        panic!("{read:?}");
    };
    assert_eq!(
        (file.namespace.as_deref(), file.name.as_str()),
        (Some("mcp"), "read.file")
    );
    assert_eq!(file.arguments, r#"{"a": 1}"#);
    assert_eq!(
        (patch.form, patch.arguments.as_str()),
        (ToolForm::Custom, "*** \"y\"")
    );
}

#[test]
fn allowed_tools_are_the_only_ones_sent() {
    let mut chat = chat();
    chat.tools = vec![function("a"), function("b")];
    chat.tool_choice = Some(ToolChoice::Allowed {
        required: true,
        names: vec!["b".to_owned()],
    });
    let (body, dropped) = encode(&chat);
    let expected = r#""tools":[{"name":"b","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"any"}"#;
    assert!(body.contains(expected), "{body}");
    assert!(dropped.is_empty());
}

#[test]
fn a_choice_without_tools_is_noted_and_not_sent() {
    let mut chat = chat();
    chat.tools = vec![Tool::Hosted {
        dialect: Dialect::OpenaiResponses,
        kind: "web_search".to_owned(),
        raw: Raw::of(&1),
    }];
    chat.tool_choice = Some(ToolChoice::Required);
    let (body, dropped) = encode(&chat);
    assert!(!body.contains("tool"), "{body}");
    assert_eq!(dropped, ["tools.web_search", "tool_choice"]);
}

#[test]
fn developer_words_lead_empty_text_goes_and_a_prefill_is_trimmed() {
    let mut chat = chat();
    chat.turns = vec![
        said(Role::System, "s"),
        said(Role::Developer, "d"),
        said(Role::User, " \n"),
        said(Role::User, "u"),
        said(Role::Assistant, "So: "),
    ];
    let (body, _) = encode(&chat);
    assert!(body.contains(r#""system":[{"type":"text","text":"s"},{"type":"text","text":"d"}]"#));
    assert!(body.contains(
        r#""messages":[{"role":"user","content":[{"type":"text","text":"u"}]},{"role":"assistant","content":[{"type":"text","text":"So:"}]}]"#
    ), "{body}");
    let (_, body, dropped) = encode_for(&chat, &target(&[Quirk::NoPrefill]));
    assert!(body.contains("Continue from where you stopped."));
    assert_eq!(dropped, ["prefill"]);
}

#[test]
fn extras_of_others_are_carried_or_noted() {
    let mut chat = chat();
    let extra = |name: &str, value: &str| Extra {
        dialect: Dialect::OpenaiChat,
        name: name.to_owned(),
        value: Raw::of(&value),
    };
    chat.extras = vec![extra("user", "u1"), extra("logit_bias", "x")];
    let (body, dropped) = encode(&chat);
    assert!(body.contains(r#""metadata":{"user_id":"u1"}"#), "{body}");
    assert_eq!(dropped, ["logit_bias"]);
}

#[test]
fn a_user_who_is_an_address_or_a_number_is_no_400_at_anthropic() {
    let sent = |names: &[(&str, &str)]| {
        let mut chat = chat();
        let extras = names.iter().map(|(name, value)| Extra {
            dialect: Dialect::OpenaiResponses,
            name: (*name).to_owned(),
            value: Raw::of(value),
        });
        chat.extras = extras.collect();
        let (body, dropped) = encode(&chat);
        let (_, user) = body.split_once(r#""metadata":{"user_id":"#).unzip();
        let user = user.and_then(|user| user.strip_suffix("}}"));
        (user.map(str::to_owned), dropped)
    };
    let long = "x".repeat(257);
    for refused in [
        "ada@example.com",
        "+33 6 12 34 56 78",
        "(555) 010-9999",
        "5550109",
        &long,
        "",
    ] {
        assert_eq!(
            sent(&[("user", refused)]),
            (None, vec!["user".to_owned()]),
            "{refused}"
        );
        // Who says both is still known by the other.
        let both = sent(&[("user", refused), ("safety_identifier", "s1")]);
        assert_eq!(
            both,
            (Some("\"s1\"".to_owned()), vec!["user".to_owned()]),
            "{refused}"
        );
    }
    let uuid = "0192f5a1-7b3c-7d4e-8f00-1234567890ab";
    for taken in [
        uuid,
        "user-5550109",
        "123456",
        "80351110224678912",
        &long[1..],
    ] {
        let user = format!("\"{taken}\"");
        assert_eq!(
            sent(&[("user", taken)]),
            (Some(user), Vec::new()),
            "{taken}"
        );
    }
}

#[test]
fn a_schema_without_a_type_gets_the_one_that_anthropic_demands() {
    let told = |schema: &str| {
        let mut chat = chat();
        chat.tools = vec![Tool::Function(Function {
            name: "f".to_owned(),
            parameters: Raw::parse(schema),
            ..Function::default()
        })];
        let (body, _) = encode(&chat);
        let from = body.find(r#""input_schema":"#).unwrap() + r#""input_schema":"#.len();
        body[from..body[from..].find("}]").unwrap() + from].to_owned()
    };
    assert_eq!(told("{}"), r#"{"type":"object"}"#);
    assert_eq!(
        told(r#"{ "properties":{"a":{}} }"#),
        r#"{"type":"object", "properties":{"a":{}} }"#
    );
    let own = r##"{ "$defs":{},"type":"object" }"##;
    assert_eq!(told(own), own);
}

/// The schema as Anthropic gets it, and what was dropped.
fn answered_by(name: Option<&str>, schema: &str) -> (String, Vec<String>) {
    let mut chat = chat();
    chat.format = Format::JsonSchema {
        name: name.map(str::to_owned),
        description: None,
        schema: Raw::parse(schema).unwrap(),
        strict: Some(true),
    };
    let (body, dropped) = encode(&chat);
    let from = r#""output_config":{"format":{"type":"json_schema","schema":"#;
    let (_, schema) = body.split_once(from).unwrap();
    (schema.strip_suffix("}}}").unwrap().to_owned(), dropped)
}

#[test]
fn t12_a_schema_goes_as_its_author_wrote_it() {
    let schema = r#"{ "type":"object", "title":"b", "const":2, "additionalProperties":false }"#;
    assert_eq!(
        answered_by(Some("n"), schema),
        (schema.to_owned(), Vec::new())
    );
    // Anthropic's own client is told by Anthropic what it does not take.
    let own = r#"{ "type":"object", "maxProperties":1 }"#;
    assert_eq!(answered_by(None, own), (own.to_owned(), Vec::new()));
}

#[test]
fn t7_a_schema_with_bounds_is_no_400_at_anthropic() {
    let (schema, dropped) = answered_by(
        Some("n"),
        r#"{"type":"object","properties":{"age":{"type":"integer","minimum":0}},"required":["age"]}"#,
    );
    assert_eq!(
        schema,
        r#"{"type":"object","properties":{"age":{"type":"integer","description":"minimum: 0"}},"required":["age"],"additionalProperties":false}"#
    );
    assert_eq!(dropped, ["response_format.schema"]);
}

#[test]
fn t7_a_strict_tool_with_bounds_is_no_400_at_anthropic() {
    let sent = |schema: &str| {
        let mut chat = chat();
        chat.tools = vec![Tool::Function(Function {
            name: "f".to_owned(),
            parameters: Raw::parse(schema),
            strict: Some(true),
            ..Function::default()
        })];
        let (body, dropped) = encode(&chat);
        assert!(body.contains(schema), "{body}");
        (body.contains(r#""strict":true"#), dropped)
    };
    let taken =
        r#"{ "type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false }"#;
    assert_eq!(sent(taken), (true, Vec::new()));
    let lost = vec!["tools.strict".to_owned()];
    let bounded = r#"{"type":"object","properties":{"n":{"type":"integer","maximum":9}},"additionalProperties":false}"#;
    assert_eq!(sent(bounded), (false, lost.clone()));
    assert_eq!(sent(r#"{"type":"object","properties":{}}"#), (false, lost));
}
