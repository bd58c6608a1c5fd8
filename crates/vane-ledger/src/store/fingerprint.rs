//! Which secret a database was made with.

use super::Txn;
use crate::error::LedgerError;
use crate::secret::{Purpose, Secret};

pub(super) fn of(txn: Txn<'_>) -> Result<Option<[u8; 32]>, LedgerError> {
    let sql = "SELECT fingerprint FROM secret_fingerprint";
    txn.one(sql, &[], |row| row.hash(0))
}

/// Ties an unused database to the secret; refuses a used one that is tied to another.
pub(super) fn bind(txn: Txn<'_>, secret: &Secret) -> Result<(), LedgerError> {
    let ours = secret.derive(Purpose::Fingerprint)?;
    txn.execute(
        "INSERT INTO secret_fingerprint (one, fingerprint) VALUES (1, ?1) ON CONFLICT DO NOTHING",
        &[&ours.as_slice()],
    )?;
    match of(txn)? {
        Some(theirs) if theirs == ours => Ok(()),
        _ => Err(LedgerError::SecretMismatch),
    }
}
