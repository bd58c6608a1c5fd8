//! The books in a database.
//!
//! Operations are decided by [`crate::book`] from rows read here, and what was decided is written
//! here, in one transaction for a whole batch. A refused operation writes nothing; a fault of the
//! database undoes the batch. The checks and triggers of the tables guard what was decided.

mod batch;
mod ingest;
mod lock;
mod memory;
mod newest;
mod payments;
mod read;
mod removal;
mod report;
mod strays;
mod usage;
mod write;

use self::batch::Batch;
use super::{Store, Txn};
use crate::account::{Account, AccountId};
use crate::book::{Book, BookKind, Op, Outcome, Refusal, Row, Rows, Spending};
use crate::error::LedgerError;

pub use ingest::{Ingest, Stray};
pub(super) use ingest::{STRAY, enter, stands};
pub(crate) use memory::Memory;
pub use newest::{NEWEST_MAX, Newest, Spread};
pub(crate) use read::{DETAILS, RECEIPT, receipt_of};
pub use removal::{Removable, Removal};
pub use report::{Posted, StatementLine};
pub use strays::{OpenStray, StrayEntry};
pub use usage::{By, Of, ProviderDay, UsageRow};
pub(crate) use usage::{Hour, Sums};

/// Operations of one commit. The more, the fewer rows are written again for each: balances, leases
/// and hours are written once a commit. But who needs a lease meanwhile waits for all of them. PostgreSQL's
/// sequences of numbers go by twice as much.
pub const BATCH_MAX: usize = 8_192;

/// The rows of one transaction.
#[derive(Clone, Copy)]
struct Kept<'t>(Txn<'t>);

impl Store {
    /// Applies operations in order, each with its own outcome, in one commit.
    ///
    /// # Errors
    /// When the database fails or there are more than [`BATCH_MAX`]: then none has happened.
    pub fn apply(&self, ops: &[Op]) -> Result<Vec<Result<Outcome, Refusal>>, LedgerError> {
        within_batch(ops)?;
        self.write_books(|txn, memory| apply(txn, memory, ops))
    }

    /// Makes an account and gives it its opening credit, both or neither.
    ///
    /// # Errors
    /// When the name is taken or no name, or the credit is refused.
    pub fn create_credited(
        &self,
        account: &str,
        credit: impl Fn(AccountId) -> Op + Sync,
        now: i64,
    ) -> Result<Account, LedgerError> {
        self.write_books(|txn, memory| {
            let made = crate::account::create(txn, account, crate::AccountKind::Prepaid, now)?;
            for outcome in apply(txn, memory, &[credit(made.id)])? {
                outcome.map_err(LedgerError::Refused)?;
            }
            Ok(made)
        })
    }

    /// The balance of an account.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn balance(&self, account: AccountId) -> Result<Book, LedgerError> {
        let book = self.book(BookKind::Customer, account.0)?;
        book.ok_or(LedgerError::NoSuchAccount(account))
    }

    /// One account of the books; a system account that nothing was posted to is not there.
    pub fn book(&self, kind: BookKind, owner: i64) -> Result<Option<Book>, LedgerError> {
        self.read(|txn| Kept(txn).book(kind.of(owner)))
    }

    /// The budget of a key and what of it is gone in the period of `at`; `None` where it has none.
    pub fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, LedgerError> {
        self.read(|txn| Kept(txn).spending(key, at))
    }
}

fn within_batch(ops: &[Op]) -> Result<(), LedgerError> {
    if ops.len() > BATCH_MAX {
        return Err(LedgerError::BatchTooLarge { max: BATCH_MAX });
    }
    Ok(())
}

pub(crate) fn apply(
    txn: Txn<'_>,
    memory: &mut Memory,
    ops: &[Op],
) -> Result<Vec<Result<Outcome, Refusal>>, LedgerError> {
    let mut batch = Batch::new(Kept(txn), memory, ops)?;
    let outcomes = ops.iter().map(|op| batch.apply(op));
    let outcomes = outcomes.collect::<Result<_, _>>()?;
    batch.finish()?;
    Ok(outcomes)
}

/// Writes a row that depends on no other.
pub(crate) fn put(txn: Txn<'_>, row: &Row) -> Result<(), LedgerError> {
    Kept(txn).put(row)
}

/// Opens the book of a new account.
pub(crate) fn open(txn: Txn<'_>, account: &Account) -> Result<(), LedgerError> {
    let prepaid = account.kind == crate::AccountKind::Prepaid;
    let book = Book::new(BookKind::Customer, account.id.0, prepaid);
    Kept(txn).put(&Row::Book(book))
}
