//! One run: a Vane with or without books under one workload, then the proof of its books.
//!
//! What a run has caused is part of it: CPU time is read after the journal is in the database,
//! which `GET /v1/usage` waits for.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::report::Figures;
use super::variant::{PACED_MODEL, Prepared};
use crate::bench::cell::{AFTERWORK, Bench, Upstream, local, wait};
use crate::bench::gateway::{command, serve};
use crate::bench::proc;
use crate::bench::process::{Process, free_port};
use crate::bench::workload::Workload;
use crate::load::{self, Tally};

/// A stream that takes so long leaves the cores idle at 64 at once, so that what is added to it is
/// no queue; and so short that a tenth of a millisecond shows.
const PACE_MS: u64 = 4;
const PACED_CHUNKS: u32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Built without books.
    Off,
    On,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) bench: Bench,
    unledgered: PathBuf,
    paced: Upstream,
}

impl Ledger {
    pub(crate) fn start(bench: Bench, unledgered: PathBuf) -> Result<Self> {
        let paced = Upstream::start(&bench.programs, &bench.folder, PACE_MS, PACED_CHUNKS)?;
        Ok(Self {
            bench,
            unledgered,
            paced,
        })
    }

    pub(crate) fn measure(
        &self,
        side: Side,
        prepared: &Prepared,
        workload: &Workload,
    ) -> Result<Figures> {
        let home = prepared.home(self.bench.folder.join("ledger"))?;
        let vane = match side {
            Side::Off => &self.unledgered,
            Side::On => &self.bench.programs.vane,
        };
        let before = receipts(vane, &home)?;
        let bytes_before = prepared.database_bytes(&home)?;
        let port = free_port()?;
        let upstreams = [self.bench.at_once.port, self.paced.port];
        prepared.configure(&home, port, upstreams)?;
        let mut run = Run::start(self, prepared, vane, &home, port)?;
        let figures = run.measure(workload)?;
        let answers = run.answers;
        // Stopped, so that its log is in the file that is measured.
        drop(run);
        let receipts = receipts(vane, &home)? - before;
        let expected = if side == Side::On { answers } else { 0 };
        ensure!(
            receipts == expected,
            "{answers} answers and {receipts} receipts ({side:?})"
        );
        let bytes = bytes_before.zip(prepared.database_bytes(&home)?);
        let grown = bytes.map(|(before, after)| after.saturating_sub(before));
        Ok(Figures {
            bytes_per_call: grown.map_or(0.0, |bytes| bytes as f64 / answers as f64),
            ..figures
        })
    }
}

/// A Vane that runs, and how many answers it has given.
struct Run<'a> {
    ledger: &'a Ledger,
    prepared: &'a Prepared,
    home: &'a Path,
    port: u16,
    process: Process,
    answers: u64,
}

impl<'a> Run<'a> {
    fn start(
        ledger: &'a Ledger,
        prepared: &'a Prepared,
        vane: &Path,
        home: &'a Path,
        port: u16,
    ) -> Result<Self> {
        let process = Process::start(serve(vane, home), home.join("gateway.log"))?;
        Ok(Self {
            ledger,
            prepared,
            home,
            port,
            process,
            answers: 0,
        })
    }

    fn measure(&mut self, workload: &Workload) -> Result<Figures> {
        let pace = self.ledger.bench.pace;
        let first = workload.first_request(self.key()?);
        wait(local(self.port), &first, &mut self.process)?;
        self.answers += 1;
        self.offer(workload, pace.warm_up)?;
        self.caught_up()?;
        let (cpu_before, began) = (proc::cpu_time(self.process.id())?, Instant::now());
        let asked = self.offer(workload, pace.saturated)?;
        self.caught_up()?;
        let took = began.elapsed();
        std::thread::sleep(AFTERWORK);
        let cpu = proc::cpu_time(self.process.id())?.saturating_sub(cpu_before);
        let waited = match workload.streamed {
            true => self.paced(workload)?,
            false => asked.clone(),
        };
        self.process.still_runs()?;
        Ok(Figures {
            cpu_us: cpu.as_secs_f64() * 1e6 / asked.answers as f64,
            per_second: asked.answers as f64 / took.as_secs_f64(),
            first_p50_ms: milliseconds(waited.first_p50_ns),
            first_p99_ms: milliseconds(waited.first_p99_ns),
            last_p50_ms: milliseconds(waited.p50_ns),
            last_p99_ms: milliseconds(waited.p99_ns),
            bytes_per_call: 0.0,
        })
    }

    /// The same as streams that come at a pace.
    fn paced(&mut self, workload: &Workload) -> Result<Tally> {
        let paced = Workload {
            model: PACED_MODEL,
            ..*workload
        };
        let tally = self.offer(&paced, self.ledger.bench.pace.saturated)?;
        self.caught_up()?;
        Ok(tally)
    }

    fn offer(&mut self, workload: &Workload, time: Duration) -> Result<Tally> {
        let request = self.home.join("request");
        std::fs::write(&request, self.prepared.requests(workload)?)?;
        let tally = self.ledger.bench.offer(&load::Options {
            requests: self.prepared.keys.len(),
            ..workload.load(local(self.port), &request, time)?
        })?;
        self.answers += tally.answers;
        Ok(tally)
    }

    /// Waits until all that was settled is in the database.
    fn caught_up(&mut self) -> Result<()> {
        let usage = format!(
            "GET /v1/usage HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\n\r\n",
            self.key()?
        );
        wait(local(self.port), usage.as_bytes(), &mut self.process)
    }

    fn key(&self) -> Result<&'a str> {
        let key = self.prepared.keys.first();
        Ok(key.context("a variant without a key")?)
    }
}

/// How many receipts there are, after the proof that all of the books hold.
fn receipts(vane: &Path, home: &Path) -> Result<u64> {
    let audited = command(vane, home, &["audit", "--json"])?;
    let audited: serde_json::Value = serde_json::from_str(&audited).context("vane audit")?;
    let receipts = audited["receipts"].as_u64();
    receipts.context("`receipts` in what vane audit prints")
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}
