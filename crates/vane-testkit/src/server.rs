//! The listening side: connections, and the state that they share.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::BytesMut;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::gate::Gates;
use crate::play::{Connection, Player, Socket};
use crate::record::{Ended, Record};
use crate::respond::respond;
use crate::route::Family;
use crate::script::Script;
use crate::tls::Certificate;
use crate::{control, h2, http};

/// How a fake behaves before any script.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The only key that is accepted; without one any key is.
    pub key: Option<String>,
    /// The provider that bare paths speak, where two share a path.
    pub bare: Family,
    /// Accept what the real provider would refuse.
    pub lenient: bool,
    /// Refuse tools that are no functions in responses, as the servers of open weights do.
    pub only_functions: bool,
    /// Close each of the first n connections as soon as it is accepted.
    pub close_on_accept: u64,
    /// Speak HTTP/2 only.
    pub only_h2: bool,
    /// Speak TLS, and show this.
    pub tls: Option<Certificate>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) record: Record,
    pub(crate) gates: Gates,
    script: Mutex<Script>,
    /// Signatures and encrypted states that were handed out.
    signatures: Mutex<HashSet<String>>,
    connections: AtomicU64,
}

impl State {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            record: Record::new(),
            gates: Gates::default(),
            script: Mutex::default(),
            signatures: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remember(&self, signatures: impl Iterator<Item = String>) {
        self.signatures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(signatures);
    }

    /// Whether a signature is one of ours.
    pub(crate) fn knows(&self, signature: &str) -> bool {
        let known = self
            .signatures
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.contains(signature)
    }

    /// Forgets calls and script, and opens every gate. Signatures stay valid.
    pub(crate) fn reset(&self) {
        *self.script() = Script::default();
        self.gates.reset();
        self.record.reset();
    }
}

/// Accepts until it is dropped; its connections end with it.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let number = state.connections.fetch_add(1, Ordering::Relaxed);
                if number < state.settings.close_on_accept {
                    continue;
                }
                connections.spawn(connection(socket, Arc::clone(&state), number));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(socket: TcpStream, state: Arc<State>, number: u64) {
    // What goes wrong with a client's connection is the client's test to notice.
    let _ = socket.set_nodelay(true);
    let only_h2 = state.settings.only_h2;
    if let Some(certificate) = &state.settings.tls {
        let protocol = if only_h2 { "h2" } else { "http/1.1" };
        let Ok(acceptor) = certificate.acceptor(&[protocol]) else {
            return;
        };
        match acceptor.accept(socket).await {
            Ok(socket) if only_h2 => h2::serve(socket, state, number).await,
            Ok(socket) => exchanges(Box::new(socket), &state, number).await,
            Err(_) => {}
        }
    } else if h2::is_preface(&socket).await {
        h2::serve(socket, state, number).await;
    } else if !only_h2 {
        exchanges(Box::new(socket), &state, number).await;
    }
}

async fn exchanges(socket: Box<dyn Socket>, state: &State, number: u64) {
    let buffer = BytesMut::new();
    let mut connection = Connection { socket, buffer };
    while let Ok(true) = exchange(&mut connection, state, number).await {}
}

/// One request and its answer; false when the connection is used up.
async fn exchange(connection: &mut Connection, state: &State, number: u64) -> Result<bool> {
    let Some(request) = http::read(&mut connection.socket, &mut connection.buffer).await? else {
        return Ok(false);
    };
    if request.path.starts_with("/__") {
        return control::serve(connection, state, &request).await;
    }
    let stays = request
        .header("connection")
        .is_none_or(|value| value != "close");
    let call = state.record.open(number, request.clone());
    let exchange = respond(state, &request, call);
    let (record, gates) = (&state.record, &state.gates);
    let player = Player {
        connection,
        exchange: &exchange,
        number: call,
        record,
        gates,
    };
    // A dropped server must not leave a call open for ever.
    let end = EndOnDrop { record, call };
    let ended = player.play().await;
    record.end(call, ended);
    drop(end);
    Ok(stays && ended == Ended::Whole)
}

struct EndOnDrop<'a> {
    record: &'a Record,
    call: usize,
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.record.end(self.call, Ended::Cut);
    }
}
