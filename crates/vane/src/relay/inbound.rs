//! What came in: the door, the headers, the whole body within its limits.

use super::bodies::{Bodies, Share};
use super::packing::Packing;
use crate::config::Config;
use crate::server::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use std::future::poll_fn;
use std::io::{self, Read};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault};

/// Which door a call came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// The dialect of the caller.
    pub dialect: Dialect,
    /// The route, for logs and metrics.
    pub route: &'static str,
}

/// A request, whole.
#[derive(Debug)]
pub struct Inbound {
    pub door: Door,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub request_id: String,
}

/// Announced lengths are believed up to here: room is set aside before the bytes are there.
const BELIEVED_BYTES_MAX: usize = 1 << 20;

/// How large a body may be and how slowly it may come.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub bytes_max: usize,
    pub bytes_per_second_min: usize,
    /// The time that any body has.
    pub grace: Duration,
    /// What all bodies of the process may have together.
    pub all_bytes_max: usize,
}

impl Pace {
    #[must_use]
    pub const fn of(config: &Config) -> Self {
        Self {
            bytes_max: config.limits.body_bytes_max,
            bytes_per_second_min: config.limits.body_bytes_per_second_min,
            grace: config.timeouts.inbound_body,
            all_bytes_max: config.limits.bodies_bytes_max,
        }
    }

    /// How long a body may have taken of which so much is here.
    fn time_for(&self, bytes: usize) -> Duration {
        let seconds = bytes / self.bytes_per_second_min.max(1);
        self.grace + Duration::from_secs(seconds as u64)
    }
}

/// Reads a body and takes off its content encoding.
///
/// # Errors
/// If it is too large (at once by its `content-length`), too slow, cut, or encoded in a way that
/// is not understood; or if all bodies together are too much.
pub async fn read_body(
    bodies: &Arc<Bodies>,
    headers: &HeaderMap,
    mut body: Body,
    pace: Pace,
) -> Result<Bytes, Fault> {
    let max = pace.bytes_max;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > max as u64) {
        return Err(too_large(max));
    }
    let expected = announced
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    let share = || Share::new(bodies.clone(), pace.all_bytes_max);
    let read = |cx: &mut Context<'_>, bytes: &mut BytesMut| body.poll_read(cx, bytes);
    let bytes = collect(read, expected, pace, share()).await?;
    match Packing::of(headers) {
        Packing::Plain => Ok(bytes),
        Packing::Gzip => inflate(MultiGzDecoder::new(&bytes[..]), max, share()),
        Packing::Zstd => match zstd::stream::read::Decoder::new(&bytes[..]) {
            Ok(decoder) => inflate(decoder, max, share()),
            Err(error) => Err(Fault::invalid("", format!("the body is not zstd: {error}"))),
        },
        Packing::Other => Err(Fault::new(
            Kind::MediaType,
            Blame::Caller,
            "this content encoding is not understood: send the body plain, gzip or zstd",
        )),
    }
}

/// Gathers what `poll_read` adds to the end of its bytes until it says that nothing is left.
async fn collect(
    mut poll_read: impl FnMut(&mut Context<'_>, &mut BytesMut) -> Poll<Result<bool, String>>,
    expected: usize,
    pace: Pace,
    mut share: Share,
) -> Result<Bytes, Fault> {
    let mut bytes = BytesMut::with_capacity(expected.min(BELIEVED_BYTES_MAX));
    let started = tokio::time::Instant::now();
    loop {
        let deadline = started + pace.time_for(bytes.len());
        let read = poll_fn(|cx| poll_read(cx, &mut bytes));
        match tokio::time::timeout_at(deadline, read).await {
            Ok(Ok(true)) if bytes.len() > pace.bytes_max => return Err(too_large(pace.bytes_max)),
            Ok(Ok(true)) => share.grow(bytes.len())?,
            Ok(Ok(false)) => return Ok(share.with(bytes)),
            Ok(Err(error)) => {
                return Err(Fault::invalid("", format!("the body was cut: {error}")));
            }
            Err(_) => {
                let message = "the body came too slowly";
                return Err(Fault::new(Kind::Timeout, Blame::Caller, message));
            }
        }
    }
}

fn inflate(decoder: impl Read, max: usize, share: Share) -> Result<Bytes, Fault> {
    let mut plain = Vec::new();
    let mut counted = Counted {
        decoder: decoder.take(max as u64 + 1),
        bytes: 0,
        share,
        full: None,
    };
    let read = counted.read_to_end(&mut plain);
    let Counted { share, full, .. } = counted;
    match (read, full) {
        (_, Some(full)) => Err(full),
        (Err(error), None) => {
            let message = format!("the body cannot be decompressed: {error}");
            Err(Fault::invalid("", message))
        }
        (Ok(_), None) if plain.len() > max => Err(too_large(max)),
        (Ok(_), None) => Ok(share.with(plain)),
    }
}

/// Counts what is unpacked, and ends where that is too much.
struct Counted<R> {
    decoder: R,
    bytes: usize,
    share: Share,
    full: Option<Fault>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(room)?;
        self.bytes += read;
        match self.share.grow(self.bytes) {
            Ok(()) => Ok(read),
            Err(full) => {
                self.full = Some(full);
                Err(io::ErrorKind::OutOfMemory.into())
            }
        }
    }
}

fn too_large(max: usize) -> Fault {
    let message = format!("the body is over the limit of {max} bytes");
    Fault::new(Kind::TooLarge, Blame::Caller, message)
}

/// A part of a path or query as it was meant; what is not encoded well stays as it is.
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::ready;
    use tokio::time::{Instant, interval_at};

    /// How a body of so many bytes a second ends, and after how many seconds.
    async fn trickled(bytes_per_second: usize) -> (Kind, u64) {
        let pace = Pace {
            bytes_max: 1_000_000,
            bytes_per_second_min: 4_096,
            grace: Duration::from_secs(10),
            all_bytes_max: 2_000_000,
        };
        let share = Share::new(Arc::default(), pace.all_bytes_max);
        let began = Instant::now();
        // Between two seconds, so that no piece comes at its own deadline.
        let first = began + Duration::from_millis(500);
        let mut pieces = interval_at(first, Duration::from_secs(1));
        let endless = |cx: &mut Context<'_>, bytes: &mut BytesMut| {
            ready!(pieces.poll_tick(cx));
            bytes.resize(bytes.len() + bytes_per_second, b'x');
            Poll::Ready(Ok(true))
        };
        let fault = collect(endless, 0, pace, share).await.unwrap_err();
        assert_eq!(fault.blame, Blame::Caller);
        (fault.kind, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn s14_the_pace_of_a_body_bounds_its_time() {
        // Nothing at all, and a byte a second: the grace. Then the more, the longer.
        for (pace, kind, seconds) in [
            (0, Kind::Timeout, 10),
            (1, Kind::Timeout, 10),
            (1_024, Kind::Timeout, 13),
            (3_072, Kind::Timeout, 37),
            // As slow as is allowed: until it is too large. No body takes longer than that.
            (4_096, Kind::TooLarge, 244),
            (100_000, Kind::TooLarge, 10),
            (1_000_001, Kind::TooLarge, 0),
        ] {
            assert_eq!(trickled(pace).await, (kind, seconds), "{pace} a second");
        }
    }

    #[test]
    fn ids_are_decoded_and_never_fail() {
        assert_eq!(percent_decoded("mistral%2Fcodestral"), "mistral/codestral");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%"), "%zz%");
    }
}
