//! Tool names as Anthropic takes them: `^[a-zA-Z0-9_-]{1,128}$`, and no namespaces.

use crate::call::Tool;
use crate::names::distinct::{self, Distinct};
use std::borrow::Cow;

const NAME_BYTES_MAX: usize = 128;

/// The names under which the tools of a call are sent.
#[derive(Debug)]
pub(super) struct Names<'c>(Distinct<'c>);

impl<'c> Names<'c> {
    pub(super) fn of(tools: &'c [Tool]) -> Self {
        Self(Distinct::of(distinct::declared(tools), NAME_BYTES_MAX))
    }

    /// The name under which a tool, or one of an earlier turn, is sent.
    pub(super) fn sent<'a>(&'a self, namespace: &str, name: &'a str) -> Cow<'a, str> {
        match self.0.known(namespace, name) {
            Some(sent) => Cow::Borrowed(sent),
            None if namespace.is_empty() && is_legal(name) => Cow::Borrowed(name),
            None => Cow::Owned(distinct::flat(namespace, name, NAME_BYTES_MAX)),
        }
    }

    /// The name under which the tool that a choice names is sent.
    pub(super) fn chosen<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        let known = self.0.chosen(name).map(Cow::Borrowed);
        known.unwrap_or_else(|| self.sent("", name))
    }

    /// (sent, namespace, name) of the tools that are not sent under their own name.
    pub(super) fn renamed(&self) -> Vec<(String, String, String)> {
        self.0.changed()
    }
}

/// The name of a tool that the client runs.
pub(super) fn own_name(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Function(function) => Some(&function.name),
        Tool::Custom(custom) => Some(&custom.name),
        Tool::Namespace { .. } | Tool::Hosted { .. } => None,
    }
}

/// Whether Anthropic takes it as the name of a tool, and as the id of a call.
pub fn is_legal(text: &str) -> bool {
    distinct::is_legal(text, NAME_BYTES_MAX)
}

/// `text` with every character that is not legal replaced.
pub(super) fn made_legal(text: &str) -> String {
    distinct::made_legal(text, NAME_BYTES_MAX)
}
