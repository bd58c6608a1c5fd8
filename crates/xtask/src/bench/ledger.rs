//! `cargo xtask bench --ledger`: what the books cost, beside the same Vane built without them.
//!
//! Each figure comes of pairs: the same accounts, keys and requests, once with the books and once
//! without, one after the other, the first of them changing from round to round. After each run the
//! books must hold and have one receipt for each answer, or the benchmark fails.

mod cell;
mod report;
mod variant;

use anyhow::{Context, Result};

use super::cell::Bench;
use super::gateway::Gateway;
use super::workload::{WORKLOADS, Workload};
use super::{Options, programs};
use cell::{Ledger, Side};
use report::{Pair, Row};
use variant::{Prepared, VARIANTS};

/// What is asked: unary, and a stream of 200 chunks.
const ASKED: [&str; 2] = ["A", "C"];

pub(crate) fn run(bench: Bench, rounds: usize, options: &Options) -> Result<()> {
    let ledger = Ledger::start(bench, programs::unledgered()?)?;
    let (prepared, left_out) = prepare(&ledger.bench, options.postgres.as_deref())?;
    let asked = WORKLOADS.iter().filter(|it| ASKED.contains(&it.name));
    let cells = prepared
        .iter()
        .flat_map(|of| asked.clone().map(move |it| (of, it)));
    let cells: Vec<(&Prepared, &Workload)> = cells.collect();
    let mut pairs: Vec<Vec<Pair>> = cells.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for ((prepared, workload), pairs) in cells.iter().zip(&mut pairs) {
            let name = prepared.variant.name;
            eprintln!("round {} of {rounds}: {}, {name}", round + 1, workload.name);
            let pair = one_pair(&ledger, prepared, workload, round);
            pairs.push(pair.with_context(|| format!("{} under {name}", workload.name))?);
        }
    }
    let rows = cells.iter().zip(&pairs);
    let rows: Vec<Row> = rows
        .map(|((prepared, workload), pairs)| Row::of(prepared.variant, workload, pairs))
        .collect();
    if options.json {
        println!("{}", report::json(&rows));
    } else {
        println!("{}", report::table(&rows));
        left_out.iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

/// Makes the accounts of all variants that can run here; a line for each that cannot.
fn prepare(bench: &Bench, postgres: Option<&str>) -> Result<(Vec<Prepared>, Vec<String>)> {
    let (mut prepared, mut left_out) = (Vec::new(), Vec::new());
    for variant in VARIANTS {
        eprintln!("accounts and keys: {}", variant.name);
        match variant.place(bench, postgres)? {
            Ok(place) => prepared.push(Prepared::new(variant, place, bench)?),
            Err(why) => left_out.push(format!("{}: left out: {why}", variant.name)),
        }
    }
    Ok((prepared, left_out))
}

/// With and without books; and through the proxy, where the bar is a ratio to it.
fn one_pair(
    ledger: &Ledger,
    prepared: &Prepared,
    workload: &Workload,
    round: usize,
) -> Result<Pair> {
    let sides = match round % 2 {
        0 => [Side::Off, Side::On],
        _ => [Side::On, Side::Off],
    };
    let mut pair = Pair::default();
    for side in sides {
        let figures = ledger.measure(side, prepared, workload)?;
        match side {
            Side::Off => pair.off = figures,
            Side::On => pair.on = figures,
        }
    }
    if prepared.variant.is_judged_by_proxy(workload) {
        let proxy = ledger.bench.measure(Gateway::Nginx, workload)?;
        pair.proxy_us = Some(proxy.cpu_us);
    }
    Ok(pair)
}
