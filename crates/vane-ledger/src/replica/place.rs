//! Where the journal of a process is kept.

use std::fs::File;
use std::io::{self, Write};
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

/// The file in the folder of a journal that has its name.
const NAME: &str = "name";
/// Segments of a journal that nobody keeps.
const PASSING_SEGMENT: u64 = 64 << 10;

impl Place {
    pub(super) fn of(store: &Store, settings: &Settings) -> Result<Self, LedgerError> {
        if let Some(folder) = &settings.journal {
            return Ok(Self::Kept(folder.clone()));
        }
        if let Some(database) = store.file() {
            return Ok(Self::Kept(beside(database)));
        }
        let name = format!("vane-journal-{}", new_id()?);
        Ok(Self::Passing(std::env::temp_dir().join(name)))
    }

    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Kept(folder) | Self::Passing(folder) => folder,
        }
    }

    /// The name of the journal, which its folder keeps: no other folder has it.
    pub(super) fn name(&self) -> Result<String, LedgerError> {
        let path = self.folder().join(NAME);
        let failed = |cause| LedgerError::File {
            path: path.clone(),
            cause,
        };
        match std::fs::read_to_string(&path) {
            Ok(name) if !name.is_empty() => return Ok(name),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let name = new_id()?;
        // Whole or not at all, and there for good before anything depends on it.
        let draft = self.folder().join(format!("{NAME}.new"));
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(name.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            File::open(self.folder())?.sync_all()
        });
        written.map_err(failed)?;
        Ok(name)
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

/// The folder of a journal that nobody has put elsewhere.
pub(super) fn beside(database: &Path) -> PathBuf {
    database.with_extension("journal")
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Passing(folder) = self {
            // What the system's own cleaning would find otherwise.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
