//! What stands in the journal: opaque bytes with a kind, numbered without a gap from 1.

/// Everything up to the record of this number. Stable across restarts; `START` is before them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    pub const START: Self = Self(0);

    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a record must outlive before its ticket resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process: the operating system has it. Synced within 100 ms.
    Crash,
    /// The loss of power: the disk has it.
    Power,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The position right after this record.
    pub position: Position,
    pub kind: u8,
    pub payload: Vec<u8>,
}

/// Records to be ingested in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub records: Vec<Record>,
    /// What to store in the same transaction, and to say to `ingested` afterwards.
    pub end: Position,
}
