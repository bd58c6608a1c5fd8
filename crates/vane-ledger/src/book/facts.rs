//! What a decision depends on, and where it is read from.

use super::op::{Act, Op, Source};
use super::payment::{Checkout, Claim, Pay, Payment};
use super::row::{Book, BookId, BookKind, Lent, Lot, Spending};
use crate::account::AccountId;

/// Rows of a store, as they stand.
pub trait Rows {
    type Error;

    fn book(&self, id: BookId) -> Result<Option<Book>, Self::Error>;
    /// The number of the transaction that an operation made.
    fn made(&self, op: &str) -> Result<bool, Self::Error>;
    fn topped_up(&self, provider: &str, external: &str) -> Result<bool, Self::Error>;
    fn lease(&self, id: &str) -> Result<Option<Lent>, Self::Error>;
    /// `None` where the key has no budget.
    fn spending(&self, key: &str, at: i64) -> Result<Option<Spending>, Self::Error>;
    /// What is left of promotional credit, first what ends first.
    fn lots(&self, account: AccountId) -> Result<Vec<Lot>, Self::Error>;
    fn checkout(&self, id: &str) -> Result<Option<Checkout>, Self::Error>;
    fn payment(&self, provider: &str, id: &str) -> Result<Option<Payment>, Self::Error>;
    /// All claims to a payment, by their ids.
    fn claims(&self, provider: &str, payment: &str) -> Result<Vec<Claim>, Self::Error>;
    fn is_frozen(&self, account: AccountId) -> Result<bool, Self::Error>;
}

/// All that one operation may need to know.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The number of the transaction that it may make.
    pub txn: i64,
    pub repeated: bool,
    pub topped_up: bool,
    pub customer: Option<Book>,
    /// `cash_in` or `promotion`, for credit.
    pub against: Option<Book>,
    pub lease: Option<Lent>,
    pub spending: Option<Spending>,
    pub lots: Vec<Lot>,
    pub pay: PayFacts,
}

/// What only payments depend on.
#[derive(Clone, Debug, Default)]
pub struct PayFacts {
    pub checkout: Option<Checkout>,
    pub payment: Option<Payment>,
    pub claims: Vec<Claim>,
    pub loss: Option<Book>,
    pub fees: Option<Book>,
    pub frozen: bool,
}

/// Reads what `op` depends on; `txn` is the number of the next transaction.
pub fn gather<R: Rows>(rows: &R, op: &Op, txn: i64) -> Result<Facts, R::Error> {
    let mut facts = Facts {
        txn,
        ..Facts::default()
    };
    let customer = |account: AccountId| rows.book(BookKind::Customer.of(account.0));
    match &op.act {
        Act::Grant {
            account, source, ..
        } => {
            let kind = match source {
                Source::Promotion { .. } => BookKind::Promotion,
                Source::Cash | Source::TopUp { .. } => BookKind::CashIn,
            };
            credit(rows, op, *account, kind, &mut facts)?;
            if let Source::TopUp { provider, external } = source {
                facts.topped_up = rows.topped_up(provider, external)?;
            }
        }
        Act::Refund { account, .. } => {
            credit(rows, op, *account, BookKind::CashIn, &mut facts)?;
        }
        Act::ExpireCredit { account, .. } => {
            credit(rows, op, *account, BookKind::Promotion, &mut facts)?;
            facts.lots = rows.lots(*account)?;
        }
        Act::Lease(lease) => {
            facts.lease = rows.lease(&op.id)?;
            facts.customer = customer(lease.account)?;
            if let Some(key) = &lease.key {
                facts.spending = rows.spending(key, op.at)?;
            }
        }
        Act::Renew { lease, .. } | Act::ReturnLease { lease } => {
            facts.lease = rows.lease(lease)?;
            if let Some(lease) = &facts.lease {
                facts.customer = customer(lease.account)?;
                if let Some(key) = &lease.key {
                    facts.spending = rows.spending(key, op.at)?;
                }
            }
        }
        Act::Pay(pay) => payments(rows, op, pay, &mut facts)?,
        Act::Freeze { account, .. } => facts.customer = customer(*account)?,
        Act::Settle(_) | Act::SetBudget { .. } => {}
    }
    Ok(facts)
}

fn payments<R: Rows>(rows: &R, op: &Op, pay: &Pay, facts: &mut Facts) -> Result<(), R::Error> {
    match pay {
        Pay::Ask(checkout) => {
            facts.pay.checkout = rows.checkout(&checkout.id)?;
            facts.customer = rows.book(BookKind::Customer.of(checkout.account.0))?;
        }
        Pay::Begin { checkout, .. } | Pay::End { checkout, .. } => {
            facts.pay.checkout = rows.checkout(checkout)?;
        }
        Pay::Paid {
            checkout,
            external,
            payment,
            ..
        } => {
            facts.pay.checkout = rows.checkout(checkout)?;
            if let Some(checkout) = &facts.pay.checkout {
                let (provider, account) = (checkout.provider.clone(), checkout.account);
                facts.topped_up = rows.topped_up(&provider, external)?;
                facts.pay.payment = rows.payment(&provider, payment)?;
                facts.pay.claims = rows.claims(&provider, payment)?;
                sides(rows, op, account, facts)?;
            }
        }
        Pay::Claim(Claim {
            provider, payment, ..
        })
        | Pay::Square { provider, payment } => {
            facts.pay.payment = rows.payment(provider, payment)?;
            facts.pay.claims = rows.claims(provider, payment)?;
            if let Some(made) = &facts.pay.payment {
                sides(rows, op, made.account, facts)?;
            }
        }
    }
    Ok(())
}

fn sides<R: Rows>(
    rows: &R,
    op: &Op,
    account: AccountId,
    facts: &mut Facts,
) -> Result<(), R::Error> {
    facts.pay.loss = Some(system(rows, op, BookKind::OperatorLoss)?);
    facts.pay.fees = Some(system(rows, op, BookKind::TopUpFee)?);
    facts.pay.frozen = rows.is_frozen(account)?;
    credit(rows, op, account, BookKind::CashIn, facts)
}

/// The instance's book of that kind, new where nothing was posted to it.
fn system<R: Rows>(rows: &R, op: &Op, kind: BookKind) -> Result<Book, R::Error> {
    let book = rows.book(kind.of(op.instance))?;
    Ok(book.unwrap_or_else(|| Book::new(kind, op.instance, false)))
}

fn credit<R: Rows>(
    rows: &R,
    op: &Op,
    account: AccountId,
    against: BookKind,
    facts: &mut Facts,
) -> Result<(), R::Error> {
    facts.repeated = rows.made(&op.id)?;
    facts.customer = rows.book(BookKind::Customer.of(account.0))?;
    facts.against = Some(system(rows, op, against)?);
    Ok(())
}
