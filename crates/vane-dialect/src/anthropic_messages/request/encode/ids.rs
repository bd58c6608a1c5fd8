//! Ids of tool calls as Anthropic takes them: `^[a-zA-Z0-9_-]+$`, and no two calls under one.

use super::names::{is_legal, made_legal};
use crate::unanswered::Unanswered;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    /// What each id of the client's was last sent as.
    last: BTreeMap<&'a str, Cow<'a, str>>,
    taken: BTreeSet<Cow<'a, str>>,
    /// The calls of the last assistant message that have no result yet, as they were sent.
    open: Unanswered<&'a str, Cow<'a, str>>,
    /// The number that stands behind the next id that has to be replaced.
    next: usize,
    /// (sent, the client's).
    replaced: Vec<(String, String)>,
}

impl<'a> Ids<'a> {
    /// Results belong to the calls of the assistant message before them.
    pub(super) fn next_assistant(&mut self) {
        self.open = Unanswered::default();
    }

    /// The id under which a call is sent. Some models number their calls anew in every answer, and
    /// Anthropic refuses a conversation in which an id stands twice.
    pub(super) fn of_call(&mut self, id: &'a str) -> Cow<'a, str> {
        let sent = match is_legal(id) && !self.taken.contains(id) {
            true => Cow::Borrowed(id),
            false => self.replaced(id),
        };
        self.taken.insert(sent.clone());
        self.last.insert(id, sent.clone());
        self.open.push(id, sent.clone());
        sent
    }

    /// The id under which a result is sent: that of its call.
    pub(super) fn of_result(&mut self, id: &'a str) -> Cow<'a, str> {
        if let Some(sent) = self.open.take(id).or_else(|| self.last.get(id).cloned()) {
            return sent;
        }
        let sent = match is_legal(id) {
            true => Cow::Borrowed(id),
            false => self.replaced(id),
        };
        self.last.insert(id, sent.clone());
        sent
    }

    /// Counted, so that no two are the same; in the order of the conversation, so that later turns
    /// send the same ids again and the prompt cache still knows them.
    fn replaced(&mut self, id: &str) -> Cow<'a, str> {
        let mut stem = made_legal(id);
        stem.truncate(100);
        loop {
            let sent = format!("{stem}_r{}", self.next);
            self.next += 1;
            if !self.taken.contains(sent.as_str()) {
                self.replaced.push((sent.clone(), id.to_owned()));
                return Cow::Owned(sent);
            }
        }
    }

    /// The ids that had to be replaced: (sent, the client's).
    pub(super) fn all_replaced(self) -> Vec<(String, String)> {
        self.replaced
    }
}
