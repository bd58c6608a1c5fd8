//! What an operator adds: providers, models and prices of their own.
//!
//! Invariant: an addition is priced or says `free`, like every row of the catalogue. A model of a
//! catalogue provider that the catalogue knows is changed where the operator says something and
//! stays as it is elsewhere. A model `like` an offer of the catalogue takes over all of it, rates of
//! every kind and day included.

use std::sync::Arc;

use serde::Deserialize;
use vane_dialect::Dialect;

use crate::capability::{Capabilities, Capability};
use crate::catalog::{Catalog, CatalogError};
use crate::date::Date;
use crate::offer::{Kind, Modality, OWN_SOURCE, Offer, Status};
use crate::per_use::PerUse;
use crate::provider::{Auth, Provider};
use crate::rate::Rate;
use crate::rate_card::RateCard;
use crate::rates::Rates;
use crate::text::Text;
use vane_dialect::quirk::Quirks;

/// The longest model id there is.
const ID_LENGTH_MAX: usize = 96;

/// A provider of the configuration. With a catalogue id, what is `None` stays the catalogue's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnProvider {
    pub id: String,
    pub name: Option<String>,
    pub base_url: Option<String>,
    pub auth: Option<Auth>,
    /// Without one, a provider of the operator's own speaks the usual OpenAI paths.
    pub speaks: Option<Vec<(Dialect, String)>>,
    pub quirks: Option<Quirks>,
    /// The models of the catalogue that it serves; all of them where nothing is said.
    pub only: Option<Vec<String>>,
    pub models: Vec<OwnModel>,
}

/// A model of the configuration. Prices are decimal text, USD per million tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnModel {
    pub id: String,
    /// What the provider calls it; the id where nothing is said.
    pub upstream: Option<String>,
    /// The offer whose rates, limits and abilities it has, by its id.
    pub like: Option<String>,
    pub input: Option<Rate>,
    pub output: Option<Rate>,
    pub cache_read: Option<Rate>,
    pub cache_write: Option<Rate>,
    #[serde(default)]
    pub per_use: PerUse,
    #[serde(default)]
    pub free: bool,
    pub fim: Option<bool>,
    pub tools: Option<bool>,
    pub vision: Option<bool>,
    pub reasoning: Option<bool>,
    pub embeddings: Option<bool>,
    /// False of one that completes texts and holds no conversation.
    pub chat: Option<bool>,
    pub context_window: Option<u64>,
    pub max_output: Option<u64>,
}

impl OwnProvider {
    /// Adds this provider and its models, or says everything that is wrong with them.
    pub(crate) fn add_to(
        &self,
        providers: &mut Vec<Arc<Provider>>,
        offers: &mut Vec<Arc<Offer>>,
        catalog: &Catalog,
    ) -> Result<(), Vec<CatalogError>> {
        let provider = Arc::new(self.provider(catalog));
        match providers.iter_mut().find(|known| known.id == provider.id) {
            Some(known) => *known = provider.clone(),
            None => providers.push(provider.clone()),
        }
        let mut errors = Vec::new();
        for model in &self.models {
            let known = offers.iter_mut().find(|offer| model.is(offer, &provider));
            let like = match model.like(&provider, catalog, known.is_some()) {
                Ok(like) => like,
                Err(what) => {
                    let place = format!("{}/{}", self.id, model.id);
                    errors.push(CatalogError::new(place, what));
                    continue;
                }
            };
            let before = known.as_deref().map(AsRef::as_ref).or(like.as_ref());
            match (model.offer(&provider, before), known) {
                (Ok(offer), Some(known)) => *known = Arc::new(offer),
                (Ok(offer), None) => offers.push(Arc::new(offer)),
                (Err(what), _) => {
                    errors.push(CatalogError::new(format!("{}/{}", self.id, model.id), what));
                }
            }
        }
        errors.extend(self.keep_only(&provider, offers, catalog));
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    /// Takes away what this provider has in the catalogue and is not to serve here. Gives back what
    /// is wrong with the list: a name that is none would leave nothing where something was meant.
    fn keep_only(
        &self,
        provider: &Provider,
        offers: &mut Vec<Arc<Offer>>,
        catalog: &Catalog,
    ) -> Vec<CatalogError> {
        let Some(only) = &self.only else {
            return Vec::new();
        };
        offers.retain(|offer| {
            let is_named = || only.iter().any(|name| offer.is_called(name));
            let is_own = || self.models.iter().any(|model| model.is(offer, provider));
            offer.provider != provider.id || is_named() || is_own()
        });
        let is_unknown = |name: &&String| catalog.offer_at(&self.id, name).is_none();
        let fault = |name: &String| {
            let what = format!("`only` names {name:?}, which the catalogue does not have there");
            CatalogError::new(self.id.clone(), what)
        };
        only.iter().filter(is_unknown).map(fault).collect()
    }

    fn provider(&self, catalog: &Catalog) -> Provider {
        let own_text = |text: &String| -> Text { text.clone().into() };
        let known = catalog
            .provider(&self.id)
            .map(|known| Provider::clone(known));
        let mut provider = known.unwrap_or_else(|| Provider {
            id: own_text(&self.id),
            name: own_text(&self.id),
            base_url: None,
            key_env: Vec::new(),
            auth: Auth::default(),
            speaks: Provider::openai_paths(),
            prefixes: vec![own_text(&self.id)],
            only_by_prefix: false,
            without_makers: Vec::new(),
            quirks: Quirks::default(),
            model_quirks: Vec::new(),
        });
        provider.name = self.name.as_ref().map_or(provider.name, own_text);
        provider.base_url = self.base_url.as_ref().map(own_text).or(provider.base_url);
        provider.auth = self.auth.unwrap_or(provider.auth);
        provider.quirks = self.quirks.unwrap_or(provider.quirks);
        if let Some(speaks) = &self.speaks {
            let paths = speaks
                .iter()
                .map(|(dialect, path)| (*dialect, own_text(path)));
            provider.speaks = paths.collect();
        }
        provider
    }
}

impl OwnModel {
    /// Whether an offer of the catalogue is the model meant.
    fn is(&self, offer: &Offer, provider: &Provider) -> bool {
        offer.provider == provider.id
            && (offer.model.eq_ignore_ascii_case(&self.id)
                || offer.id.eq_ignore_ascii_case(&self.id))
    }

    /// The offer that this one is like, under the names of this one.
    fn like(
        &self,
        provider: &Provider,
        catalog: &Catalog,
        is_known: bool,
    ) -> Result<Option<Offer>, &'static str> {
        let Some(like) = &self.like else {
            return Ok(None);
        };
        if is_known {
            return Err("`like` beside an id that the catalogue has at this provider");
        }
        let known = catalog
            .offer(like)
            .ok_or("`like` is no id of an offer, such as \"gpt-5-mini\" or \"azure/gpt-5-mini\"")?;
        let own = self.blank(provider);
        let mut offer = Offer {
            id: own.id,
            provider: own.provider,
            model: own.model,
            name: own.name,
            aliases: own.aliases,
            own: own.own,
            ..Offer::clone(known)
        };
        for card in &mut offer.cards {
            let (from, source) = (card.effective_from, card.source.clone());
            let rates = Rates::clone(&card.rates);
            *card = RateCard::new(&offer.id, from, source, card.source_date, rates);
        }
        Ok(Some(offer))
    }

    fn offer(&self, provider: &Provider, known: Option<&Offer>) -> Result<Offer, &'static str> {
        if self.id.is_empty() || self.id.len() > ID_LENGTH_MAX {
            return Err("a model id has 1 to 96 characters");
        }
        if !self
            .id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        {
            return Err("a model id is ASCII without spaces, quotes and backslashes");
        }
        let mut offer = known.cloned().unwrap_or_else(|| self.blank(provider));
        if let Some(rates) = self.rates()? {
            let card = RateCard::new(
                &offer.id,
                Date::EPOCH,
                OWN_SOURCE.into(),
                Date::EPOCH,
                rates,
            );
            offer.cards = vec![card];
            offer.free = self.free;
            offer.source = OWN_SOURCE.into();
            offer.source_date = Date::EPOCH;
            offer.source_url = None;
        } else if known.is_none() {
            return Err(
                "no price: give `input` and `output`, say `free = true`, or `like` what it is",
            );
        }
        if !self.per_use.is_empty() {
            self.add_fees(&mut offer)?;
        }
        if let Some(upstream) = &self.upstream {
            offer.upstream = upstream.clone().into();
        }
        offer.capabilities = self.capabilities(offer.capabilities);
        offer.context_window = self.context_window.or(offer.context_window);
        offer.max_output = self.max_output.or(offer.max_output);
        Ok(offer)
    }

    /// Lays the fees stated over every card: the others stay as they are.
    fn add_fees(&self, offer: &mut Offer) -> Result<(), &'static str> {
        if offer.free && !self.per_use.are_zero() {
            return Err("`free = true` beside a fee in `per_use`");
        }
        for card in &mut offer.cards {
            let rates = Rates {
                per_use: card.rates.per_use.overlaid(&self.per_use),
                ..Rates::clone(&card.rates)
            };
            let source = card.source.clone();
            *card = RateCard::new(
                &offer.id,
                card.effective_from,
                source,
                card.source_date,
                rates,
            );
        }
        offer.per_use_source = None;
        Ok(())
    }

    /// The rates stated, or nothing where none are.
    fn rates(&self) -> Result<Option<Rates>, &'static str> {
        let (input, output) = match (self.input, self.output, self.free) {
            (Some(input), Some(output), _) => (input, output),
            (None, None, true) => (Rate::ZERO, Rate::ZERO),
            (None, None, false) if self.cache_read.or(self.cache_write).is_none() => {
                return Ok(None);
            }
            _ => return Err("a price needs both `input` and `output`"),
        };
        let rates = Rates {
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            ..Rates::flat(input, output)
        };
        match (rates.are_zero(), self.free) {
            (true, false) => Err("a price of zero needs `free = true`"),
            (false, true) => Err("`free = true` beside a price"),
            _ => Ok(Some(rates)),
        }
    }

    fn capabilities(&self, known: Capabilities) -> Capabilities {
        let said = [
            (Capability::Fim, self.fim),
            (Capability::Tools, self.tools),
            (Capability::Vision, self.vision),
            (Capability::Reasoning, self.reasoning),
            (Capability::Embeddings, self.embeddings),
        ];
        Capability::ALL
            .into_iter()
            .filter(|capability| {
                let word = said.iter().find(|(about, _)| about == capability);
                word.and_then(|(_, said)| *said)
                    .unwrap_or(known.has(*capability))
            })
            .collect()
    }

    /// An offer of which nothing is known but its names and that it streams.
    fn blank(&self, provider: &Provider) -> Offer {
        let (id, embeds): (Text, bool) = (self.id.clone().into(), self.embeddings == Some(true));
        let streaming = Capabilities::default().with(Capability::Streaming);
        Offer {
            id: format!("{}/{}", provider.id, self.id).into(),
            provider: provider.id.clone(),
            upstream: id.clone(),
            model: id.clone(),
            maker: provider.id.clone(),
            family: id.clone(),
            name: id,
            kind: match self.chat {
                _ if embeds => Kind::Embedding,
                Some(false) => Kind::Completion,
                _ => Kind::Chat,
            },
            inputs: vec![Modality::Text],
            outputs: vec![if embeds {
                Modality::Embedding
            } else {
                Modality::Text
            }],
            context_window: None,
            max_input: None,
            max_output: None,
            released: None,
            knowledge_cutoff: None,
            open_weights: None,
            capabilities: if embeds {
                Capabilities::default()
            } else {
                streaming
            },
            responses_only: false,
            aliases: Vec::new(),
            cards: Vec::new(),
            present_from: Date::EPOCH,
            upstream_prices: None,
            upstream_limits: None,
            per_use_source: None,
            status: Status::Active,
            retires: None,
            replacement: None,
            launch: false,
            free: self.free,
            own: true,
            source: OWN_SOURCE.into(),
            source_date: Date::EPOCH,
            source_url: None,
        }
    }
}
