//! Heads: a request's is written, an answer's is parsed.

use super::super::connect::Via;
use super::super::parts::Parts;
use super::Error;
use super::writing::TOGETHER_MAX;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Request, StatusCode};
use http_body::Body as _;
use std::mem::MaybeUninit;

/// What a request's head takes, mostly.
const HEAD_BYTES: usize = 1 << 10;
/// How many header lines an answer may have.
const HEADERS_MAX: usize = 128;

pub(crate) struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub framing: Framing,
    pub keep_alive: bool,
}

impl Head {
    /// The same of a connection that can carry no other request.
    pub(super) fn last(mut self) -> Self {
        self.keep_alive = false;
        self
    }
}

/// How an answer's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

/// Writes a request's head, with room after it for a small body; to a proxy with the whole address.
pub(super) fn encode(request: &Request<Parts>, via: Option<&Via>) -> Vec<u8> {
    let uri = request.uri();
    let length = request.body().size_hint().lower();
    let together = usize::try_from(length).map_or(0, |length| length.min(TOGETHER_MAX));
    let mut head = Vec::with_capacity(HEAD_BYTES + together);
    head.extend_from_slice(request.method().as_str().as_bytes());
    head.push(b' ');
    if via.is_some() {
        head.extend_from_slice(uri.to_string().as_bytes());
    } else {
        head.extend_from_slice(
            uri.path_and_query()
                .map_or("/", |path| path.as_str())
                .as_bytes(),
        );
    }
    head.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    let host = uri.authority().map_or("", |authority| authority.as_str());
    // A URL may carry a name and password; they are no part of the host.
    head.extend_from_slice(host.rsplit('@').next().unwrap_or_default().as_bytes());
    if let Some(credential) = via.and_then(|via| via.credential.as_ref()) {
        head.extend_from_slice(b"\r\nproxy-authorization: ");
        head.extend_from_slice(credential.as_bytes());
    }
    for (name, value) in request.headers() {
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
    }
    head.extend_from_slice(b"\r\ncontent-length: ");
    head.extend_from_slice(length.to_string().as_bytes());
    head.extend_from_slice(b"\r\n\r\n");
    head
}

/// Parses an answer's head; `None` while it is not all there.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Error> {
    let mut room = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let length = match parser.parse_response_with_uninit_headers(&mut answer, bytes, &mut room) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Error::Protocol("its head cannot be read")),
    };
    let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Error::Protocol("it has no status"))?;
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for line in answer.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line.value)) {
            headers.append(name, value);
        }
    }
    let framing = framing(status, &headers)?;
    let closes = headers.get_all(CONNECTION).iter().any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.to_ascii_lowercase().contains("close"))
    });
    let keep_alive = answer.version == Some(1) && !closes && framing != Framing::Close;
    Ok(Some((
        Head {
            status,
            headers,
            framing,
            keep_alive,
        },
        length,
    )))
}

fn framing(status: StatusCode, headers: &HeaderMap) -> Result<Framing, Error> {
    if status.is_informational() || matches!(status.as_u16(), 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(Error::Protocol("it has two different lengths"));
    }
    if let Some(coding) = headers.get_all(TRANSFER_ENCODING).iter().next_back() {
        if length.is_some() {
            return Err(Error::Protocol("it has both a length and chunks"));
        }
        return match coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            true => Ok(Framing::Chunked),
            false => Err(Error::Protocol("its transfer encoding is unknown")),
        };
    }
    let Some(length) = length else {
        return Ok(Framing::Close);
    };
    let digits = length
        .to_str()
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(length) => Ok(Framing::Length(length)),
        None => Err(Error::Protocol("its length is no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expected: Result<Framing, ()>) {
        let text = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
        let parsed = parse(text.as_bytes()).map(|head| head.map(|(head, _)| head.framing));
        assert_eq!(parsed.map_err(|_| ()), expected.map(Some), "{head:?}");
    }

    #[test]
    fn framing_is_never_guessed() {
        check("content-length: 5\r\n", Ok(Framing::Length(5)));
        check(
            "Content-Length: 5\r\ncontent-length: 5\r\n",
            Ok(Framing::Length(5)),
        );
        check("transfer-encoding: Chunked\r\n", Ok(Framing::Chunked));
        check("", Ok(Framing::Close));
        for refused in [
            "content-length: 5\r\ncontent-length: 6\r\n",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "content-length: -5\r\n",
            "content-length: +5\r\n",
            "content-length: 99999999999999999999999\r\n",
            "transfer-encoding: gzip\r\n",
        ] {
            check(refused, Err(()));
        }
    }

    #[test]
    fn a_head_that_is_not_all_there_is_waited_for() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for end in 0..head.len() {
            assert!(parse(&head[..end]).unwrap().is_none());
        }
        assert!(parse(head).unwrap().is_some());
        assert!(parse(b"<html>").is_err());
    }
}
