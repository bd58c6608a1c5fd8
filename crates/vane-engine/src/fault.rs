//! What can go wrong, told so that an operator knows what to do about it.
//!
//! A file is attacker input: whatever it says ends here, never in a panic.

use std::path::Path;

/// A failure of opening weights or of running a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Unreadable {
        path: String,
        source: std::io::Error,
    },
    /// A file breaks the rules of its own format.
    #[error("{path}: {what}")]
    Malformed { path: String, what: String },
    /// Well-formed, and nothing that this engine runs.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// The weights, or one sequence beside them, would not fit into memory.
    #[error("{needs_mib} MiB of memory are needed and {free_mib} MiB are free: {what}")]
    TooLarge {
        what: String,
        needs_mib: u64,
        free_mib: u64,
    },
    /// A prompt that leaves no room for an answer.
    #[error("a prompt of {tokens} tokens; this model's context is {context}")]
    PromptTooLong { tokens: usize, context: usize },
    /// The request asks for what cannot be done, or says something impossible.
    #[error("{0}")]
    Refused(String),
    /// A device that computes did not do what it was asked for.
    #[error("the device failed: {0}")]
    Device(String),
    /// As many requests wait as may wait.
    #[error("too many requests wait for this model")]
    Busy,
    /// The engine was stopped.
    #[error("the engine has stopped")]
    Stopped,
}

impl Fault {
    pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Self {
        let path = path.display().to_string();
        Fault::Unreadable { path, source }
    }

    pub(crate) fn malformed(path: &Path, what: impl Into<String>) -> Self {
        let path = path.display().to_string();
        Fault::Malformed {
            path,
            what: what.into(),
        }
    }
}
