//! Tool names as Anthropic takes them: `^[a-zA-Z0-9_-]{1,128}$`, and no namespaces.

use crate::call::Tool;
use std::borrow::Cow;

const NAME_BYTES_MAX: usize = 128;

/// What joins a namespace and the name of its tool.
const JOINT: &str = "__";

/// The names under which the tools of a call are sent.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    sent: String,
    namespace: String,
    name: String,
}

impl Names {
    pub(super) fn of(tools: &[Tool]) -> Self {
        let mut names = Self::default();
        // Names that can stay as they are stay so; the others then keep clear of them.
        for legal in [true, false] {
            for tool in tools {
                match tool {
                    Tool::Function(function) => names.add("", &function.name, legal),
                    Tool::Custom(custom) => names.add("", &custom.name, legal),
                    Tool::Namespace { name, tools, .. } => {
                        for member in tools {
                            if let Some(member) = own_name(member) {
                                names.add(name, member, legal);
                            }
                        }
                    }
                    Tool::Hosted { .. } => {}
                }
            }
        }
        names
    }

    /// The name under which a tool, or one of an earlier turn, is sent.
    pub(super) fn sent<'a>(&'a self, namespace: &str, name: &'a str) -> Cow<'a, str> {
        let known = self.0.iter().find(|entry| entry.is(namespace, name));
        match known {
            Some(entry) => Cow::Borrowed(&entry.sent),
            None if namespace.is_empty() && is_legal(name) => Cow::Borrowed(name),
            None => Cow::Owned(flat(namespace, name)),
        }
    }

    /// The name under which the tool that a choice names is sent.
    pub(super) fn chosen<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        let known = self.0.iter().find(|entry| entry.name == name);
        known.map_or_else(|| self.sent("", name), |entry| Cow::Borrowed(&entry.sent))
    }

    /// (sent, namespace, name) of the tools that are not sent under their own name.
    pub(super) fn renamed(self) -> Vec<(String, String, String)> {
        let renamed = self.0.into_iter().filter(|entry| entry.sent != entry.name);
        renamed
            .map(|entry| (entry.sent, entry.namespace, entry.name))
            .collect()
    }

    fn add(&mut self, namespace: &str, name: &str, legal: bool) {
        if (namespace.is_empty() && is_legal(name)) != legal {
            return;
        }
        let mut sent = if legal {
            name.to_owned()
        } else {
            flat(namespace, name)
        };
        let mut count = 2;
        while !legal && self.0.iter().any(|entry| entry.sent == sent) {
            let suffix = format!("_{count}");
            sent = flat(namespace, name);
            sent.truncate(NAME_BYTES_MAX - suffix.len());
            sent.push_str(&suffix);
            count += 1;
        }
        self.0.push(Entry {
            sent,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        });
    }
}

impl Entry {
    fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
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

/// Whether Anthropic takes `text` as a tool's name or id.
/// Whether Anthropic takes it as the name of a tool, and as the id of a call.
pub fn is_legal(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_legal_byte)
}

fn is_legal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// `text` with every character that is not legal replaced.
pub(super) fn made_legal(text: &str) -> String {
    let legal = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let mut made: String = text.chars().map(legal).collect();
    made.truncate(NAME_BYTES_MAX);
    if made.is_empty() {
        made.push('_');
    }
    made
}

fn flat(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        made_legal(name)
    } else {
        made_legal(&format!("{namespace}{JOINT}{name}"))
    }
}
