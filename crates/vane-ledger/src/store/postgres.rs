//! PostgreSQL: many processes at one database, each with a few connections.
//!
//! What is reported as done is committed, what is reported as failed is not. Where a connection
//! broke in the middle of a commit the server is asked what became of it; only if it cannot say is
//! the error [`LedgerError::CommitUnknown`]. Work that is known not to have happened, because the
//! server closed the connection or undid it for another's sake, is done again.

mod address;
mod pool;
mod session;
mod tls;

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use self::address::Address;
use self::pool::{Lent, Pool, SESSIONS_MAX};
use super::books::Memory;
use super::migrate::{MIGRATIONS, is_current, step};
use super::{Txn, fingerprint};
use crate::error::LedgerError;
use crate::key::KeyHasher;
use crate::secret::{Secret, file};

pub(crate) use session::Session;

/// Accounts and keys are written by one at a time, as in SQLite: what was read to decide is still
/// so when it is written. A database has one such lock for each schema. What is read after a lock
/// must be what its last owner left, whatever the server's own level of isolation.
const ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT pg_advisory_xact_lock(hashtextextended('vane writer ' || current_schema(), 0));
    SELECT pg_current_xact_id()::text";
/// The books lock what they read.
const SHARED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT pg_current_xact_id()::text";
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Every connection that waits may have broken before one that is new.
const TRIES: usize = SESSIONS_MAX + 8;
const STATUS_TRIES: u32 = 40;
const STATUS_PAUSE: Duration = Duration::from_millis(250);

pub struct Postgres {
    pool: Pool,
    /// One batch of this process at a time.
    memory: Mutex<Memory>,
    secret: Secret,
    hasher: KeyHasher,
}

/// What became of one try.
enum Tried<T> {
    Done(T),
    /// It has not happened.
    Failed(LedgerError),
    /// The connection broke when the transaction of this id was to be committed.
    Unknown(T, String),
}

impl Postgres {
    pub(super) fn understands(url: &str) -> bool {
        Address::parse(url).is_ok()
    }

    pub(super) fn open(url: &str, secret: Option<Secret>) -> Result<Self, LedgerError> {
        let pool = Pool::new(Address::parse(url)?);
        let shown = pool.address().shown().to_owned();
        let opened = off_runtime(|| {
            committed(&pool, ALONE, |txn| step(txn, MIGRATIONS))?;
            let secret = match secret {
                Some(secret) => secret,
                None => beside(reading(&pool, fingerprint::of)?.is_some())?,
            };
            committed(&pool, ALONE, |txn| fingerprint::bind(txn, &secret))?;
            Ok(secret)
        });
        let secret = opened.map_err(|cause| LedgerError::OpenServer {
            server: shown,
            cause: Box::new(cause),
        })?;
        let hasher = KeyHasher::new(&secret)?;
        Ok(Self {
            pool,
            memory: Mutex::default(),
            secret,
            hasher,
        })
    }

    /// See [`super::Store::peek`].
    pub(super) fn peek<T: Send>(
        url: &str,
        mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<Option<T>, LedgerError> {
        let address = Address::parse(url)?;
        let server = address.shown().to_owned();
        let peeked = off_runtime(|| {
            let pool = Pool::new(address);
            reading(&pool, |txn| match is_current(txn)? {
                true => work(txn).map(Some),
                false => Ok(None),
            })
        });
        peeked.map_err(|cause| LedgerError::OpenServer {
            server,
            cause: Box::new(cause),
        })
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(crate) fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    /// All of `work` or nothing of it, while nobody else writes accounts or keys. It may be done
    /// more than once, of which one counts.
    pub(crate) fn write<T: Send>(
        &self,
        work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        off_runtime(|| committed(&self.pool, ALONE, work))
    }

    /// The same for work that locks what it reads.
    pub(super) fn write_shared<T: Send>(
        &self,
        work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        off_runtime(|| committed(&self.pool, SHARED, work))
    }

    /// The same for the books, which lock what they read, with what is remembered of
    /// them.
    pub(super) fn write_books<T: Send>(
        &self,
        mut work: impl FnMut(Txn<'_>, &mut Memory) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *memory);
        let (value, learned) = off_runtime(|| {
            let mut known = Some(before);
            committed(&self.pool, SHARED, |txn| {
                // What was learned by a try that failed is not so.
                let mut known = known.take().unwrap_or_default();
                Ok((work(txn, &mut known)?, known))
            })
        })?;
        *memory = learned;
        Ok(value)
    }

    /// `work` sees one moment of the database. It may be done more than once.
    pub(crate) fn read<T: Send>(
        &self,
        work: impl FnMut(Txn<'_>) -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        off_runtime(|| reading(&self.pool, work))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        off_runtime(|| self.pool.clear());
    }
}

/// The driver has a runtime of its own for each connection, which another runtime's thread may
/// neither run nor drop: from there it is done on a thread beside it.
fn off_runtime<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if tokio::runtime::Handle::try_current().is_err() {
        return work();
    }
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => resume_unwind(panic),
    })
}

fn committed<T>(
    pool: &Pool,
    begin: &str,
    mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let mut last = LedgerError::Contended;
    for _ in 0..TRIES {
        last = match write(pool.take()?, begin, &mut work) {
            Tried::Done(value) => return Ok(value),
            Tried::Failed(error) => error,
            Tried::Unknown(value, id) => {
                pool.clear();
                match status(pool, &id).as_deref() {
                    Some("committed") => return Ok(value),
                    Some("aborted") => LedgerError::Contended,
                    _ => return Err(LedgerError::CommitUnknown),
                }
            }
        };
        if !again(pool, &last) {
            break;
        }
    }
    Err(last)
}

fn reading<T>(
    pool: &Pool,
    mut work: impl FnMut(Txn<'_>) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let mut last = LedgerError::Contended;
    for _ in 0..TRIES {
        let lent = pool.take()?;
        let begun = lent.session.simple(READ);
        last = match begun.and_then(|_| work(Txn::Postgres(&lent.session))) {
            Ok(value) => {
                if lent.session.simple("COMMIT").is_ok() {
                    lent.give_back();
                }
                return Ok(value);
            }
            Err(error) => error,
        };
        undo(lent);
        if !again(pool, &last) {
            break;
        }
    }
    Err(last)
}

/// Whether work that failed so is tried again.
fn again(pool: &Pool, error: &LedgerError) -> bool {
    match error {
        LedgerError::ServerAway { .. } | LedgerError::Standby => pool.clear(),
        LedgerError::Contended => {}
        _ => return false,
    }
    true
}

fn write<T>(
    lent: Lent<'_>,
    begin: &str,
    work: &mut impl FnMut(Txn<'_>) -> Result<T, LedgerError>,
) -> Tried<T> {
    let id = match lent.session.simple(begin) {
        Ok(id) => id,
        // Where nothing can begin, as at a server that became a standby, nobody comes back to.
        Err(error) => return Tried::Failed(error),
    };
    let id = id.ok_or(LedgerError::Unreadable {
        what: "transaction id",
    });
    let begun = id.and_then(|id| Ok((id, work(Txn::Postgres(&lent.session))?)));
    let (id, value) = match begun {
        // A failed statement whose error was swallowed: the server would commit nothing, silently.
        Ok(_) if lent.session.failed() => {
            undo(lent);
            return Tried::Failed(LedgerError::Unreadable {
                what: "failed statement",
            });
        }
        Ok(begun) => begun,
        Err(error) => {
            undo(lent);
            return Tried::Failed(error);
        }
    };
    match lent.session.simple("COMMIT") {
        Ok(_) => {
            lent.give_back();
            Tried::Done(value)
        }
        Err(LedgerError::Contended) => {
            undo(lent);
            Tried::Failed(LedgerError::Contended)
        }
        Err(_) => Tried::Unknown(value, id),
    }
}

/// Ends a transaction that has done nothing. A connection that cannot is closed.
fn undo(lent: Lent<'_>) {
    if lent.session.simple("ROLLBACK").is_ok() {
        lent.give_back();
    }
}

/// What became of a transaction, by another connection; `None` where nobody can tell.
fn status(pool: &Pool, id: &str) -> Option<String> {
    for tried in 0..STATUS_TRIES {
        if tried > 0 {
            // A server that restarts, or one that has not noticed that the connection broke.
            thread::sleep(STATUS_PAUSE);
        }
        let Ok(lent) = pool.take() else { continue };
        let asked = lent
            .session
            .simple(&format!("SELECT pg_xact_status('{id}'::xid8)"));
        match asked {
            Ok(Some(status)) if status == "in progress" => lent.give_back(),
            Ok(status) => {
                lent.give_back();
                return status;
            }
            Err(_) => pool.clear(),
        }
    }
    None
}

/// The secret of the working directory; a new one only while nothing depends on an old one.
fn beside(in_use: bool) -> Result<Secret, LedgerError> {
    let path = Path::new(file::NAME);
    match file::load(path)? {
        Some(secret) => Ok(secret),
        None if in_use => Err(LedgerError::SecretMissing { path: path.into() }),
        None => file::create(path),
    }
}
