//! Addresses by which people are known.
//!
//! One person, one spelling: small letters, no spaces around. Whether mail arrives there is for
//! whoever sends some to find out.

use crate::error::LedgerError;
use crate::name;

/// What SMTP carries.
const BYTES_MAX: usize = 254;

/// The address in its one spelling.
pub(crate) fn read(text: &str) -> Result<String, LedgerError> {
    let email = text.to_lowercase();
    let parts = email.rsplit_once('@');
    let sound = parts.is_some_and(|(person, host)| {
        let whole = |part: &str| !part.is_empty() && !part.contains('@');
        whole(person) && whole(host) && !host.starts_with('.') && !host.ends_with('.')
    });
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"\\".contains(c);
    let plain = !email.contains(strange) && !name::is_disguised(&email);
    match sound && email.len() <= BYTES_MAX && plain {
        true => Ok(email),
        false => Err(LedgerError::Email),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (text, spelled) in [
            ("ann@example.com", "ann@example.com"),
            ("Ann+CI@Example.COM", "ann+ci@example.com"),
            ("o'neil@localhost", "o'neil@localhost"),
            ("ÉLAN@exämple.de", "élan@exämple.de"),
        ] {
            assert_eq!(read(text).unwrap(), spelled, "{text}");
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for text in [
            "",
            "ann",
            "@",
            "ann@",
            "@example.com",
            "a@b@c",
            "ann@.com",
            "ann@com.",
            " ann@example.com",
            "ann @example.com",
            "ann@example.com\n",
            "Ann <ann@example.com>",
            "a@b,c@d",
            "a\0@b",
            "ann\u{200b}@example.com",
            "ann\u{200d}@example.com",
            "\u{202e}nna@example.com",
            "ann@exa\u{2066}mple.com",
            &long,
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
