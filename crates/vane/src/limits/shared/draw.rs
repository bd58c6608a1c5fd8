//! A replica's part of one limit per minute that all replicas share.
//!
//! A slice is counted at the server before anything of it is used here, so what all replicas let
//! through is never more than was counted. It must be used within [`SLICE_LIFE`]: the server counts
//! three seconds longer than the minute for that. What is left of it then is given back.

use super::{Nonsense, Verdict};
use std::time::Duration;

/// Whole seconds, of which the one in which it was granted had begun: used before the third is over.
const SLICE_LIFE: Duration = Duration::from_secs(2);
/// After a refusal the server is asked again no sooner.
const QUIET: Duration = Duration::from_secs(1);
/// A slice is this part of the limit; a limit below it is drawn call by call.
const SLICES: u64 = 64;
/// More is not given back: it counts until it leaves the minute.
const BACK_MAX: usize = 8;

#[derive(Debug, Default)]
pub(in crate::limits) struct Draw {
    limit: u64,
    /// What may still be used, the server's second in which it is counted, and until when.
    left: u64,
    second: u64,
    until: Duration,
    /// What calls wait for: all of it, and the least of them.
    wanted: u64,
    need: u64,
    /// So often was it said that whoever still waits must say so again.
    answers: u64,
    /// Used, and not counted at the server.
    owed: u64,
    /// Counted at the server, by its second, and not used.
    back: Vec<(u64, u64)>,
    /// From when it is to be asked until it is answered.
    is_asking: bool,
    asked: Option<Asked>,
    /// So much did not fit, and will at that time.
    refused: Option<(u64, Duration)>,
    quiet_until: Duration,
    remaining: u64,
    resets_at: Duration,
}

/// A question that is not answered yet.
#[derive(Debug, Clone, Copy)]
struct Asked {
    want: u64,
    need: u64,
    at: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::limits) enum Fit {
    Now,
    Later(Duration),
    /// Only the server knows.
    Unknown,
}

impl Draw {
    /// The limit is this now; what was said of another one is forgotten.
    pub(in crate::limits) fn holds(&mut self, limit: u64) {
        if self.limit != limit {
            self.limit = limit;
            (self.refused, self.quiet_until) = (None, Duration::ZERO);
        }
    }

    /// The server may have forgotten everything.
    pub(in crate::limits) fn renew(&mut self) {
        (self.left, self.owed, self.refused) = (0, 0, None);
        self.quiet_until = Duration::ZERO;
        self.back.clear();
    }

    pub(in crate::limits) fn fit(&mut self, limit: u64, more: u64, now: Duration) -> Fit {
        self.holds(limit);
        if now > self.until {
            self.give_back_slice();
        }
        if self.left >= more {
            return Fit::Now;
        }
        match self.refused {
            Some((least, at)) if more >= least && now < self.quiet_until && now < at => {
                Fit::Later(at - now)
            }
            _ => Fit::Unknown,
        }
    }

    /// Uses what [`Fit::Now`] said is there; says in which of the server's seconds it counts.
    pub(in crate::limits) fn take(&mut self, more: u64) -> u64 {
        self.left -= more.min(self.left);
        self.second
    }

    /// A call waits for so much. `since` is what it was told when it said so last: until the next
    /// answer that holds, and saying it twice would draw what nobody uses.
    pub(in crate::limits) fn want(&mut self, more: u64, since: &mut Option<u64>) {
        if since.replace(self.answers) == Some(self.answers) {
            return;
        }
        self.wanted = self.wanted.saturating_add(more);
        self.need = match self.need {
            0 => more,
            need => need.min(more),
        };
    }

    /// What was taken in a second was not used.
    pub(in crate::limits) fn unused(&mut self, less: u64, second: u64, now: Duration) {
        // More than a slice is wanted elsewhere rather than here.
        let kept = match second == self.second && now <= self.until {
            true => self.slice().saturating_sub(self.left).min(less),
            false => 0,
        };
        self.left += kept;
        self.give_back(less - kept, second);
    }

    /// So much was used that was not taken before.
    pub(in crate::limits) fn used(&mut self, more: u64, now: Duration) {
        let taken = if now <= self.until {
            more.min(self.left)
        } else {
            0
        };
        self.left -= taken;
        self.owed = self.owed.saturating_add(more - taken);
    }

    /// Whether a question must be sent now; one is on its way at most.
    pub(in crate::limits) fn begins_to_ask(&mut self, now: Duration) -> bool {
        let back: u64 = self.back.iter().map(|(_, less)| less).sum();
        let tells = self.owed > 0 || back > self.slice();
        let asks = self.need > 0 || (self.is_low() && now >= self.quiet_until);
        let begins = !self.is_asking && self.limit > 0 && (asks || tells);
        self.is_asking |= begins;
        begins
    }

    pub(in crate::limits) fn remaining(&self, now: Duration) -> (u64, Duration) {
        let left = self.remaining.saturating_add(self.left);
        (
            left.saturating_sub(self.owed),
            self.resets_at.saturating_sub(now),
        )
    }

    /// The question to the server, as arguments of its script after the time.
    pub(in crate::limits) fn question(&mut self, now: Duration) -> Vec<u64> {
        if self.need > 0 {
            // Who waits needs more than is left; the server has it together with the rest.
            self.give_back_slice();
        }
        let ahead = if self.need > 0 || self.is_low() {
            self.slice()
        } else {
            0
        };
        let asked = Asked {
            want: self.wanted.saturating_add(ahead).min(self.limit),
            need: self.need,
            at: now,
        };
        (self.wanted, self.need) = (0, 0);
        self.asked = Some(asked);
        let owed = std::mem::take(&mut self.owed).min(AMOUNT_MAX);
        let mut arguments = vec![self.limit, asked.need, asked.want, owed];
        for (second, less) in self.back.drain(..) {
            arguments.extend([second, less.min(AMOUNT_MAX)]);
        }
        arguments
    }

    /// What the server said; who waits must ask again then.
    pub(in crate::limits) fn answered(&mut self, verdict: &Verdict) -> Result<(), Nonsense> {
        let asked = self.asked.take().ok_or(Nonsense)?;
        self.forget_waiting();
        if verdict.granted > asked.want {
            return Err(Nonsense);
        }
        self.is_asking = false;
        self.remaining = verdict.remaining.min(self.limit);
        self.resets_at = asked.at + verdict.resets;
        if verdict.granted > 0 {
            if verdict.second != self.second {
                self.give_back_slice();
            }
            self.left += verdict.granted;
            self.second = verdict.second;
            self.until = asked.at + SLICE_LIFE;
        }
        if verdict.granted < asked.want {
            self.quiet_until = asked.at + QUIET;
        }
        let is_refused = verdict.granted == 0 && asked.need > 0;
        self.refused = is_refused.then(|| (asked.need, asked.at + verdict.wait));
        Ok(())
    }

    /// The question will not be answered.
    pub(in crate::limits) fn unanswered(&mut self) {
        (self.is_asking, self.asked) = (false, None);
        self.forget_waiting();
    }

    fn forget_waiting(&mut self) {
        (self.wanted, self.need) = (0, 0);
        self.answers += 1;
    }

    fn slice(&self) -> u64 {
        self.limit / SLICES
    }

    fn is_low(&self) -> bool {
        self.left < self.slice().div_ceil(2)
    }

    fn give_back_slice(&mut self) {
        let left = std::mem::take(&mut self.left);
        self.give_back(left, self.second);
    }

    fn give_back(&mut self, less: u64, second: u64) {
        if less == 0 {
            return;
        }
        let known = self.back.iter_mut().find(|(known, _)| *known == second);
        if let Some((_, back)) = known {
            *back = back.saturating_add(less);
        } else if self.back.len() < BACK_MAX {
            self.back.push((second, less));
        }
    }
}

/// Exact in the server's numbers, which are floats; far above every limit.
const AMOUNT_MAX: u64 = 1 << 40;
