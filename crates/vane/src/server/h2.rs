//! HTTP/2 towards clients, by hyper: with TLS as agreed, without it as begun.

mod answers;
mod calls;

use super::body::Body;
use super::worker::Setup;
use super::{CLOSING, IDLE_MAX};
use crate::router;
use crate::socket::Socket;
use crate::upstream::Pool;
use answers::Answers;
use bytes::{Buf, BytesMut};
use calls::Calls;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Calls of one connection at a time.
const STREAMS_MAX: u32 = 100;

/// Serves the calls of one connection, of which `begun` was read already.
pub(super) async fn serve(
    setup: &Setup,
    pool: &Pool,
    socket: Socket,
    begun: BytesMut,
    peer: IpAddr,
) {
    let (gateway, pool) = (setup.gateway.clone(), pool.clone());
    let answers = Arc::new(Answers::default());
    let calls = Arc::new(Calls::new());
    let (told, counted) = (answers.clone(), calls.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let request = request.map(Body::http2);
        let answer = router::answer(gateway.clone(), pool.clone(), peer, request);
        let (told, running) = (told.clone(), counted.begin());
        async move {
            let answer = Box::pin(answer).await;
            Ok::<_, Infallible>(answer.map(|body| told.pulled(body, running)))
        }
    });
    let stream = TokioIo::new(Begun {
        begun,
        socket,
        calls: calls.clone(),
    });
    let mut connection = pin!(builder(setup.header_bytes_max).serve_connection(stream, service));
    let mut watch = pin!(answers.watch(|| setup.gateway.state().config.timeouts.stream));
    let mut stop = setup.stop.clone();
    // A client that breaks its connection off is no event of ours.
    tokio::select! {
        _ = connection.as_mut() => return,
        never = watch.as_mut() => match never {},
        () = calls.none_for(IDLE_MAX) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection => {}
        never = watch => match never {},
        () = calls.over(CLOSING) => {}
    }
}

fn builder(header_bytes_max: usize) -> http2::Builder<TokioExecutor> {
    let mut server = http2::Builder::new(TokioExecutor::new());
    server
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(Some(20))
        .max_local_error_reset_streams(Some(64))
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20));
    server
}

/// A socket of which some bytes were read to see what is spoken on it.
struct Begun {
    begun: BytesMut,
    socket: Socket,
    calls: Arc<Calls>,
}

impl AsyncRead for Begun {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.begun.is_empty() {
            return Pin::new(&mut this.socket).poll_read(cx, buffer);
        }
        let now = this.begun.len().min(buffer.remaining());
        buffer.put_slice(&this.begun[..now]);
        this.begun.advance(now);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.calls
            .wrote(Pin::new(&mut this.socket).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.calls.wrote(Pin::new(&mut this.socket).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.calls
            .wrote(Pin::new(&mut this.socket).poll_write_vectored(cx, slices))
    }
}

/// All of a connection runs on one thread: nobody ever waits here.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
