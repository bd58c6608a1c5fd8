//! HTTP/2 towards providers, by hyper: connections that carry many calls at once.
//!
//! A server limits the calls on a connection, and hyper lets those beyond wait: so no connection
//! gets more than every server should take, and a busy provider has several.

use super::body::Body;
use super::parts::Parts;
use super::pool::{Origin, Unsent};
use crate::socket::Socket;
use http::{Request, Response};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Calls on one connection: RFC 9113 asks servers to take no fewer.
const CALLS_MAX: usize = 100;

/// The connections of one worker, by where they go; those made first are filled first.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<HashMap<Origin, Vec<Connection>>>>);

#[derive(Clone)]
pub(super) struct Connection {
    sender: http2::SendRequest<Parts>,
    /// Shared by all calls that run on it.
    running: Running,
}

/// Held by a call until its answer is read.
pub(super) type Running = Arc<()>;

impl Shared {
    /// A connection with room for one more call.
    pub(super) fn with_room(&self, origin: &Origin) -> Option<Connection> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = shared.get_mut(origin)?;
        connections.retain(|connection| !connection.sender.is_closed());
        // After a rush, one idle connection is enough for the next.
        while let [.., before, last] = &connections[..]
            && before.calls() + last.calls() == 0
        {
            connections.pop();
        }
        let room = connections.iter().find(|open| open.calls() < CALLS_MAX);
        room.cloned()
    }

    /// Begins to speak HTTP/2 on `socket`; others may use the connection too.
    pub(super) async fn begin(&self, origin: Origin, socket: Socket) -> Result<Connection, Unsent> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .handshake(TokioIo::new(socket))
            .await;
        let (sender, driver) = handshake.map_err(|error| Unsent::Unreachable(error.to_string()))?;
        tokio::spawn(driver);
        let made = Connection {
            sender,
            running: Running::default(),
        };
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = shared.entry(origin).or_default();
        // Calls that began together each made one: those that are not kept end with their call.
        if connections.iter().all(|open| open.calls() >= CALLS_MAX) {
            connections.push(made.clone());
        }
        Ok(made)
    }
}

impl Connection {
    /// How many calls run on it, apart from whoever asks.
    fn calls(&self) -> usize {
        Arc::strong_count(&self.running) - 1
    }

    pub(super) async fn send(mut self, request: Request<Parts>) -> Result<Response<Body>, Unsent> {
        let broken = |error: hyper::Error| Unsent::Broken(error.to_string());
        self.sender.ready().await.map_err(broken)?;
        let response = self.sender.send_request(request).await.map_err(broken)?;
        let running = self.running;
        Ok(response.map(|incoming| Body::Http2(incoming, running)))
    }
}
