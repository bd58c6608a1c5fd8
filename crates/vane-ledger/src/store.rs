//! The database, whichever it is.
//!
//! A store is open only when its schema is the one this build knows and its secret is the one it
//! was made with. It is cheap to clone and may be shared by threads.

pub(crate) mod books;
mod fingerprint;
mod idempotency;
mod instance;
mod migrate;
mod offer_hours;
mod place;
mod postgres;
mod recall;
mod sql;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::LedgerError;
use crate::key::KeyHasher;
use crate::secret::{Purpose, Secret};

pub use books::{
    BATCH_MAX, By, Ingest, NEWEST_MAX, Newest, Of, OpenStray, Posted, ProviderDay, Removable,
    Removal, Spread, StatementLine, Stray, StrayEntry, UsageRow,
};
pub(crate) use idempotency::FORGOTTEN_AT_ONCE;
pub use idempotency::{Claim, Repeatable, Room, Use};
pub use instance::Life;
pub(crate) use instance::{ALONE, RENEW_EVERY, TRUSTED_FOR, unswept};
pub use offer_hours::{Each, Figure, OfferCount};
pub(crate) use place::BUSY_SECONDS;
pub use postgres::Postgres;
pub(crate) use postgres::Session;
pub(crate) use sql::{Row, Txn, Value};
pub use sqlite::Sqlite;

#[derive(Clone)]
pub enum Store {
    Sqlite(Arc<Sqlite>),
    Postgres(Arc<Postgres>),
}

/// Where the files of a process lie whose database is no file.
const BESIDE_A_SERVER: &str = "vane";

/// Whether an address is one of PostgreSQL.
fn is_a_server(url: &str) -> bool {
    matches!(url.split_once(':'), Some(("postgres" | "postgresql", _)))
}

impl Store {
    /// Whether this is the address of a database, which need not be there.
    pub fn understands(url: &str) -> bool {
        match url.split_once(':') {
            Some(_) if is_a_server(url) => Postgres::understands(url),
            Some(("sqlite", "" | "//")) => false,
            Some(("sqlite", _)) => true,
            _ => false,
        }
    }

    /// What [`Self::file`] is of the database at an address, which need not be there.
    pub(crate) fn file_at(url: &str) -> Option<PathBuf> {
        if is_a_server(url) {
            return Some(PathBuf::from(BESIDE_A_SERVER));
        }
        match place::Place::parse(url) {
            Ok(place::Place::File(path)) => Some(path),
            Ok(place::Place::Memory(_)) | Err(_) => None,
        }
    }

    /// Opens a database, making what it lacks. Of `sqlite:PATH` that is the file, and `vane.secret`
    /// beside it; `sqlite::memory:` is gone with its last clone. A database of
    /// `postgres://USER:PASSWORD@HOST:PORT/NAME` must be there; the secret is `vane.secret` in the
    /// working directory, which is made for a database that is not used yet.
    pub fn open(url: &str) -> Result<Self, LedgerError> {
        Self::opened(url, None)
    }

    /// The same with a secret from elsewhere, so that no file is read or made for it.
    pub fn open_with(url: &str, secret: Secret) -> Result<Self, LedgerError> {
        Self::opened(url, Some(secret))
    }

    /// Reads a database that is there, in the schema of this version; nothing is made or changed,
    /// and no secret is needed. Of any other there is nothing to see.
    pub(crate) fn peek<T: Send>(
        url: &str,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<Option<T>, LedgerError> {
        if is_a_server(url) {
            return Postgres::peek(url, work);
        }
        let place = place::Place::parse(url)?;
        let peeked = place.peek().map_err(|cause| place.blame(cause))?;
        let Some(mut connection) = peeked else {
            return Ok(None);
        };
        let txn = connection.transaction()?;
        let txn = Txn::Sqlite(&txn);
        // A file of another program, or of none, has no schema.
        match migrate::is_current(txn) {
            Ok(true) => work(txn).map(Some),
            _ => Ok(None),
        }
    }

    fn opened(url: &str, secret: Option<Secret>) -> Result<Self, LedgerError> {
        if is_a_server(url) {
            return Ok(Self::Postgres(Arc::new(Postgres::open(url, secret)?)));
        }
        Ok(Self::Sqlite(Arc::new(Sqlite::open(url, secret)?)))
    }

    /// All of `work` or nothing of it, while nobody else writes accounts or keys. It may be done
    /// more than once, of which one counts.
    pub(crate) fn write<T: Send>(
        &self,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(database) => database.write(|txn| work(Txn::Sqlite(txn))),
            Self::Postgres(database) => database.write(work),
        }
    }

    /// The same beside others that write, for work that each of its statements keeps right.
    fn write_beside<T: Send>(
        &self,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(database) => database.write(|txn| work(Txn::Sqlite(txn))),
            Self::Postgres(database) => database.write_shared(work),
        }
    }

    /// `work` sees one moment of the database. It may be done more than once.
    pub(crate) fn read<T: Send>(
        &self,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(database) => database.read(|txn| work(Txn::Sqlite(txn))),
            Self::Postgres(database) => database.read(work),
        }
    }

    /// The same for what may take long: nobody waits for it, and it is given the time.
    pub(crate) fn read_long<T: Send>(
        &self,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(database) => {
                let mut connection = database.connect()?;
                connection.pragma_update(None, "query_only", true)?;
                work(Txn::Sqlite(&connection.transaction()?))
            }
            Self::Postgres(database) => database.read(|txn| {
                txn.run("SET LOCAL statement_timeout = 0")?;
                work(txn)
            }),
        }
    }

    /// All of `work` or nothing of it, for the books, with what is remembered of
    /// them. It may be done more than once, of which one counts.
    pub(crate) fn write_books<T: Send>(
        &self,
        mut work: impl FnMut(Txn<'_>, &mut books::Memory) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        match self {
            Self::Sqlite(database) => {
                database.write_with(|txn, memory| work(Txn::Sqlite(txn), memory))
            }
            Self::Postgres(database) => database.write_books(work),
        }
    }

    pub(crate) fn hasher(&self) -> &KeyHasher {
        match self {
            Self::Sqlite(database) => database.hasher(),
            Self::Postgres(database) => database.hasher(),
        }
    }

    fn secret(&self) -> &Secret {
        match self {
            Self::Sqlite(database) => database.secret(),
            Self::Postgres(database) => database.secret(),
        }
    }

    /// The derived key of one purpose, for what others sign.
    pub fn derive(&self, purpose: Purpose) -> Result<[u8; 32], LedgerError> {
        self.secret().derive(purpose)
    }

    pub fn sealer(&self, purpose: Purpose) -> Result<crate::Sealer, LedgerError> {
        self.secret().sealer(purpose)
    }

    /// Whether other processes may hold money of the same accounts.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Beside what a process keeps files of its own: the database's file, or with PostgreSQL a name
    /// in the working directory. Nothing for a database in memory.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(database) => database.file(),
            Self::Postgres(_) => Some(Path::new(BESIDE_A_SERVER)),
        }
    }
}
