//! Reading an upstream's error body, whatever its shape; never trusted, never shown as HTML.

use crate::fault::{Blame, Fault, Kind};
use crate::openai_chat::wire::member;
use crate::too_long;
use serde::Deserialize;
use serde_json::Value;

const MESSAGE_CHARS_MAX: usize = 2_000;

/// What a body says, flattened.
#[derive(Debug, Default)]
pub(super) struct Said {
    message: Option<String>,
    code: Option<String>,
    kind: Option<String>,
    param: Option<String>,
    /// OpenRouter's own words of the provider behind it.
    inner: Option<String>,
    flagged: bool,
    /// Its own words would mislead the caller, or tell of the account that Vane has there.
    pub(super) reworded: bool,
}

impl Said {
    pub(super) fn message(&self) -> Option<&str> {
        self.inner.as_deref().or(self.message.as_deref())
    }

    /// The status that an error without one stands for.
    pub(super) fn status(&self) -> Option<u16> {
        let code = self.code.as_deref().and_then(|code| code.parse().ok());
        let kind = self.kind.as_deref().unwrap_or_default();
        code.filter(|status| (400..600).contains(status))
            .or(match kind {
                "invalid_request_error" | "BadRequestError" | "INVALID_ARGUMENT" => Some(400),
                "rate_limit_error" | "RESOURCE_EXHAUSTED" | "rate_limit_exceeded" => Some(429),
                "overloaded_error" | "UNAVAILABLE" => Some(503),
                "authentication_error" => Some(401),
                _ => None,
            })
    }
}

pub(super) fn said(body: &[u8]) -> Said {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Said::default();
    };
    // Gemini wraps its error in a list.
    let value = value.get(0).unwrap_or(&value);
    let mut said = Said {
        code: scalar(value.get("code")),
        kind: scalar(value.get("type")),
        ..Said::default()
    };
    let errors = value.get("errors").and_then(|errors| errors.get(0));
    match value.get("error").or(errors) {
        Some(Value::String(words)) => said.message = Some(words.clone()),
        Some(error @ Value::Object(_)) => read_object(error, &mut said),
        _ => match value.get("base_resp") {
            Some(base) => read_base_resp(base, &mut said),
            None => read_object(value, &mut said),
        },
    }
    if said.message.is_none() {
        said.message = value.get("message").or(value.get("detail")).and_then(words);
    }
    let message = said.message.filter(|message| !message.trim().is_empty());
    said.message = message.map(|message| shorten(&message));
    reword(&mut said);
    said
}

/// How xAI begins to refuse a prompt; its team and the id of its key follow.
const XAI_REFUSAL: &str = "Content violates usage guidelines";

/// By these Alibaba's limit of tokens a minute is told from OpenAI's spent credit, whose code it
/// has; its own spent credit has others.
const ALIBABA_LIMIT: [&str; 2] = ["llocated quota exceeded", "error-code#token-limit"];

/// What says another thing than it means: told by the names that the rest of this dialect knows.
fn reword(said: &mut Said) {
    let message = said.message().unwrap_or_default();
    if message.contains(XAI_REFUSAL) {
        let check = message.split_once("Failed check:").map(|(_, check)| check);
        let check = check.map(|check| format!(" Failed check:{check}"));
        let check = check.unwrap_or_default();
        said.message = Some(format!("{XAI_REFUSAL}.{check}"));
        said.inner = None;
        said.code = Some("content_filter".to_owned());
        said.reworded = true;
        return;
    }
    let codes = [&said.code, &said.kind];
    let is_spent = codes
        .into_iter()
        .any(|code| code.as_deref() == Some("insufficient_quota"));
    if is_spent && ALIBABA_LIMIT.iter().any(|words| message.contains(words)) {
        said.code = Some("rate_limit_exceeded".to_owned());
        said.kind.clone_from(&said.code);
        said.reworded = true;
    }
}

fn read_object(error: &Value, said: &mut Said) {
    said.message = error.get("message").or(error.get("detail")).and_then(words);
    said.code = scalar(error.get("code")).or(said.code.take());
    let kind = scalar(error.get("type")).or(scalar(error.get("status")));
    said.kind = kind.or(said.kind.take());
    said.param = scalar(error.get("param"));
    let Some(metadata) = error.get("metadata") else {
        return;
    };
    said.flagged = metadata.get("reasons").is_some();
    if let Some(raw) = metadata.get("raw").and_then(Value::as_str) {
        let inner = serde_json::from_str::<Value>(raw).ok();
        let inner = inner
            .as_ref()
            .map(|inner| inner.get("error").unwrap_or(inner));
        let told = inner.and_then(|inner| inner.get("message")).and_then(words);
        said.inner = told.or_else(|| {
            let blank = raw.trim().is_empty();
            (!blank && !is_html(raw.as_bytes())).then(|| raw.to_owned())
        });
        said.inner = said.inner.take().map(|inner| shorten(&inner));
    }
}

/// MiniMax: numbers of its own, told by the names that the rest of this dialect knows.
fn read_base_resp(base: &Value, said: &mut Said) {
    said.message = base.get("status_msg").and_then(words);
    let code = scalar(base.get("status_code"));
    said.code = match code.as_deref() {
        // The last is a plan's limit of so many calls in five hours.
        Some("1002" | "1039" | "2056") => Some("rate_limit_exceeded".to_owned()),
        Some("1004" | "2049") => Some("invalid_api_key".to_owned()),
        Some("1008") => Some("insufficient_balance".to_owned()),
        Some("1026" | "1027") => Some("content_filter".to_owned()),
        Some("2013") => Some("400".to_owned()),
        Some(_) | None => code,
    };
}

/// Text from a string, from a list of validation faults, or from an object around either.
fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.trim().is_empty() || is_html(text.as_bytes()) => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let told: Vec<String> = list.iter().filter_map(words).collect();
            (!told.is_empty()).then(|| told.join("; "))
        }
        Value::Object(object) => {
            let told = object
                .get("detail")
                .or(object.get("message"))
                .and_then(words);
            let said = object.get("msg").and_then(words);
            told.or_else(|| {
                let place = object.get("loc").map(place).unwrap_or_default();
                said.map(|said| format!("{place}{said}"))
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn place(loc: &Value) -> String {
    let steps = loc.as_array().map(Vec::as_slice).unwrap_or_default();
    let steps: Vec<String> = steps.iter().filter_map(|step| scalar(Some(step))).collect();
    format!("{}: ", steps.join("."))
}

fn scalar(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// A readable sentence for a body that tells nothing itself.
pub(super) fn describe(status: u16, body: &[u8]) -> String {
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return format!("the upstream answered {status} with nothing");
    }
    if is_html(trimmed) {
        return format!("the upstream answered {status} with HTML");
    }
    let looks_json = matches!(trimmed[0], b'{' | b'[' | b'"');
    match std::str::from_utf8(trimmed) {
        Ok(words) if words.trim().is_empty() => {
            format!("the upstream answered {status} with nothing")
        }
        Ok(words) if !looks_json && words.len() < 300 && status >= 400 => words.to_owned(),
        _ if looks_json => format!("the upstream answered {status} with JSON that is no answer"),
        _ => format!("the upstream answered {status} with what is no JSON"),
    }
}

/// Alibaba's errors begin with a status in these brackets: `<400> InternalError`.
fn is_html(text: &[u8]) -> bool {
    match text.trim_ascii_start() {
        [b'<', next, ..] => next.is_ascii_alphabetic() || matches!(next, b'!' | b'?' | b'/'),
        _ => false,
    }
}

fn shorten(message: &str) -> String {
    message.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// Whether a body is an error in this dialect's own envelope.
pub(crate) fn is_envelope(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        error: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        message: &'a serde_json::value::RawValue,
    }
    // As text, because an ignored string may hold any bytes.
    let envelope = std::str::from_utf8(body).map(serde_json::from_str::<Envelope<'_>>);
    matches!(envelope, Ok(Ok(envelope)) if member(Some(envelope.error.message)).is_some())
}

/// Makes the kind more exact than the status alone allows.
pub(super) fn classify(fault: Fault, said: &Said) -> Fault {
    let code = said.code.as_deref().unwrap_or_default();
    let kind = said.kind.as_deref().unwrap_or_default();
    let message = fault.message.to_lowercase();
    let (kind, blame) = by_code(code)
        .or_else(|| by_code(kind))
        .or_else(|| said.flagged.then_some((Kind::ContentFilter, Blame::Caller)))
        .or_else(|| by_message(fault.kind, &message))
        .or_else(|| is_of_the_input(&fault, said).then_some((Kind::Invalid, Blame::Caller)))
        .unwrap_or((fault.kind, fault.blame));
    Fault {
        kind,
        blame,
        code: said.code.clone().or_else(|| said.kind.clone()),
        param: said.param.clone(),
        ..fault
    }
}

/// OpenAI: what was not found is named by the call's own input, as an item that is not kept.
fn is_of_the_input(fault: &Fault, said: &Said) -> bool {
    let is_model = |word: &str| word.contains("model");
    fault.kind == Kind::NotFound
        && said.kind.as_deref() == Some("invalid_request_error")
        && said.param.as_deref().is_some_and(|param| !is_model(param))
        && !said.code.as_deref().is_some_and(is_model)
}

fn by_code(code: &str) -> Option<(Kind, Blame)> {
    Some(match code {
        "context_length_exceeded"
        | "context_window_exceeded"
        | "exceed_context_size_error"
        | "string_above_max_length" => (Kind::ContextLength, Blame::Caller),
        "insufficient_quota"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "insufficient_balance"
        | "insufficient_user_quota"
        | "Arrearage"
        | "exceeded_current_quota_error" => (Kind::NoFunds, Blame::ProviderKey),
        "invalid_api_key" | "invalid_authentication_error" | "account_deactivated" => {
            (Kind::Unauthenticated, Blame::ProviderKey)
        }
        "rate_limit_exceeded" | "rate_limit_reached_error" | "rate_limited" => {
            (Kind::RateLimited, Blame::Upstream)
        }
        "model_not_found" | "model_not_available" | "DeploymentNotFound" => {
            (Kind::NotFound, Blame::Upstream)
        }
        "content_filter"
        | "content_policy_violation"
        | "ResponsibleAIPolicyViolation"
        | "cyber_policy"
        | "data_inspection_failed"
        | "moderation_blocked" => (Kind::ContentFilter, Blame::Caller),
        // Groq, of what its model wrote: `failed_generation` has it.
        "tool_use_failed" | "json_validate_failed" => (Kind::Upstream, Blame::Model),
        "engine_overloaded_error" | "overloaded_error" | "server_overloaded" | "slow_down" => {
            (Kind::Overloaded, Blame::Upstream)
        }
        _ => return None,
    })
}

/// What providers only say in words. Words of the model's own text never come here.
fn by_message(kind: Kind, message: &str) -> Option<(Kind, Blame)> {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    match kind {
        _ if too_long::is_told(kind, message) => Some((Kind::ContextLength, Blame::Caller)),
        Kind::Invalid if says(&["api key not valid", "invalid api key", "incorrect api key"]) => {
            Some((Kind::Unauthenticated, Blame::ProviderKey))
        }
        Kind::Invalid if says(&["model not exist", "model does not exist", "no such model"]) => {
            Some((Kind::NotFound, Blame::Upstream))
        }
        Kind::RateLimited | Kind::Forbidden
            if says(&[
                "insufficient balance",
                "out of credit",
                "all available credits",
            ]) =>
        {
            Some((Kind::NoFunds, Blame::ProviderKey))
        }
        _ => None,
    }
}
