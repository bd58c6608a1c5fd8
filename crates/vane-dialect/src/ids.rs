//! Tool-call ids as providers take them.
//!
//! Other models and gateways make ids that the next provider of a conversation refuses: Anthropic all
//! but letters, digits, `_` and `-`, OpenAI long ones, Mistral all but nine alphanumerics. Of the
//! last the map is stable (the same ids in the same order give the same result, so prompt caches hold
//! from turn to turn), bijective within a request, and leaves ids alone that fit already.

use crate::dialect::Dialect;
use std::borrow::Cow;
use std::collections::BTreeSet;

const LENGTH: usize = 9;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Maps every distinct id to nine alphanumerics: `(sent, original)`, by the original. Who
/// comes first is given its digest first.
pub fn nine<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let originals: Vec<&str> = ids.filter(|id| seen.insert(*id)).collect();
    let fitting = originals.iter().filter(|id| fits(id));
    let mut taken: BTreeSet<String> = fitting.map(|id| (*id).to_owned()).collect();
    let mut map = Vec::with_capacity(originals.len());
    for original in originals {
        let sent = if fits(original) {
            original.to_owned()
        } else {
            let hash = hashed(original);
            let free = (0..=u8::MAX).map(|salt| digits(hash, salt));
            let mut free = free.filter(|candidate| !taken.contains(candidate));
            free.next().unwrap_or_default()
        };
        taken.insert(sent.clone());
        map.push((sent, original.to_owned()));
    }
    map.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
    map
}

/// What is sent for `original`, in a map that [`nine`] made; ids that the map does not know stay as they are.
#[must_use]
pub fn sent<'a>(map: &'a [(String, String)], original: &'a str) -> &'a str {
    let known = map.binary_search_by(|(_, known)| known.as_str().cmp(original));
    known.map_or(original, |at| &map[at].0)
}

/// The client's id for what was sent; ids that the map does not know stay as they are.
#[must_use]
pub fn original<'a>(map: &'a [(String, String)], sent: &'a str) -> &'a str {
    let known = map.iter().find(|(known, _)| known == sent);
    known.map_or(sent, |(_, original)| original)
}

/// The most bytes of an id that OpenAI takes.
#[must_use]
pub const fn bytes_max(dialect: Dialect) -> usize {
    match dialect {
        Dialect::OpenaiResponses => 64,
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::AnthropicMessages
        | Dialect::MistralChat
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => 40,
    }
}

/// An id that is no longer than `most`: as it is, or its beginning and a digest of all of it. It is
/// the same for a call, its result and every later turn.
pub(crate) fn within(id: &str, most: usize) -> Cow<'_, str> {
    if id.len() <= most {
        return Cow::Borrowed(id);
    }
    let digest = digest(id, 0);
    let begin = id.chars().filter(char::is_ascii);
    let begin = begin.take(most - 1 - digest.len());
    Cow::Owned(format!("{}_{digest}", begin.collect::<String>()))
}

pub(crate) fn fits(id: &str) -> bool {
    id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Nine base-62 digits of a hash (64-bit FNV-1a: fixed for all time, unlike the standard one).
#[must_use]
pub fn digest(text: &str, salt: u8) -> String {
    digits(hashed(text), salt)
}

fn hashed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mixed)
}

fn mixed(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

fn digits(hash: u64, salt: u8) -> String {
    let mut hash = mixed(mixed(hash, 0), salt);
    // Short texts differ in few bits: spread them over the whole word.
    hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut digits = String::with_capacity(LENGTH);
    for _ in 0..LENGTH {
        let at = usize::try_from(hash % 62).unwrap_or(0);
        digits.push(char::from(DIGITS[at]));
        hash /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t8_foreign_ids_become_nine_alphanumerics_and_come_back() {
        let ids = ["call_1", "toolu_01ABC", "AbCdEf123", "call_1", "", "é"];
        let map = nine(ids.into_iter());
        assert_eq!(map.len(), 5);
        for (out, back) in &map {
            assert!(fits(out), "{out}");
            assert_eq!(sent(&map, back), out);
            assert_eq!(original(&map, out), back);
        }
        assert_eq!(sent(&map, "AbCdEf123"), "AbCdEf123");
        assert_eq!(sent(&map, "unknown"), "unknown");
    }

    #[test]
    fn t8_the_map_is_stable_as_the_conversation_grows() {
        let short = nine(["call_1", "call_2"].into_iter());
        let long = nine(["call_1", "call_2", "call_3"].into_iter());
        assert_eq!(short[..], long[..2]);
    }

    #[test]
    fn t8_an_id_that_is_a_digest_of_another_does_not_collide() {
        let squatter = digest("call_1", 0);
        let map = nine(["call_1", &squatter].into_iter());
        assert_eq!(sent(&map, &squatter), squatter);
        assert_ne!(sent(&map, "call_1"), squatter);
    }

    #[test]
    fn an_id_that_is_too_long_ends_in_a_digest_of_all_of_it() {
        let fitting = "c".repeat(40);
        assert_eq!(within(&fitting, 40), fitting);
        let (one, other) = (format!("{fitting}_1"), format!("{fitting}_2"));
        assert_eq!(within(&one, 40).len(), 40);
        assert_ne!(within(&one, 40), within(&other, 40));
        assert!(within(&"é".repeat(40), 64).is_ascii());
    }

    #[test]
    fn ten_thousand_ids_stay_distinct() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("call_{n}")).collect();
        let map = nine(ids.iter().map(String::as_str));
        let out: BTreeSet<&str> = map.iter().map(|(sent, _)| sent.as_str()).collect();
        assert_eq!(out.len(), 10_000);
    }
}
