//! Every receipt, once, in the order of arrival.
//!
//! Each is a link of its customer's chain, costs what its lines and prices come to, and was paid
//! for by whom it says, within what was held and delivered. What it adds to leases, transactions
//! and roll-ups is summed up on the way and held against those at the end.

use std::collections::{HashMap, HashSet};

use vane_catalog::Money;

use super::chains::Chains;
use super::sums::Sums;
use super::{Audited, Halt, broken};
use crate::book::{Attempt, Ended, Receipt, Refusal, Settlement, Status};
use crate::error::LedgerError;
use crate::store::Txn;
use crate::store::books::{DETAILS, RECEIPT, receipt_of};

/// Leases that are remembered at most.
const LEASES_MAX: usize = 1 << 16;

/// Version, provider, model, bucket and price.
type Rate = (String, String, String, String, i64);

/// What of receipts is looked at one by one.
pub(crate) struct Walk<'t> {
    txn: Txn<'t>,
    rates: HashSet<Rate>,
    /// Account and key of leases that were seen lately.
    leases: HashMap<String, Option<(i64, Option<String>)>>,
    /// The usage transaction that was looked up last.
    usage: i64,
    sums: Sums,
}

pub(super) fn walk(
    txn: Txn<'_>,
    chains: &mut Chains<'_>,
    audited: &mut Audited,
) -> Result<Sums, Halt> {
    let mut walk = Walk::new(txn)?;
    // In pages: on PostgreSQL nothing else can be asked while an answer is being read.
    let sql = format!("SELECT {RECEIPT} FROM receipt WHERE n > ?1 ORDER BY n LIMIT 1000");
    let mut last = 0_i64;
    loop {
        let page = txn.rows(&sql, &[&last], |row| {
            Ok((receipt_of(row)?, row.get::<Vec<u8>>(DETAILS)?))
        })?;
        let Some((newest, _)) = page.last() else {
            return Ok(walk.sums);
        };
        last = newest.n;
        for (receipt, details) in &page {
            let prepaid = chains.enter(receipt, details, audited)?.prepaid;
            walk.prove(receipt, prepaid)?;
            audited.receipts = audited.receipts.saturating_add(1);
        }
    }
}

fn rates(txn: Txn<'_>) -> Result<HashSet<Rate>, LedgerError> {
    let sql = "SELECT version, provider, model, bucket, price FROM rate";
    let mut rates = HashSet::new();
    txn.each(sql, &[], |row| {
        let [version, provider, model, bucket] = [0, 1, 2, 3].map(|column| row.get(column));
        rates.insert((version?, provider?, model?, bucket?, row.get(4)?));
        Ok::<_, LedgerError>(())
    })?;
    Ok(rates)
}

impl<'t> Walk<'t> {
    pub(crate) fn new(txn: Txn<'t>) -> Result<Self, LedgerError> {
        Ok(Self {
            txn,
            rates: rates(txn)?,
            leases: HashMap::new(),
            usage: 0,
            sums: Sums::default(),
        })
    }

    /// Proves what a receipt says, but for its place in its chain.
    pub(crate) fn prove(&mut self, receipt: &Receipt, prepaid: bool) -> Result<(), Halt> {
        self.look(receipt, prepaid).map_err(|halt| match halt {
            Halt::Broken(mut broken) => {
                broken.what = format!("call {}: {}", receipt.settlement.call, broken.what);
                Halt::Broken(broken)
            }
            halt @ Halt::Ledger(_) => halt,
        })
    }

    fn look(&mut self, receipt: &Receipt, prepaid: bool) -> Result<(), Halt> {
        let mut cost = 0_i128;
        for attempt in &receipt.settlement.attempts {
            cost = cost.saturating_add(i128::from(self.cost(attempt)?.pico()));
        }
        if cost != i128::from(receipt.cost.pico()) {
            return broken(7, "its cost is not the sum of its attempts");
        }
        outcomes(&receipt.settlement)?;
        times(&receipt.settlement)?;
        paid(receipt, prepaid)?;
        self.lease(receipt)?;
        self.usage(receipt.txn)?;
        self.sums.add(receipt);
        Ok(())
    }

    fn cost(&self, attempt: &Attempt) -> Result<Money, Halt> {
        for line in &attempt.lines {
            let rate = (
                attempt.rate_version.clone(),
                attempt.provider.clone(),
                attempt.model.clone(),
                line.bucket.clone(),
                line.price.pico(),
            );
            if !self.rates.contains(&rate) {
                return broken(7, "a price was never one of its rate version");
            }
        }
        attempt.cost().or_else(|why| match why {
            Refusal::Quantity => broken(8, why.to_string()),
            why => broken(7, why.to_string()),
        })
    }

    /// The lease that it was paid out of is one of its account, and of its key.
    fn lease(&mut self, receipt: &Receipt) -> Result<(), Halt> {
        let made = &receipt.settlement;
        let Some(hold) = made.hold.as_ref().filter(|_| receipt.spent > Money::ZERO) else {
            return Ok(());
        };
        if !self.leases.contains_key(&hold.lease) {
            if self.leases.len() >= LEASES_MAX {
                self.leases.clear();
            }
            let sql = "SELECT account, key FROM lease WHERE id = ?1";
            let found = self
                .txn
                .one(sql, &[&hold.lease], |row| Ok((row.get(0)?, row.get(1)?)))?;
            self.leases.insert(hold.lease.clone(), found);
        }
        match self.leases.get(&hold.lease) {
            Some(Some((account, key)))
                if *account == made.account.0
                    && key.as_ref().is_none_or(|key| *key == made.key) =>
            {
                Ok(())
            }
            _ => broken(3, "its lease is missing, or of another account or key"),
        }
    }

    /// The transaction that it is a leg of is one of usage.
    fn usage(&mut self, n: i64) -> Result<(), Halt> {
        if n == self.usage {
            return Ok(());
        }
        let sql = "SELECT 1 FROM txn WHERE n = ?1 AND kind = 'usage'";
        if self.txn.one(sql, &[&n], |_| Ok(()))?.is_none() {
            return broken(
                1,
                format!("its transaction {n} is missing, or not of usage"),
            );
        }
        self.usage = n;
        Ok(())
    }
}

/// Everyone who was asked has an outcome. Another is asked only after one that failed before it had
/// said anything; the last one ended as the call did.
fn outcomes(made: &Settlement) -> Result<(), Halt> {
    let Some((last, before)) = made.attempts.split_last() else {
        return broken(13, "it was settled and nobody was asked");
    };
    let of_nobody = |attempt: &Attempt| attempt.provider.is_empty() || attempt.model.is_empty();
    if made.attempts.iter().any(of_nobody) {
        return broken(13, "an attempt does not say who was asked");
    }
    let failed = |attempt: &Attempt| attempt.outcome == Ended::FailedUnbilled;
    if !before.iter().all(failed) {
        return broken(13, "an attempt follows one that has not failed");
    }
    let ended = match made.status {
        Status::Done => last.outcome == Ended::Done,
        Status::Stopped | Status::Interrupted => last.outcome == Ended::Interrupted,
        // Also between two attempts.
        Status::ClientGone => last.outcome == Ended::Interrupted || failed(last),
        Status::Failed => last.outcome == Ended::FailedBilled || failed(last),
    };
    if !ended {
        let (status, outcome) = (made.status.as_str(), last.outcome.as_str());
        return broken(
            13,
            format!("it is {status}, and its last attempt {outcome}"),
        );
    }
    Ok(())
}

/// Attempts lie within their call, one after another, and only the last one can have had content.
fn times(made: &Settlement) -> Result<(), Halt> {
    let mut free = 0;
    let last = made.attempts.len().saturating_sub(1);
    for (n, attempt) in made.attempts.iter().enumerate() {
        let times = attempt.times;
        if times.began_ms < free {
            return broken(14, "an attempt began before the one before it had ended");
        }
        if times.first_content_ms > Some(times.took_ms) {
            return broken(14, "the first content of an attempt came after its end");
        }
        if n < last && times.first_content_ms.is_some() {
            return broken(14, "an attempt follows one that had content");
        }
        free = times.end_ms();
    }
    if free > made.took_ms {
        return broken(14, "an attempt ended after its call");
    }
    Ok(())
}

/// Whoever pays pays no more than was delivered and held; who needs no balance pays all of it.
fn paid(receipt: &Receipt, prepaid: bool) -> Result<(), Halt> {
    let made = &receipt.settlement;
    let due = made
        .pays_max
        .map_or(receipt.cost, |most| receipt.cost.min(most));
    let held = made.hold.as_ref().map(|hold| hold.amount);
    let (charged, spent) = (receipt.charged, receipt.spent);
    if charged < Money::ZERO || charged > due {
        return broken(6, "it was charged more than it cost, or than was delivered");
    }
    if !prepaid && charged != due {
        return broken(6, "it was charged less than was delivered");
    }
    if prepaid && held.is_some_and(|held| charged > held) {
        return broken(6, "it was charged more than was held for it");
    }
    if spent < Money::ZERO || spent > charged.min(held.unwrap_or(Money::ZERO)) {
        return broken(6, "more came out of its lease than was held, or charged");
    }
    Ok(())
}
