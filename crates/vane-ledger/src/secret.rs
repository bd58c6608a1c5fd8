//! The one secret of an installation, and the keys derived from it.
//!
//! Nothing is ever hashed, sealed or signed with the secret itself: each [`Purpose`] has its own
//! key, so that what was made for one is worthless for another.

pub(crate) mod file;
mod seal;

use std::fmt;

use aws_lc_rs::{hkdf, rand};

use crate::error::LedgerError;

pub use seal::Sealer;

/// 32 random bytes, the same on every replica.
pub struct Secret([u8; 32]);

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Hashes of the keys of accounts.
    KeyHash,
    /// What goes through other hands: reasoning state.
    Seal,
    /// Keys of providers that rest in the database.
    ProviderKey,
    /// Hashes of what people sign in with: cookies, forms and links.
    Session,
    /// Stored answers of idempotent calls.
    Idempotency,
    /// Hashes of idempotency keys and of the requests they stand for.
    Request,
    /// Passes to the receipt of what was just run in the playground.
    Pass,
    /// Runs of the playground that a page holds until they are kept as examples.
    Run,
    /// Recognises the secret that a database was made with.
    Fingerprint,
}

impl Purpose {
    /// Part of every derived key: to change one is to lose what was made with it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::KeyHash => "vane key hash",
            Self::Seal => "vane seal",
            Self::ProviderKey => "vane provider key",
            Self::Session => "vane session",
            Self::Idempotency => "vane idempotency",
            Self::Request => "vane request",
            Self::Pass => "vane pass",
            Self::Run => "vane run",
            Self::Fingerprint => "vane fingerprint",
        }
    }
}

impl Secret {
    pub fn random() -> Result<Self, LedgerError> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads 64 hexadecimal digits. `origin` is what an error calls them: a variable or a path.
    pub fn from_hex(text: &str, origin: &str) -> Result<Self, LedgerError> {
        let malformed = || LedgerError::SecretMalformed {
            origin: origin.to_owned(),
        };
        let digits = text
            .trim()
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|value| u8::try_from(value).ok())
            })
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(malformed)?;
        let digits: [u8; 64] = digits.try_into().map_err(|_| malformed())?;
        let (pairs, _) = digits.as_chunks::<2>();
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (high << 4) | low;
        }
        Ok(Self(bytes))
    }

    pub(crate) fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn derive(&self, purpose: Purpose) -> Result<[u8; 32], LedgerError> {
        let mut key = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"vane secret 1")
            .extract(&self.0)
            .expand(&[purpose.label().as_bytes()], hkdf::HKDF_SHA256)?
            .fill(&mut key)?;
        Ok(key)
    }

    pub fn sealer(&self, purpose: Purpose) -> Result<Sealer, LedgerError> {
        Sealer::new(self, purpose)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const DIGITS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    #[test]
    fn s9_each_purpose_has_its_own_key() {
        let secret = Secret::from_hex(DIGITS, "a test").unwrap();
        let keys = [
            Purpose::KeyHash,
            Purpose::Seal,
            Purpose::ProviderKey,
            Purpose::Session,
            Purpose::Idempotency,
            Purpose::Request,
            Purpose::Pass,
            Purpose::Run,
            Purpose::Fingerprint,
        ]
        .map(|purpose| secret.derive(purpose).unwrap());
        assert_eq!(HashSet::from(keys).len(), keys.len());
        assert!(!keys.contains(&secret.0));
    }

    #[test]
    fn hexadecimal_round_trip() {
        let secret = Secret::from_hex(&format!(" {DIGITS}\n"), "a test").unwrap();
        assert_eq!(secret.0[..3], [0, 1, 2]);
        assert_eq!(secret.0[31], 0x1f);
        assert_eq!(secret.to_hex(), DIGITS.to_lowercase());
    }

    #[test]
    fn a_short_or_strange_secret_is_refused_without_repeating_it() {
        let strange = DIGITS.replace('0', "+");
        for text in ["", "abcd", &DIGITS[1..], &format!("{DIGITS}00"), &strange] {
            let message = Secret::from_hex(text, "VANE_SECRET")
                .unwrap_err()
                .to_string();
            assert!(
                message.starts_with("VANE_SECRET must be 64 hexadecimal digits"),
                "{message}"
            );
            assert!(text.is_empty() || !message.contains(text));
        }
    }

    #[test]
    fn s6_a_secret_does_not_print() {
        let printed = format!("{:?}", Secret::from_hex(DIGITS, "a test").unwrap());
        assert_eq!(printed, "Secret(…)");
    }
}
