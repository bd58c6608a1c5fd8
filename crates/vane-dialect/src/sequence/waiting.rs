//! Pieces that wait behind an unfinished tool call, in order; parts of one block are joined.

use super::{Slot, ToolPiece};
use crate::block::{State, ToolForm};
use crate::dialect::Dialect;
use crate::json::Raw;
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) enum Piece {
    Text(Slot, String),
    State(State),
    Opaque {
        dialect: Dialect,
        kind: String,
        raw: Raw,
    },
    Tool {
        key: u64,
        tool: WaitingTool,
    },
}

/// A [`ToolPiece`] that owns its text.
#[derive(Debug, Default)]
pub(super) struct WaitingTool {
    id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    form: ToolForm,
    arguments: String,
}

impl Piece {
    pub(super) fn tool(key: u64, piece: ToolPiece<'_>) -> Self {
        let mut tool = WaitingTool {
            form: piece.form,
            ..WaitingTool::default()
        };
        tool.merge(piece);
        Self::Tool { key, tool }
    }
}

impl WaitingTool {
    fn merge(&mut self, piece: ToolPiece<'_>) {
        let keep = |old: &mut Option<String>, new: Option<&str>| {
            if old.is_none() {
                *old = new.filter(|text| !text.is_empty()).map(str::to_owned);
            }
        };
        keep(&mut self.id, piece.id);
        keep(&mut self.name, piece.name);
        keep(&mut self.namespace, piece.namespace);
        self.arguments.push_str(piece.arguments);
    }

    pub(super) fn piece(&self) -> ToolPiece<'_> {
        ToolPiece {
            id: self.id.as_deref(),
            name: self.name.as_deref(),
            namespace: self.namespace.as_deref(),
            form: self.form,
            arguments: &self.arguments,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Waiting {
    pieces: VecDeque<Piece>,
    bytes: usize,
}

impl Waiting {
    /// Adds a piece, joining it to what already waits of the same block.
    pub(super) fn push(&mut self, piece: Piece) {
        match piece {
            Piece::Text(slot, text) => {
                self.bytes += text.len();
                match self.pieces.back_mut() {
                    Some(Piece::Text(last, joined)) if *last == slot => joined.push_str(&text),
                    _ => self.pieces.push_back(Piece::Text(slot, text)),
                }
            }
            Piece::Tool { key, tool } => {
                self.bytes += tool.arguments.len();
                match self.tool_mut(key) {
                    Some(waiting) => waiting.merge(tool.piece()),
                    None => self.pieces.push_back(Piece::Tool { key, tool }),
                }
            }
            Piece::Opaque { ref raw, .. } => {
                self.bytes += raw.get().len();
                self.pieces.push_back(piece);
            }
            Piece::State(ref state) => {
                self.bytes += state.data.len();
                self.pieces.push_back(piece);
            }
        }
    }

    /// The next piece that can go on: a nameless tool call cannot, and holds nothing else back.
    pub(super) fn pop(&mut self) -> Option<Piece> {
        let at = self.pieces.iter().position(|piece| match piece {
            Piece::Tool { tool, .. } => tool.name.is_some(),
            Piece::Text(..) | Piece::State(_) | Piece::Opaque { .. } => true,
        })?;
        self.pieces.remove(at)
    }

    pub(super) fn has_tool(&self, key: u64) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Tool { key: k, .. } if *k == key))
    }

    pub(super) fn has_tools(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Tool { .. }))
    }

    /// The key of a tool call that still has no name.
    pub(super) fn nameless(&self) -> Option<u64> {
        self.pieces.iter().find_map(|piece| match piece {
            Piece::Tool { key, tool } if tool.name.is_none() => Some(*key),
            _ => None,
        })
    }

    /// How many bytes were ever made to wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn tool_mut(&mut self, key: u64) -> Option<&mut WaitingTool> {
        self.pieces.iter_mut().find_map(|piece| match piece {
            Piece::Tool { key: k, tool } if *k == key => Some(tool),
            _ => None,
        })
    }
}
