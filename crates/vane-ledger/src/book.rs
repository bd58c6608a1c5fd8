//! The books: what may happen to money, decided without a database.
//!
//! An [`Op`] is what someone wants to happen. [`decide`] turns it and the [`Facts`] it depends on
//! into rows to write, or a [`Refusal`] that writes nothing. Every store decides here, so that they
//! differ only in where rows are kept; [`Model`] keeps them in memory and is the reference.
//! Invariants: postings sum to zero because their last leg is computed; a prepaid balance never
//! goes below what is lent out of it; nothing is divided and nothing wraps.

mod collect;
mod credit;
mod decide;
mod facts;
mod lend;
mod model;
mod op;
mod opening;
mod payment;
mod period;
mod posting;
mod receipt;
mod row;
mod settle;

pub use decide::{Decision, decide, well_formed};
pub use facts::{Facts, Rows, gather};
pub use model::Model;
pub use op::{
    Act, Attempt, Hold, Lease, Line, Op, Outcome, Refusal, Settlement, Source, Status, Times,
};
pub(crate) use opening::Opening;
pub use payment::{Checkout, CheckoutState, Claim, Pay, Payment};
pub use period::Period;
pub use posting::{Entry, Txn, TxnKind, hash_of};
pub use receipt::{Receipt, details_of, settlement_of};
pub use row::{
    Book, BookId, BookKind, Budget, Ended, Frozen, Lent, Lot, Row, Spending, TopUp, hour_of,
};
pub use settle::{Settled, Side, Till, settle};
