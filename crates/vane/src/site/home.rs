//! The first page: what this is, how it is called, and how it bills.
//!
//! Invariant: the page and its Markdown twin are written from this one struct; the calls name
//! this server and a model that answers here, where there is one.

use askama::Template;
use vane_catalog::{Capability, Kind, Offer};

use super::listing::Model;
use super::model::{Snippet, chat_completion, fill_in_the_middle, messages};
use super::playground;
use super::row::{Named, Row};
use super::try_it::TryIt;
use super::{Frame, View};

/// What the calls name where no other model answers.
const USUAL: &str = "codestral-latest";

/// Models that the page shows.
const SHOWN: [&str; 7] = [
    "codestral-latest",
    "devstral-medium-latest",
    "magistral-medium-latest",
    "magistral-small-latest",
    "ministral-14b-latest",
    "ministral-8b-latest",
    "ministral-3b-latest",
];

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage {
    frame: Frame,
    ways: Vec<Way>,
    rows: Vec<Row>,
    makers: Vec<(Named, usize)>,
    models: usize,
    providers: usize,
    ready: usize,
    /// Nothing where no model answers.
    try_it: Option<TryIt>,
    /// Nothing that answers here costs anything: no provider of others is on.
    only_free: bool,
    as_of: String,
}

/// A way in: whom it is for, and a call.
pub(crate) struct Way {
    says: &'static str,
    snippet: Snippet,
    /// Whether the model of the call answers here.
    is_ready: bool,
}

#[derive(Template)]
#[template(path = "home.markdown", whitespace = "preserve")]
pub(crate) struct HomeTwin<'p> {
    page: &'p HomePage,
}

impl HomePage {
    pub(crate) fn of(view: &View<'_>) -> Self {
        let all = view.rows();
        let mut makers: Vec<(Named, usize)> = Vec::new();
        for row in all {
            match makers.iter_mut().find(|(maker, _)| *maker == row.maker) {
                Some((_, count)) => *count += 1,
                None => makers.push((row.maker.clone(), 1)),
            }
        }
        makers.sort_by_key(|(maker, count)| (std::cmp::Reverse(*count), maker.name.clone()));
        let providers = view.state.catalog.providers().iter();
        let rows = SHOWN
            .iter()
            .filter_map(|id| all.iter().find(|row| row.id == *id));
        let about = "One address and one key for every language model, in the API your tools already speak, billed at cost.";
        Self {
            frame: Frame::new(view, "/", "Vane: one address for every model", about)
                .with_twin("/index.md".to_owned()),
            ways: ways(view, all),
            rows: rows.cloned().collect(),
            makers,
            models: all.len(),
            providers: providers.filter(|row| row.is_callable()).count(),
            ready: all.iter().filter(|row| row.ready.is_ready()).count(),
            try_it: TryIt::first(view),
            only_free: playground::is_all_free(view),
            as_of: view.state.catalog.as_of().to_string(),
        }
    }

    pub(crate) fn twin(&self) -> HomeTwin<'_> {
        HomeTwin { page: self }
    }
}

/// A call in each of the three ways in, of models that answer here where there are such.
fn ways(view: &View<'_>, all: &[Row]) -> Vec<Way> {
    let (chat, chats) = pick(view, all, |offer| offer.kind == Kind::Chat);
    let (fim, fills) = pick(view, all, |offer| offer.can(Capability::Fim));
    let way = |says, snippet, is_ready| Way {
        says,
        snippet,
        is_ready,
    };
    vec![
        way(
            "For OpenAI's SDKs, and most tools",
            chat_completion(&view.origin, &chat),
            chats,
        ),
        way(
            "For Claude Code and Anthropic's SDKs",
            messages(&view.origin, &chat),
            chats,
        ),
        way(
            "For editors that complete code",
            fill_in_the_middle(&view.origin, &fim),
            fills,
        ),
    ]
}

/// Codestral, unless only others answer here; and whether it answers.
fn pick(view: &View<'_>, all: &[Row], able: fn(&Offer) -> bool) -> (String, bool) {
    let can = |row: &&Row| {
        let model = view.listing.get(&row.id);
        model.and_then(Model::lead).is_some_and(able)
    };
    let ready = all.iter().filter(|row| row.ready.is_ready()).filter(can);
    let ready: Vec<&Row> = ready.collect();
    let first = ready.iter().find(|row| row.id == USUAL).or(ready.first());
    let id = first.map_or(USUAL, |row| &row.id).to_owned();
    (id, first.is_some())
}
