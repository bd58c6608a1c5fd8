//! What receipts come to, those that are gone too, held against the tables that say so.
//!
//! As long as all is sound, mixes of sums are enough. Where two differ, the row that is wrong is
//! looked for, with as much memory as that takes.

use std::collections::BTreeMap;
use std::hash::RandomState;

use vane_catalog::Money;

use super::checks::USAGE;
use super::mix::Mix;
use super::{Halt, broken, run};
use crate::account::AccountId;
use crate::book::Receipt;
use crate::error::LedgerError;
use crate::store::Txn;
use crate::store::books::{Hour, RECEIPT, Sums as HourSums, receipt_of};

const HOURS: &str = "usage_hour";
const GONE_HOURS: &str = "gone_hour";
const SPENT: &str = "SELECT id, spent FROM lease";
const GONE_SPENT: &str = "SELECT lease, spent FROM gone_lease";

#[derive(Default)]
pub(super) struct Sums {
    keys: RandomState,
    calls: Mix<1>,
    leases: Mix<1>,
    /// What is owed and lost by transaction.
    usage: Mix<2>,
    hours: Mix<6>,
}

impl Sums {
    pub(super) fn add(&mut self, receipt: &Receipt) {
        let made = &receipt.settlement;
        self.calls.add(&self.keys, made.call.as_str(), [1]);
        let (cost, lost) = (receipt.cost.pico(), receipt.lost().pico());
        self.usage.add(&self.keys, receipt.txn, [cost, lost]);
        if let Some(hold) = &made.hold {
            let spent = [receipt.spent.pico()];
            self.leases.add(&self.keys, hold.lease.as_str(), spent);
        }
        let mut sums = HourSums::default();
        sums.add(receipt);
        let hour = Hour::<&str>::of(made, receipt.at);
        self.hours.add(&self.keys, hour, numbers(&sums));
    }

    pub(super) fn compare(&mut self, txn: Txn<'_>) -> Result<(), Halt> {
        self.calls_once(txn)?;
        self.add_gone(txn)?;
        if self.kept_leases(txn)? != self.leases {
            return name_lease(txn);
        }
        if self.kept_usage(txn)? != self.usage {
            run(txn, &USAGE)?;
            return broken(
                1,
                "a usage transaction does not sum to zero with its receipts",
            );
        }
        if self.kept_hours(txn)? != self.hours {
            return name_hour(txn);
        }
        Ok(())
    }

    /// What receipts that are gone came to, as it was kept.
    fn add_gone(&mut self, txn: Txn<'_>) -> Result<(), LedgerError> {
        let Self {
            keys,
            leases,
            hours,
            ..
        } = self;
        each_lease(txn, GONE_SPENT, |lease, spent| {
            leases.add(keys, lease, [spent]);
        })?;
        each_hour(txn, GONE_HOURS, |hour, sums| {
            hours.add(keys, &hour, numbers(&sums));
        })
    }

    /// Calls in order: none twice, and in all the same ones as in the table.
    fn calls_once(&self, txn: Txn<'_>) -> Result<(), Halt> {
        let (mut last, mut calls) = (String::new(), Mix::default());
        txn.each("SELECT call FROM receipt ORDER BY call", &[], |row| {
            let call = row.text(0)?;
            if call == last {
                return broken(5, format!("call {call}: it was paid for twice"));
            }
            calls.add(&self.keys, call, [1]);
            last.clear();
            last.push_str(call);
            Ok(())
        })?;
        if calls != self.calls {
            return broken(
                5,
                "the index of calls is damaged: restore a backup, or rebuild it",
            );
        }
        Ok(())
    }

    fn kept_leases(&self, txn: Txn<'_>) -> Result<Mix<1>, LedgerError> {
        let mut mix = Mix::default();
        each_lease(txn, SPENT, |lease, spent| {
            mix.add(&self.keys, lease, [spent]);
        })?;
        Ok(mix)
    }

    fn kept_usage(&self, txn: Txn<'_>) -> Result<Mix<2>, LedgerError> {
        let mut mix = Mix::default();
        let sql = "SELECT e.txn, e.book % 8, e.amount FROM txn t JOIN entry e ON e.txn = t.n
            WHERE t.kind = 'usage'";
        txn.each(sql, &[], |row| {
            let (n, kind, amount): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            // What is owed is posted as it is, what is lost below zero.
            let amounts = match kind {
                2 => [amount, 0],
                3 => [0, amount.wrapping_neg()],
                _ => [amount, amount],
            };
            mix.add(&self.keys, n, amounts);
            Ok::<_, LedgerError>(())
        })?;
        Ok(mix)
    }

    fn kept_hours(&self, txn: Txn<'_>) -> Result<Mix<6>, LedgerError> {
        let mut mix = Mix::default();
        each_hour(txn, HOURS, |hour, sums| {
            mix.add(&self.keys, &hour, numbers(&sums));
        })?;
        Ok(mix)
    }
}

fn numbers(sums: &HourSums) -> [i64; 6] {
    [
        sums.calls,
        sums.cost,
        sums.charged,
        sums.tokens_in,
        sums.cached,
        sums.tokens_out,
    ]
}

fn each_lease(txn: Txn<'_>, sql: &str, mut take: impl FnMut(&str, i64)) -> Result<(), LedgerError> {
    txn.each(sql, &[], |row| {
        take(row.text(0)?, row.get(1)?);
        Ok(())
    })
}

fn each_hour(
    txn: Txn<'_>,
    table: &str,
    mut take: impl FnMut(Hour, HourSums),
) -> Result<(), LedgerError> {
    let sql = format!(
        "SELECT account, hour, key, model, calls, cost, charged, tokens_in, cached, tokens_out
         FROM {table}"
    );
    txn.each(&sql, &[], |row| {
        let hour = Hour {
            account: AccountId(row.get(0)?),
            hour: row.get(1)?,
            key: row.get(2)?,
            model: row.get(3)?,
        };
        let sums = HourSums {
            calls: row.get(4)?,
            cost: row.get(5)?,
            charged: row.get(6)?,
            tokens_in: row.get(7)?,
            cached: row.get(8)?,
            tokens_out: row.get(9)?,
        };
        take(hour, sums);
        Ok(())
    })
}

/// Finds the first lease of which is not spent what its receipts say.
fn name_lease(txn: Txn<'_>) -> Result<(), Halt> {
    let mut should: BTreeMap<String, i64> = BTreeMap::new();
    each_lease(txn, GONE_SPENT, |lease, spent| {
        should.insert(lease.to_owned(), spent);
    })?;
    txn.each(&format!("SELECT {RECEIPT} FROM receipt"), &[], |row| {
        let receipt = receipt_of(row)?;
        if let Some(hold) = receipt.settlement.hold {
            let spent = should.entry(hold.lease).or_default();
            *spent = spent.saturating_add(receipt.spent.pico());
        }
        Ok::<_, LedgerError>(())
    })?;
    let mut what = "leases: what is spent of them is not what receipts say".to_owned();
    txn.each("SELECT id, spent FROM lease ORDER BY id DESC", &[], |row| {
        let (id, says): (String, i64) = (row.get(0)?, row.get(1)?);
        let should = should.get(&id).copied().unwrap_or_default();
        if says != should {
            let [says, should] = [says, should].map(Money::from_pico);
            what = format!(
                "lease {id}: what is spent of it is not what receipts say: ${says}, and it should \
                 be ${should}"
            );
        }
        Ok::<_, LedgerError>(())
    })?;
    broken(3, what)
}

/// Finds the first hour that is not the sum of its receipts.
fn name_hour(txn: Txn<'_>) -> Result<(), Halt> {
    let mut should: BTreeMap<Hour, HourSums> = BTreeMap::new();
    each_hour(txn, GONE_HOURS, |hour, sums| {
        should.insert(hour, sums);
    })?;
    txn.each(&format!("SELECT {RECEIPT} FROM receipt"), &[], |row| {
        let receipt = receipt_of(row)?;
        let hour = Hour::of(&receipt.settlement, receipt.at);
        should.entry(hour).or_default().add(&receipt);
        Ok::<_, LedgerError>(())
    })?;
    let mut kept = BTreeMap::new();
    each_hour(txn, HOURS, |hour, sums| {
        kept.insert(hour, sums);
    })?;
    let wrong = |(hour, sums): (&Hour, &HourSums), of: &BTreeMap<Hour, HourSums>| {
        (of.get(hour) != Some(sums)).then(|| hour.clone())
    };
    let missing = should.iter().find_map(|row| wrong(row, &kept));
    let found = missing.or_else(|| kept.iter().find_map(|row| wrong(row, &should)));
    let what = found.map_or_else(String::new, |hour| {
        let Hour {
            account,
            hour,
            key,
            model,
        } = hour;
        format!("hour {hour}, account {account}, key {key}, model {model}: ")
    });
    broken(
        2,
        format!("{what}the usage by hour is not the sum of its receipts"),
    )
}
