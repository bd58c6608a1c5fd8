//! Plays an exchange on an HTTP/1.1 socket, and notices at once when the client leaves.
//!
//! Invariant: whenever nothing is being written, the socket is being read, so a closed client ends
//! the exchange however long the pause was meant to be.

use std::fmt::Debug;
use std::future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::exchange::{Exchange, Framing, Head, Step};
use crate::gate::Gates;
use crate::record::{Ended, Record};

/// Plain or TLS.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Socket for S {}

/// A socket with what was read from it and not yet used.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: Box<dyn Socket>,
    pub(crate) buffer: BytesMut,
}

/// Why an exchange stopped before its end.
type Stopped = Ended;

/// An exchange being played for call `number`.
#[derive(Debug)]
pub(crate) struct Player<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) exchange: &'a Exchange,
    pub(crate) number: usize,
    pub(crate) record: &'a Record,
    pub(crate) gates: &'a Gates,
}

impl Player<'_> {
    /// Plays it all; the connection can be used again only after `Ended::Whole`.
    pub(crate) async fn play(mut self) -> Ended {
        match self.run().await {
            Ok(()) => Ended::Whole,
            Err(stopped) => stopped,
        }
    }

    async fn run(&mut self) -> Result<(), Stopped> {
        self.record.status(self.number, self.exchange.status);
        if let Some(gate) = &self.exchange.head_gate {
            let gate = self.gates.named(gate);
            self.unless_left(gate.pass()).await?;
        }
        self.head().await?;
        let exchange = self.exchange;
        for step in &exchange.steps {
            self.step(step).await?;
        }
        if self.exchange.framing == Framing::Chunked {
            self.write(b"0\r\n\r\n").await?;
        }
        Ok(())
    }

    async fn head(&mut self) -> Result<(), Stopped> {
        let head = head(self.exchange);
        match self.exchange.head {
            Head::Whole => self.write(head.as_bytes()).await,
            Head::None => Err(Ended::Cut),
            Head::Half => {
                self.write(&head.as_bytes()[..head.len() / 2]).await?;
                Err(Ended::Cut)
            }
            Head::Slow => {
                // All but the last line end: this head never becomes one.
                for byte in &head.as_bytes()[..head.len() - 2] {
                    self.pause().await?;
                    self.write(&[*byte]).await?;
                }
                self.unless_left(future::pending()).await
            }
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), Stopped> {
        match step {
            Step::Pause => self.pause().await,
            Step::Send(bytes) => self.send(bytes).await,
            Step::FrameEnd => {
                self.record.frame(self.number);
                Ok(())
            }
            Step::Raw(bytes) => self.write(bytes).await,
            Step::Stall => self.unless_left(future::pending()).await,
            Step::Endless(bytes) => loop {
                self.pause().await?;
                self.send(bytes).await?;
                self.record.frame(self.number);
            },
            Step::Giant(bytes) => self.giant(*bytes).await,
            Step::Cut => Err(Ended::Cut),
        }
    }

    async fn giant(&mut self, bytes: usize) -> Result<(), Stopped> {
        self.send(&Bytes::from_static(b"data: {\"x\":\"")).await?;
        let block = Bytes::from(vec![b'a'; 64 * 1024]);
        let mut left = bytes;
        while left > 0 {
            let size = left.min(block.len());
            self.send(&block.slice(..size)).await?;
            left -= size;
        }
        Ok(())
    }

    /// The gate or the delay of the script.
    async fn pause(&mut self) -> Result<(), Stopped> {
        let delay = Duration::from_millis(self.exchange.delay_ms);
        let gate = self
            .exchange
            .gate
            .as_deref()
            .map(|name| self.gates.named(name));
        match gate {
            Some(gate) => self.unless_left(gate.pass()).await,
            None if delay.is_zero() => Ok(()),
            None => self.unless_left(tokio::time::sleep(delay)).await,
        }
    }

    async fn send(&mut self, bytes: &Bytes) -> Result<(), Stopped> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self.exchange.framing {
            Framing::Length(_) => self.write(bytes).await?,
            Framing::Chunked => {
                let size = format!("{:x}\r\n", bytes.len());
                self.write(&[size.as_bytes(), bytes, b"\r\n"].concat())
                    .await?;
            }
        }
        self.record.sent(self.number, bytes);
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let socket = &mut self.connection.socket;
        let written = async {
            socket.write_all(bytes).await?;
            // TLS keeps what the socket does not take at once.
            socket.flush().await
        };
        written.await.map_err(|_| Ended::ClientLeft)
    }

    /// Waits for `event` while watching the client.
    async fn unless_left(&mut self, event: impl Future<Output = ()>) -> Result<(), Stopped> {
        let Connection { socket, buffer } = &mut *self.connection;
        let left = async {
            // Bytes that come meanwhile belong to the next request.
            while socket.read_buf(buffer).await.is_ok_and(|count| count > 0) {}
        };
        tokio::select! {
            biased;
            () = left => Err(Ended::ClientLeft),
            () = event => Ok(()),
        }
    }
}

/// The status line and headers, with the blank line.
fn head(exchange: &Exchange) -> String {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        exchange.status,
        reason(exchange.status)
    );
    for (name, value) in &exchange.headers {
        head += &format!("{name}: {value}\r\n");
    }
    match exchange.framing {
        Framing::Chunked => head += "transfer-encoding: chunked\r\n",
        Framing::Length(length) => head += &format!("content-length: {length}\r\n"),
    }
    head + "\r\n"
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        529 => "Overloaded",
        _ => "Whatever",
    }
}
