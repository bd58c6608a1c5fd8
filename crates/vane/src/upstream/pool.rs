//! The connections of one worker to every provider.
//!
//! HTTP/1.1 is ours (see `h1`), because a stream's bytes must come straight from the socket: a
//! channel between a connection's task and its reader costs a task switch and a write for every
//! chunk. HTTP/2 is hyper's (see `h2`).

use super::body::Body;
use super::connect::Connector;
use super::parts::Parts;
use super::{h1, h2};
use crate::config::Config;
use crate::local::{self, Fleet};
use http::uri::Authority;
use http::{Request, Response, Uri};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Where a connection goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    Plain(Authority),
    Tls(Authority),
    /// To the process that runs a model; to none where none does yet. The one that follows it is
    /// another place, so that no call goes to one that was retired.
    Local(Option<u32>),
}

#[derive(Clone)]
pub struct Pool {
    connector: Connector,
    idle: Idle,
    shared: h2::Shared,
}

/// HTTP/1.1 connections that wait for a call, by where they go. Origins are as few as providers and
/// children: to compare them is less work than to hash one.
pub(super) type Idle = Arc<Mutex<Vec<(Origin, Vec<Waiting>)>>>;

pub(super) struct Waiting {
    pub connection: h1::Connection,
    pub since: Instant,
}

/// How long an unused connection is kept: less than the minute after which common servers close
/// theirs, so that a call seldom meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(55);
/// How often those that are of no more use are closed.
const SWEEP: Duration = Duration::from_secs(10);
/// How many unused connections to one provider are kept.
pub(super) const IDLE_MAX: usize = 1024;

/// Why there is no answer's head.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    #[error("could not be reached: {0}")]
    Unreachable(String),
    /// This machine lacks what a connection takes.
    #[error(
        "could not be asked, as this server can make no connection at present: {0}; try again in \
         a moment"
    )]
    Exhausted(String),
    #[error("broke off: {0}")]
    Broken(String),
}

impl Pool {
    /// # Errors
    /// If a certificate authority's file cannot be read.
    pub fn new(config: &Config, local: Arc<Fleet>) -> anyhow::Result<Self> {
        let connector = Connector::new(&config.timeouts, &config.outbound, local)?;
        Ok(Self {
            connector,
            idle: Idle::default(),
            shared: h2::Shared::default(),
        })
    }

    /// Sends a request; resolves with the head of its answer.
    ///
    /// # Errors
    /// If no connection could be made, or it broke before the head.
    pub async fn send(&self, request: Request<Parts>, h2c: bool) -> Result<Response<Body>, Unsent> {
        self.send_heard(request, h2c, || ()).await
    }

    /// As [`Pool::send`]; `sending` hears that there is a connection, and the request goes there.
    ///
    /// # Errors
    /// As there.
    pub async fn send_heard(
        &self,
        mut request: Request<Parts>,
        h2c: bool,
        mut sending: impl FnMut(),
    ) -> Result<Response<Body>, Unsent> {
        let origin = self.origin(request.uri())?;
        if let Some(connection) = self.shared.with_room(&origin) {
            sending();
            match connection.send(request).await {
                Err(h2::Error::Closing(untaken)) => request = *untaken,
                Err(h2::Error::Broken(why)) => return Err(Unsent::Broken(why)),
                Ok(response) => return Ok(response),
            }
        }
        // One only: an upstream that this very call makes close must not get it on each of them.
        if !h2c && let Some(mut connection) = self.waiting(&origin) {
            sending();
            match connection.send(&request).await {
                Ok(head) => return Ok(connection.answer(head, self.idle.clone(), origin)),
                // It was closed while it waited, and nothing of the call was seen.
                Err(error) if error.was_stale() => {}
                Err(error) => return Err(Unsent::Broken(error.to_string())),
            }
        }
        // Boxed: seldom needed, and larger than all else that a call holds meanwhile.
        Box::pin(self.send_anew(request, h2c, origin, sending)).await
    }

    /// Sends a request over a connection made for it.
    async fn send_anew(
        &self,
        request: Request<Parts>,
        h2c: bool,
        origin: Origin,
        mut sending: impl FnMut(),
    ) -> Result<Response<Body>, Unsent> {
        let stream = self.connector.connect(request.uri()).await?;
        if h2c && stream.via.is_some() {
            let why = "HTTP/2 without TLS goes through no proxy: name the host in `no_proxy`";
            return Err(Unsent::Unreachable(why.to_owned()));
        }
        let origin = match origin {
            Origin::Local(_) => Origin::Local(stream.process),
            origin @ (Origin::Plain(_) | Origin::Tls(_)) => origin,
        };
        sending();
        if h2c || stream.socket.is_http2() {
            let connection = self.shared.begin(origin, stream.socket).await?;
            let sent = connection.send(request).await;
            return sent.map_err(|error| Unsent::Broken(error.to_string()));
        }
        let mut connection = h1::Connection::new(stream);
        match connection.send(&request).await {
            Ok(head) => Ok(connection.answer(head, self.idle.clone(), origin)),
            Err(error) => Err(Unsent::Broken(error.to_string())),
        }
    }

    /// Closes connections that nobody used for long or that upstreams closed, for as long as the
    /// worker runs: after a rush no other call may ever come to find them.
    pub async fn swept(self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.sweep();
        }
    }

    fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, waiting) in idle.iter_mut() {
            waiting.retain_mut(Waiting::is_good);
            waiting.shrink_to_fit();
        }
        // Children come and go.
        idle.retain(|(_, waiting)| !waiting.is_empty());
        drop(idle);
        self.shared.sweep();
    }

    /// The connection that was used last: the others may grow old and be closed.
    fn waiting(&self, origin: &Origin) -> Option<h1::Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, waiting) = idle.iter_mut().find(|(known, _)| known == origin)?;
        while let Some(mut last) = waiting.pop() {
            if last.is_good() {
                return Some(last.connection);
            }
        }
        None
    }

    fn origin(&self, uri: &Uri) -> Result<Origin, Unsent> {
        let authority = uri.authority().cloned();
        let authority =
            authority.ok_or_else(|| Unsent::Unreachable("its address has no host".into()))?;
        Ok(match uri.scheme_str() {
            Some("https") => Origin::Tls(authority),
            Some(local::SCHEME) => Origin::Local(self.connector.process_of(authority.host())),
            _ => Origin::Plain(authority),
        })
    }
}

impl Waiting {
    /// Whether a call may be sent on it.
    fn is_good(&mut self) -> bool {
        self.since.elapsed() < IDLE && self.connection.is_quiet()
    }
}

#[cfg(test)]
mod tests;
