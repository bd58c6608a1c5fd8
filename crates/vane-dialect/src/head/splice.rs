//! Splices: the few edits of a body that is otherwise forwarded byte for byte.

use super::Head;
use bytes::Bytes;
use std::ops::Range;

/// Edits of one body, applied together.
#[derive(Debug)]
pub struct Splices<'h> {
    head: &'h Head,
    /// Members that are left out, by position.
    cut: Vec<usize>,
    /// Ranges and what stands there instead; they do not overlap.
    set: Vec<(Range<usize>, String)>,
    /// Members put before the closing brace, written out.
    added: Vec<String>,
}

impl<'h> Splices<'h> {
    pub(super) const fn new(head: &'h Head) -> Self {
        Self {
            head,
            cut: Vec::new(),
            set: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Sets a top-level value to JSON text, adding the member where it is missing.
    pub fn set(&mut self, key: &str, json: String) {
        match self.head.member(key) {
            Some(member) if self.head.slice(&member.value) == json => {}
            Some(member) => self.set.push((member.value.clone(), json)),
            None => {
                let mut name = Vec::new();
                crate::json::string(&mut name, key);
                self.added
                    .push(format!("{}:{json}", String::from_utf8_lossy(&name)));
            }
        }
    }

    /// Leaves a member out.
    pub fn cut(&mut self, key: &str) {
        if let Some(at) = self.head.position(key) {
            self.cut.push(at);
        }
    }

    /// Whether the body goes as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cut.is_empty() && self.set.is_empty() && self.added.is_empty()
    }

    /// The edited body as slices of the old one with the new pieces between.
    #[must_use]
    pub fn apply(self) -> Vec<Bytes> {
        let body = &self.head.body;
        if self.is_empty() {
            return vec![body.clone()];
        }
        let mut edits = self.set;
        let kept = self.head.members.len() - self.cut.len();
        edits.extend(
            cuts(self.head, &self.cut)
                .into_iter()
                .map(|range| (range, String::new())),
        );
        if !self.added.is_empty() {
            let comma = if kept > 0 { "," } else { "" };
            let text = format!("{comma}{}", self.added.join(","));
            edits.push((self.head.end..self.head.end, text));
        }
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        let mut parts = Vec::with_capacity(edits.len() * 2 + 1);
        let mut at = 0;
        for (range, text) in edits {
            // A value inside a member that is cut goes with it.
            if range.start < at {
                continue;
            }
            if at < range.start {
                parts.push(body.slice(at..range.start));
            }
            if !text.is_empty() {
                parts.push(Bytes::from(text));
            }
            at = range.end;
        }
        parts.push(body.slice(at..));
        parts
    }
}

/// The ranges that take members out together with the commas that joined them.
fn cuts(head: &Head, cut: &[usize]) -> Vec<Range<usize>> {
    let mut ranges = Vec::with_capacity(cut.len());
    let is_cut = |at: usize| cut.contains(&at);
    let first_kept = (0..head.members.len()).find(|&at| !is_cut(at));
    for at in (0..head.members.len()).filter(|&at| is_cut(at)) {
        let member = &head.members[at];
        let range = match first_kept {
            // Before the first member that stays: up to the next member.
            Some(kept) if at < kept => member.whole.start..head.members[at + 1].whole.start,
            // After it: with the comma in front.
            Some(_) => head.members[at - 1].whole.end..member.whole.end,
            // Nothing stays: the commas go with the members before them.
            None => match head.members.get(at + 1) {
                Some(next) => member.whole.start..next.whole.start,
                None => member.whole.clone(),
            },
        };
        ranges.push(range);
    }
    ranges
}
