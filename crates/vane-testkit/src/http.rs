//! Reading one HTTP/1.1 request off a socket, by hand.
//!
//! By hand because the fake must see what really came (header order, spelling, body bytes) and
//! must be able to misbehave at any byte of the answer. Only what clients of a gateway send is
//! understood: `content-length` and chunked bodies.

use anyhow::{Context, Result, bail};
use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest head and body that are read; a test that sends more has lost its way.
const HEAD_BYTES_MAX: usize = 256 * 1024;
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One request as it came.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names as sent, in the order sent.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Request {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(sent, _)| sent.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a query field, not decoded.
    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// Reads one request; `None` when the peer closed between requests.
pub(crate) async fn read(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Option<Request>> {
    let end = loop {
        if let Some(end) = memmem::find(buffer, b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > HEAD_BYTES_MAX {
            bail!("request head too large");
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = buffer.split_to(end + 4);
    let mut request = parse_head(&head[..end])?;
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    request.body = if chunked {
        read_chunks(socket, buffer).await?
    } else {
        let length = request.header("content-length").unwrap_or("0");
        let length = length.parse().context("content-length is no number")?;
        take(socket, buffer, length).await?
    };
    Ok(Some(request))
}

fn parse_head(head: &[u8]) -> Result<Request> {
    let text = std::str::from_utf8(head).context("request head is not UTF-8")?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target)) = (first.next(), first.next()) else {
        bail!("not a request line: {text:?}");
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    Ok(Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers,
        body: Bytes::new(),
    })
}

async fn take(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    length: usize,
) -> Result<Bytes> {
    if length > BODY_BYTES_MAX {
        bail!("request body too large");
    }
    while buffer.len() < length {
        if socket.read_buf(buffer).await? == 0 {
            bail!("client left inside its body");
        }
    }
    Ok(buffer.split_to(length).freeze())
}

async fn read_chunks(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line = loop {
            if let Some(end) = memmem::find(buffer, b"\r\n") {
                break buffer.split_to(end + 2);
            }
            if socket.read_buf(buffer).await? == 0 {
                bail!("client left inside its body");
            }
        };
        let size = std::str::from_utf8(&line)?.trim();
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(size), 16)?;
        let mut chunk = take(socket, buffer, size + 2).await?;
        if size == 0 {
            return Ok(body.freeze());
        }
        chunk.truncate(size);
        body.extend_from_slice(chunk.chunk());
        if body.len() > BODY_BYTES_MAX {
            bail!("request body too large");
        }
    }
}
