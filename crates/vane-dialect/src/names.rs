//! Names of tools for providers that take at most 64 bytes of one.
//!
//! A name is fitted without a look at the others, so that a tool is called the same in its
//! declaration, in the calls of earlier turns and in the choice among tools, and on every turn.

pub(crate) mod distinct;

use crate::ids;
use std::borrow::Cow;

const BYTES_MAX: usize = 64;

/// What joins a namespace and the name of its tool.
const JOINT: &str = "__";

/// The name that is sent: as it is, or its beginning and a digest of all of it.
pub(crate) fn sent(name: &str) -> Cow<'_, str> {
    ids::within(name, BYTES_MAX)
}

/// The one name of a namespace's tool.
pub(crate) fn flat(namespace: &str, name: &str) -> String {
    sent(&format!("{namespace}{JOINT}{name}")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_ends_in_a_digest_of_all_of_it() {
        let fitting = "m".repeat(64);
        assert_eq!(sent(&fitting), fitting);
        let (one, other) = (format!("{fitting}_one"), format!("{fitting}_other"));
        assert_eq!(sent(&one).len(), 64);
        assert!(one.starts_with(&sent(&one)[..54]));
        assert_ne!(sent(&one), sent(&other));
        assert!(sent(&"ü".repeat(40)).is_ascii());
    }
}
