//! The database, whichever it is.
//!
//! A store is open only when its schema is the one this build knows and its secret is the one it
//! was made with. It is cheap to clone and may be shared by threads.

pub(crate) mod books;
mod migrate;
mod place;
mod sqlite;

use std::sync::Arc;

use crate::error::LedgerError;
use crate::secret::{Purpose, Secret};

pub use books::{BATCH_MAX, By, Ingest, Life, Of, Posted, ProviderDay, StatementLine, UsageRow};
pub(crate) use place::BUSY_SECONDS;
pub use sqlite::Sqlite;

#[derive(Clone)]
pub enum Store {
    Sqlite(Arc<Sqlite>),
}

impl Store {
    /// Opens `sqlite:PATH`, making the database and `vane.secret` beside it where there are none;
    /// or `sqlite::memory:`, which is gone with its last clone.
    pub fn open(url: &str) -> Result<Self, LedgerError> {
        Ok(Self::Sqlite(Arc::new(Sqlite::open(url, None)?)))
    }

    /// The same with a secret from elsewhere, so that no file is read or made for it.
    pub fn open_with(url: &str, secret: Secret) -> Result<Self, LedgerError> {
        Ok(Self::Sqlite(Arc::new(Sqlite::open(url, Some(secret))?)))
    }

    /// The derived key of one purpose, for what others sign.
    pub fn derive(&self, purpose: Purpose) -> Result<[u8; 32], LedgerError> {
        let Self::Sqlite(database) = self;
        database.secret().derive(purpose)
    }

    pub fn sealer(&self, purpose: Purpose) -> Result<crate::Sealer, LedgerError> {
        let Self::Sqlite(database) = self;
        database.secret().sealer(purpose)
    }
}
