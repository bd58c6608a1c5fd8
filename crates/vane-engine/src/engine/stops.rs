//! Texts that end an answer, wherever tokens divide them: what may be the beginning of one is held
//! back until it is known.

use crate::Fault;

const STOPS_MAX: usize = 64;
const STOP_BYTES_MAX: usize = 4_096;

#[derive(Debug)]
pub struct Stops {
    stops: Vec<String>,
    held: String,
}

impl Stops {
    pub fn new(stops: Vec<String>) -> Self {
        Self {
            stops,
            held: String::new(),
        }
    }

    /// Refuses texts that can end no answer, and too many of them.
    pub fn check(stops: &[String]) -> Result<(), Fault> {
        if stops.len() > STOPS_MAX {
            let what = format!("{} stop texts, of at most {STOPS_MAX}", stops.len());
            return Err(Fault::Refused(what));
        }
        let fits = |stop: &String| (1..=STOP_BYTES_MAX).contains(&stop.len());
        if !stops.iter().all(fits) {
            let what = format!("a stop text must have 1 to {STOP_BYTES_MAX} bytes");
            return Err(Fault::Refused(what));
        }
        Ok(())
    }

    /// Adds text; says what may leave, and whether a stop was found after it.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        if let Some(at) = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop))
            .min()
        {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let may_begin = |at: &usize| {
            let rest = &self.held[*at..];
            self.stops.iter().any(|stop| stop.starts_with(rest))
        };
        let starts = self.held.char_indices().map(|(at, _)| at);
        let longest = self.stops.iter().map(String::len).max().unwrap_or_default();
        let near = starts.filter(|at| self.held.len() - at < longest);
        let at = { near }.find(may_begin).unwrap_or(self.held.len());
        let rest = self.held.split_off(at);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// As `push`, where nothing may end the answer yet.
    pub(super) fn pass(&mut self, text: &str) -> String {
        std::mem::take(&mut self.held) + text
    }

    /// What is held back at the end of the answer.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a text that comes in pieces of so many characters.
    fn told(stops: &[&str], text: &str, many: usize) -> (String, bool) {
        let mut stops = Stops::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let letters: Vec<char> = text.chars().collect();
        let mut told = String::new();
        for piece in letters.chunks(many) {
            let (text, hit) = stops.push(&piece.iter().collect::<String>());
            told += &text;
            if hit {
                return (told, true);
            }
        }
        (told + &stops.finish(), false)
    }

    #[test]
    fn a_stop_is_found_however_the_text_is_cut() {
        let rows: &[(&[&str], &str, (&str, bool))] = &[
            (&["\n\n"], "a\nb\n\nc", ("a\nb", true)),
            (&["END"], "an ENENDING", ("an EN", true)),
            (&["xyz", "y"], "axyz", ("ax", true)),
            (&["END"], "an EN", ("an EN", false)),
            (&["é日"], "aé日b", ("a", true)),
            (&[], "abc", ("abc", false)),
        ];
        for (stops, text, expected) in rows {
            let whole = told(stops, text, 1);
            assert_eq!((whole.0.as_str(), whole.1), *expected, "{text:?}");
            for many in 2..4 {
                let other = told(stops, text, many);
                assert_eq!(other.1, expected.1, "{text:?}");
            }
        }
    }
}
