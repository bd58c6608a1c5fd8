//! Which page an address is, and the page itself as bytes.
//!
//! Invariant: every page of a family is found by the id that its links are made of; another name
//! of a model leads there.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;

use super::absent::{GonePage, GoneTwin, MissingPage, MissingTwin};
use super::catalogue::CataloguePage;
use super::compare::ComparePage;
use super::docs::{self, DocsPage, SearchPage};
use super::figures::href;
use super::home::HomePage;
use super::maker::MakerPage;
use super::model::ModelPage;
use super::playground::PlaygroundPage;
use super::provider::ProviderPage;
use super::sheet::{HTML, JSON, MARKDOWN, PLAIN, Pressing, Sheet, XML};
use super::{Page, View, assets, crawlers};
use crate::openapi;
use crate::playground::{Known, Tried};

/// What an address came to.
pub(super) enum Written {
    Page(Arc<Sheet>),
    /// Not found or gone: said to who asks, kept for nobody.
    Absent(Arc<Sheet>),
    Elsewhere(String),
}

pub(super) type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Whether a page depends on more than its path.
pub(super) fn heeds_query(page: Page) -> bool {
    matches!(
        page,
        Page::Models | Page::ModelsTwin | Page::Compare | Page::DocsSearch | Page::Playground
    )
}

pub(super) fn page(
    view: &View<'_>,
    page: Page,
    rest: &str,
    query: &str,
    is_kept: bool,
) -> Fallible<Written> {
    let pressing = match is_kept {
        true => Pressing::Kept,
        false => Pressing::Once,
    };
    let text = |kind, text: String| -> Fallible<Written> {
        Ok(Written::Page(Arc::new(Sheet::new(
            kind,
            text.as_bytes(),
            pressing,
        )?)))
    };
    match page {
        Page::Home => paired(&HomePage::of(view), "/index.md", pressing),
        Page::HomeTwin => text(MARKDOWN, HomePage::of(view).twin().render()?),
        Page::Models => paired(&CataloguePage::of(view, query), "/models.md", pressing),
        Page::ModelsTwin => text(MARKDOWN, CataloguePage::of(view, query).twin().render()?),
        Page::ModelsJson => text(JSON, crawlers::models_json(view)),
        Page::Model => model(view, rest),
        Page::Maker => maker(view, rest),
        Page::Provider => provider(view, rest),
        Page::Compare => text(HTML, ComparePage::of(view, query).render()?),
        Page::Playground => {
            let page = PlaygroundPage::of(view, query).render()?;
            let sheet = Sheet::new(HTML, page.as_bytes(), pressing)?.scripted();
            Ok(Written::Page(Arc::new(sheet)))
        }
        Page::Docs => chapter(view, "/docs"),
        Page::DocsTwin => chapter(view, "/docs.md"),
        Page::DocsChapter => chapter(view, &format!("/docs/{rest}")),
        Page::UseCase => chapter(view, &format!("/use-cases/{rest}")),
        Page::DocsSearch => text(HTML, SearchPage::of(view, query).render()?),
        Page::OpenApi => text(JSON, openapi::document(&view.origin).to_string()),
        // Written from the gateway, before anything that is kept is looked for.
        Page::Status | Page::StatusTwin | Page::StatusJson | Page::StatusFeed => {
            Err("the status is of this moment".into())
        }
        Page::Robots => text(PLAIN, crawlers::robots(view)),
        Page::Sitemap => text(XML, crawlers::sitemap(view)),
        Page::Llms => text(PLAIN, crawlers::llms(view)?),
        Page::LlmsFull => text(PLAIN, crawlers::llms_full(view)?),
        Page::Asset => asset(view, rest),
        Page::Favicon => {
            let icon = assets::icon();
            let sheet = Sheet::new(icon.kind, &icon.content, Pressing::Kept)?;
            Ok(Written::Page(Arc::new(sheet)))
        }
    }
}

/// The playground with what came of its form. Where nobody was asked, or nobody answered, the
/// page has the status of that.
pub(super) fn played(
    view: &View<'_>,
    query: &str,
    tried: Option<Tried>,
    known: Option<Known>,
) -> Fallible<Sheet> {
    let (status, page) = match tried {
        Some(tried) => (status_of(&tried), PlaygroundPage::tried(view, tried)),
        None => (200, PlaygroundPage::of(view, query)),
    };
    let page = page.known(known).render()?;
    let sheet = Sheet::new(HTML, page.as_bytes(), Pressing::Once)?.scripted();
    Ok(sheet.with_status(StatusCode::from_u16(status)?))
}

fn status_of(tried: &Tried) -> u16 {
    let mut answers = tried.answers.iter();
    let problem = match answers.clone().all(|answer| answer.problem.is_some()) {
        true => answers.find_map(|answer| answer.problem.as_ref()),
        false => None,
    };
    let problem = tried.problem.as_ref().or(problem);
    problem.map_or(200, |problem| problem.status)
}

/// A page that names its twin.
pub(super) fn paired_sheet(
    page: &impl Template,
    twin: &str,
    pressing: Pressing,
) -> Fallible<Sheet> {
    let sheet = Sheet::new(HTML, page.render()?.as_bytes(), pressing)?;
    Ok(sheet.beside(twin, "rel=\"alternate\"; type=\"text/markdown\""))
}

fn paired(page: &impl Template, twin: &str, pressing: Pressing) -> Fallible<Written> {
    Ok(Written::Page(Arc::new(paired_sheet(page, twin, pressing)?)))
}

fn twin(page: &impl Template, of: &str) -> Fallible<Written> {
    let sheet = Sheet::new(MARKDOWN, page.render()?.as_bytes(), Pressing::Kept)?;
    Ok(Written::Page(Arc::new(
        sheet.beside(of, "rel=\"canonical\""),
    )))
}

fn model(view: &View<'_>, rest: &str) -> Fallible<Written> {
    let catalog = &view.state.catalog;
    let bare = rest.strip_suffix(".md");
    // An id that ends so itself is the page and not a twin.
    let (id, is_twin) = match (view.listing.get(rest), bare) {
        (None, Some(bare)) => (bare, true),
        (Some(_), _) | (None, None) => (rest, false),
    };
    let Some(model) = view.listing.find(catalog, id) else {
        let page = MissingPage::model(view, id);
        return absent(
            &page,
            &MissingTwin { page: &page },
            is_twin,
            StatusCode::NOT_FOUND,
        );
    };
    let path = href("/models/", &model.id);
    if model.id != id {
        let suffix = if is_twin { ".md" } else { "" };
        return Ok(Written::Elsewhere(format!("{path}{suffix}")));
    }
    if model.is_retired() {
        let page = GonePage::of(view, model).ok_or("a model without offers")?;
        return absent(&page, &GoneTwin { page: &page }, is_twin, StatusCode::GONE);
    }
    let page = ModelPage::of(view, model).ok_or("a model without a price")?;
    match is_twin {
        true => twin(&page.twin(), &path),
        false => paired(&page, &format!("{path}.md"), Pressing::Kept),
    }
}

fn maker(view: &View<'_>, rest: &str) -> Fallible<Written> {
    let id = rest.strip_suffix(".md").unwrap_or(rest);
    let path = href("/makers/", id);
    match MakerPage::of(view, id) {
        Some(page) if id != rest => twin(&page.twin(), &path),
        Some(page) => paired(&page, &format!("{path}.md"), Pressing::Kept),
        None => nothing(view, "maker", id, id != rest),
    }
}

fn provider(view: &View<'_>, rest: &str) -> Fallible<Written> {
    let id = rest.strip_suffix(".md").unwrap_or(rest);
    let path = href("/providers/", id);
    match ProviderPage::of(view, id) {
        Some(page) if id != rest => twin(&page.twin(), &path),
        Some(page) => paired(&page, &format!("{path}.md"), Pressing::Kept),
        None => nothing(view, "provider", id, id != rest),
    }
}

fn chapter(view: &View<'_>, asked: &str) -> Fallible<Written> {
    let path = asked.strip_suffix(".md").unwrap_or(asked);
    match docs::chapter(path) {
        Some(chapter) if path != asked => {
            let text = docs::twin(view, chapter);
            let sheet = Sheet::new(MARKDOWN, text.as_bytes(), Pressing::Kept)?;
            Ok(Written::Page(Arc::new(
                sheet.beside(path, "rel=\"canonical\""),
            )))
        }
        Some(chapter) => {
            let page = DocsPage::of(view, chapter);
            paired(&page, &format!("{path}.md"), Pressing::Kept)
        }
        None => nothing(view, "page", path, path != asked),
    }
}

fn nothing(view: &View<'_>, noun: &str, id: &str, is_twin: bool) -> Fallible<Written> {
    let shown: String = id.chars().take(100).collect();
    let says = format!("There is no {noun} \u{201c}{shown}\u{201d} here.");
    let page = MissingPage::says(view, says);
    absent(
        &page,
        &MissingTwin { page: &page },
        is_twin,
        StatusCode::NOT_FOUND,
    )
}

fn absent(
    page: &impl Template,
    twin: &impl Template,
    is_twin: bool,
    status: StatusCode,
) -> Fallible<Written> {
    let (kind, text) = match is_twin {
        true => (MARKDOWN, twin.render()?),
        false => (HTML, page.render()?),
    };
    let sheet = Sheet::new(kind, text.as_bytes(), Pressing::Once)?;
    Ok(Written::Absent(Arc::new(sheet.with_status(status))))
}

/// The page for an address that means nothing.
pub(super) fn missing(view: &View<'_>) -> Fallible<Sheet> {
    let page = MissingPage::says(view, "There is no page at this address.".to_owned());
    let sheet = Sheet::new(HTML, page.render()?.as_bytes(), Pressing::Once)?;
    Ok(sheet.with_status(StatusCode::NOT_FOUND))
}

fn asset(view: &View<'_>, name: &str) -> Fallible<Written> {
    match assets::find(name) {
        Some(asset) => {
            let sheet = Sheet::new(asset.kind, &asset.content, Pressing::Kept)?;
            Ok(Written::Page(Arc::new(sheet.for_ever())))
        }
        None => Ok(Written::Absent(Arc::new(missing(view)?))),
    }
}
