//! Turns and blocks that cases are made of, and bodies in short.

use crate::block::{Block, Image, Source, Text, ToolForm, ToolResult, ToolUse};
use crate::call::{Chat, Role, Turn};
use serde_json::Value;

pub(super) fn text(text: &str) -> Block {
    Block::Text(Text::plain(text))
}

pub(super) fn call(id: &str, name: &str) -> Block {
    Block::ToolUse(ToolUse {
        id: id.into(),
        name: name.into(),
        namespace: None,
        form: ToolForm::Function,
        arguments: "{}".into(),
        cache: None,
    })
}

pub(super) fn result(id: &str, content: Vec<Block>) -> Block {
    Block::ToolResult(ToolResult {
        id: id.into(),
        content,
        is_error: false,
        form: ToolForm::Function,
        cache: None,
    })
}

pub(super) fn image() -> Block {
    Block::Image(Image {
        source: Source::Base64 {
            media_type: "image/png".into(),
            data: "AAAA".into(),
        },
        detail: None,
        cache: None,
    })
}

pub(super) fn chat(turns: Vec<(Role, Vec<Block>)>) -> Chat {
    let turns = turns.into_iter();
    Chat {
        model: "m".into(),
        turns: turns
            .map(|(role, blocks)| Turn::new(role, blocks))
            .collect(),
        ..Chat::default()
    }
}

pub(super) fn hello() -> Chat {
    chat(vec![(Role::User, vec![text("hi")])])
}

/// Roles and contents in short: `user:hi tool(id):...`.
pub(super) fn script(body: &Value) -> Vec<String> {
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
