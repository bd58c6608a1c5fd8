//! A streamed answer: upstream bytes in, client bytes out, one path for every pair of dialects.
//!
//! Frames of the same dialect are forwarded as slices of the chunk they came in; others are
//! decoded and encoded. Both feed the meter with the same events. Nothing is spawned while it runs: the
//! client's connection pulls, so a slow reader slows the upstream and a reader that leaves closes it. Only
//! after the last frame a task reads the upstream's closing, for a second at most.

mod live;
mod streaming;

pub(super) use live::LiveStream;
pub(super) use streaming::Streaming;

use super::decode::RawCall;
use super::reply::{Body, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

/// The head of a stream, before anything is known of its answer.
pub(super) fn head(call: &RawCall) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies in front of Vane must not gather a stream.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    super::whole::name(headers, super::whole::MODEL, &call.model);
    response
}
