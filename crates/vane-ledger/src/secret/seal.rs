//! Sealing: bytes that leave our hands as text, and come back unread and unchanged or not at all.
//!
//! The text is `vane1.` and the URL-safe base64 of nonce, ciphertext and tag (AES-256-GCM under
//! the key of one purpose). `bound_to` is not stored: opening needs the same value again, so a
//! sealed text that is copied to another account or row does not open there.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Purpose, Secret};
use crate::error::LedgerError;

const VERSION: &str = "vane1.";

/// Seals and opens for one purpose.
pub struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(super) fn new(secret: &Secret, purpose: Purpose) -> Result<Self, LedgerError> {
        Ok(Self(RandomizedNonceKey::new(
            &AES_256_GCM,
            &secret.derive(purpose)?,
        )?))
    }

    pub fn seal(&self, plain: &[u8], bound_to: &[u8]) -> Result<String, LedgerError> {
        let mut body = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(bound_to), &mut body)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut body);
        Ok(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Every reason not to open is the same error: a forger learns nothing from it.
    pub fn open(&self, sealed: &str, bound_to: &[u8]) -> Result<Vec<u8>, LedgerError> {
        self.try_open(sealed, bound_to)
            .ok_or(LedgerError::NotSealed)
    }

    fn try_open(&self, sealed: &str, bound_to: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(VERSION)?).ok()?;
        let (nonce, body) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(bound_to), &mut body)
            .ok()?
            .len();
        body.truncate(plain);
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealer(purpose: Purpose) -> Sealer {
        Secret::from_hex(&"5a".repeat(32), "a test")
            .unwrap()
            .sealer(purpose)
            .unwrap()
    }

    #[test]
    fn s9_what_is_sealed_for_one_purpose_does_not_open_for_another() {
        let sealed = sealer(Purpose::Seal)
            .seal(b"thoughts", b"account 1")
            .unwrap();
        for purpose in [Purpose::KeyHash, Purpose::Session, Purpose::Idempotency] {
            assert!(
                sealer(purpose).open(&sealed, b"account 1").is_err(),
                "{purpose:?}"
            );
        }
        assert_eq!(
            sealer(Purpose::Seal).open(&sealed, b"account 1").unwrap(),
            b"thoughts"
        );
    }

    #[test]
    fn what_is_sealed_for_one_account_does_not_open_for_another() {
        let sealed = sealer(Purpose::Seal)
            .seal(b"thoughts", b"account 1")
            .unwrap();
        assert!(sealer(Purpose::Seal).open(&sealed, b"account 2").is_err());
    }

    #[test]
    fn the_same_bytes_never_seal_to_the_same_text() {
        let sealer = sealer(Purpose::Seal);
        assert_ne!(
            sealer.seal(b"", b"").unwrap(),
            sealer.seal(b"", b"").unwrap()
        );
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(plain: Vec<u8>, bound_to: Vec<u8>) {
            let sealer = sealer(Purpose::Seal);
            let sealed = sealer.seal(&plain, &bound_to).unwrap();
            prop_assert!(sealed.starts_with("vane1."));
            prop_assert_eq!(sealer.open(&sealed, &bound_to).unwrap(), plain);
        }

        #[test]
        fn any_changed_byte_keeps_it_shut(plain: Vec<u8>, at: prop::sample::Index, flip in 1u8..) {
            let sealer = sealer(Purpose::Seal);
            let sealed = sealer.seal(&plain, b"").unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed[VERSION.len()..]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let forged = format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert!(sealer.open(&forged, b"").is_err());
        }

        #[test]
        fn any_text_is_opened_or_refused_without_a_panic(text: String) {
            prop_assert!(sealer(Purpose::Seal).open(&text, b"").is_err());
            let versioned = format!("{VERSION}{text}");
            prop_assert!(sealer(Purpose::Seal).open(&versioned, b"").is_err());
        }
    }
}
