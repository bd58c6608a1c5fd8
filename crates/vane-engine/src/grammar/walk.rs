//! All ways to read a text so far. Where a schema gives alternatives there is more than one, until the
//! text says which it is.

use super::Grammar;
use super::frame::Stack;

/// Ways that are followed at once. Those beyond are let go: each that is left can be finished.
pub(crate) const WAYS_MAX: usize = 128;

/// A text of a grammar while it is written.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    grammar: &'a Grammar,
    ways: Vec<Stack>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(grammar: &'a Grammar) -> Self {
        Self {
            grammar,
            ways: vec![Stack::new(grammar.root)],
        }
    }

    /// The same text as if it stood within so many containers more: only what is flat enough may come.
    #[cfg(test)]
    pub(super) fn deeper(&self, by: u32) -> Self {
        let ways = self.ways.iter().map(|way| way.deeper(by)).collect();
        Self::of(self.grammar, ways)
    }

    #[cfg(test)]
    pub(super) fn of(grammar: &'a Grammar, ways: Vec<Stack>) -> Self {
        Self { grammar, ways }
    }

    /// Adds a byte, if it may stand here.
    pub fn step(&mut self, byte: u8) -> bool {
        let mut next = Vec::new();
        step_all(self.grammar, &self.ways, byte, &mut next);
        let may = !next.is_empty();
        if may {
            self.ways = next;
        }
        may
    }

    /// Whether this byte may stand here.
    pub fn allows(&self, byte: u8) -> bool {
        self.clone().step(byte)
    }

    /// Whether the text may be over here.
    pub fn is_complete(&self) -> bool {
        is_complete(self.grammar, &self.ways)
    }
}

pub(super) fn is_complete(grammar: &Grammar, ways: &[Stack]) -> bool {
    ways.iter().any(|way| way.is_complete(&grammar.rules))
}

pub(super) fn step_all(grammar: &Grammar, ways: &[Stack], byte: u8, next: &mut Vec<Stack>) {
    next.clear();
    for way in ways {
        way.step(&grammar.rules, byte, next);
    }
    if next.len() > 1 {
        let mut at = 1;
        while at < next.len() {
            if next[..at].contains(&next[at]) {
                next.swap_remove(at);
            } else {
                at += 1;
            }
        }
        next.truncate(WAYS_MAX);
    }
}
