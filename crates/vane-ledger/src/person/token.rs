//! What a cookie or a link holds: 256 random bits as text.
//!
//! Its hash is kept, never itself. The hash of a session cannot stand for that of a link, nor for
//! the token of a form: each use has a word of its own in what is hashed.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::LedgerError;
use crate::secret::Purpose;
use crate::store::Store;

const BYTES: usize = 32;

#[derive(Clone)]
pub struct Token(String);

/// What a token is used for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Use {
    Session,
    Form,
    Link,
}

impl Token {
    pub(super) fn generate() -> Result<Self, LedgerError> {
        let mut bytes = [0; BYTES];
        rand::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// `None` for what cannot be a token.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == BYTES).then(|| Self(text.to_owned()))
    }

    /// The text, for the one cookie or link that it is for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Store {
    pub(super) fn hash_token(&self, token: &Token, of: Use) -> Result<[u8; 32], LedgerError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.derive(Purpose::Session)?);
        let mut said = hmac::Context::with_key(&key);
        said.update(match of {
            Use::Session => b"session ".as_slice(),
            Use::Form => b"form ",
            Use::Link => b"link ",
        });
        said.update(token.0.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(said.sign().as_ref());
        Ok(hash)
    }

    /// The token that every form of a session carries, written for a member or for nobody: whoever
    /// does not hold the cookie's text cannot reckon it, and another session or member has another.
    pub fn form_token(&self, session: &Token, member: Option<&str>) -> Result<String, LedgerError> {
        // Tokens are all as long, so that what follows one cannot be taken for a part of it.
        let written = Token(format!("{}{}", session.0, member.unwrap_or_default()));
        Ok(URL_SAFE_NO_PAD.encode(self.hash_token(&written, Use::Form)?))
    }
}
