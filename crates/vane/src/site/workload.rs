//! What a reader would use: tokens in and out of a request, the share that a cache holds, and how
//! many requests.
//!
//! Invariant: costs are reckoned by the catalogue's own code, as a call would be billed.

use vane_catalog::{Money, Offer};
use vane_dialect::usage::Usage;

use super::figures::{amount, grouped};
use super::query::Query;

const TOKENS_MAX: u64 = 10_000_000;
const REQUESTS_MAX: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// Of the input, in percent.
    pub(crate) cached: u64,
    pub(crate) requests: u64,
}

/// The request of every example: a 1,000-token prompt and a 500-token reply.
pub(crate) const TYPICAL: Workload = Workload {
    input: 1_000,
    output: 500,
    cached: 0,
    requests: 1,
};

impl Workload {
    pub(crate) fn read(query: &Query) -> Self {
        let or = |name, most, usual| query.number(name, most).unwrap_or(usual);
        Self {
            input: or("in", TOKENS_MAX, TYPICAL.input),
            output: or("out", TOKENS_MAX, TYPICAL.output),
            cached: or("cached", 100, 0),
            requests: or("requests", REQUESTS_MAX, 1_000),
        }
    }

    fn usage(self) -> Usage {
        let cache_read = self.input * self.cached / 100;
        Usage {
            input_uncached: self.input - cache_read,
            cache_read,
            output: self.output,
            ..Usage::default()
        }
    }

    /// What one request costs at an offer; none where that is more than money can hold.
    pub(crate) fn one(self, offer: &Offer, at: i64) -> Option<Money> {
        offer.cost(&self.usage(), at).ok().map(|cost| cost.total)
    }

    pub(crate) fn all(self, offer: &Offer, at: i64) -> Option<Money> {
        let requests = i64::try_from(self.requests).ok()?;
        let one = self.one(offer, at)?.pico();
        one.checked_mul(requests).map(Money::from_pico)
    }

    pub(crate) fn says(self) -> String {
        let Self {
            input,
            output,
            cached,
            requests,
        } = self;
        let (requests, input, output) = (grouped(requests), grouped(input), grouped(output));
        let cached = match cached {
            0 => String::new(),
            share => format!(", {share}% of it read from a cache,"),
        };
        format!(
            "{requests} requests of {input} input tokens{cached} and {output} output tokens each"
        )
    }
}

/// An amount that a reader sees: one that rounds to nothing says so.
pub(crate) fn shown(cost: Money) -> String {
    const STEP: i64 = 50_000_000;
    match cost.pico() {
        1..STEP => "less than $0.0001".to_owned(),
        _ => amount(cost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_catalog::Catalog;

    #[test]
    fn a_workload_costs_what_its_calls_would_be_billed() {
        let catalog = Catalog::embedded().unwrap();
        let offer = catalog.offer("codestral-latest").unwrap();
        let at = 1_796_000_000;
        let check = |query: &str, one: &str, all: &str| {
            let workload = Workload::read(&Query::read(query));
            assert_eq!(shown(workload.one(offer, at).unwrap()), one, "{query}");
            assert_eq!(shown(workload.all(offer, at).unwrap()), all, "{query}");
        };
        check("", "$0.0008", "$0.7500");
        check("in=2000&out=0&requests=1000000", "$0.0006", "$600.00");
        check(
            "in=1000&out=0&cached=100&requests=1",
            "less than $0.0001",
            "less than $0.0001",
        );
        check("in=0&out=0", "$0", "$0");
    }

    #[test]
    fn what_is_too_much_is_bounded() {
        let query = Query::read("in=99999999999&cached=400&requests=x");
        let read = Workload::read(&query);
        assert_eq!(
            (read.input, read.cached, read.requests),
            (10_000_000, 100, 1_000)
        );
    }
}
