//! `cargo xtask bench`: the gateway beside a bare reverse proxy, in one run on one machine.
//!
//! What is quoted is CPU time of the gateway's processes, as a ratio to the proxy's in the same
//! round, the median of the rounds: absolute times of a shared machine prove nothing. Every cell
//! starts its gateway afresh, so memory and start time belong to that workload alone.

mod cell;
mod gateway;
mod idle;
mod ledger;
mod pages;
mod proc;
mod process;
mod programs;
mod report;
mod workload;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use cell::{Bench, Cell};
use gateway::Gateway;
use programs::Programs;
use report::Row;
use workload::{Pace, WORKLOADS, Workload};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print only {workload: {us_per_request, ratio_to_nginx, p50_ms, p99_ms, rss_mb}}.
    #[arg(long)]
    json: bool,
    /// One short round instead of three.
    #[arg(long)]
    quick: bool,
    /// Only these workloads, separated by commas: A, A100, B, C, D, D_s, E, E_s, F.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// What the gateway is compared with.
    #[arg(long, default_value = "nginx", value_parser = ["nginx"])]
    peer: String,
    /// What is measured; the peer in the gateway's place gives ratios near 1 and checks the bench.
    #[arg(long, value_enum, default_value_t = Gateway::Vane)]
    gateway: Gateway,
    /// Hold so many silent streams open instead, and look at memory and descriptors.
    #[arg(long, value_name = "STREAMS")]
    idle_streams: Option<usize>,
    /// Measure instead what the ledger costs, beside a Vane that is built without it.
    #[arg(long, conflicts_with_all = ["only", "gateway", "idle_streams"])]
    ledger: bool,
    /// Time the first byte of pages instead, those of the console over a million receipts.
    #[arg(long, conflicts_with_all = ["only", "gateway", "idle_streams", "ledger"])]
    pages: bool,
    /// An empty database, `postgres://...`, in which the ledger is measured too.
    #[arg(long, env = "VANE_BENCH_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
}

const ROUNDS: usize = 3;

pub(crate) fn run(options: &Options) -> Result<()> {
    let workloads = chosen(&options.only)?;
    let folder = Folder::new()?;
    let programs = Programs::find(options.gateway)?;
    if let Some(streams) = options.idle_streams {
        return idle::run(options.gateway, streams, &folder.0, &programs);
    }
    let pace = if options.quick {
        Pace::QUICK
    } else {
        Pace::FULL
    };
    let bench = Bench::start(&folder.0, programs, pace)?;
    let rounds = if options.quick { 1 } else { ROUNDS };
    if options.ledger {
        return ledger::run(bench, rounds, options);
    }
    if options.pages {
        return pages::run(&bench, options.quick, options.json);
    }
    let mut cells: Vec<Vec<[Cell; 3]>> = workloads.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for (workload, cells) in workloads.iter().zip(&mut cells) {
            eprintln!(
                "round {} of {rounds}: {} ({})",
                round + 1,
                workload.name,
                workload.what
            );
            cells.push(one_round(&bench, options.gateway, workload, round)?);
        }
    }
    let rows = workloads.iter().zip(&cells);
    let rows: Vec<Row> = rows
        .map(|(workload, rounds)| Row::of(workload, rounds))
        .collect();
    if options.json {
        println!("{}", report::json(&rows));
    } else {
        println!("{}", report::table(&rows, &options.peer));
    }
    Ok(())
}

/// Direct, peer and gateway, one after the other; each round begins with another of them.
fn one_round(
    bench: &Bench,
    measured: Gateway,
    workload: &Workload,
    round: usize,
) -> Result<[Cell; 3]> {
    let order = [Gateway::Direct, Gateway::Nginx, measured];
    let mut cells = [Cell::default(); 3];
    for turn in 0..order.len() {
        let place = (turn + round) % order.len();
        cells[place] = bench.measure(order[place], workload)?;
    }
    Ok(cells)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Workload>> {
    for name in only {
        let known = WORKLOADS.iter().any(|workload| workload.name == name);
        let names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
        ensure!(
            known,
            "no workload `{name}`; there are {}",
            names.join(", ")
        );
    }
    let wanted =
        |workload: &&Workload| only.is_empty() || only.iter().any(|name| name == workload.name);
    Ok(WORKLOADS.iter().filter(wanted).collect())
}

/// A folder for configurations, databases and logs, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("vane-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind lies in the system's folder for what may be lost.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_workloads_that_exist() {
        let names = |only: &[&str]| -> Result<Vec<&str>> {
            let only: Vec<String> = only.iter().map(|name| (*name).into()).collect();
            Ok(chosen(&only)?
                .iter()
                .map(|workload| workload.name)
                .collect())
        };
        assert_eq!(names(&[]).unwrap().len(), WORKLOADS.len());
        assert_eq!(names(&["D_s", "A"]).unwrap(), ["A", "D_s"]);
        assert!(names(&["Z"]).unwrap_err().to_string().contains("A100"));
    }
}
