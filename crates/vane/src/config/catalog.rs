//! The catalogue with what an operator adds to it: a file of offers over the built-in ones, then
//! the models and prices of the configuration.
//!
//! Invariant: a configuration that was loaded fits into the catalogue.

use std::io::ErrorKind;
use std::path::PathBuf;

use vane_catalog::{Catalog, CatalogError, Overlay, OwnModel, OwnProvider, Rate};

use super::read::text;
use super::section::Section;
use super::{Auth, Config, Model, Provider};

/// `catalog = "..."`: a file in the form of the built-in catalogue, and what it says.
#[derive(Debug, Clone)]
pub struct CatalogFile {
    pub path: PathBuf,
    pub overlay: Overlay,
}

/// The file, where one is named. One that is not there yet says nothing.
pub(super) fn file(root: &mut Section<'_>) -> Option<CatalogFile> {
    let reader = root.reader;
    root.take("catalog", |node| {
        let path = PathBuf::from(text(node)?);
        let overlay = match std::fs::read_to_string(&path) {
            Ok(text) => Overlay::read(&text).map_err(|faults| {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                format!("names a file that is no catalogue: {}", faults.join("; "))
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let what = "names a file that is not there yet: `vane catalog apply` writes it";
                reader.warn(node.place.clone(), "catalog", what);
                Overlay::default()
            }
            Err(error) => return Err(format!("names a file that cannot be read: {error}")),
        };
        Ok(CatalogFile { path, overlay })
    })
}

/// The built-in catalogue with the file's offers over it.
///
/// # Errors
/// When the file does not fit, such as an offer of an unknown provider.
pub fn base(file: Option<&CatalogFile>) -> Result<Catalog, CatalogFault> {
    let embedded = Catalog::embedded().map_err(CatalogFault)?;
    match file {
        Some(file) => embedded.overlaid(&file.overlay).map_err(CatalogFault),
        None => Ok(embedded),
    }
}

/// The catalogue with the providers, models and prices of a configuration in it.
///
/// # Errors
/// With every model that cannot be added, such as one without a price.
pub fn catalog(config: &Config) -> Result<Catalog, CatalogFault> {
    extended(&base(config.catalog.as_ref())?, &config.providers)
}

/// A catalogue with these providers in it.
pub(crate) fn extended(catalog: &Catalog, rows: &[Provider]) -> Result<Catalog, CatalogFault> {
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
        only: row.only.clone(),
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
        chat: row.chat,
        context_window: row.context_window,
        max_output: row.max_output,
    })
}
