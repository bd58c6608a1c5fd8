//! What a commit of the books locks in PostgreSQL, and reads in a few statements, before it decides.
//!
//! Order is what keeps replicas from waiting for each other in circles: first the instances whose
//! books are written, then payments, then books by id. All else that settlements touch (leases, lots, hours) is of
//! an account, and changed only by who has locked its book. SQLite has one writer and locks nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Kept;
use super::read::{BOOKS_LOCKED, CALLED_OF, LEASES_LOCKED, book_of, lent_of};
use crate::book::{Act, Book, BookId, BookKind, Lent, Op, Pay};
use crate::error::LedgerError;
use crate::store::{Row, Session, Txn};

/// Instances have no row of their own to lock: operators write as one that never begins.
const INSTANCE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('vane instance '
    || current_schema() || ' ' || CAST(CAST(?1 AS BIGINT) AS TEXT), 0))";
const ACCOUNTS_OF: &str = "SELECT DISTINCT account FROM lease WHERE id = ANY(?1)";
/// What is said of a payment may come before the payment, by any replica: one at a time.
const PAYMENTS: &str = "SELECT pg_advisory_xact_lock(hashtextextended('vane payments '
    || current_schema(), 0))";
const PAYERS: &str = "SELECT account FROM checkout WHERE id = ANY(?1)
    UNION SELECT account FROM payment WHERE id = ANY(?2)";

/// Rows that nobody else changes before the transaction ends.
#[derive(Default)]
pub(super) struct Locked {
    pub(super) books: HashMap<BookId, Book>,
    /// A lease that is asked for and not here is not there.
    pub(super) leases: HashMap<String, Option<Lent>>,
    /// Calls that were settled before.
    pub(super) called: HashSet<String>,
}

/// What operations name.
#[derive(Default)]
struct Named<'o> {
    instances: BTreeSet<i64>,
    accounts: BTreeSet<i64>,
    leases: BTreeSet<&'o str>,
    /// Leases whose accounts they do not name.
    unowned: BTreeSet<&'o str>,
    calls: Vec<&'o str>,
    checkouts: Vec<&'o str>,
    payments: Vec<&'o str>,
    /// Whether there is anything of payments.
    pays: bool,
}

impl Kept<'_> {
    /// Locks what operations touch; `None` where there is nothing to lock.
    pub(super) fn lock(self, ops: &[Op]) -> Result<Option<Locked>, LedgerError> {
        let Txn::Postgres(session) = self.0 else {
            return Ok(None);
        };
        let named = named(ops);
        for instance in &named.instances {
            session.rows(INSTANCE, &[instance])?;
        }
        if named.pays {
            session.rows(PAYMENTS, &[])?;
        }
        let mut locked = Locked::default();
        for book in books(session, &named.books(session)?)? {
            locked.books.insert(book.id(), book);
        }
        if !named.leases.is_empty() {
            let ids: Vec<&str> = named.leases.iter().copied().collect();
            for row in session.rows(LEASES_LOCKED, &[&ids])? {
                let lent = lent_of(&Row::Postgres(&row))?;
                locked.leases.insert(lent.id.clone(), Some(lent));
            }
            for id in ids {
                locked.leases.entry(id.to_owned()).or_default();
            }
        }
        if !named.calls.is_empty() {
            for row in session.rows(CALLED_OF, &[&named.calls])? {
                locked.called.insert(row.try_get(0)?);
            }
        }
        Ok(Some(locked))
    }
}

fn books(session: &Session, ids: &[i64]) -> Result<Vec<Book>, LedgerError> {
    let rows = session.rows(BOOKS_LOCKED, &[&ids])?;
    rows.iter()
        .map(|row| book_of(&Row::Postgres(row)))
        .collect()
}

fn named(ops: &[Op]) -> Named<'_> {
    let mut named = Named::default();
    for op in ops {
        named.instances.insert(op.instance);
        let account = match &op.act {
            Act::Grant { account, .. }
            | Act::Refund { account, .. }
            | Act::ExpireCredit { account, .. }
            | Act::Freeze { account, .. } => account,
            Act::Lease(lease) => &lease.account,
            Act::Settle(settlement) => {
                named.calls.push(&settlement.call);
                let hold = settlement.hold.as_ref();
                named.leases.extend(hold.map(|hold| hold.lease.as_str()));
                &settlement.account
            }
            Act::Renew { lease, .. } | Act::ReturnLease { lease } => {
                named.unowned.insert(lease);
                continue;
            }
            Act::Pay(pay) => {
                named.pays = true;
                match pay {
                    Pay::Ask(checkout) => &checkout.account,
                    Pay::Begin { checkout, .. }
                    | Pay::End { checkout, .. }
                    | Pay::Paid { checkout, .. } => {
                        named.checkouts.push(checkout);
                        continue;
                    }
                    Pay::Claim(claim) => {
                        named.payments.push(&claim.payment);
                        continue;
                    }
                    Pay::Square { payment, .. } => {
                        named.payments.push(payment);
                        continue;
                    }
                }
            }
            Act::SetBudget { .. } => continue,
        };
        named.accounts.insert(account.0);
    }
    named
}

impl Named<'_> {
    /// The books of all accounts and instances, in order.
    fn books(&self, session: &Session) -> Result<Vec<i64>, LedgerError> {
        let mut accounts = self.accounts.clone();
        if !self.unowned.is_empty() {
            let ids: Vec<&str> = self.unowned.iter().copied().collect();
            for row in session.rows(ACCOUNTS_OF, &[&ids])? {
                accounts.insert(row.try_get(0)?);
            }
        }
        if !self.checkouts.is_empty() || !self.payments.is_empty() {
            for row in session.rows(PAYERS, &[&self.checkouts, &self.payments])? {
                accounts.insert(row.try_get(0)?);
            }
        }
        let customers = accounts
            .into_iter()
            .map(|account| BookKind::Customer.of(account));
        let systems = self.instances.iter().flat_map(|instance| {
            let kinds = BookKind::ALL.into_iter();
            let systems = kinds.filter(|kind| *kind != BookKind::Customer);
            systems.map(|kind| kind.of(*instance))
        });
        let mut ids: Vec<i64> = customers.chain(systems).map(|id| id.0).collect();
        ids.sort_unstable();
        Ok(ids)
    }
}
