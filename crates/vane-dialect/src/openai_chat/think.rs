//! Takes reasoning out of content that begins with it, between tags as `<think>` and
//! `</think>`.
//!
//! The tags may come split over chunks: what may still become one is held. Only the start of an
//! answer is looked at, so that a model may speak of the tags later.

use crate::exchange::Tags;

/// How far the search has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// Nothing but white space and a part of the first tag came.
    #[default]
    Start,
    Inside,
    /// After the last tag: white space before the answer is not of it.
    Behind,
    Over,
}

#[derive(Debug, Default)]
pub(super) struct Think {
    place: Place,
    held: String,
}

/// A piece of content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Thought(String),
    Text(String),
}

impl Think {
    /// The pieces that `text` makes certain.
    pub(super) fn take(&mut self, tags: Tags, text: &str) -> Vec<Piece> {
        let (open, close) = (tags.open(), tags.close());
        self.held.push_str(text);
        let mut pieces = Vec::new();
        loop {
            match self.place {
                Place::Start => {
                    let said = self.held.trim_start();
                    if let Some(rest) = said.strip_prefix(open) {
                        self.held = rest.to_owned();
                        self.place = Place::Inside;
                    } else if open.starts_with(said) {
                        return pieces;
                    } else {
                        self.place = Place::Over;
                    }
                }
                Place::Inside => {
                    let Some(at) = self.held.find(close) else {
                        let held = held_back(&self.held, close);
                        let certain = self.held.len() - held;
                        pieces.push(Piece::Thought(self.held.drain(..certain).collect()));
                        return pieces;
                    };
                    pieces.push(Piece::Thought(self.held.drain(..at).collect()));
                    self.held.drain(..close.len());
                    self.place = Place::Behind;
                }
                Place::Behind => {
                    self.held = self.held.trim_start().to_owned();
                    if self.held.is_empty() {
                        return pieces;
                    }
                    self.place = Place::Over;
                }
                Place::Over => {
                    pieces.push(Piece::Text(std::mem::take(&mut self.held)));
                    return pieces;
                }
            }
        }
    }

    /// The content is over: what was held is what it seemed.
    pub(super) fn end(&mut self) -> Piece {
        let held = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.place, Place::Over) {
            Place::Inside => Piece::Thought(held),
            Place::Start | Place::Behind | Place::Over => Piece::Text(held),
        }
    }
}

/// How many bytes at the end of `text` may be the beginning of the tag that closes.
fn held_back(text: &str, close: &str) -> usize {
    let lengths = (1..close.len()).rev();
    let mut possible = lengths.filter(|&length| text.ends_with(&close[..length]));
    possible.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tags: Tags, chunks: &[&str]) -> (String, String) {
        let mut think = Think::default();
        let taken = chunks.iter().flat_map(|chunk| think.take(tags, chunk));
        let mut pieces: Vec<Piece> = taken.collect();
        pieces.push(think.end());
        let (mut thought, mut text) = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Thought(more) => thought += &more,
                Piece::Text(more) => text += &more,
            }
        }
        (thought, text)
    }

    fn check(tags: Tags, content: &str, thought: &str, text: &str) {
        let expected = (thought.to_owned(), text.to_owned());
        let places = (0..=content.len()).filter(|at| content.is_char_boundary(*at));
        for at in places {
            let halves = [&content[..at], &content[at..]];
            assert_eq!(told(tags, &halves), expected, "at {at}");
        }
        let letters: Vec<String> = content.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(told(tags, &letters), expected);
    }

    #[test]
    fn t14_thoughts_are_found_at_every_split_and_only_at_the_start() {
        for (content, thought, text) in [
            ("<think>h\u{e9} < b</think>\n\nYes", "h\u{e9} < b", "Yes"),
            ("\n<think></think>Yes", "", "Yes"),
            ("<think>cut off </thi", "cut off </thi", ""),
            ("Say <think>no</think>", "", "Say <think>no</think>"),
            ("<thin", "", "<thin"),
            ("<thing>", "", "<thing>"),
            ("<think>a</think>b</think>", "a", "b</think>"),
            ("", "", ""),
        ] {
            check(Tags::Think, content, thought, text);
            let others = |said: &str| said.replace("think>", "thought>");
            check(
                Tags::Thought,
                &others(content),
                &others(thought),
                &others(text),
            );
        }
        let other = "<think>a</think>b";
        check(Tags::Thought, other, "", other);
    }
}
