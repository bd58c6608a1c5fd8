//! An answer as it is kept: one line of JSON with the headers that belong to it, then its body.
//!
//! Only what the answer itself says is kept. Ids are told anew with each repeat; limits and balances
//! are not, which a repeat does not change.

use super::super::reply::{Body, Response};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

const REPLAYED_FROM: HeaderName = HeaderName::from_static("vane-replayed-from");

/// Headers that are a part of the answer.
const KEPT: [&str; 7] = [
    "content-type",
    "cache-control",
    "x-accel-buffering",
    "vane-model",
    "vane-provider",
    "vane-cost",
    "vane-dropped",
];

pub(super) fn written(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let mut written = head(headers);
    written.extend_from_slice(body);
    written
}

/// The line that stands before the body.
pub(super) fn head(headers: &HeaderMap) -> Vec<u8> {
    let headers = headers
        .iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()));
    let headers: Vec<(&str, &str)> = headers
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    // Text cannot fail to be written.
    let mut line = serde_json::to_vec(&headers).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The answer again; `None` if it is none.
pub(super) fn read(call: &str, kept: &[u8]) -> Option<Response> {
    let at = memchr::memchr(b'\n', kept)?;
    let (line, body) = (kept.get(..at)?, kept.get(at + 1..)?);
    let headers: Vec<(&str, &str)> = serde_json::from_slice(line).ok()?;
    let mut response = Response::new(Body::Whole(Bytes::copy_from_slice(body)));
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let value = HeaderValue::from_str(value).ok()?;
        response.headers_mut().append(name, value);
    }
    let call = HeaderValue::from_str(call).ok()?;
    response.headers_mut().insert(REPLAYED_FROM, call);
    Some(response)
}
