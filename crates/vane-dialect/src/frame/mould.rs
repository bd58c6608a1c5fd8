//! The frames that a stream mostly consists of: each repeats the one before but for its text.
//!
//! A frame that fits the mould of the last one is the same JSON with another string in one place,
//! so it is not parsed again. What does not fit exactly is nobody's guess: it is parsed, and ends
//! the mould, for it may have changed what a frame of the old shape would do.

use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// Members with which providers pad their frames to hide the lengths of words.
const PADDING: [&[u8]; 2] = [br#""obfuscation":""#, br#""p":""#];

/// A frame without its text.
#[derive(Debug, Default)]
pub(crate) struct Mould {
    /// Up to the opening quote of the text, and it.
    before: Vec<u8>,
    /// From its closing quote up to the opening quote of the padding, or to the end.
    between: Vec<u8>,
    /// From the closing quote of the padding on; empty where there is none.
    after: Vec<u8>,
}

impl Mould {
    /// Takes the shape of `data`, whose one text is `text`, a slice of it between two quotes.
    pub(crate) fn cast(&mut self, data: &[u8], text: &str) {
        let start = text.as_ptr().addr().wrapping_sub(data.as_ptr().addr());
        let end = start.wrapping_add(text.len());
        let quoted = |at: usize| data.get(at) == Some(&b'"');
        if !quoted(start.wrapping_sub(1)) || !quoted(end) {
            return;
        }
        let (between, after) = padding(&data[end..]);
        for (kept, bytes) in [
            (&mut self.before, &data[..start]),
            (&mut self.between, between),
            (&mut self.after, after),
        ] {
            kept.clear();
            kept.extend_from_slice(bytes);
        }
    }

    /// The text of a frame that is else the same as the last; a frame that is not ends the mould.
    pub(crate) fn text<'d>(&mut self, data: &'d [u8]) -> Option<Cow<'d, str>> {
        let text = self.fitting(data);
        #[cfg(test)]
        let text = text.filter(|_| !tests::is_off());
        if text.is_none() {
            self.before.clear();
        }
        text
    }

    fn fitting<'d>(&self, data: &'d [u8]) -> Option<Cow<'d, str>> {
        if self.before.is_empty() {
            return None;
        }
        let inner = data.strip_prefix(&self.before[..])?;
        let (length, escaped) = string(inner)?;
        let rest = inner[length..].strip_prefix(&self.between[..])?;
        let rest = match self.after.is_empty() {
            true => rest,
            false => rest[plain(rest)?..].strip_prefix(&self.after[..])?,
        };
        if !rest.is_empty() {
            return None;
        }
        if escaped {
            let quoted = &data[self.before.len() - 1..][..length + 2];
            return serde_json::from_slice(quoted).ok().map(Cow::Owned);
        }
        let text = std::str::from_utf8(&inner[..length]).ok()?;
        let controls = text.bytes().any(|byte| byte < 0x20);
        (!controls).then_some(Cow::Borrowed(text))
    }
}

/// Splits what follows the text at its padding.
fn padding(rest: &[u8]) -> (&[u8], &[u8]) {
    let found = PADDING.iter().find_map(|key| {
        let at = memchr::memmem::find(rest, key)? + key.len();
        Some((at, at + plain(&rest[at..])?))
    });
    match found {
        Some((from, to)) => (&rest[..from], &rest[to..]),
        None => (rest, b""),
    }
}

/// The length of the string that ends in `bytes`, and whether it has escapes.
fn string(bytes: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    let mut escaped = false;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// The length of the string that ends in `bytes`, if it is as plain as padding is.
fn plain(bytes: &[u8]) -> Option<usize> {
    let length = memchr(b'"', bytes)?;
    let graphic = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
    bytes[..length].iter().all(graphic).then_some(length)
}

#[cfg(test)]
mod tests;
