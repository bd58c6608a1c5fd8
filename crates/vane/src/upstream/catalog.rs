//! The catalogue with what the operator's configuration adds to it.

use crate::config::{self, Auth, Config};
use anyhow::{Context, anyhow};
use vane_catalog::{Catalog, OwnModel, OwnProvider, Rate};

/// The embedded catalogue, with the providers, models and prices of a configuration in it.
///
/// # Errors
/// With every price or id that does not hold.
pub fn catalog(config: &Config) -> anyhow::Result<Catalog> {
    let faults = |errors: Vec<vane_catalog::CatalogError>| {
        anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    let embedded = Catalog::embedded().map_err(faults)?;
    let own = config
        .providers
        .iter()
        .filter(|row| !row.models.is_empty() || embedded.provider(&row.id).is_none())
        .map(own_provider)
        .collect::<anyhow::Result<Vec<_>>>()?;
    if own.is_empty() { Ok(embedded) } else { embedded.with(&own).map_err(faults) }
}

fn own_provider(row: &config::Provider) -> anyhow::Result<OwnProvider> {
    let models = row.models.iter().map(own_model).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(OwnProvider {
        id: row.id.clone(),
        base_url: Some(row.base_url.clone()),
        auth: row.auth.map(Into::into),
        speaks: (!row.speaks.is_empty()).then(|| row.speaks.clone()),
        models,
        ..OwnProvider::default()
    })
}

fn own_model(row: &config::Model) -> anyhow::Result<OwnModel> {
    let rate = |name: &str, text: &Option<String>| {
        let read = |text: &String| {
            Rate::parse_per_million(text).with_context(|| format!("model {}: {name}", row.id))
        };
        text.as_ref().map(read).transpose()
    };
    // What is off may simply not have been said: then the catalogue's word stands.
    let said = |flag: bool| flag.then_some(true);
    Ok(OwnModel {
        id: row.id.clone(),
        upstream: row.upstream.clone(),
        input: rate("input", &row.input)?,
        output: rate("output", &row.output)?,
        cache_read: rate("cache_read", &row.cache_read)?,
        cache_write: rate("cache_write", &row.cache_write)?,
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

impl From<Auth> for vane_catalog::Auth {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Bearer => Self::Bearer,
            Auth::XApiKey => Self::XApiKey,
            Auth::ApiKey => Self::ApiKey,
            Auth::None => Self::None,
        }
    }
}
