//! The scan itself: a validating walk over JSON that remembers only top-level members.

use super::words::Words;
use super::{DEPTH_MAX, Member};
use crate::fault::Fault;
use crate::seal;
use memchr::memchr2;

/// What a walk over one object finds.
pub(super) struct Scanned {
    pub(super) members: Vec<Member>,
    /// Where the closing brace stands.
    pub(super) end: usize,
    /// Some string begins with the prefix of a seal.
    pub(super) sealed: bool,
    pub(super) words: Words,
}

/// Each key is compared with all others: no API has nearly as many.
const MEMBERS_MAX: usize = 1_024;

/// Walks the bytes of one object.
pub(super) fn object(bytes: &[u8]) -> Result<Scanned, Fault> {
    let mut scan = Scan {
        bytes,
        at: 0,
        sealed: false,
        words: Words::default(),
    };
    scan.space();
    if scan.peek() != Some(b'{') {
        return Err(Fault::invalid("", "the body must be a JSON object"));
    }
    scan.at += 1;
    let mut members = Vec::with_capacity(16);
    scan.space();
    if scan.peek() == Some(b'}') {
        scan.at += 1;
    } else {
        loop {
            if members.len() == MEMBERS_MAX {
                let message = format!("the body has more than {MEMBERS_MAX} members");
                return Err(Fault::invalid("", message));
            }
            members.push(scan.member()?);
            if scan.next_or(b'}', "`,` or `}`")? {
                break;
            }
        }
    }
    let end = scan.at - 1;
    scan.space();
    match scan.peek() {
        None => Ok(Scanned {
            members,
            end,
            sealed: scan.sealed,
            words: scan.words,
        }),
        Some(_) => Err(scan.fault("nothing after the object")),
    }
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    sealed: bool,
    words: Words,
}

impl Scan<'_> {
    fn member(&mut self) -> Result<Member, Fault> {
        self.space();
        let start = self.at;
        let escaped = self.string()?;
        let end = self.at;
        let unescaped = if escaped {
            let key = serde_json::from_slice(&self.bytes[start..end]);
            Some(key.map_err(|_| self.fault("a key with valid escapes"))?)
        } else {
            None
        };
        self.colon()?;
        let from = self.at;
        self.value()?;
        Ok(Member {
            key: start + 1..end - 1,
            unescaped,
            whole: start..self.at,
            value: from..self.at,
        })
    }

    /// Walks one value without recursion: a bit per level says object or array.
    fn value(&mut self) -> Result<(), Fault> {
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
                    return Err(self.fault("no more than 128 levels of nesting"));
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

    fn key_if(&mut self, is_object: bool) -> Result<(), Fault> {
        if is_object {
            self.space();
            self.string()?;
            self.colon()?;
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.fault("a JSON value")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.fault("a JSON value"))
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            return Err(self.fault("a number without a leading zero"));
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
        let digits = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        let finite = plain || digits.parse().is_ok_and(f64::is_finite);
        if finite {
            Ok(())
        } else {
            Err(self.fault("a number that a double can hold"))
        }
    }

    fn digits(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.fault("a digit"))
        } else {
            Ok(self.at - start)
        }
    }

    /// Walks a string; says whether it has escapes.
    fn string(&mut self) -> Result<bool, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("a string"));
        }
        self.at += 1;
        self.sealed |= self.bytes[self.at..].starts_with(seal::PREFIX.as_bytes());
        let mut escaped = false;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(found) = memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return Err(self.fault("the end of a string"));
            };
            self.characters(&rest[..found])?;
            self.at += found + 1;
            if rest[found] == b'"' {
                if !escaped {
                    self.words.hear(&rest[..found]);
                }
                return Ok(escaped);
            }
            escaped = true;
            self.escape()?;
        }
    }

    /// Checks a piece of a string. Most are plain ASCII: one comparison tells, which as a signed
    /// one is that of control characters and that of high bytes, without a branch for each byte.
    fn characters(&self, piece: &[u8]) -> Result<(), Fault> {
        let odd = |odd: bool, &byte: &u8| odd | (byte.cast_signed() < 0x20);
        if !piece.iter().fold(false, odd) {
            return Ok(());
        }
        if piece.iter().any(|byte| *byte < 0x20) {
            return Err(self.fault("no raw control character in a string"));
        }
        if let Err(error) = std::str::from_utf8(piece) {
            let at = self.at + error.valid_up_to();
            let message = format!("the body is not UTF-8 (at byte {at})");
            return Err(Fault::invalid("", message));
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let kind = self.peek();
        self.at += 1;
        match kind {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex4()? {
                0xD800..=0xDBFF => {
                    if !self.bytes[self.at..].starts_with(b"\\u") {
                        return Err(self.fault("the second half of a surrogate pair"));
                    }
                    self.at += 2;
                    match self.hex4()? {
                        0xDC00..=0xDFFF => Ok(()),
                        _ => Err(self.fault("the second half of a surrogate pair")),
                    }
                }
                0xDC00..=0xDFFF => Err(self.fault("no lone surrogate")),
                _ => Ok(()),
            },
            _ => Err(self.fault("a known escape")),
        }
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let digits = self.bytes.get(self.at..self.at + 4);
        let value = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        value.ok_or_else(|| self.fault("four hexadecimal digits"))
    }

    fn colon(&mut self) -> Result<(), Fault> {
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.fault("`:`"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Steps over a comma (`false`) or over `close` (`true`).
    fn next_or(&mut self, close: u8, expected: &str) -> Result<bool, Fault> {
        self.space();
        let closes = match self.peek() {
            Some(b',') => false,
            Some(byte) if byte == close => true,
            _ => return Err(self.fault(expected)),
        };
        self.at += 1;
        Ok(closes)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault(&self, expected: &str) -> Fault {
        let at = self.at.min(self.bytes.len());
        let line = 1 + memchr::memchr_iter(b'\n', &self.bytes[..at]).count();
        Fault::invalid(
            "",
            format!("the body is not valid JSON: expected {expected} at byte {at} (line {line})"),
        )
    }
}
