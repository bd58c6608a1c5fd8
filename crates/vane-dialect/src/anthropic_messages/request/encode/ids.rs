//! Ids of tool calls as Anthropic takes them: `^[a-zA-Z0-9_-]+$`.

use super::names::{is_legal, made_legal};
use std::borrow::Cow;

/// The ids that had to be replaced: (sent, the client's).
#[derive(Debug, Default)]
pub(super) struct Ids(Vec<(String, String)>);

impl Ids {
    /// The id under which a call and its result are sent; the same for both.
    pub(super) fn sent<'a>(&mut self, id: &'a str) -> Cow<'a, str> {
        if is_legal(id) {
            return Cow::Borrowed(id);
        }
        if let Some((sent, _)) = self.0.iter().find(|(_, client)| client == id) {
            return Cow::Owned(sent.clone());
        }
        // Counted, so that no two are the same; in the order of the conversation, so that later
        // turns send the same ids again and the prompt cache still knows them.
        let mut sent = made_legal(id);
        sent.truncate(100);
        let sent = format!("{sent}_r{}", self.0.len());
        self.0.push((sent.clone(), id.to_owned()));
        Cow::Owned(sent)
    }

    pub(super) fn replaced(self) -> Vec<(String, String)> {
        self.0
    }
}
