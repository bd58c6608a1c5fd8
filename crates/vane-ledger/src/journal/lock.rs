//! One process per journal, and per database that is a file. The lock is the kernel's, so it ends with the process, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::{DiskError, JournalError};

const NAME: &str = "lock";

/// The folder of a journal that no other process has open, before its records are looked at.
pub struct Lock {
    pub(super) folder: PathBuf,
    pub(super) file: File,
}

impl Lock {
    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// [`JournalError::InUse`] when another process has it.
    pub fn take(folder: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            folder: folder.to_owned(),
            file: take(folder)?,
        })
    }
}

fn take(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join(NAME);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| DiskError::new("lock", &path.to_string_lossy(), cause))?;
    match hold(&path)? {
        Held::Here(file) => Ok(file),
        Held::By(pid) => Err(JournalError::InUse {
            path: folder.to_owned(),
            pid,
        }),
    }
}

/// Who has a file that only one process may have.
pub(crate) enum Held {
    /// This one, as long as the file is open.
    Here(File),
    /// The process of that number.
    By(String),
}

/// Takes a file for this process, and makes it where there is none.
pub(crate) fn hold(path: &Path) -> Result<Held, DiskError> {
    let failed = |cause| DiskError::new("lock", &path.to_string_lossy(), cause);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    let mut file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            sign(&mut file).map_err(failed)?;
            Ok(Held::Here(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(failed)?;
            Ok(Held::By(pid))
        }
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    write!(file, "{}", std::process::id())
}
