//! Ids near a mistyped one, for the 404 that names them.
//!
//! Invariant: the work is bounded, because the id is attacker input.

use crate::catalog::Catalog;

/// How many ids are offered.
const OFFERED_MAX: usize = 5;

/// No id is longer, so no more of a mistyped one is looked at.
const LENGTH_MAX: usize = 96;

impl Catalog {
    /// At most five ids near this one, the nearest first; none where nothing is near.
    #[must_use]
    pub fn near(&self, id: &str) -> Vec<&str> {
        let typed: String = id.to_ascii_lowercase().chars().take(LENGTH_MAX).collect();
        let whole = Typed::new(&typed);
        let tail = typed.rsplit_once('/').map(|(_, tail)| Typed::new(tail));
        let mut scored: Vec<(usize, &str)> = self
            .names()
            .all()
            .filter_map(|name| {
                let tail = tail.as_ref().filter(|_| !name.contains('/'));
                let scores = [whole.score(name), tail.and_then(|tail| tail.score(name))];
                scores
                    .into_iter()
                    .flatten()
                    .min()
                    .map(|score| (score, name))
            })
            .collect();
        scored.sort_unstable_by_key(|(score, name)| (*score, name.len(), *name));
        scored.dedup_by_key(|(_, name)| *name);
        scored
            .into_iter()
            .take(OFFERED_MAX)
            .map(|(_, name)| name)
            .collect()
    }
}

/// What was typed, and the words in it.
struct Typed<'t> {
    text: &'t str,
    words: Vec<&'t str>,
}

impl<'t> Typed<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            words: words(text).collect(),
        }
    }

    /// How far a name is from what was typed, or nothing where they have too little in common:
    /// few edits, one the beginning of the other, or most of the words.
    fn score(&self, name: &str) -> Option<usize> {
        let (text, edits_max) = (self.text, (self.text.len() / 4).max(1));
        let begins = text.len() >= 3 && (name.starts_with(text) || text.starts_with(name));
        let shared = words(name).filter(|word| self.words.contains(word)).count();
        let alike = begins || (shared >= 2 && shared * 3 >= self.words.len() * 2);
        // Lengths alone rule most names out, which keeps a refusal cheap.
        if text.is_empty() || (!alike && text.len().abs_diff(name.len()) > edits_max) {
            return None;
        }
        let edits = edits(text.as_bytes(), name.as_bytes());
        let bonus = shared + if begins { 2 } else { 0 };
        (alike || edits <= edits_max).then(|| (edits * 2).saturating_sub(bonus))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(['-', '_', '.', '/', ':', ' '])
        .filter(|word| !word.is_empty())
}

/// Insertions, deletions and substitutions from one to the other, byte by byte.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.iter().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to) {
            let above = *cell;
            left = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::edits;

    #[test]
    fn edits_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("gpt5", "gpt-5", 1),
        ] {
            assert_eq!(edits(from.as_bytes(), to.as_bytes()), count);
        }
    }
}
