//! What a decision depends on, and where it is read from.

use super::op::{Act, Op, Source};
use super::row::{Book, BookId, BookKind, Held, Lent, Lot, Spending};
use crate::account::AccountId;

/// Rows of a store, as they stand.
pub trait Rows {
    type Error;

    fn book(&self, id: BookId) -> Result<Option<Book>, Self::Error>;
    /// Whether there is a transaction of this id.
    fn made(&self, txn: &str) -> Result<bool, Self::Error>;
    fn topped_up(&self, provider: &str, external: &str) -> Result<bool, Self::Error>;
    fn lease(&self, id: &str) -> Result<Option<Lent>, Self::Error>;
    fn hold(&self, call: &str) -> Result<Option<Held>, Self::Error>;
    /// `None` where the key has no budget.
    fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, Self::Error>;
    /// What is left of promotional credit, first what ends first.
    fn lots(&self, account: AccountId) -> Result<Vec<Lot>, Self::Error>;
}

/// All that one operation may need to know.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub repeated: bool,
    pub topped_up: bool,
    pub customer: Option<Book>,
    /// `cash_in` or `promotion` for credit, `provider_payable` for usage.
    pub against: Option<Book>,
    pub loss: Option<Book>,
    pub lease: Option<Lent>,
    pub hold: Option<Held>,
    pub spending: Option<Spending>,
    pub lots: Vec<Lot>,
}

/// Reads what `op` depends on.
pub fn gather<R: Rows>(rows: &R, op: &Op) -> Result<Facts, R::Error> {
    let mut facts = Facts::default();
    let system = |kind: BookKind| -> Result<Option<Book>, R::Error> {
        let book = rows.book(kind.of(op.instance))?;
        Ok(Some(
            book.unwrap_or_else(|| Book::new(kind, op.instance, false)),
        ))
    };
    let customer = |account: AccountId| rows.book(BookKind::Customer.of(account.0));
    match &op.act {
        Act::Grant {
            account, source, ..
        } => {
            facts.repeated = rows.made(&op.id)?;
            facts.customer = customer(*account)?;
            facts.against = match source {
                Source::Promotion { .. } => system(BookKind::Promotion)?,
                Source::Cash | Source::TopUp { .. } => system(BookKind::CashIn)?,
            };
            if let Source::TopUp { provider, external } = source {
                facts.topped_up = rows.topped_up(provider, external)?;
            }
        }
        Act::Refund { account, .. } => {
            facts.repeated = rows.made(&op.id)?;
            facts.customer = customer(*account)?;
            facts.against = system(BookKind::CashIn)?;
        }
        Act::ExpireCredit { account, .. } => {
            facts.repeated = rows.made(&op.id)?;
            facts.customer = customer(*account)?;
            facts.against = system(BookKind::Promotion)?;
            facts.lots = rows.lots(*account)?;
        }
        Act::Lease(lease) => {
            facts.lease = rows.lease(&op.id)?;
            facts.customer = customer(lease.account)?;
            if let Some(key) = &lease.key {
                facts.spending = rows.spending(key, op.at)?;
            }
        }
        Act::ReturnLease { lease } => facts.lease = rows.lease(lease)?,
        Act::Hold(hold) => {
            facts.hold = rows.hold(&hold.call)?;
            facts.lease = rows.lease(&hold.lease)?;
            facts.spending = rows.spending(&hold.key, op.at)?;
        }
        Act::Settle(settlement) => {
            facts.repeated = rows.made(&op.id)?;
            facts.hold = rows.hold(&settlement.call)?;
            if let (None, Some(hold)) = (&facts.hold, &settlement.hold) {
                facts.lease = rows.lease(&hold.lease)?;
                facts.spending = rows.spending(&hold.key, op.at)?;
            }
            facts.against = system(BookKind::ProviderPayable)?;
            facts.loss = system(BookKind::OperatorLoss)?;
        }
        Act::Extend { call, .. } | Act::Release { call } | Act::Expire { call } => {
            facts.hold = rows.hold(call)?;
        }
        Act::SetBudget { .. } => {}
    }
    follow(rows, op, &mut facts)?;
    Ok(facts)
}

/// Reads what hangs on what was read: a hold names its lease, a lease its account.
fn follow<R: Rows>(rows: &R, op: &Op, facts: &mut Facts) -> Result<(), R::Error> {
    if let (None, Some(hold)) = (&facts.lease, &facts.hold) {
        facts.lease = rows.lease(&hold.lease)?;
    }
    if let (None, Some(lease)) = (&facts.customer, &facts.lease) {
        facts.customer = rows.book(BookKind::Customer.of(lease.account.0))?;
    }
    if let (Act::Settle(_), Some(book)) = (&op.act, &facts.customer)
        && book.promotional.pico() > 0
    {
        facts.lots = rows.lots(AccountId(book.owner))?;
    }
    Ok(())
}
