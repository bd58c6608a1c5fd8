//! The record of a call: filled along the walk, ended exactly once.
//!
//! Whatever becomes of a call, a refusal, an answer, a cut, a client that left, its record ends
//! in one access-log line. One that is dropped without an end was left by its client.

use super::decode::RawCall;
use super::inbound::Door;
use super::meter::{Counted, Meter};
use crate::gateway::Gateway;
use crate::limits::{Place, Standing};
use crate::telemetry::{Line, Status};
use crate::upstream::Offer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;
use vane_catalog::Money;
use vane_dialect::usage::{SearchContext, Units};
use vane_dialect::{Fault, Usage};
use vane_ledger::Caller;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Refused or failed before an answer began.
    Refused,
    /// Failed after content was sent.
    Broken,
    ClientGone,
}

/// The record of one call; empty once it has ended or was handed on.
pub struct Record(Option<Box<Facts>>);

struct Facts {
    gateway: Arc<Gateway>,
    door: Door,
    request_id: String,
    started: Instant,
    began: i64,
    caller: Option<Arc<Caller>>,
    model: String,
    stream: bool,
    input_bytes: usize,
    search_context: SearchContext,
    attempts: u32,
    offer: Option<Arc<Offer>>,
    first_content: Option<Duration>,
    usage: Usage,
    counted: Option<Counted>,
    cost: Option<Money>,
    reported: Option<Money>,
    /// What was used and has no price.
    unpriced: Units,
    dropped: Vec<String>,
    failed: Vec<String>,
    fault: Option<String>,
    place: Option<Place>,
    standing: Standing,
}

impl Record {
    #[must_use]
    pub fn begin(gateway: &Arc<Gateway>, door: Door, request_id: String) -> Self {
        gateway.telemetry.begun();
        Self(Some(Box::new(Facts {
            gateway: gateway.clone(),
            door,
            request_id,
            started: Instant::now(),
            began: gateway.clock.now(),
            caller: None,
            model: String::new(),
            stream: false,
            input_bytes: 0,
            search_context: SearchContext::default(),
            attempts: 0,
            offer: None,
            first_content: None,
            usage: Usage::default(),
            counted: None,
            cost: None,
            reported: None,
            unpriced: Units::default(),
            dropped: Vec::new(),
            failed: Vec::new(),
            fault: None,
            place: None,
            standing: Standing::default(),
        })))
    }

    /// A record of nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Hands the record on; this one is empty afterwards.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Unix seconds at which the call began.
    #[must_use]
    pub fn began(&self) -> i64 {
        self.0.as_ref().map_or(0, |facts| facts.began)
    }

    pub fn caller(&mut self, caller: &Arc<Caller>) {
        self.with(|facts| facts.caller = Some(caller.clone()));
    }

    pub fn call(&mut self, call: &RawCall) {
        self.with(|facts| {
            facts.model.clone_from(&call.model);
            facts.stream = call.stream;
            facts.input_bytes = call.head.body().len();
            facts.search_context = call.hosted.search_context;
        });
    }

    pub fn place(&mut self, place: Place) {
        self.with(|facts| facts.place = Some(place));
    }

    /// How the key stood with its limits when the call was let in or refused.
    pub fn stands(&mut self, standing: Standing) {
        self.with(|facts| facts.standing = standing);
    }

    #[must_use]
    pub fn standing(&self) -> Standing {
        let facts = self.0.as_ref();
        facts.map_or_else(Standing::default, |facts| facts.standing)
    }

    pub fn attempt(&mut self, offer: &Arc<Offer>, dropped: &[String]) {
        offer.tally.attempts.fetch_add(1, Relaxed);
        self.with(|facts| {
            facts.attempts += 1;
            facts.offer = Some(offer.clone());
            facts.dropped = dropped.to_vec();
        });
    }

    /// An attempt failed and another one follows.
    pub fn failed(&mut self, offer: &Offer, fault: &Fault) {
        self.with(|facts| {
            let why = format!("{}: {}", offer.facts.id, said(fault));
            facts.failed.push(why);
        });
    }

    /// The first content of the answer is here.
    pub fn first_content(&mut self) {
        self.with(|facts| {
            let after = facts.started.elapsed();
            facts.first_content = Some(after);
            if let Some(offer) = &facts.offer {
                add(&offer.tally.first_contents, 1);
                add(&offer.tally.first_content_ms, millis(after));
            }
        });
    }

    /// Reads the meter and prices what it counted; returns the cost so far as exact decimal text.
    pub fn meter(&mut self, meter: &Meter) -> Option<Money> {
        let facts = self.0.as_mut()?;
        let (usage, counted) = meter.usage_or_estimate(facts.input_bytes, facts.search_context);
        facts.usage = usage;
        facts.counted = Some(counted);
        facts.reported = meter.reported;
        let offer = facts.offer.as_ref()?;
        facts.cost = match offer.facts.cost(&usage, facts.began) {
            Ok(cost) => {
                facts.unpriced = cost.unpriced;
                Some(cost.total)
            }
            Err(unpriced) => {
                tracing::error!(offer = %offer.facts.id, %unpriced, "an answer could not be priced");
                None
            }
        };
        facts.cost
    }

    /// Ends the record: what was used is counted, and the line is written.
    pub fn end(&mut self, outcome: Outcome, status: u16, fault: Option<&Fault>) {
        let Some(mut facts) = self.0.take() else {
            return;
        };
        facts.fault = fault.map(said);
        facts.end(outcome, status);
    }

    fn with(&mut self, set: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.0 {
            set(facts);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(Outcome::ClientGone, 499, None);
    }
}

impl Facts {
    fn end(&mut self, outcome: Outcome, status: u16) {
        self.tell_limits(outcome);
        if let Some(offer) = &self.offer {
            let tally = &offer.tally;
            add(&tally.input_tokens, self.usage.input_total());
            add(&tally.output_tokens, self.usage.output);
            for (unit, count) in self.unpriced.iter() {
                add(&tally.unpriced_uses, count);
                tracing::error!(offer = %offer.facts.id, unit = unit.name(), count,
                    "the provider ran what has no price here: it is in no cost");
            }
            add(
                &tally.cost_pico,
                self.cost.map_or(0, |cost| cost.pico().unsigned_abs()),
            );
        }
        self.gateway.telemetry.ended(&Line {
            unix: self.began,
            request_id: &self.request_id,
            route: self.door.route,
            status: Status {
                code: status,
                outcome: outcome.name(),
            },
            account: self
                .caller
                .as_ref()
                .map(|caller| caller.account_name.as_str()),
            key: self.caller.as_ref().map(|caller| caller.key_id.as_str()),
            model: &self.model,
            offer: self.offer.as_ref().map(|offer| offer.facts.id.as_ref()),
            provider: self.offer.as_ref().map(|offer| offer.provider.id.as_str()),
            stream: self.stream,
            attempts: self.attempts,
            usage: self.usage,
            counted: self.counted.map(Counted::name),
            cost: self.cost,
            reported_cost: self.reported,
            unpriced: self.unpriced,
            first_content: self.first_content,
            took: self.started.elapsed(),
            dropped: &self.dropped,
            failed: &self.failed,
            fault: self.fault.as_deref(),
        });
    }

    /// Makes the tokens that were reserved of the key's limit those that were counted.
    fn tell_limits(&mut self, outcome: Outcome) {
        let Some(place) = &mut self.place else { return };
        if self.counted.is_none() && outcome == Outcome::ClientGone {
            // Whoever leaves before anything was counted has made the provider work all the same.
            place.used_as_reserved();
        } else {
            let used = self.usage.input_total().saturating_add(self.usage.output);
            place.used(used, self.gateway.clock.elapsed());
        }
    }
}

impl Outcome {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Broken => "broken",
            Self::ClientGone => "client_gone",
        }
    }
}

fn said(fault: &Fault) -> String {
    format!("{:?}: {fault}", fault.kind)
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Relaxed);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
