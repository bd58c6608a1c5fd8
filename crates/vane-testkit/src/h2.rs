//! HTTP/2, by prior knowledge or by what TLS agreed on.
//!
//! The same exchanges as over HTTP/1.1, as far as HTTP/2 has them: heads cannot be cut here, a cut
//! is a stream reset, and lengths are as sent.

use std::future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::exchange::{Exchange, Head, Step};
use crate::http::Request;
use crate::play::Socket;
use crate::record::Ended;
use crate::respond::respond;
use crate::server::State;

/// A response body that tells, by being dropped, that the client reset its stream.
#[derive(Debug)]
struct Watched {
    frames: Channel<Bytes, io::Error>,
    _here: oneshot::Sender<()>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.frames).poll_frame(context)
    }
}

/// Whether the client opens with the HTTP/2 preface. Nothing is consumed.
pub(crate) async fn is_preface(socket: &TcpStream) -> bool {
    let mut start = [0; 3];
    socket.peek(&mut start).await.is_ok_and(|count| count == 3) && &start == b"PRI"
}

pub(crate) async fn serve(socket: impl Socket + 'static, state: Arc<State>, connection: u64) {
    let service = service_fn(move |request| answer(Arc::clone(&state), connection, request));
    let server = http2::Builder::new(TokioExecutor::new());
    // A client that goes away mid-connection is an ordinary end.
    let _ = server.serve_connection(TokioIo::new(socket), service).await;
}

async fn answer(
    state: Arc<State>,
    connection: u64,
    request: http::Request<Incoming>,
) -> Result<http::Response<Watched>, io::Error> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        (
            name.to_string(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let request = Request {
        method: head.method.to_string(),
        path: head.uri.path().into(),
        query: head.uri.query().unwrap_or_default().into(),
        headers: headers.collect(),
        body: body.collect().await.map_err(io::Error::other)?.to_bytes(),
    };
    let call = state.record.open(connection, request.clone());
    let exchange = respond(&state, &request, call);
    state.record.status(call, exchange.status);
    if let Some(gate) = &exchange.head_gate {
        state.gates.named(gate).pass().await;
    }
    if exchange.head != Head::Whole {
        state.record.end(call, Ended::Cut);
        return Err(io::Error::other("scripted"));
    }
    let mut response = http::Response::builder().status(exchange.status);
    for (name, value) in &exchange.headers {
        response = response.header(name, value);
    }
    let (mut sender, frames) = Channel::new(1);
    let (here, left) = oneshot::channel();
    tokio::spawn(async move {
        let ended = tokio::select! {
            biased;
            // While frames are played the body lives, unless the client is gone.
            _ = left => Ended::ClientLeft,
            ended = play(&state, &exchange, &mut sender, call) => ended,
        };
        state.record.end(call, ended);
        if ended == Ended::Cut {
            sender.abort(io::Error::other("scripted"));
        }
    });
    response
        .body(Watched {
            frames,
            _here: here,
        })
        .map_err(io::Error::other)
}

async fn play(
    state: &State,
    exchange: &Exchange,
    sender: &mut Sender<Bytes, io::Error>,
    call: usize,
) -> Ended {
    for step in &exchange.steps {
        match step {
            Step::Pause => pause(state, exchange).await,
            Step::FrameEnd => state.record.frame(call),
            Step::Send(bytes) => {
                if sender.send(Frame::data(bytes.clone())).await.is_err() {
                    return Ended::ClientLeft;
                }
                state.record.sent(call, bytes);
            }
            Step::Endless(bytes) => loop {
                pause(state, exchange).await;
                if sender.send(Frame::data(bytes.clone())).await.is_err() {
                    return Ended::ClientLeft;
                }
            },
            Step::Giant(bytes) => {
                let frame = Frame::data(Bytes::from(vec![b'a'; *bytes]));
                if sender.send(frame).await.is_err() {
                    return Ended::ClientLeft;
                }
            }
            Step::Stall => future::pending().await,
            Step::Raw(_) | Step::Cut => return Ended::Cut,
        }
    }
    Ended::Whole
}

async fn pause(state: &State, exchange: &Exchange) {
    match &exchange.gate {
        Some(gate) => state.gates.named(gate).pass().await,
        None if exchange.delay_ms > 0 => {
            tokio::time::sleep(Duration::from_millis(exchange.delay_ms)).await;
        }
        None => {}
    }
}
