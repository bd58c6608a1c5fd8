//! Failures inside an answer: `response.failed` and `error`, read and written.
//!
//! Error answers with a status of their own have the shape of chat completions and are read and
//! written there. The codes matter: Codex stops, waits or reconnects by them.

use super::wire::{self, Fields};
use crate::fault::{Blame, Fault, Kind};
use crate::too_long;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The code of a refusal that Codex explains to its user, and no other.
const CYBER_POLICY: &str = "cyber_policy";

/// A sequence number above every one that a forwarded stream has used.
const AFTER_ALL: u64 = u32::MAX as u64;

#[derive(Deserialize, Default)]
struct ErrorWire<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    param: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
}

/// The fault that an error object inside an answer declares.
pub(super) fn declared(error: &RawValue) -> Fault {
    if let Some(message) = wire::text(Some(error)) {
        let (kind, blame) = too_long::or(Kind::Upstream, Blame::Upstream, &message);
        return Fault::new(kind, blame, message);
    }
    let wire: ErrorWire<'_> = serde_json::from_str(error.get()).unwrap_or_default();
    let message = wire::text(wire.message).filter(|message| !message.is_empty());
    let message = message.map_or_else(
        || "the upstream's answer failed without a message".to_owned(),
        std::borrow::Cow::into_owned,
    );
    // Some upstreams write an HTTP status as the code.
    let status = u16::try_from(wire::count(wire.code)).unwrap_or(0);
    let kind = wire::text(wire.kind).filter(|kind| kind != "error");
    let code = wire::text(wire.code).or(kind);
    let mut fault = if status >= 400 {
        Fault::from_status(status, message)
    } else {
        let (kind, blame) = meaning(code.as_deref().unwrap_or_default());
        Fault::new(kind, blame, message)
    };
    (fault.kind, fault.blame) = too_long::or(fault.kind, fault.blame, &fault.message);
    fault.code = code.map(std::borrow::Cow::into_owned);
    fault.param = wire::text(wire.param).map(std::borrow::Cow::into_owned);
    fault
}

fn meaning(code: &str) -> (Kind, Blame) {
    match code {
        "context_length_exceeded" => (Kind::ContextLength, Blame::Caller),
        "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" => {
            (Kind::RateLimited, Blame::Upstream)
        }
        "insufficient_quota"
        | "billing_hard_limit_reached"
        | "usage_limit_reached"
        | "usage_not_included" => (Kind::NoFunds, Blame::ProviderKey),
        "invalid_api_key" | "authentication_error" => (Kind::Unauthenticated, Blame::ProviderKey),
        "permission_error" => (Kind::Forbidden, Blame::ProviderKey),
        "model_not_found" => (Kind::NotFound, Blame::Upstream),
        "server_is_overloaded" | "overloaded" | "overloaded_error" | "slow_down" => {
            (Kind::Overloaded, Blame::Upstream)
        }
        "content_filter" | "content_policy_violation" | "image_content_policy_violation" => {
            (Kind::ContentFilter, Blame::Caller)
        }
        "vector_store_timeout" | "timeout" => (Kind::Timeout, Blame::Upstream),
        "failed_to_download_image" | "empty_image_file" | "image_file_not_found" => {
            (Kind::Invalid, Blame::Caller)
        }
        code if code.ends_with("_policy") => (Kind::ContentFilter, Blame::Caller),
        code if code.starts_with("invalid_")
            || code.starts_with("image_")
            || code.starts_with("unsupported_") =>
        {
            (Kind::Invalid, Blame::Caller)
        }
        _ => (Kind::Upstream, Blame::Upstream),
    }
}

/// The code that makes a client do what the fault calls for.
pub(super) fn code(fault: &Fault) -> &'static str {
    // Our credential at a provider is none of the caller's business.
    if matches!(fault.blame, Blame::ProviderKey) {
        return "server_error";
    }
    let is_callers = matches!(fault.blame, Blame::Caller);
    if is_callers && fault.code.as_deref() == Some(CYBER_POLICY) {
        return CYBER_POLICY;
    }
    match fault.kind {
        Kind::NoFunds => "insufficient_quota",
        Kind::RateLimited => "rate_limit_exceeded",
        Kind::ContextLength => "context_length_exceeded",
        Kind::Invalid
        | Kind::Unsupported
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Method
        | Kind::Misdirected
        | Kind::TooLarge
        | Kind::MediaType
        | Kind::Conflict
        | Kind::ContentFilter
        | Kind::Loop => {
            // No try again would help: Codex stops at this one.
            if is_callers {
                "invalid_prompt"
            } else {
                "server_error"
            }
        }
        Kind::Overloaded
        | Kind::Upstream
        | Kind::Protocol
        | Kind::Timeout
        | Kind::Unavailable
        | Kind::Internal => "server_error",
    }
}

pub(super) fn message(fault: &Fault) -> &str {
    match fault.blame {
        Blame::ProviderKey => {
            "the provider refused Vane's own credential or its credit; ask the operator of this \
             gateway to look at it"
        }
        Blame::Caller | Blame::Upstream | Blame::Model | Blame::Us => &fault.message,
    }
}

/// The `error` object of a failed response.
pub(super) fn write(fault: &Fault, out: &mut Vec<u8>) {
    let mut fields = Fields::open(out);
    fields.text("code", code(fault));
    fields.text("message", message(fault));
    fields.close();
}

/// Ends a stream that was forwarded byte for byte. What it said so far is not known here, so the
/// response object holds the failure and what SDKs demand.
pub(crate) fn in_stream(fault: &Fault, id: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: response.failed\ndata: ");
    let mut fields = Fields::typed(out, "response.failed");
    fields.value("sequence_number", &AFTER_ALL);
    let mut response = Fields::open(fields.key("response"));
    response.text("id", &format!("resp_{id}"));
    response.text("object", "response");
    response.json("created_at", "0").text("status", "failed");
    write(fault, response.key("error"));
    response.json("incomplete_details", "null");
    response.text("model", "").json("output", "[]");
    response.json("parallel_tool_calls", "true");
    response.text("tool_choice", "auto").json("tools", "[]");
    response.json("usage", "null");
    response.close();
    fields.close().extend_from_slice(b"\n\n");
}
