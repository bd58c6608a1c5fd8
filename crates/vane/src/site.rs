//! The site: pages for people, and their Markdown twins for machines, written on the server.
//!
//! A page is a struct that its template and its twin are written from. Invariants: reading pages
//! run no script and load nothing from elsewhere; what they say comes from the catalogue, the
//! configuration and this server's own measurements, and never from a request's headers.

mod absent;
mod assets;
mod bundle;
mod catalogue;
pub mod chart;
mod compare;
mod crawlers;
mod deep_dive;
mod docs;
pub(crate) mod figures;
mod gallery;
mod history;
mod home;
pub mod inputs;
mod listing;
mod maker;
mod makers;
mod markdown;
mod measured;
mod model;
mod playground;
mod prices;
mod provider;
mod query;
pub(crate) use query::Query;
mod row;
pub(crate) mod sheet;
mod shelf;
mod status;
pub(crate) mod times;
mod try_it;
mod workload;
mod write;

pub use gallery::Gallery;
pub use shelf::Shelf;

use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::chronicle::Past;
use crate::gateway::{Gateway, State};
use crate::playground::{Known, Tried};
use crate::relay::{Body, Response, json};
use listing::Listing;
use measured::Over;
use row::Row;
use shelf::Day;
use vane_ledger::Example;
use write::Written;

/// A page, or a family of them whose name is the rest of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page {
    Home,
    HomeTwin,
    Models,
    ModelsTwin,
    ModelsJson,
    Model,
    Maker,
    Provider,
    Compare,
    Playground,
    /// The first page of the documentation, and every other one.
    Docs,
    DocsTwin,
    DocsChapter,
    UseCase,
    DocsSearch,
    OpenApi,
    Status,
    StatusTwin,
    StatusJson,
    StatusFeed,
    Robots,
    Sitemap,
    Llms,
    LlmsFull,
    Asset,
    /// The icon, where browsers look for it unasked.
    Favicon,
}

impl Page {
    /// What it says is of this moment, and kept for nobody.
    const fn is_of_now(self) -> bool {
        matches!(
            self,
            Self::Status | Self::StatusTwin | Self::StatusJson | Self::StatusFeed
        )
    }
}

/// What pages are written from.
pub(crate) struct View<'v> {
    pub(crate) state: &'v State,
    pub(crate) listing: &'v Listing,
    pub(crate) examples: &'v [Example],
    /// What offers did until a minute ago.
    pub(crate) past: Arc<Past>,
    /// Unix seconds.
    pub(crate) now: i64,
    /// This server's address, from the configuration.
    pub(crate) origin: String,
}

impl<'v> View<'v> {
    fn of(state: &'v State, day: &'v Day, past: Arc<Past>, now: i64) -> Self {
        Self {
            state,
            listing: &day.listing,
            examples: &day.examples,
            past,
            now,
            origin: state.config.origin(),
        }
    }

    /// Every model that is not retired, by id.
    pub(crate) fn rows(&self) -> &'v [Row] {
        let write = || {
            let models = self.listing.current();
            models.filter_map(|model| Row::of(self, model)).collect()
        };
        self.listing.rows.get_or_init(write)
    }

    /// What this server measured of an offer over spans that end now; nothing of one that nobody asked.
    pub(crate) fn measured(&self, offer: &str) -> Vec<Over> {
        Over::of(self.past.of(offer), self.now)
    }
}

/// What stands around every page.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) description: String,
    /// The one address of this page; empty where it has none.
    pub(crate) canonical: String,
    pub(crate) path: String,
    pub(crate) twin: Option<String>,
    pub(crate) is_listed: bool,
    pub(crate) style: &'static str,
    pub(crate) icon: &'static str,
}

impl Frame {
    pub(crate) fn new(view: &View<'_>, path: &str, title: &str, description: &str) -> Self {
        Self {
            title: title.to_owned(),
            description: description.to_owned(),
            canonical: match path {
                "" => String::new(),
                path => format!("{}{path}", view.origin),
            },
            path: path.to_owned(),
            twin: None,
            is_listed: true,
            style: &assets::style().name,
            icon: &assets::icon().name,
        }
    }

    /// Of a page that only who asks may see.
    pub(crate) fn private(title: &str) -> Self {
        Self {
            title: format!("{title} \u{b7} Vane"),
            description: String::new(),
            canonical: String::new(),
            path: String::new(),
            twin: None,
            is_listed: false,
            style: &assets::style().name,
            icon: &assets::icon().name,
        }
    }

    pub(crate) fn with_twin(self, twin: String) -> Self {
        Self {
            twin: Some(twin),
            ..self
        }
    }

    /// A page of the documentation.
    pub(crate) fn is_docs(&self) -> bool {
        ["/docs/", "/use-cases/"]
            .iter()
            .any(|family| self.path.starts_with(family))
    }

    /// Not for search engines.
    pub(crate) fn unlisted(self) -> Self {
        Self {
            is_listed: false,
            ..self
        }
    }
}

/// `1 model`, `2 models`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

/// Answers a page. What is not kept is written off the worker, whose streams must not wait.
pub async fn answer(gateway: &Arc<Gateway>, page: Page, rest: &str, head: &Parts) -> Response {
    let asked = &head.headers;
    if !matches!(head.method, Method::GET | Method::HEAD) {
        let body = br#"{"error":{"message":"this route takes GET only"}}"#;
        let mut response = json(405, &body[..]);
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(http::header::ALLOW, allowed);
        return response;
    }
    let (state, now) = (gateway.state(), gateway.clock.now());
    let examples = Gallery::fresh(gateway).await;
    let day = state.shelf.day(&state.catalog, now, examples);
    let past = gateway.chronicle.past();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let is_kept = query.is_empty() || !write::heeds_query(page);
    let rest = crate::relay::percent_decoded(rest);
    if let Some(sheet) = day.get(page, &rest, past.version).filter(|_| is_kept) {
        return sheet.answer(asked);
    }
    let writer = match state.shelf.writers.clone().acquire_owned().await {
        Ok(writer) => writer,
        Err(closed) => return failed(&closed),
    };
    let gateway = gateway.clone();
    let written = tokio::task::spawn_blocking(move || {
        // Held to the end also when nobody waits for the page any more.
        let _writer = writer;
        let view = View::of(&state, &day, past, now);
        if page.is_of_now() {
            return status::Status::of(&view, &gateway).written(&view, page);
        }
        let written = write::page(&view, page, &rest, &query, is_kept);
        if let (Ok(Written::Page(sheet)), true) = (&written, is_kept) {
            day.keep(page, rest, view.past.version, sheet);
        }
        written
    });
    match written.await {
        Ok(Ok(Written::Page(sheet) | Written::Absent(sheet))) => sheet.answer(asked),
        Ok(Ok(Written::Elsewhere(address))) => moved(&address),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// The playground with what came of its form; it is nobody else's.
pub(crate) async fn played(
    gateway: &Arc<Gateway>,
    head: &Parts,
    tried: Option<Tried>,
    known: Option<Known>,
) -> Response {
    let query = head.uri.query().unwrap_or_default().to_owned();
    let (state, now) = (gateway.state(), gateway.clock.now());
    let examples = Gallery::fresh(gateway).await;
    let day = state.shelf.day(&state.catalog, now, examples);
    // A token of a form must not be packed beside what a stranger can put into an address.
    let asked = match known {
        Some(_) => HeaderMap::new(),
        None => head.headers.clone(),
    };
    let past = gateway.chronicle.past();
    let written = tokio::task::spawn_blocking(move || {
        let view = View::of(&state, &day, past, now);
        write::played(&view, &query, tried, known)
    });
    match written.await {
        Ok(Ok(sheet)) => sheet.answer(&asked),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// A page for a person who asked for one that is not there; `None` for a program.
pub fn missing(gateway: &Arc<Gateway>, head: &Parts) -> Option<Response> {
    let asked = &head.headers;
    if head.method != Method::GET || !accepts(asked, "text/html") {
        return None;
    }
    let (state, now) = (gateway.state(), gateway.clock.now());
    let day = state
        .shelf
        .day(&state.catalog, now, gateway.gallery.known());
    let past = gateway.chronicle.past();
    let view = View::of(&state, &day, past, now);
    let sheet = write::missing(&view).ok()?;
    Some(sheet.answer(asked))
}

/// Whether a request says that it takes `kind`.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.contains(kind))
}

/// Whether a program asks at a page for what it calls the list of models, or one of them: its base URL
/// lacks the `/v1`.
#[must_use]
pub fn is_mistaken(page: Page, rest: &str, head: &Parts) -> bool {
    let headers = &head.headers;
    let has_key = headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key");
    let is_program = head.method == Method::OPTIONS
        || ((has_key || accepts(headers, "application/json")) && !accepts(headers, "text/html"));
    match page {
        Page::Models => is_program,
        Page::Model => is_program && !rest.ends_with(".md"),
        _ => false,
    }
}

/// A name of a model that is not its id leads to its page.
fn moved(address: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let headers = response.headers_mut();
    if let Ok(address) = HeaderValue::from_str(address) {
        headers.insert(LOCATION, address);
    }
    sheet::strict(headers);
    response
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a page could not be written");
    let body = br#"{"error":{"message":"this page could not be written"}}"#;
    json(500, &body[..])
}
