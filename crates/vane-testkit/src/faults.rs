//! Everything that goes wrong upstream.

mod bodies;

use serde::Deserialize;

pub(crate) use bodies::{HTML, in_stream};

/// One way to fail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// An error status with a body. Add `Retry-After` with `Answer::header`.
    Status {
        status: u16,
        #[serde(default)]
        body: ErrorBody,
    },
    /// Status 200 with an error object where the answer should be.
    OkErrorObject,
    /// Status 200 with an HTML page.
    OkHtml,
    /// The stream's first event is an error.
    ErrorFirst,
    /// An error event after this many frames.
    ErrorAfter(usize),
    /// The connection is cut after `frames` frames and `bytes` bytes of the next.
    Truncate {
        #[serde(default)]
        frames: usize,
        #[serde(default)]
        bytes: usize,
        /// Cut with a proper end of the HTTP body.
        #[serde(default)]
        clean: bool,
    },
    /// Not one byte more after this many frames; the connection stays open.
    Stall(usize),
    /// The same, with the first bytes of the next frame sent.
    StallInside { frames: usize, bytes: usize },
    /// The last text frame is repeated until the client leaves.
    Endless,
    /// One frame of this many bytes without a line end.
    GiantFrame(usize),
    /// Headers sent a byte at a time (`delay_ms` or `gate` between them), never finished.
    SlowHead,
    /// Half of the status line and headers, then the connection closes.
    HalfHead,
    /// `content-length` promises this many bytes more than are sent.
    LongLength(usize),
    /// A chunk size that is no number, after the first frame.
    BadChunk,
    /// After the first frame a chunk that ends before the size it announced.
    HalfChunk,
    /// A gzip body that unpacks to this many bytes, though identity was asked.
    Bomb(usize),
    /// The right body under this content type.
    ContentType(String),
    /// A 302 to this address (a canary's, in a test).
    Redirect(String),
    /// The request is read and the connection closed without an answer.
    Close,
}

/// The body of an error status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// The shape of the dialect that was asked.
    #[default]
    Own,
    Openai,
    Anthropic,
    /// `message` is an object with `detail`.
    MistralObject,
    /// Only `detail`, a list.
    MistralDetail,
    /// `code` is a string of digits.
    MistralCode,
    /// `{"detail":"Unauthorized"}`.
    MistralUnauthorized,
    /// `{"message":"...","request_id":"..."}`, the older edge.
    MistralEdge,
    /// `{"message":"Requests rate limit exceeded"}`.
    MistralRate,
    Html,
    Plain,
    Empty,
    /// This text as JSON.
    Raw(String),
}

impl Fault {
    /// An error status in the shape of the dialect that was asked.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            body: ErrorBody::Own,
        }
    }
}
