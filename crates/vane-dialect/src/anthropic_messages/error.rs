//! Errors, both ways.
//!
//! Claude Code recovers by the wording of Anthropic's messages, so what an upstream of this
//! dialect says about the caller's request goes to the caller byte for byte. What it says about
//! our credential never does.

use super::wire::Members;
use crate::dialect::Dialect;
use crate::fault::{Blame, Fault, Kind, Upstream};
use crate::json::Str;
use crate::too_long;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Larger bodies are not kept.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// Codes of a limit on spending: no money, whatever the status says.
const SPEND_LIMITS: [&str; 3] = [
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "ramp_limit_exceeded",
];

/// How Anthropic's message on a conversation that is too long begins: Claude Code looks for it.
const TOO_LONG: &str = "prompt is too long";

/// How it begins to say that a limit of spending which the account set for itself is reached.
const USAGE_LIMIT: &str = "You have reached your specified API usage limits";

/// How it begins to say that the account was closed.
const DISABLED: &str = "This organization has been disabled";

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<Str<'a>>,
}

#[derive(Default, Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(borrow, default)]
    message: Option<Str<'a>>,
    #[serde(borrow, default)]
    details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow, default)]
    error_code: Option<Str<'a>>,
}

/// Reads an error; `status` is 200 where one came as an answer or inside a stream.
pub(crate) fn decode(status: u16, body: &[u8]) -> Fault {
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(body) else {
        return unreadable(status, body);
    };
    let (kind, message, code) = read(&envelope);
    let message = message.filter(|message| !message.trim().is_empty());
    let message = message.unwrap_or_else(|| {
        if status == 200 {
            "the upstream's answer is neither a message nor an error".to_owned()
        } else {
            format!("the upstream answered {status} without saying why")
        }
    });
    let meant = meaning(
        kind.as_deref().unwrap_or_default(),
        &message,
        code.as_deref(),
    );
    let mut fault = match meant {
        Some((kind, blame)) => Fault::new(kind, blame, message),
        None if status == 200 && envelope.error.is_none() => Fault::protocol(message),
        None => Fault::from_status(status, message),
    };
    (fault.kind, fault.blame) = too_long::or(fault.kind, fault.blame, &fault.message);
    fault.code = code.or(kind);
    let kept = body.len() <= KEPT_BYTES_MAX && std::str::from_utf8(body).is_ok();
    if kept && envelope.error.is_some() {
        let status = if status == 200 {
            answer(fault.kind).0
        } else {
            status
        };
        fault.upstream = Some(Box::new(Upstream {
            status,
            dialect: Dialect::AnthropicMessages,
            body: body.to_vec(),
        }));
    }
    fault
}

/// The type, message and detailed code of an error body. Its likes write `error` as a string, or
/// only a `message`.
fn read(envelope: &Envelope<'_>) -> (Option<String>, Option<String>, Option<String>) {
    let own = |text: Option<Str<'_>>| text.map(|Str(text)| text.into_owned());
    let Some(raw) = envelope.error else {
        return (None, own(envelope.message.clone()), None);
    };
    if let Ok(message) = serde_json::from_str::<String>(raw.get()) {
        return (None, Some(message), None);
    }
    let body: Body<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let details = body.details.map(RawValue::get).unwrap_or_default();
    let details = serde_json::from_str::<Details<'_>>(details);
    let code = details.ok().and_then(|details| own(details.error_code));
    (own(body.kind), own(body.message), code)
}

/// What the words of an error mean; `None` if only the status can tell.
fn meaning(kind: &str, message: &str, code: Option<&str>) -> Option<(Kind, Blame)> {
    if code.is_some_and(|code| SPEND_LIMITS.contains(&code)) {
        return Some((Kind::NoFunds, Blame::ProviderKey));
    }
    Some(match kind {
        "invalid_request_error" if message.contains("credit balance") => {
            (Kind::NoFunds, Blame::ProviderKey)
        }
        "invalid_request_error" if message.starts_with(USAGE_LIMIT) => {
            (Kind::NoFunds, Blame::ProviderKey)
        }
        "invalid_request_error" if message.starts_with(DISABLED) => {
            (Kind::Forbidden, Blame::ProviderKey)
        }
        "invalid_request_error" => (Kind::Invalid, Blame::Caller),
        "authentication_error" => (Kind::Unauthenticated, Blame::ProviderKey),
        "billing_error" => (Kind::NoFunds, Blame::ProviderKey),
        "permission_error" => (Kind::Forbidden, Blame::ProviderKey),
        "not_found_error" => (Kind::NotFound, Blame::Upstream),
        "conflict_error" => (Kind::Conflict, Blame::Upstream),
        "request_too_large" => (Kind::TooLarge, Blame::Caller),
        "rate_limit_error" => (Kind::RateLimited, Blame::Upstream),
        "api_error" => (Kind::Upstream, Blame::Upstream),
        "timeout_error" => (Kind::Timeout, Blame::Upstream),
        "overloaded_error" => (Kind::Overloaded, Blame::Upstream),
        _ => return None,
    })
}

fn is_too_long(message: &str) -> bool {
    message.contains(TOO_LONG) || message.contains("exceed context limit")
}

/// Whether a body tells of the fault as Anthropic does: in its envelope, and of a conversation that is
/// too long in the words that clients look for.
pub(crate) fn is_own(fault: &Fault, body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Own<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
        #[serde(borrow)]
        error: Body<'a>,
    }
    let own = std::str::from_utf8(body).map(serde_json::from_str::<Own<'_>>);
    let Ok(Ok(Own { kind, error })) = own else {
        return false;
    };
    let Some((Str(message), _)) = error.message.zip(error.kind) else {
        return false;
    };
    kind.0 == "error" && (fault.kind != Kind::ContextLength || is_too_long(&message))
}

/// A body that is no JSON; nothing of it is shown.
fn unreadable(status: u16, body: &[u8]) -> Fault {
    let what = shape(body);
    if status == 200 {
        return Fault::protocol(format!("the upstream answered with {what}"));
    }
    Fault::from_status(
        status,
        format!("the upstream answered {status} with {what}"),
    )
}

/// What stands where a message should.
pub(super) fn not_an_answer(body: &[u8]) -> Fault {
    match serde_json::from_slice::<Envelope<'_>>(body) {
        Ok(Envelope { error: Some(_), .. }) => decode(200, body),
        // Of an event named as an error by its type, if by nothing else.
        Ok(Envelope {
            kind: Some(Str(kind)),
            message: Some(Str(message)),
            ..
        }) if kind == "error" => {
            let (kind, blame) = too_long::or(Kind::Upstream, Blame::Upstream, &message);
            Fault::new(kind, blame, message)
        }
        Ok(_) => Fault::protocol("the upstream's answer is not a message"),
        Err(_) => unreadable(200, body),
    }
}

fn shape(body: &[u8]) -> &'static str {
    let body = body.trim_ascii();
    match body.first() {
        None => "an empty body",
        Some(b'<') => "HTML",
        Some(b'{' | b'[') => "broken JSON",
        Some(_) => "something that is not JSON",
    }
}

/// The status and type that tell of a kind.
const fn answer(kind: Kind) -> (u16, &'static str) {
    match kind {
        Kind::Invalid | Kind::ContextLength | Kind::Unsupported | Kind::ContentFilter => {
            (400, "invalid_request_error")
        }
        Kind::Unauthenticated => (401, "authentication_error"),
        Kind::NoFunds => (402, "billing_error"),
        Kind::Forbidden => (403, "permission_error"),
        Kind::NotFound => (404, "not_found_error"),
        Kind::Method => (405, "invalid_request_error"),
        Kind::Misdirected => (421, "invalid_request_error"),
        Kind::Conflict => (409, "conflict_error"),
        Kind::TooLarge => (413, "request_too_large"),
        Kind::MediaType => (415, "invalid_request_error"),
        Kind::RateLimited => (429, "rate_limit_error"),
        Kind::Internal => (500, "api_error"),
        Kind::Upstream | Kind::Protocol => (502, "api_error"),
        Kind::Unavailable => (503, "api_error"),
        Kind::Timeout => (504, "timeout_error"),
        Kind::Loop => (508, "api_error"),
        Kind::Overloaded => (529, "overloaded_error"),
    }
}

pub(crate) fn encode(fault: &Fault, id: &str) -> (u16, Vec<u8>) {
    if let Some(upstream) = &fault.upstream
        && upstream.dialect == Dialect::AnthropicMessages
        && fault.blame == Blame::Caller
        && is_own(fault, &upstream.body)
    {
        return (upstream.status, upstream.body.clone());
    }
    let (status, kind, message) = told(fault);
    let mut body = Vec::new();
    write(&mut body, kind, &message, fault, id);
    (status, body)
}

/// Appends the event after which a failed stream ends.
pub(crate) fn in_stream(fault: &Fault, id: &str, out: &mut Vec<u8>) {
    let (_, kind, message) = told(fault);
    out.extend_from_slice(b"event: error\ndata: ");
    write(out, kind, &message, fault, id);
    out.extend_from_slice(b"\n\n");
}

/// What the caller is told: status, type, message.
fn told(fault: &Fault) -> (u16, &'static str, String) {
    let is_ours = fault.blame == Blame::ProviderKey;
    match fault.kind {
        // The caller's own credential is in order: it must not read that it is not.
        Kind::Unauthenticated | Kind::Forbidden | Kind::NoFunds if is_ours => (
            503,
            "api_error",
            "the provider refused the credential that Vane holds for it; the operator has to \
             renew it or add credit, other models may work meanwhile"
                .to_owned(),
        ),
        Kind::ContextLength if !is_too_long(&fault.message) => {
            let (status, kind) = answer(fault.kind);
            (status, kind, format!("{TOO_LONG}: {fault}"))
        }
        // The body of their own request came too slowly.
        Kind::Timeout if fault.blame == Blame::Caller => {
            (408, "invalid_request_error", fault.to_string())
        }
        kind => {
            let (status, kind) = answer(kind);
            (status, kind, fault.to_string())
        }
    }
}

fn write(out: &mut Vec<u8>, kind: &str, message: &str, fault: &Fault, id: &str) {
    let mut members = Members::open(out);
    members.text("type", "error");
    let mut error = Members::open(members.key("error"));
    error.text("type", kind);
    error.text("message", message);
    let spent = fault.code.as_deref().filter(|c| SPEND_LIMITS.contains(c));
    if let (Some(code), Blame::Caller) = (spent, fault.blame) {
        let mut details = Members::open(error.key("details"));
        details.text("error_code", code);
        details.close();
    }
    error.close();
    members.text("request_id", id);
    members.close();
}
