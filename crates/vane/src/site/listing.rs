//! Every model of the catalogue with its offers, as readers look it up.
//!
//! Invariant: a model's first offer, its lead, is the one whose price the model is said to have:
//! the maker's own where there is one, else the cheapest; never a retired one beside others, and
//! never one that is reached by a prefix only, beside one that is not.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use vane_catalog::{Catalog, Offer, Status};

use super::row::Row;

pub(crate) struct Listing {
    /// By id.
    models: Vec<Model>,
    places: HashMap<String, usize>,
    /// Those that are not retired, as lists show them: written once a day.
    pub(crate) rows: OnceLock<Vec<Row>>,
}

pub(crate) struct Model {
    pub(crate) id: String,
    /// The lead first. Never empty.
    pub(crate) offers: Vec<Arc<Offer>>,
}

impl Model {
    pub(crate) fn lead(&self) -> Option<&Offer> {
        self.offers.first().map(AsRef::as_ref)
    }

    pub(crate) fn is_retired(&self) -> bool {
        let mut offers = self.offers.iter();
        offers.all(|offer| offer.status == Status::Retired)
    }

    /// The offers that can still be had.
    pub(crate) fn current(&self) -> impl Iterator<Item = &Arc<Offer>> {
        let retired = self.is_retired();
        let offers = self.offers.iter();
        offers.filter(move |offer| retired || offer.status != Status::Retired)
    }
}

impl Listing {
    /// The models as they are listed at an instant.
    pub(crate) fn of(catalog: &Catalog, at: i64) -> Self {
        let mut by_model: BTreeMap<&str, Vec<Arc<Offer>>> = BTreeMap::new();
        for offer in catalog.offers() {
            by_model
                .entry(&offer.model)
                .or_default()
                .push(offer.clone());
        }
        let mut models = Vec::with_capacity(by_model.len());
        for (id, mut offers) in by_model {
            offers.sort_by_cached_key(|offer| rank(catalog, offer, at));
            let id = id.to_owned();
            models.push(Model { id, offers });
        }
        let place = |(place, model): (usize, &Model)| (model.id.to_ascii_lowercase(), place);
        let places = models.iter().enumerate().map(place).collect();
        Self {
            models,
            places,
            rows: OnceLock::new(),
        }
    }

    /// Those that are not retired.
    pub(crate) fn current(&self) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(|model| !model.is_retired())
    }

    /// The model of exactly this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Model> {
        let place = self.places.get(&id.to_ascii_lowercase())?;
        self.models.get(*place)
    }

    /// The model that any of its names means.
    pub(crate) fn find(&self, catalog: &Catalog, name: &str) -> Option<&Model> {
        let resolved = || Some(catalog.resolve(name)?.offers.first()?.model.to_string());
        self.get(name).or_else(|| self.get(&resolved()?))
    }
}

fn rank(catalog: &Catalog, offer: &Offer, at: i64) -> (bool, bool, bool, i64, String) {
    let provider = catalog.provider(&offer.provider);
    let apart = provider.is_some_and(|row| row.only_by_prefix) && !offer.own;
    let rates = offer.rates_at(at).map(|card| card.rates.clone());
    let price = rates.map_or(i64::MAX, |rates| {
        let (input, output) = (rates.input, rates.output);
        input
            .pico_per_token()
            .saturating_add(output.pico_per_token())
    });
    let retired = offer.status == Status::Retired;
    (
        retired,
        apart,
        offer.id != offer.model,
        price,
        offer.id.to_string(),
    )
}
