//! Where the journal of a process is kept, and that nobody else has it or the database, where that is
//! a file. Invariant: a journal that may have what such a database lacks is not passed over.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{ReplicaError, Settings};
use crate::error::LedgerError;
use crate::id::new_id;
use crate::journal::{Held, JournalError, Lock, Settings as Sizes, hold};
use crate::store::{ALONE, Life, Store};

/// What a process has to itself as long as it runs.
pub(super) struct Places {
    pub(super) _place: Place,
    /// The lock of a database that is a file.
    pub(super) _database: Option<File>,
}

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

    /// Begins a life of the one process at a database that is a file, or in memory.
    pub(super) fn begin(&self, store: &Store, now: i64) -> Result<Life, ReplicaError> {
        if store.file().is_none() {
            return Ok(store.begin(ALONE, now)?);
        }
        let name = self.name()?;
        match store.journal()? {
            Some((former, folder)) if former != name => given_up(&former, folder.as_ref())?,
            _ => {}
        }
        let folder = std::path::absolute(self.folder());
        let folder = folder.unwrap_or_else(|_| self.folder().to_owned());
        Ok(store.begin_alone(&name, &folder.to_string_lossy(), now)?)
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

/// Makes sure that a journal which has not been brought in is gone, or is that of another database.
fn given_up(name: &str, folder: &Path) -> Result<(), ReplicaError> {
    let is_there = std::fs::read_to_string(folder.join(NAME)).is_ok_and(|kept| kept == name);
    if is_there {
        match Lock::take(folder) {
            // Of a process at another database, of which this one is a copy.
            Err(JournalError::InUse { .. }) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let folder = folder.to_owned();
                return Err(ReplicaError::OtherJournal { folder });
            }
        }
    }
    tracing::error!(
        folder = %folder.display(),
        "the journal that the database was left with is not there; calls that it alone had have no \
         receipt"
    );
    Ok(())
}

/// The lock of a database that one process has to itself: journals in two folders do not keep two
/// processes apart.
pub(super) fn lock(store: &Store) -> Result<Option<File>, ReplicaError> {
    let Some(database) = store.file().filter(|_| !store.is_shared()) else {
        return Ok(None);
    };
    // Whatever name it was reached by.
    let path = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut beside = path.clone().into_os_string();
    beside.push("-lock");
    match hold(Path::new(&beside)).map_err(JournalError::Disk)? {
        Held::Here(file) => Ok(Some(file)),
        Held::By(pid) => Err(ReplicaError::InUse { path, pid }),
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
