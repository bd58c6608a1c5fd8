//! What a key may do, as columns of its row.
//!
//! An absent limit allows everything. A column that cannot be read must never become that, so it
//! is an error.

use std::num::NonZeroU32;

use crate::error::LedgerError;
use crate::name;
use crate::store::Row;

/// What a key may do, and until when. All keys of a lineage share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The models it may use; `None` allows all.
    pub models: Option<Vec<String>>,
    /// The providers that may serve it; `None` allows all.
    pub providers: Option<Vec<String>>,
    pub requests_per_minute: Option<NonZeroU32>,
    pub tokens_per_minute: Option<NonZeroU32>,
    /// Calls that may run at a time.
    pub concurrency: Option<NonZeroU32>,
    /// Unix seconds; from that second on the key is refused.
    pub expires_at: Option<i64>,
    /// The model that answers where the key's budget does not pay for the one that was asked for.
    pub when_spent: Option<String>,
}

/// The columns that [`Limits::read`] reads, of the table `k`.
pub(crate) const COLUMNS: &str = "k.models, k.providers, k.requests_per_minute,
    k.tokens_per_minute, k.concurrency, k.expires_at, k.when_spent";

/// The values of [`COLUMNS`], checked.
pub(super) type Columns = (
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

impl Limits {
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, LedgerError> {
        let at = |nth: usize| first.saturating_add(nth);
        Ok(Self {
            models: names_of("list of models", row.get(first)?)?,
            providers: names_of("list of providers", row.get(at(1))?)?,
            requests_per_minute: count_of(row.get(at(2))?)?,
            tokens_per_minute: count_of(row.get(at(3))?)?,
            concurrency: count_of(row.get(at(4))?)?,
            expires_at: row.get(at(5))?,
            when_spent: row.get(at(6))?,
        })
    }

    pub(super) fn columns(&self) -> Result<Columns, LedgerError> {
        let list = |what, names: &Option<Vec<String>>, none| match names.as_deref() {
            None => Ok(None),
            Some([]) => Err(none),
            Some(names) => {
                for name in names {
                    name::check(what, name)?;
                }
                Ok(Some(serde_json::Value::from(names).to_string()))
            }
        };
        if let Some(model) = &self.when_spent {
            name::check("the id of a model", model)?;
        }
        Ok((
            list("the id of a model", &self.models, LedgerError::NoModels)?,
            list(
                "the id of a provider",
                &self.providers,
                LedgerError::NoProviders,
            )?,
            self.requests_per_minute.map(|count| count.get().into()),
            self.tokens_per_minute.map(|count| count.get().into()),
            self.concurrency.map(|count| count.get().into()),
            self.expires_at,
            self.when_spent.clone(),
        ))
    }
}

fn count_of(column: Option<i64>) -> Result<Option<NonZeroU32>, LedgerError> {
    let read = |count| u32::try_from(count).ok().and_then(NonZeroU32::new);
    let unreadable = LedgerError::Unreadable { what: "limit" };
    column
        .map(|count| read(count).ok_or(unreadable))
        .transpose()
}

fn names_of(
    what: &'static str,
    column: Option<String>,
) -> Result<Option<Vec<String>>, LedgerError> {
    let read = |text: String| serde_json::from_str(&text);
    column
        .map(read)
        .transpose()
        .map_err(|_| LedgerError::Unreadable { what })
}
