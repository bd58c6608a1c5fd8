//! The names that tools are sent under: `^[a-zA-Z0-9_-]{1,64}$`, each name once.

use crate::block::Block;
use crate::call::Chat;
use crate::names::distinct::{self, Distinct};

const LENGTH_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Names<'c>(Distinct<'c>);

impl<'c> Names<'c> {
    /// The names of all tools that the call declares or that its history mentions.
    pub(super) fn of(chat: &'c Chat) -> Self {
        let mut wanted = distinct::declared(&chat.tools);
        for block in chat.turns.iter().flat_map(|turn| &turn.blocks) {
            if let Block::ToolUse(tool) = block {
                let namespace = tool.space().unwrap_or_default();
                wanted.push((namespace, tool.name.as_str()));
            }
        }
        Self(Distinct::of(wanted, LENGTH_MAX))
    }

    /// The name that a tool is sent under.
    pub(super) fn sent<'n>(&'n self, namespace: &str, name: &'n str) -> &'n str {
        self.0.known(namespace, name).unwrap_or(name)
    }

    /// As [`Names::sent`], for a choice that does not say the namespace.
    pub(super) fn chosen<'n>(&'n self, name: &'n str) -> &'n str {
        self.0.chosen(name).unwrap_or(name)
    }

    /// What the answer's decoder must turn back: (sent, namespace or nothing, name).
    pub(super) fn changed(&self) -> Vec<(String, String, String)> {
        self.0.changed()
    }
}
