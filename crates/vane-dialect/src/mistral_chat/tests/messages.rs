//! Messages as Mistral's hosts take them.

use super::blocks::{call, chat, image, result, script, text};
use super::{encode, target};
use crate::block::{Block, CacheMark, Document, Opaque, Reasoning, Source, State, Text};
use crate::call::Role;
use crate::dialect::Dialect;
use crate::json::Raw;
use crate::quirk::Quirk;
use serde_json::json;

const RULES: &[Quirk] = &[Quirk::NoUserAfterTool];

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
    let lone = chat(vec![(Role::Assistant, vec![text("fn ")])]);
    assert_eq!(
        script(&encode(&lone, &[]).0),
        ["assistant:fn ", "user:Go on."]
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
fn media_in_an_assistant_message_becomes_a_placeholder() {
    let chat = chat(vec![
        (Role::Assistant, vec![text("look"), image()]),
        (Role::User, vec![text("hi")]),
    ]);
    let (body, dropped, _) = encode(&chat, &[]);
    let placeholder = "assistant:look|[A file that could not be passed on.]";
    assert_eq!(script(&body), [placeholder, "user:hi"]);
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
        ..Text::default()
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
    let fault = super::super::request::encode(&empty, &target(&[]), &mut notes);
    assert_eq!(fault.unwrap_err().param.as_deref(), Some("messages"));
}
