//! Fault -> the status and envelope that Mistral's clients read.

use crate::dialect::Dialect;
use crate::fault::{Blame, Fault, Kind, Upstream};
use crate::frame::sse;
use crate::mistral_chat::members::Members;
use serde::de::IgnoredAny;

const OWN_CREDENTIAL: &str = "the provider refused Vane's own credential for it: this is for the \
                              operator of this gateway to mend, not for the caller";

/// The status and body of an error answer.
pub(crate) fn encode(fault: &Fault) -> (u16, Vec<u8>) {
    if let Some(upstream) = native(fault) {
        return (upstream.status, upstream.body.clone());
    }
    let (status, ..) = envelope(fault);
    let mut body = Vec::new();
    write(fault, &mut body);
    (status, body)
}

/// The frame that ends a stream after content: an error, and no `[DONE]`.
pub(crate) fn in_stream(fault: &Fault, out: &mut Vec<u8>) {
    let mut data = Vec::new();
    write(fault, &mut data);
    sse::write(out, &data);
}

/// The upstream's own words, where they are about the caller's request and in this dialect.
fn native(fault: &Fault) -> Option<&Upstream> {
    let upstream = fault.upstream.as_deref()?;
    let ours = match upstream.dialect {
        Dialect::MistralChat | Dialect::MistralFim | Dialect::MistralEmbeddings => true,
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::AnthropicMessages
        | Dialect::LlamaInfill => false,
    };
    // As text, because an ignored string may hold any bytes.
    let body = std::str::from_utf8(&upstream.body).ok()?;
    let whole = serde_json::from_str::<IgnoredAny>(body).is_ok();
    let fits = fault.blame == Blame::Caller && upstream.status >= 400;
    (ours && whole && fits).then_some(upstream)
}

fn write(fault: &Fault, out: &mut Vec<u8>) {
    let (_, kind, code) = envelope(fault);
    let (message, param) = match fault.blame {
        Blame::ProviderKey => (OWN_CREDENTIAL, None),
        Blame::Caller | Blame::Upstream | Blame::Model | Blame::Us => {
            (fault.message.as_str(), fault.param.as_deref())
        }
    };
    let code = match fault.blame {
        Blame::ProviderKey => code,
        Blame::Caller | Blame::Upstream | Blame::Model | Blame::Us => {
            fault.code.as_deref().or(code)
        }
    };
    let mut members = Members::open(out);
    members.text("object", "error");
    members.text("message", message);
    members.text("type", kind);
    members.value("param", &param);
    members.value("code", &code);
    members.close();
}

/// Status, type and code. 422 is never ours: Mistral's SDKs read only `{"detail": [...]}` there.
fn envelope(fault: &Fault) -> (u16, &'static str, Option<&'static str>) {
    if fault.blame == Blame::ProviderKey {
        return (502, "provider_credential", None);
    }
    match fault.kind {
        Kind::Invalid | Kind::Unsupported => (400, "invalid_request_error", None),
        Kind::ContextLength => (
            400,
            "invalid_request_error",
            Some("context_length_exceeded"),
        ),
        Kind::Unauthenticated => (401, "unauthorized", None),
        Kind::NoFunds => (402, "insufficient_funds", Some("insufficient_quota")),
        Kind::Forbidden => (403, "forbidden", None),
        Kind::ContentFilter => (403, "content_filter", None),
        Kind::NotFound => (404, "not_found", None),
        Kind::Method => (405, "method_not_allowed", None),
        Kind::Misdirected => (421, "misdirected_request", None),
        Kind::Conflict => (409, "conflict", None),
        Kind::TooLarge => (413, "request_too_large", None),
        Kind::MediaType => (415, "unsupported_media_type", None),
        Kind::RateLimited => (429, "rate_limited", Some("1300")),
        Kind::Internal => (500, "internal_error", None),
        Kind::Upstream | Kind::Protocol => (502, "upstream_error", None),
        Kind::Overloaded => (503, "overloaded", None),
        Kind::Unavailable => (503, "unavailable", None),
        // The body of their own request came too slowly.
        Kind::Timeout if fault.blame == Blame::Caller => (408, "request_timeout", None),
        Kind::Timeout => (504, "timeout", None),
        Kind::Loop => (508, "loop_detected", None),
    }
}
