//! Fault to response, in the dialect of the caller.

use crate::relay::{Response, json};
use http::header::{HeaderValue, RETRY_AFTER};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault, codec};

/// The error answer that tells a caller of `dialect` about a fault.
///
/// An upstream's own words go back unchanged to a caller of its dialect: clients recover by
/// matching them. What the upstream says about Vane's credential never goes back, and what clients of
/// the dialect would not know for an error is told in its envelope.
#[must_use]
pub fn rescue(dialect: Dialect, fault: &Fault, request_id: &str) -> Response {
    let native = fault.upstream.as_ref().filter(|upstream| {
        upstream.dialect == dialect
            && fault.blame != Blame::ProviderKey
            && (400..600).contains(&upstream.status)
            // A server that blames itself for the caller's mistake would be asked again.
            && (fault.blame != Blame::Caller || upstream.status < 500)
            && codec::is_own_error(dialect, fault, &upstream.body)
    });
    let (status, body) = match native {
        Some(upstream) => (upstream.status, upstream.body.clone()),
        None => codec::encode_error(dialect, fault, request_id),
    };
    let mut response = json(status, body);
    let headers = response.headers_mut();
    if let Some(wait) = fault.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(retry) = worth_retrying(fault) {
        let value = if retry { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(value));
    }
    if fault.kind == Kind::Unauthenticated {
        headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
    response
}

/// What SDKs are told about trying again, where their own guess by status would be wrong.
const fn worth_retrying(fault: &Fault) -> Option<bool> {
    match (fault.kind, fault.blame) {
        (Kind::NoFunds, _) | (Kind::Unavailable | Kind::Internal, Blame::Caller) => Some(false),
        (Kind::Unauthenticated | Kind::Forbidden, Blame::ProviderKey) => Some(false),
        // The same call will run no other time either.
        (Kind::Conflict, Blame::Caller) if fault.retry_after.is_none() => Some(false),
        // More than a limit allows at any time.
        (Kind::RateLimited, Blame::Caller) if fault.retry_after.is_none() => Some(false),
        _ => None,
    }
}
