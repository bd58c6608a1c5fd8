//! One kept connection: a request out, an answer in.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::Answer;
use super::offer::nanoseconds;

const READ_BYTES: usize = 64 * 1024;
/// Longer than any answer of the benchmark, shorter than patience.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// What is heard of an answer while it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heard {
    /// Its first byte is here.
    First,
    /// A stamped chunk is here, which was under way for so many nanoseconds.
    Chunk(u64),
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).await.context("connect")?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Asks and reads until the answer is whole, telling `hear` of it on the way.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        mut hear: impl FnMut(Heard),
    ) -> Result<()> {
        self.socket.write_all(request).await.context("send")?;
        let mut answer = Answer::new();
        let mut began = false;
        loop {
            let read = self
                .socket
                .read(&mut self.buffer)
                .await
                .context("receive")?;
            ensure!(read > 0, "the connection closed before the answer's end");
            if !std::mem::replace(&mut began, true) {
                hear(Heard::First);
            }
            let came = now()?;
            let whole = answer.push(&self.buffer[..read])?;
            answer
                .stamps()
                .for_each(|sent| hear(Heard::Chunk(came.saturating_sub(sent))));
            if whole {
                return Ok(());
            }
        }
    }

    /// [`Self::exchange`] with an end to waiting.
    pub(crate) async fn exchange_in_time(
        &mut self,
        request: &[u8],
        hear: impl FnMut(Heard),
    ) -> Result<()> {
        timeout(ANSWER_TIME_MAX, self.exchange(request, hear))
            .await
            .context("no answer in time")?
    }
}

/// Nanoseconds since 1970, as the fake upstream writes them.
#[expect(
    clippy::disallowed_methods,
    reason = "compared with what another process wrote"
)]
fn now() -> Result<u64> {
    Ok(nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH)?))
}

/// Asks until something answers with 200, from a program that is just starting and still `runs`.
pub(crate) async fn first_answer(
    address: SocketAddr,
    request: &[u8],
    patience: Duration,
    mut runs: impl FnMut() -> Result<()>,
) -> Result<()> {
    let start = Instant::now();
    loop {
        let fault = match ask_once(address, request).await {
            Ok(()) => return Ok(()),
            Err(fault) => fault,
        };
        runs()?;
        if start.elapsed() > patience {
            bail!(fault.context(format!("nothing answered with 200 at {address}")));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn ask_once(address: SocketAddr, request: &[u8]) -> Result<()> {
    Connection::open(address)
        .await?
        .exchange_in_time(request, |_| {})
        .await
}
