//! What a provider takes of a call that was made for another: limits, names, schemas.

use super::*;
use crate::block::{ToolForm, ToolUse};
use crate::call::{CustomTool, Function, Sampling, Tool, ToolChoice};
use crate::json::Raw;

#[test]
fn more_output_than_the_model_has_is_not_asked_for() {
    let chat = Chat {
        sampling: Sampling {
            max_output: Some(32_000),
            ..Sampling::default()
        },
        ..Chat::default()
    };
    let target = Target {
        max_output: Some(16_384),
        ..target(&[])
    };
    let (body, _, dropped) = encoded_for(&chat, &target);
    assert!(body.contains(r#""max_output_tokens":16384"#), "{body}");
    assert_eq!(dropped, ["max_output_tokens"]);
}

const LONG: &str = "mcp__plugin_engineering-tools_issue-tracker__list_all_open_issues_of_a_project";

/// A call that declares, has called and chooses tools of long names.
fn long_names() -> Chat {
    let call = |name: &str, namespace: Option<&str>| {
        Block::ToolUse(ToolUse {
            id: "a".into(),
            name: name.into(),
            namespace: namespace.map(str::to_owned),
            form: ToolForm::Function,
            arguments: "{}".into(),
            cache: None,
        })
    };
    let function = |name: &str| {
        Tool::Function(Function {
            name: name.into(),
            ..Function::default()
        })
    };
    Chat {
        turns: vec![Turn::new(Role::Assistant, vec![call(LONG, None)])],
        tools: vec![
            function(LONG),
            function("short"),
            Tool::Namespace {
                name: "ns".into(),
                description: None,
                tools: vec![function(&format!("{LONG}_too"))],
            },
            Tool::Custom(CustomTool {
                name: format!("{LONG}_custom"),
                description: None,
                format: None,
            }),
        ],
        tool_choice: Some(ToolChoice::Named {
            form: ToolForm::Function,
            name: LONG.into(),
        }),
        ..Chat::default()
    }
}

#[test]
fn a_tool_name_over_64_bytes_is_shortened_alike_everywhere_and_given_back() {
    let (body, asked, dropped) = encoded_for(&long_names(), &target(&[]));
    let sent: Value = serde_json::from_str(&body).unwrap();
    let name = sent["tools"][0]["name"].as_str().unwrap();
    assert_eq!(name.len(), 64);
    assert_eq!(sent["tools"][1]["name"], "short");
    assert_eq!(sent["tool_choice"]["name"], name);
    assert_eq!(sent["input"][0]["name"], name);
    let member = sent["tools"][2]["tools"][0]["name"].as_str().unwrap();
    let custom = sent["tools"][3]["name"].as_str().unwrap();
    let names: Vec<(&str, &str)> = asked
        .renamed
        .iter()
        .map(|(sent, namespace, _)| (sent.as_str(), namespace.as_str()))
        .collect();
    assert_eq!(names, [(name, ""), (member, "ns"), (custom, "")]);
    assert_eq!(dropped, [] as [&str; 0]);

    let item = |name: &str, id: &str, more: &str| {
        format!(
            r#"{{"type":"function_call","id":"fc_{id}","call_id":"{id}","name":"{name}"{more},"arguments":"{{}}"}}"#
        )
    };
    let space = r#","namespace":"ns""#;
    let response = format!(
        r#"{{"id":"r","status":"completed","model":"m","output":[{},{}]}}"#,
        item(name, "b", ""),
        item(member, "c", space)
    );
    let mut whole = Answer::default();
    response::decode(response.as_bytes(), &asked, &mut whole).unwrap();
    let frames = [
        format!(
            r#"{{"type":"response.output_item.added","output_index":0,"item":{}}}"#,
            item(name, "b", "")
        ),
        format!(r#"{{"type":"response.completed","response":{response}}}"#),
    ];
    let (events, _, end) = run_asked(&[&frames[0], &frames[1]], asked);
    end.unwrap();
    for answer in [whole, collect(events)] {
        let calls: Vec<(&str, Option<&str>)> = answer
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::ToolUse(call) => Some((call.name.as_str(), call.namespace.as_deref())),
                _ => None,
            })
            .collect();
        let too = format!("{LONG}_too");
        assert_eq!(calls, [(LONG, None), (too.as_str(), Some("ns"))]);
    }
}

#[test]
fn an_answer_echoes_tools_under_their_own_names() {
    let body = response::encode(&Answer::default(), &reply(long_names()), None);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["tools"][0]["name"], LONG);
    assert_eq!(body["tool_choice"]["name"], LONG);
}

#[test]
fn an_object_without_properties_gets_some_that_are_empty() {
    for (schema, sent) in [
        (
            r#"{"type":"object"}"#,
            r#"{"properties":{},"type":"object"}"#,
        ),
        (
            r#"{ "type":"object","properties":{"a":{}} }"#,
            r#"{ "type":"object","properties":{"a":{}} }"#,
        ),
        ("{}", "{}"),
    ] {
        let chat = Chat {
            tools: vec![Tool::Function(Function {
                name: "f".into(),
                parameters: Raw::parse(schema),
                ..Function::default()
            })],
            ..Chat::default()
        };
        let (body, _) = encoded(&chat, &[]);
        let parameters = format!(r#""parameters":{sent},"#);
        assert!(body.contains(&parameters), "{body}");
        let echo = response::encode(&Answer::default(), &reply(chat), None);
        let echo = String::from_utf8(echo).unwrap();
        assert!(
            echo.contains(&format!(r#""parameters":{schema},"#)),
            "{echo}"
        );
    }
}

#[test]
fn a_seal_that_does_not_open_is_not_sent_as_encrypted_content() {
    let chat = decoded(
        r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"vane1.broken"},{"role":"user","content":"x"}]}"#,
    );
    let (body, dropped) = encoded(&chat, &[]);
    assert!(!body.contains("vane1."), "{body}");
    assert_eq!(dropped, ["reasoning_state", "reasoning"]);
}

#[test]
fn an_effort_that_the_model_does_not_take_becomes_the_nearest_and_is_noted() {
    let chat =
        decoded(r#"{"model":"m","input":"x","reasoning":{"effort":"max","summary":"auto"}}"#);
    let gpt_5 = [Quirk::NoXhighEffort, Quirk::NoMaxEffort];
    for (quirks, sent, dropped) in [
        (
            &gpt_5[..],
            r#""reasoning":{"effort":"high","summary":"auto"}"#,
            &["reasoning.effort"][..],
        ),
        (
            &[Quirk::NoMaxEffortInChat],
            r#""reasoning":{"effort":"max","summary":"auto"}"#,
            &[],
        ),
        (
            &[Quirk::NoReasoningEffort],
            r#""reasoning":{"summary":"auto"}"#,
            &["reasoning.effort"],
        ),
        (
            &[Quirk::NoReasoning],
            r#""store":false"#,
            &["reasoning.effort", "reasoning.summary"],
        ),
    ] {
        let (body, notes) = encoded(&chat, quirks);
        assert!(body.contains(sent), "{body}");
        assert_eq!(notes, dropped);
        let reasons = !quirks.contains(&Quirk::NoReasoning);
        assert_eq!(body.contains(r#""reasoning":"#), reasons, "{body}");
    }
    let echo = response::encode(&Answer::default(), &reply(chat), None);
    let echo: Value = serde_json::from_slice(&echo).unwrap();
    assert_eq!(echo["reasoning"]["effort"], "max");
}
