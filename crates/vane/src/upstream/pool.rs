//! The connections of one worker to every provider.
//!
//! HTTP/1.1 is ours (see `h1`), because a stream's bytes must come straight from the socket: a
//! channel between a connection's task and its reader costs a task switch and a write for every
//! chunk. HTTP/2 is hyper's.

use super::body::Body;
use super::connect::{Connector, Stream};
use super::h1;
use super::parts::Parts;
use crate::config::Config;
use http::uri::Authority;
use http::{Request, Response, Uri};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Where a connection goes: whether by TLS, and to whom.
pub(super) type Origin = (bool, Authority);

#[derive(Clone)]
pub struct Pool {
    connector: Connector,
    idle: Idle,
    /// HTTP/2 connections carry many calls at once.
    shared: Arc<Mutex<HashMap<Origin, http2::SendRequest<Parts>>>>,
}

/// HTTP/1.1 connections that wait for a call.
pub(super) type Idle = Arc<Mutex<HashMap<Origin, Vec<Waiting>>>>;

pub(super) struct Waiting {
    pub connection: h1::Connection,
    pub since: Instant,
}

/// How long an unused connection is kept: less than the minute after which common servers close
/// theirs, so that a call seldom meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(55);
/// How many unused connections to one provider are kept.
pub(super) const IDLE_MAX: usize = 1024;

/// Why there is no answer's head.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    #[error("could not be reached: {0}")]
    Unreachable(String),
    #[error("broke off: {0}")]
    Broken(String),
}

impl Pool {
    /// # Errors
    /// If a certificate authority's file cannot be read.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let connector = Connector::new(&config.timeouts, &config.outbound)?;
        Ok(Self {
            connector,
            idle: Idle::default(),
            shared: Arc::default(),
        })
    }

    /// Sends a request; resolves with the head of its answer.
    ///
    /// # Errors
    /// If no connection could be made, or it broke before the head.
    pub async fn send(&self, request: Request<Parts>, h2c: bool) -> Result<Response<Body>, Unsent> {
        let origin = origin(request.uri())?;
        if let Some(sender) = self.multiplexed(&origin) {
            return over_http2(sender, request).await;
        }
        if !h2c {
            while let Some(mut connection) = self.waiting(&origin) {
                match connection.send(&request).await {
                    Ok(head) => return Ok(connection.answer(head, self.idle.clone(), origin)),
                    // It was closed while it waited: nothing of the call was seen.
                    Err(error) if error.was_stale() => {}
                    Err(error) => return Err(Unsent::Broken(error.to_string())),
                }
            }
        }
        let stream = self
            .connector
            .connect(request.uri())
            .await
            .map_err(Unsent::Unreachable)?;
        if h2c || stream.socket.is_http2() {
            let sender = self.handshake(origin, stream).await?;
            return over_http2(sender, request).await;
        }
        let mut connection = h1::Connection::new(stream);
        match connection.send(&request).await {
            Ok(head) => Ok(connection.answer(head, self.idle.clone(), origin)),
            Err(error) => Err(Unsent::Broken(error.to_string())),
        }
    }

    fn multiplexed(&self, origin: &Origin) -> Option<http2::SendRequest<Parts>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = shared.get(origin)?;
        if sender.is_closed() {
            shared.remove(origin);
            return None;
        }
        Some(sender.clone())
    }

    /// The connection that was used last: the others may grow old and be closed.
    fn waiting(&self, origin: &Origin) -> Option<h1::Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(origin)?;
        while let Some(Waiting {
            mut connection,
            since,
        }) = waiting.pop()
        {
            if since.elapsed() < IDLE && connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    async fn handshake(
        &self,
        origin: Origin,
        stream: Stream,
    ) -> Result<http2::SendRequest<Parts>, Unsent> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .handshake(TokioIo::new(stream.socket))
            .await;
        let (sender, connection) =
            handshake.map_err(|error| Unsent::Unreachable(error.to_string()))?;
        tokio::spawn(connection);
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.insert(origin, sender.clone());
        Ok(sender)
    }
}

async fn over_http2(
    mut sender: http2::SendRequest<Parts>,
    request: Request<Parts>,
) -> Result<Response<Body>, Unsent> {
    let broken = |error: hyper::Error| Unsent::Broken(error.to_string());
    sender.ready().await.map_err(broken)?;
    let response = sender.send_request(request).await.map_err(broken)?;
    Ok(response.map(Body::Http2))
}

fn origin(uri: &Uri) -> Result<Origin, Unsent> {
    let authority = uri.authority().cloned();
    let authority =
        authority.ok_or_else(|| Unsent::Unreachable("its address has no host".into()))?;
    Ok((uri.scheme_str() == Some("https"), authority))
}
