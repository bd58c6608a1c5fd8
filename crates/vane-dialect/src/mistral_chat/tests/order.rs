//! Whatever a client sends, the messages that go up obey Mistral's rules.

use super::encode;
use crate::block::{Block, Text, ToolForm, ToolResult, ToolUse};
use crate::call::{Chat, Role, Turn};
use crate::quirk::Quirk;
use proptest::prelude::*;
use serde_json::Value;

fn block() -> impl Strategy<Value = Block> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c"), Just("null"), Just("")];
    let text = prop_oneof![Just("word"), Just("")];
    prop_oneof![
        3 => text.prop_map(|text| Block::Text(Text::plain(text))),
        2 => id.clone().prop_map(|id| Block::ToolUse(ToolUse {
            id: id.into(),
            name: "f.g".into(),
            namespace: None,
            form: ToolForm::Function,
            arguments: String::new(),
            cache: None,
        })),
        2 => id.prop_map(|id| Block::ToolResult(ToolResult {
            id: id.into(),
            content: vec![Block::Text(Text::plain("r"))],
            is_error: false,
            form: ToolForm::Function,
            cache: None,
        })),
    ]
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let role = prop_oneof![
        1 => Just(Role::System),
        1 => Just(Role::Developer),
        3 => Just(Role::User),
        3 => Just(Role::Assistant),
    ];
    let turn = (role, prop::collection::vec(block(), 0..4));
    let turn = turn.prop_map(|(role, blocks)| Turn::new(role, blocks));
    prop::collection::vec(turn, 0..9)
}

fn quirks() -> impl Strategy<Value = Vec<Quirk>> {
    let all = vec![
        Quirk::NineCharToolIds,
        Quirk::NoUserAfterTool,
        Quirk::TextOrCalls,
        Quirk::NoPrefill,
        Quirk::SystemFirst,
    ];
    prop::sample::subsequence(all, 0..=5)
}

/// The rules of the contract, section 3; `None` if all hold.
fn broken(messages: &[Value], quirks: &[Quirk]) -> Option<String> {
    let role = |message: &Value| message["role"].as_str().unwrap_or_default().to_owned();
    let mut seen: Vec<String> = Vec::new();
    let mut pending: Vec<String> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let now = role(message);
        let before = at.checked_sub(1).map(|at| role(&messages[at]));
        let legal = match before.as_deref() {
            None => now != "tool",
            Some("system" | "user") => now != "tool",
            Some("assistant") => now != "system",
            Some("tool") => match now.as_str() {
                "user" => !quirks.contains(&Quirk::NoUserAfterTool),
                other => other != "system",
            },
            Some(_) => false,
        };
        if !legal {
            return Some(format!("{now} after {before:?}"));
        }
        if now == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(at) = pending.iter().position(|call| call == id) else {
                return Some(format!("result {id} without a call"));
            };
            pending.remove(at);
        } else if !pending.is_empty() {
            return Some(format!("{pending:?} unanswered before {now}"));
        }
        if message["content"].is_null() {
            return Some("content is null".into());
        }
        let calls = message["tool_calls"].as_array();
        if now == "assistant" && calls.is_none() && message["content"] == "" {
            return Some("an assistant message with nothing".into());
        }
        for call in calls.into_iter().flatten() {
            let id = call["id"].as_str().unwrap_or_default().to_owned();
            let nine = id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            let fits = nine || !quirks.contains(&Quirk::NineCharToolIds);
            if id.is_empty() || id == "null" || seen.contains(&id) || !fits {
                return Some(format!("id {id:?} of {seen:?}"));
            }
            seen.push(id.clone());
            pending.push(id);
        }
        if calls.is_some() && quirks.contains(&Quirk::TextOrCalls) && message["content"] != "" {
            return Some("text beside calls".into());
        }
    }
    let last = messages.last()?;
    let ends = match role(last).as_str() {
        "user" | "tool" => true,
        "assistant" => last["prefix"] == true && !quirks.contains(&Quirk::NoPrefill),
        _ => messages.len() == 1,
    };
    let unanswered = !pending.is_empty();
    (!ends || unanswered).then(|| format!("ends with {last}, unanswered: {pending:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn t8_messages_are_always_in_an_order_that_mistral_takes(turns in turns(), quirks in quirks()) {
        let mut chat = Chat { turns, ..Chat::default() };
        chat.turns.push(Turn::new(Role::User, vec![Block::Text(Text::plain("x"))]));
        for cut in [true, false] {
            let (body, _, _) = encode(&chat, &quirks);
            let messages = body["messages"].as_array().unwrap();
            prop_assert_eq!(broken(messages, &quirks), None, "{}", body);
            if cut {
                // The same with the user's words first and anything at the end.
                chat.turns.rotate_right(1);
            }
        }
    }
}
