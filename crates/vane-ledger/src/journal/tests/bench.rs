//! What a call costs the journal. Printed, never asserted:
//! `cargo test --release -p vane-ledger --lib journal::tests::bench -- journal-bench --nocapture`

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::{Folder, INSTANCE, asked_for, block_on};
use crate::journal::{Durability, Journal, Position, Settings};

const LASTING: Duration = Duration::from_secs(3);

/// User and system time of all threads.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}

fn open(folder: &Folder, segment_bytes: u64) -> Arc<Journal> {
    // Nobody ingests here.
    let settings = Settings {
        backlog_bytes: 64 << 30,
        segment_bytes,
        ..Settings::default()
    };
    Arc::new(Journal::open(&folder.0, INSTANCE, 1, Position::START, &settings).unwrap())
}

/// The records of one call: its dispatch, that nobody waits for, and its settlement.
async fn call(journal: &Journal, durability: Durability) {
    journal.send(2, &[7; 300]).unwrap();
    let ticket = journal.submit(1, &[7; 300], durability).unwrap();
    ticket.await.unwrap();
}

/// Runs `load` on an empty journal; it says how many calls it made.
fn measure(name: &str, load: impl FnOnce(&Arc<Journal>) -> u32) {
    let folder = Folder::new("bench");
    let journal = open(&folder, 64 << 20);
    block_on(journal.submit(1, b"ready", Durability::Power).unwrap()).unwrap();
    let (begun, cpu_begun) = (Instant::now(), cpu());
    let calls = load(&journal);
    let (wall, used) = (begun.elapsed(), cpu().saturating_sub(cpu_begun));
    println!(
        "{name}: {:.0} calls/s, {:.2} us CPU per call of two records",
        f64::from(calls) / wall.as_secs_f64(),
        used.as_secs_f64() * 1e6 / f64::from(calls)
    );
}

fn alone(journal: &Journal, durability: Durability) -> u32 {
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < LASTING {
        block_on(call(journal, durability));
        calls += 1;
    }
    calls
}

/// A hundred calls a second; with `None` only what the waiting in between costs.
fn paced(journal: Option<&Journal>) -> u32 {
    let begun = Instant::now();
    for calls in 1..=300 {
        let next = Duration::from_millis(10) * calls;
        thread::sleep(next.saturating_sub(begun.elapsed()));
        if let Some(journal) = journal {
            block_on(call(journal, Durability::Crash));
        }
    }
    300
}

/// `tasks` on two workers, each with a runtime of its own as in the gateway.
fn together(journal: &Arc<Journal>, tasks: usize, durability: Durability) -> u32 {
    let worker = || {
        let journal = Arc::clone(journal);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let begun = Instant::now();
            let task = || {
                let journal = Arc::clone(&journal);
                async move {
                    let mut calls = 0_u32;
                    while begun.elapsed() < LASTING {
                        call(&journal, durability).await;
                        calls += 1;
                        tokio::task::yield_now().await;
                    }
                    calls
                }
            };
            runtime.unwrap().block_on(async {
                let running: Vec<_> = (0..tasks / 2).map(|_| tokio::spawn(task())).collect();
                let mut calls = 0;
                for task in running {
                    calls += task.await.unwrap();
                }
                calls
            })
        })
    };
    let workers = [worker(), worker()];
    workers.map(|worker| worker.join().unwrap()).iter().sum()
}

#[test]
fn what_a_call_costs() {
    if !asked_for("journal-bench") {
        return;
    }
    for segment_bytes in [64 << 10, 64 << 20] {
        let folder = Folder::new("bench-open");
        let begun = Instant::now();
        let journal = open(&folder, segment_bytes);
        let opened = begun.elapsed();
        block_on(journal.submit(1, b"first", Durability::Crash).unwrap()).unwrap();
        let first = begun.elapsed();
        println!("segments of {segment_bytes}: opened in {opened:?}, first record in {first:?}");
    }
    measure("1 caller, crash", |journal| {
        alone(journal, Durability::Crash)
    });
    measure("1 caller, 100 calls/s, crash", |journal| {
        paced(Some(journal))
    });
    measure("the same without a record", |_| paced(None));
    for durability in [Durability::Crash, Durability::Power] {
        for tasks in [64, 512] {
            measure(&format!("{tasks} tasks, {durability:?}"), |journal| {
                together(journal, tasks, durability)
            });
        }
    }
}
