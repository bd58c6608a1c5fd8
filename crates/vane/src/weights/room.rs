//! Whether a disk has room for what is to come.

use std::path::Path;

use super::trouble::Trouble;

/// Left to everything else that writes there.
const SPARE: u64 = 64 << 20;

/// # Errors
/// If the disk of the folder has less free than this. A disk that does not say is trusted.
pub(super) fn must_have(folder: &Path, needed: u64) -> Result<(), Trouble> {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if needed == 0 || needed.saturating_add(SPARE) <= free {
        return Ok(());
    }
    let folder = folder.to_owned();
    Err(Trouble::NoRoom {
        needed,
        free,
        folder,
    })
}
