//! Notes: what a translation could not carry.
//!
//! Every encoder that leaves something out says so here. The caller sees the names in the header
//! `vane-dropped`; with `vane-strict: true` the call is refused before any money is spent.

use std::collections::BTreeSet;

/// A header has to hold them: names beyond so many bytes are only counted.
const BYTES_MAX: usize = 4 << 10;

/// Names are the client's words where it used some that nobody knows: longer ones are cut.
const NAME_BYTES_MAX: usize = 128;

/// Names of what was left out, in the order of first mention, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    dropped: Vec<String>,
    bytes: usize,
    /// How many are not among `dropped`, whose last entry says so.
    more: usize,
    seen: BTreeSet<String>,
}

impl Notes {
    /// Notes that `name` (a request field, or a block such as `image`) was not carried.
    pub fn drop(&mut self, name: impl AsRef<str>) {
        let name = name.as_ref();
        let cut = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        if self.seen.contains(cut) {
            return;
        }
        self.seen.insert(cut.to_owned());
        self.bytes = self.bytes.saturating_add(cut.len() + 1);
        if self.bytes > BYTES_MAX {
            if self.more > 0 {
                self.dropped.pop();
            }
            self.more += 1;
            self.dropped.push(format!("... {} more", self.more));
        } else if cut.len() < name.len() {
            self.dropped.push(format!("{cut}..."));
        } else {
            self.dropped.push(name.to_owned());
        }
    }

    /// The first of them by name; then how many more there are, where there are too many to tell.
    #[must_use]
    pub fn dropped(&self) -> &[String] {
        &self.dropped
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dropped.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_those_that_a_header_holds_are_counted() {
        let mut notes = Notes::default();
        for n in 0..30_000 {
            notes.drop(format!("part{n:05}"));
            notes.drop("part00000");
        }
        let dropped = notes.dropped();
        assert_eq!(dropped.len(), 410);
        assert_eq!(dropped[408], "part00408");
        assert_eq!(dropped[409], "... 29591 more");
        assert!(dropped.join(",").len() < BYTES_MAX + 20);
    }

    #[test]
    fn a_name_that_is_long_is_cut_and_said_once() {
        let mut notes = Notes::default();
        notes.drop("é".repeat(5_000));
        notes.drop("é".repeat(5_000));
        assert_eq!(notes.dropped(), [format!("{}...", "é".repeat(64))]);
    }
}
