//! Takes the prefilled text off an answer that repeats it.
//!
//! Mistral's answers begin with the client's prefix, and canonical answers never do. The prefix
//! may come split over chunks, and a model may not repeat it: then nothing is taken.

use std::borrow::Cow;

#[derive(Debug, Default)]
pub(super) struct Prefill {
    prefix: String,
    /// How much of the prefix has come back.
    matched: usize,
    over: bool,
}

impl Prefill {
    pub(super) fn new(prefix: Option<String>) -> Self {
        let prefix = prefix.unwrap_or_default();
        let over = prefix.is_empty();
        Self {
            prefix,
            matched: 0,
            over,
        }
    }

    /// What of `text` is the model's own; text that may still turn out to be the prefix is held.
    pub(super) fn strip<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if self.over {
            return Cow::Borrowed(text);
        }
        let missing = &self.prefix[self.matched..];
        if let Some(own) = text.strip_prefix(missing) {
            self.over = true;
            return Cow::Borrowed(own);
        }
        if missing.starts_with(text) {
            self.matched += text.len();
            return Cow::Borrowed("");
        }
        let mut own = self.release().to_owned();
        own.push_str(text);
        Cow::Owned(own)
    }

    /// Ends the search: what was held is the model's own text.
    pub(super) fn release(&mut self) -> &str {
        if self.over {
            return "";
        }
        self.over = true;
        &self.prefix[..self.matched]
    }
}

#[cfg(test)]
mod tests {
    use super::Prefill;

    fn own(prefix: &str, chunks: &[&str]) -> String {
        let mut prefill = Prefill::new(Some(prefix.to_owned()));
        let mut own: String = chunks
            .iter()
            .map(|c| prefill.strip(c).into_owned())
            .collect();
        own.push_str(prefill.release());
        own
    }

    #[test]
    fn a_repeated_prefix_is_taken_off_at_every_split() {
        let answer = "fn é() { 1 }";
        for at in (0..=answer.len()).filter(|at| answer.is_char_boundary(*at)) {
            assert_eq!(own("fn é(", &[&answer[..at], &answer[at..]]), ") { 1 }");
        }
    }

    #[test]
    fn an_answer_that_does_not_repeat_the_prefix_is_whole() {
        for chunks in [&["fn", " b()"][..], &["f", "o"], &["fn"], &["", "x"]] {
            assert_eq!(own("fn a", chunks), chunks.concat());
        }
        assert_eq!(own("fn a", &["fn a"]), "");
        assert_eq!(own("", &["fn a"]), "fn a");
    }
}
