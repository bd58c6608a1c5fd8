//! Keyed hashes of keys.
//!
//! A copied database is worthless without the secret, and a comparison takes the same time
//! whatever the hash.

use aws_lc_rs::hmac;

use super::Key;
use crate::error::LedgerError;
use crate::secret::{Purpose, Secret};

#[derive(Clone)]
pub(crate) struct KeyHasher(hmac::Key);

impl KeyHasher {
    pub(crate) fn new(secret: &Secret) -> Result<Self, LedgerError> {
        Ok(Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            &secret.derive(Purpose::KeyHash)?,
        )))
    }

    pub(crate) fn hash(&self, key: &Key) -> hmac::Tag {
        hmac::sign(&self.0, key.expose().as_bytes())
    }

    pub(crate) fn matches(&self, key: &Key, hash: &[u8]) -> bool {
        hmac::verify(&self.0, key.expose().as_bytes(), hash).is_ok()
    }
}
