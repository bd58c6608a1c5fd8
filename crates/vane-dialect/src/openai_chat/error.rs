//! Errors, for every OpenAI dialect: one envelope out, all the providers' variants in.

mod read;

pub(crate) use read::is_envelope;

use super::wire::Chunk;
use crate::dialect::Dialect;
use crate::fault::{Blame, Fault, Kind, Upstream};
use crate::json::{self, Json};

/// How much of an upstream's own words is kept.
const BODY_BYTES_MAX: usize = 64 << 10;

pub(crate) fn decode(status: u16, body: &[u8]) -> Fault {
    let said = read::said(body);
    let message = match said.message() {
        Some(message) => message.to_owned(),
        None => read::describe(status, body),
    };
    let mut fault = read::classify(Fault::from_status(status, message), &said);
    if !said.reworded {
        fault.upstream = Some(Box::new(Upstream {
            status,
            dialect: Dialect::OpenaiChat,
            body: body[..body.len().min(BODY_BYTES_MAX)].to_vec(),
        }));
    }
    fault
}

/// The status and body that tell of `fault`.
pub(crate) fn encode(fault: &Fault) -> (u16, Vec<u8>) {
    let told = told(fault);
    // The caller's own mistake is best explained in the upstream's own words.
    if let (Blame::Caller, Some(upstream)) = (fault.blame, &fault.upstream) {
        let own = matches!(
            upstream.dialect,
            Dialect::OpenaiChat
                | Dialect::OpenaiCompletions
                | Dialect::OpenaiResponses
                | Dialect::OpenaiEmbeddings
        );
        if own && (400..500).contains(&upstream.status) && is_envelope(&upstream.body) {
            return (upstream.status, upstream.body.clone());
        }
    }
    (told.status, envelope(fault, &told))
}

/// Appends the frame after which a broken stream ends; there is no `[DONE]`.
pub(crate) fn in_stream(fault: &Fault, out: &mut Vec<u8>) {
    crate::frame::sse::write(out, &envelope(fault, &told(fault)));
}

/// The fault that a body or chunk declares although its status was 200.
pub(super) fn in_answer(chunk: &Chunk<'_>, data: &[u8]) -> Option<Fault> {
    let truthy = |json: &Json<'_>| !matches!(json.get(), "false" | "\"\"" | "{}" | "0");
    let is_error = chunk.object.as_deref() == Some("error");
    let speechless = chunk.choices.is_none() && chunk.usage.is_none();
    let complaint = chunk.message.or(chunk.detail).is_some();
    let failed = chunk.base_status != 0;
    if chunk.error.filter(truthy).is_some() || is_error || failed || (speechless && complaint) {
        return Some(in_frame(data));
    }
    None
}

/// The fault that `data` tells of; its own code stands in for the status.
pub(super) fn in_frame(data: &[u8]) -> Fault {
    let status = read::said(data).status().unwrap_or(502);
    decode(status, data)
}

/// The fault of an error object inside a choice.
pub(super) fn of_object(raw: Json<'_>) -> Fault {
    in_frame(format!(r#"{{"error":{}}}"#, raw.get()).as_bytes())
}

/// What should have been an answer is none.
pub(super) fn garbage(body: &[u8]) -> Fault {
    Fault::protocol(read::describe(200, body))
}

/// The fault of a body with status 200 that is not the answer it should be.
pub(crate) fn not_an_answer(body: &[u8]) -> Fault {
    let chunk = std::str::from_utf8(body)
        .ok()
        .and_then(|text| Chunk::read(text).ok());
    let fault = chunk.and_then(|chunk| in_answer(&chunk, body));
    fault.unwrap_or_else(|| garbage(body))
}

/// The upstream gave up in the middle of its answer.
pub(super) fn stopped(reason: &str, blame: Blame) -> Fault {
    let kind = match reason {
        "insufficient_system_resource" => Kind::Overloaded,
        _ => Kind::Upstream,
    };
    let message = format!("the upstream broke its answer off: {reason}");
    Fault::new(kind, blame, message).with_code(reason)
}

/// How a fault is told in this dialect.
struct Told {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
}

fn told(fault: &Fault) -> Told {
    const INVALID: &str = "invalid_request_error";
    const SERVER: &str = "server_error";
    let (status, kind, code) = match fault.kind {
        // Our credential is not the caller's: a 401 would make them change their own.
        Kind::Unauthenticated | Kind::Forbidden | Kind::NoFunds if is_ours(fault) => {
            (502, SERVER, Some("provider_credential"))
        }
        Kind::Invalid => (400, INVALID, None),
        Kind::ContextLength => (400, INVALID, Some("context_length_exceeded")),
        Kind::Unsupported => (400, INVALID, Some("unsupported")),
        Kind::Unauthenticated => (401, INVALID, Some("invalid_api_key")),
        Kind::Forbidden if has_code(fault, &["account_frozen"]) => (403, "permission_error", None),
        Kind::Forbidden => (403, "permission_error", Some("forbidden")),
        Kind::NotFound if has_code(fault, &["route_not_found", "not_found", "payments_off"]) => {
            (404, INVALID, None)
        }
        Kind::NotFound => (404, INVALID, Some("model_not_found")),
        Kind::Method => (405, INVALID, Some("method_not_allowed")),
        Kind::Misdirected => (421, INVALID, Some("misdirected_request")),
        Kind::TooLarge => (413, INVALID, Some("request_too_large")),
        Kind::MediaType => (415, INVALID, Some("unsupported_media_type")),
        Kind::Conflict => (409, INVALID, Some("conflict")),
        Kind::RateLimited => (429, "rate_limit_error", Some("rate_limit_exceeded")),
        // Not 402: Codex would try again.
        Kind::NoFunds if has_code(fault, &["budget_exceeded"]) => (429, "insufficient_quota", None),
        Kind::NoFunds => (429, "insufficient_quota", Some("insufficient_quota")),
        // Codex explains this refusal to its user, by its code.
        Kind::ContentFilter if has_code(fault, &["cyber_policy"]) => (400, INVALID, None),
        Kind::ContentFilter => (400, INVALID, Some("content_filter")),
        Kind::Overloaded => (503, SERVER, Some("overloaded")),
        Kind::Upstream => (502, SERVER, Some("upstream_error")),
        Kind::Protocol => (502, SERVER, Some("upstream_protocol")),
        // The body of their own request came too slowly.
        Kind::Timeout if !is_ours(fault) => (408, INVALID, Some("request_timeout")),
        Kind::Timeout => (504, SERVER, Some("timeout")),
        Kind::Unavailable => (503, SERVER, Some("unavailable")),
        Kind::Loop => (508, SERVER, Some("loop")),
        Kind::Internal => (500, SERVER, Some("internal_error")),
    };
    Told { status, kind, code }
}

fn has_code(fault: &Fault, codes: &[&str]) -> bool {
    fault
        .code
        .as_deref()
        .is_some_and(|code| codes.contains(&code))
}

/// Whether the credential at fault is Vane's own at a provider.
fn is_ours(fault: &Fault) -> bool {
    !matches!(fault.blame, Blame::Caller)
}

fn envelope(fault: &Fault, told: &Told) -> Vec<u8> {
    let hidden = told.code == Some("provider_credential");
    let message = if hidden {
        "the provider refused Vane's own credential; its operator must look at it"
    } else {
        &fault.message
    };
    // Codes that clients act on stay ours; a native code fills in where we have none.
    let code = told.code.or(fault.code.as_deref());
    let mut out = b"{\"error\":{\"message\":".to_vec();
    json::string(&mut out, message);
    out.extend_from_slice(b",\"type\":");
    json::string(&mut out, told.kind);
    out.extend_from_slice(b",\"param\":");
    json::value(&mut out, &fault.param);
    out.extend_from_slice(b",\"code\":");
    json::value(&mut out, &code);
    out.extend_from_slice(b"}}");
    out
}
