//! Everything received and served, in order, so that a test can look at it afterwards.
//!
//! Invariant: a call keeps its number for ever, and ends exactly once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;

use crate::http::Request;

/// At most this much of an answer is kept.
const SENT_BYTES_KEPT: usize = 1024 * 1024;

/// One exchange.
#[derive(Debug, Clone)]
pub struct Call {
    pub request: Request,
    /// The connection it came on, counted from 0.
    pub connection: u64,
    pub status: u16,
    /// The first MiB of the body bytes that were written, without transfer coding.
    pub sent: Vec<u8>,
    /// Body bytes written, kept or not.
    pub sent_bytes: u64,
    /// Frames written whole: events of a stream, or 1 for an unstreamed answer.
    pub frames: usize,
    pub ended: Option<Ended>,
    started: Instant,
    lasted: Option<Duration>,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The whole answer was written.
    Whole,
    /// A scripted fault cut the connection.
    Cut,
    /// The client closed first.
    ClientLeft,
}

impl Call {
    /// The body of the request as text.
    #[must_use]
    pub fn body_text(&self) -> &str {
        std::str::from_utf8(&self.request.body).unwrap_or_default()
    }

    /// The body of the request as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.request.body).unwrap_or_default()
    }

    /// How long the exchange lasted, once it ended.
    #[must_use]
    pub fn lasted(&self) -> Option<Duration> {
        self.lasted
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "method": self.request.method, "path": self.request.path, "query": self.request.query,
            "headers": self.request.headers, "body": String::from_utf8_lossy(&self.request.body),
            "connection": self.connection, "status": self.status, "frames": self.frames,
            "sent": String::from_utf8_lossy(&self.sent), "sent_bytes": self.sent_bytes,
            "ended": self.ended.map(|ended| match ended {
                Ended::Whole => "whole",
                Ended::Cut => "cut",
                Ended::ClientLeft => "client_left",
            }),
            "lasted_ms": self.lasted.map(|lasted| lasted.as_secs_f64() * 1000.0),
        })
    }
}

/// The calls since the last reset, and how many came before it.
#[derive(Debug, Default)]
struct List {
    calls: Vec<Call>,
    forgotten: usize,
}

/// The list of calls, and a bell that rings on every change.
#[derive(Debug)]
pub(crate) struct Record {
    list: Mutex<List>,
    changed: watch::Sender<()>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call; the number returned is its own for ever, also across a reset.
    pub(crate) fn open(&self, connection: u64, request: Request) -> usize {
        let mut list = self.lock();
        list.calls.push(Call {
            request,
            connection,
            status: 0,
            sent: Vec::new(),
            sent_bytes: 0,
            frames: 0,
            ended: None,
            started: Instant::now(),
            lasted: None,
        });
        let number = list.forgotten + list.calls.len() - 1;
        drop(list);
        self.changed.send_replace(());
        number
    }

    fn update(&self, number: usize, change: impl FnOnce(&mut Call)) {
        let mut list = self.lock();
        // A call that a reset forgot has no entry any more.
        let index = number.checked_sub(list.forgotten);
        if let Some(call) = index.and_then(|index| list.calls.get_mut(index)) {
            change(call);
        }
        drop(list);
        self.changed.send_replace(());
    }

    pub(crate) fn status(&self, number: usize, status: u16) {
        self.update(number, |call| call.status = status);
    }

    pub(crate) fn sent(&self, number: usize, bytes: &Bytes) {
        self.update(number, |call| {
            call.sent_bytes += bytes.len() as u64;
            let room = SENT_BYTES_KEPT.saturating_sub(call.sent.len());
            call.sent.extend_from_slice(&bytes[..bytes.len().min(room)]);
        });
    }

    pub(crate) fn frame(&self, number: usize) {
        self.update(number, |call| call.frames += 1);
    }

    pub(crate) fn end(&self, number: usize, ended: Ended) {
        self.update(number, |call| {
            call.ended.get_or_insert(ended);
            call.lasted.get_or_insert(call.started.elapsed());
        });
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub(crate) fn reset(&self) {
        let mut list = self.lock();
        list.forgotten += list.calls.len();
        list.calls.clear();
    }

    pub(crate) fn to_json(&self) -> String {
        let calls: Vec<_> = self.lock().calls.iter().map(Call::to_json).collect();
        serde_json::Value::from(calls).to_string()
    }

    /// Waits until call `index` is there and meets `done`.
    pub(crate) async fn wait(&self, index: usize, done: impl Fn(&Call) -> bool) -> Option<Call> {
        let mut changes = self.changed.subscribe();
        loop {
            if let Some(call) = self.lock().calls.get(index).filter(|call| done(call)) {
                return Some(call.clone());
            }
            changes.changed().await.ok()?;
        }
    }
}
