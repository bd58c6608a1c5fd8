//! A walk over JSON text that builds nothing: values are seen to be valid and stepped over.
//!
//! Heads of requests and answers are read by it. Invariant: what was stepped over is one valid value,
//! nested no deeper than [`DEPTH_MAX`], and no depth of it takes stack.

use super::plain;
use std::fmt;

/// Nesting deeper than this is refused: no client needs it, and it is how parsers are attacked.
pub(crate) const DEPTH_MAX: usize = 128;

/// What is told of every string, key or value.
pub(crate) trait Hear {
    /// Whether every character must be whole and every number one that a double can hold. Providers
    /// divide characters between frames, and an answer is not lost for that.
    const STRICT: bool;

    /// A string, between its quotes as it stands.
    fn string(&mut self, inner: &[u8], escaped: bool);
}

/// Hears nothing.
#[derive(Debug, Default)]
pub(crate) struct Deaf;

impl Hear for Deaf {
    const STRICT: bool = false;

    fn string(&mut self, _inner: &[u8], _escaped: bool) {}
}

/// Where the text is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Odd {
    pub(crate) at: usize,
    /// What should stand there; nothing if the bytes are no text.
    expected: Option<&'static str>,
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expected {
            Some(expected) => {
                write!(f, "not valid JSON: expected {expected} at byte {}", self.at)
            }
            None => write!(f, "not UTF-8 (at byte {})", self.at),
        }
    }
}

impl Odd {
    pub(crate) const fn is_text(self) -> bool {
        self.expected.is_some()
    }
}

#[derive(Debug)]
pub(crate) struct Walk<'a, H = Deaf> {
    bytes: &'a [u8],
    at: usize,
    pub(crate) heard: H,
}

impl<'a> Walk<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::hearing(bytes, Deaf)
    }
}

impl<'a, H: Hear> Walk<'a, H> {
    pub(crate) const fn hearing(bytes: &'a [u8], heard: H) -> Self {
        Self {
            bytes,
            at: 0,
            heard,
        }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn odd(&self, expected: &'static str) -> Odd {
        Odd {
            at: self.at,
            expected: Some(expected),
        }
    }

    /// Sees that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), Odd> {
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.odd("nothing after it")),
        }
    }

    /// Steps over one value.
    pub(crate) fn skip(&mut self) -> Result<(), Odd> {
        self.space();
        match self.peek() {
            Some(b'{' | b'[') => self.skip_levels(),
            _ => self.scalar(),
        }
    }

    /// Without recursion: a bit per level says object or array.
    fn skip_levels(&mut self) -> Result<(), Odd> {
        let mut levels: u128 = 0;
        let mut depth = 0;
        loop {
            self.space();
            let opened = match self.peek() {
                Some(b'{') => Some(true),
                Some(b'[') => Some(false),
                _ => None,
            };
            if let Some(is_object) = opened {
                // The body itself is a level.
                if depth + 2 > DEPTH_MAX {
                    return Err(self.odd("no more than 128 levels of nesting"));
                }
                self.at += 1;
                levels = levels << 1 | u128::from(is_object);
                depth += 1;
                self.space();
                if self.peek() != Some(if is_object { b'}' } else { b']' }) {
                    self.key_if(is_object)?;
                    continue;
                }
            } else {
                self.scalar()?;
            }
            // A value ended, or an empty level is about to: close what closes here.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let is_object = levels & 1 == 1;
                let close = if is_object { b'}' } else { b']' };
                if !self.next_or(close, "`,` or the end of the list or object")? {
                    self.key_if(is_object)?;
                    break;
                }
                levels >>= 1;
                depth -= 1;
            }
        }
    }

    fn key_if(&mut self, is_object: bool) -> Result<(), Odd> {
        if is_object {
            self.space();
            self.string()?;
            self.colon()?;
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Odd> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.odd("a JSON value")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Odd> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.odd("a JSON value"))
    }

    fn number(&mut self) -> Result<(), Odd> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(self.odd("a number without a leading zero"));
        }
        let mut plain = whole < 300;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
            plain = false;
        }
        // Only these can be too large for a double, which is how most readers read them.
        if plain || !H::STRICT || self.is_finite(start) {
            Ok(())
        } else {
            Err(self.odd("a number that a double can hold"))
        }
    }

    fn is_finite(&self, start: usize) -> bool {
        let digits = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        digits.parse().is_ok_and(f64::is_finite)
    }

    fn digits(&mut self) -> Result<usize, Odd> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.odd("a digit"))
        } else {
            Ok(self.at - start)
        }
    }

    /// Walks a string; says whether it has escapes.
    pub(crate) fn string(&mut self) -> Result<bool, Odd> {
        if self.peek() != Some(b'"') {
            return Err(self.odd("a string"));
        }
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain::length(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    escaped = true;
                    self.escape()?;
                }
                Some(0x80..) => self.beyond_ascii()?,
                Some(_) => return Err(self.odd("no raw control character in a string")),
                None => return Err(self.odd("the end of a string")),
            }
        }
        self.heard.string(&self.bytes[start..self.at], escaped);
        self.at += 1;
        Ok(escaped)
    }

    /// Steps over bytes that are not ASCII, which are whole characters or no text.
    fn beyond_ascii(&mut self) -> Result<(), Odd> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| !byte.is_ascii()).count();
        match std::str::from_utf8(&rest[..length]) {
            Ok(_) => {
                self.at += length;
                Ok(())
            }
            Err(error) => Err(Odd {
                at: self.at + error.valid_up_to(),
                expected: None,
            }),
        }
    }

    fn escape(&mut self) -> Result<(), Odd> {
        let kind = self.peek();
        self.at += 1;
        match kind {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex4()? {
                _ if !H::STRICT => Ok(()),
                0xD800..=0xDBFF => {
                    if !self.bytes[self.at..].starts_with(b"\\u") {
                        return Err(self.odd("the second half of a surrogate pair"));
                    }
                    self.at += 2;
                    match self.hex4()? {
                        0xDC00..=0xDFFF => Ok(()),
                        _ => Err(self.odd("the second half of a surrogate pair")),
                    }
                }
                0xDC00..=0xDFFF => Err(self.odd("no lone surrogate")),
                _ => Ok(()),
            },
            _ => Err(self.odd("a known escape")),
        }
    }

    fn hex4(&mut self) -> Result<u32, Odd> {
        let digits = self.bytes.get(self.at..self.at + 4);
        let value = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        value.ok_or_else(|| self.odd("four hexadecimal digits"))
    }

    /// Steps into an object or list; says whether there is nothing in it, and then out of it.
    pub(crate) fn is_empty(
        &mut self,
        open: u8,
        close: u8,
        what: &'static str,
    ) -> Result<bool, Odd> {
        self.space();
        if self.peek() != Some(open) {
            return Err(self.odd(what));
        }
        self.at += 1;
        self.space();
        let empty = self.peek() == Some(close);
        self.at += usize::from(empty);
        Ok(empty)
    }

    pub(crate) fn colon(&mut self) -> Result<(), Odd> {
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.odd("`:`"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Steps over a comma (`false`) or over `close` (`true`).
    pub(crate) fn next_or(&mut self, close: u8, expected: &'static str) -> Result<bool, Odd> {
        self.space();
        let closes = match self.peek() {
            Some(b',') => false,
            Some(byte) if byte == close => true,
            _ => return Err(self.odd(expected)),
        };
        self.at += 1;
        Ok(closes)
    }

    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}
