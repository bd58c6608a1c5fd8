//! The names that tools are sent under: `^[a-zA-Z0-9_-]{1,64}$`, each name once.
//!
//! Tools of namespaces are flattened to `namespace__name`. What had to change is kept, so that the
//! answer's decoder gives the client its own names back.

use crate::block::Block;
use crate::call::{Chat, Tool};

const LENGTH_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Names(Vec<Name>);

#[derive(Debug)]
struct Name {
    namespace: Option<String>,
    name: String,
    sent: String,
}

impl Names {
    /// The names of all tools that the call declares or that its history mentions.
    pub(super) fn of(chat: &Chat) -> Self {
        let mut wanted = Vec::new();
        declared(&chat.tools, None, &mut wanted);
        for block in chat.turns.iter().flat_map(|turn| &turn.blocks) {
            if let Block::ToolUse(tool) = block {
                wanted.push((tool.namespace.as_deref(), tool.name.as_str()));
            }
        }
        let mut names = Self::default();
        // Names that need no change are never taken by one that does.
        let (fit, unfit): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .partition(|(namespace, name)| namespace.is_none() && fits(name));
        for (namespace, name) in fit.into_iter().chain(unfit) {
            names.add(namespace, name);
        }
        names
    }

    /// The name that a tool is sent under.
    pub(super) fn sent<'n>(&'n self, namespace: Option<&str>, name: &'n str) -> &'n str {
        let known = self.find(namespace, name);
        known.map_or(name, |known| &known.sent)
    }

    /// As [`Names::sent`], for a choice that does not say the namespace.
    pub(super) fn chosen<'n>(&'n self, name: &'n str) -> &'n str {
        let named = self.find(None, name);
        let member = || self.0.iter().find(|known| known.name == name);
        named.or_else(member).map_or(name, |known| &known.sent)
    }

    /// What the answer's decoder must turn back: (sent, namespace or nothing, name).
    pub(super) fn changed(&self) -> Vec<(String, String, String)> {
        let changed = self.0.iter().filter(|known| known.sent != known.name);
        changed
            .map(|known| {
                let namespace = known.namespace.clone().unwrap_or_default();
                (known.sent.clone(), namespace, known.name.clone())
            })
            .collect()
    }

    fn find(&self, namespace: Option<&str>, name: &str) -> Option<&Name> {
        let same = |known: &&Name| known.namespace.as_deref() == namespace && known.name == name;
        self.0.iter().find(same)
    }

    fn add(&mut self, namespace: Option<&str>, name: &str) {
        if self.find(namespace, name).is_some() {
            return;
        }
        let flat = namespace.map_or_else(|| name.to_owned(), |space| format!("{space}__{name}"));
        let legal: String = flat
            .chars()
            .map(|c| if legal(c) { c } else { '_' })
            .collect();
        let mut sent: String = legal.chars().take(LENGTH_MAX).collect();
        let mut count = 1;
        while sent.is_empty() || self.0.iter().any(|known| known.sent == sent) {
            count += 1;
            let mark = format!("_{count}");
            let kept = legal.chars().take(LENGTH_MAX - mark.len());
            sent = kept.chain(mark.chars()).collect();
        }
        self.0.push(Name {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            sent,
        });
    }
}

fn declared<'c>(
    tools: &'c [Tool],
    namespace: Option<&'c str>,
    wanted: &mut Vec<(Option<&'c str>, &'c str)>,
) {
    for tool in tools {
        match tool {
            Tool::Function(function) => wanted.push((namespace, &function.name)),
            Tool::Custom(custom) => wanted.push((namespace, &custom.name)),
            Tool::Namespace { name, tools, .. } => declared(tools, Some(name), wanted),
            Tool::Hosted { .. } => {}
        }
    }
}

fn legal(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn fits(name: &str) -> bool {
    !name.is_empty() && name.len() <= LENGTH_MAX && name.chars().all(legal)
}
