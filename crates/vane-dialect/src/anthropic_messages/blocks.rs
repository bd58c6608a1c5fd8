//! Content blocks of an answer -> events.
//!
//! A streamed block begins, grows and ends; a block of a whole answer begins complete and ends.
//! Both go this way, so that they cannot differ. Blocks are counted here, not by the upstream's
//! index, which some upstreams give twice.

mod growing;

pub(super) use growing::Growth;

use super::wire::unwrapped;
use crate::block::ToolForm;
use crate::cite::Citation;
use crate::dialect::Dialect;
use crate::event::Sink;
use crate::exchange::Asked;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str};
use crate::sequence::{Sequencer, ToolPiece};
use growing::{Growing, Named, Said, completed, is_empty, native, text};
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Blocks {
    asked: Asked,
    pub(super) sequencer: Sequencer,
    /// The blocks that began and did not end, by the upstream's index.
    open: Vec<(u64, Growing)>,
    tools: u64,
    has_begun: bool,
    by_code: bool,
}

impl Blocks {
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            asked,
            ..Self::default()
        }
    }

    /// Whether the answer has any block.
    pub(super) const fn have_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether code that runs at the provider has called a tool.
    pub(super) const fn are_called_by_code(&self) -> bool {
        self.by_code
    }

    pub(super) fn begin(
        &mut self,
        index: u64,
        raw: &RawValue,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        self.end(index, sink)?;
        self.has_begun = true;
        let Ok(begun) = serde_json::from_str::<Said<'_>>(raw.get()) else {
            return self.begin_opaque(index, raw);
        };
        let growing = match text(begun.kind.as_ref()) {
            "text" => {
                self.sequencer.boundary(sink);
                self.sequencer.text(text(begun.text.as_ref()), sink)?;
                for citation in begun.citations() {
                    self.sequencer.cite(citation, sink);
                }
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
        self.by_code |= begun.is_by_code();
        let sent = text(begun.name.as_ref());
        let (namespace, name) = self.asked.tool(sent);
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
            content: String::new(),
        };
        self.open.push((index, opaque));
        Ok(())
    }

    /// Grows the block at `index`; returns the one text that came, if nothing else did.
    pub(super) fn grow<'a>(
        &mut self,
        index: u64,
        raw: &'a RawValue,
        sink: &mut dyn Sink,
    ) -> Result<Option<(Growth, Str<'a>)>, Fault> {
        let Ok(more) = serde_json::from_str::<Said<'a>>(raw.get()) else {
            return Err(Fault::protocol(
                "the upstream sent a delta of no known form",
            ));
        };
        let growing = self.open.iter_mut().find(|(open, _)| *open == index);
        match growing.map(|(_, growing)| growing) {
            Some(Growing::Thinking { signature }) => {
                signature.push_str(text(more.signature.as_ref()))
            }
            Some(Growing::Opaque { content, .. }) => {
                content.push_str(text(more.content().as_ref()));
            }
            Some(Growing::Text | Growing::Tool { .. } | Growing::Custom { .. }) | None => {}
        }
        let more_comes = more.signature.is_some() || more.has_content() || more.citation.is_some();
        let grown = [
            (Growth::Text, more.text),
            (Growth::Thinking, more.thinking),
            (Growth::Input, more.partial_json),
        ];
        let mut last = None;
        let mut pieces = 0;
        for (by, text) in grown {
            let Some(text) = text else { continue };
            self.grow_by(index, by, &text.0, sink)?;
            last = Some((by, text));
            pieces += 1;
        }
        if let Some(citation) = more.citation.and_then(Citation::read) {
            self.sequencer.cite(citation, sink);
        }
        Ok(last.filter(|_| pieces == 1 && !more_comes))
    }

    pub(super) fn grow_by(
        &mut self,
        index: u64,
        by: Growth,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        match by {
            Growth::Text => self.sequencer.text(text, sink),
            Growth::Thinking => self.sequencer.reasoning(text, sink),
            Growth::Input => self.grow_input(index, text, sink),
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
            Growing::Opaque {
                kind,
                raw,
                input,
                content,
            } => {
                let raw = completed(raw, &input, &content);
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
