//! `vane.secret`: the secret beside the database, as 64 hexadecimal digits that only the owner may
//! read. It is made once and never replaced.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Secret;
use crate::draft;
use crate::error::LedgerError;

pub(crate) const NAME: &str = "vane.secret";

/// Longer than any right content, so that a wrong file is told from a right one unread.
const READ_BYTES_MAX: u64 = 256;

/// The secret in the file, or `None` where there is no file.
pub(crate) fn load(path: &Path) -> Result<Option<Secret>, LedgerError> {
    let failed = |cause| LedgerError::File {
        path: path.to_owned(),
        cause,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(LedgerError::SecretWide {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::new();
    file.take(READ_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    // Lossy: a strange byte becomes a character that is no digit, which is what must be said.
    Secret::from_hex(
        &String::from_utf8_lossy(&bytes),
        &path.display().to_string(),
    )
    .map(Some)
}

/// Makes a secret, unless another process made one first; either way the file decides.
pub(crate) fn create(path: &Path) -> Result<Secret, LedgerError> {
    let digits = Secret::random()?.to_hex();
    draft::create(path, |draft| {
        OpenOptions::new()
            .write(true)
            .open(draft)
            .and_then(|mut file| writeln!(file, "{digits}").and_then(|()| file.sync_all()))
            .map_err(|cause| LedgerError::File {
                path: draft.to_owned(),
                cause,
            })
    })?;
    load(path)?.ok_or_else(|| LedgerError::SecretMissing {
        path: path.to_owned(),
    })
}
