//! Usage by hour, and what is read from it.
//!
//! The sums are kept as receipts land, so that a page of usage reads hundreds of rows, however
//! many calls they stand for. What providers are owed by day is rarely asked and reads receipts.

use std::collections::BTreeMap;

use vane_catalog::Money;

use super::read::{RECEIPT, receipt_of};
use crate::account::AccountId;
use crate::book::{Line, Receipt, Settlement, hour_of};
use crate::error::LedgerError;
use crate::store::{Row, Store, Value};

/// What a row of usage by hour is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hour<Text = String> {
    pub(crate) account: AccountId,
    pub(crate) hour: i64,
    pub(crate) key: Text,
    pub(crate) model: Text,
}

impl<'s, Text: From<&'s str>> Hour<Text> {
    pub(crate) fn of(settlement: &'s Settlement, at: i64) -> Self {
        Self {
            account: settlement.account,
            hour: hour_of(at),
            key: settlement.key.as_str().into(),
            model: settlement.model.as_str().into(),
        }
    }
}

/// What receipts come to. Amounts fit: all of an instance's are in one balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) calls: i64,
    pub(crate) cost: i64,
    pub(crate) charged: i64,
    pub(crate) tokens_in: i64,
    /// What of them was read from a cache.
    pub(crate) cached: i64,
    pub(crate) tokens_out: i64,
}

impl Sums {
    pub(crate) fn add<S: std::borrow::Borrow<Settlement>>(&mut self, receipt: &Receipt<S>) {
        let made: &Settlement = receipt.settlement.borrow();
        self.calls = self.calls.saturating_add(1);
        self.cost = self.cost.saturating_add(receipt.cost.pico());
        self.charged = self.charged.saturating_add(receipt.charged.pico());
        for line in made.attempts.iter().flat_map(|attempt| &attempt.lines) {
            self.add_tokens(line);
        }
    }

    /// The tokens of a line; uses that are billed by the piece are none.
    fn add_tokens(&mut self, line: &Line) {
        let quantity = i64::try_from(line.quantity).unwrap_or(i64::MAX);
        let sum = match line.bucket.as_str() {
            "input" | "cache_write" | "cache_write_1h" => &mut self.tokens_in,
            "cache_read" => {
                self.cached = self.cached.saturating_add(quantity);
                &mut self.tokens_in
            }
            "output" | "reasoning" => &mut self.tokens_out,
            _ => return,
        };
        *sum = sum.saturating_add(quantity);
    }
}

/// What usage is summed up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Days of UTC.
    Day,
    Model,
    Key,
    /// Days, and models on each.
    DayModel,
}

/// What a row of usage is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// Its first second.
    Day(i64),
    Model(String),
    Key(String),
    DayModel(i64, String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    pub of: Of,
    pub calls: i64,
    pub tokens_in: i64,
    /// What of them was read from a cache.
    pub cached: i64,
    pub tokens_out: i64,
    pub cost: Money,
    pub charged: Money,
    /// When the last hour with a call began.
    pub last_hour: i64,
}

/// What one model of a provider was used for on a day, for comparison with its bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderDay {
    /// Its first second.
    pub day: i64,
    /// As the provider names it.
    pub model: String,
    /// Attempts that used anything.
    pub attempts: i64,
    /// By bucket.
    pub quantities: BTreeMap<String, u64>,
    pub cost: Money,
    /// What the provider said that calls cost, where it did, and what they cost by our prices. Calls
    /// that several offers billed are left out: nobody says whose part is how much.
    pub reported: Money,
    pub reported_cost: Money,
}

impl Store {
    /// Usage of an account or of all, of a key or of all, in the hours that begin from `from` to
    /// before `until`; in the order of what it is of.
    pub fn usage(
        &self,
        account: Option<AccountId>,
        key: Option<&str>,
        from: i64,
        until: i64,
        by: By,
    ) -> Result<Vec<UsageRow>, LedgerError> {
        let of = match by {
            By::Day => "hour - hour % 86400",
            By::Model => "model",
            By::Key => "key",
            By::DayModel => "hour - hour % 86400, model",
        };
        let group = if by == By::DayModel { "1, 2" } else { "1" };
        let (mut wanted, mut values) = (String::new(), vec![&from as &dyn Value, &until]);
        let account = account.map(|account| account.0);
        if let Some(account) = &account {
            wanted += " AND account = ?3";
            values.push(account);
        }
        if let Some(key) = &key {
            wanted += if values.len() == 3 {
                " AND key = ?4"
            } else {
                " AND key = ?3"
            };
            values.push(key);
        }
        let sums = [
            "calls",
            "tokens_in",
            "cached",
            "tokens_out",
            "cost",
            "charged",
        ]
        .map(|column| format!("CAST(sum({column}) AS BIGINT)"))
        .join(", ");
        let sql = format!(
            "SELECT {of}, {sums}, max(hour)
             FROM usage_hour WHERE hour >= ?1 AND hour < ?2{wanted} GROUP BY {group} ORDER BY {group}"
        );
        self.read(|txn| txn.rows(&sql, &values, |row| usage_of(by, row)))
    }

    /// What a provider is owed by day and model, for calls settled from `from` to before `until`.
    pub fn provider_usage(
        &self,
        provider: &str,
        from: i64,
        until: i64,
    ) -> Result<Vec<ProviderDay>, LedgerError> {
        let sql = format!("SELECT {RECEIPT} FROM receipt WHERE at >= ?1 AND at < ?2");
        // It may take seconds: on a connection of its own, for nobody to wait for it.
        self.read_long(|txn| {
            let mut days = BTreeMap::new();
            txn.each(&sql, &[&from, &until], |row| {
                add_attempts(&mut days, provider, &receipt_of(row)?);
                Ok::<_, LedgerError>(())
            })?;
            Ok(days.into_values().collect())
        })
    }
}

fn usage_of(by: By, row: &Row<'_>) -> Result<UsageRow, LedgerError> {
    let (of, sums): (Of, usize) = match by {
        By::Day => (Of::Day(row.get(0)?), 1),
        By::Model => (Of::Model(row.get(0)?), 1),
        By::Key => (Of::Key(row.get(0)?), 1),
        By::DayModel => (Of::DayModel(row.get(0)?, row.get(1)?), 2),
    };
    let sum = |nth: usize| row.get::<i64>(sums.saturating_add(nth));
    Ok(UsageRow {
        of,
        calls: sum(0)?,
        tokens_in: sum(1)?,
        cached: sum(2)?,
        tokens_out: sum(3)?,
        cost: Money::from_pico(sum(4)?),
        charged: Money::from_pico(sum(5)?),
        last_hour: sum(6)?,
    })
}

fn add_attempts(
    days: &mut BTreeMap<(i64, String), ProviderDay>,
    provider: &str,
    receipt: &Receipt,
) {
    let day = receipt.at.saturating_sub(receipt.at.rem_euclid(86_400));
    let attempts = receipt.settlement.attempts.iter();
    let used: Vec<_> = attempts.filter(|one| !one.lines.is_empty()).collect();
    let reported = receipt.settlement.reported.filter(|_| used.len() == 1);
    let sum = |a: Money, b: Money| a.checked_add(b).unwrap_or(Money::from_pico(i64::MAX));
    for attempt in used.into_iter().filter(|one| one.provider == provider) {
        let model = &attempt.model;
        let row = days
            .entry((day, model.clone()))
            .or_insert_with(|| ProviderDay {
                day,
                model: model.clone(),
                attempts: 0,
                quantities: BTreeMap::new(),
                cost: Money::ZERO,
                reported: Money::ZERO,
                reported_cost: Money::ZERO,
            });
        let cost = attempt.cost().unwrap_or_default();
        row.attempts = row.attempts.saturating_add(1);
        row.cost = sum(row.cost, cost);
        for line in &attempt.lines {
            let quantity = row.quantities.entry(line.bucket.clone()).or_default();
            *quantity = quantity.saturating_add(line.quantity);
        }
        if let Some(reported) = reported {
            row.reported = sum(row.reported, reported);
            row.reported_cost = sum(row.reported_cost, cost);
        }
    }
}
