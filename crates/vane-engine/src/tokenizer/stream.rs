//! Bytes of tokens to text: only whole characters leave.

/// Bytes that are not whole characters yet.
#[derive(Debug, Default)]
pub(crate) struct Unfinished(Vec<u8>);

impl Unfinished {
    /// Adds bytes and says what is whole now. What can never become a character is U+FFFD.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let mut text = String::new();
        let mut used = 0;
        for chunk in self.0.utf8_chunks() {
            text.push_str(chunk.valid());
            used += chunk.valid().len();
            let broken = chunk.invalid();
            if broken.is_empty() {
                continue;
            }
            // At the end it may be the beginning of a character.
            if used + broken.len() == self.0.len() && may_become(broken) {
                break;
            }
            text.push(char::REPLACEMENT_CHARACTER);
            used += broken.len();
        }
        self.0.drain(..used);
        text
    }

    /// What is left at the end.
    pub(crate) fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.0);
        if rest.is_empty() {
            String::new()
        } else {
            char::REPLACEMENT_CHARACTER.to_string()
        }
    }
}

/// Whether bytes that end too early could still be a character's.
fn may_become(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_leave_whole_however_their_bytes_come() {
        let text = "añ日😀z";
        for cut in 1..text.len() {
            let mut unfinished = Unfinished::default();
            let mut told = String::new();
            for bytes in text.as_bytes().chunks(cut) {
                told += &unfinished.push(bytes);
            }
            assert_eq!(told + &unfinished.finish(), text, "in pieces of {cut}");
        }
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        let mut unfinished = Unfinished::default();
        assert_eq!(unfinished.push(b"a\xffb\xe6"), "a\u{fffd}b");
        assert_eq!(unfinished.push(b"x"), "\u{fffd}x");
        assert_eq!(unfinished.push(b"\xf0\x9f"), "");
        assert_eq!(unfinished.finish(), "\u{fffd}");
    }
}
