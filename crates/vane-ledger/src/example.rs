//! Examples: runs that the operator shows, as they were asked and answered.
//!
//! Prompts and answers of calls are kept nowhere; an example is one that somebody chose to keep.
//! Invariant: it names the receipt of its run, whose model and cost are the receipt's, or it is
//! an illustration and says so.

use vane_catalog::Money;

use crate::book::Status;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::name;
use crate::store::{Row, Store, Txn};

/// More than these nobody looks through.
const EXAMPLES_MAX: i64 = 500;
const TEXT_BYTES_MAX: usize = 64 << 10;

/// A run to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewExample {
    pub title: String,
    pub model: String,
    /// What of the playground made it.
    pub mode: String,
    /// What was asked, as a JSON object.
    pub asked: String,
    pub answer: String,
    /// The id of its receipt; `None` for an illustration.
    pub call: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub id: String,
    pub run: NewExample,
    /// Who answered; empty for an illustration.
    pub provider: String,
    /// What the run cost; nothing is known of an illustration.
    pub cost: Option<Money>,
    /// Unix seconds.
    pub made_at: i64,
}

impl Store {
    /// Keeps a run as an example. A run that is kept already stays as it was kept.
    pub fn save_example(&self, run: &NewExample, now: i64) -> Result<Example, LedgerError> {
        name::check("the title of an example", &run.title)?;
        name::check("the id of a model", &run.model)?;
        check("the question of an example", &run.asked)?;
        check("the answer of an example", &run.answer)?;
        let receipt = match &run.call {
            Some(call) => Some(
                self.receipt(None, call)?
                    .filter(|receipt| {
                        let made = &receipt.settlement;
                        made.model == run.model && made.status == Status::Done
                    })
                    .ok_or_else(|| LedgerError::NoSuchRun { call: call.clone() })?,
            ),
            None => None,
        };
        let last = receipt
            .as_ref()
            .and_then(|receipt| receipt.settlement.attempts.last());
        let example = Example {
            id: new_id()?,
            run: run.clone(),
            provider: last.map_or_else(String::new, |attempt| attempt.provider.clone()),
            cost: receipt.as_ref().map(|receipt| receipt.cost),
            made_at: now,
        };
        self.write(|txn| {
            if let Some(known) = of_call(txn, run.call.as_deref())? {
                return Ok(known);
            }
            let count = "SELECT count(*) FROM example";
            let known: i64 = txn.one(count, &[], |row| row.get(0))?.unwrap_or_default();
            if known >= EXAMPLES_MAX {
                return Err(LedgerError::TooManyExamples { max: EXAMPLES_MAX });
            }
            let sql = "INSERT INTO example
                (id, title, model, mode, asked, answer, receipt, provider, cost, made_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            let Example {
                id,
                run,
                provider,
                cost,
                made_at,
            } = &example;
            let cost = cost.map(Money::pico);
            txn.execute(
                sql,
                &[
                    id,
                    &run.title,
                    &run.model,
                    &run.mode,
                    &run.asked,
                    &run.answer,
                    &run.call,
                    provider,
                    &cost,
                    made_at,
                ],
            )?;
            Ok(example.clone())
        })
    }

    /// All examples, newest first.
    pub fn list_examples(&self) -> Result<Vec<Example>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM example ORDER BY made_at DESC, id");
        self.read(|txn| txn.rows(&sql, &[], example_of))
    }

    /// Takes an example away. False where there is none of this id.
    pub fn drop_example(&self, id: &str) -> Result<bool, LedgerError> {
        let gone = self.write(|txn| txn.execute("DELETE FROM example WHERE id = ?1", &[&id]))?;
        Ok(gone == 1)
    }
}

const COLUMNS: &str = "id, title, model, mode, asked, answer, receipt, provider, cost, made_at";

/// The example of a call.
fn of_call(txn: Txn<'_>, call: Option<&str>) -> Result<Option<Example>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM example WHERE receipt = ?1");
    match call {
        Some(call) => txn.one(&sql, &[&call], example_of),
        None => Ok(None),
    }
}

fn check(what: &'static str, text: &str) -> Result<(), LedgerError> {
    let problem = match text {
        text if text.len() > TEXT_BYTES_MAX => "must be at most 64 KiB long",
        // PostgreSQL keeps none.
        text if text.contains('\0') => "must not contain the character 0",
        _ => return Ok(()),
    };
    Err(LedgerError::Name { what, problem })
}

fn example_of(row: &Row<'_>) -> Result<Example, LedgerError> {
    let cost: Option<i64> = row.get(8)?;
    Ok(Example {
        id: row.get(0)?,
        run: NewExample {
            title: row.get(1)?,
            model: row.get(2)?,
            mode: row.get(3)?,
            asked: row.get(4)?,
            answer: row.get(5)?,
            call: row.get(6)?,
        },
        provider: row.get(7)?,
        cost: cost.map(Money::from_pico),
        made_at: row.get(9)?,
    })
}
