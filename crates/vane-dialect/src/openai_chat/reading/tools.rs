//! Tool calls of an answer: which piece belongs to which call, and what the request changed.

use super::amend::Number;
use super::{Form, Reading};
use crate::block::ToolForm;
use crate::event::Sink;
use crate::fault::Fault;
use crate::ids;
use crate::openai_chat::signatures;
use crate::openai_chat::wire::{ToolCall, member};
use crate::sequence::{Completeness, ToolPiece};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A tool call as the upstream counts it; its place in the list is its key.
#[derive(Debug, Default)]
pub(super) struct Tool {
    index: Option<u64>,
    id: String,
    /// What of its arguments was seen.
    seen: Completeness,
    /// The arguments so far, as far as they are kept to know a repeat of them by.
    said: String,
    /// Its signature was handed out.
    signed: bool,
    /// A custom tool that was sent as a function: its name and its arguments so far. It waits to
    /// be whole, because its input is inside.
    wrapped: Option<(String, String)>,
}

/// Arguments longer than this are not kept.
const SAID_BYTES_MAX: usize = 1 << 20;

impl Tool {
    /// Whether the piece says nothing new: some end a call by saying its arguments once more in
    /// full, spaced and escaped as their own JSON library does it.
    fn is_repeat(&self, piece: &str) -> bool {
        type Arguments = serde_json::Map<String, Value>;
        if piece.is_empty() || !self.seen.is_whole() {
            return false;
        }
        let read = |text: &str| serde_json::from_str::<Arguments>(text).ok();
        piece.trim().is_empty() || read(piece).is_some_and(|again| read(&self.said) == Some(again))
    }

    /// Takes a piece of its arguments; whether it makes them whole.
    fn feed(&mut self, piece: &str) -> bool {
        let was_whole = self.seen.is_whole();
        self.seen.feed(piece);
        if self.said.len() + piece.len() <= SAID_BYTES_MAX {
            self.said.push_str(piece);
        }
        !was_whole && self.seen.is_whole()
    }
}

/// The arguments of a custom tool that was sent as a function.
#[derive(Debug, Deserialize)]
struct Wrapped {
    input: String,
}

impl Reading {
    /// Takes a piece of a call; tells what a client must be told of its number. `bare` counts the
    /// pieces from this one on that say nothing of whose they are.
    pub(super) fn tool(
        &mut self,
        call: &ToolCall<'_>,
        bare: usize,
        sink: &mut dyn Sink,
    ) -> Result<Number, Fault> {
        let (form, function) = match (&call.custom, &call.function) {
            (Some(custom), _) => (ToolForm::Custom, Some(custom)),
            (None, function) => (ToolForm::Function, function.as_ref()),
        };
        let name = function.and_then(|function| member(function.name));
        let name = name.filter(|name| !name.is_empty());
        let id = member(call.id).filter(|id| !id.is_empty() && id != "null");
        let raw = function.and_then(|function| function.arguments);
        // An object instead of text: its own bytes are the text.
        let arguments = raw.map_or(Cow::Borrowed(""), |raw| {
            member(Some(raw)).unwrap_or(Cow::Borrowed(raw.get()))
        });
        let is_blank = name.is_none() && id.is_none() && arguments.is_empty();
        // Some send an empty call beside every piece of text.
        if is_blank && (self.form == Form::Whole || self.tools.is_empty()) {
            return Ok(Number::Told);
        }
        let more = form == ToolForm::Function && !arguments.is_empty();
        let key = if call.is_bare() && self.form == Form::Chunks {
            self.bare_key(bare)
        } else {
            self.key(call.index, id.as_deref(), name.as_deref(), more)
        };
        let number = match call.index {
            None => Number::Missing(key),
            Some(index) if usize::try_from(index) == Ok(key) => Number::Told,
            Some(_) => Number::Other(key),
        };
        self.end_words(sink)?;
        self.keep_signature(sink)?;
        self.sign(key, call.extra_content, sink)?;
        let Some(tool) = self.tools.get_mut(key) else {
            return Ok(number);
        };
        let arguments = match form {
            ToolForm::Function if tool.is_repeat(&arguments) => Cow::Borrowed(""),
            ToolForm::Function | ToolForm::Custom => arguments,
        };
        let is_whole = tool.feed(&arguments);
        let sent = name.as_deref();
        let is_wrapped = sent.is_some_and(|sent| self.asked.custom.iter().any(|name| name == sent));
        if is_wrapped && tool.wrapped.is_none() {
            tool.wrapped = Some((sent.unwrap_or_default().to_owned(), String::new()));
        }
        if let Some((_, wrapped)) = &mut tool.wrapped {
            wrapped.push_str(&arguments);
            // To read it at every piece takes a time that grows with its square.
            if is_whole {
                self.unwrap(key, false, sink)?;
            }
            return Ok(number);
        }
        let (namespace, name) = sent.map(|sent| self.asked.tool(sent)).unzip();
        let piece = ToolPiece {
            id: id.as_deref().map(|id| ids::original(&self.asked.ids, id)),
            name,
            namespace: namespace.flatten(),
            form,
            arguments: &arguments,
        };
        let key = u64::try_from(key).unwrap_or(u64::MAX);
        self.sequencer.tool(key, piece, sink)?;
        Ok(number)
    }

    /// Hands out the signature of the call at `key`, once and before the call where it can.
    fn sign(
        &mut self,
        key: usize,
        extra_content: Option<&RawValue>,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let state = extra_content.and_then(|raw| signatures::state(Some(key), raw.into()));
        match (self.tools.get_mut(key), state) {
            (Some(tool), Some(state)) if !tool.signed => {
                tool.signed = true;
                self.sequencer.reasoning_state(state, sink)
            }
            _ => Ok(()),
        }
    }

    /// Which call a piece belongs to. Indices may be missing, or 0 for every parallel call; ids
    /// may be missing, or repeated on every piece. A name with `more` arguments after whole ones
    /// is another call.
    fn key(
        &mut self,
        index: Option<u64>,
        id: Option<&str>,
        name: Option<&str>,
        more: bool,
    ) -> usize {
        let same_id = |tool: &Tool| match id {
            Some(id) => tool.id.is_empty() || tool.id == id,
            None => !(more && tool.seen.is_whole()),
        };
        let known = match (index, id) {
            // Not a piece: each entry of a whole answer is a call, whatever it shares with others.
            _ if self.form == Form::Whole => None,
            (Some(_), _) => self
                .tools
                .iter()
                .rposition(|tool| tool.index == index && (same_id(tool) || name.is_none())),
            (None, Some(id)) => self.tools.iter().rposition(|tool| tool.id == id),
            (None, None) => None,
        };
        let key = known.unwrap_or(self.tools.len());
        if known.is_none() {
            self.tools.push(Tool {
                index,
                ..Tool::default()
            });
        }
        if let (Some(tool), Some(id)) = (self.tools.get_mut(key), id)
            && tool.id.is_empty()
        {
            id.clone_into(&mut tool.id);
        }
        key
    }

    /// Which call a piece belongs to that says nothing of it: the last, or where `bare` such
    /// pieces come together one of the last so many, in their order.
    fn bare_key(&mut self, bare: usize) -> usize {
        if self.tools.is_empty() {
            self.tools.push(Tool::default());
        }
        let calls = self.tools.len();
        calls - bare.clamp(1, calls)
    }

    /// Gives out the input of the custom tool at `key` if its wrapping is whole, or `anyway`.
    pub(super) fn unwrap(
        &mut self,
        key: usize,
        anyway: bool,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let Some(tool) = self.tools.get_mut(key) else {
            return Ok(());
        };
        let Some((name, wrapped)) = tool.wrapped.take() else {
            return Ok(());
        };
        let whole = serde_json::from_str::<Wrapped>(&wrapped);
        if whole.is_err() && !anyway {
            tool.wrapped = Some((name, wrapped));
            return Ok(());
        }
        let (namespace, name) = self.asked.tool(&name);
        let piece = ToolPiece {
            id: Some(ids::original(&self.asked.ids, &tool.id)),
            name: Some(name),
            namespace,
            form: ToolForm::Custom,
            arguments: &whole.map_or(wrapped, |whole| whole.input),
        };
        let key = u64::try_from(key).unwrap_or(u64::MAX);
        self.sequencer.tool(key, piece, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::Tool;

    #[test]
    fn a_custom_tools_wrapping_is_parsed_once_it_is_whole() {
        let wrapping = r#"{"input": "a {\"b\"} [c"}"#;
        let mut tool = Tool::default();
        let pieces = wrapping.split_inclusive(|_| true).chain([" ", "\n"]);
        let tries: Vec<&str> = pieces.filter(|piece| tool.feed(piece)).collect();
        assert_eq!(tries, ["}"]);
        assert_eq!(tool.said.trim(), wrapping);
    }
}
