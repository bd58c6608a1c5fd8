//! Output that is paid for slice by slice: a stream whose client set no limit holds money for what
//! comes next, and more of it as it comes.
//!
//! Invariant: no more is told than is paid for, but for the frame that comes to more. A token is
//! reckoned for each byte, so that nothing which is shown is billed beyond what is held. More is
//! asked for when half of a slice is left, so that no chunk waits.

use super::meter::Meter;
use super::settle::Record;
use std::pin::Pin;
use std::task::{Context, Poll};
use vane_catalog::{Money, Rate};
use vane_ledger::{Hold, Short};

/// Tokens that are paid for at a time.
pub(super) const SLICE_TOKENS: u64 = 2_048;
/// An answer is not begun, and not gone on with, for less.
pub(super) const LEAST_TOKENS: u64 = 256;

/// What of an answer is paid for as it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    /// What a token costs at the dearest offer of the plan.
    pub(super) rate: Rate,
    /// Tokens of output that are paid for.
    pub(super) paid: u64,
    /// The most that is ever written.
    pub(super) output_max: u64,
}

impl Slice {
    /// Tokens that may be told: any number, where all that may be written is paid for.
    pub(super) const fn reach(&self) -> u64 {
        match self.paid < self.output_max {
            true => self.paid,
            false => u64::MAX,
        }
    }
}

/// The slices of a running stream.
pub(super) struct Slices {
    slice: Slice,
    /// From so many tokens on, more is asked for.
    ask_at: u64,
    asking: Option<Asking>,
}

/// More money that the ledger is asked for, and the tokens that it pays for.
struct Asking {
    held: Pin<Box<dyn Future<Output = Result<Hold, Short>> + Send>>,
    tokens: u64,
}

/// Whether what has come is paid for.
pub(super) enum Paid {
    Yes,
    /// It is being asked.
    Soon,
    /// There is no more money.
    No(Spent),
}

/// What has no more money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    Balance,
    Budget,
    /// Nothing can be lent at present.
    Ledger,
}

impl Slices {
    pub(super) fn new(slice: Slice) -> Self {
        let mut slices = Self {
            slice,
            ask_at: 0,
            asking: None,
        };
        slices.ask_ahead();
        slices
    }

    /// Whether [`Self::poll_paid`] has anything to do.
    pub(super) fn is_due(&self, meter: &Meter) -> bool {
        meter.tokens_at_most() >= self.ask_at || self.asking.is_some()
    }

    /// Sees to it that what has come is paid for, and half a slice beyond.
    pub(super) fn poll_paid(
        &mut self,
        cx: &mut Context<'_>,
        meter: &Meter,
        record: &mut Record,
    ) -> Paid {
        let came = meter.tokens_at_most();
        loop {
            if let Some(asking) = &mut self.asking {
                let Poll::Ready(held) = asking.held.as_mut().poll(cx) else {
                    return match came < self.slice.paid {
                        true => Paid::Yes,
                        false => Paid::Soon,
                    };
                };
                let tokens = asking.tokens;
                self.asking = None;
                match held {
                    Ok(more) => match record.join(more) {
                        true => self.paid_for(tokens),
                        // What the call holds was returned meanwhile: nothing pays for more of it.
                        false => return self.wait(came).unwrap_or(Paid::No(Spent::Ledger)),
                    },
                    Err(short) => match self.fewer(&short, tokens) {
                        Some(fewer) => self.ask(fewer, record),
                        None => {
                            let spent = Spent::of(&short);
                            return self.wait(came).unwrap_or(Paid::No(spent));
                        }
                    },
                }
                continue;
            }
            if came < self.ask_at {
                return Paid::Yes;
            }
            let behind = came.saturating_sub(self.slice.paid);
            self.ask(SLICE_TOKENS.saturating_add(behind), record);
        }
    }

    /// The answer has its stop: what is left of it is told, whoever pays for it.
    pub(super) fn end(&mut self) {
        self.slice.output_max = 0;
        self.ask_ahead();
    }

    /// Tokens that may be told.
    pub(super) const fn reach(&self) -> u64 {
        self.slice.reach()
    }

    /// Takes money for so many tokens from what this process has, or asks the ledger.
    fn ask(&mut self, tokens: u64, record: &mut Record) {
        // More than money can be is more than anyone has.
        let most = Money::from_pico(i64::MAX);
        let by = self.slice.rate.amount(tokens).unwrap_or(most);
        if record.extend(by) {
            return self.paid_for(tokens);
        }
        let held = Box::pin(record.more(by));
        self.asking = Some(Asking { held, tokens });
    }

    /// What is paid for goes on. When that is used up it is asked again: there may be more by then.
    fn wait(&mut self, came: u64) -> Option<Paid> {
        (came < self.slice.paid).then(|| {
            self.ask_at = self.slice.paid;
            Paid::Yes
        })
    }

    fn paid_for(&mut self, tokens: u64) {
        self.slice.paid = self.slice.paid.saturating_add(tokens);
        self.ask_ahead();
    }

    fn ask_ahead(&mut self) {
        self.ask_at = match self.slice.reach() {
            u64::MAX => u64::MAX,
            paid => paid.saturating_sub(SLICE_TOKENS / 2),
        };
    }

    /// What is there of money for so many tokens, if that is worth going on.
    fn fewer(&self, short: &Short, tokens: u64) -> Option<u64> {
        let there = short.there_of(self.slice.rate.amount(tokens)?)?;
        let rate = self.slice.rate.pico_per_token();
        let fewer = u64::try_from(there.pico().checked_div(rate)?).ok()?;
        (LEAST_TOKENS..tokens).contains(&fewer).then_some(fewer)
    }
}

impl Spent {
    const fn of(short: &Short) -> Self {
        match short {
            Short::Balance { .. } => Self::Balance,
            Short::Budget { .. } => Self::Budget,
            Short::Away(_) => Self::Ledger,
        }
    }

    /// As a client is told.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Budget => "budget",
            Self::Ledger => "unavailable",
        }
    }
}
