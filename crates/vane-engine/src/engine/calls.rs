//! What a model may call, and what its calls may be. How they come is `writing`'s.

use std::sync::Arc;

use crate::grammar::WAYS_MAX;
use crate::tokenizer::PartMarks;
use crate::{Fault, Grammar, Tokenizer, Tool};

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
    pub(super) begin: u32,
    /// What they may be; nothing where no tool may be called.
    pub(super) held: Option<Held>,
    /// The answer begins with them.
    pub(super) forced: bool,
}

/// What calls are held to.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// All of them to one grammar.
    List(Arc<Grammar>),
    Parts(Arc<Parts>),
}

/// Each part of a call to a grammar of its own, between tokens that no text becomes.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) begin: u32,
    pub(super) marks: PartMarks,
    pub(super) names: Arc<Grammar>,
    /// By name, what each tool takes.
    pub(super) tools: Vec<(String, Arc<Grammar>)>,
    /// One call at most.
    pub(super) single: bool,
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
        let Some(marks) = tokenizer.call_marks() else {
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
        let held = match (may.as_slice(), marks.parts) {
            ([], _) => None,
            (may, None) => Some(Held::List(Arc::new(Grammar::of_calls(may, self.single)?))),
            (may, Some(parts)) => {
                let tool = |tool: &&Tool| {
                    let (_, grammar) = Grammar::of_arguments(tool)?;
                    Ok((tool.name.clone(), Arc::new(grammar)))
                };
                Some(Held::Parts(Arc::new(Parts {
                    begin: marks.begin,
                    marks: parts,
                    names: Arc::new(Grammar::of_words(may.iter().map(|tool| tool.name.as_str()))),
                    tools: may.iter().map(tool).collect::<Result<_, Fault>>()?,
                    single: self.single,
                })))
            }
        };
        Ok(Some(Calling {
            begin: marks.begin,
            held,
            forced,
        }))
    }
}
