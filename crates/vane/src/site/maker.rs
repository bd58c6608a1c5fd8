//! The page of a maker: what is known of it, and its models.
//!
//! Invariant: the page and its Markdown twin are written from this one struct.

use askama::Template;

use super::row::{Named, Row};
use super::{Frame, View, makers};

#[derive(Template)]
#[template(path = "maker.html")]
pub(crate) struct MakerPage<'v> {
    frame: Frame,
    maker: Named,
    about: Option<&'static str>,
    rows: Vec<&'v Row>,
    says: String,
}

#[derive(Template)]
#[template(path = "maker.markdown", whitespace = "preserve")]
pub(crate) struct MakerTwin<'p> {
    page: &'p MakerPage<'p>,
}

impl<'v> MakerPage<'v> {
    /// `None` for a maker without models.
    pub(crate) fn of(view: &View<'v>, id: &str) -> Option<Self> {
        let rows = view.rows().iter();
        let rows: Vec<&Row> = rows.filter(|row| row.maker.id == id).collect();
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
