//! Keeps Vane's credential at a provider out of everything that the provider says.
//!
//! Some providers repeat the key that they refuse, in an error or inside a stream. What they say
//! is masked where it comes in, byte for byte, so that places in it stay true; faults once more,
//! because their texts were unescaped since.

use bytes::Bytes;
use memchr::memmem::Finder;
use vane_dialect::Fault;

/// What must not be told.
#[derive(Debug, Default)]
pub struct Mask(Vec<Finder<'static>>);

/// Shorter texts are no secrets, and stand in words.
const SECRET_BYTES_MIN: usize = 8;

impl Mask {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter();
        let long = secrets.filter(|secret| secret.len() >= SECRET_BYTES_MIN);
        Self(
            long.map(|secret| Finder::new(secret).into_owned())
                .collect(),
        )
    }

    /// `said` without a secret in it, as long as it was.
    #[must_use]
    pub fn bytes(&self, said: Bytes) -> Bytes {
        if self.is_clean(&said) {
            return said;
        }
        let mut masked = said.to_vec();
        for finder in &self.0 {
            let places: Vec<usize> = finder.find_iter(&said).collect();
            for at in places {
                masked[at..at + finder.needle().len()].fill(b'*');
            }
        }
        masked.into()
    }

    /// `fault` without a secret in it.
    #[must_use]
    pub fn fault(&self, mut fault: Fault) -> Fault {
        fault.message = self.text(fault.message);
        fault.param = fault.param.map(|param| self.text(param));
        fault.code = fault.code.map(|code| self.text(code));
        // Its own words may hide a secret behind escapes.
        let tells = |body: &[u8]| match serde_json::from_slice::<serde_json::Value>(body) {
            Ok(value) => !self.is_clean(value.to_string().as_bytes()),
            Err(_) => !self.is_clean(body),
        };
        fault.upstream = fault.upstream.filter(|upstream| !tells(&upstream.body));
        fault
    }

    fn is_clean(&self, said: &[u8]) -> bool {
        self.0.iter().all(|finder| finder.find(said).is_none())
    }

    fn text(&self, said: String) -> String {
        if self.is_clean(said.as_bytes()) {
            return said;
        }
        String::from_utf8_lossy(&self.bytes(said.into())).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_dialect::Dialect;
    use vane_dialect::codec::decode_error;

    #[test]
    fn a_secret_is_masked_where_it_stands_and_nothing_moves() {
        let mask = Mask::new(["sk-secret/1", "tiny"]);
        let said = mask.bytes(Bytes::from_static(b"a sk-secret/1 tiny sk-secret/1"));
        assert_eq!(said, "a *********** tiny ***********");
        let stars = Mask::new(["********"]);
        assert_eq!(stars.bytes(Bytes::from_static(b"x ********")), "x ********");
    }

    #[test]
    fn a_secret_behind_escapes_is_in_no_fault() {
        let mask = Mask::new(["sk-secret/1"]);
        let body = br#"{"error":{"message":"bad key sk\u002dsecret\/1","param":"sk-secret/1"}}"#;
        for dialect in [
            Dialect::OpenaiChat,
            Dialect::AnthropicMessages,
            Dialect::MistralChat,
        ] {
            let fault = mask.fault(decode_error(dialect, 400, body));
            assert!(!format!("{fault:?}").contains("secret"), "{fault:?}");
            assert!(fault.upstream.is_none());
        }
    }
}
