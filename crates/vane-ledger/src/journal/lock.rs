//! One process per journal. The lock is the kernel's, so it ends with the process, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::error::{DiskError, JournalError};

const NAME: &str = "lock";

/// Makes the folder where there is none, and holds it while the file lives.
pub(super) fn take(folder: &Path) -> Result<File, JournalError> {
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
