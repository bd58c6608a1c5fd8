//! Roles, and what each may do.
//!
//! [`Role::may`] is the only place that says so; docs/roles.md is held against it. A right is asked
//! for by name wherever it is needed, never a role.

use crate::error::LedgerError;

/// What a member may do in an account. The later outranks the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Member,
    Admin,
    Owner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Calling models, which spends.
    Call,
    /// Reading balance, usage and receipts.
    ReadMoney,
    /// Paying for credit.
    TopUp,
    /// Reading the account, its members, and all that is known of its keys.
    ReadAccount,
    /// Making keys that act for oneself, changing and ending them.
    OwnKeys,
    /// Changing and ending any key of the account, but for those of who outranks one.
    AllKeys,
    /// Adding, changing and removing members, up to one's own role.
    Members,
    /// Renaming the account.
    Rename,
    /// Reading who changed what.
    ReadChanges,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// Whether a key may do it that acts for a member of this role; of nobody's, if it acts for
    /// nobody.
    pub fn may(role: Option<Self>, right: Right) -> bool {
        let at_least = |least| role.is_some_and(|role| role >= least);
        match right {
            Right::Call => role.is_none() || at_least(Self::Member),
            Right::ReadMoney => true,
            Right::TopUp => role.is_none() || at_least(Self::Admin),
            Right::ReadAccount => at_least(Self::Viewer),
            Right::OwnKeys => at_least(Self::Member),
            Right::AllKeys | Right::Members | Right::Rename | Right::ReadChanges => {
                at_least(Self::Admin)
            }
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    pub(crate) fn from_column(text: &str) -> Result<Self, LedgerError> {
        Self::parse(text).ok_or(LedgerError::Unreadable { what: "role" })
    }
}

impl Right {
    pub const ALL: [Self; 9] = [
        Self::Call,
        Self::ReadMoney,
        Self::TopUp,
        Self::ReadAccount,
        Self::OwnKeys,
        Self::AllKeys,
        Self::Members,
        Self::Rename,
        Self::ReadChanges,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::ReadMoney => "read_money",
            Self::TopUp => "top_up",
            Self::ReadAccount => "read_account",
            Self::OwnKeys => "own_keys",
            Self::AllKeys => "all_keys",
            Self::Members => "members",
            Self::Rename => "rename",
            Self::ReadChanges => "read_changes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_each_role_may() {
        let page = include_str!("../../../../docs/roles.md");
        let row = |right: Right| {
            let start = format!("| `{}` |", right.as_str());
            let line = page.lines().find(|line| line.starts_with(&start));
            let line = line.unwrap_or_else(|| panic!("no row of {right:?}"));
            let cells: Vec<bool> = line
                .split('|')
                .skip(3)
                .take(5)
                .map(|cell| cell.trim() == "yes")
                .collect();
            cells
        };
        for right in Right::ALL {
            let roles = Role::ALL.into_iter().map(Some).chain([None]);
            let may: Vec<bool> = roles.map(|role| Role::may(role, right)).collect();
            assert_eq!(row(right), may, "{right:?}");
        }
    }

    #[test]
    fn a_higher_role_may_all_that_a_lower_one_may() {
        for right in Right::ALL {
            let may = Role::ALL.map(|role| Role::may(Some(role), right));
            assert!(may.is_sorted_by(|above, below| above >= below), "{right:?}");
        }
    }
}
