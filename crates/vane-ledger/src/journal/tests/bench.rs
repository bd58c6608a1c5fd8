//! What a record costs. Printed, never asserted:
//! `cargo test --release -p vane-ledger journal::tests::bench -- journal-bench --nocapture`

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::{Folder, INSTANCE, Unpark, asked_for};
use crate::journal::{Durability, Journal, Position, Refused, Settings, Ticket};

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}

/// `tasks` that each submit, wait and submit again, on one thread as in a worker.
fn measure(tasks: usize, durability: Durability) {
    let folder = Folder::new(&format!("bench-{tasks}-{durability:?}"));
    // Nobody ingests here.
    let settings = Settings {
        backlog_bytes: 64 << 30,
        ..Settings::default()
    };
    let journal = Journal::open(&folder.0, INSTANCE, 1, Position::START, &settings).unwrap();
    let waker = std::sync::Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let submit = || -> Result<Ticket, Refused> { journal.submit(1, &[7; 300], durability) };
    let mut waiting: Vec<Ticket> = (0..tasks).map(|_| submit().unwrap()).collect();
    let (begun, cpu_begun) = (Instant::now(), cpu());
    let mut done = 0_u32;
    while begun.elapsed() < Duration::from_secs(3) {
        let before = done;
        for ticket in &mut waiting {
            if let Poll::Ready(end) = Pin::new(&mut *ticket).poll(&mut context) {
                end.unwrap();
                done += 1;
                *ticket = submit().unwrap();
            }
        }
        if done == before {
            thread::park();
        }
    }
    let (wall, used) = (begun.elapsed(), cpu().saturating_sub(cpu_begun));
    println!(
        "{durability:?}, {tasks} tasks: {:.0} records/s, {:.2} us CPU per record",
        f64::from(done) / wall.as_secs_f64(),
        used.as_secs_f64() * 1e6 / f64::from(done)
    );
}

#[test]
fn records_per_second() {
    if !asked_for("journal-bench") {
        return;
    }
    for durability in [Durability::Crash, Durability::Power] {
        for tasks in [64, 512] {
            measure(tasks, durability);
        }
    }
}
