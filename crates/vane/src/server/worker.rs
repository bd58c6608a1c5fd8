//! One worker: a thread with a runtime of its own, its upstream connections, its clients.

use super::{h1, h2};
use crate::gateway::Gateway;
use crate::socket::Socket;
use crate::upstream::Pool;
use std::net::{SocketAddr, TcpStream};
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
    pub header_bytes_max: usize,
    /// How long the head of a call, and the handshake of TLS, may take.
    pub head_time_max: Duration,
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
        // Made as they are needed, for what waits for the database or reckons long: keys made a
        // moment ago, `Idempotency-Key`s, the API, pages.
        .max_blocking_threads(32)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(work(Arc::new(setup), pool, accepted)),
        Err(error) => tracing::error!(%error, "a worker could not start"),
    }
}

async fn work(setup: Arc<Setup>, pool: Pool, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    // Every connection holds a sender; when all are gone, so are they.
    let (running, mut ended) = mpsc::channel::<()>(1);
    tokio::spawn(pool.clone().swept());
    let mut stop = setup.stop.clone();
    let begin = |(stream, peer): Accepted, running: Option<mpsc::Sender<()>>| {
        let (setup, pool) = (setup.clone(), pool.clone());
        tokio::spawn(async move {
            let _open = Open(setup.open.clone());
            // One that comes during the drain does not hold it up.
            let late = running.is_none();
            serve(&setup, &pool, stream, peer, late).await;
            drop(running);
        });
    };
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            connection = accepted.recv() => match connection {
                Some(connection) => begin(connection, Some(running.clone())),
                None => break,
            },
        }
    }
    drop(running);
    let limit = setup.gateway.state().config.timeouts.drain;
    // Workers leave together: who comes meanwhile finds one that says when to come back.
    let mut drained = std::pin::pin!(tokio::time::timeout(limit, async {
        ended.recv().await;
        setup.drained.wait().await;
    }));
    let mut hurry = setup.gateway.hurry.subscribe();
    let finished = loop {
        tokio::select! {
            finished = &mut drained => break finished.is_ok(),
            _ = hurry.wait_for(|hurry| *hurry) => break false,
            Some(connection) = accepted.recv() => begin(connection, None),
        }
    };
    if !finished {
        setup.gateway.cut.store(true, Relaxed);
        tracing::warn!(
            ?limit,
            "calls were cut: they took longer than the drain allows, or somebody hurried it"
        );
    }
}

/// Serves one connection, whatever is spoken on it.
async fn serve(setup: &Setup, pool: &Pool, stream: TcpStream, peer: SocketAddr, late: bool) {
    let Ok(tcp) = tokio::net::TcpStream::from_std(stream) else {
        return;
    };
    let socket = match &setup.tls {
        None => Socket::Plain(tcp),
        Some(tls) => match tokio::time::timeout(setup.head_time_max, tls.accept(tcp)).await {
            Ok(Ok(tls)) => Socket::Tls(Box::new(tls.into())),
            Ok(Err(_)) | Err(_) => return,
        },
    };
    match h1::serve(setup, pool, socket, peer.ip(), late).await {
        h1::Ended::Closed => {}
        // Boxed: few connections speak it, and it is large.
        h1::Ended::Http2(socket, begun) => {
            Box::pin(h2::serve(setup, pool, socket, begun, peer.ip())).await;
        }
    }
}

/// Counts a connection while it is open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
