//! What a model thinks before and within its answer: told apart from what it says by two tokens that
//! no text becomes.
//!
//! Invariant: what stands between those tokens is told as a thought and never as text, however the
//! answer ends.

use crate::tokenizer::{ThinkMarks, Unfinished};

/// The thoughts of one answer.
#[derive(Debug)]
pub(super) struct Thoughts {
    /// `None` where the vocabulary has none.
    marks: Option<ThinkMarks>,
    /// Whether one may begin.
    may: bool,
    is_open: bool,
    unfinished: Unfinished,
}

/// What a token is to thoughts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It is of the text.
    No,
    /// A thought begins: what was said before is whole.
    Begin,
    /// So much more of the thought is whole characters.
    Within(String),
}

impl Thoughts {
    pub(super) fn new(marks: Option<ThinkMarks>, may: bool, is_open: bool) -> Self {
        Self {
            marks,
            may,
            is_open,
            unfinished: Unfinished::default(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The token that begins one, where one may begin.
    pub(super) fn beginning(&self) -> Option<u32> {
        self.marks.filter(|_| self.may).map(|marks| marks.begin)
    }

    /// The token that would begin one where none may.
    pub(super) fn forbidden(&self) -> Option<u32> {
        self.marks.filter(|_| !self.may).map(|marks| marks.begin)
    }

    /// The token that begins a thought, which one that is open does not.
    pub(super) fn mark(&self) -> Option<u32> {
        self.marks.map(|marks| marks.begin)
    }

    /// Goes on by a token and its bytes.
    pub(super) fn push(&mut self, token: u32, bytes: &[u8]) -> Told {
        let Some(marks) = self.marks else {
            return Told::No;
        };
        if !self.is_open {
            self.is_open = token == marks.begin;
            return if self.is_open { Told::Begin } else { Told::No };
        }
        if token == marks.end {
            return Told::Within(self.finish());
        }
        Told::Within(self.unfinished.push(bytes))
    }

    /// The rest of a thought that ends here.
    pub(super) fn finish(&mut self) -> String {
        self.is_open = false;
        self.unfinished.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Option<ThinkMarks> = Some(ThinkMarks { begin: 1, end: 2 });

    #[test]
    fn thoughts_are_told_in_whole_characters_and_end_with_their_mark() {
        let mut thoughts = Thoughts::new(MARKS, true, false);
        assert_eq!(thoughts.push(9, b"a"), Told::No);
        assert_eq!(thoughts.push(1, b""), Told::Begin);
        assert_eq!(thoughts.push(9, b"\xe6\x97"), Told::Within(String::new()));
        assert_eq!(thoughts.push(9, b"\xa5"), Told::Within("日".to_owned()));
        assert_eq!(thoughts.push(9, b"\xe6"), Told::Within(String::new()));
        assert_eq!(thoughts.push(2, b""), Told::Within("\u{fffd}".to_owned()));
        assert!(!thoughts.is_open());
        assert_eq!(thoughts.push(9, b"b"), Told::No);
    }

    #[test]
    fn a_thought_that_the_prompt_left_open_goes_on() {
        let mut thoughts = Thoughts::new(MARKS, true, true);
        assert_eq!(thoughts.push(9, b"a"), Told::Within("a".to_owned()));
        assert!(thoughts.is_open());
    }

    #[test]
    fn what_may_begin_is_said_by_one_name_or_the_other() {
        for (marks, may, expected) in [
            (MARKS, true, (Some(1), None)),
            (MARKS, false, (None, Some(1))),
            (None, true, (None, None)),
            (None, false, (None, None)),
        ] {
            let thoughts = Thoughts::new(marks, may, false);
            assert_eq!((thoughts.beginning(), thoughts.forbidden()), expected);
        }
    }
}
