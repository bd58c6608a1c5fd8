//! An upstream's error answer -> Fault.

use crate::dialect::Dialect;
use crate::fault::{Blame, Fault, Kind, Upstream};
use serde_json::Value;

/// How much of an upstream's error body is kept.
const BODY_BYTES_MAX: usize = 64 << 10;
/// How much of a plain text body is shown.
const SHOWN_CHARS_MAX: usize = 200;

/// Reads an error answer.
pub(crate) fn decode(status: u16, body: &[u8]) -> Fault {
    let fault = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => read(status, &Value::Object(members)),
        _ => Fault::from_status(status, unreadable(status, body)),
    };
    keep(fault, status, body)
}

/// Reads an error that stands where an answer or a chunk of one was promised (T18).
pub(crate) fn declared(body: &[u8]) -> Fault {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Fault::protocol(unreadable(200, body));
    };
    let inner = value
        .get("error")
        .filter(|e| e.is_object())
        .unwrap_or(&value);
    let said = ["raw_status_code", "status", "code"]
        .iter()
        .find_map(|key| inner.get(key)?.as_u64())
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (400..600).contains(status));
    let status = said.unwrap_or(match inner.get("type").and_then(Value::as_str) {
        Some("rate_limited" | "rate_limit_error") => 429,
        Some(kind) if kind.starts_with("invalid_request") => 400,
        Some(_) | None => 500,
    });
    keep(read(status, &value), status, body)
}

fn keep(mut fault: Fault, status: u16, body: &[u8]) -> Fault {
    fault.upstream = Some(Box::new(Upstream {
        status,
        dialect: Dialect::MistralChat,
        body: body[..body.len().min(BODY_BYTES_MAX)].to_vec(),
    }));
    fault
}

fn read(status: u16, value: &Value) -> Fault {
    // Proxies of other makes wrap the same members in `error`.
    let value = value.get("error").filter(|e| !e.is_null()).unwrap_or(value);
    let said = match value {
        Value::Object(_) => value.get("message").or_else(|| value.get("detail")),
        other => Some(other),
    };
    let (mut message, mut param) = said.map(flatten).unwrap_or_default();
    if message.trim().is_empty() {
        message = format!("the upstream answered {status} and did not say why");
    }
    let text = |key: &str| value.get(key).and_then(scalar);
    param = text("param").or(param);
    let native = text("type").unwrap_or_default();
    let mut fault = Fault::from_status(status, message);
    (fault.kind, fault.blame) = refine(&fault, &native);
    fault.code = text("code").or((!native.is_empty()).then_some(native));
    fault.param = param.filter(|_| fault.blame == Blame::Caller);
    fault
}

/// What the wording says beyond the status.
fn refine(fault: &Fault, native: &str) -> (Kind, Blame) {
    let message = fault.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match fault.kind {
        Kind::Invalid
            if says(&[
                "maximum context length",
                "context window",
                "too many tokens",
            ]) =>
        {
            (Kind::ContextLength, Blame::Caller)
        }
        Kind::Invalid if native == "invalid_model" || says(&["invalid model"]) => {
            (Kind::NotFound, Blame::Upstream)
        }
        // Of this model alone: others are in the tier.
        Kind::Forbidden if native == "tier_not_allowed" => (Kind::NotFound, Blame::Upstream),
        Kind::Forbidden if says(&["guardrail", "moderation"]) || native.contains("guardrail") => {
            (Kind::ContentFilter, Blame::Caller)
        }
        kind => (kind, fault.blame),
    }
}

/// The readable text of a message of any shape, and the first field it names.
fn flatten(message: &Value) -> (String, Option<String>) {
    match message {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flatten_item).collect();
            let param = items.iter().find_map(|(_, param)| param.clone());
            let texts: Vec<_> = items.into_iter().map(|(text, _)| text).collect();
            (texts.join("; "), param)
        }
        Value::Object(_) => match message.get("detail").or_else(|| message.get("message")) {
            Some(inner) => flatten(inner),
            None => flatten_item(message),
        },
        other => (scalar(other).unwrap_or_default(), None),
    }
}

/// One fault of validation, as `field: what is wrong`.
fn flatten_item(item: &Value) -> (String, Option<String>) {
    let said = item.get("msg").or_else(|| item.get("message"));
    let text = said.unwrap_or(item);
    let text = scalar(text).unwrap_or_else(|| text.to_string());
    match item
        .get("loc")
        .and_then(Value::as_array)
        .map(|loc| path(loc))
    {
        Some(path) if !path.is_empty() => (format!("{path}: {text}"), Some(path)),
        _ => (text, None),
    }
}

/// `["body", "messages", 0, "name"]` -> `messages[0].name`.
fn path(loc: &[Value]) -> String {
    let mut path = String::new();
    for (at, step) in loc.iter().enumerate() {
        match step {
            Value::String(key) if at == 0 && key == "body" => {}
            Value::Number(index) => path.push_str(&format!("[{index}]")),
            step => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&scalar(step).unwrap_or_default());
            }
        }
    }
    path
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn unreadable(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.is_empty() {
        return format!("the upstream answered {status} with an empty body");
    }
    if text.starts_with('<') {
        return format!("the upstream answered {status} with HTML");
    }
    if text.starts_with(['{', '[']) || text.contains(['<', '\u{fffd}', '\0']) {
        return format!("the upstream answered {status} with a body that is not readable");
    }
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("the upstream answered {status}: {shown}")
}
