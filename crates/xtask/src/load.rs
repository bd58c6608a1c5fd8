//! The load program: one process that offers requests to one address and prints what came back.
//!
//! It is cheap on purpose, because it shares the machine with what it measures: one thread, request
//! bytes built once, connections kept. An answer counts only when its status is 200 and its end was
//! seen; anything else is a fault, and the first one is told in words.

mod answer;
mod connection;
mod histogram;
mod idle;
mod offer;
mod stamps;
mod tally;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

pub(crate) use connection::first_answer;
pub(crate) use tally::Tally;

#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct Options {
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// A file with one whole request, head and body, or with several of one length.
    #[arg(long)]
    pub(crate) request: PathBuf,
    /// How many requests the file holds; the shape `saturate` goes round all of them.
    #[arg(long, default_value_t = 1)]
    pub(crate) requests: usize,
    #[arg(long, value_enum)]
    pub(crate) shape: Shape,
    #[arg(long)]
    pub(crate) connections: usize,
    /// Requests a second, for the shape `rate`.
    #[arg(long)]
    pub(crate) rate: u32,
    /// How long to offer; for `idle` how long to be silent.
    #[arg(long)]
    pub(crate) milliseconds: u64,
}

/// How requests are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Every connection asks again as soon as it is answered.
    Saturate,
    /// On a fixed schedule, whether or not earlier requests are answered.
    Rate,
    /// One request on each connection, all at once.
    Once,
    /// One stream on each connection, silent for the time given, then a frame on each.
    Idle,
}

impl Options {
    /// The command line that is read back into these options.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let shape = self.shape.to_possible_value();
        let shape = shape
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default();
        vec![
            "load".into(),
            format!("--address={}", self.address).into(),
            "--request".into(),
            self.request.clone().into(),
            format!("--requests={}", self.requests).into(),
            format!("--shape={shape}").into(),
            format!("--connections={}", self.connections).into(),
            format!("--rate={}", self.rate).into(),
            format!("--milliseconds={}", self.milliseconds).into(),
        ]
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// Offers the load and prints the tally as one line of JSON.
pub(crate) fn run(options: &Options) -> Result<()> {
    let text = std::fs::read(&options.request)
        .with_context(|| format!("the request in {}", options.request.display()))?;
    let requests = parted(text.leak(), options.requests)?;
    let request = requests[0];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tally = runtime.block_on(async {
        match options.shape {
            Shape::Saturate => offer::saturate(options, requests).await,
            Shape::Rate => offer::on_schedule(options, request).await,
            Shape::Once => offer::once(options, request).await,
            Shape::Idle => idle::hold(options, request).await,
        }
    })?;
    println!("{}", tally.to_json());
    Ok(())
}

/// The requests of a file, which all have one length.
fn parted(text: &'static [u8], requests: usize) -> Result<&'static [&'static [u8]]> {
    let even = requests > 0 && !text.is_empty() && text.len().is_multiple_of(requests);
    ensure!(
        even,
        "{} bytes are not {requests} requests of one length",
        text.len()
    );
    let parts: Vec<&[u8]> = text.chunks(text.len() / requests).collect();
    Ok(parts.leak())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    enum Line {
        Load(Options),
    }

    #[test]
    fn options_survive_their_command_line() {
        let options = Options {
            address: SocketAddr::from(([127, 0, 0, 1], 8787)),
            request: "a folder/request".into(),
            requests: 3,
            shape: Shape::Once,
            connections: 7,
            rate: 8,
            milliseconds: 9,
        };
        let line = std::iter::once("xtask".into()).chain(options.arguments());
        let Line::Load(read) = Line::parse_from(line);
        assert_eq!(read, options);
    }

    #[test]
    fn a_file_of_several_requests_is_cut_evenly_or_refused() {
        assert_eq!(parted(b"abcdef", 3).unwrap(), [b"ab", b"cd", b"ef"]);
        assert!(parted(b"abcdef", 4).is_err());
        assert!(parted(b"", 1).is_err() && parted(b"a", 0).is_err());
    }
}
