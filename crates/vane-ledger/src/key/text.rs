//! The text of a key: `sk-vane-<id>-<secret><checksum>`, in letters and digits.
//!
//! The id finds the key, the secret proves it, and the checksum (of all that stands before it)
//! lets a mistyped or invented key be refused without asking anyone. There is one spelling of
//! each key: what parses is exactly as long as what is generated, and prints back unchanged.

use std::fmt;

use aws_lc_rs::{digest, rand};

use crate::error::LedgerError;

const PREFIX: &str = "sk-vane-";
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LETTERS: usize = 10;
/// 30 letters of 62 are 178 bits.
const SECRET_LETTERS: usize = 30;
const CHECKSUM_LETTERS: usize = 6;

/// A well-formed key. Whether anyone made it is for the key ring to say.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    pub(crate) fn generate() -> Result<Self, LedgerError> {
        let id = random_letters(ID_LETTERS)?;
        let secret = random_letters(SECRET_LETTERS)?;
        let mut text = format!("{PREFIX}{id}-{secret}");
        text.push_str(&checksum(&text));
        Ok(Self(text))
    }

    /// `None` for anything that [`Store::create_key`](crate::Store::create_key) cannot have made.
    pub fn parse(presented: &str) -> Option<Self> {
        let (id, rest) = presented
            .strip_prefix(PREFIX)?
            .split_at_checked(ID_LETTERS)?;
        let (secret, sum) = rest.strip_prefix('-')?.split_at_checked(SECRET_LETTERS)?;
        let spelled = sum.len() == CHECKSUM_LETTERS
            && id
                .bytes()
                .chain(secret.bytes())
                .all(|letter| letter.is_ascii_alphanumeric());
        if !spelled || checksum(presented.strip_suffix(sum)?) != sum {
            return None;
        }
        Some(Self(presented.to_owned()))
    }

    /// The public part: names the key in lists, logs and the database.
    pub fn id(&self) -> &str {
        self.0
            .get(PREFIX.len()..)
            .and_then(|rest| rest.get(..ID_LETTERS))
            .unwrap_or_default()
    }

    /// The whole key. For showing it once to its owner, and for hashing it; nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// How a key of this id is shown after its one appearance.
pub(super) fn masked(id: &str) -> String {
    format!("{PREFIX}{id}-…")
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(self.id()))
    }
}

fn checksum(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .take(CHECKSUM_LETTERS)
        .map(letter)
        .collect()
}

fn random_letters(count: usize) -> Result<String, LedgerError> {
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 64];
    while text.len() < count {
        rand::fill(&mut bytes)?;
        let missing = count.saturating_sub(text.len());
        // 248 is the last multiple of 62 in a byte: beyond it some letters would be likelier.
        text.extend(
            bytes
                .iter()
                .filter(|byte| **byte < 248)
                .take(missing)
                .map(letter),
        );
    }
    Ok(text)
}

fn letter(byte: &u8) -> char {
    char::from(LETTERS[usize::from(byte % 62)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_generated_key_parses_to_itself() {
        let key = Key::generate().unwrap();
        let parsed = Key::parse(key.expose()).unwrap();
        assert_eq!(parsed.expose(), key.expose());
        assert_eq!(parsed.id().len(), ID_LETTERS);
        assert!(key.expose().starts_with(&format!("sk-vane-{}-", key.id())));
    }

    #[test]
    fn the_format_is_pinned() {
        // A change here turns away every key that people already hold.
        let key = Key::parse("sk-vane-0123456789-abcdefghijklmnopqrstuvwxyzABCDlp0VIQ");
        assert_eq!(key.unwrap().id(), "0123456789");
    }

    #[test]
    fn s6_a_key_does_not_print() {
        let key = Key::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("sk-vane-{}-…", key.id()));
    }

    #[test]
    fn junk_is_refused() {
        let good = Key::generate().unwrap().expose().to_owned();
        for junk in [
            "",
            "sk-vane-",
            "sk-vane-é",
            "Bearer",
            "sk-ant-api03-AAAA",
            "vane1.AAAA",
            &good.to_uppercase(),
            &format!(" {good}"),
            &format!("{good}\n"),
            &format!("{good}{good}"),
            &good.replacen('-', "_", 3),
            &"sk-vane-".repeat(100_000),
        ] {
            assert!(Key::parse(junk).is_none(), "{junk:.80}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_character_is_always_refused(at: prop::sample::Index, new: char) {
            let good = Key::generate().unwrap().expose().to_owned();
            let at = at.index(good.len());
            let mut changed: Vec<char> = good.chars().collect();
            changed[at] = new;
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(Key::parse(&changed).is_some(), changed == good);
        }

        #[test]
        fn one_missing_or_doubled_character_is_always_refused(at: prop::sample::Index) {
            let good = Key::generate().unwrap().expose().to_owned();
            let at = at.index(good.len());
            prop_assert!(Key::parse(&[&good[..at], &good[at..][1..]].concat()).is_none());
            prop_assert!(Key::parse(&[&good[..=at], &good[at..]].concat()).is_none());
        }

        #[test]
        fn any_text_parses_or_not_without_a_panic(text: String) {
            prop_assert!(Key::parse(&text).is_none());
            prop_assert!(Key::parse(&[PREFIX, &text].concat()).is_none());
        }
    }
}
