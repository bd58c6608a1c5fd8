//! What a run of the load program came to, and its one line of JSON.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::histogram::Histogram;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Whole answers with status 200.
    pub(crate) answers: u64,
    pub(crate) faults: u64,
    pub(crate) first_fault: Option<String>,
    pub(crate) elapsed_ns: u64,
    /// To the last byte of an answer.
    pub(crate) p50_ns: u64,
    pub(crate) p99_ns: u64,
    /// To its first byte.
    pub(crate) first_p50_ns: u64,
    pub(crate) first_p99_ns: u64,
    /// How long a stamped chunk was under way; 0 where there was none.
    pub(crate) chunk_p50_ns: u64,
    pub(crate) chunk_p99_ns: u64,
}

impl Tally {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "answers": self.answers,
            "faults": self.faults,
            "first_fault": self.first_fault,
            "elapsed_ns": self.elapsed_ns,
            "p50_ns": self.p50_ns,
            "p99_ns": self.p99_ns,
            "first_p50_ns": self.first_p50_ns,
            "first_p99_ns": self.first_p99_ns,
            "chunk_p50_ns": self.chunk_p50_ns,
            "chunk_p99_ns": self.chunk_p99_ns,
        })
    }

    pub(crate) fn from_json(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("the load program's tally")?;
        let number = |name: &str| {
            value[name]
                .as_u64()
                .with_context(|| format!("`{name}` in the tally {text}"))
        };
        Ok(Self {
            answers: number("answers")?,
            faults: number("faults")?,
            first_fault: value["first_fault"].as_str().map(String::from),
            elapsed_ns: number("elapsed_ns")?,
            p50_ns: number("p50_ns")?,
            p99_ns: number("p99_ns")?,
            first_p50_ns: number("first_p50_ns")?,
            first_p99_ns: number("first_p99_ns")?,
            chunk_p50_ns: number("chunk_p50_ns")?,
            chunk_p99_ns: number("chunk_p99_ns")?,
        })
    }
}

/// A tally in the making, shared by the connections of one thread.
#[derive(Debug)]
pub(crate) struct Count {
    latencies: Histogram,
    firsts: Histogram,
    chunks: Histogram,
    tally: Tally,
}

impl Count {
    pub(crate) fn new() -> Self {
        Self {
            latencies: Histogram::new(),
            firsts: Histogram::new(),
            chunks: Histogram::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn answer(&mut self, latency_ns: u64) {
        self.tally.answers += 1;
        self.latencies.record(latency_ns);
    }

    pub(crate) fn first(&mut self, latency_ns: u64) {
        self.firsts.record(latency_ns);
    }

    pub(crate) fn chunk(&mut self, under_way_ns: u64) {
        self.chunks.record(under_way_ns);
    }

    pub(crate) fn fault(&mut self, fault: &anyhow::Error) {
        self.tally.faults += 1;
        self.tally
            .first_fault
            .get_or_insert_with(|| format!("{fault:#}"));
    }

    pub(crate) fn finish(&self, elapsed_ns: u64) -> Tally {
        Tally {
            elapsed_ns,
            p50_ns: self.latencies.quantile(500),
            p99_ns: self.latencies.quantile(990),
            first_p50_ns: self.firsts.quantile(500),
            first_p99_ns: self.firsts.quantile(990),
            chunk_p50_ns: self.chunks.quantile(500),
            chunk_p99_ns: self.chunks.quantile(990),
            ..self.tally.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_survives_its_line_of_json() {
        let mut count = Count::new();
        count.answer(1000);
        count.first(40);
        count.chunk(77);
        count.fault(&anyhow::anyhow!("the first"));
        count.fault(&anyhow::anyhow!("the second"));
        let tally = count.finish(5000);
        assert_eq!((tally.answers, tally.faults), (1, 2));
        assert_eq!((tally.chunk_p50_ns, tally.chunk_p99_ns), (77, 77));
        assert_eq!((tally.first_p50_ns, tally.first_p99_ns), (40, 40));
        assert_eq!(tally.first_fault.as_deref(), Some("the first"));
        assert_eq!(
            Tally::from_json(&tally.to_json().to_string()).unwrap(),
            tally
        );
        assert!(Tally::from_json("{}").is_err());
    }
}
