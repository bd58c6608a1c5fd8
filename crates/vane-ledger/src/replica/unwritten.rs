//! Settlements that the journal may not have: they are written again until it has them.
//!
//! A call whose settlement is not written has not been given to its customer, who does not pay for
//! it; the provider is owed for it all the same. Invariant: a settlement is forgotten only when a
//! ticket says that it is written, when too many wait, or when it is larger than any record may be:
//! then it would never be written, nor what waits behind it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use vane_catalog::Money;

use super::entered::{Entered, Entering};
use super::funds::Funds;
use super::hold::Charge;
use super::record;
use crate::account::AccountId;
use crate::book::{Act, Op};
use crate::journal::{DiskError, Durability, Journal, Position, Refused, Ticket};

/// Settlements kept in memory while the disk takes none.
const WAITING_MAX: usize = 10_000;

pub(super) struct Unwritten {
    funds: Arc<Funds>,
    /// Not kept alive by who waits.
    journal: Weak<Journal>,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    /// Payloads that the journal did not take.
    waiting: VecDeque<Vec<u8>>,
    /// What was submitted and whose writing nobody waits for.
    submitted: Vec<(Ticket, Submitted)>,
}

enum Submitted {
    First(Box<Sent>),
    Again(Vec<u8>),
}

/// A settlement on its way into the journal.
pub(super) struct Sent {
    op: Op,
    account: AccountId,
    charge: Charge,
}

impl Sent {
    pub(super) fn new(op: Op, account: AccountId, charge: Charge) -> Box<Self> {
        Box::new(Self {
            op,
            account,
            charge,
        })
    }
}

impl Unwritten {
    pub(super) fn new(funds: &Arc<Funds>, journal: &Arc<Journal>) -> Self {
        Self {
            funds: Arc::clone(funds),
            journal: Arc::downgrade(journal),
            lists: Mutex::default(),
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a settlement that the journal did not take, at the operator's cost.
    pub(super) fn keep(&self, op: Op) {
        let payload = unpaid(op);
        self.lists().keep(payload);
    }

    /// Has what was put into the journal written. One that has gone has written all.
    fn hurry(&self) {
        if let Some(journal) = self.journal.upgrade() {
            journal.write();
        }
    }

    fn failed(&self, sent: Sent) {
        self.funds.unsettled(sent.account, sent.charge.paid);
        sent.charge.undo();
        self.keep(sent.op);
    }

    /// Writes again what is not written, as far as the journal takes it.
    pub(super) fn write(&self, journal: &Journal) {
        let mut ended = Vec::new();
        let mut lists = self.lists();
        for (mut ticket, sent) in std::mem::take(&mut lists.submitted) {
            match Pin::new(&mut ticket).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => lists.submitted.push((ticket, sent)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => ended.push(sent),
            }
        }
        drop(lists);
        for sent in ended {
            match sent {
                Submitted::First(sent) => self.failed(*sent),
                Submitted::Again(payload) => self.lists().keep(payload),
            }
        }
        let mut lists = self.lists();
        while let Some(payload) = lists.waiting.pop_front() {
            match journal.submit(record::SETTLED, &payload, Durability::Crash) {
                Ok(ticket) => lists.submitted.push((ticket, Submitted::Again(payload))),
                Err(Refused::TooLarge { bytes, max }) => tracing::error!(
                    bytes,
                    max,
                    "a settlement is lost, its call is settled at the next start: \
                     it is too large for the journal"
                ),
                Err(_for_now) => return lists.waiting.push_front(payload),
            }
        }
    }

    /// Whether nothing waits or is on its way.
    pub(super) fn is_empty(&self) -> bool {
        let lists = self.lists();
        lists.waiting.is_empty() && lists.submitted.is_empty()
    }
}

impl Lists {
    fn keep(&mut self, payload: Vec<u8>) {
        // Bounded: a disk that stays full must not fill the memory too.
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(payload);
        } else {
            tracing::error!(
                most = WAITING_MAX,
                "a settlement is lost, its call is settled at the next start: \
                 too many wait for the journal"
            );
        }
    }
}

/// The settlement as one that its customer does not pay for.
fn unpaid(mut op: Op) -> Vec<u8> {
    if let Act::Settle(settlement) = &mut op.act {
        settlement.pays_max = Some(Money::ZERO);
    }
    record::settled(&op)
}

/// A settlement that is being written: resolves when it is as durable as it must be. If it is not,
/// the call costs its customer nothing, and what it would pay for must not be given.
///
/// It is written at the second look, so that calls that end in one turn of a thread are in the
/// journal by one write; nobody has to look for it to be written.
#[must_use = "what a settlement pays for may be given when it has resolved"]
pub struct Settling {
    ticket: Option<Ticket>,
    sent: Option<Box<Sent>>,
    looked: bool,
    unwritten: Arc<Unwritten>,
    /// Where it is to be in the store, too.
    entered: Option<Entered>,
    entering: Option<(Position, Entering)>,
}

impl Settling {
    pub(super) fn new(
        ticket: Ticket,
        sent: Box<Sent>,
        unwritten: &Arc<Unwritten>,
        entered: Option<Entered>,
    ) -> Self {
        Self {
            ticket: Some(ticket),
            sent: Some(sent),
            looked: false,
            unwritten: Arc::clone(unwritten),
            entered,
            entering: None,
        }
    }

    /// Whether it is in the journal.
    fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<Result<Position, DiskError>> {
        let Some(ticket) = &mut self.ticket else {
            return Poll::Pending;
        };
        if !ticket.is_reached() {
            if !std::mem::replace(&mut self.looked, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.unwritten.hurry();
        }
        let written = ready!(Pin::new(ticket).poll(context));
        self.ticket = None;
        if let (Err(_), Some(sent)) = (&written, self.sent.take()) {
            self.unwritten.failed(*sent);
        }
        Poll::Ready(written)
    }
}

impl Future for Settling {
    type Output = Result<Position, DiskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let settling = &mut *self;
        if settling.entering.is_none() {
            let position = ready!(settling.poll_written(context))?;
            let Some(entered) = settling.entered.take() else {
                return Poll::Ready(Ok(position));
            };
            settling.entering = Some((position, entered.until(position)));
        }
        let Some((position, entering)) = &mut settling.entering else {
            return Poll::Pending;
        };
        ready!(entering.as_mut().poll(context));
        Poll::Ready(Ok(*position))
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        if let (Some(ticket), Some(sent)) = (self.ticket.take(), self.sent.take()) {
            let sent = Submitted::First(sent);
            self.unwritten.lists().submitted.push((ticket, sent));
            self.unwritten.hurry();
        }
    }
}
