//! Content blocks of an answer -> events.
//!
//! A streamed block begins, grows and ends; a block of a whole answer begins complete and ends.
//! Both go this way, so that they cannot differ. Blocks are counted here, not by the upstream's
//! index, which some upstreams give twice.

mod growing;

use super::wire::unwrapped;
use crate::block::ToolForm;
use crate::dialect::Dialect;
use crate::event::Sink;
use crate::exchange::Asked;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str};
use crate::sequence::{Sequencer, ToolPiece};
use growing::{Growing, Named, Said, is_empty, native, text, with_input};
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Blocks {
    asked: Asked,
    pub(super) sequencer: Sequencer,
    /// The blocks that began and did not end, by the upstream's index.
    open: Vec<(u64, Growing)>,
    tools: u64,
}

impl Blocks {
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    pub(super) fn begin(
        &mut self,
        index: u64,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        self.end(index, sink)?;
        let Ok(begun) = serde_json::from_str::<Said<'_>>(raw.get()) else {
            return self.begin_opaque(index, raw);
        };
        let growing = match text(begun.kind.as_ref()) {
            "text" => {
                self.sequencer.boundary(sink);
                self.sequencer.text(text(begun.text.as_ref()), sink)?;
                Growing::Text
            }
            "thinking" => {
                self.sequencer.boundary(sink);
                let thought = text(begun.thinking.as_ref());
                self.sequencer.reasoning(thought, sink)?;
                let signature = text(begun.signature.as_ref()).to_owned();
                Growing::Thinking { signature }
            }
            "redacted_thinking" => {
                self.sequencer.boundary(sink);
                let state = native(text(begun.data.as_ref()), true);
                self.sequencer.reasoning_state(state, sink)?;
                Growing::Text
            }
            "tool_use" => self.begin_tool(&begun, sink)?,
            _ => return self.begin_opaque(index, raw),
        };
        self.open.push((index, growing));
        Ok(())
    }

    fn begin_tool(&mut self, begun: &Said<'_>, sink: &mut dyn Sink) -> Result<Growing, Fault> {
        let key = self.tools;
        self.tools += 1;
        let sent = text(begun.name.as_ref());
        let renamed = self.asked.namespaced.iter();
        let (namespace, name) = renamed
            .filter(|(flat, ..)| flat == sent)
            .map(|(_, namespace, name)| (namespace.as_str(), name.as_str()))
            .next()
            .unwrap_or(("", sent));
        let namespace = (!namespace.is_empty()).then_some(namespace);
        let whole = begun.input.map_or("", RawValue::get);
        let id = text(begun.id.as_ref());
        if self.asked.custom.iter().any(|custom| custom == sent) {
            let tool = Named {
                id: id.to_owned(),
                name: name.to_owned(),
                namespace: namespace.map(str::to_owned),
            };
            let input = if is_empty(whole) { "" } else { whole };
            return Ok(Growing::Custom {
                key,
                tool,
                input: input.to_owned(),
            });
        }
        let piece = ToolPiece {
            id: Some(id),
            name: Some(name),
            namespace,
            form: ToolForm::Function,
            arguments: "",
        };
        self.sequencer.tool(key, piece, sink)?;
        Ok(Growing::Tool {
            key,
            whole: whole.to_owned(),
            grew: false,
        })
    }

    /// A block of a type that only this dialect knows; it is passed on when it is whole.
    fn begin_opaque(&mut self, index: u64, raw: &RawValue) -> Result<(), Fault> {
        let kind = Object::read(raw, &Path::Root)
            .and_then(|mut object| object.need::<String>("type", &Path::Root))
            .map_err(|_| Fault::protocol("the upstream began a block without a type"))?;
        let opaque = Growing::Opaque {
            kind,
            raw: Raw::from(raw),
            input: String::new(),
        };
        self.open.push((index, opaque));
        Ok(())
    }

    pub(super) fn grow(
        &mut self,
        index: u64,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        let Ok(more) = serde_json::from_str::<Said<'_>>(raw.get()) else {
            return Err(Fault::protocol(
                "the upstream sent a delta of no known form",
            ));
        };
        let growing = self.open.iter_mut().find(|(open, _)| *open == index);
        let growing = growing.map(|(_, growing)| growing);
        if let (Some(Growing::Thinking { signature }), Some(Str(more))) = (growing, &more.signature)
        {
            signature.push_str(more);
        }
        self.sequencer.text(text(more.text.as_ref()), sink)?;
        let thought = text(more.thinking.as_ref());
        self.sequencer.reasoning(thought, sink)?;
        match &more.partial_json {
            Some(Str(json)) => self.grow_input(index, json, sink),
            None => Ok(()),
        }
    }

    fn grow_input(&mut self, index: u64, json: &str, sink: &mut dyn Sink) -> Result<(), Fault> {
        let growing = self.open.iter_mut().find(|(open, _)| *open == index);
        match growing.map(|(_, growing)| growing) {
            Some(Growing::Tool { key, grew, .. }) => {
                *grew |= !json.is_empty();
                let piece = ToolPiece {
                    arguments: json,
                    ..ToolPiece::default()
                };
                self.sequencer.tool(*key, piece, sink)
            }
            Some(Growing::Custom { input, .. } | Growing::Opaque { input, .. }) => {
                input.push_str(json);
                Ok(())
            }
            Some(Growing::Text | Growing::Thinking { .. }) | None if json.is_empty() => Ok(()),
            Some(Growing::Text | Growing::Thinking { .. }) | None => Err(Fault::protocol(format!(
                "the upstream sent tool input for block {index}, which is no tool call"
            ))),
        }
    }

    /// The block at `index`, if one is open, is whole.
    pub(super) fn end(&mut self, index: u64, sink: &mut dyn Sink) -> Result<(), Fault> {
        let Some(at) = self.open.iter().position(|(open, _)| *open == index) else {
            return Ok(());
        };
        let (_, growing) = self.open.remove(at);
        match growing {
            Growing::Text => self.sequencer.boundary(sink),
            Growing::Thinking { signature } => {
                if !signature.is_empty() {
                    let state = native(&signature, false);
                    self.sequencer.reasoning_state(state, sink)?;
                }
                self.sequencer.boundary(sink);
            }
            Growing::Tool { key, whole, grew } => {
                if !grew && !is_empty(&whole) {
                    let piece = ToolPiece {
                        arguments: &whole,
                        ..ToolPiece::default()
                    };
                    self.sequencer.tool(key, piece, sink)?;
                }
                self.sequencer.tool_done(key, sink);
            }
            Growing::Custom { key, tool, input } => {
                let piece = ToolPiece {
                    id: Some(&tool.id),
                    name: Some(&tool.name),
                    namespace: tool.namespace.as_deref(),
                    form: ToolForm::Custom,
                    arguments: &unwrapped(&input),
                };
                self.sequencer.tool(key, piece, sink)?;
                self.sequencer.tool_done(key, sink);
            }
            Growing::Opaque { kind, raw, input } => {
                let raw = with_input(raw, &input);
                let dialect = Dialect::AnthropicMessages;
                self.sequencer.opaque(dialect, &kind, raw, sink)?;
            }
        }
        Ok(())
    }

    /// Ends what the upstream left open.
    pub(super) fn end_all(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        while let Some(&(index, _)) = self.open.first() {
            self.end(index, sink)?;
        }
        Ok(())
    }
}
