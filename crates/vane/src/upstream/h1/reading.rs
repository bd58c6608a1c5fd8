//! Reading an answer's body, after which its connection waits for the next call.

use super::super::pool::{IDLE_MAX, Idle, Origin, Waiting};
use super::head::Framing;
use super::{Connection, READ_BYTES};
use crate::chunked::Chunked;
use bytes::Bytes;
use std::sync::PoisonError;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// What one read asks for when the last one was filled.
const READ_BYTES_LARGE: usize = 64 << 10;

/// A body that is being read. Dropping it before its end closes the connection.
pub struct Reading {
    connection: Option<Connection>,
    framing: Rest,
    keep_alive: bool,
    idle: Idle,
    origin: Origin,
    /// What the next read asks for.
    want: usize,
}

#[derive(Debug)]
enum Rest {
    Length(u64),
    Chunked(Chunked),
    Close { ended: bool },
}

impl Reading {
    pub(super) fn new(
        connection: Connection,
        framing: Framing,
        keep_alive: bool,
        idle: Idle,
        origin: Origin,
    ) -> Self {
        let framing = match framing {
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => Rest::Chunked(Chunked::default()),
            Framing::Close => Rest::Close { ended: false },
        };
        let connection = Some(connection);
        let mut reading = Self {
            connection,
            framing,
            keep_alive,
            idle,
            origin,
            want: READ_BYTES,
        };
        reading.release();
        reading
    }

    pub(in super::super) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, String>>> {
        loop {
            if self.is_end() {
                return Poll::Ready(None);
            }
            let Some(connection) = &mut self.connection else {
                return Poll::Ready(None);
            };
            match self.framing.take(connection) {
                Err(broken) => {
                    self.connection = None;
                    return Poll::Ready(Some(Err(broken.to_owned())));
                }
                Ok(data) if !data.is_empty() => {
                    self.release();
                    return Poll::Ready(Some(Ok(data)));
                }
                Ok(_) => self.release(),
            }
            if self.is_end() {
                return Poll::Ready(None);
            }
            let Some(connection) = &mut self.connection else {
                return Poll::Ready(None);
            };
            match ready!(connection.poll_fill(cx, self.want)) {
                Ok(0) if matches!(self.framing, Rest::Close { .. }) => {
                    self.framing = Rest::Close { ended: true };
                }
                Ok(0) => {
                    self.connection = None;
                    return Poll::Ready(Some(Err("it was closed before the end".to_owned())));
                }
                Ok(read) => {
                    // A full read says that more is there: ask for more at once.
                    let full = read >= self.want;
                    self.want = if full { READ_BYTES_LARGE } else { READ_BYTES };
                }
                Err(error) => {
                    self.connection = None;
                    return Poll::Ready(Some(Err(error.to_string())));
                }
            }
        }
    }

    pub(in super::super) const fn is_end(&self) -> bool {
        match &self.framing {
            Rest::Length(left) => *left == 0,
            Rest::Chunked(state) => matches!(state, Chunked::End),
            Rest::Close { ended } => *ended,
        }
    }

    /// Gives the connection back once the body is read.
    fn release(&mut self) {
        if !self.is_end() {
            return;
        }
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        // Bytes after the end belong to no answer of ours.
        if !self.keep_alive || !connection.buffer.is_empty() {
            return;
        }
        (connection.reused, connection.heard) = (true, false);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let since = Instant::now();
        let waiting = Waiting { connection, since };
        match idle.iter_mut().find(|(origin, _)| *origin == self.origin) {
            None => idle.push((self.origin.clone(), vec![waiting])),
            Some((_, others)) if others.len() < IDLE_MAX => others.push(waiting),
            Some(_) => {}
        }
    }
}

impl Rest {
    /// What of the buffer belongs to the body.
    fn take(&mut self, connection: &mut Connection) -> Result<Bytes, &'static str> {
        let buffer = &mut connection.buffer;
        match self {
            Self::Length(left) => {
                let now = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(buffer.len());
                *left -= now as u64;
                Ok(buffer.split_to(now).freeze())
            }
            Self::Chunked(state) => state.take(buffer),
            Self::Close { .. } => Ok(buffer.split().freeze()),
        }
    }
}
