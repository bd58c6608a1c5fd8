//! The tool calls of an answer: which piece belongs to which call, and their client's names.
//!
//! Mistral sends calls whole, several in one delta, often all with index 0 and sometimes with the
//! id `"null"`. A piece goes on with an earlier call only if nothing says that it is another.

use super::wire::{ToolCall, arguments};
use crate::block::ToolForm;
use crate::event::Sink;
use crate::exchange::Asked;
use crate::fault::Fault;
use crate::sequence::{Sequencer, ToolPiece};
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    seen: Vec<Seen>,
    /// Counts deltas: two calls in one delta are two calls.
    delta: u64,
}

#[derive(Debug)]
struct Seen {
    index: u64,
    delta: u64,
    id: String,
    name: String,
    /// Of a custom tool: its arguments until they are whole.
    custom: Option<String>,
}

/// The one-string function that stands for a custom tool.
#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    input: Cow<'a, str>,
}

impl ToolCalls {
    /// Takes the calls of one message or delta.
    pub(super) fn push(
        &mut self,
        calls: &[ToolCall<'_>],
        asked: &Asked,
        sequence: &mut Sequencer,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        self.delta += 1;
        for call in calls {
            self.push_one(call, asked, sequence, sink)?;
        }
        Ok(())
    }

    fn push_one(
        &mut self,
        call: &ToolCall<'_>,
        asked: &Asked,
        sequence: &mut Sequencer,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let function = call.function.as_ref();
        let name = function.and_then(|f| f.name.as_ref()).map(|n| n.0.as_ref());
        let more = arguments(function.and_then(|f| f.arguments));
        let id = call.id.as_ref().map(|id| id.0.as_ref());
        let id = id.filter(|id| !id.is_empty() && *id != "null");
        let at = self.place(
            super::usage::count(call.index),
            id,
            name.unwrap_or_default(),
        );
        let key = at as u64;
        let seen = &mut self.seen[at];
        if asked.custom.contains(&seen.name) {
            let text = seen.custom.get_or_insert_default();
            text.push_str(&more);
            if serde_json::from_str::<Input<'_>>(text).is_ok() {
                return emit_custom(key, seen, asked, sequence, sink);
            }
            return Ok(());
        }
        let (namespace, name) = asked.tool(name.unwrap_or_default());
        let piece = ToolPiece {
            id: id.map(|id| client_id(asked, id)),
            name: Some(name),
            namespace,
            form: ToolForm::Function,
            arguments: &more,
        };
        sequence.tool(key, piece, sink)
    }

    /// The place of the call that a piece belongs to.
    fn place(&mut self, index: u64, id: Option<&str>, name: &str) -> usize {
        let delta = self.delta;
        let goes_on = |seen: &Seen| match id {
            Some(id) => seen.id == id,
            None => seen.delta != delta && (name.is_empty() || seen.name == name),
        };
        let last = self.seen.iter().rposition(|seen| seen.index == index);
        if let Some(at) = last.filter(|at| goes_on(&self.seen[*at])) {
            self.seen[at].delta = delta;
            return at;
        }
        self.seen.push(Seen {
            index,
            delta,
            id: id.unwrap_or_default().to_owned(),
            name: name.to_owned(),
            custom: None,
        });
        self.seen.len() - 1
    }

    /// The answer is over: custom calls whose arguments never became what was asked for go out
    /// as they are.
    pub(super) fn finish(
        &mut self,
        asked: &Asked,
        sequence: &mut Sequencer,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        for (key, seen) in (0_u64..).zip(&mut self.seen) {
            if seen.custom.is_some() {
                emit_custom(key, seen, asked, sequence, sink)?;
            }
        }
        Ok(())
    }
}

fn emit_custom(
    key: u64,
    seen: &mut Seen,
    asked: &Asked,
    sequence: &mut Sequencer,
    sink: &mut dyn Sink,
) -> Result<(), Fault> {
    let text = seen.custom.take().unwrap_or_default();
    let input = serde_json::from_str(&text).map(|Input { input }| input);
    let (namespace, name) = asked.tool(&seen.name);
    let piece = ToolPiece {
        id: Some(client_id(asked, &seen.id)),
        name: Some(name),
        namespace,
        form: ToolForm::Custom,
        arguments: input.as_deref().unwrap_or(&text),
    };
    sequence.tool(key, piece, sink)?;
    sequence.tool_done(key, sink);
    Ok(())
}

fn client_id<'t>(asked: &'t Asked, sent: &'t str) -> &'t str {
    let ours = asked.ids.iter().find(|(id, _)| id == sent);
    ours.map_or(sent, |(_, client)| client)
}
