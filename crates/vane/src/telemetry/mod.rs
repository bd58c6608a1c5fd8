//! What can be seen of a running gateway: one log line per call, and `/metrics`.
//!
//! Invariant: no prompt, no answer, no credential is ever handed to this module.

mod access_log;
mod metrics;

pub use access_log::{AccessLog, Aside, Line, Status};
pub use metrics::render;

use crate::payments::Deliveries;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of the process and its access log.
#[derive(Default)]
pub struct Telemetry {
    pub log: AccessLog,
    pub deliveries: Deliveries,
    begun: AtomicU64,
    /// By outcome and by class of status.
    ended: [AtomicU64; CLASSES.len()],
    took_us: AtomicU64,
}

/// Classes of ends, as the metric's labels name them.
const CLASSES: [&str; 6] = [
    "done",
    "caller_fault",
    "upstream_fault",
    "broken",
    "client_gone",
    "stopped",
];

impl Telemetry {
    #[must_use]
    pub fn new(log: AccessLog) -> Self {
        Self {
            log,
            ..Self::default()
        }
    }

    pub(crate) fn begun(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, line: &Line<'_>) {
        let class = match (line.status.outcome, line.status.code) {
            ("done", _) => 0,
            ("refused", 400..=499) => 1,
            ("refused", _) => 2,
            ("broken", _) => 3,
            ("stopped", _) => 5,
            _ => 4,
        };
        self.ended[class].fetch_add(1, Relaxed);
        let took = u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX);
        self.took_us.fetch_add(took, Relaxed);
        self.log.write(line);
    }

    /// Calls that began and have not ended.
    #[must_use]
    pub fn running(&self) -> u64 {
        let ended: u64 = self.ended.iter().map(|count| count.load(Relaxed)).sum();
        self.begun.load(Relaxed).saturating_sub(ended)
    }
}
