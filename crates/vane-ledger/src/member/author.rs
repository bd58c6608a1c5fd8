//! Who makes a change, and whether that one may.
//!
//! A member's role is read in the transaction that makes the change: what a key ring remembers may
//! be a moment old. The operator, who has the database, may everything.

use super::role::{Right, Role};
use crate::account::AccountId;
use crate::error::LedgerError;
use crate::store::Txn;

/// What stands in the place of a key where a member signed in. No id of a key is so short.
pub const CONSOLE: &str = "console";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub who: Who,
    /// Unix seconds.
    pub at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By a command.
    Operator,
    /// By a key that acts for a member, the ids of both; in the console the key is [`CONSOLE`].
    Member { id: String, key: String },
}

/// What an author is in an account, as of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Operator,
    Member { id: String, role: Role },
}

impl Author {
    pub fn operator(at: i64) -> Self {
        Self {
            who: Who::Operator,
            at,
        }
    }

    /// The id of the member, unless it is the operator.
    pub fn member(&self) -> Option<String> {
        match &self.who {
            Who::Operator => None,
            Who::Member { id, .. } => Some(id.clone()),
        }
    }

    pub(crate) fn standing(
        &self,
        txn: Txn<'_>,
        account: AccountId,
    ) -> Result<Standing, LedgerError> {
        let Who::Member { id, .. } = &self.who else {
            return Ok(Standing::Operator);
        };
        let member = super::of_account(txn, account, id)?;
        Ok(Standing::Member {
            id: member.id,
            role: member.role,
        })
    }
}

impl Standing {
    pub(crate) fn must(&self, right: Right) -> Result<(), LedgerError> {
        match self {
            Self::Member { role, .. } if !Role::may(Some(*role), right) => {
                Err(LedgerError::MayNot { role: *role, right })
            }
            _ => Ok(()),
        }
    }

    /// Nobody gives, changes or takes a role above the own one.
    pub(crate) fn must_reach(&self, of: Role) -> Result<(), LedgerError> {
        match self {
            Self::Member { role, .. } if *role < of => Err(LedgerError::Above { role: *role, of }),
            _ => Ok(()),
        }
    }

    /// The id of the member, unless it is the operator.
    pub(crate) fn member(&self) -> Option<String> {
        match self {
            Self::Operator => None,
            Self::Member { id, .. } => Some(id.clone()),
        }
    }

    pub(crate) fn is(&self, member: Option<&str>) -> bool {
        matches!((self, member), (Self::Member { id, .. }, Some(member)) if id == member)
    }
}
