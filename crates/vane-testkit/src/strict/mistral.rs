//! Mistral: closed bodies (422), message order and tool ids (400).

mod order;

use serde_json::{Value, json};

use super::{Refusal, items, keys};

const CHAT: &str = "model messages temperature top_p max_tokens min_tokens stream stop random_seed \
    metadata response_format tools tool_choice parallel_tool_calls presence_penalty \
    frequency_penalty n prediction prompt_mode reasoning_effort prompt_cache_key service_tier \
    guardrails safe_prompt repetition_penalty top_k logprobs top_logprobs prompt_logprobs \
    top_prompt_logprobs document_image_limit document_page_limit";
const FIM: &str = "model prompt suffix temperature top_p max_tokens min_tokens stop random_seed \
    stream metadata prompt_cache_key";
const EMBEDDINGS: &str = "model input output_dimension output_dtype encoding_format metadata";

pub(super) fn chat(body: &Value) -> Result<(), Refusal> {
    closed(body, CHAT, &["body"])?;
    required(body, &["model", "messages"])?;
    for (at, message) in items(&body["messages"]).iter().enumerate() {
        let allowed = match message["role"].as_str() {
            Some("system" | "user") => "role content",
            Some("assistant") => "role content tool_calls prefix",
            Some("tool") => "role content tool_call_id name",
            _ => {
                return Err(unprocessable(
                    "literal_error",
                    &["body", "messages", &at.to_string(), "role"],
                    "Input should be 'system', 'user', 'assistant' or 'tool'",
                ));
            }
        };
        closed(message, allowed, &["body", "messages", &at.to_string()])?;
    }
    tools(body)?;
    order::roles(items(&body["messages"]))?;
    order::calls(body)
}

pub(super) fn fim(body: &Value) -> Result<(), Refusal> {
    closed(body, FIM, &["body"])?;
    required(body, &["model", "prompt"])?;
    if !body["prompt"].is_string() {
        return Err(unprocessable(
            "string_type",
            &["body", "prompt"],
            "Input should be a valid string",
        ));
    }
    if !body["model"]
        .as_str()
        .is_some_and(|model| model.contains("codestral"))
    {
        return Err(bad(
            "invalid_model",
            "1500",
            "Fill-in-the-middle is not enabled for this model.",
        ));
    }
    Ok(())
}

pub(super) fn embeddings(body: &Value) -> Result<(), Refusal> {
    closed(body, EMBEDDINGS, &["body"])?;
    required(body, &["model", "input"])
}

/// Mistral's responses are stateless.
pub(super) fn responses(body: &Value) -> Result<(), Refusal> {
    for (key, allowed) in [("store", json!(false)), ("background", json!(false))] {
        if !body[key].is_null() && body[key] != allowed {
            return Err(unprocessable(
                "literal_error",
                &["body", key],
                "Input should be False",
            ));
        }
    }
    Ok(())
}

fn closed(object: &Value, allowed: &str, place: &[&str]) -> Result<(), Refusal> {
    match keys(object).find(|key| !allowed.split_whitespace().any(|name| name == *key)) {
        None => Ok(()),
        Some(key) => {
            let place = [place, &[key]].concat();
            Err(unprocessable(
                "extra_forbidden",
                &place,
                "Extra inputs are not permitted",
            ))
        }
    }
}

fn required(body: &Value, names: &[&str]) -> Result<(), Refusal> {
    match names.iter().find(|name| body[**name].is_null()) {
        None => Ok(()),
        Some(name) => Err(unprocessable("missing", &["body", name], "Field required")),
    }
}

fn tools(body: &Value) -> Result<(), Refusal> {
    for (at, tool) in items(&body["tools"]).iter().enumerate() {
        let at = at.to_string();
        let place = ["body", "tools", &at];
        closed(tool, "type function", &place)?;
        let place = ["body", "tools", &at, "function"];
        closed(
            &tool["function"],
            "name parameters description strict",
            &place,
        )?;
        if !tool["function"]["parameters"].is_object() {
            let place = [&place[..], &["parameters"]].concat();
            return Err(unprocessable("missing", &place, "Field required"));
        }
        let name = tool["function"]["name"].as_str().unwrap_or_default();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
            let message = format!(
                "Function name was {name} but must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64."
            );
            return Err(bad("invalid_function_call", "3280", &message));
        }
    }
    Ok(())
}

fn bad(kind: &str, code: &str, message: &str) -> Refusal {
    let body = json!({"object": "error", "message": message, "type": kind, "param": null,
        "code": code, "raw_status_code": 400});
    Refusal {
        status: 400,
        body: body.to_string(),
    }
}

fn unprocessable(kind: &str, place: &[&str], message: &str) -> Refusal {
    let detail = json!([{"type": kind, "loc": place, "msg": message, "input": null}]);
    let body = json!({"object": "error", "message": {"detail": detail},
        "type": "invalid_request_error", "param": null, "code": null, "raw_status_code": 422});
    Refusal {
        status: 422,
        body: body.to_string(),
    }
}
