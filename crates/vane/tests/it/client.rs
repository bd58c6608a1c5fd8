//! A raw HTTP/1.1 client: polite enough for most tests, and able to be rude for the others.
//!
//! Every wait has a limit, so that a test of a gateway that hangs fails instead of hanging too.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest that anything here may take; only a failing test ever waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks: who waits must not take the processor from what it waits for.
const LOOKS: Duration = Duration::from_millis(2);

/// Awaits with the limit of all tests.
pub(crate) async fn within<T>(what: &str, awaited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, awaited).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Looks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(LOOKS).await;
        }
    };
    within(what, looking).await;
}

/// A request as text: method, path, header lines, body.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn post(path: &str, body: impl ToString) -> Self {
        Self::new("POST", path).body(body.to_string())
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        let (path, headers, body) = (path.to_owned(), Vec::new(), Vec::new());
        Self {
            method,
            path,
            headers,
            body,
        }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    #[must_use]
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    #[must_use]
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The bytes on the wire. A `content-length` or `host` that a test sets stays as it is.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let has = |name: &str| self.headers.iter().any(|(set, _)| set == name);
        if !has("host") {
            head += "host: localhost\r\n";
        }
        if !has("content-length") && !self.body.is_empty() {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(set, _)| set == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {} {}", self.status, self.text()),
        }
    }

    /// The same, for an answer that has to be one.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text());
        self
    }
}

/// Plain or TLS.
trait Socket: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Socket for S {}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Box<dyn Socket>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self::over(socket)
    }

    /// Over what is connected already.
    pub(crate) fn over(
        socket: impl AsyncRead + AsyncWrite + Debug + Send + Unpin + 'static,
    ) -> Self {
        let (socket, buffer) = (Box::new(socket), Vec::new());
        Self { socket, buffer }
    }

    /// Writes as much as the server takes: what it says to that is for the test to read.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let written = async {
            self.socket.write_all(bytes).await?;
            self.socket.flush().await
        };
        let _ = within("a write", written).await;
    }

    /// Sends a request and reads its answer; the connection can be used again.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Reply {
        self.write(&ask.bytes()).await;
        let mut live = within("a head", self.head()).await.unwrap();
        if ask.method == "HEAD" || live.reply.status == 204 {
            return live.reply;
        }
        live.read_rest(self).await
    }

    /// Sends a request and reads the head of its answer.
    pub(crate) async fn begin(mut self, ask: &Ask) -> Stream {
        self.write(&ask.bytes()).await;
        Stream::of(self).await
    }

    /// What the server sends until it closes.
    pub(crate) async fn until_closed(&mut self) -> Vec<u8> {
        let reading = async { while self.fill().await {} };
        within("the server to close", reading).await;
        std::mem::take(&mut self.buffer)
    }

    /// Reads more; false when the server closed, however it did.
    async fn fill(&mut self) -> bool {
        matches!(self.socket.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }

    /// Reads a head; `None` when the server closed instead.
    pub(crate) async fn head(&mut self) -> Option<Body> {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if !self.fill().await {
                return None;
            }
        };
        let rest = self.buffer.split_off(end + 4);
        let head = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let reply = Reply {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        let length = reply.header("content-length").map(|l| l.parse().unwrap());
        Some(Body {
            chunked: reply.header("transfer-encoding") == Some("chunked"),
            left: length.unwrap_or(0),
            reply,
            over: false,
        })
    }
}

/// The next answer on a connection.
pub(crate) async fn answered(connection: &mut Connection) -> Reply {
    let mut live = within("a head", connection.head()).await.unwrap();
    live.read_rest(connection).await
}

/// A body that is being read.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) reply: Reply,
    chunked: bool,
    left: usize,
    over: bool,
}

impl Body {
    /// Reads one chunk or what has come of a sized body; false at its end.
    ///
    /// # Panics
    /// If the connection closes before the body does.
    async fn read_some(&mut self, connection: &mut Connection) -> bool {
        if self.over {
            return false;
        }
        if !self.chunked {
            while connection.buffer.is_empty() && self.left > 0 {
                assert!(connection.fill().await, "the answer was cut");
            }
            let here = self.left.min(connection.buffer.len());
            self.reply.body.extend(connection.buffer.drain(..here));
            self.left -= here;
            self.over = self.left == 0;
            return true;
        }
        let line = loop {
            if let Some(at) = memchr::memmem::find(&connection.buffer, b"\r\n") {
                break at;
            }
            assert!(connection.fill().await, "the answer was cut");
        };
        let size = std::str::from_utf8(&connection.buffer[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        while connection.buffer.len() < line + 4 + size {
            assert!(connection.fill().await, "the answer was cut");
        }
        let chunk = &connection.buffer[line + 2..line + 2 + size];
        self.reply.body.extend_from_slice(chunk);
        connection.buffer.drain(..line + 4 + size);
        self.over = size == 0;
        true
    }

    async fn read_rest(&mut self, connection: &mut Connection) -> Reply {
        let reading = async { while self.read_some(connection).await {} };
        within("the rest of the answer", reading).await;
        self.reply.clone()
    }
}

/// An answer that is read as it comes. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) connection: Connection,
    body: Body,
}

impl Stream {
    /// The answer that a connection is about to get.
    pub(crate) async fn of(mut connection: Connection) -> Self {
        let body = within("a head", connection.head()).await.unwrap();
        Self { connection, body }
    }

    /// Reads until `text` has come `times`; everything so far is returned.
    pub(crate) async fn until(&mut self, text: &str, times: usize) -> String {
        let what = format!("{times} x {text:?}");
        let reading = async {
            while self.so_far().matches(text).count() < times {
                let more = self.body.read_some(&mut self.connection).await;
                assert!(more, "no {what}: {}", self.so_far());
            }
        };
        within(&what, reading).await;
        self.so_far()
    }

    pub(crate) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.body.reply.body).into_owned()
    }

    pub(crate) async fn rest(&mut self) -> Reply {
        self.body.read_rest(&mut self.connection).await
    }
}
