//! What can go wrong with a journal. Every message names the file and, where there is one, the
//! next step. None carries a payload.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The disk refused. Cheap to clone: one failure answers every ticket that it concerns.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {doing} {file}: {cause}")]
pub struct DiskError {
    pub doing: &'static str,
    pub file: Arc<str>,
    pub cause: Arc<io::Error>,
}

impl DiskError {
    pub(super) fn new(doing: &'static str, file: &str, cause: io::Error) -> Self {
        Self {
            doing,
            file: file.into(),
            cause: Arc::new(cause),
        }
    }
}

/// Why a journal does not open, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal's settings are wrong: {0}")]
    Settings(&'static str),
    #[error(
        "the journal {} is in use by process {pid}; stop that process first, or give this one a \
         folder of its own (`journal`)",
        path.display()
    )]
    InUse { path: PathBuf, pid: String },
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(
        "the journal is damaged: {file} at byte {offset}: {why}; keep the folder: \
         `vane audit --journal` says what in it is readable, and what to do"
    )]
    Damaged {
        file: String,
        offset: u64,
        why: &'static str,
    },
    #[error(
        "{file} belongs to the journal of another database or instance: put that database back, \
         or, if it is gone for good, move the journal's folder away"
    )]
    Foreign { file: String },
    #[error("records {from} to {until} are missing before {file}; restore the missing files")]
    Gap { file: String, from: u64, until: u64 },
    #[error("epoch {given} is not after epoch {last}, which this journal has seen")]
    StaleEpoch { last: u64, given: u64 },
    #[error(
        "the store has ingested up to record {ingested}, but the journal ends at {end}: \
         it is not the journal of this store, or an old copy"
    )]
    Behind { ingested: u64, end: u64 },
    #[error("records after {0} are no longer in the journal")]
    Gone(u64),
    #[error("record {0} is not yet on the disk, so nothing can have ingested it")]
    NotYet(u64),
}

/// Why a record is not taken. The caller's call fails closed; nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    #[error("a record of {bytes} bytes is over the journal's limit of {max}")]
    TooLarge { bytes: usize, max: usize },
    #[error("the journal's queue is full: the disk is slower than the calls")]
    QueueFull,
    #[error("the journal is full: the store has not ingested it for too long")]
    BacklogFull,
    #[error("the journal stands still: {0}")]
    Faulted(DiskError),
    #[error("the journal is closed")]
    Closed,
}
