//! The order of Mistral's messages, and the balance of calls and results: rules 1 to 7.

use serde_json::Value;

use super::bad;
use crate::strict::{Refusal, items};

/// Rules 1 to 3: the first, the last, and who may follow whom.
pub(super) fn roles(messages: &[Value]) -> Result<(), Refusal> {
    let role = |message: &Value| message["role"].as_str().unwrap_or_default().to_owned();
    let Some(last) = messages.last() else {
        return Err(order_fault("Conversation must have at least one message"));
    };
    if messages.len() == 1 && !matches!(role(last).as_str(), "user" | "system") {
        return Err(order_fault("A lone message must be user or system"));
    }
    let prefixed = role(last) == "assistant"
        && last["prefix"] == true
        && last["content"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
    if messages.len() > 1 && !prefixed && !matches!(role(last).as_str(), "user" | "tool") {
        let message = format!(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got {}",
            role(last)
        );
        return Err(order_fault(&message));
    }
    if messages[..messages.len() - 1]
        .iter()
        .any(|message| message["prefix"] == true)
    {
        return Err(order_fault("Only the last message may be a prefix"));
    }
    for pair in messages.windows(2) {
        let (before, after) = (role(&pair[0]), role(&pair[1]));
        let legal = match before.as_str() {
            "system" | "user" => after != "tool",
            "assistant" => after != "system",
            _ => matches!(after.as_str(), "tool" | "assistant"),
        };
        if !legal {
            let message = format!("Unexpected role '{after}' after role '{before}'");
            return Err(order_fault(&message));
        }
    }
    Ok(())
}

/// Rules 4, 5 and 7: calls and results balance, ids are legal, an assistant says something.
pub(super) fn calls(body: &Value) -> Result<(), Refusal> {
    let model = body["model"].as_str().unwrap_or_default();
    // The tokenizers of these models know only ids of nine characters.
    let short_ids = model.starts_with("codestral") || model.starts_with("open-");
    let mut open: Vec<&str> = Vec::new();
    for message in items(&body["messages"]) {
        let calls = items(&message["tool_calls"]);
        match message["role"].as_str() {
            Some("assistant") => {
                balanced(&open)?;
                said_something(message, short_ids)?;
                open = calls
                    .iter()
                    .filter_map(|call| call["id"].as_str())
                    .collect();
                if let Some(id) = open.iter().find(|id| !legal_id(id, short_ids)) {
                    return Err(id_fault(id));
                }
                let unique = open
                    .iter()
                    .enumerate()
                    .all(|(at, id)| !open[..at].contains(id));
                if open.len() != calls.len() || !unique {
                    return Err(bad(
                        "invalid_function_call",
                        "3280",
                        "Duplicate or missing tool call id",
                    ));
                }
            }
            Some("tool") => {
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                if !legal_id(id, short_ids) {
                    return Err(id_fault(id));
                }
                let Some(at) = open.iter().position(|open| *open == id) else {
                    return Err(order_fault(&format!(
                        "Unexpected tool call id {id} in tool results"
                    )));
                };
                open.remove(at);
            }
            _ => balanced(&open)?,
        }
    }
    balanced(&open)
}

fn balanced(open: &[&str]) -> Result<(), Refusal> {
    if open.is_empty() {
        Ok(())
    } else {
        Err(order_fault(
            "Not the same number of function calls and responses",
        ))
    }
}

fn said_something(message: &Value, either: bool) -> Result<(), Refusal> {
    let text = match &message["content"] {
        Value::String(text) => !text.is_empty(),
        Value::Array(parts) => !parts.is_empty(),
        _ => false,
    };
    let called = !items(&message["tool_calls"]).is_empty();
    match (text, called) {
        (false, false) => Err(bad(
            "invalid_assistant_message",
            "3240",
            "Assistant message must have either content or tool_calls, but not none.",
        )),
        (true, true) if either => Err(bad(
            "invalid_assistant_message",
            "3240",
            "Assistant message must have either content or tool_calls, but not both.",
        )),
        _ => Ok(()),
    }
}

fn legal_id(id: &str, short: bool) -> bool {
    if short {
        id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    } else {
        !id.is_empty() && id != "null"
    }
}

fn id_fault(id: &str) -> Refusal {
    let message = format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.");
    bad("invalid_function_call", "3280", &message)
}

fn order_fault(message: &str) -> Refusal {
    bad("invalid_request_message_order", "3230", message)
}
