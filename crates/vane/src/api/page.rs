//! The pages of the API: the methods that each takes, and the right that each asks for.

use super::{keys, top_ups};
use http::Method;
use vane_ledger::Right;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Credits,
    Entries,
    Usage,
    Receipts,
    Receipt,
    TopUps,
    TopUp,
    Account,
    Changes,
    Keys,
    Key,
    Rotation,
    Members,
    Member,
}

impl Page {
    /// How long a body may be; questions have none.
    #[must_use]
    pub const fn body_bytes_max(self) -> usize {
        match self {
            Self::Keys | Self::Key => keys::BODY_BYTES_MAX,
            _ => top_ups::BODY_BYTES_MAX,
        }
    }

    /// The methods that it takes. Where `GET` is one, `HEAD` is too.
    #[must_use]
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Credits
            | Self::Entries
            | Self::Usage
            | Self::Receipts
            | Self::Receipt
            | Self::TopUp
            | Self::Changes => &[Method::GET],
            Self::TopUps | Self::Rotation => &[Method::POST],
            Self::Account => &[Method::GET, Method::PATCH],
            Self::Keys | Self::Members => &[Method::GET, Method::POST],
            Self::Key => &[Method::GET, Method::PATCH, Method::DELETE],
            Self::Member => &[Method::PATCH, Method::DELETE],
        }
    }

    /// The right that a request needs. Whose key it is about, the ledger asks besides.
    pub(super) fn right(self, method: &Method) -> Right {
        let asks = *method == Method::GET || *method == Method::HEAD;
        match self {
            Self::Credits
            | Self::Entries
            | Self::Usage
            | Self::Receipts
            | Self::Receipt
            | Self::TopUp => Right::ReadMoney,
            Self::TopUps => Right::TopUp,
            Self::Changes => Right::ReadChanges,
            Self::Account | Self::Keys | Self::Key | Self::Members if asks => Right::ReadAccount,
            Self::Account => Right::Rename,
            Self::Keys | Self::Key | Self::Rotation => Right::OwnKeys,
            Self::Members | Self::Member => Right::Members,
        }
    }

    /// Whether it tells what calls cost, all that have ended among them.
    pub(super) const fn tells_money(self) -> bool {
        matches!(
            self,
            Self::Credits
                | Self::Entries
                | Self::Usage
                | Self::Receipts
                | Self::Receipt
                | Self::TopUp
        )
    }
}
