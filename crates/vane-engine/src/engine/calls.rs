//! What a model may call, and its calls as they come: a list of objects, each told when it is whole.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::grammar::WAYS_MAX;
use crate::tokenizer::{ID_LEN, id_of};
use crate::{Fault, Grammar, Tokenizer, Tool, ToolCall};

/// All of them are possible until a name is begun.
const TOOLS_MAX: usize = WAYS_MAX;
const NAME_LEN_MAX: usize = 64;

/// What a request lets the model call.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// Shown to the model with the conversation.
    pub list: Vec<Tool>,
    pub choice: ToolChoice,
    /// One call at most.
    pub single: bool,
}

/// Whether a tool is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    None,
    /// One of them is called.
    Any,
    /// This one is called.
    Named(String),
}

/// How calls of one request are made.
#[derive(Debug, Clone)]
pub(super) struct Calling {
    /// The token after which they stand.
    pub(super) token: u32,
    /// What they may be; nothing where no tool may be called.
    pub(super) grammar: Option<Arc<Grammar>>,
    /// The answer begins with them.
    pub(super) forced: bool,
}

impl Tools {
    /// `None` where there is nothing to call.
    pub(super) fn calling(&self, tokenizer: &Tokenizer) -> Result<Option<Calling>, Fault> {
        let refused = |what: String| Err(Fault::Refused(what));
        let forced = matches!(self.choice, ToolChoice::Any | ToolChoice::Named(_));
        if self.list.is_empty() {
            return if forced {
                refused("a tool is to be called, and there is none".to_owned())
            } else {
                Ok(None)
            };
        }
        if self.list.len() > TOOLS_MAX {
            return refused(format!("{} tools, of at most {TOOLS_MAX}", self.list.len()));
        }
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        for (at, tool) in self.list.iter().enumerate() {
            let name = &tool.name;
            if name.is_empty() || name.len() > NAME_LEN_MAX || !name.bytes().all(letter) {
                return refused(format!(
                    "`{name}` is no name of a tool: 1 to {NAME_LEN_MAX} letters, digits, `_` and `-`"
                ));
            }
            if self.list[..at].iter().any(|other| other.name == *name) {
                return refused(format!("there are two tools `{name}`"));
            }
        }
        let Some(token) = tokenizer.calls() else {
            return refused("this model's conversations have no tools".to_owned());
        };
        let may: Vec<&Tool> = match &self.choice {
            ToolChoice::None => Vec::new(),
            ToolChoice::Auto | ToolChoice::Any => self.list.iter().collect(),
            ToolChoice::Named(name) => {
                let named = self.list.iter().find(|tool| tool.name == *name);
                vec![named.ok_or_else(|| Fault::Refused(format!("there is no tool `{name}`")))?]
            }
        };
        let grammar = match may.as_slice() {
            [] => None,
            may => Some(Arc::new(Grammar::of_calls(may, self.single)?)),
        };
        Ok(Some(Calling {
            token,
            grammar,
            forced,
        }))
    }
}

/// Calls while they are written.
#[derive(Debug, Default)]
pub(super) struct Calls {
    bytes: Vec<u8>,
    /// Where the call begins that is written now.
    start: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    told: u64,
    /// Of the conversation, so that ids of its calls differ.
    seed: u64,
}

impl Calls {
    pub(super) fn new(tokens: &[u32]) -> Self {
        let mix =
            |hash: u64, token: &u32| (hash ^ u64::from(*token)).wrapping_mul(0x0100_0000_01b3);
        Self {
            seed: tokens.iter().fold(0xcbf2_9ce4_8422_2325, mix),
            ..Self::default()
        }
    }

    /// Adds bytes; gives the calls that are whole now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<ToolCall> {
        let mut calls = Vec::new();
        for byte in bytes {
            self.bytes.push(*byte);
            match (self.in_string, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_string = !self.in_string,
                (false, b'[' | b'{') => {
                    if self.depth == 1 {
                        self.start = self.bytes.len() - 1;
                    }
                    self.depth += 1;
                }
                (false, b']' | b'}') => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 1 {
                        calls.extend(self.call());
                    }
                }
                _ => {}
            }
        }
        calls
    }

    fn call(&mut self) -> Option<ToolCall> {
        let call: Json = serde_json::from_slice(&self.bytes[self.start..]).ok()?;
        self.told += 1;
        let own = call["id"].as_str().filter(|id| is_id(id));
        Some(ToolCall {
            id: own.map_or_else(|| self.id(), str::to_owned),
            name: call["name"].as_str()?.to_owned(),
            arguments: call["arguments"].to_string(),
        })
    }

    /// One that the model did not give.
    fn id(&self) -> String {
        id_of(self.seed ^ self.told.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

fn is_id(id: &str) -> bool {
    id.len() == ID_LEN && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_when_they_are_whole_however_they_come() {
        let text = br#" [{"name": "a", "arguments": {"x": "]}\"[", "y": [{}]}, "id": "abcDEF123"}, {"name": "b", "arguments": {}, "id": "no"}]"#;
        let call = |id: &str, name: &str, arguments: &str| ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        };
        for many in [1, 2, 7, text.len()] {
            let mut calls = Calls::new(&[1, 2]);
            let told: Vec<ToolCall> = { text.chunks(many) }
                .flat_map(|bytes| calls.push(bytes))
                .collect();
            assert_eq!(told[0], call("abcDEF123", "a", r#"{"x":"]}\"[","y":[{}]}"#));
            let [_, second] = told.as_slice() else {
                panic!("{told:?}")
            };
            assert!(is_id(&second.id), "{second:?}");
            assert_eq!(
                (second.name.as_str(), second.arguments.as_str()),
                ("b", "{}")
            );
        }
        let ids = |tokens: &[u32]| {
            let mut calls = Calls::new(tokens);
            calls.push(br#"[{"name":"b","arguments":{}},{"name":"b","arguments":{}}]"#)
        };
        let (one, other) = (ids(&[1]), ids(&[2]));
        assert_ne!(one[0].id, one[1].id);
        assert_ne!(one[0].id, other[0].id);
        assert_eq!(one, ids(&[1]));
    }
}
