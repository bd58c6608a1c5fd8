//! The scan itself: a walk over one object that remembers only its own members.

use super::Member;
use super::data;
use super::words::Words;
use crate::fault::Fault;
use crate::json::{Hear, Odd, Walk};
use crate::seal;

/// What a walk over one object finds.
pub(super) struct Scanned {
    pub(super) members: Vec<Member>,
    /// Where the closing brace stands.
    pub(super) end: usize,
    pub(super) heard: Heard,
}

/// What the strings of an object tell, wherever they stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// Some string begins with the prefix of a seal.
    pub(super) sealed: bool,
    pub(super) words: Words,
    pub(super) data: data::Sum,
}

impl Hear for Heard {
    const STRICT: bool = true;

    fn string(&mut self, inner: &[u8], escaped: bool) {
        self.sealed |= inner.starts_with(seal::PREFIX.as_bytes());
        self.words.hear(inner, escaped);
        self.data.hear(inner);
    }
}

/// Each key is compared with all others: no API has nearly as many.
const MEMBERS_MAX: usize = 1_024;

/// Walks the bytes of one object.
pub(super) fn object(bytes: &[u8]) -> Result<Scanned, Fault> {
    let mut walk = Walk::hearing(bytes, Heard::default());
    walk.space();
    if walk.peek() != Some(b'{') {
        return Err(Fault::invalid("", "the body must be a JSON object"));
    }
    let mut members = Vec::with_capacity(16);
    let told = |odd| told(bytes, odd);
    if !walk.is_empty(b'{', b'}', "an object").map_err(told)? {
        loop {
            if members.len() == MEMBERS_MAX {
                let message = format!("the body has more than {MEMBERS_MAX} members");
                return Err(Fault::invalid("", message));
            }
            members.push(member(bytes, &mut walk).map_err(told)?);
            if walk.next_or(b'}', "`,` or `}`").map_err(told)? {
                break;
            }
        }
    }
    let end = walk.at() - 1;
    walk.end().map_err(told)?;
    Ok(Scanned {
        members,
        end,
        heard: walk.heard,
    })
}

fn member(bytes: &[u8], walk: &mut Walk<'_, Heard>) -> Result<Member, Odd> {
    walk.space();
    let start = walk.at();
    let escaped = walk.string()?;
    let end = walk.at();
    let unescaped = match escaped {
        false => None,
        true => {
            let key = serde_json::from_slice::<String>(&bytes[start..end]);
            Some(key.map_err(|_| walk.odd("a key with valid escapes"))?)
        }
    };
    walk.colon()?;
    let from = walk.at();
    let key = unescaped.as_deref().map(str::as_bytes);
    if key.unwrap_or(&bytes[start + 1..end - 1]) == b"tools" {
        let before = walk.heard.words;
        walk.skip()?;
        walk.heard.words.forget_content(&before);
    } else {
        walk.skip()?;
    }
    Ok(Member {
        key: start + 1..end - 1,
        unescaped,
        whole: start..walk.at(),
        value: from..walk.at(),
    })
}

/// Counts the strings and lists in a list.
pub(super) fn texts(list: &[u8]) -> Result<u64, Odd> {
    let mut walk = Walk::new(list);
    let mut texts = 0;
    if walk.is_empty(b'[', b']', "a list")? {
        return Ok(texts);
    }
    loop {
        walk.space();
        texts += u64::from(matches!(walk.peek(), Some(b'"' | b'[')));
        walk.skip()?;
        if walk.next_or(b']', "`,` or `]`")? {
            return Ok(texts);
        }
    }
}

fn told(bytes: &[u8], odd: Odd) -> Fault {
    if !odd.is_text() {
        return Fault::invalid("", format!("the body is {odd}"));
    }
    let at = odd.at.min(bytes.len());
    let line = 1 + memchr::memchr_iter(b'\n', &bytes[..at]).count();
    Fault::invalid("", format!("the body is {odd} (line {line})"))
}
