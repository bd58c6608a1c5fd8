//! Reading the members that are asked for where they stand; all others are stepped over.
//!
//! For what is read on every call: derived readers with raw values in them look at each value more
//! than once.

use super::walk::{Odd, Walk};
use std::borrow::Cow;

/// Counts above this are lies: no JSON number carries them exactly.
const COUNT_MAX: u64 = 1 << 53;

/// The text of a valid JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    #[cfg(test)]
    pub(crate) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(crate) const fn get(self) -> &'a str {
        self.0
    }

    /// The text of a string, borrowed where it has no escapes; `None` for anything else.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix('"')?.strip_suffix('"')?;
        match memchr::memchr(b'\\', inner.as_bytes()) {
            None => Some(Cow::Borrowed(inner)),
            Some(_) => serde_json::from_str(self.0)
                .or_else(|_| serde_json::from_str(&whole_characters(self.0)))
                .ok()
                .map(Cow::Owned),
        }
    }

    /// A count as providers write it: `null`, negative, absurd or of another type is 0.
    pub(crate) fn count(self) -> u64 {
        let count = match self.0.parse() {
            Ok(count) => count,
            // Rare (`12.0`): through text, because a cast would lose what it does not fit.
            Err(_) => match self.0.parse::<f64>() {
                Ok(count) => format!("{:.0}", count.max(0.0)).parse().unwrap_or(0),
                Err(_) => 0,
            },
        };
        if count > COUNT_MAX { 0 } else { count }
    }
}

impl<'a> From<&'a serde_json::value::RawValue> for Json<'a> {
    fn from(raw: &'a serde_json::value::RawValue) -> Self {
        Self(raw.get())
    }
}

/// The text of a string in which halves of characters, which providers send that divide their text
/// by UTF-16, stand as replacement characters.
fn whole_characters(quoted: &str) -> String {
    let unit = |at: usize| {
        let digits = quoted.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(escape) = rest.find('\\') {
        let at = quoted.len() - rest.len() + escape;
        let (kept, taken) = match (unit(at), unit(at + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, 12),
            (Some(0xD800..=0xDFFF), _) => (0, 6),
            (Some(_), _) => (6, 6),
            (None, _) => (2, 2),
        };
        whole.push_str(&rest[..escape + kept]);
        if kept == 0 {
            whole.push(char::REPLACEMENT_CHARACTER);
        }
        rest = &rest[escape + taken..];
    }
    whole + rest
}

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    walk: Walk<'a>,
}

impl<'a> Reader<'a> {
    /// Reads the value that is the whole of `text`.
    pub(crate) fn whole<T>(
        text: &'a str,
        read: impl FnOnce(&mut Self) -> Result<T, Odd>,
    ) -> Result<T, Odd> {
        let walk = Walk::new(text.as_bytes());
        let mut reader = Self { text, walk };
        let value = read(&mut reader)?;
        reader.walk.end()?;
        Ok(value)
    }

    /// Reads an object: `member` is given each key and reads its value or skips it.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Odd>,
    ) -> Result<(), Odd> {
        if self.walk.is_empty(b'{', b'}', "an object")? {
            return Ok(());
        }
        loop {
            self.walk.space();
            let start = self.walk.at();
            let escaped = self.walk.string()?;
            let key = Json(&self.text[start..self.walk.at()]);
            self.walk.colon()?;
            match escaped {
                false => member(self, &key.0[1..key.0.len() - 1])?,
                true => member(self, &key.string().unwrap_or_default())?,
            }
            if self.walk.next_or(b'}', "`,` or `}`")? {
                return Ok(());
            }
        }
    }

    /// As [`Self::object`]; a value of any other type is stepped over.
    pub(crate) fn object_if(
        &mut self,
        member: impl FnMut(&mut Self, &str) -> Result<(), Odd>,
    ) -> Result<(), Odd> {
        self.walk.space();
        match self.walk.peek() {
            Some(b'{') => self.object(member),
            _ => self.skip(),
        }
    }

    /// Reads a list: `item` reads each value or skips it.
    pub(crate) fn list(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Odd>,
    ) -> Result<(), Odd> {
        if self.walk.is_empty(b'[', b']', "a list")? {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.walk.next_or(b']', "`,` or `]`")? {
                return Ok(());
            }
        }
    }

    /// A value that may be `null`.
    pub(crate) fn some<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Odd>,
    ) -> Result<Option<T>, Odd> {
        self.walk.space();
        match self.walk.peek() {
            Some(b'n') => self.walk.skip().map(|()| None),
            _ => read(self).map(Some),
        }
    }

    /// Any value, as it stands.
    pub(crate) fn json(&mut self) -> Result<Json<'a>, Odd> {
        self.walk.space();
        let start = self.walk.at();
        self.walk.skip()?;
        Ok(Json(&self.text[start..self.walk.at()]))
    }

    /// Any value but `null`.
    pub(crate) fn some_json(&mut self) -> Result<Option<Json<'a>>, Odd> {
        self.some(Self::json)
    }

    /// A string; anything else is as good as absent.
    pub(crate) fn loose_string(&mut self) -> Result<Option<Cow<'a, str>>, Odd> {
        Ok(self.json()?.string())
    }

    /// As [`Json::count`].
    pub(crate) fn count(&mut self) -> Result<u64, Odd> {
        Ok(self.json()?.count())
    }

    pub(crate) fn skip(&mut self) -> Result<(), Odd> {
        self.walk.skip()
    }

    /// Where the next value begins.
    pub(crate) fn place(&mut self) -> usize {
        self.walk.space();
        self.walk.at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> u64 {
        Reader::whole(text, Reader::count).unwrap()
    }

    #[test]
    fn m2_a_count_is_whole_and_possible_or_nothing() {
        for (text, count) in [
            ("12", 12),
            (" 12.0 ", 12),
            ("1e3", 1_000),
            ("-5", 0),
            ("null", 0),
            ("\"7\"", 0),
            ("[7]", 0),
            ("9007199254740992", 1 << 53),
            ("9007199254740993", 0),
            ("99999999999999999999", 0),
            ("1e300", 0),
        ] {
            assert_eq!(counted(text), count, "{text}");
        }
    }

    #[test]
    fn t14_halves_of_characters_are_shown_and_lose_nothing_else() {
        for (json, text) in [
            (r#""\ud83d\ude00""#, "😀"),
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00\nb""#, "\u{fffd}\nb"),
            (r#""\ud83d\ud83d\ude00\u00e9""#, "\u{fffd}😀é"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
            (r#""\ud83d\\""#, "\u{fffd}\\"),
        ] {
            let read = Reader::whole(json, Reader::loose_string).unwrap();
            assert_eq!(read.as_deref(), Some(text), "{json}");
        }
    }

    #[test]
    fn t13_keys_are_read_with_their_escapes() {
        let mut seen = Vec::new();
        Reader::whole(r#"{"a":1, "\u0062" : [ ], "c":{"a":2}}"#, |reader| {
            reader.object(|reader, key| {
                seen.push((key.to_owned(), reader.json()?.get()));
                Ok(())
            })
        })
        .unwrap();
        let seen: Vec<_> = seen.iter().map(|(key, json)| (&**key, *json)).collect();
        assert_eq!(seen, [("a", "1"), ("b", "[ ]"), ("c", r#"{"a":2}"#)]);
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for text in [
            "",
            "{",
            "{}}",
            "{} 1",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[]",
            "nul",
        ] {
            let read = Reader::whole(text, |reader| reader.object(|reader, _| reader.skip()));
            assert!(read.is_err(), "{text}");
        }
        for text in ["[", "[1,]", "[1 2]", "{}"] {
            let read = Reader::whole(text, |reader| reader.list(Reader::skip));
            assert!(read.is_err(), "{text}");
        }
    }
}
