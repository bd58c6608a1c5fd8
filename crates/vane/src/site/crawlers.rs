//! What machines read: `robots.txt`, `sitemap.xml`, `llms.txt` and `llms-full.txt`, `models.json`.
//!
//! Invariant: each is generated from the data that the pages are made of, and lists only
//! addresses that answer.

use askama::Template;
use serde_json::json;

use super::View;
use super::deep_dive;
use super::docs::chapters::{self, Chapter, PARTS, Part};
use super::listing::Model;
use super::row::{Named, Row};

#[derive(Template)]
#[template(path = "llms.txt", whitespace = "preserve")]
struct Llms<'v> {
    origin: &'v str,
    rows: &'v [Row],
    makers: Vec<Named>,
    parts: &'static [Part],
    as_of: String,
}

#[derive(Template)]
#[template(path = "llms-full.markdown", whitespace = "preserve")]
struct LlmsFull<'v> {
    origin: &'v str,
    entries: Vec<Entry<'v>>,
    parts: &'static [Part],
    as_of: String,
}

/// A model in the long file: its row, and what is written about it.
struct Entry<'v> {
    row: &'v Row,
    dive: Option<&'static deep_dive::DeepDive>,
}

pub(super) fn robots(view: &View<'_>) -> String {
    let origin = &view.origin;
    format!(
        "User-agent: *\nDisallow: /v1/\nDisallow: /mistral/\nDisallow: /compare?\n\nSitemap: {origin}/sitemap.xml\n"
    )
}

pub(super) fn sitemap(view: &View<'_>) -> String {
    let day = view.state.catalog.as_of();
    let mut paths = vec![
        "/".to_owned(),
        "/models".to_owned(),
        "/compare".to_owned(),
        "/playground".to_owned(),
        "/status".to_owned(),
    ];
    let docs = chapters::all().chain([&chapters::INDEX]);
    paths.extend(docs.map(|chapter: &Chapter| chapter.path.to_owned()));
    paths.extend(
        view.listing
            .current()
            .map(|model| super::figures::href("/models/", &model.id)),
    );
    paths.extend(makers(view).into_iter().map(|maker| maker.href));
    let providers = view.state.catalog.providers().iter();
    paths.extend(providers.map(|row| super::figures::href("/providers/", &row.id)));
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for path in paths {
        let address = format!("{}{path}", view.origin).replace('&', "&amp;");
        out += &format!("<url><loc>{address}</loc><lastmod>{day}</lastmod></url>\n");
    }
    out + "</urlset>\n"
}

pub(super) fn llms(view: &View<'_>) -> askama::Result<String> {
    let page = Llms {
        origin: &view.origin,
        rows: view.rows(),
        makers: makers(view),
        parts: PARTS,
        as_of: view.state.catalog.as_of().to_string(),
    };
    page.render()
}

pub(super) fn llms_full<'v>(view: &View<'v>) -> askama::Result<String> {
    let entry = |row: &'v Row| Entry {
        dive: deep_dive::about(&row.id),
        row,
    };
    let page = LlmsFull {
        origin: &view.origin,
        entries: view.rows().iter().map(entry).collect(),
        parts: PARTS,
        as_of: view.state.catalog.as_of().to_string(),
    };
    page.render()
}

pub(super) fn models_json(view: &View<'_>) -> String {
    let models: Vec<serde_json::Value> = view.rows().iter().map(|row| row.as_json(view)).collect();
    json!({
        "as_of": view.state.catalog.as_of().to_string(),
        "currency": "USD",
        "models": models,
    })
    .to_string()
}

fn makers(view: &View<'_>) -> Vec<Named> {
    let leads = view.listing.current().filter_map(Model::lead);
    let mut makers: Vec<Named> = leads.map(|lead| Named::maker(&lead.maker)).collect();
    makers.sort_by(|a, b| a.id.cmp(&b.id));
    makers.dedup();
    makers
}
