//! A client of a few lines that shows the bytes as they are.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vane_testkit::FakeUpstream;

/// What came back, chunking removed.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The body ended as its framing promised.
    pub(crate) whole: bool,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The data of each event that is JSON.
    pub(crate) fn events(&self) -> Vec<Value> {
        let data = self
            .text()
            .lines()
            .filter_map(|line| line.strip_prefix("data:"));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    /// All strings at `pointer` of the events, joined.
    pub(crate) fn joined(&self, pointer: &str) -> String {
        let events = self.events();
        let texts = events
            .iter()
            .filter_map(|event| event.pointer(pointer)?.as_str());
        texts.collect()
    }
}

/// Opens a connection and sends a request with a key and the headers of every dialect.
pub(crate) async fn open(upstream: &FakeUpstream, path: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(upstream.address()).await.unwrap();
    let method = if body.is_empty() { "GET" } else { "POST" };
    // A query names another version of the API.
    let version = match path.split_once("?version=") {
        Some((_, version)) => format!("anthropic-version: {version}\r\n"),
        None if path.contains("anthropic") => "anthropic-version: 2023-06-01\r\n".into(),
        None => String::new(),
    };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: fake\r\nauthorization: Bearer sk-test\r\n{version}content-length: {length}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    socket
}

pub(crate) async fn send(upstream: &FakeUpstream, path: &str, body: &str) -> Reply {
    read(&mut open(upstream, path, body).await).await
}

/// Reads an answer to its promised end, or to the close.
pub(crate) async fn read(socket: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    loop {
        let reply = parse(&bytes);
        if reply.whole || socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return reply;
        }
    }
}

fn parse(bytes: &[u8]) -> Reply {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(0);
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let (body, whole) = match (end, length) {
        (None, _) => (Vec::new(), false),
        (_, Some(length)) => (
            body.to_vec(),
            body.len() == length.parse::<usize>().unwrap(),
        ),
        (_, None) => unchunk(body),
    };
    Reply {
        status,
        head,
        body,
        whole,
    }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

/// A minimal valid request for the path.
pub(crate) fn ask(path: &str, stream: bool) -> String {
    let start = format!(r#"{{"model":"codestral-latest","stream":{stream}"#);
    let rest = match path.rsplit('/').next().unwrap() {
        "infill" => r#""input_prefix":"def f(","input_suffix":"return x""#,
        "completions" if !path.contains("chat") => r#""prompt":"def f(","suffix":"return x""#,
        "responses" => r#""input":"Hi""#,
        "messages" => r#""max_tokens":64,"messages":[{"role":"user","content":"Hi"}]"#,
        _ => r#""messages":[{"role":"user","content":"Hi"}]"#,
    };
    format!("{start},{rest}}}")
}

/// Every door that answers with text: path, and where the text is unstreamed and streamed.
pub(crate) const DOORS: [(&str, &str, &str); 7] = [
    (
        "/openai/v1/chat/completions",
        "/choices/0/message/content",
        "/choices/0/delta/content",
    ),
    (
        "/openai/v1/completions",
        "/choices/0/text",
        "/choices/0/text",
    ),
    ("/openai/v1/responses", "/output/0/content/0/text", "/delta"),
    ("/anthropic/v1/messages", "/content/0/text", "/delta/text"),
    (
        "/mistral/v1/chat/completions",
        "/choices/0/message/content",
        "/choices/0/delta/content",
    ),
    (
        "/mistral/v1/fim/completions",
        "/choices/0/message/content",
        "/choices/0/delta/content",
    ),
    ("/llama/infill", "/content", "/content"),
];
