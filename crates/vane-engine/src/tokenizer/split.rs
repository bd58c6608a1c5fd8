//! How Tekken cuts a text into words before it merges bytes: the pattern of its files, by hand,
//! because the regular expression needs to look ahead.
//!
//! The alternatives stand in their order; the first that matches takes the word.

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

/// The pattern that this module is.
pub(super) const PATTERN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What the pattern asks of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Capital and title-case letters.
    Upper,
    Lower,
    /// Letters without case, and marks: both of the above.
    Either {
        letter: bool,
    },
    Number,
    Newline,
    Space,
    Other,
}

impl Kind {
    fn of(letter: char) -> Self {
        match letter {
            '\r' | '\n' => return Kind::Newline,
            _ if letter.is_whitespace() => return Kind::Space,
            _ => {}
        }
        match letter.general_category() {
            Category::UppercaseLetter | Category::TitlecaseLetter => Kind::Upper,
            Category::LowercaseLetter => Kind::Lower,
            Category::ModifierLetter | Category::OtherLetter => Kind::Either { letter: true },
            Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark => {
                Kind::Either { letter: false }
            }
            Category::DecimalNumber | Category::LetterNumber | Category::OtherNumber => {
                Kind::Number
            }
            _ => Kind::Other,
        }
    }

    fn is_upper(self) -> bool {
        matches!(self, Kind::Upper | Kind::Either { .. })
    }

    fn is_lower(self) -> bool {
        matches!(self, Kind::Lower | Kind::Either { .. })
    }

    /// `[^\r\n\p{L}\p{N}]`
    fn may_lead(self) -> bool {
        matches!(
            self,
            Kind::Space | Kind::Other | Kind::Either { letter: false }
        )
    }

    /// `[^\s\p{L}\p{N}]`
    fn is_sign(self) -> bool {
        matches!(self, Kind::Other | Kind::Either { letter: false })
    }

    fn is_space(self) -> bool {
        matches!(self, Kind::Newline | Kind::Space)
    }
}

/// The words of a text: together, they are the text.
pub(super) fn words(text: &str) -> Vec<&str> {
    let letters: Vec<(usize, char, Kind)> = text
        .char_indices()
        .map(|(at, letter)| (at, letter, Kind::of(letter)))
        .collect();
    let place = |number: usize| letters.get(number).map_or(text.len(), |(at, ..)| *at);
    let mut words = Vec::new();
    let mut start = 0;
    while start < letters.len() {
        let end = Word {
            letters: &letters,
            start,
        }
        .end();
        words.push(&text[place(start)..place(end)]);
        start = end;
    }
    words
}

struct Word<'a> {
    letters: &'a [(usize, char, Kind)],
    start: usize,
}

impl Word<'_> {
    fn end(&self) -> usize {
        let found = self
            .led(Self::ends_lower)
            .or_else(|| self.led(Self::begins_upper));
        let found = found.or_else(|| self.number()).or_else(|| self.signs());
        let found = found.or_else(|| self.lines());
        found.unwrap_or_else(|| self.spaces())
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.letters.get(at).map(|(_, _, kind)| *kind)
    }

    /// The first place from `at` where the run is over.
    fn run(&self, at: usize, belongs: impl Fn(Kind) -> bool) -> usize {
        let rest = self.letters.get(at..).unwrap_or_default();
        at + rest
            .iter()
            .take_while(|(_, _, kind)| belongs(*kind))
            .count()
    }

    /// With one character before it that is neither letter nor number, or else without.
    fn led(&self, word: impl Fn(&Self, usize) -> Option<usize>) -> Option<usize> {
        let leads = self.kind(self.start).is_some_and(Kind::may_lead);
        let led = if leads {
            word(self, self.start + 1)
        } else {
            None
        };
        led.or_else(|| word(self, self.start))
    }

    /// `upper* lower+`: what is both is given back to the second where it would have nothing.
    fn ends_lower(&self, at: usize) -> Option<usize> {
        let upper = self.run(at, Kind::is_upper);
        let lower = self.run(upper, Kind::is_lower);
        if lower > upper {
            return Some(lower);
        }
        let given_back = self.letters[at..upper]
            .iter()
            .rposition(|(_, _, kind)| kind.is_lower())?;
        Some(at + given_back + 1)
    }

    /// `upper+ lower*`
    fn begins_upper(&self, at: usize) -> Option<usize> {
        let upper = self.run(at, Kind::is_upper);
        (upper > at).then(|| self.run(upper, Kind::is_lower))
    }

    fn number(&self) -> Option<usize> {
        (self.kind(self.start) == Some(Kind::Number)).then_some(self.start + 1)
    }

    /// ` ?sign+[\r\n/]*`
    fn signs(&self) -> Option<usize> {
        let space = usize::from(self.letters[self.start].1 == ' ');
        let first = self.start + space;
        let end = self.run(first, Kind::is_sign);
        let rest = &self.letters[end..];
        let ending = rest
            .iter()
            .take_while(|(_, letter, _)| matches!(letter, '\r' | '\n' | '/'));
        (end > first).then(|| end + ending.count())
    }

    /// `\s*[\r\n]+`: up to the last end of a line among the spaces.
    fn lines(&self) -> Option<usize> {
        let end = self.run(self.start, Kind::is_space);
        let spaces = &self.letters[self.start..end];
        let last = spaces
            .iter()
            .rposition(|(_, _, kind)| *kind == Kind::Newline)?;
        Some(self.start + last + 1)
    }

    /// `\s+(?!\S)|\s+`: one space is left to the word that follows.
    fn spaces(&self) -> usize {
        let end = self.run(self.start, Kind::is_space);
        let many = end - self.start;
        if end < self.letters.len() && many > 1 {
            end - 1
        } else {
            self.start + many.max(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_as_the_pattern_cuts_them() {
        let rows: &[(&str, &[&str])] = &[
            ("def f(a):\n", &["def", " f", "(a", "):\n"]),
            ("HelloWorld HTTPServer", &["Hello", "World", " HTTPServer"]),
            ("x = 123;", &["x", " =", " ", "1", "2", "3", ";"]),
            ("    return x", &["   ", " return", " x"]),
            ("a  \n\n  b", &["a", "  \n\n", " ", " b"]),
            ("end   ", &["end", "   "]),
            ("日本語 テスト", &["日本語", " テスト"]),
            ("e\u{301}t\u{301}", &["e\u{301}t\u{301}"]),
            ("// http://a/b\n", &["//", " http", "://", "a", "/b", "\n"]),
            ("ABC", &["ABC"]),
            ("", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(words(text), *expected, "{text:?}");
        }
    }
}
