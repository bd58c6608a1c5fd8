//! Many streams that are open and silent, then a frame on each.
//!
//! The line `open` is printed once every request was sent, so that the other side knows when to
//! look at memory and descriptors. Comments and pings that fill the silence are no frames.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use memchr::memmem::find;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::Options;
use super::offer::nanoseconds;
use super::tally::{Count, Tally};

/// Connections opened in one go: within every system's backlog.
const BATCH: usize = 64;
/// How long after the silence a frame may come.
const FRAME_TIME_MAX: Duration = Duration::from_secs(60);

pub(crate) async fn hold(options: &Options, request: &'static [u8]) -> Result<Tally> {
    let start = Instant::now();
    let silence_ends = start + options.time();
    let mut streams = JoinSet::new();
    for opened in 0..options.connections {
        let mut socket = TcpStream::connect(options.address)
            .await
            .with_context(|| format!("connection {opened}"))?;
        socket.write_all(request).await?;
        streams.spawn(frame_after(socket, silence_ends));
        if opened % BATCH == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    ensure!(
        Instant::now() < silence_ends,
        "the silence was over before all streams were open"
    );
    println!("open");

    let mut count = Count::new();
    while let Some(stream) = streams.join_next().await {
        match stream? {
            Ok(()) => count.answer(nanoseconds(start.elapsed())),
            Err(fault) => count.fault(&fault),
        }
    }
    Ok(count.finish(nanoseconds(start.elapsed())))
}

/// Waits for a data frame that arrives after the silence; an end before it is a fault.
async fn frame_after(mut socket: TcpStream, silence_ends: Instant) -> Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = timeout_at(silence_ends + FRAME_TIME_MAX, socket.read(&mut buffer));
        let read = read.await.context("no frame after the silence")??;
        ensure!(read > 0, "the stream ended in its silence");
        if Instant::now() >= silence_ends && find(&buffer[..read], b"data:").is_some() {
            return Ok(());
        }
    }
}
