//! One worker: a thread with a runtime of its own, its upstream connections, its clients.

use super::guard::{Guarded, Head};
use crate::gateway::Gateway;
use crate::router;
use crate::upstream::Pool;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Barrier, mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// A connection on its way to a worker.
pub(super) type Accepted = (TcpStream, SocketAddr);

/// What every worker has of the server.
#[derive(Clone)]
pub(super) struct Setup {
    pub gateway: Arc<Gateway>,
    pub tls: Option<TlsAcceptor>,
    /// Open connections, all workers together.
    pub open: Arc<AtomicUsize>,
    /// Turns true when the drain begins.
    pub stop: watch::Receiver<bool>,
    /// Where workers wait for each other at its end.
    pub drained: Arc<Barrier>,
}

/// Runs a worker until the drain is over.
pub(super) fn run(setup: Setup, pool: Pool, accepted: mpsc::UnboundedReceiver<Accepted>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Keys made a moment ago are looked up here; nothing else blocks.
        .max_blocking_threads(2)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(work(setup, pool, accepted)),
        Err(error) => tracing::error!(%error, "a worker could not start"),
    }
}

async fn work(setup: Setup, pool: Pool, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    let graceful = GracefulShutdown::new();
    let mut stop = setup.stop.clone();
    let server = Arc::new(http_server(&setup.gateway));
    let begin = |(stream, peer): Accepted, watcher: Watcher| {
        let (setup, pool, server) = (setup.clone(), pool.clone(), server.clone());
        tokio::spawn(connection_of(setup, pool, server, watcher, stream, peer));
    };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            connection = accepted.recv() => match connection {
                Some(connection) => begin(connection, graceful.watcher()),
                None => break,
            },
        }
    }
    let limit = setup.gateway.state().config.timeouts.drain;
    // Workers leave together: who comes meanwhile finds one that says when to come back.
    let mut drained = std::pin::pin!(tokio::time::timeout(limit, async {
        graceful.shutdown().await;
        setup.drained.wait().await;
    }));
    let late = GracefulShutdown::new();
    let finished = loop {
        tokio::select! {
            finished = &mut drained => break finished,
            Some(connection) = accepted.recv() => begin(connection, late.watcher()),
        }
    };
    if finished.is_err() {
        tracing::warn!(
            ?limit,
            "calls were cut: they took longer than the drain allows"
        );
    }
}

fn http_server(gateway: &Gateway) -> auto::Builder<TokioExecutor> {
    let state = gateway.state();
    let header_bytes_max = state.config.limits.header_bytes_max;
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        // Ours: see `guard`. Hyper's would also close connections that are merely idle.
        .header_read_timeout(None)
        .pipeline_flush(true)
        .max_buf_size(header_bytes_max);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(Some(20))
        .max_local_error_reset_streams(Some(64))
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20));
    server
}

async fn connection_of(
    setup: Setup,
    pool: Pool,
    server: Arc<auto::Builder<TokioExecutor>>,
    watcher: Watcher,
    stream: TcpStream,
    peer: SocketAddr,
) {
    let _open = Open(setup.open.clone());
    let Ok(stream) = tokio::net::TcpStream::from_std(stream) else {
        return;
    };
    let limit = setup.gateway.state().config.timeouts.inbound_head;
    match &setup.tls {
        None => {
            served(
                &setup,
                pool,
                &server,
                watcher,
                TokioIo::new(stream),
                peer.ip(),
                limit,
            )
            .await
        }
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(limit, tls.accept(stream)).await {
                served(
                    &setup,
                    pool,
                    &server,
                    watcher,
                    TokioIo::new(stream),
                    peer.ip(),
                    limit,
                )
                .await;
            }
        }
    }
}

async fn served<S>(
    setup: &Setup,
    pool: Pool,
    server: &auto::Builder<TokioExecutor>,
    watcher: Watcher,
    stream: S,
    peer: IpAddr,
    limit: Duration,
) where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let head = Arc::new(Head::default());
    let stream = Guarded::new(stream, head.clone(), limit);
    let gateway = &setup.gateway;
    let service = service_fn(move |request: http::Request<Incoming>| {
        head.complete();
        // Frames of HTTP/2 come at any time: hyper minds them.
        let one_at_a_time = request.version() < http::Version::HTTP_2;
        let (gateway, pool, head) = (gateway.clone(), pool.clone(), head.clone());
        async move {
            // Boxed, so that a connection holds the room of a call only while it has one.
            let response = Box::pin(router::answer(gateway, pool, peer, request)).await;
            if one_at_a_time {
                head.answered();
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = server.serve_connection(stream, service);
    // A client that breaks its connection off is no event of ours.
    let _ = watcher.watch(connection).await;
}

/// Counts a connection while it is open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
