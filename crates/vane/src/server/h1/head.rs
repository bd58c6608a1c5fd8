//! Heads: a call's is parsed, an answer's is written.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

/// How many header lines a call may have.
const HEADERS_MAX: usize = 100;

pub(super) struct Head {
    pub parts: http::request::Parts,
    pub framing: Framing,
    /// The client sends its body once it is told to go on.
    pub waits: bool,
    pub style: Style,
}

/// How a call's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// How its answer is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub keep_alive: bool,
    /// HTTP/1.0 knows no chunks and closes unless told otherwise.
    pub old: bool,
    /// Nothing follows the head, and nothing is said of what would to another method.
    pub head_only: bool,
}

impl Style {
    /// Of an answer after which the connection ends.
    pub(super) const LAST: Self = Self {
        keep_alive: false,
        old: false,
        head_only: false,
    };
}

/// Why a head cannot be served.
pub(super) type Refusal = (StatusCode, &'static str);

const fn bad(why: &'static str) -> Refusal {
    (StatusCode::BAD_REQUEST, why)
}

/// Where a header line's name and value stand.
type Line = (Range<usize>, Range<usize>);

/// Takes a head of at most `max` bytes off `ahead`; `None` while it is not all there.
pub(super) fn take(ahead: &mut BytesMut, max: usize) -> Result<Option<Head>, Refusal> {
    let mut room = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut call = httparse::Request::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let length = match parser.parse_request_with_uninit_headers(&mut call, ahead, &mut room) {
        Ok(httparse::Status::Complete(length)) if length <= max => length,
        Ok(_) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            return Err((status, "the request has more than 100 header lines"));
        }
        Err(httparse::Error::Version) => {
            let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
            return Err((status, "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here"));
        }
        Err(_) => return Err(bad("the request's head cannot be read")),
    };
    let start = ahead.as_ptr().addr();
    let place = |text: &[u8]| {
        let from = text.as_ptr().addr() - start;
        from..from + text.len()
    };
    let method = Method::from_bytes(call.method.unwrap_or_default().as_bytes());
    let method = method.map_err(|_| bad("the request has no method"))?;
    let target = place(call.path.unwrap_or_default().as_bytes());
    let old = call.version == Some(0);
    let lines = call.headers.iter();
    let lines: Vec<Line> = lines
        .map(|line| (place(line.name.as_bytes()), place(line.value)))
        .collect();
    let bytes = ahead.split_to(length).freeze();
    let uri = Uri::from_maybe_shared(bytes.slice(target));
    let uri = uri.map_err(|_| bad("the request's target is no URL"))?;
    let headers = headers(&bytes, &lines)?;
    let framing = framing(&headers, old)?;
    let waits = waits(&headers, framing, old)?;
    let keep_alive = if old {
        connection_says(&headers, "keep-alive") && !connection_says(&headers, "close")
    } else {
        !connection_says(&headers, "close")
    };
    let style = Style {
        keep_alive,
        old,
        head_only: method == Method::HEAD,
    };
    let mut parts = Request::new(()).into_parts().0;
    parts.method = method;
    parts.uri = uri;
    parts.version = if old {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    parts.headers = headers;
    Ok(Some(Head {
        parts,
        framing,
        waits,
        style,
    }))
}

fn headers(bytes: &Bytes, lines: &[Line]) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::with_capacity(lines.len());
    for (name, value) in lines {
        let name = HeaderName::from_bytes(&bytes[name.clone()]);
        let value = HeaderValue::from_maybe_shared(bytes.slice(value.clone()));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(bad("a header of the request cannot be read"));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn framing(headers: &HeaderMap, old: bool) -> Result<Framing, Refusal> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err(bad("the request has two different lengths"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        if length.is_some() || old || codings.next().is_some() || !chunked {
            return Err(bad(
                "the request's transfer-encoding is not plainly `chunked`",
            ));
        }
        return Ok(Framing::Chunked);
    }
    let Some(length) = length else {
        return Ok(Framing::Length(0));
    };
    let digits = length
        .to_str()
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(length) => Ok(Framing::Length(length)),
        None => Err(bad("the request's content-length is no number")),
    }
}

fn waits(headers: &HeaderMap, framing: Framing, old: bool) -> Result<bool, Refusal> {
    match headers.get(EXPECT) {
        Some(value) if value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Ok(!old && framing != Framing::Length(0))
        }
        Some(_) => Err((
            StatusCode::EXPECTATION_FAILED,
            "only `100-continue` may be expected",
        )),
        None => Ok(false),
    }
}

fn connection_says(headers: &HeaderMap, token: &str) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        let mut tokens = value.as_bytes().split(|byte| *byte == b',');
        tokens.any(|said| said.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

/// What an answer's head says of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(usize),
    Chunked,
    /// It ends with the connection.
    Close,
    /// There is none, and nothing is said of one.
    None,
}

/// Writes an answer's head; `now` in unix seconds.
pub(super) fn write<B>(
    out: &mut BytesMut,
    answer: &Response<B>,
    length: Length,
    style: Style,
    now: i64,
) {
    let status = answer.status();
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    for (name, value) in answer.headers() {
        out.put_slice(b"\r\n");
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
    }
    match length {
        Length::Known(length) => {
            out.put_slice(b"\r\ncontent-length: ");
            out.put_slice(length.to_string().as_bytes());
        }
        Length::Chunked => out.put_slice(b"\r\ntransfer-encoding: chunked"),
        Length::Close | Length::None => {}
    }
    if !style.keep_alive {
        out.put_slice(b"\r\nconnection: close");
    } else if style.old {
        out.put_slice(b"\r\nconnection: keep-alive");
    }
    out.put_slice(b"\r\ndate: ");
    out.put_slice(&date(now));
    out.put_slice(b"\r\n\r\n");
}

/// The date as HTTP writes it. Each thread keeps the last: it changes once a second.
fn date(now: i64) -> [u8; 29] {
    thread_local! {
        static LAST: Cell<(i64, [u8; 29])> = const { Cell::new((i64::MIN, [b' '; 29])) };
    }
    let (at, text) = LAST.get();
    if at == now {
        return text;
    }
    let since = Duration::from_secs(u64::try_from(now).unwrap_or_default());
    let written = httpdate::fmt_http_date(UNIX_EPOCH + since);
    let mut text = [b' '; 29];
    text.iter_mut()
        .zip(written.bytes())
        .for_each(|(to, from)| *to = from);
    LAST.set((now, text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 16 << 10;

    fn head(lines: &str) -> Result<Head, Refusal> {
        let text = format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\n{lines}\r\n");
        take(&mut BytesMut::from(text.as_bytes()), MAX).map(|head| head.expect("a whole head"))
    }

    fn check(lines: &str, expected: Result<Framing, u16>) {
        let framing = head(lines).map(|head| head.framing);
        let framing = framing.map_err(|(status, _)| status.as_u16());
        assert_eq!(framing, expected, "{lines:?}");
    }

    #[test]
    fn framing_is_never_guessed() {
        check("", Ok(Framing::Length(0)));
        check("content-length: 5\r\n", Ok(Framing::Length(5)));
        check(
            "Content-Length: 5\r\ncontent-length: 5\r\n",
            Ok(Framing::Length(5)),
        );
        check("transfer-encoding: Chunked\r\n", Ok(Framing::Chunked));
        for refused in [
            "content-length: 5\r\ncontent-length: 6\r\n",
            "content-length: 5, 5\r\n",
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "content-length: -5\r\n",
            "content-length: +5\r\n",
            "content-length: 0x5\r\n",
            "content-length:\r\n",
            "content-length: 99999999999999999999999\r\n",
            "transfer-encoding: gzip\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: \u{b}chunked\r\n",
            "transfer-encoding : chunked\r\n",
            " content-length: 5\r\n",
            "a: b\r\n folded\r\n",
        ] {
            check(refused, Err(400));
        }
        check("expect: a miracle\r\n", Err(417));
        check(&"a: b\r\n".repeat(100), Err(431));
    }

    #[test]
    fn who_waits_and_what_closes() {
        let waits = |lines| head(lines).is_ok_and(|head| head.waits);
        assert!(waits("content-length: 5\r\nexpect: 100-Continue\r\n"));
        assert!(!waits("expect: 100-continue\r\n"));
        let keeps = |lines| head(lines).is_ok_and(|head| head.style.keep_alive);
        assert!(keeps("") && keeps("connection: closer\r\n"));
        assert!(!keeps("connection: x, Close\r\n"));
        let mut old = BytesMut::from("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
        let old = take(&mut old, MAX).unwrap().unwrap();
        assert!(old.style.old && old.style.keep_alive);
        let mut both = BytesMut::from("GET / HTTP/1.0\r\nconnection: keep-alive, close\r\n\r\n");
        assert!(!take(&mut both, MAX).unwrap().unwrap().style.keep_alive);
        let mut newer = BytesMut::from("GET / HTTP/3.0\r\n\r\n");
        assert_eq!(
            take(&mut newer, MAX)
                .err()
                .map(|(status, _)| status.as_u16()),
            Some(505)
        );
    }

    #[test]
    fn a_head_that_is_not_all_there_is_waited_for() {
        let head = b"GET /v1/models?a=b HTTP/1.1\r\nhost: x\r\nx-a: b\r\n\r\nrest";
        let whole = head.len() - 4;
        for end in 0..whole {
            let mut ahead = BytesMut::from(&head[..end]);
            assert!(take(&mut ahead, MAX).unwrap().is_none());
            assert_eq!(ahead, &head[..end]);
        }
        let mut ahead = BytesMut::from(&head[..]);
        let parts = take(&mut ahead, MAX).unwrap().unwrap().parts;
        assert_eq!(
            (parts.uri.path(), parts.uri.query()),
            ("/v1/models", Some("a=b"))
        );
        assert_eq!(parts.headers["x-a"], "b");
        assert_eq!(ahead, "rest");
        // One over the limit is never whole.
        let mut ahead = BytesMut::from(&head[..]);
        assert!(take(&mut ahead, whole - 1).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn r10_no_bytes_break_the_parser(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            line in "[A-Za-z-]{1,12}: [ -~]{0,20}",
        ) {
            let _ = take(&mut BytesMut::from(&bytes[..]), MAX);
            let mut around = b"POST / HTTP/1.1\r\n".to_vec();
            around.extend_from_slice(&bytes);
            around.extend_from_slice(format!("\r\n{line}\r\n\r\n").as_bytes());
            let _ = take(&mut BytesMut::from(&around[..]), MAX);
        }
    }

    #[test]
    fn an_answers_head_says_how_it_ends() {
        let check = |length, style, expected: &str| {
            let mut out = BytesMut::new();
            let mut answer = Response::new(());
            answer
                .headers_mut()
                .insert("a", HeaderValue::from_static("b"));
            write(&mut out, &answer, length, style, 784_111_777);
            let text = String::from_utf8(out.to_vec()).unwrap();
            let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
            assert_eq!(text, format!("HTTP/1.1 200 OK\r\na: b\r\n{expected}{date}"));
        };
        let style = |keep_alive, old| Style {
            keep_alive,
            old,
            head_only: false,
        };
        check(
            Length::Known(7),
            style(true, false),
            "content-length: 7\r\n",
        );
        check(
            Length::Chunked,
            style(true, false),
            "transfer-encoding: chunked\r\n",
        );
        check(Length::Close, style(false, true), "connection: close\r\n");
        check(
            Length::Known(0),
            style(true, true),
            "content-length: 0\r\nconnection: keep-alive\r\n",
        );
        check(Length::None, Style::LAST, "connection: close\r\n");
    }
}
