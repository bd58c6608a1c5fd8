//! A fake of the hub that weights come from: lists of files, files by ranges, redirects to another host.
//!
//! It misbehaves once for each mischief that it was told of, download by download, and remembers
//! what was asked of it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::{self, Request};

/// The commit that every branch stands at.
pub const COMMIT: &str = "00112233445566778899aabbccddeeff00112233";

/// What goes wrong with one download.
#[derive(Debug, Clone)]
pub enum Mischief {
    /// So many bytes of the answer, then the connection is closed.
    Cut(usize),
    /// So many bytes, then nothing.
    Stall(usize),
    /// The length of a file that is not this one.
    Length(u64),
    /// All of it, whatever was asked for.
    NoRange,
    /// A rest of other bytes, as if nothing had changed.
    OtherRest,
    /// Other bytes altogether.
    Other,
    /// More than the file has.
    Flood,
    /// This status, with headers such as `retry-after: 0`.
    Status(u16, &'static str),
}

/// A running fake; dropping it closes everything.
#[derive(Debug)]
pub struct FakeHub {
    address: SocketAddr,
    state: Shared,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    /// By `ORG/REPO` and path.
    files: BTreeMap<(String, String), Bytes>,
    requests: Vec<Request>,
    mischief: VecDeque<Mischief>,
    /// Answers lists with this status.
    lists: Option<u16>,
    /// Where files are sent from.
    sends_to: Option<String>,
}

type Shared = Arc<Mutex<State>>;

impl FakeHub {
    /// Starts on a free loopback port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Shared::default();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Ok(Self {
            address,
            state,
            task,
        })
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn put(&self, repo: &str, path: &str, bytes: impl Into<Bytes>) {
        let key = (repo.to_owned(), path.to_owned());
        lock(&self.state).files.insert(key, bytes.into());
    }

    /// What the next downloads meet, one after another.
    pub fn mischief(&self, mischief: impl IntoIterator<Item = Mischief>) {
        lock(&self.state).mischief.extend(mischief);
    }

    pub fn refuse_lists(&self, status: u16) {
        lock(&self.state).lists = Some(status);
    }

    /// Redirects downloads to another host, which must have the same files.
    pub fn send_to(&self, other: &Self) {
        lock(&self.state).sends_to = Some(other.url());
    }

    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    /// The requests for files.
    #[must_use]
    pub fn downloads(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.path.contains("/resolve/"));
        requests
    }
}

impl Drop for FakeHub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut client: TcpStream, state: Shared) -> Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(request) = http::read(&mut client, &mut buffer).await? {
        let sent = {
            let mut state = lock(&state);
            state.requests.push(request.clone());
            answer(&mut state, &request)
        };
        client.write_all(sent.head.as_bytes()).await?;
        client.write_all(&sent.body).await?;
        match sent.then {
            Then::Next => {}
            Then::Close => return Ok(()),
            Then::Wait => std::future::pending().await,
        }
    }
    Ok(())
}

enum Then {
    Next,
    Close,
    Wait,
}

struct Sent {
    head: String,
    body: Bytes,
    then: Then,
}

impl Sent {
    fn new(status: u16, headers: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            head: format!(
                "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n",
                body.len()
            ),
            body,
            then: Then::Next,
        }
    }
}

fn answer(state: &mut State, request: &Request) -> Sent {
    let path = request.path.trim_start_matches('/');
    if let Some(rest) = path.strip_prefix("api/models/") {
        let model = rest.split("/revision/").next().unwrap_or_default();
        return list(state, model);
    }
    let Some((model, rest)) = path.split_once("/resolve/") else {
        return Sent::new(404, "", "no such page");
    };
    let file = rest.split_once('/').map_or("", |(_, file)| file);
    let file = file.replace("%20", " ");
    let key = (model.to_owned(), file);
    let Some(bytes) = state.files.get(&key).cloned() else {
        return Sent::new(404, "x-error-code: EntryNotFound\r\n", "Entry not found");
    };
    if let Some(other) = &state.sends_to {
        let headers = format!(
            "location: {other}{}\r\nx-linked-etag: \"{}\"\r\n",
            request.path,
            hex(digest(&SHA256, &bytes).as_ref())
        );
        return Sent::new(302, &headers, "");
    }
    let mischief = state.mischief.pop_front();
    send(request, &bytes, mischief.as_ref())
}

fn list(state: &State, model: &str) -> Sent {
    if let Some(status) = state.lists {
        let body = r#"{"error":"Access to this model is restricted"}"#;
        return Sent::new(status, "", body);
    }
    let of_model = state.files.iter().filter(|((repo, _), _)| repo == model);
    let siblings: Vec<_> = of_model
        .map(|((_, path), bytes)| {
            if path.ends_with(".json") {
                let mut git = format!("blob {}\0", bytes.len()).into_bytes();
                git.extend_from_slice(bytes);
                let id = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &git).as_ref());
                return serde_json::json!({"rfilename": path, "size": bytes.len(), "blobId": id});
            }
            let sha256 = hex(digest(&SHA256, bytes).as_ref());
            serde_json::json!({
                "rfilename": path, "size": bytes.len(), "blobId": "0".repeat(40),
                "lfs": {"sha256": sha256, "size": bytes.len(), "pointerSize": 134},
            })
        })
        .collect();
    if siblings.is_empty() {
        // As the hub says it to who has no token: it does not tell what exists.
        return Sent::new(401, "", r#"{"error":"Invalid username or password."}"#);
    }
    let body = serde_json::json!({"id": model, "sha": COMMIT, "siblings": siblings});
    Sent::new(200, "content-type: application/json\r\n", body.to_string())
}

fn send(request: &Request, bytes: &Bytes, mischief: Option<&Mischief>) -> Sent {
    let etag = format!("\"{}\"", &hex(digest(&SHA256, bytes).as_ref())[..16]);
    let from = request.header("range").and_then(|range| {
        let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        from.parse::<usize>().ok()
    });
    let is_same = request.header("if-range").is_none_or(|said| said == etag);
    let no_range = matches!(mischief, Some(Mischief::NoRange | Mischief::Other));
    let from = from.filter(|_| is_same && !no_range);
    if from.is_some_and(|from| from >= bytes.len()) {
        let headers = format!("content-range: bytes */{}\r\n", bytes.len());
        return Sent::new(416, &headers, "");
    }
    let rest = bytes.slice(from.unwrap_or_default()..);
    let (status, range) = match from {
        None => (200, String::new()),
        Some(from) => {
            let (last, all) = (bytes.len() - 1, bytes.len());
            (206, format!("content-range: bytes {from}-{last}/{all}\r\n"))
        }
    };
    let headers = format!("etag: {etag}\r\n{range}");
    let mut sent = Sent::new(status, &headers, rest.clone());
    let other = || rest.iter().map(|byte| byte ^ 0xff).collect::<Vec<u8>>();
    match mischief {
        None | Some(Mischief::NoRange) => {}
        Some(Mischief::Cut(after)) => {
            sent.body = rest.slice(..(*after).min(rest.len()));
            sent.then = Then::Close;
        }
        Some(Mischief::Stall(after)) => {
            sent.body = rest.slice(..(*after).min(rest.len()));
            sent.then = Then::Wait;
        }
        Some(Mischief::Length(length)) => {
            sent.head = format!("HTTP/1.1 200 X\r\ncontent-length: {length}\r\n\r\n");
            sent.then = Then::Close;
        }
        Some(Mischief::OtherRest | Mischief::Other) => sent.body = other().into(),
        Some(Mischief::Flood) => {
            sent.head = "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
            let mut body = format!("{:x}\r\n", bytes.len() * 2).into_bytes();
            body.extend_from_slice(bytes);
            body.extend_from_slice(bytes);
            sent.body = body.into();
        }
        Some(Mischief::Status(status, headers)) => sent = Sent::new(*status, headers, "no"),
    }
    sent
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
