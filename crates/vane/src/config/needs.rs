//! What must be set before a provider of the catalogue can be called, in words that can be pasted.
//!
//! Errors, `vane models` and `vane check` say the same, because they all ask here.

use vane_catalog::{Auth, Catalog, Provider};

use super::reader::variable_name;

/// The variables that switch a provider on: its key, and its address where that is the
/// operator's own.
#[must_use]
pub fn variables(provider: &Provider) -> String {
    let own = |key: &str| variable_name(&format!("{}.{key}", provider.id));
    let has_key = provider.auth != Auth::None;
    let key = has_key.then(|| match provider.key_env.first() {
        Some(usual) => usual.to_string(),
        None => own("api_key"),
    });
    let address = (provider.base_url.is_none() || !has_key).then(|| own("base_url"));
    let needed: Vec<String> = key.into_iter().chain(address).collect();
    needed.join(" and ")
}

/// Whether the catalogue knows no model of a provider: what it serves is the operator's to name.
#[must_use]
pub fn names_its_own_models(catalog: &Catalog, provider: &Provider) -> bool {
    let mut offers = catalog.offers().iter();
    provider.is_callable() && offers.all(|offer| offer.provider != provider.id || offer.own)
}

/// How the models of such a provider are named.
#[must_use]
pub fn how_to_name_models(provider: &Provider) -> String {
    format!(
        "the catalogue has no models of {}: name them in a [[provider]] with `id = \"{}\"`, such as \
         `models = [{{ id = \"...\", input = \"...\", output = \"...\" }}]`",
        provider.name, provider.id
    )
}
