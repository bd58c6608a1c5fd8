//! Anthropic: required fields, closed bodies, tool pairing, and its own signatures only.

use serde_json::{Value, json};

use super::{Refusal, items, keys};
use crate::http::Request;
use crate::server::State;

const COUNTED: &str = "model messages system tools tool_choice thinking output_config \
    cache_control context_management speed temperature top_p top_k mcp_servers";
const ONLY_MESSAGES: &str = "max_tokens stream stop_sequences metadata service_tier container \
    diagnostics inference_geo user_profile_id workspace_id";
/// Refused by this version of the API even at their default values.
const NO_SAMPLING_SINCE: &str = "2026-10-21";

pub(super) fn messages(state: &State, request: &Request, body: &Value) -> Result<(), Refusal> {
    shape(request, body, &format!("{COUNTED} {ONLY_MESSAGES}"))?;
    if !body["max_tokens"].is_u64() {
        return Err(bad("max_tokens: Field required"));
    }
    let budget = &body["thinking"]["budget_tokens"];
    if body["thinking"]["type"] == "enabled" {
        if budget.as_u64().is_none_or(|budget| budget < 1024) {
            return Err(bad(
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
            ));
        }
        if budget.as_u64() >= body["max_tokens"].as_u64() {
            return Err(bad(
                "`max_tokens` must be greater than `thinking.budget_tokens`.",
            ));
        }
    }
    conversation(state, body)
}

pub(super) fn count(state: &State, request: &Request, body: &Value) -> Result<(), Refusal> {
    shape(request, body, COUNTED)?;
    conversation(state, body)
}

fn shape(request: &Request, body: &Value, allowed: &str) -> Result<(), Refusal> {
    let Some(version) = request.header("anthropic-version") else {
        return Err(bad("anthropic-version: header is required"));
    };
    let sampling = ["temperature", "top_p", "top_k"];
    for key in keys(body) {
        let known = allowed.split_whitespace().any(|name| name == key);
        if !known || version >= NO_SAMPLING_SINCE && sampling.contains(&key) {
            return Err(bad(&format!("{key}: Extra inputs are not permitted")));
        }
    }
    for name in ["model", "messages"] {
        if body[name].is_null() {
            return Err(bad(&format!("{name}: Field required")));
        }
    }
    if !body["tool_choice"].is_null() && items(&body["tools"]).is_empty() {
        return Err(bad(
            "tool_choice may only be specified while providing tools",
        ));
    }
    Ok(())
}

/// Roles, blocks, pairing. System messages may stand anywhere and do not part a pair.
fn conversation(state: &State, body: &Value) -> Result<(), Refusal> {
    let mut waiting: Vec<&str> = Vec::new();
    let mut first = true;
    for (at, message) in items(&body["messages"]).iter().enumerate() {
        let key = keys(message).find(|key| *key != "role" && *key != "content");
        if let Some(key) = key {
            return Err(bad(&format!(
                "messages.{at}.{key}: Extra inputs are not permitted"
            )));
        }
        let role = message["role"].as_str().unwrap_or_default();
        match role {
            "system" => continue,
            "user" => results(at, message, &mut waiting)?,
            "assistant" if first => {
                return Err(bad("messages: first message must use the \"user\" role"));
            }
            "assistant" => {}
            _ => return Err(bad(&format!("messages: Unexpected role \"{role}\"."))),
        }
        answered(at, &waiting)?;
        blocks(state, at, message)?;
        if role == "assistant" {
            let calls = items(&message["content"])
                .iter()
                .filter(|block| block["type"] == "tool_use");
            waiting = calls.filter_map(|block| block["id"].as_str()).collect();
        }
        first = false;
    }
    if first {
        return Err(bad("messages: at least one message is required"));
    }
    answered(items(&body["messages"]).len(), &waiting)
}

fn answered(at: usize, waiting: &[&str]) -> Result<(), Refusal> {
    if waiting.is_empty() {
        return Ok(());
    }
    let ids = waiting.join(", ");
    let at = at.saturating_sub(1);
    Err(bad(&format!(
        "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {ids}. Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )))
}

/// Takes this message's results off the list of waiting calls.
fn results(at: usize, message: &Value, waiting: &mut Vec<&str>) -> Result<(), Refusal> {
    for (index, block) in items(&message["content"]).iter().enumerate() {
        if block["type"] != "tool_result" {
            continue;
        }
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        let Some(place) = waiting.iter().position(|open| *open == id) else {
            return Err(bad(&format!(
                "messages.{at}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )));
        };
        waiting.remove(place);
    }
    Ok(())
}

fn blocks(state: &State, at: usize, message: &Value) -> Result<(), Refusal> {
    if message["content"] == "" {
        return Err(bad(&format!("messages.{at}: content must be non-empty")));
    }
    for (index, block) in items(&message["content"]).iter().enumerate() {
        let place = format!("messages.{at}.content.{index}");
        let token = match block["type"].as_str().unwrap_or_default() {
            "text" if block["text"].as_str().is_none_or(str::is_empty) => {
                return Err(bad("messages: text content blocks must be non-empty"));
            }
            "tool_use" if !block["input"].is_object() => {
                return Err(bad(&format!(
                    "{place}.tool_use.input: Input should be a valid dictionary"
                )));
            }
            "thinking" => &block["signature"],
            "redacted_thinking" => &block["data"],
            "text" | "image" | "document" | "search_result" | "tool_use" | "tool_result"
            | "server_tool_use" | "tool_reference" => continue,
            kind => {
                return Err(bad(&format!(
                    "{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
                )));
            }
        };
        if !token.as_str().is_some_and(|token| state.knows(token)) {
            return Err(bad(&format!(
                "{place}: Invalid `signature` in `thinking` block"
            )));
        }
    }
    Ok(())
}

fn bad(message: &str) -> Refusal {
    let body = json!({"type": "error",
        "error": {"type": "invalid_request_error", "message": message},
        "request_id": "req_011fake"});
    Refusal {
        status: 400,
        body: body.to_string(),
    }
}
