//! How vocabularies of byte pieces are written in JSON and GGUF: every byte as a visible letter.

/// The bytes of a piece that is written so; `None` if a letter stands for no byte.
pub(super) fn bytes_of(piece: &str) -> Option<Vec<u8>> {
    piece
        .chars()
        .map(|letter| match u32::from(letter) {
            code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => u8::try_from(code).ok(),
            code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
            code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 0x7f).ok(),
            0x143 => Some(0xad),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letter of a byte: itself where it is visible Latin-1, one past U+0100 otherwise.
    fn letters() -> [char; 256] {
        let mut letters = ['\0'; 256];
        let mut hidden = 256_u32;
        for byte in 0..=u8::MAX {
            let visible = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            letters[usize::from(byte)] = if visible {
                char::from(byte)
            } else {
                hidden += 1;
                char::from_u32(hidden - 1).unwrap_or_default()
            };
        }
        letters
    }

    #[test]
    fn every_byte_has_a_letter_and_every_letter_its_byte() {
        for (byte, letter) in (0..=u8::MAX).zip(letters()) {
            assert_eq!(bytes_of(&letter.to_string()), Some(vec![byte]), "{byte:#x}");
        }
        assert_eq!(letters()[usize::from(b' ')], 'Ġ');
        assert_eq!(bytes_of("€"), None);
    }
}
