//! All providers and offers, and the names by which they are found.
//!
//! Invariants: offer ids are unique; every offer's provider is known; no offer is priced at zero
//! unless it says `free`. A catalogue never changes: a reload builds another, which shares what
//! is the same.

use std::fmt;
use std::sync::Arc;

use crate::capability::Capability;
use crate::date::Date;
use crate::file::{MODELS, ModelsFile, PROVIDERS, ProvidersFile};
use crate::names::Names;
use crate::offer::{Offer, Status};
use crate::overlay::Overlay;
use crate::own::OwnProvider;
use crate::provider::Provider;
use crate::text::Text;

/// Providers, offers and their names.
#[derive(Debug, Clone)]
pub struct Catalog {
    as_of: Date,
    /// Where the facts come from -> the day of that source.
    sources: Arc<[(&'static str, &'static str)]>,
    providers: Vec<Arc<Provider>>,
    offers: Vec<Arc<Offer>>,
    names: Names,
}

/// What is wrong with a catalogue or with what an operator adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    /// The file, provider or offer in question.
    pub place: String,
    pub what: String,
}

impl CatalogError {
    pub(crate) fn new(place: impl Into<String>, what: impl fmt::Display) -> Self {
        Self {
            place: place.into(),
            what: what.to_string(),
        }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl std::error::Error for CatalogError {}

impl Catalog {
    /// The catalogue that is part of this program.
    ///
    /// # Errors
    /// When the embedded data is broken, which the tests of this crate rule out.
    pub fn embedded() -> Result<Self, Vec<CatalogError>> {
        Self::read(PROVIDERS, MODELS)
    }

    pub(crate) fn read(
        providers: &'static str,
        models: &'static str,
    ) -> Result<Self, Vec<CatalogError>> {
        let broken = |file: &str, why| vec![CatalogError::new(file, why)];
        let providers: ProvidersFile<'static> = serde_json::from_str(providers)
            .map_err(|error| broken("catalog/providers.json", error.to_string()))?;
        let models: ModelsFile<'static> = serde_json::from_str(models)
            .map_err(|error| broken("catalog/models.json", error.to_string()))?;
        let as_of = models.as_of.max(providers.as_of);
        if (providers.schema_version, models.schema_version) != (1, 1)
            || (models.currency, models.price_unit) != ("USD", "per_1m_tokens")
        {
            return Err(broken(
                "catalog",
                "a schema, currency or unit unknown here".to_owned(),
            ));
        }
        let rows = providers.providers.0.into_iter();
        let providers = rows
            .map(|(id, row)| {
                let unknown = |name| broken(id, format!("unknown dialect {name}"));
                row.into_provider(id).map(Arc::new).map_err(unknown)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let offers = models
            .offers
            .into_iter()
            .map(|row| Arc::new(row.into_offer(Text::Borrowed)))
            .collect();
        Self::build(as_of, models.sources.0.into(), providers, offers)
    }

    /// The same catalogue with an operator's providers, models and prices in it. What is not
    /// named stays shared with this one.
    ///
    /// # Errors
    /// With every fault at once.
    pub fn with(&self, own: &[OwnProvider]) -> Result<Self, Vec<CatalogError>> {
        let (mut providers, mut offers) = (self.providers.clone(), self.offers.clone());
        let mut errors = Vec::new();
        for row in own {
            if let Err(mut wrong) = row.add_to(&mut providers, &mut offers, self) {
                errors.append(&mut wrong);
            }
        }
        if errors.is_empty() {
            Self::build(self.as_of, self.sources.clone(), providers, offers)
        } else {
            Err(errors)
        }
    }

    /// The same catalogue with an operator's offers over its own: the prices that held before
    /// theirs stay, so that a call of the past is billed as it was.
    ///
    /// # Errors
    /// With every fault at once.
    pub fn overlaid(&self, overlay: &Overlay) -> Result<Self, Vec<CatalogError>> {
        let mut offers = self.offers.clone();
        offers.retain(|offer| !overlay.removed().iter().any(|id| *id == offer.id));
        for offer in overlay.offers() {
            match offers.iter_mut().find(|known| known.id == offer.id) {
                Some(known) => *known = Arc::new(offer.after(known)),
                None => offers.push(offer.clone()),
            }
        }
        let as_of = self.as_of.max(overlay.as_of());
        let providers = self.providers.clone();
        Self::build(as_of, self.sources.clone(), providers, offers)
    }

    fn build(
        as_of: Date,
        sources: Arc<[(&'static str, &'static str)]>,
        providers: Vec<Arc<Provider>>,
        offers: Vec<Arc<Offer>>,
    ) -> Result<Self, Vec<CatalogError>> {
        let names = Names::of(&providers, &offers)?;
        let unpriced: Vec<CatalogError> = offers.iter().filter_map(|offer| fault(offer)).collect();
        if unpriced.is_empty() {
            Ok(Self {
                as_of,
                sources,
                providers,
                offers,
                names,
            })
        } else {
            Err(unpriced)
        }
    }

    /// The day up to which the facts were collected.
    #[must_use]
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Where the facts come from, each with its day.
    #[must_use]
    pub fn sources(&self) -> &[(&'static str, &'static str)] {
        &self.sources
    }

    #[must_use]
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.providers
    }

    #[must_use]
    pub fn offers(&self) -> &[Arc<Offer>] {
        &self.offers
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    #[must_use]
    pub fn provider(&self, id: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// The offer of exactly this id.
    #[must_use]
    pub fn offer(&self, id: &str) -> Option<&Arc<Offer>> {
        self.names
            .offer(id)
            .and_then(|index| self.offers.get(index))
    }

    /// The offer of a provider that a name means there: its id, its model or an alias.
    #[must_use]
    pub fn offer_at(&self, provider: &str, name: &str) -> Option<&Arc<Offer>> {
        let mut offers = self.offers.iter();
        offers.find(|offer| offer.provider == provider && offer.is_called(name))
    }

    /// The model ids that can do something, among the offers that `usable` keeps: what an error
    /// names when the model that was asked for cannot.
    pub fn models_with(
        &self,
        capability: Capability,
        usable: impl Fn(&Offer) -> bool,
    ) -> Vec<&str> {
        let mut models: Vec<&str> = Vec::new();
        for offer in &self.offers {
            let able = offer.can(capability) && offer.status != Status::Retired;
            if able && usable(offer) {
                let name = if self.is_only_by_prefix(offer) {
                    &offer.id
                } else {
                    &offer.model
                };
                if !models.contains(&name.as_ref()) {
                    models.push(name);
                }
            }
        }
        models
    }

    pub(crate) fn is_only_by_prefix(&self, offer: &Offer) -> bool {
        self.provider(&offer.provider)
            .is_some_and(|provider| provider.only_by_prefix && !offer.own)
    }
}

/// A price that would bill nothing, or bill what is said to be free.
fn fault(offer: &Offer) -> Option<CatalogError> {
    let wrong = |what| Some(CatalogError::new(offer.id.clone(), what));
    let mut cards = offer.cards.iter();
    if offer.cards.is_empty() {
        wrong("no price")
    } else if offer.free {
        let is_priced = cards.any(|card| !card.rates.are_zero());
        wrong("`free = true` beside a price").filter(|_| is_priced)
    } else {
        let is_zero = cards.any(|card| card.rates.may_cost_nothing());
        wrong("zero price without `free = true`").filter(|_| is_zero)
    }
}
