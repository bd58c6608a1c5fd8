//! Providers: rows of the file, and those that a variable switches on.
//!
//! Both are read by the same code: a provider without a row is an empty row.

use vane_catalog::{Catalog, Provider as Row};
use vane_dialect::quirk::Quirk;

use super::base_url::{self, Own};
use super::nearest::did_you_mean;
use super::node::{Node, Table, Value};
use super::problem::Place;
use super::read::{Read, boolean, list, text};
use super::reader::variable_name;
use super::section::Section;
use super::{Config, Provider, Secret, credential, model, speaks};

/// Every provider that is on: the file's rows in their order, then those of the environment. And
/// those of the catalogue that lack nothing but a key.
pub(super) fn read(
    root: &mut Section<'_>,
    catalog: &Catalog,
    own: &Own<'_>,
) -> (Vec<Provider>, Vec<Provider>) {
    let rows = root.take_from_file("provider", |node| match &node.value {
        Value::List(rows) => Ok(rows.clone()),
        _ => Err("must be written as [[provider]], once for each".to_owned()),
    });
    let mut asked: Vec<String> = Vec::new();
    let (mut providers, mut keyless) = (Vec::new(), Vec::new());
    for row in rows.unwrap_or_default() {
        let Some((id, mut section)) = identified(root, row) else {
            continue;
        };
        if asked.contains(&id) {
            section.problem("id", "stands in another [[provider]] already");
        }
        if id == crate::local::PROVIDER {
            section.problem("", "is this machine, whose models are [[local]]");
        }
        let known = catalog.provider(&id).map(AsRef::as_ref);
        if known.is_none() && !section.has("base_url") {
            let ids = catalog.providers().iter().map(|row| &*row.id);
            let near = did_you_mean(&id, ids);
            section.problem(
                "base_url",
                format!("is missing, and the catalogue has no provider `{id}`{near}"),
            );
        }
        let only = only(&mut section, &id, catalog);
        providers
            .extend(provider(&mut section, &id, known, own).map(|row| Provider { only, ..row }));
        section.finish();
        asked.push(id);
    }
    let rowless = |known: &&Row| {
        let here = &*known.id == crate::local::PROVIDER;
        !here && !asked.iter().any(|id| *id == *known.id)
    };
    for known in catalog
        .providers()
        .iter()
        .map(AsRef::as_ref)
        .filter(rowless)
    {
        if is_switched_on(root, known) {
            let id = known.id.to_string();
            let mut section = Section::new(root.reader, id, Place::Nowhere, Table::new());
            let only = only(&mut section, &known.id, catalog);
            let row = provider(&mut section, &known.id, Some(known), own);
            providers.extend(row.map(|row| Provider { only, ..row }));
        } else if known.is_callable() && known.auth != vane_catalog::Auth::None {
            keyless.extend(without_key(root, known, catalog, own));
        }
    }
    (providers, keyless)
}

/// A provider as its variables and the catalogue have it, for a key that is kept elsewhere.
fn without_key(
    root: &Section<'_>,
    known: &Row,
    catalog: &Catalog,
    own: &Own<'_>,
) -> Option<Provider> {
    let id = known.id.to_string();
    let mut section = Section::new(root.reader, id.clone(), Place::Nowhere, Table::new());
    let base_url = section.take("base_url", |node| base_url::read(&text(node)?, own));
    let only = only(&mut section, &known.id, catalog);
    Some(Provider {
        id,
        only,
        base_url: base_url.or(known.base_url.as_deref().map(str::to_owned))?,
        api_key: None,
        speaks: Vec::new(),
        auth: None,
        quirks: Vec::new(),
        headers: Vec::new(),
        models: Vec::new(),
        h2c: false,
        is_kept: false,
    })
}

impl Config {
    /// Switches providers on by keys that are kept in the database, and those off whose key was.
    /// One that has a key by the file or a variable goes on with that one.
    #[must_use]
    pub fn with_kept_keys(mut self, keys: Vec<(String, Secret)>) -> Self {
        let providers = std::mem::take(&mut self.providers).into_iter();
        let (kept, own): (Vec<_>, _) = providers.partition(|provider| provider.is_kept);
        self.providers = own;
        self.keyless
            .extend(kept.into_iter().map(|provider| Provider {
                api_key: None,
                is_kept: false,
                ..provider
            }));
        for (id, key) in keys {
            let found = self.keyless.iter().position(|provider| provider.id == id);
            if let Some(at) = found {
                let mut provider = self.keyless.remove(at);
                (provider.api_key, provider.is_kept) = (Some(key), true);
                self.providers.push(provider);
            }
        }
        self
    }

    /// Providers that a kept key switches on, with it.
    pub fn kept_keys(&self) -> impl Iterator<Item = (&str, Option<&Secret>)> {
        let kept = self.providers.iter().filter(|provider| provider.is_kept);
        kept.map(|provider| (provider.id.as_str(), provider.api_key.as_ref()))
    }
}

/// A row and its id, which names its problems and its variables.
fn identified<'r>(root: &Section<'r>, row: Node) -> Option<(String, Section<'r>)> {
    let Value::Table(mut values) = row.value else {
        root.reader
            .problem(row.place, "provider", "must be written as [[provider]]");
        return None;
    };
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let (place, what) = match values.remove("id") {
        None => (row.place, "needs an `id`"),
        Some((
            _,
            Node {
                value: Value::Text(id),
                ..
            },
        )) if !id.is_empty() && id.chars().all(letter) => {
            let section = Section::new(root.reader, id.clone(), row.place, values);
            return Some((id, section));
        }
        Some((place, _)) => (
            place,
            "needs an `id` of small letters, digits, and any of . _ -, such as \"lab\"",
        ),
    };
    root.reader.problem(place, "provider", what);
    None
}

/// Whether variables alone switch a catalogue provider on. What is half set is warned of.
fn is_switched_on(root: &Section<'_>, known: &Row) -> bool {
    let (address, has_address) = ours(root, known, "base_url");
    let (own_key, has_own_key) = ours(root, known, "api_key");
    let has_key = has_own_key || credential::usual(root.reader, known).is_some();
    if !known.is_callable() || !(has_key || has_address) {
        return false;
    }
    let needs_key = known.auth != vane_catalog::Auth::None;
    let what = if !has_key && needs_key {
        let key = known
            .key_env
            .first()
            .map_or(own_key.as_str(), AsRef::as_ref);
        format!("is set, but {key} is not: {} stays off", known.id)
    } else if !has_address && known.base_url.is_none() {
        format!(
            "is not set: {} stays off, because its address is yours alone",
            known.id
        )
    } else {
        return true;
    };
    root.reader.warn(Place::Nowhere, address, what);
    false
}

/// The variable of ours for a key of a provider, and whether it is set.
fn ours(root: &Section<'_>, known: &Row, key: &str) -> (String, bool) {
    let name = variable_name(&format!("{}.{key}", known.id));
    let set = root.reader.variable(&name).is_some();
    (name, set)
}

fn provider(
    section: &mut Section<'_>,
    id: &str,
    known: Option<&Row>,
    own: &Own<'_>,
) -> Option<Provider> {
    let speaks = speaks::read(section, known);
    let has_base_url = section.has("base_url");
    let base_url = section.take("base_url", |node| base_url::read(&text(node)?, own));
    let usual = known
        .and_then(|known| known.base_url.as_deref())
        .filter(|_| !has_base_url);
    if !has_base_url && usual.is_none() && known.is_some() {
        section.problem("base_url", "is missing, and the catalogue has none");
    }
    let (auth, api_key) = credential::key(section, known);
    let h2c = section.take("h2c", boolean).unwrap_or(false);
    let base_url = base_url.or(usual.map(str::to_owned));
    if h2c
        && base_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https:"))
    {
        section.problem("h2c", "is HTTP/2 without TLS, and `base_url` is https");
    }
    Some(Provider {
        id: id.to_owned(),
        speaks,
        auth,
        api_key,
        quirks: section
            .take_from_file("quirks", list(quirk))
            .unwrap_or_default(),
        headers: credential::headers(section),
        only: None,
        models: model::read(section),
        h2c,
        is_kept: false,
        base_url: base_url?,
    })
}

/// The models of the catalogue that a provider is to serve, each by a name that it has there.
fn only(section: &mut Section<'_>, id: &str, catalog: &Catalog) -> Option<Vec<String>> {
    let name = |node: &Node| {
        let name = text(node)?;
        if catalog.offer_at(id, &name).is_some() {
            return Ok(name);
        }
        let offers = catalog.offers().iter();
        let here = offers.filter(|offer| offer.provider == id);
        let near = did_you_mean(&name, here.map(|offer| &*offer.model));
        Err(format!(
            "names no model of the catalogue at `{id}` with `{name}`{near}"
        ))
    };
    section.take("only", list(name))
}

fn quirk(node: &Node) -> Read<Quirk> {
    let name = text(node)?;
    let known = Quirk::ALL.iter().map(|quirk| quirk.name());
    Quirk::from_name(&name)
        .ok_or_else(|| format!("names no quirk with `{name}`{}", did_you_mean(&name, known)))
}

/// Headers may hold secrets: their names are shown.
impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Provider")
            .field("id", &self.id)
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .field("speaks", &self.speaks)
            .field("auth", &self.auth)
            .field("quirks", &self.quirks)
            .field("headers", &headers)
            .field("only", &self.only)
            .field("models", &self.models)
            .field("h2c", &self.h2c)
            .field("is_kept", &self.is_kept)
            .finish()
    }
}
