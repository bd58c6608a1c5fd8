//! The page of a maker: what is known of it, and its models.
//!
//! Invariant: the page and its Markdown twin are written from this one struct.

use askama::Template;

use super::row::{Named, Row};
use super::{Frame, View, makers};

#[derive(Template)]
#[template(path = "maker.html")]
pub(crate) struct MakerPage {
    frame: Frame,
    maker: Named,
    about: Option<&'static str>,
    rows: Vec<Row>,
    says: String,
}

#[derive(Template)]
#[template(path = "maker.md", whitespace = "preserve")]
pub(crate) struct MakerTwin<'p> {
    page: &'p MakerPage,
}

impl MakerPage {
    /// `None` for a maker without models.
    pub(crate) fn of(view: &View<'_>, id: &str) -> Option<Self> {
        let models = view.listing.current();
        let models = models.filter(|model| model.lead().is_some_and(|lead| lead.maker == id));
        let rows: Vec<Row> = models.filter_map(|model| Row::of(view, model)).collect();
        let first = rows.first()?;
        let maker = Named::maker(&first.maker.id);
        let ready = rows.iter().filter(|row| row.ready.is_ready()).count();
        let models = super::counted(rows.len(), "model");
        let says = format!(
            "{} makes {models} of this catalogue; {ready} of them ready on this server.",
            maker.name
        );
        let title = format!("{}: models and prices", maker.name);
        Some(Self {
            frame: Frame::new(view, &maker.href, &title, &says)
                .with_twin(format!("{}.md", maker.href)),
            about: makers::about(id),
            maker,
            rows,
            says,
        })
    }

    pub(crate) fn twin(&self) -> MakerTwin<'_> {
        MakerTwin { page: self }
    }
}
