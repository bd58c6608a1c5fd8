//! Calls of tools while a model writes them: which tokens may come next, and each call when it is whole.
//!
//! Where the parts of a call stand between control tokens, those are the only way from one part to the
//! next: text that looks like one is text. An id is ours, so that no two calls share one.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value as Json;

use super::calls::{Held, Parts};
use crate::grammar::{CALLS_MAX, Guide, Mask};
use crate::tokenizer::{ID_LEN, id_of};
use crate::{Tokenizer, ToolCall};

/// The calls of one answer.
#[derive(Debug)]
pub(super) struct Writing {
    form: Form,
    ids: Ids,
    /// The next token's first space is none.
    skips_space: bool,
}

#[derive(Debug)]
enum Form {
    List { guide: Guide, list: List },
    Parts(Call),
}

impl Writing {
    /// After `tokens`, the last of which says that calls follow.
    pub(super) fn new(held: &Held, tokens: &[u32], tokenizer: &Tokenizer) -> Self {
        let form = match held {
            Held::List(grammar) => Form::List {
                guide: Guide::new(Arc::clone(grammar)),
                list: List::default(),
            },
            Held::Parts(parts) => Form::Parts(Call::new(Arc::clone(parts))),
        };
        Self {
            form,
            ids: Ids::new(tokens),
            skips_space: tokenizer.has_dummy_space(),
        }
    }

    /// Tokens that may come. Before `min_tokens` the end may where nothing else does.
    pub(super) fn mask(&mut self, early: bool, tokenizer: &Tokenizer) -> Mask {
        match &mut self.form {
            Form::List { guide, .. } => {
                let mut mask = guide.allowed(tokenizer.vocabulary(), self.skips_space);
                if guide.is_complete() && (!early || mask.is_empty()) {
                    tokenizer.end().into_iter().for_each(|end| mask.allow(end));
                }
                mask
            }
            Form::Parts(call) => call.mask(self.skips_space, tokenizer),
        }
    }

    /// Goes on by a token that may come; gives the calls that are whole now.
    pub(super) fn push(&mut self, token: u32, tokenizer: &Tokenizer) -> Vec<ToolCall> {
        let mut bytes = tokenizer.text(token);
        if std::mem::take(&mut self.skips_space) {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        match &mut self.form {
            Form::List { guide, list } => {
                guide.push(bytes);
                list.push(bytes, &mut self.ids)
            }
            Form::Parts(call) => {
                let (told, begins) = call.push(token, bytes, &mut self.ids, tokenizer);
                self.skips_space = begins && tokenizer.has_dummy_space();
                told.into_iter().collect()
            }
        }
    }

    /// What is whole once nothing follows.
    pub(super) fn finish(&mut self) -> Option<ToolCall> {
        match &mut self.form {
            Form::List { .. } => None,
            Form::Parts(call) => call.finish(),
        }
    }

    /// Whether nothing may come any more.
    pub(super) fn is_over(&self, tokenizer: &Tokenizer) -> bool {
        match &self.form {
            Form::List { guide, .. } => guide.is_over(),
            Form::Parts(call) => call.is_over(tokenizer),
        }
    }
}

/// One call after the other, each part by its own grammar.
#[derive(Debug)]
struct Call {
    parts: Arc<Parts>,
    part: Part,
    /// Calls that are whole.
    many: u32,
}

#[derive(Debug)]
enum Part {
    Name {
        guide: Guide,
        name: Vec<u8>,
    },
    /// What is left of an id that the model began, and the token after it.
    Id {
        left: VecDeque<u32>,
        made: Made,
    },
    Arguments {
        guide: Guide,
        text: Vec<u8>,
        made: Made,
    },
    /// A call is whole: another begins, or the answer ends.
    Whole,
}

/// What is known of a call before its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    tool: usize,
    id: String,
}

impl Call {
    fn new(parts: Arc<Parts>) -> Self {
        let part = Part::name(&parts);
        let many = 0;
        Self { parts, part, many }
    }

    fn mask(&mut self, skips_space: bool, tokenizer: &Tokenizer) -> Mask {
        let vocabulary = tokenizer.vocabulary();
        let none = || Mask::none(tokenizer.len());
        let (mut mask, is_whole) = match &mut self.part {
            Part::Name { guide, name } => {
                let mut mask = guide.allowed(vocabulary, skips_space);
                if self.parts.named(name).is_some() {
                    mask.allow(self.parts.marks.args);
                    self.parts
                        .marks
                        .id
                        .into_iter()
                        .for_each(|id| mask.allow(id));
                }
                (mask, false)
            }
            Part::Id { left, .. } => {
                let mut mask = none();
                left.front().into_iter().for_each(|next| mask.allow(*next));
                (mask, false)
            }
            Part::Arguments { guide, .. } => {
                let mask = guide.allowed(vocabulary, skips_space);
                (mask, guide.is_complete())
            }
            Part::Whole => (none(), true),
        };
        if is_whole {
            // However early: nobody wants a call that was made to fill an answer.
            tokenizer.end().into_iter().for_each(|end| mask.allow(end));
            if self.may_have_more(tokenizer) {
                mask.allow(self.parts.begin);
            }
        }
        mask
    }

    /// Gives a call that is whole now, and whether the next token begins a part.
    fn push(
        &mut self,
        token: u32,
        bytes: &[u8],
        ids: &mut Ids,
        tokenizer: &Tokenizer,
    ) -> (Option<ToolCall>, bool) {
        if token == self.parts.begin {
            let told = self.finish();
            self.part = Part::name(&self.parts);
            return (told, true);
        }
        match &mut self.part {
            Part::Name { guide, name } => {
                let Some(tool) = self.parts.named(name).filter(|_| self.parts.is_mark(token))
                else {
                    guide.push(bytes);
                    name.extend_from_slice(bytes);
                    return (None, false);
                };
                let made = Made {
                    tool,
                    id: ids.next(),
                };
                if token == self.parts.marks.args {
                    self.part = self.parts.arguments(made);
                    return (None, true);
                }
                let mut left = VecDeque::from(tokenizer.encode(&made.id));
                left.push_back(self.parts.marks.args);
                self.part = Part::Id { left, made };
                (None, false)
            }
            Part::Id { left, made } => {
                left.pop_front();
                if !left.is_empty() {
                    return (None, false);
                }
                self.part = self.parts.arguments(made.clone());
                (None, true)
            }
            Part::Arguments { guide, text, .. } => {
                guide.push(bytes);
                text.extend_from_slice(bytes);
                let is_over = guide.is_over();
                (is_over.then(|| self.finish()).flatten(), false)
            }
            Part::Whole => (None, false),
        }
    }

    /// The call whose arguments are written, if they are whole.
    fn finish(&mut self) -> Option<ToolCall> {
        match std::mem::replace(&mut self.part, Part::Whole) {
            Part::Arguments { guide, text, made } if guide.is_complete() => {
                self.many += 1;
                let text = String::from_utf8_lossy(&text);
                // As those of a list are told, without the spaces.
                let arguments = serde_json::from_str::<Json>(&text);
                Some(ToolCall {
                    id: made.id,
                    name: self.parts.tools[made.tool].0.clone(),
                    arguments: arguments
                        .map_or_else(|_| text.into_owned(), |json| json.to_string()),
                })
            }
            Part::Name { .. } | Part::Id { .. } | Part::Arguments { .. } | Part::Whole => None,
        }
    }

    /// Whether another call may follow this one.
    fn may_have_more(&self, tokenizer: &Tokenizer) -> bool {
        let this = u32::from(matches!(self.part, Part::Arguments { .. }));
        // Who cannot end would call for ever.
        !self.parts.single && self.many + this < CALLS_MAX && tokenizer.end().is_some()
    }

    fn is_over(&self, tokenizer: &Tokenizer) -> bool {
        matches!(self.part, Part::Whole) && !self.may_have_more(tokenizer)
    }
}

impl Part {
    fn name(parts: &Parts) -> Self {
        Part::Name {
            guide: Guide::new(Arc::clone(&parts.names)),
            name: Vec::new(),
        }
    }
}

impl Parts {
    fn named(&self, name: &[u8]) -> Option<usize> {
        self.tools
            .iter()
            .position(|(known, _)| known.as_bytes() == name)
    }

    fn is_mark(&self, token: u32) -> bool {
        token == self.marks.args || self.marks.id == Some(token)
    }

    fn arguments(&self, made: Made) -> Part {
        Part::Arguments {
            guide: Guide::new(Arc::clone(&self.tools[made.tool].1)),
            text: Vec::new(),
            made,
        }
    }
}

/// A list of objects, each told when it is whole.
#[derive(Debug, Default)]
struct List {
    bytes: Vec<u8>,
    /// Where the call begins that is written now.
    start: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl List {
    /// Adds bytes; gives the calls that are whole now.
    fn push(&mut self, bytes: &[u8], ids: &mut Ids) -> Vec<ToolCall> {
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
                        calls.extend(self.call(ids));
                    }
                }
                _ => {}
            }
        }
        calls
    }

    fn call(&self, ids: &mut Ids) -> Option<ToolCall> {
        let call: Json = serde_json::from_slice(&self.bytes[self.start..]).ok()?;
        let ours = ids.next();
        let own = call["id"].as_str().filter(|id| is_id(id));
        Some(ToolCall {
            id: own.map_or(ours, str::to_owned),
            name: call["name"].as_str()?.to_owned(),
            arguments: call["arguments"].to_string(),
        })
    }
}

fn is_id(id: &str) -> bool {
    id.len() == ID_LEN && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Ids that the model did not give.
#[derive(Debug)]
struct Ids {
    /// Of the conversation, so that ids of its calls differ.
    seed: u64,
    told: u64,
}

impl Ids {
    fn new(tokens: &[u32]) -> Self {
        let mix =
            |hash: u64, token: &u32| (hash ^ u64::from(*token)).wrapping_mul(0x0100_0000_01b3);
        Self {
            seed: tokens.iter().fold(0xcbf2_9ce4_8422_2325, mix),
            told: 0,
        }
    }

    fn next(&mut self) -> String {
        self.told += 1;
        id_of(self.seed ^ self.told.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}
