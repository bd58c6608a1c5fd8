//! The catalogue with what an operator adds to it.
//!
//! Invariant: a configuration that was loaded fits into the catalogue.

use vane_catalog::{Catalog, CatalogError, OwnModel, OwnProvider, Rate};

use super::{Auth, Config, Model, Provider};

/// The catalogue with the providers, models and prices of a configuration in it.
///
/// # Errors
/// With every model that cannot be added, such as one without a price.
pub fn catalog(config: &Config) -> Result<Catalog, CatalogFault> {
    extended(
        &Catalog::embedded().map_err(CatalogFault)?,
        &config.providers,
    )
}

/// A catalogue with these providers in it.
pub(super) fn extended(catalog: &Catalog, rows: &[Provider]) -> Result<Catalog, CatalogFault> {
    let own: Vec<OwnProvider> = rows.iter().map(own_provider).collect::<Result<_, _>>()?;
    catalog.with(&own).map_err(CatalogFault)
}

/// Why an operator's models do not fit into the catalogue.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct CatalogFault(pub Vec<CatalogError>);

fn own_provider(row: &Provider) -> Result<OwnProvider, CatalogFault> {
    Ok(OwnProvider {
        id: row.id.clone(),
        base_url: Some(row.base_url.clone()),
        speaks: Some(row.speaks.clone()).filter(|paths| !paths.is_empty()),
        auth: row.auth.map(|auth| match auth {
            Auth::Bearer => vane_catalog::Auth::Bearer,
            Auth::XApiKey => vane_catalog::Auth::XApiKey,
            Auth::ApiKey => vane_catalog::Auth::ApiKey,
            Auth::None => vane_catalog::Auth::None,
        }),
        models: row
            .models
            .iter()
            .map(|model| own_model(&row.id, model))
            .collect::<Result<_, _>>()?,
        ..OwnProvider::default()
    })
}

fn own_model(provider: &str, row: &Model) -> Result<OwnModel, CatalogFault> {
    let rate = |price: &Option<String>| {
        let rate = price.as_deref().map(Rate::parse_per_million).transpose();
        rate.map_err(|why| {
            let place = format!("{provider}/{}", row.id);
            CatalogFault(vec![CatalogError {
                place,
                what: format!("a price is {why}"),
            }])
        })
    };
    // A flag that is not set leaves what the catalogue knows.
    let said = |flag: bool| flag.then_some(true);
    Ok(OwnModel {
        id: row.id.clone(),
        upstream: Some(row.upstream.clone()).filter(|name| !name.is_empty()),
        like: row.like.clone(),
        input: rate(&row.input)?,
        output: rate(&row.output)?,
        cache_read: rate(&row.cache_read)?,
        cache_write: rate(&row.cache_write)?,
        per_use: row.per_use.clone(),
        free: row.free,
        fim: said(row.fim),
        tools: said(row.tools),
        vision: said(row.vision),
        reasoning: said(row.reasoning),
        embeddings: said(row.embeddings),
        context_window: row.context_window,
        max_output: row.max_output,
    })
}
