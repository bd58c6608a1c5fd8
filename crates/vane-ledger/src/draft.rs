//! Files that appear whole or not at all, and never in place of another.
//!
//! A file is written under another name, for its owner only, and linked to its own when it is
//! finished: of two processes that make the same file together, both go on with the first.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::rand;

use crate::error::LedgerError;

/// Makes the file that `fill` writes at the path it is given, unless there is a file already.
pub(crate) fn create(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let failed = |cause| LedgerError::File {
        path: path.to_owned(),
        cause,
    };
    if path.try_exists().map_err(failed)? {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let mut bytes = [0; 8];
    rand::fill(&mut bytes)?;
    name.push(format!(".{:016x}.draft", u64::from_ne_bytes(bytes)));
    let draft = path.with_file_name(name);

    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(failed)?;
    let made = fill(&draft).and_then(|()| link(&draft, path).map_err(failed));
    fs::remove_file(&draft).map_err(failed)?;
    made
}

fn link(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}
