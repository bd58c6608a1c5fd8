//! What came in: the door, the headers, the whole body within its limits.

use crate::server::Body;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use std::io::Read;
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

/// A body may trickle this slowly at worst; a slower one is cut.
const BYTES_PER_SECOND_MIN: u64 = 4096;
const GRACE: Duration = Duration::from_secs(10);
/// Announced lengths are believed up to here: room is set aside before the bytes are there.
const BELIEVED_BYTES_MAX: usize = 1 << 20;

/// Reads a body of at most `max` bytes and takes off its content encoding.
///
/// # Errors
/// If it is too large (at once by its `content-length`), too slow, cut, or encoded in a way that
/// is not understood.
pub async fn read_body(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, Fault> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > max as u64) {
        return Err(too_large(max));
    }
    let expected = announced
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    let bytes = collect(body, expected, max).await?;
    match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"identity" | b"") => Ok(bytes),
        Some(b"gzip" | b"x-gzip") => inflate(MultiGzDecoder::new(&bytes[..]), max),
        Some(b"zstd") => match zstd::stream::read::Decoder::new(&bytes[..]) {
            Ok(decoder) => inflate(decoder, max),
            Err(error) => Err(Fault::invalid("", format!("the body is not zstd: {error}"))),
        },
        Some(_) => Err(Fault::new(
            Kind::MediaType,
            Blame::Caller,
            "this content encoding is not understood: send the body plain, gzip or zstd",
        )),
    }
}

async fn collect(mut body: Body, expected: usize, max: usize) -> Result<Bytes, Fault> {
    let mut bytes = BytesMut::with_capacity(expected.min(BELIEVED_BYTES_MAX));
    let started = tokio::time::Instant::now();
    loop {
        let so_far = bytes.len() as u64;
        let deadline = started + GRACE + Duration::from_secs(so_far / BYTES_PER_SECOND_MIN);
        match tokio::time::timeout_at(deadline, body.read(&mut bytes)).await {
            Ok(Ok(true)) if bytes.len() > max => return Err(too_large(max)),
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(bytes.freeze()),
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

fn inflate(decoder: impl Read, max: usize) -> Result<Bytes, Fault> {
    let mut plain = Vec::new();
    decoder
        .take(max as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| Fault::invalid("", format!("the body cannot be decompressed: {error}")))?;
    if plain.len() > max {
        Err(too_large(max))
    } else {
        Ok(plain.into())
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
    use super::percent_decoded;

    #[test]
    fn ids_are_decoded_and_never_fail() {
        assert_eq!(percent_decoded("mistral%2Fcodestral"), "mistral/codestral");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%"), "%zz%");
    }
}
