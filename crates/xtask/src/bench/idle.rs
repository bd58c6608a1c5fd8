//! Many silent streams: what they hold of memory and descriptors, and that they are all alive.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cell::{Upstream, local, megabytes, wait};
use super::gateway::{Gateway, Place};
use super::proc;
use super::process::{self, Process, descriptors_max, free_port};
use super::programs::Programs;
use super::workload::{WORKLOADS, Workload};
use crate::load::{Shape, Tally};

/// The upstream's pace: the first frame of a stream comes this long after its request.
const FRAME_AFTER: Duration = Duration::from_secs(45);
/// From the first request; ends before the first frame.
const SILENCE: Duration = Duration::from_secs(40);
/// From the last request to the first look: every stream has reached the upstream.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two looks at the descriptors.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
const RSS_MB_MAX: f64 = 600.0;
/// Listeners, databases and logs, beside two sockets for each stream.
const OTHER_DESCRIPTORS: usize = 200;

pub(crate) fn run(
    gateway: Gateway,
    streams: usize,
    folder: &Path,
    programs: &Programs,
) -> Result<()> {
    enough_descriptors(streams)?;
    let pace_ms = u64::try_from(FRAME_AFTER.as_millis())?;
    let upstream = Upstream::start(programs, folder, pace_ms, 2)?;
    let place = Place {
        folder,
        port: free_port()?,
        upstream_port: upstream.port,
    };
    let key = gateway.key(programs, place)?;
    let workload = Workload {
        shape: Shape::Idle,
        connections: streams,
        streamed: true,
        prompt_bytes: 16,
        ..WORKLOADS[0]
    };
    let request = folder.join("request");
    std::fs::write(&request, workload.request(&key))?;
    let process = gateway.start(programs, place)?;
    let mut process = process.context("a gateway to hold the streams")?;
    wait(
        local(place.port),
        &workload.first_request(&key),
        &mut process,
    )?;
    let idle_mb = megabytes(proc::memory(process.id())?.now_kb);

    let load = workload.load(local(place.port), &request, SILENCE)?;
    let mut command = process::command(&programs.load);
    let (looks, tally) = hold(command.args(load.arguments()), &process)?;
    process.still_runs()?;
    let peak_mb = megabytes(proc::memory(process.id())?.peak_kb);
    println!(
        "{streams} silent streams: RSS {idle_mb:.0} MB idle, {peak_mb:.0} MB at most (bar \
         {RSS_MB_MAX:.0}); descriptors {looks:?}; a frame came on {}, not on {}",
        tally.answers, tally.faults
    );
    let fault = tally.first_fault.unwrap_or_default();
    ensure!(tally.faults == 0, "the first stream that failed: {fault}");
    ensure!(
        looks[0].abs_diff(looks[1]) <= streams / 100,
        "descriptors are not flat"
    );
    ensure!(peak_mb <= RSS_MB_MAX, "memory is past its bar");
    Ok(())
}

/// Runs the load to its end; the gateway's descriptors at two moments of the silence, and the tally.
fn hold(load: &mut Command, gateway: &Process) -> Result<([usize; 2], Tally)> {
    let mut load = load.stdout(Stdio::piped()).spawn()?;
    let output = load.stdout.take().context("the load program's output")?;
    let mut lines = BufReader::new(output).lines();
    let opened = lines
        .next()
        .context("the load program opened no streams")??;
    ensure!(opened == "open", "the load program says {opened}");
    std::thread::sleep(SETTLE);
    let first = proc::descriptors(gateway.id())?;
    std::thread::sleep(LOOK_AGAIN);
    let second = proc::descriptors(gateway.id())?;
    let tally = lines.next().context("the load program has no tally")??;
    load.wait()?;
    Ok(([first, second], Tally::from_json(&tally)?))
}

fn enough_descriptors(streams: usize) -> Result<()> {
    let (needed, limit) = (2 * streams + OTHER_DESCRIPTORS, descriptors_max()?);
    ensure!(
        needed <= limit,
        "{streams} streams need {needed} descriptors in the gateway and the system allows {limit}: \
         raise it (ulimit -Hn) or ask for at most {}",
        limit.saturating_sub(OTHER_DESCRIPTORS) / 2
    );
    Ok(())
}
