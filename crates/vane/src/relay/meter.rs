//! The meter: hears every event of an answer, on the byte path and on the translated one.

use super::reported;
use vane_catalog::Money;
use vane_dialect::event::Opening;
use vane_dialect::quirk::{Quirk, Quirks};
use vane_dialect::usage::{SearchContext, Served, Units};
use vane_dialect::{Event, Sink, Stop, Usage, hosted};

#[derive(Debug, Default)]
pub struct Meter {
    /// The counts so far, as the provider reports them.
    pub usage: Option<Usage>,
    /// What the provider says that it cost.
    pub reported: Option<Money>,
    pub stop: Option<Stop>,
    /// Something that the client sees has come.
    pub content: bool,
    /// Bytes of text, reasoning and arguments: the base of an estimate where nothing is reported.
    pub output_bytes: u64,
    /// Uses of hosted tools that were seen.
    pub used: Units,
}

impl Sink for Meter {
    fn event(&mut self, event: Event<'_>) {
        self.hear(&event);
    }
}

impl Meter {
    pub fn hear(&mut self, event: &Event<'_>) {
        self.content |= event.is_content();
        match event {
            Event::Delta { text, .. } => self.output_bytes += text.len() as u64,
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Finish(stop) => self.stop = Some(stop.clone()),
            Event::Open {
                opening: Opening::Opaque { dialect, kind, raw },
                ..
            } => {
                if let Some(unit) = hosted::used(*dialect, kind, raw.get()) {
                    self.used.add(unit, 1);
                }
            }
            Event::Start { .. }
            | Event::Open { .. }
            | Event::State { .. }
            | Event::Cite { .. }
            | Event::Close { .. } => {}
        }
    }

    /// Reads what the provider says that it cost, where the offer's does, off its usage object.
    pub fn read_reported(&mut self, quirks: Quirks, usage: Option<&[u8]>) {
        if let (true, Some(usage)) = (quirks.has(Quirk::CostReported), usage) {
            self.reported = reported::cost(usage);
        }
    }

    /// The provider's counts, or an estimate where it gave none. A cut answer's last counts may
    /// lack uses that were seen.
    #[must_use]
    pub fn usage_or_estimate(&self, input_bytes: usize, asked: SearchContext) -> (Usage, Counted) {
        match self.usage {
            Some(usage) if self.stop.is_some() => (usage, Counted::Reported),
            Some(usage) => {
                let units = usage.units.or_more(self.used);
                (Usage { units, ..usage }, Counted::Reported)
            }
            None => {
                let usage = Usage {
                    input_uncached: (input_bytes as u64).div_ceil(BYTES_PER_TOKEN),
                    output: self.output_bytes.div_ceil(BYTES_PER_TOKEN),
                    units: self.used,
                    served: Served {
                        search_context: asked,
                        ..Served::default()
                    },
                    ..Usage::default()
                };
                (usage, Counted::Estimated)
            }
        }
    }
}

/// What an estimate reckons with: common tokenizers make about this of prose and code.
const BYTES_PER_TOKEN: u64 = 4;

/// Where the counts of a receipt come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Reported,
    /// Four bytes to a token.
    Estimated,
}

impl Counted {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "bytes/4",
        }
    }
}
