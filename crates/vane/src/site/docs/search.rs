//! Search over the documentation: every section that has all the words, best first.
//!
//! Invariant: what is found is a section of a page with an address of its own, and what a reader
//! typed is only ever compared and shown.

use std::sync::LazyLock;

use super::{chapters, here, render};

const FOUND_MAX: usize = 30;
const WORDS_MAX: usize = 8;
/// Characters of a section that are shown, around the first word that was found.
const SHOWN_BEFORE: usize = 60;
const SHOWN: usize = 220;

struct Entry {
    path: &'static str,
    title: &'static str,
    section: render::Section,
    /// Title and heading, and the text, in small letters.
    head: String,
    body: String,
}

/// A section that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) href: String,
    pub(crate) title: &'static str,
    pub(crate) heading: String,
    pub(crate) excerpt: String,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entries = chapters::all().flat_map(|chapter| {
        let rendered = render::markdown(chapter.file, chapter.text());
        rendered.sections.into_iter().map(|section| Entry {
            path: chapter.path,
            title: chapter.title(),
            head: format!("{} {}", chapter.title(), section.heading).to_lowercase(),
            body: section.text.to_lowercase(),
            section,
        })
    });
    entries.collect()
});

pub(crate) fn find(query: &str, origin: &str) -> Vec<Found> {
    let query = query.to_lowercase();
    let words = query.split_whitespace().take(WORDS_MAX);
    let words: Vec<&str> = words.collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, &Entry)> = ENTRIES
        .iter()
        .filter_map(|entry| Some((entry.weight(&words)?, entry)))
        .collect();
    // Sorting is stable: equals stay in the order of reading.
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let shown = found.into_iter().take(FOUND_MAX);
    shown
        .map(|(_, entry)| entry.shown(&words, origin))
        .collect()
}

impl Entry {
    /// How much it is about the words; `None` unless it has all of them.
    fn weight(&self, words: &[&str]) -> Option<usize> {
        let weights = words.iter().map(|word| {
            let in_head = self.head.matches(word).count();
            let in_body = self.body.matches(word).count().min(5);
            match in_head * 10 + in_body {
                0 => None,
                weight => Some(weight),
            }
        });
        weights.sum()
    }

    fn shown(&self, words: &[&str], origin: &str) -> Found {
        let id = &self.section.id;
        let text: Vec<&str> = self.section.text.split_whitespace().collect();
        let text = text.join(" ");
        let lower = text.to_lowercase();
        let hit = words.iter().filter_map(|word| lower.find(word)).min();
        // Places are counted in characters, since small letters may be longer or shorter.
        let hit = hit.map_or(0, |at| lower[..at].chars().count());
        let from = hit.saturating_sub(SHOWN_BEFORE);
        let cut: String = text.chars().skip(from).take(SHOWN).collect();
        // From a whole word on.
        let cut = match (from, cut.split_once(' ')) {
            (1.., Some((_, rest))) => rest,
            _ => &cut,
        };
        let begins = if from > 0 { "\u{2026} " } else { "" };
        let ends = if text.chars().count() > from + SHOWN {
            "\u{2026}"
        } else {
            ""
        };
        Found {
            href: match id.as_str() {
                "" => self.path.to_owned(),
                id => format!("{}#{id}", self.path),
            },
            title: self.title,
            heading: self.section.heading.clone(),
            excerpt: here(&format!("{begins}{cut}{ends}"), origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_with_all_words_are_found_best_first() {
        let found = find("Rotation overlap", "https://v.example");
        assert_eq!(found[0].href, "/docs/keys#rotation");
        assert!(found[0].excerpt.contains("overlap"), "{:?}", found[0]);
        let mut hrefs: Vec<&str> = found.iter().map(|one| one.href.as_str()).collect();
        hrefs.dedup();
        assert_eq!(hrefs.len(), found.len());
        for nothing in ["", "   ", "xyzzy-nowhere", "rotation xyzzy-nowhere"] {
            assert!(find(nothing, "").is_empty(), "{nothing}");
        }
        assert!(find("e", "").len() == FOUND_MAX);
    }
}
