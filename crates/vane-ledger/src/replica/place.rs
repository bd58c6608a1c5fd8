//! Where the journal of a process is kept.

use std::path::{Path, PathBuf};

use super::Settings;
use crate::error::LedgerError;
use crate::id::new_id;
use crate::journal::Settings as Sizes;
use crate::store::Store;

pub(super) enum Place {
    Kept(PathBuf),
    /// Of a database in memory: gone with it.
    Passing(PathBuf),
}

/// Segments of a journal that nobody keeps.
const PASSING_SEGMENT: u64 = 64 << 10;

impl Place {
    pub(super) fn of(store: &Store, settings: &Settings) -> Result<Self, LedgerError> {
        if let Some(folder) = &settings.journal {
            return Ok(Self::Kept(folder.clone()));
        }
        if let Some(database) = store.file() {
            return Ok(Self::Kept(database.with_extension("journal")));
        }
        let name = format!("vane-journal-{}", new_id()?);
        Ok(Self::Passing(std::env::temp_dir().join(name)))
    }

    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Kept(folder) | Self::Passing(folder) => folder,
        }
    }

    pub(super) fn sizes(&self, settings: &Settings) -> Sizes {
        match self {
            Self::Kept(_) => settings.sizes.clone(),
            Self::Passing(_) => Sizes {
                segment_bytes: PASSING_SEGMENT,
                ..settings.sizes.clone()
            },
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Passing(folder) = self {
            // What the system's own cleaning would find otherwise.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
