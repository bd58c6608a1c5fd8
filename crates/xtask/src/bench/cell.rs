//! One cell of the benchmark: one gateway under one workload, started for it and stopped after it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::gateway::{Gateway, Place};
use super::proc;
use super::process::{self, Process, free_port};
use super::programs::Programs;
use super::workload::{Pace, WORKLOADS, Workload};
use crate::load::{self, Shape, Tally};

/// How long a program may take to its first answer; LiteLLM takes five seconds.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// Work that a gateway does behind its last answer belongs to the answers: the ledger gathers for
/// a quarter of a second before it fills the database.
pub(crate) const AFTERWORK: Duration = Duration::from_millis(600);

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cell {
    /// What was answered: requests, or chunks of paced streams.
    pub(crate) units: f64,
    /// CPU time for each unit.
    pub(crate) cpu_us: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// How long a chunk of a paced stream was under way.
    pub(crate) chunk_p50_ms: f64,
    pub(crate) chunk_p99_ms: f64,
    pub(crate) per_second: f64,
    pub(crate) peak_mb: f64,
    pub(crate) idle_mb: f64,
    pub(crate) start_s: f64,
}

impl Cell {
    /// What somebody waited at p50 and p99: for a chunk where chunks were timed, else for an answer.
    pub(crate) fn waited(&self) -> (f64, f64) {
        match self.chunk_p99_ms > 0.0 {
            true => (self.chunk_p50_ms, self.chunk_p99_ms),
            false => (self.p50_ms, self.p99_ms),
        }
    }
}

/// The parts that outlive a cell: the upstreams and the folder.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    pub(crate) programs: Programs,
    pub(crate) pace: Pace,
    pub(crate) at_once: Upstream,
    paced: Upstream,
}

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) port: u16,
    _process: Process,
}

impl Upstream {
    pub(crate) fn start(
        programs: &Programs,
        folder: &Path,
        pace_ms: u64,
        chunks: u32,
    ) -> Result<Self> {
        let port = free_port()?;
        let mut command = process::command(&programs.upstream);
        command.args(["--bench", "--port", &port.to_string()]);
        command.args([
            "--pace-ms",
            &pace_ms.to_string(),
            "--chunks",
            &chunks.to_string(),
        ]);
        let mut process = Process::start(command, folder.join(format!("upstream-{pace_ms}.log")))?;
        let request = WORKLOADS[0].first_request("none");
        wait(local(port), &request, &mut process).context("the fake upstream")?;
        Ok(Self {
            port,
            _process: process,
        })
    }
}

impl Bench {
    pub(crate) fn start(folder: &Path, programs: Programs, pace: Pace) -> Result<Self> {
        let at_once = Upstream::start(&programs, folder, 0, 200)?;
        let paced = Upstream::start(&programs, folder, 100, pace.paced_chunks)?;
        Ok(Self {
            folder: folder.into(),
            programs,
            pace,
            at_once,
            paced,
        })
    }

    pub(crate) fn measure(&self, gateway: Gateway, workload: &Workload) -> Result<Cell> {
        let upstream = if workload.paced() {
            &self.paced
        } else {
            &self.at_once
        };
        let cell = self.folder.join("cell");
        std::fs::create_dir_all(&cell)?;
        let place = Place {
            folder: &cell,
            port: free_port()?,
            upstream_port: upstream.port,
        };
        let measured = self.measure_at(gateway, workload, place);
        let measured = measured.with_context(|| format!("{gateway:?} under {}", workload.name))?;
        std::fs::remove_dir_all(&cell)?;
        Ok(measured)
    }

    fn measure_at(&self, gateway: Gateway, workload: &Workload, place: Place<'_>) -> Result<Cell> {
        let key = gateway.key(&self.programs, place)?;
        let request = place.folder.join("request");
        std::fs::write(&request, workload.request(&key))?;
        let start = Instant::now();
        match gateway.start(&self.programs, place)? {
            None => {
                self.warm_up(workload, place.upstream_port, &request)?;
                self.offered(workload, place.upstream_port, &request)
            }
            Some(mut process) => {
                let first = workload.first_request(&key);
                wait(local(place.port), &first, &mut process)?;
                let start_s = start.elapsed().as_secs_f64();
                let cell = self.through(&mut process, workload, place.port, &request)?;
                Ok(Cell { start_s, ..cell })
            }
        }
    }

    /// Measures a gateway that has given its first answer.
    fn through(
        &self,
        process: &mut Process,
        workload: &Workload,
        port: u16,
        request: &Path,
    ) -> Result<Cell> {
        std::thread::sleep(AFTERWORK);
        let idle_mb = megabytes(proc::memory(process.id())?.now_kb);
        self.warm_up(workload, port, request)?;
        std::thread::sleep(AFTERWORK);
        let before = proc::cpu_time(process.id())?;
        let cell = self.offered(workload, port, request)?;
        std::thread::sleep(AFTERWORK);
        let used = proc::cpu_time(process.id())?.saturating_sub(before);
        process.still_runs()?;
        Ok(Cell {
            cpu_us: used.as_secs_f64() * 1e6 / cell.units,
            idle_mb,
            peak_mb: megabytes(proc::memory(process.id())?.peak_kb),
            ..cell
        })
    }

    /// A paced workload opens its connections as part of what is measured, and takes too long twice.
    fn warm_up(&self, workload: &Workload, port: u16, request: &Path) -> Result<()> {
        if !workload.paced() {
            self.offer(&workload.load(local(port), request, self.pace.warm_up)?)?;
        }
        Ok(())
    }

    fn offered(&self, workload: &Workload, port: u16, request: &Path) -> Result<Cell> {
        let (time, units) = match workload.shape {
            Shape::Rate => (self.pace.scheduled, 1),
            Shape::Once => (Duration::ZERO, self.pace.paced_chunks),
            Shape::Saturate | Shape::Idle => (self.pace.saturated, 1),
        };
        let tally = self.offer(&workload.load(local(port), request, time)?)?;
        let units = tally.answers as f64 * f64::from(units);
        Ok(Cell {
            units,
            p50_ms: tally.p50_ns as f64 / 1e6,
            p99_ms: tally.p99_ns as f64 / 1e6,
            chunk_p50_ms: tally.chunk_p50_ns as f64 / 1e6,
            chunk_p99_ms: tally.chunk_p99_ns as f64 / 1e6,
            per_second: units * 1e9 / tally.elapsed_ns as f64,
            ..Cell::default()
        })
    }

    /// What the load program saw; a run with a fault in it measures nothing.
    pub(crate) fn offer(&self, load: &load::Options) -> Result<Tally> {
        let mut command = process::command(&self.programs.load);
        command.args(load.arguments());
        let run = command
            .stderr(Stdio::inherit())
            .output()
            .context("the load program")?;
        ensure!(run.status.success(), "the load program: {}", run.status);
        let tally = Tally::from_json(&String::from_utf8(run.stdout)?)?;
        let fault = tally.first_fault.as_deref().unwrap_or_default();
        ensure!(
            tally.faults == 0,
            "{} faults, the first: {fault}",
            tally.faults
        );
        ensure!(tally.answers > 0, "no answers");
        Ok(tally)
    }
}

/// Waits for the first answer of a program; its last words when it gives none.
pub(crate) fn wait(address: SocketAddr, request: &[u8], process: &mut Process) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answered = runtime.block_on(load::first_answer(address, request, START_TIME_MAX, || {
        process.still_runs()
    }));
    answered.with_context(|| process.last_words())
}

pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(crate) fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}
