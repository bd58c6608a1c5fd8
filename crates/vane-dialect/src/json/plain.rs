//! Plain text within a JSON string: ASCII that neither ends the string nor begins an escape.
//!
//! Keys are short, and source code has an escape at the end of each line: searches that are fast on
//! long text cost more to begin than such a piece is worth. So a piece is looked at by words first.

/// Words of a piece that are looked at one by one.
const WORDS: usize = 6;
const WORD_BYTES: usize = 8;
/// What is looked at as a whole after them: this becomes vector instructions.
const BLOCK_BYTES: usize = 64;

/// How many bytes from the first on are plain.
pub(super) fn length(bytes: &[u8]) -> usize {
    let near = &bytes[..bytes.len().min(WORDS * WORD_BYTES)];
    let length = by_words(near);
    if length < near.len() {
        return length;
    }
    let (blocks, _) = bytes[length..].as_chunks::<BLOCK_BYTES>();
    let is_plain = |block: &&[u8; BLOCK_BYTES]| {
        let odd = |odd: bool, byte: &u8| odd | is_odd(*byte);
        !block.iter().fold(false, odd)
    };
    let length = length + BLOCK_BYTES * blocks.iter().take_while(is_plain).count();
    length + by_words(&bytes[length..])
}

fn by_words(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    for (n, word) in words.iter().enumerate() {
        let odd = odd_bytes(u64::from_le_bytes(*word));
        if odd != 0 {
            return n * WORD_BYTES + odd.trailing_zeros() as usize / 8;
        }
    }
    bytes.len() - rest.len() + rest.iter().take_while(|byte| !is_odd(**byte)).count()
}

/// Control characters, and as signed numbers what is beyond ASCII, are below a space.
const fn is_odd(byte: u8) -> bool {
    (byte.cast_signed() < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The high bit of each byte that is odd. Beyond the first, others may be marked too.
const fn odd_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word
    }
    let quotes = zeros(word ^ (ONES * b'"' as u64));
    let backslashes = zeros(word ^ (ONES * b'\\' as u64));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls | word) & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::{is_odd, length};

    #[test]
    fn text_is_plain_up_to_its_first_odd_byte() {
        for (byte, next) in (0..=u8::MAX).flat_map(|a| [0, 0x1f, b'!', b'#', 0xff].map(|b| (a, b)))
        {
            for at in (0..70).chain(110..220) {
                let mut text = [b'a'; 222];
                (text[at], text[at + 1], text[221]) = (byte, next, b'"');
                let odd = text.iter().position(|byte| is_odd(*byte));
                assert_eq!(Some(length(&text)), odd, "{byte}, {next} at {at}");
                assert_eq!(length(&text[..at]), at);
            }
        }
    }

    #[test]
    fn what_is_odd_ends_a_piece_of_plain_text() {
        let odd: Vec<u8> = (0..=u8::MAX).filter(|byte| is_odd(*byte)).collect();
        let expected = (0..0x20).chain([b'"', b'\\']).chain(0x80..=0xff);
        assert_eq!(odd, expected.collect::<Vec<u8>>());
    }
}
