//! What offers did by hour: counts of all replicas, added up.
//!
//! Invariants: counts are only added, each once, whoever adds them; rows are written in the order
//! of their keys, so that replicas which write the same ones wait for each other and never in a
//! circle.

use std::collections::BTreeMap;

use super::{Row, Store, Txn, Value};
use crate::error::LedgerError;

/// Rows of one statement.
const ROWS: usize = 64;

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    Asked,
    Answered,
    /// By the provider's fault.
    Failed,
    /// Milliseconds to the first content, by size.
    First,
    /// Tokens a second, by size.
    Pace,
}

const FIGURES: [(Figure, &str); 5] = [
    (Figure::Asked, "asked"),
    (Figure::Answered, "answered"),
    (Figure::Failed, "failed"),
    (Figure::First, "first"),
    (Figure::Pace, "pace"),
];

/// How often something was counted of an offer in an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferCount {
    /// The first second of the hour, or of the day where days are asked for.
    pub begun: i64,
    pub offer: String,
    pub figure: Figure,
    /// Which size, of what is counted by size; else 0.
    pub bucket: i64,
    pub count: i64,
}

/// What counts are added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Each {
    Hour,
    /// Of UTC.
    Day,
}

type Cell<'c> = (i64, &'c str, &'static str, i64);

impl Store {
    /// Adds counts of hours to what is there: all of them or none.
    pub fn add_offer_counts(&self, counts: &[OfferCount]) -> Result<(), LedgerError> {
        let mut cells: BTreeMap<Cell<'_>, i64> = BTreeMap::new();
        for one in counts {
            let figure = FIGURES.iter().find(|(figure, _)| *figure == one.figure);
            let name = figure.map_or("", |(_, name)| *name);
            let cell = (one.begun, one.offer.as_str(), name, one.bucket);
            let sum = cells.entry(cell).or_default();
            *sum = sum.saturating_add(one.count);
        }
        let cells: Vec<(Cell<'_>, i64)> = cells.into_iter().collect();
        if cells.is_empty() {
            return Ok(());
        }
        self.write_beside(|txn| {
            let (many, few) = cells.as_chunks::<ROWS>();
            let text = adding(ROWS);
            for rows in many {
                add(txn, &text, rows)?;
            }
            let text = adding(1);
            few.chunks(1).try_for_each(|row| add(txn, &text, row))
        })
    }

    /// What was counted in the hours that begin from `from` to before `until`, in the order of time.
    pub fn offer_counts(
        &self,
        from: i64,
        until: i64,
        each: Each,
    ) -> Result<Vec<OfferCount>, LedgerError> {
        let sql = match each {
            Each::Hour => {
                "SELECT hour, offer, figure, bucket, count FROM offer_hour
                 WHERE hour >= ?1 AND hour < ?2 ORDER BY 1, 2, 3, 4"
            }
            Each::Day => {
                "SELECT hour - hour % 86400, offer, figure, bucket, CAST(sum(count) AS BIGINT)
                 FROM offer_hour WHERE hour >= ?1 AND hour < ?2
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
            }
        };
        self.read(|txn| txn.rows(sql, &[&from, &until], count_of))
    }

    /// Drops the counts of hours that began before; says how many.
    pub fn forget_offer_counts(&self, before: i64) -> Result<u64, LedgerError> {
        let sql = "DELETE FROM offer_hour WHERE hour < ?1";
        self.write_beside(|txn| txn.execute(sql, &[&before]))
    }
}

fn adding(rows: usize) -> String {
    let row = |row: usize| {
        let values = (1..=5_usize).map(|n| format!("?{}", row.saturating_mul(5).saturating_add(n)));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO offer_hour (hour, offer, figure, bucket, count) VALUES {}
         ON CONFLICT (hour, offer, figure, bucket)
         DO UPDATE SET count = offer_hour.count + excluded.count",
        rows.join(", ")
    )
}

fn add(txn: Txn<'_>, text: &str, rows: &[(Cell<'_>, i64)]) -> Result<(), LedgerError> {
    let mut values: Vec<&dyn Value> = Vec::with_capacity(rows.len().saturating_mul(5));
    for ((hour, offer, figure, bucket), count) in rows {
        values.extend([hour as &dyn Value, offer, figure, bucket, count]);
    }
    txn.execute(text, &values)?;
    Ok(())
}

fn count_of(row: &Row<'_>) -> Result<OfferCount, LedgerError> {
    let name = row.text(2)?;
    let figure = FIGURES.iter().find(|(_, known)| *known == name);
    let (figure, _) = figure.ok_or(LedgerError::Unreadable {
        what: "figure of an offer",
    })?;
    Ok(OfferCount {
        begun: row.get(0)?,
        offer: row.get(1)?,
        figure: *figure,
        bucket: row.get(3)?,
        count: row.get(4)?,
    })
}
