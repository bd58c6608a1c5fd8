//! Accepting, reloading, and stopping.

use super::certificate;
use super::often::Often;
use super::worker::{self, Accepted, Setup};
use crate::chore::Chore;
use crate::chronicle;
use crate::config::{Config, Tls};
use crate::gateway::Gateway;
use crate::removal;
use crate::upstream::Pool;
use anyhow::Context;
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Barrier, mpsc, watch};
use tokio_rustls::TlsAcceptor;

/// A running server. Dropping it does not stop it: [`Server::stop`] does.
pub struct Server {
    pub address: SocketAddr,
    gateway: Arc<Gateway>,
    stop: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
    /// End after the last call.
    chores: [Chore; 2],
}

/// Every call needs two descriptors: the soft limit of a shell would allow five hundred calls. Says
/// how many there may be now, if there is a limit.
fn raise_descriptor_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            limit.current
        }
    }
}

/// Descriptors that no client gets: for databases, journals, chores, models of this machine.
const DESCRIPTORS_RESERVED: u64 = 128;

/// How many connections there are descriptors for: of each, a call takes another one.
fn connections_max(wanted: usize, descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors else {
        return wanted;
    };
    let room = descriptors.saturating_sub(DESCRIPTORS_RESERVED) / 2;
    let room = usize::try_from(room).unwrap_or(usize::MAX).max(1);
    if room < wanted {
        tracing::info!(
            descriptors,
            connections_max = room,
            wanted,
            "`limits.connections_max` is cut to what the limit of open files allows: raise that \
             (`ulimit -Hn`)"
        );
    }
    wanted.min(room)
}

/// How many connections the system holds until they are accepted.
const BACKLOG: i32 = 4096;

/// An address that is taken, and nobody is answered at yet.
pub struct Bound {
    /// With the port that the system chose, where none was said.
    pub address: SocketAddr,
    socket: Socket,
    tls: Option<TlsAcceptor>,
}

/// Takes the address of a configuration.
///
/// # Errors
/// If it is taken already, or a certificate cannot be read.
pub fn bind(config: &Config) -> anyhow::Result<Bound> {
    let tls = config.tls.as_ref().map(acceptor).transpose()?;
    let wanted = config.listen;
    let socket = Socket::new(Domain::for_address(wanted), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket
        .bind(&wanted.into())
        .with_context(|| cannot_listen(wanted))?;
    let taken = socket.local_addr()?.as_socket();
    Ok(Bound {
        address: taken.unwrap_or(wanted),
        socket,
        tls,
    })
}

fn cannot_listen(address: SocketAddr) -> String {
    format!(
        "cannot listen on {address}: is Vane running already? `listen` in the configuration or \
         VANE_LISTEN sets another address"
    )
}

/// Binds and starts accepting.
///
/// # Errors
/// If the address is taken, a certificate cannot be read, or a thread cannot be started.
pub fn serve(gateway: Arc<Gateway>) -> anyhow::Result<Server> {
    let bound = bind(&gateway.state().config)?;
    serve_on(gateway, bound)
}

/// Starts accepting at an address that was taken before.
///
/// # Errors
/// If somebody else came first, or a thread cannot be started.
pub fn serve_on(gateway: Arc<Gateway>, bound: Bound) -> anyhow::Result<Server> {
    let state = gateway.state();
    let config = &state.config;
    let descriptors = raise_descriptor_limit();
    let Bound {
        address,
        socket,
        tls,
    } = bound;
    socket
        .listen(BACKLOG)
        .with_context(|| cannot_listen(address))?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from(socket);
    let (stop, stopping) = watch::channel(false);
    let open = Arc::new(AtomicUsize::new(0));
    let setup = Setup {
        gateway: gateway.clone(),
        tls,
        header_bytes_max: config.limits.header_bytes_max,
        head_time_max: config.timeouts.inbound_head,
        open: open.clone(),
        stop: stopping,
        drained: Arc::new(Barrier::new(config.workers.max(1))),
    };
    let mut threads = Vec::new();
    let mut workers = Vec::new();
    for number in 0..config.workers.max(1) {
        let (sender, accepted) = mpsc::unbounded_channel();
        let (setup, pool) = (setup.clone(), Pool::new(config, gateway.fleet.clone())?);
        let builder = std::thread::Builder::new().name(format!("worker-{number}"));
        threads.push(builder.spawn(move || worker::run(setup, pool, accepted))?);
        workers.push(sender);
    }
    let max = connections_max(config.limits.connections_max, descriptors);
    let builder = std::thread::Builder::new().name("accept".into());
    threads.push(builder.spawn(move || accept(listener, &workers, &open, max))?);
    Ok(Server {
        address,
        chores: [notes(gateway.clone())?, removal::start(gateway.clone())?],
        gateway,
        stop,
        threads,
    })
}

impl Server {
    /// Refuses new calls, lets running ones finish within the drain's time, then returns.
    pub fn stop(self) {
        self.gateway.draining.store(true, Relaxed);
        let _ = self.stop.send(true);
        for thread in self.threads {
            let _ = thread.join();
        }
        drop(self.chores);
        // Of the last calls too.
        self.gateway.take_note();
    }
}

/// Takes note of what offers did.
fn notes(gateway: Arc<Gateway>) -> std::io::Result<Chore> {
    let take_note = move |_: &_| gateway.take_note();
    Chore::start("chronicle", chronicle::EVERY, take_note)
}

/// Hands connections to the workers in turn, until the last of them has drained.
fn accept(
    listener: TcpListener,
    workers: &[mpsc::UnboundedSender<Accepted>],
    open: &AtomicUsize,
    max: usize,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
            return;
        };
        let mut drained = std::pin::pin!(async {
            for worker in workers {
                worker.closed().await;
            }
        });
        let mut turn = 0;
        let (mut refused, mut failed) = (Often::default(), Often::default());
        let mut why = None;
        loop {
            let accepted = tokio::select! {
                () = &mut drained => return,
                times = refused.due() => {
                    tracing::warn!(max, times, "connections were refused: so many are open");
                    continue;
                }
                times = failed.due() => {
                    tracing::warn!(times, error = why, "connections could not be accepted");
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    failed.happened();
                    why = Some(error.to_string());
                    // Out of descriptors: closing ones make room.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            if open.load(Relaxed) >= max {
                refused.happened();
                continue;
            }
            let _ = stream.set_nodelay(true);
            let Ok(stream) = stream.into_std() else {
                continue;
            };
            let next = (1..=workers.len()).map(|step| (turn + step) % workers.len());
            let Some(next) = next.into_iter().find(|at| !workers[*at].is_closed()) else {
                return;
            };
            turn = next;
            open.fetch_add(1, Relaxed);
            let _ = workers[turn].send((stream, peer));
        }
    });
}

fn acceptor(tls: &Tls) -> anyhow::Result<TlsAcceptor> {
    Ok(TlsAcceptor::from(Arc::new(certificate::load(tls)?)))
}

#[cfg(test)]
mod tests {
    use super::connections_max;

    #[test]
    fn no_more_connections_are_taken_than_there_are_descriptors_for() {
        for (wanted, descriptors, expected) in [
            (65_536, None, 65_536),
            (65_536, Some(1 << 20), 65_536),
            (65_536, Some(1_024), 448),
            (100, Some(1_024), 100),
            (65_536, Some(64), 1),
        ] {
            let max = connections_max(wanted, descriptors);
            assert_eq!(max, expected, "{wanted} of {descriptors:?}");
        }
    }
}
