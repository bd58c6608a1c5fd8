//! OpenAI: unknown arguments, and tool messages that answer the calls before them.

use serde_json::{Value, json};

use super::{Refusal, items, keys};
use crate::answers::signs_calls;
use crate::server::State;

const CHAT: &str = "model messages max_completion_tokens max_tokens temperature top_p n stop \
    presence_penalty frequency_penalty logit_bias logprobs top_logprobs seed stream \
    stream_options tools tool_choice parallel_tool_calls response_format reasoning_effort \
    verbosity prediction modalities audio web_search_options moderation prompt_cache_key \
    prompt_cache_options prompt_cache_retention service_tier store metadata user \
    safety_identifier functions function_call";
const COMPLETIONS: &str = "model prompt suffix max_tokens temperature top_p n best_of stream \
    stream_options logprobs echo stop presence_penalty frequency_penalty logit_bias seed user";
const EMBEDDINGS: &str = "input model dimensions encoding_format user";

pub(super) fn chat(state: &State, body: &Value) -> Result<(), Refusal> {
    closed(body, CHAT)?;
    required(body, &["model", "messages"])?;
    if body["tools"].as_array().is_some_and(Vec::is_empty) {
        return Err(bad(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "tools",
            "empty_array",
        ));
    }
    if !body["stream_options"].is_null() && body["stream"] != true {
        return Err(bad(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            "",
        ));
    }
    if !body["tool_choice"].is_null() && body["tools"].is_null() && body["functions"].is_null() {
        return Err(bad(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            "tool_choice",
            "",
        ));
    }
    if signs_calls(body["model"].as_str().unwrap_or_default()) {
        signed(state, items(&body["messages"]))?;
    }
    pairing(items(&body["messages"]))
}

/// Gemini: the first call of each message since the user's last is signed by us, or by nobody
/// and says so.
fn signed(state: &State, messages: &[Value]) -> Result<(), Refusal> {
    let asked = messages
        .iter()
        .rposition(|message| message["role"] == "user");
    for message in messages.iter().skip(asked.unwrap_or(0)) {
        let Some(call) = items(&message["tool_calls"]).first() else {
            continue;
        };
        let signature = call["extra_content"]["google"]["thought_signature"].as_str();
        let known = |text: &str| text == "skip_thought_signature_validator" || state.knows(text);
        if !signature.is_some_and(known) {
            return Err(bad(
                "Function call is missing a thought_signature in functionCall parts.",
                "messages",
                "400",
            ));
        }
    }
    Ok(())
}

pub(super) fn completions(body: &Value) -> Result<(), Refusal> {
    closed(body, COMPLETIONS)?;
    required(body, &["model"])
}

pub(super) fn embeddings(body: &Value) -> Result<(), Refusal> {
    closed(body, EMBEDDINGS)?;
    required(body, &["model", "input"])
}

/// Responses take unknown keys; they refuse outputs without a call and foreign encrypted state.
pub(super) fn responses(state: &State, body: &Value) -> Result<(), Refusal> {
    required(body, &["model", "input"])?;
    let mut tools = items(&body["tools"]).iter().enumerate();
    if state.settings.only_functions
        && let Some((at, _)) = tools.find(|(_, tool)| tool["type"] != "function")
    {
        let param = format!("tools.{at}.type");
        return Err(bad("Invalid", &param, "invalid_string"));
    }
    let mut calls: Vec<&str> = Vec::new();
    for item in items(&body["input"]) {
        let id = item["call_id"].as_str().unwrap_or_default();
        match item["type"].as_str().unwrap_or("message") {
            "function_call" | "custom_tool_call" => calls.push(id),
            "function_call_output" | "custom_tool_call_output" if !calls.contains(&id) => {
                let message =
                    format!("No tool call found for function call output with call_id {id}.");
                return Err(bad(&message, "input", ""));
            }
            "reasoning" => {
                let sealed = item["encrypted_content"].as_str();
                if sealed.is_some_and(|sealed| !state.knows(sealed)) {
                    return Err(bad(
                        "The encrypted content could not be verified.",
                        "input",
                        "invalid_encrypted_content",
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn closed(body: &Value, allowed: &str) -> Result<(), Refusal> {
    match keys(body).find(|key| !allowed.split_whitespace().any(|name| name == *key)) {
        None => Ok(()),
        Some(key) => Err(bad(
            &format!("Unrecognized request argument supplied: {key}"),
            "",
            "",
        )),
    }
}

fn required(body: &Value, names: &[&str]) -> Result<(), Refusal> {
    match names.iter().find(|name| body[**name].is_null()) {
        None => Ok(()),
        Some(name) => {
            let message = format!("Missing required parameter: '{name}'.");
            Err(bad(&message, name, "missing_required_parameter"))
        }
    }
}

/// Each call has its answer right after it, and each answer its call.
fn pairing(messages: &[Value]) -> Result<(), Refusal> {
    let mut open: Vec<&str> = Vec::new();
    let mut in_answers = false;
    for (at, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !in_answers || !open.contains(&id) {
                return Err(bad(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    &format!("messages.[{at}].role"),
                    "",
                ));
            }
            open.retain(|open| *open != id);
            continue;
        }
        all_answered(&open)?;
        let calls = items(&message["tool_calls"]);
        if calls
            .iter()
            .any(|call| !call["function"]["arguments"].is_string() && call["custom"].is_null())
        {
            return Err(bad(
                "Invalid type for 'arguments': expected a string.",
                &format!("messages[{at}].tool_calls"),
                "invalid_type",
            ));
        }
        open = calls
            .iter()
            .filter_map(|call| call["id"].as_str())
            .collect();
        in_answers = !open.is_empty();
    }
    all_answered(&open)
}

fn all_answered(open: &[&str]) -> Result<(), Refusal> {
    if open.is_empty() {
        return Ok(());
    }
    let ids = open.join(", ");
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {ids}"
    );
    Err(bad(&message, "messages", ""))
}

fn bad(message: &str, param: &str, code: &str) -> Refusal {
    let or_null = |text: &str| {
        if text.is_empty() {
            Value::Null
        } else {
            Value::from(text)
        }
    };
    let body = json!({"error": {"message": message, "type": "invalid_request_error",
        "param": or_null(param), "code": or_null(code)}});
    Refusal {
        status: 400,
        body: body.to_string(),
    }
}
