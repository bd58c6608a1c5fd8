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
const CALLS_MAX: u8 = 100;

/// The connections of one worker, by where they go; those made first are filled first.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<HashMap<Origin, Vec<Connection>>>>);

#[derive(Clone)]
pub(super) struct Connection {
    sender: http2::SendRequest<Parts>,
    /// Shared by all calls that run on it.
    running: Running,
}

/// What may wait unread of one answer. All calls of a connection share its window: some whose
/// clients do not read must not shut it for the others.
const WINDOW: u32 = 1 << 20;

/// Why a connection brought no answer's head.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It takes no more calls, and this one was not sent.
    #[error("the connection was closed")]
    Closing(Box<Request<Parts>>),
    #[error("{0}")]
    Broken(String),
}

/// Held by a call until its answer is read.
pub(super) type Running = Arc<()>;

impl Shared {
    /// A connection with room for one more call.
    pub(super) fn with_room(&self, origin: &Origin) -> Option<Connection> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = shared.get_mut(origin)?;
        tidy(connections);
        let room = connections
            .iter()
            .find(|open| open.calls() < usize::from(CALLS_MAX));
        room.cloned()
    }

    /// Closes what is of no more use.
    pub(super) fn sweep(&self) {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.values_mut().for_each(tidy);
    }

    /// Begins to speak HTTP/2 on `socket`; others may use the connection too.
    pub(super) async fn begin(&self, origin: Origin, socket: Socket) -> Result<Connection, Unsent> {
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW * u32::from(CALLS_MAX))
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
        if connections
            .iter()
            .all(|open| open.calls() >= usize::from(CALLS_MAX))
        {
            connections.push(made.clone());
        }
        Ok(made)
    }
}

fn tidy(connections: &mut Vec<Connection>) {
    connections.retain(|connection| !connection.sender.is_closed());
    // After a rush, one idle connection is enough for the next.
    while let [.., before, last] = &connections[..]
        && before.calls() + last.calls() == 0
    {
        connections.pop();
    }
}

impl Connection {
    /// How many calls run on it, apart from whoever asks.
    fn calls(&self) -> usize {
        Arc::strong_count(&self.running) - 1
    }

    pub(super) async fn send(mut self, request: Request<Parts>) -> Result<Response<Body>, Error> {
        // Its body is slices of what is there anyway.
        let kept = request.clone();
        let sent = self.sender.try_send_request(request).await;
        let response = sent.map_err(|mut error| {
            if let Some(untaken) = error.take_message() {
                return Error::Closing(Box::new(untaken));
            }
            let error = error.into_error();
            match was_unprocessed(&error) {
                true => Error::Closing(Box::new(kept)),
                false => Error::Broken(error.to_string()),
            }
        })?;
        let running = self.running;
        Ok(response.map(|incoming| Body::Http2(incoming, running)))
    }
}

/// Whether the server says that it did nothing of the call (RFC 9113, 8.7).
fn was_unprocessed(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error);
    let Some(error) = cause.and_then(|cause| cause.downcast_ref::<::h2::Error>()) else {
        return false;
    };
    let refused = error.is_reset() && error.reason() == Some(::h2::Reason::REFUSED_STREAM);
    // A stream that such a farewell still covers goes on.
    let left = error.is_go_away() && error.reason() == Some(::h2::Reason::NO_ERROR);
    error.is_remote() && (refused || left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::server::conn::http2 as server;
    use hyper::service::service_fn;
    use std::convert::Infallible;
    use std::pin::pin;
    use tokio::net::{TcpListener, TcpStream};

    /// Answers one call and takes no more.
    async fn answers_once(listener: TcpListener) {
        let (socket, _) = listener.accept().await.unwrap();
        let answered = tokio::sync::Notify::new();
        let service = service_fn(|_| {
            answered.notify_one();
            async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok")))) }
        });
        let server = server::Builder::new(TokioExecutor::new());
        let mut serving = pin!(server.serve_connection(TokioIo::new(socket), service));
        tokio::select! {
            _ = serving.as_mut() => return,
            () = answered.notified() => serving.as_mut().graceful_shutdown(),
        }
        serving.await.unwrap();
    }

    /// A connection to whoever listens there.
    async fn connected(listener: &TcpListener) -> (Shared, Origin, Connection) {
        let address = listener.local_addr().unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        let shared = Shared::default();
        let origin = Origin::Plain(address.to_string().parse().unwrap());
        let connection = shared.begin(origin.clone(), Socket::Plain(socket)).await;
        (shared, origin, connection.unwrap())
    }

    fn request() -> Request<Parts> {
        Request::new(Parts::from(vec![Bytes::from_static(b"{}")]))
    }

    #[tokio::test]
    async fn r4_a_call_that_the_server_did_not_process_is_given_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_, _, connection) = connected(&listener).await;
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let mut server = ::h2::server::handshake(socket).await.unwrap();
            for reason in [::h2::Reason::REFUSED_STREAM, ::h2::Reason::INTERNAL_ERROR] {
                let (_, mut answer) = server.accept().await.unwrap().unwrap();
                answer.send_reset(reason);
            }
            while server.accept().await.is_some() {}
        });
        for unprocessed in [true, false] {
            let failed = connection.clone().send(request()).await.err().unwrap();
            assert_eq!(matches!(failed, Error::Closing(_)), unprocessed, "{failed}");
        }
    }

    #[tokio::test]
    async fn answers_that_nobody_reads_stop_no_other_on_their_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_, _, connection) = connected(&listener).await;
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let large = Bytes::from(vec![b'x'; 4 << 20]);
            let service = service_fn(move |_| {
                std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(large.clone()))))
            });
            let server = server::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(socket), service).await
        });
        let mut unread = Vec::new();
        for _ in 0..8 {
            unread.push(connection.clone().send(request()).await.unwrap());
        }
        let mut read = connection.send(request()).await.unwrap().into_body();
        let reading = async {
            let mut length = 0;
            while let Some(data) = read.data().await {
                length += data.unwrap().len();
            }
            length
        };
        let length = tokio::time::timeout(Duration::from_secs(20), reading).await;
        assert_eq!(length.expect("it stands still"), 4 << 20);
        drop(unread);
    }

    #[tokio::test]
    async fn r4_a_call_that_a_closing_connection_did_not_take_is_given_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (shared, origin, connection) = connected(&listener).await;
        tokio::spawn(answers_once(listener));
        let later = connection.clone();
        connection.send(request()).await.unwrap();
        while !later.sender.is_closed() {
            tokio::task::yield_now().await;
        }
        let Err(Error::Closing(untaken)) = later.send(request()).await else {
            panic!("it was taken");
        };
        assert_eq!(
            untaken.body().slices().as_slice(),
            [Bytes::from_static(b"{}")]
        );
        assert!(shared.with_room(&origin).is_none());
    }
}
