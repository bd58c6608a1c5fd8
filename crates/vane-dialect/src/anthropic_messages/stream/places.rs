//! Indexes of blocks, where an upstream gives one twice.
//!
//! Ollama begins what a model thinks in the place of a text that it has not ended. SDKs keep blocks
//! by their place, so that the text is lost; from there on blocks are counted here.

use crate::anthropic_messages::response;
use crate::exchange::{Amend, Seen};
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Places {
    /// The block that is open, by the upstream's count.
    open: Option<u64>,
    /// How many more blocks there are than the upstream counts.
    more: u64,
}

impl Places {
    /// Whether blocks stand where the upstream says.
    pub(super) const fn are_told(&self) -> bool {
        self.more == 0
    }

    /// A block begins.
    pub(super) fn begin(&mut self, index: u64, said: Option<&RawValue>, data: &[u8]) -> Seen {
        let mut before = String::new();
        if self.open.replace(index) == Some(index) {
            let place = index + self.more;
            before = format!(
                "event: content_block_stop\n\
                 data: {{\"type\":\"content_block_stop\",\"index\":{place}}}\n\n"
            );
            self.more += 1;
        }
        Seen {
            before,
            ..self.within(index, said, data)
        }
    }

    pub(super) fn end(&mut self, index: u64, said: Option<&RawValue>, data: &[u8]) -> Seen {
        self.open = None;
        self.within(index, said, data)
    }

    /// A frame of the block, with the place that it has.
    pub(super) fn within(&self, index: u64, said: Option<&RawValue>, data: &[u8]) -> Seen {
        let said = said.filter(|_| !self.are_told());
        let range = said.and_then(|raw| response::place(data, raw));
        let amend = range.map(|range| Amend {
            range,
            text: (index + self.more).to_string(),
        });
        Seen {
            amends: amend.into_iter().collect(),
            ..Seen::default()
        }
    }
}
