//! Pages that are not there: one that never was, and one of a model that was retired.
//!
//! Invariant: nothing that a stranger wrote into an address becomes a link; the ids that are
//! offered are the catalogue's own.

use askama::Template;

use super::listing::Model;
use super::row::Row;
use super::{Frame, View};

#[derive(Template)]
#[template(path = "missing.html")]
pub(crate) struct MissingPage {
    pub(crate) frame: Frame,
    pub(crate) says: String,
    pub(crate) near: Vec<Row>,
}

#[derive(Template)]
#[template(path = "missing.markdown", whitespace = "preserve")]
pub(crate) struct MissingTwin<'p> {
    pub(crate) page: &'p MissingPage,
}

#[derive(Template)]
#[template(path = "gone.html")]
pub(crate) struct GonePage {
    pub(crate) frame: Frame,
    pub(crate) says: String,
    pub(crate) replacement: Option<Row>,
}

#[derive(Template)]
#[template(path = "gone.markdown", whitespace = "preserve")]
pub(crate) struct GoneTwin<'p> {
    pub(crate) page: &'p GonePage,
}

/// The longest part of an address that a page repeats.
const SHOWN_CHARS_MAX: usize = 100;

impl MissingPage {
    pub(crate) fn model(view: &View<'_>, id: &str) -> Self {
        let shown: String = id.chars().take(SHOWN_CHARS_MAX).collect();
        let mut near: Vec<Row> = Vec::new();
        for name in view.state.catalog.near(id) {
            let model = view.listing.find(&view.state.catalog, name);
            let model = model.filter(|model| !model.is_retired());
            let row = model.and_then(|model| Row::of(view, model));
            if let Some(row) = row.filter(|row| near.iter().all(|known| known.id != row.id)) {
                near.push(row);
            }
        }
        Self {
            near,
            ..Self::says(
                view,
                format!("There is no model \u{201c}{shown}\u{201d} here."),
            )
        }
    }

    pub(crate) fn says(view: &View<'_>, says: String) -> Self {
        Self {
            frame: Frame::new(view, "", "Not found", &says).unlisted(),
            says,
            near: Vec::new(),
        }
    }
}

impl GonePage {
    pub(crate) fn of(view: &View<'_>, model: &Model) -> Option<Self> {
        let lead = model.lead()?;
        let when = lead
            .retires
            .map_or_else(String::new, |day| format!(" on {day}"));
        let says = format!(
            "{} ({}) was retired by its maker{when}.",
            lead.name, model.id
        );
        let named = lead.replacement.as_deref();
        let replacement = named.and_then(|id| view.listing.find(&view.state.catalog, id));
        Some(Self {
            frame: Frame::new(view, "", &format!("{} is gone", lead.name), &says).unlisted(),
            replacement: replacement.and_then(|model| Row::of(view, model)),
            says,
        })
    }
}
