//! One model at one provider, with its limits and its dated rates.
//!
//! Invariants: an offer has at least one rate card and its cards are in order of their days; an
//! offer whose rates are zero says `free`.

use serde::Deserialize;
use vane_dialect::Dialect;
use vane_dialect::usage::{Served, Unit, Units, Usage};

use crate::capability::{Capabilities, Capability};
use crate::ceiling::Bound;
use crate::cost::{Cost, Unpriced, total};
use crate::date::Date;
use crate::money::Money;
use crate::provider::Provider;
use crate::rate::Rate;
use crate::rate_card::RateCard;
use crate::text::Text;

/// The source of what an operator says.
pub(crate) const OWN_SOURCE: &str = "configuration";

/// One model at one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Unique: the model id, or `provider/model` where the maker does not serve it itself.
    pub id: Text,
    pub provider: Text,
    /// What the provider calls the model.
    pub upstream: Text,
    /// The model id that groups the offers of one model.
    pub model: Text,
    pub maker: Text,
    pub family: Text,
    pub name: Text,
    pub kind: Kind,
    pub inputs: Vec<Modality>,
    pub outputs: Vec<Modality>,
    pub context_window: Option<u64>,
    pub max_input: Option<u64>,
    pub max_output: Option<u64>,
    /// A year, a month or a day, as exactly as it is known.
    pub released: Option<Text>,
    pub knowledge_cutoff: Option<Text>,
    pub open_weights: Option<bool>,
    pub capabilities: Capabilities,
    /// Served by the responses dialect only.
    pub responses_only: bool,
    pub aliases: Vec<Text>,
    /// Oldest first, the scheduled ones last. Never empty.
    pub cards: Vec<RateCard>,
    /// Since when the prices hold that its row states as the present ones.
    pub present_from: Date,
    /// A differing price of the provider's own: shown and reconciled, never billed.
    pub upstream_prices: Option<UpstreamPrices>,
    pub upstream_limits: Option<UpstreamLimits>,
    /// Who says what a use costs, where that is not who says what a token costs.
    pub per_use_source: Option<PerUseSource>,
    pub status: Status,
    pub retires: Option<Date>,
    pub replacement: Option<Text>,
    pub launch: bool,
    pub free: bool,
    /// Added by an operator, not merely repriced.
    pub own: bool,
    pub source: Text,
    pub source_date: Date,
    pub source_url: Option<Text>,
}

/// What kind of answer a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Chat,
    /// Completes text and code; holds no conversation.
    Completion,
    Embedding,
}

/// What goes in or comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    Text,
    Image,
    Pdf,
    Audio,
    Video,
    Embedding,
}

/// Where in its life an offer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    Deprecated,
    Retired,
    Unlisted,
}

/// A price that another source states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamPrices {
    pub input: Rate,
    pub output: Rate,
    pub source: Text,
    pub source_date: Date,
}

/// Where the fees of an offer were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerUseSource {
    pub source: Text,
    pub source_date: Date,
    pub source_url: Option<Text>,
}

/// Limits that another source states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamLimits {
    pub context_window: Option<u64>,
    pub max_output: Option<u64>,
    pub source: Text,
    pub source_date: Date,
}

impl Offer {
    /// The card that holds at an instant. Before the first card, the first one.
    ///
    /// # Errors
    /// When there is no card, or it is zero and nobody said `free`.
    pub fn rates_at(&self, at: i64) -> Result<&RateCard, Unpriced> {
        let due = self
            .cards
            .iter()
            .rev()
            .find(|card| card.effective_from.starts_at() <= at);
        let card = due.or(self.cards.first()).ok_or(Unpriced::NotFree)?;
        if card.rates.may_cost_nothing() && !self.free {
            Err(Unpriced::NotFree)
        } else {
            Ok(card)
        }
    }

    /// This offer with the past of an earlier statement of it: the cards from before its own
    /// present one. What that one announced for later is not kept.
    pub(crate) fn after(&self, earlier: &Self) -> Self {
        let past = earlier.cards.iter();
        let past = past.filter(|card| card.effective_from < self.present_from);
        let own = self.cards.iter();
        let own = own.filter(|card| card.effective_from >= self.present_from);
        Self {
            cards: past.chain(own).cloned().collect(),
            ..self.clone()
        }
    }

    /// The first card that takes effect after an instant.
    #[must_use]
    pub fn announced(&self, at: i64) -> Option<&RateCard> {
        let mut cards = self.cards.iter();
        cards.find(|card| card.effective_from.starts_at() > at)
    }

    /// What a usage costs, at the rates of the instant the call began.
    ///
    /// # Errors
    /// When it was served in a way that is not priced: that is never taken for nothing.
    pub fn cost(&self, usage: &Usage, at: i64) -> Result<Cost, Unpriced> {
        let card = self.rates_at(at)?;
        let lines = card.rates.lines(usage, at)?;
        let unpriced = match self.free {
            true => Units::default(),
            false => card.rates.per_use.unpriced(usage.units),
        };
        Ok(Cost {
            total: total(&lines)?,
            lines,
            unpriced,
            rate_version: card.version.clone(),
        })
    }

    /// The most that a call within the bound can cost here: what a hold sets aside.
    ///
    /// # Errors
    /// When the offer is not priced.
    pub fn ceiling(&self, bound: Bound, at: i64) -> Result<Money, Unpriced> {
        self.rates_at(at)?.rates.ceiling(bound, at)
    }

    /// The most that one token of output can cost here, of a call within the bound.
    ///
    /// # Errors
    /// When the offer is not priced.
    pub fn output_ceiling(&self, bound: Bound, at: i64) -> Result<Rate, Unpriced> {
        self.rates_at(at)?.rates.output_ceiling(bound, at)
    }

    /// Whether an answer served like this would have a cost: asked before dispatch, so that a
    /// request for an unpriced tier or speed is refused and not served for nothing.
    #[must_use]
    pub fn is_priced_for(&self, served: Served, at: i64) -> bool {
        self.rates_at(at)
            .is_ok_and(|card| card.rates.standing(0, served, at).is_ok())
    }

    /// Whether a use of this unit has a price at that instant; what is free has one for all.
    #[must_use]
    pub fn prices(&self, unit: Unit, at: i64) -> bool {
        self.free || self.states(unit, at)
    }

    /// Whether that price is said of this unit: then the offer is known to have it.
    #[must_use]
    pub fn states(&self, unit: Unit, at: i64) -> bool {
        let has_fee = |card: &RateCard| card.rates.per_use.fee(unit).is_some();
        self.rates_at(at).is_ok_and(has_fee)
    }

    /// Whether a model of its provider is called so: by its id, as a model or by an alias.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let mut names = [&self.id, &self.model].into_iter().chain(&self.aliases);
        names.any(|own| own.eq_ignore_ascii_case(name))
    }

    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.has(capability)
    }

    /// The path for this model in a dialect, where its provider serves it so.
    #[must_use]
    pub fn path<'p>(&self, provider: &'p Provider, dialect: Dialect) -> Option<&'p str> {
        let elsewhere = provider.without_makers.contains(&self.maker);
        (!elsewhere && self.takes(dialect))
            .then(|| provider.path(dialect))
            .flatten()
    }

    fn takes(&self, dialect: Dialect) -> bool {
        let chats = self.kind == Kind::Chat && !self.responses_only;
        match dialect {
            Dialect::OpenaiChat | Dialect::MistralChat | Dialect::AnthropicMessages => chats,
            Dialect::OpenaiResponses => self.kind == Kind::Chat,
            Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings => self.kind == Kind::Embedding,
            Dialect::MistralFim | Dialect::LlamaInfill => self.can(Capability::Fim),
            Dialect::OpenaiCompletions => self.kind != Kind::Embedding && !self.responses_only,
        }
    }
}
