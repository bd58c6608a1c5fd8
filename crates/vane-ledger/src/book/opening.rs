//! Where a book begins once the oldest of its receipts are gone.

use vane_catalog::Money;

/// What a book has come to at a place of its chain. A book that nothing is gone of begins at the
/// place before its first entry, where it has come to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The place of the entry or receipt that it stands after; 0 before the first.
    pub(crate) seq: i64,
    /// What is posted after that.
    pub(crate) balance: Money,
    /// The newest receipt up to there, 0 where there is none.
    pub(crate) receipt: i64,
    pub(crate) head: [u8; 32],
    /// Over the entries of credit up to there, one after another: they stay.
    pub(crate) kept: [u8; 32],
}
