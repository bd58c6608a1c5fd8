//! The meter: hears every event of an answer, on the byte path and on the translated one.

use super::reported;
use vane_catalog::Money;
use vane_dialect::event::Opening;
use vane_dialect::quirk::{Quirk, Quirks};
use vane_dialect::usage::{SearchContext, Served, Tier, Units};
use vane_dialect::{Event, Sink, Stop, Usage, hosted};

#[derive(Debug, Default)]
pub struct Meter {
    /// The counts so far, as the provider reports them.
    pub usage: Option<Usage>,
    /// Of the output bytes, those that had come when the counts did.
    counted_bytes: u64,
    /// What the provider says that it cost.
    pub reported: Option<Money>,
    pub stop: Option<Stop>,
    /// The counts came with the stop, though the last frame is still to come.
    pub is_counted: bool,
    /// Something that the client sees has come.
    pub content: bool,
    /// Bytes of text, reasoning and arguments: the base of an estimate where nothing is reported.
    pub output_bytes: u64,
    /// Uses of hosted tools that were seen.
    pub used: Units,
    /// The block that is open.
    pub open: Option<u32>,
    /// Tokens that may be billed beyond one for each byte of the output: names, and what frames
    /// blocks.
    unseen: u64,
    /// How the upstream named its answer, where somebody wants to know.
    pub begun: Option<Begun>,
}

/// What an answer says of itself as it begins.
#[derive(Debug, Default)]
pub struct Begun {
    pub id: String,
    pub model: String,
    pub created: u64,
}

/// Tokens that begin and end a block; those of known templates are fewer.
const FRAMING_TOKENS: u64 = 32;

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
            Event::Usage(usage) => {
                self.usage = Some(*usage);
                self.counted_bytes = self.output_bytes;
                let beyond = usage.output.saturating_sub(self.output_bytes);
                self.unseen = self.unseen.max(beyond);
            }
            Event::Finish(stop) => self.stop = Some(stop.clone()),
            Event::Open { index, opening } => {
                self.open = Some(*index);
                self.opened(opening);
            }
            Event::Close { .. } => self.open = None,
            Event::Start { id, model, created } => {
                if let Some(begun) = &mut self.begun {
                    *begun = Begun {
                        id: id.to_string(),
                        model: model.to_string(),
                        created: *created,
                    };
                }
            }
            Event::State { .. } | Event::Cite { .. } => {}
        }
    }

    fn opened(&mut self, opening: &Opening<'_>) {
        let bytes = match opening {
            Opening::Text | Opening::Refusal | Opening::Reasoning => 0,
            Opening::ToolUse { name, .. } => name.len(),
            Opening::Opaque { dialect, kind, raw } => {
                if let Some(unit) = hosted::used(*dialect, kind, raw.get()) {
                    self.used.add(unit, 1);
                }
                raw.get().len()
            }
        };
        self.unseen += FRAMING_TOKENS + bytes as u64;
    }

    /// The most tokens that can have been written so far, if all that is written is shown: no
    /// token is less than a byte.
    #[must_use]
    pub const fn tokens_at_most(&self) -> u64 {
        self.output_bytes.saturating_add(self.unseen)
    }

    /// Reads what the provider says that it cost, where the offer's does, off its usage object.
    pub fn read_reported(&mut self, quirks: Quirks, usage: Option<&[u8]>) {
        if let (true, Some(usage)) = (quirks.has(Quirk::CostReported), usage) {
            self.reported = reported::cost(usage);
        }
    }

    /// The provider's counts, or an estimate where it gave none; no count is above what the call
    /// allows. A cut answer's last counts lack what came after them, and a count of nothing where
    /// something came is none: several servers begin or end a stream with zeros.
    #[must_use]
    pub fn counts(&self, basis: &Basis) -> Counts {
        let (usage, counted) = match self.usage {
            Some(usage) if self.stop.is_some() || self.is_counted => (usage, Counted::Reported),
            Some(usage) => self.cut(usage, basis),
            None => (self.estimate(basis), Counted::Estimated),
        };
        let (usage, counted) = self.not_nothing(usage, counted, basis);
        let possible = at_most(usage, basis.quantity_max);
        Counts {
            usage: possible,
            counted,
            clamped: possible != usage,
        }
    }

    /// Counts that came in the middle, or at the beginning: what came since is estimated.
    fn cut(&self, usage: Usage, basis: &Basis) -> (Usage, Counted) {
        let since = self.output_bytes.saturating_sub(self.counted_bytes);
        let since = since.div_ceil(BYTES_PER_TOKEN);
        let output = match self.counted_bytes {
            0 => usage.output.max(since.min(basis.output_max)),
            _ => {
                let output = usage.output.saturating_add(since);
                usage.output.max(output.min(basis.output_max))
            }
        };
        let units = usage.units.or_more(self.used);
        let counted = if output == usage.output {
            Counted::Reported
        } else {
            Counted::Estimated
        };
        let usage = Usage {
            units,
            output,
            ..usage
        };
        (usage, counted)
    }

    /// No answer has read nothing, and no text was written in no tokens, unless the provider says that
    /// it takes nothing.
    fn not_nothing(&self, usage: Usage, counted: Counted, basis: &Basis) -> (Usage, Counted) {
        let unread = self.content && usage.input_total() == 0 && basis.input_tokens > 0;
        let unwritten = self.output_bytes > 0 && usage.output == 0;
        if usage.served.tier == Tier::Waived || (!unread && !unwritten) {
            return (usage, counted);
        }
        let mended = Usage {
            input_uncached: if unread {
                basis.input_tokens
            } else {
                usage.input_uncached
            },
            output: if unwritten {
                self.estimate(basis).output
            } else {
                usage.output
            },
            ..usage
        };
        (mended, Counted::Estimated)
    }

    fn estimate(&self, basis: &Basis) -> Usage {
        let output = self.output_bytes.div_ceil(BYTES_PER_TOKEN);
        Usage {
            input_uncached: basis.input_tokens,
            output: output.min(basis.output_max),
            units: self.used,
            served: Served {
                search_context: basis.search_context,
                ..Served::default()
            },
            ..Usage::default()
        }
    }
}

fn at_most(usage: Usage, most: u64) -> Usage {
    Usage {
        input_uncached: usage.input_uncached.min(most),
        cache_read: usage.cache_read.min(most),
        cache_write: usage.cache_write.min(most),
        cache_write_1h: usage.cache_write_1h.min(most),
        output: usage.output.min(most),
        reasoning: usage.reasoning.min(most),
        ..usage
    }
}

/// What of a call its counts are judged by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Basis {
    /// What the input is taken for where nobody counted it.
    pub input_tokens: u64,
    pub search_context: SearchContext,
    /// The most output that the call allows.
    pub output_max: u64,
    /// What the provider's own tools read is in no body, and may be more than was held for.
    pub reads: bool,
    /// What no true count is above.
    pub quantity_max: u64,
}

/// Counts, and where they come from.
#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub usage: Usage,
    pub counted: Counted,
    /// A count was impossible and is told as the most that is possible.
    pub clamped: bool,
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
