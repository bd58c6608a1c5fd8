//! Strings that have a pattern in them, byte by byte as JSON writes them.
//!
//! A pattern becomes an automaton of characters, of which only what leads to an end is kept. A character
//! is written in one way: as it is, or escaped where JSON asks for that.

mod automaton;
mod syntax;

use automaton::Automaton;

/// The largest there is.
const LAST: u32 = 0x10_ffff;
/// Control characters that have no short escape.
const LONG: [(u32, u32); 3] = [(0, 7), (0xb, 0xb), (0xe, 0x1f)];
/// Characters that have one, and what stands after the backslash.
const SHORT: [(u32, u8); 7] = [
    (0x22, b'"'),
    (0x5c, b'\\'),
    (0x08, b'b'),
    (0x0c, b'f'),
    (0x0a, b'n'),
    (0x0d, b'r'),
    (0x09, b't'),
];
/// Bytes of a pattern.
const BYTES_MAX: usize = 1_024;

/// What may be spent on all patterns of a schema, so that none takes long or much.
#[derive(Debug)]
pub(super) struct Budget(u32);

impl Default for Budget {
    fn default() -> Self {
        Self(1 << 22)
    }
}

impl Budget {
    fn spend(&mut self, many: usize) -> Result<(), String> {
        let many = u32::try_from(many).unwrap_or(u32::MAX);
        let left = self.0.checked_sub(many);
        self.0 = left.ok_or("its automaton is too large")?;
        Ok(())
    }
}

/// Where in a character a string stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Bits {
    /// Between two characters.
    Plain,
    /// After a backslash.
    Escape,
    /// So many digits of an escape are missing.
    Hex { value: u32, left: u8 },
    /// So many bytes of a character are missing, which is `least` or more.
    More { value: u32, left: u8, least: u32 },
}

/// What may be written for a pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    automaton: Automaton,
}

impl Pattern {
    /// Or why not. `least` and `most` count characters of the whole string.
    pub(super) fn read(
        text: &str,
        (least, most): (u32, u32),
        budget: &mut Budget,
    ) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("it has more than {BYTES_MAX} bytes"));
        }
        let tree = syntax::read(text)?;
        let automaton = Automaton::of(&tree, (least, most), budget)?;
        Ok(Self { automaton })
    }

    pub(super) fn is_possible(&self) -> bool {
        self.automaton.is_possible()
    }

    /// Whether the string may be over.
    pub(super) fn accepts(&self, at: u32) -> bool {
        self.automaton.accepts(at)
    }

    /// Whether nothing is asked any more of what follows.
    pub(super) fn is_free(&self, at: u32) -> bool {
        self.automaton.is_free(at)
    }

    /// Goes on by a byte that does not end the string.
    pub(super) fn step(&self, at: u32, bits: Bits, byte: u8) -> Option<(u32, Bits)> {
        let character = |code: u32| self.automaton.step(at, code).map(|to| (to, Bits::Plain));
        match (bits, byte) {
            (Bits::Plain, b'"') => None,
            (Bits::Plain, b'\\') => self.may_escape(at).then_some((at, Bits::Escape)),
            (Bits::Plain, 0x20..=0x7f) => character(u32::from(byte)),
            (Bits::Plain, 0xc2..=0xdf) => self.more(at, u32::from(byte & 0x1f), 1, 0x80),
            (Bits::Plain, 0xe0..=0xef) => self.more(at, u32::from(byte & 0xf), 2, 0x800),
            (Bits::Plain, 0xf0..=0xf4) => self.more(at, u32::from(byte & 7), 3, 0x1_0000),
            (Bits::Plain, _) => None,
            (Bits::Escape, b'u') => self.hex(at, 0, 4),
            (Bits::Escape, _) => {
                let (code, _) = SHORT.iter().find(|(_, sign)| *sign == byte)?;
                character(*code)
            }
            (Bits::Hex { value, left }, b'0'..=b'9') => {
                self.hex(at, value << 4 | u32::from(byte - b'0'), left - 1)
            }
            (Bits::Hex { value, left }, b'a'..=b'f') => {
                self.hex(at, value << 4 | u32::from(byte - b'a' + 10), left - 1)
            }
            (Bits::More { value, left, least }, 0x80..=0xbf) => {
                self.more(at, value << 6 | u32::from(byte & 0x3f), left - 1, least)
            }
            (Bits::Hex { .. } | Bits::More { .. }, _) => None,
        }
    }

    fn may_escape(&self, at: u32) -> bool {
        let short = SHORT.iter().map(|(code, _)| (*code, *code));
        let mut all = short.chain(LONG);
        all.any(|(from, to)| self.automaton.may(at, from, to))
    }

    /// An escape whose digits begin with this value.
    fn hex(&self, at: u32, value: u32, left: u8) -> Option<(u32, Bits)> {
        let (from, to) = span(value, 4 * u32::from(left));
        let of_these = |(first, last): (u32, u32)| (from.max(first), to.min(last));
        let mut some = LONG.into_iter().map(of_these);
        if left == 0 {
            let is_long = some.any(|(from, to)| from <= to);
            let next = self.automaton.step(at, value).filter(|_| is_long);
            return next.map(|next| (next, Bits::Plain));
        }
        let may = some.any(|(from, to)| self.automaton.may(at, from, to));
        may.then_some((at, Bits::Hex { value, left }))
    }

    /// A character whose bits begin with this value.
    fn more(&self, at: u32, value: u32, left: u8, least: u32) -> Option<(u32, Bits)> {
        let (from, to) = span(value, 6 * u32::from(left));
        let (from, to) = (from.max(least), to.min(LAST));
        if left == 0 {
            let next = self.automaton.step(at, value).filter(|_| from <= to);
            return next.map(|next| (next, Bits::Plain));
        }
        let may = self.automaton.may(at, from, to);
        may.then_some((at, Bits::More { value, left, least }))
    }
}

/// From where to where numbers go that begin with this value and have so many bits more.
fn span(value: u32, bits: u32) -> (u32, u32) {
    let from = value << bits;
    (from, from | ((1 << bits) - 1))
}
