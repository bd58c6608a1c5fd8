//! The names by which offers are found, and how a model id of a caller is read.
//!
//! An id with a slash is an offer's id, else a provider's prefix and a name at that provider, else
//! a vendor's spelling (`maker/model`, or an upstream id with a slash) where it means one model. An
//! id without one is a model that its maker serves, else an alias, else a model that others serve.
//! Case is ignored.
//! Invariant: an offer of a provider that is reached by prefix only never stands beside another's;
//! a bare name means it only where it means nothing else (LiteLLM takes its prefix off).

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalog::{Catalog, CatalogError};
use crate::offer::{Offer, Status};
use crate::provider::Provider;
use crate::text::Text;

/// How LiteLLM marks ids that complete text instead of holding a conversation.
const COMPLETION_PREFIX: &str = "text-completion-";

/// Vendors as other catalogues spell them -> makers as this one does.
const VENDORS: [(&str, &str); 8] = [
    ("meta-llama", "meta"),
    ("mistral-ai", "mistralai"),
    ("moonshot", "moonshotai"),
    ("qwen", "alibaba"),
    ("x-ai", "xai"),
    ("xai-org", "xai"),
    ("z-ai", "zai"),
    ("zai-org", "zai"),
];

/// What a model id means.
#[derive(Debug, Clone)]
pub struct Resolved<'c> {
    /// The id under which this catalogue knows it.
    pub id: &'c str,
    /// Every offer that serves it. Never empty; retired ones only where there are no others.
    pub offers: Vec<&'c Arc<Offer>>,
    /// The id asks for completion (`text-completion-...`), so chat would be a surprise.
    pub completion_only: bool,
}

type Places = HashMap<Text, Vec<usize>>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    ids: HashMap<Text, usize>,
    models: Places,
    aliases: Places,
    vendors: Places,
    /// Models of providers that are reached by prefix, for names that nobody else has.
    prefixed: Places,
    /// Prefix -> name at that provider -> offers.
    prefixes: HashMap<Text, usize>,
    at_provider: Vec<Places>,
}

impl Names {
    pub(crate) fn of(
        providers: &[Arc<Provider>],
        offers: &[Arc<Offer>],
    ) -> Result<Self, Vec<CatalogError>> {
        let mut names = Self {
            at_provider: vec![Places::new(); providers.len()],
            ..Self::default()
        };
        let mut errors = Vec::new();
        for (place, provider) in providers.iter().enumerate() {
            for prefix in &provider.prefixes {
                if names.prefixes.insert(lowered(prefix), place).is_some() {
                    errors.push(CatalogError::new(
                        provider.id.clone(),
                        "prefix of another provider",
                    ));
                }
            }
        }
        let by_id: HashMap<&str, (usize, &Provider)> = providers
            .iter()
            .enumerate()
            .map(|(place, provider)| (&*provider.id, (place, &**provider)))
            .collect();
        for (index, offer) in offers.iter().enumerate() {
            if names.ids.insert(lowered(&offer.id), index).is_some() {
                errors.push(CatalogError::new(offer.id.clone(), "two offers of this id"));
            }
            match by_id.get(&*offer.provider) {
                Some((place, provider)) => names.add(provider, *place, offer, index),
                None => errors.push(CatalogError::new(offer.id.clone(), "unknown provider")),
            }
        }
        // What an operator calls a model is meant, whatever else has that name as an alias.
        for own in offers.iter().filter(|offer| offer.own) {
            names.aliases.remove(&lowered(&own.model));
        }
        if errors.is_empty() {
            Ok(names)
        } else {
            Err(errors)
        }
    }

    fn add(&mut self, provider: &Provider, place: usize, offer: &Offer, index: usize) {
        if let Some(here) = self.at_provider.get_mut(place) {
            let own = [&offer.model, &offer.upstream]
                .into_iter()
                .chain(&offer.aliases);
            for name in own {
                insert(here, lowered(name), index);
            }
            // What stands after the provider in an id is a name there under its other prefixes.
            let name = match offer.id.split_once('/') {
                Some((head, tail)) if head == provider.id => tail.to_ascii_lowercase().into(),
                _ => lowered(&offer.id),
            };
            insert(here, name, index);
        }
        if provider.only_by_prefix && !offer.own {
            insert(&mut self.prefixed, lowered(&offer.model), index);
            return;
        }
        insert(&mut self.models, lowered(&offer.model), index);
        for alias in &offer.aliases {
            insert(&mut self.aliases, lowered(alias), index);
        }
        insert(
            &mut self.vendors,
            format!("{}/{}", offer.maker, offer.model).into(),
            index,
        );
        if offer.upstream.contains('/') {
            insert(&mut self.vendors, lowered(&offer.upstream), index);
        }
    }

    pub(crate) fn offer(&self, id: &str) -> Option<usize> {
        self.ids.get(&*lower(id)).copied()
    }

    /// Every name that a caller may mean without a prefix, and every offer id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.models
            .keys()
            .chain(self.aliases.keys())
            .chain(self.ids.keys())
            .map(AsRef::as_ref)
    }

    fn places(&self, id: &str) -> Option<&[usize]> {
        if let Some((head, tail)) = id.split_once('/') {
            if let Some(offer) = self.ids.get(id) {
                return Some(std::slice::from_ref(offer));
            }
            let here = self
                .prefixes
                .get(head)
                .and_then(|place| self.at_provider.get(*place));
            if let Some(found) = here.and_then(|places| places.get(tail)) {
                return Some(found);
            }
            let maker = VENDORS
                .iter()
                .find(|(vendor, _)| *vendor == head)
                .map(|(_, maker)| maker);
            let spelled = maker.map(|maker| format!("{maker}/{tail}"));
            let spelled = spelled.as_deref().and_then(|id| self.vendors.get(id));
            return spelled.or_else(|| self.vendors.get(id)).map(Vec::as_slice);
        }
        let of_model = self.models.get(id).map(Vec::as_slice);
        let of_alias = self.aliases.get(id).map(Vec::as_slice);
        if self.ids.contains_key(id) {
            of_model
        } else {
            let of_prefixed = || self.prefixed.get(id).map(Vec::as_slice);
            of_alias.or(of_model).or_else(of_prefixed)
        }
    }
}

impl Catalog {
    /// The offers that a caller's model id means.
    #[must_use]
    pub fn resolve(&self, id: &str) -> Option<Resolved<'_>> {
        let id = lower(id);
        let places = self.names().places(&id)?;
        let mut offers: Vec<&Arc<Offer>> = places
            .iter()
            .filter_map(|place| self.offers().get(*place))
            .collect();
        let first = *offers.first()?;
        if offers.iter().any(|offer| offer.status != Status::Retired) {
            offers.retain(|offer| offer.status != Status::Retired);
        }
        // A vendor's spelling that means two models means neither.
        if id.contains('/') && offers.iter().any(|offer| offer.model != first.model) {
            return None;
        }
        let by_prefix = id.contains('/') && offers.len() == 1;
        let known_as = if by_prefix { &first.id } else { &first.model };
        Some(Resolved {
            id: known_as,
            offers,
            completion_only: id.starts_with(COMPLETION_PREFIX),
        })
    }
}

fn insert(places: &mut Places, name: Text, index: usize) {
    let found = places.entry(name).or_default();
    if found.last() != Some(&index) {
        found.push(index);
    }
}

fn lower(name: &str) -> std::borrow::Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    }
}

/// The name in lower case, still borrowed where it was.
fn lowered(name: &Text) -> Text {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.clone()
    }
}
