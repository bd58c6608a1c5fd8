//! What is wrong with a configuration, and where.
//!
//! A text here never repeats a value: it could be a secret in the wrong place.

use std::fmt;
use std::sync::Arc;

/// How a problem of a key begins that nobody asked for.
pub(super) const UNKNOWN: &str = "is not a key of the configuration";

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Line and column count from one, columns in characters.
    File {
        path: Arc<str>,
        line: usize,
        column: usize,
    },
    Variable(String),
    /// It is missing, or it is about the whole.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}: "),
            Self::Variable(name) => write!(f, "{name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

/// A reason not to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// The key in question, such as `limits.body_bytes_max`; empty where there is none.
    pub key: String,
    pub what: String,
}

impl Problem {
    /// Whether it is about one of these keys, or of these tables. A key at the root that nobody knows
    /// may be a slip of any of them.
    pub(super) fn is_about(&self, keys: &[&str]) -> bool {
        let unknown_at_root = !self.key.contains('.') && self.what.starts_with(UNKNOWN);
        unknown_at_root || keys.iter().any(|key| self.key == *key || self.is_in(key))
    }

    pub(super) fn is_in(&self, table: &str) -> bool {
        let below = self.key.strip_prefix(table);
        below.is_some_and(|below| below.starts_with('.'))
    }
}

/// A reason to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub Problem);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, key, what } = self;
        if key.is_empty() {
            write!(f, "{place}{what}")
        } else {
            write!(f, "{place}`{key}` {what}")
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Problem {}
