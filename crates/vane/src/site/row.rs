//! One model in a list: what tables, comparisons, `models.json` and `llms.txt` say of it.
//!
//! Invariant: prices are the lead offer's at the instant of the page; whether it is ready is what
//! the configuration says, never a guess.

use serde_json::{Value, json};
use vane_catalog::{Capability, Kind, Offer, Status};

use super::figures::{href, price, short};
use super::listing::Model;
use super::{View, makers};
use crate::config::variables_of;

/// A name that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) href: String,
}

impl Named {
    pub(crate) fn maker(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: makers::name(id),
            href: href("/makers/", id),
        }
    }

    pub(crate) fn provider(view: &View<'_>, id: &str) -> Self {
        let known = view.state.catalog.provider(id);
        Self {
            id: id.to_owned(),
            name: known.map_or_else(|| id.to_owned(), |row| row.name.to_string()),
            href: href("/providers/", id),
        }
    }
}

/// Whether an offer or a model answers here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    /// These variables must be set.
    Needs(String),
    /// Its provider speaks no dialect of Vane's.
    OutOfReach,
}

impl Readiness {
    pub(crate) fn of_provider(view: &View<'_>, id: &str) -> Self {
        let Some(provider) = view
            .state
            .catalog
            .provider(id)
            .filter(|row| row.is_callable())
        else {
            return Self::OutOfReach;
        };
        let mut on = view.state.config.providers.iter();
        match on.any(|row| row.id == id) {
            true => Self::Ready,
            false => Self::Needs(variables_of(provider)),
        }
    }

    pub(crate) fn of_offer(view: &View<'_>, offer: &Offer) -> Self {
        let provider = view.state.catalog.provider(&offer.provider);
        let is_served = provider.is_some_and(|row| {
            let mut spoken = row.speaks.iter();
            spoken.any(|(dialect, _)| offer.path(row, *dialect).is_some())
        });
        match is_served {
            true => Self::of_provider(view, &offer.provider),
            false => Self::OutOfReach,
        }
    }

    /// The best that any offer of a model can say.
    pub(crate) fn of_model(view: &View<'_>, model: &Model) -> Self {
        let mut best = Self::OutOfReach;
        for offer in model.current() {
            match Self::of_offer(view, offer) {
                Self::Ready => return Self::Ready,
                needs @ Self::Needs(_) if best == Self::OutOfReach => best = needs,
                Self::Needs(_) | Self::OutOfReach => {}
            }
        }
        best
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// The same in a table that has no room for variables.
    pub(crate) const fn brief(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Needs(_) => "needs key",
            Self::OutOfReach => "not callable yet",
        }
    }

    pub(crate) fn says(&self) -> String {
        match self {
            Self::Ready => "ready".to_owned(),
            Self::Needs(what) => format!("needs {what}"),
            Self::OutOfReach => "not callable yet".to_owned(),
        }
    }
}

/// One model in a list.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) maker: Named,
    pub(crate) input: String,
    /// Empty where nothing comes out that is billed by tokens.
    pub(crate) output: String,
    pub(crate) cached: String,
    pub(crate) context: String,
    pub(crate) max_output: String,
    pub(crate) can: Vec<&'static str>,
    pub(crate) providers: Vec<Named>,
    pub(crate) status: &'static str,
    pub(crate) ready: Readiness,
    pub(crate) order: Order,
}

/// What rows are sorted and filtered by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Order {
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) cached: i64,
    pub(crate) context: u64,
    pub(crate) max_output: u64,
}

impl Row {
    /// `None` where the lead has no price at this instant, which no catalogue has.
    pub(crate) fn of(view: &View<'_>, model: &Model) -> Option<Self> {
        let lead = model.lead()?;
        let rates = &lead.rates_at(view.now).ok()?.rates;
        let embeds = lead.kind == Kind::Embedding;
        let cached = rates.cache_read;
        let mut providers: Vec<Named> = Vec::new();
        for offer in model.current() {
            if providers.iter().all(|known| known.id != offer.provider) {
                providers.push(Named::provider(view, &offer.provider));
            }
        }
        Some(Self {
            id: model.id.clone(),
            href: href("/models/", &model.id),
            name: lead.name.to_string(),
            maker: Named::maker(&lead.maker),
            input: price(lead, rates.input),
            output: match embeds {
                true => String::new(),
                false => price(lead, rates.output),
            },
            cached: cached.map_or_else(String::new, |rate| price(lead, rate)),
            context: lead.context_window.map_or_else(String::new, short),
            max_output: lead.max_output.map_or_else(String::new, short),
            can: abilities(lead),
            providers,
            status: status(lead),
            ready: Readiness::of_model(view, model),
            order: Order {
                input: rates.input.pico_per_token(),
                output: rates.output.pico_per_token(),
                cached: cached.unwrap_or(rates.input).pico_per_token(),
                context: lead.context_window.unwrap_or_default(),
                max_output: lead.max_output.unwrap_or_default(),
            },
        })
    }

    /// What tells models apart; nearly all stream.
    pub(crate) fn tells_apart(&self) -> Vec<&'static str> {
        let able = self.can.iter().copied();
        able.filter(|can| *can != word(Capability::Streaming))
            .collect()
    }

    pub(crate) fn as_json(&self, view: &View<'_>) -> Value {
        let model = view.listing.get(&self.id);
        let offers = model.into_iter().flat_map(Model::current);
        let offers: Vec<Value> = offers
            .filter_map(|offer| offer_as_json(view, offer))
            .collect();
        let lead = model.and_then(Model::lead);
        json!({
            "id": self.id,
            "name": self.name,
            "maker": self.maker.id,
            "url": format!("{}{}", view.origin, self.href),
            "context_window": lead.and_then(|lead| lead.context_window),
            "max_output": lead.and_then(|lead| lead.max_output),
            "capabilities": self.can,
            "status": self.status,
            "ready": self.ready.is_ready(),
            "offers": offers,
        })
    }
}

fn offer_as_json(view: &View<'_>, offer: &Offer) -> Option<Value> {
    let card = offer.rates_at(view.now).ok()?;
    Some(json!({
        "id": &*offer.id,
        "provider": &*offer.provider,
        "usd_per_million": &*card.rates,
        "as_of": card.source_date.to_string(),
        "source": &*card.source,
        "free": offer.free,
        "status": status(offer),
        "ready": Readiness::of_offer(view, offer).is_ready(),
    }))
}

pub(crate) fn abilities(offer: &Offer) -> Vec<&'static str> {
    let able = offer.capabilities.iter();
    able.map(word).collect()
}

/// A capability as pages write it.
pub(crate) const fn word(capability: Capability) -> &'static str {
    match capability {
        Capability::Streaming => "streaming",
        Capability::Tools => "tools",
        Capability::Reasoning => "reasoning",
        Capability::StructuredOutput => "structured output",
        Capability::Vision => "vision",
        Capability::Fim => "fill-in-the-middle",
        Capability::Embeddings => "embeddings",
        Capability::PromptCaching => "prompt caching",
    }
}

pub(crate) const fn status(offer: &Offer) -> &'static str {
    match offer.status {
        Status::Active => "active",
        Status::Deprecated => "deprecated",
        Status::Retired => "retired",
        Status::Unlisted => "unlisted",
    }
}
