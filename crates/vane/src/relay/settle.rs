//! The record of a call: filled along the walk, ended exactly once.
//!
//! Whatever becomes of a call, a refusal, an answer, a cut, a client that left, its record ends
//! in one access-log line and, where anyone was asked, in one receipt. What the call cost is
//! settled before its last byte is told. A record that is dropped without an end was left by its
//! client, or by a panic.

use super::decode::RawCall;
use super::hold;
use super::inbound::Door;
use super::meter::{Basis, Counted, Counts, Meter};
use super::noted::Noted;
use super::plan;
use super::receipt;
use super::whole;
use crate::gateway::Gateway;
use crate::limits::{Place, Standing};
use crate::telemetry::{Line, Status};
use crate::upstream::Offer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;
use vane_catalog::{Cost, Money};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::usage::Units;
use vane_dialect::{Fault, Usage};
use vane_ledger::book::{Attempt, Ended, Settlement, Status as Settled};
use vane_ledger::{AccountId, Caller, Hold, Settling, Short};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Ended in the middle, because there was no more money for it.
    Stopped,
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
    /// Until they are settled.
    attempts: Vec<Attempt>,
    asked: usize,
    /// Of the last attempt.
    basis: Basis,
    offer: Option<Arc<Offer>>,
    /// When that was asked.
    asked_at: Instant,
    /// It has a connection, so that it may have read the call.
    is_sent: bool,
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
    /// The call whose answer was given again.
    replayed: Option<String>,
    place: Option<Place>,
    /// Money set aside; taken when the call is settled.
    hold: Option<Hold>,
    undelivered: bool,
    noted: Noted,
    standing: Standing,
}

impl Record {
    #[must_use]
    pub fn begin(gateway: &Arc<Gateway>, door: Door, request_id: String) -> Self {
        gateway.telemetry.begun();
        let started = Instant::now();
        Self(Some(Box::new(Facts {
            gateway: gateway.clone(),
            door,
            request_id,
            started,
            began: gateway.clock.now(),
            caller: None,
            model: String::new(),
            stream: false,
            attempts: Vec::new(),
            asked: 0,
            basis: Basis::default(),
            offer: None,
            asked_at: started,
            is_sent: false,
            first_content: None,
            usage: Usage::default(),
            counted: None,
            cost: None,
            reported: None,
            unpriced: Units::default(),
            dropped: Vec::new(),
            failed: Vec::new(),
            fault: None,
            replayed: None,
            place: None,
            hold: None,
            undelivered: false,
            noted: Noted::default(),
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

    /// Empty for a record of nothing.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.0.as_ref().map_or("", |facts| &facts.request_id)
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
        });
    }

    /// The call may begin: it has its place, and money was set aside for it.
    pub fn admitted(&mut self, place: Place, hold: Hold) {
        self.with(|facts| {
            facts.place = Some(place);
            facts.hold = Some(hold);
        });
    }

    /// Sets more aside for the running call, if this process has it.
    pub fn extend(&mut self, by: Money) -> bool {
        let hold = self.0.as_mut().and_then(|facts| facts.hold.as_mut());
        hold.is_some_and(|hold| hold.extend(by))
    }

    /// Asks the ledger for more money of who pays for the call.
    pub fn more(&self, by: Money) -> impl Future<Output = Result<Hold, Short>> + use<> {
        let facts = self.0.as_ref();
        let asks = facts.and_then(|facts| Some((facts.gateway.clone(), facts.caller.clone()?)));
        async move {
            let over = || Short::Away("the call has ended".to_owned());
            let (gateway, caller) = asks.ok_or_else(over)?;
            gateway.replica.hold(hold::payer(&caller), by).await
        }
    }

    /// More money was set aside for the call. Whether it pays for more.
    #[must_use]
    pub fn join(&mut self, more: Hold) -> bool {
        let hold = self.0.as_mut().and_then(|facts| facts.hold.as_mut());
        hold.is_some_and(|hold| hold.join(more))
    }

    /// No more output than this was paid for: what is estimated is not more.
    pub fn paid(&mut self, tokens: u64) {
        self.with(|facts| facts.basis.output_max = facts.basis.output_max.min(tokens));
    }

    /// Sets aside what a whole answer cost beyond what was held, if this process has it.
    pub fn cover(&mut self) {
        self.with(Facts::cover);
    }

    /// Nobody is asked: the answer of this call is given again.
    pub fn replayed(&mut self, call: String) {
        self.with(|facts| facts.replayed = Some(call));
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

    /// An offer is asked, which the books learn even if this process dies now.
    pub fn attempt(&mut self, offer: &Arc<Offer>, dropped: &[String], basis: Basis) {
        offer.tally.attempts.fetch_add(1, Relaxed);
        self.with(|facts| {
            let now = Instant::now();
            facts.asked_at = now;
            facts.is_sent = false;
            let after = now - facts.started;
            let begun = receipt::begun(&offer.facts, &basis, dropped, after);
            facts.attempts.push(begun);
            facts.asked = facts.attempts.len();
            offer.seen.asked();
            facts.basis = basis;
            facts.offer = Some(offer.clone());
            facts.dropped = dropped.to_vec();
            facts.note(&Meter::default(), Some(Money::ZERO), now);
        });
    }

    /// The offer that is asked has a connection.
    pub fn sending(&mut self) {
        self.with(|facts| facts.is_sent = true);
    }

    /// The attempt that was made last failed before it had any content.
    pub fn attempt_failed(&mut self, fault: &Fault) {
        self.with(|facts| {
            let took = facts.asked_at.elapsed();
            if let Some(attempt) = facts.running() {
                receipt::failed(attempt, fault, took);
            }
            facts.is_failed(fault);
        });
    }

    /// The answer is here and cannot be given: it costs its customer nothing.
    pub fn undelivered(&mut self) {
        self.with(|facts| facts.undelivered = true);
    }

    /// Another attempt follows one that failed.
    pub fn failed(&mut self, offer: &Offer, fault: &Fault) {
        self.with(|facts| {
            let why = format!("{}: {}", offer.facts.id, said(fault));
            facts.failed.push(why);
        });
    }

    /// The first content of the answer is here.
    pub fn first_content(&mut self) {
        self.with(|facts| {
            let now = Instant::now();
            let (after, waited) = (now - facts.started, now - facts.asked_at);
            facts.first_content = Some(after);
            if let Some(attempt) = facts.running() {
                attempt.times.first_content_ms = Some(receipt::millis(waited));
            }
            if let Some(offer) = &facts.offer {
                add(&offer.tally.first_contents, 1);
                add(&offer.tally.first_content_ms, millis(after));
                if facts.stream {
                    offer.seen.first_content(waited);
                }
            }
        });
    }

    /// Reads the meter and prices what it counted; returns the cost so far as exact decimal text.
    pub fn meter(&mut self, meter: &Meter) -> Option<Money> {
        let facts = self.0.as_mut()?;
        facts.price(meter);
        facts.cost
    }

    /// All that the meter has counted was told to the client: should the process die, the client
    /// pays for that.
    pub fn told(&mut self, meter: &Meter) {
        self.with(|facts| {
            let hold = facts.hold.as_ref();
            let is_limited = hold.is_some_and(|hold| hold.limit().is_some());
            if let Some(now) = facts.noted.due(meter.output_bytes, is_limited) {
                facts.note(meter, None, now);
            }
        });
    }

    /// Settles what the call cost, once. What depends on it may be told when that has resolved;
    /// there is none where nobody was asked.
    ///
    /// # Errors
    /// When it cannot be recorded: then the rest of the answer must not be given.
    pub fn settle(&mut self, outcome: Outcome) -> Result<Option<Settling>, Fault> {
        let Some(facts) = self.0.as_mut() else {
            return Ok(None);
        };
        facts.settle(outcome)
    }

    /// Ends the record: what was used is counted, and the line is written.
    pub fn end(&mut self, outcome: Outcome, status: u16, fault: Option<&Fault>) {
        let Some(mut facts) = self.0.take() else {
            return;
        };
        let now = Instant::now();
        facts.fault = fault.map(said);
        match (outcome, &facts.offer, fault) {
            (Outcome::Done, Some(offer), _) => {
                let took = now - facts.asked_at;
                offer.seen.answered(facts.usage.output, took);
            }
            // Without content it was told by its attempt.
            (Outcome::Broken, _, Some(fault)) if facts.first_content.is_some() => {
                facts.is_failed(fault);
            }
            _ => {}
        }
        if let (Some(fault), Some(attempt)) = (fault, facts.attempts.last_mut()) {
            attempt.fault = receipt::cut(said(fault));
        }
        // Where it was not settled before, nobody waits for it.
        let _unawaited = facts.settle(outcome);
        facts.end(outcome, status, now);
    }

    /// A failure of ours costs what was delivered, and nothing before that.
    fn broken_here(&mut self, status: u16, fault: &Fault) {
        self.with(|facts| facts.undelivered |= facts.first_content.is_none());
        self.end(Outcome::Broken, status, Some(fault));
    }

    fn is_cut(&self) -> bool {
        let facts = self.0.as_ref();
        facts.is_some_and(|facts| facts.gateway.cut.load(Relaxed))
    }

    fn with(&mut self, set: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.0 {
            set(facts);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let fault = Fault::new(Kind::Internal, Blame::Us, "Vane has a defect: see its log");
            return self.broken_here(500, &fault);
        }
        if self.is_cut() {
            let message = "Vane was stopped before the call had ended";
            let fault = Fault::new(Kind::Unavailable, Blame::Us, message);
            return self.broken_here(503, &fault);
        }
        self.end(Outcome::ClientGone, 499, None);
    }
}

impl Facts {
    /// The offer that was asked last has failed, if it is to blame.
    fn is_failed(&self, fault: &Fault) {
        if let (Some(offer), Blame::Upstream) = (&self.offer, fault.blame) {
            offer.seen.failed();
        }
    }

    /// The attempt that was made last, while it has not ended.
    fn running(&mut self) -> Option<&mut Attempt> {
        let last = self.attempts.last_mut();
        last.filter(|attempt| attempt.outcome == Ended::Interrupted)
    }

    /// What a meter's counts come to.
    fn reckon(&self, meter: &Meter) -> Option<(Counts, Cost)> {
        let offer = self.offer.as_ref()?;
        let counts = meter.counts(&self.basis);
        let unasked = |unpriced| {
            tracing::error!(offer = %offer.facts.id, %unpriced, "an answer is billed at the standard rates");
        };
        match plan::cost(offer, &counts.usage, self.began, unasked) {
            Ok(cost) => Some((counts, cost)),
            Err(unpriced) => {
                tracing::error!(offer = %offer.facts.id, %unpriced, "an answer could not be priced");
                None
            }
        }
    }

    fn price(&mut self, meter: &Meter) {
        self.reported = meter.reported;
        let Some((counts, cost)) = self.reckon(meter) else {
            self.cost = None;
            return;
        };
        self.usage = counts.usage;
        self.counted = Some(counts.counted);
        self.unpriced = cost.unpriced;
        self.cost = Some(cost.total);
        if let Some(attempt) = self.attempts.last_mut() {
            receipt::priced(attempt, &counts, &cost);
        }
    }

    /// Tells the journal what the call has cost so far, and what of it its customer would pay.
    fn note(&self, meter: &Meter, pays_max: Option<Money>, now: Instant) {
        if cfg!(feature = "unledgered") {
            return;
        }
        let (Some(hold), Some((counts, cost))) = (&self.hold, self.reckon(meter)) else {
            return;
        };
        let mut attempts = self.attempts.clone();
        if let Some(attempt) = attempts.last_mut() {
            receipt::priced(attempt, &counts, &cost);
            attempt.times.took_ms = receipt::millis(now - self.asked_at);
        }
        let settlement = self.settlement(Settled::Interrupted, attempts, pays_max, now);
        self.gateway.replica.opened(hold, settlement);
    }

    fn settlement(
        &self,
        status: Settled,
        attempts: Vec<Attempt>,
        pays_max: Option<Money>,
        now: Instant,
    ) -> Settlement {
        let caller = self.caller.as_ref();
        Settlement {
            call: self.request_id.clone(),
            account: caller.map_or(AccountId(0), |caller| caller.account_id),
            key: caller.map_or_else(String::new, |caller| caller.key_id.clone()),
            hold: None,
            model: self.model.clone(),
            status,
            attempts,
            pays_max,
            reported: self.reported,
            stream: self.stream,
            took_ms: receipt::millis(now - self.started),
        }
    }

    fn cover(&mut self) {
        let cost = self.cost.unwrap_or_default();
        if let Some(hold) = &mut self.hold
            && let Some(beyond) = hold.limit().and_then(|held| cost.checked_sub(held))
            && beyond > Money::ZERO
        {
            // What is not there is the operator's loss.
            let _covered = hold.extend(beyond);
        }
    }

    fn settle(&mut self, outcome: Outcome) -> Result<Option<Settling>, Fault> {
        if self.basis.reads {
            self.cover();
        }
        let hold = self.hold.take().filter(|_| !self.attempts.is_empty());
        let Some(hold) = hold.filter(|_| !cfg!(feature = "unledgered")) else {
            return Ok(None);
        };
        let (status, ended) = receipt::ending(outcome);
        let now = Instant::now();
        if self.running().is_some() {
            // A client that left before anything came has had its call accepted, if it was sent.
            let unheard = outcome == Outcome::ClientGone && self.first_content.is_none();
            if unheard && self.is_sent {
                self.price(&Meter::default());
            }
            let took = now - self.asked_at;
            if let Some(attempt) = self.running() {
                receipt::ended(attempt, ended, took);
            }
        }
        let pays_max = self.undelivered.then_some(Money::ZERO);
        let attempts = std::mem::take(&mut self.attempts);
        let settlement = self.settlement(status, attempts, pays_max, now);
        let cost = self.cost.unwrap_or_default();
        let settled = self.gateway.replica.settle(hold, settlement, cost);
        settled
            .map(Some)
            .map_err(|refused| whole::unrecorded(&refused))
    }

    fn end(&mut self, outcome: Outcome, status: u16, now: Instant) {
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
            attempts: self.asked,
            usage: self.usage,
            counted: self.counted.map(Counted::name),
            cost: self.cost,
            reported_cost: self.reported,
            unpriced: self.unpriced,
            first_content: self.first_content,
            took: now - self.started,
            dropped: &self.dropped,
            failed: &self.failed,
            fault: self.fault.as_deref(),
            replayed: self.replayed.as_deref(),
        });
    }

    /// Makes the tokens that were reserved of the key's limit those that were counted.
    fn tell_limits(&mut self, outcome: Outcome) {
        let Some(place) = &mut self.place else { return };
        if self.first_content.is_none() && outcome == Outcome::ClientGone {
            // Whoever leaves before anything came has made the provider work all the same.
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
            Self::Stopped => "stopped",
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
