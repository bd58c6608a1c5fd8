//! What is wrong with a configuration, and where.
//!
//! A text here never repeats a value: it could be a secret in the wrong place.

use std::fmt;
use std::sync::Arc;

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
