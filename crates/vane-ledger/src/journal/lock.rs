//! One process per journal. The lock is the kernel's, so it ends with the process, however it ends.

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

/// The lock lasts as long as the file is open.
fn take(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join(NAME);
    let failed = |cause| DiskError::new("lock", &path.to_string_lossy(), cause);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(failed)?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let mut file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            sign(&mut file).map_err(failed)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(failed)?;
            Err(JournalError::InUse {
                path: folder.to_owned(),
                pid,
            })
        }
        Err(TryLockError::Error(cause)) => Err(failed(cause).into()),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    write!(file, "{}", std::process::id())
}
