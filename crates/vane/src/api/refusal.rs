//! What the ledger refuses, as faults of the API: who is at fault, and which field.

use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::LedgerError;

pub(super) fn of(error: &LedgerError) -> Fault {
    let said = error.to_string();
    let field = match error {
        LedgerError::Name {
            what: "the id of a model" | "the list of models",
            ..
        }
        | LedgerError::NoModels => "models",
        LedgerError::Name {
            what: "the id of a provider" | "the list of providers",
            ..
        }
        | LedgerError::NoProviders => "providers",
        LedgerError::Name { .. } => "name",
        LedgerError::Email => "email",
        LedgerError::Refused(_) => "budget",
        LedgerError::NoSuchKey { .. } | LedgerError::NoSuchMember { .. } => return missing(&said),
        LedgerError::MayNot { .. } | LedgerError::Above { .. } | LedgerError::NotTheirs { .. } => {
            return Fault::new(Kind::Forbidden, Blame::Caller, said);
        }
        LedgerError::MemberExists { .. }
        | LedgerError::AccountExists { .. }
        | LedgerError::FirstOwner
        | LedgerError::LastOwner
        | LedgerError::TooMany { .. }
        | LedgerError::KeyEnded { .. }
        | LedgerError::KeyReplaced { .. } => {
            return Fault::new(Kind::Conflict, Blame::Caller, said);
        }
        _ => return away(&said),
    };
    Fault::invalid(field, said)
}

/// A key that acts for nobody changes nothing.
pub(super) fn of_nobody() -> Fault {
    let message = "this key acts for nobody, so it changes nothing: use one that acts for a member";
    Fault::new(Kind::Forbidden, Blame::Caller, message)
}

pub(super) fn too_often() -> Fault {
    let message = "too many changes of this account at once: wait a minute";
    let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
    Fault {
        retry_after: Some(Duration::from_secs(60)),
        ..fault
    }
}

pub(super) fn away(why: &str) -> Fault {
    let message = format!("the ledger cannot be read at present: {why}; try again in a moment");
    let fault = Fault::new(Kind::Unavailable, Blame::Us, message);
    Fault {
        retry_after: Some(Duration::from_secs(2)),
        ..fault
    }
}

pub(super) fn missing(what: &str) -> Fault {
    Fault::new(Kind::NotFound, Blame::Caller, what).with_code("not_found")
}
