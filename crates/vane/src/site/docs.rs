//! Documentation: Markdown files of the repository as pages, with their twins and a search.
//!
//! Invariants: a page and its twin are made of one file; where a file names the usual address of
//! a Vane, the page names this server's, which comes from the configuration; nothing needs a script.

pub(crate) mod chapters;
mod highlight;
mod link;
mod render;
pub(crate) mod search;
mod twin;

use askama::Template;

use super::query::Query;
use super::{Frame, View};
use chapters::{Chapter, INDEX, PARTS, Part};
use render::{Heading, Rendered};
use search::Found;

/// What the files call this server.
const USUAL: &str = "http://127.0.0.1:8787";

/// Sections that a list beside the text still helps to find.
const LISTED_MIN: usize = 2;

#[derive(Template)]
#[template(path = "docs.html")]
pub(crate) struct DocsPage {
    frame: Frame,
    parts: &'static [Part],
    path: &'static str,
    html: String,
    headings: Vec<Heading>,
    before: Option<&'static Chapter>,
    after: Option<&'static Chapter>,
}

#[derive(Template)]
#[template(path = "docs-search.html")]
pub(crate) struct SearchPage {
    frame: Frame,
    parts: &'static [Part],
    path: &'static str,
    query: String,
    found: Vec<Found>,
}

/// The page at an address, or the first one.
pub(crate) fn chapter(path: &str) -> Option<&'static Chapter> {
    match path {
        "/docs" => Some(&INDEX),
        path => chapters::at(path),
    }
}

impl DocsPage {
    pub(crate) fn of(view: &View<'_>, chapter: &'static Chapter) -> Self {
        let text = here(chapter.text(), &view.origin);
        let Rendered { html, headings, .. } = render::markdown(chapter.file, &text);
        let second = |heading: &Heading| heading.level == pulldown_cmark::HeadingLevel::H2;
        let headings: Vec<Heading> = headings.into_iter().filter(second).collect();
        let (before, after) = chapters::around(chapter.path);
        let title = format!("{} \u{00b7} Vane", chapter.title());
        Self {
            frame: Frame::new(view, chapter.path, &title, chapter.about)
                .with_twin(format!("{}.md", chapter.path)),
            parts: PARTS,
            path: chapter.path,
            html,
            headings: match headings.len() {
                few if few < LISTED_MIN => Vec::new(),
                _ => headings,
            },
            before,
            after,
        }
    }
}

impl SearchPage {
    pub(crate) fn of(view: &View<'_>, query: &str) -> Self {
        let query = Query::read(query).text("q").unwrap_or_default().to_owned();
        let about = "Search the documentation.";
        Self {
            frame: Frame::new(view, "/docs/search", "Search \u{00b7} Vane", about).unlisted(),
            parts: PARTS,
            path: "/docs/search",
            found: search::find(&query, &view.origin),
            query,
        }
    }
}

/// A text that stands in `file`, as HTML and as Markdown whose links work.
pub(super) fn written(file: &str, text: &str, origin: &str) -> (String, String) {
    let html = render::markdown(file, text).html;
    (html, twin::of(file, text, origin))
}

/// The Markdown twin of a page.
pub(crate) fn twin(view: &View<'_>, chapter: &Chapter) -> String {
    let text = here(chapter.text(), &view.origin);
    twin::of(chapter.file, &text, &view.origin)
}

/// A text that names this server.
fn here(text: &str, origin: &str) -> String {
    text.replace(USUAL, origin)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All addresses that a page has: its own, and each of its headings.
    fn addresses() -> BTreeSet<String> {
        let of = |chapter: &Chapter| {
            let rendered = render::markdown(chapter.file, chapter.text());
            let sections = rendered.headings.into_iter();
            let below = sections.map(|heading| format!("{}#{}", chapter.path, heading.id));
            below.chain([chapter.path.to_owned()]).collect::<Vec<_>>()
        };
        chapters::all().chain([&INDEX]).flat_map(of).collect()
    }

    #[test]
    fn every_link_between_pages_leads_to_a_heading_that_is_there() {
        let known = addresses();
        let mut seen = 0;
        for chapter in chapters::all().chain([&INDEX]) {
            let html = render::markdown(chapter.file, chapter.text()).html;
            for link in html.split("href=\"").skip(1) {
                let link = link.split('"').next().unwrap();
                let link = match link.strip_prefix('#') {
                    Some(id) => format!("{}#{id}", chapter.path),
                    None => link.to_owned(),
                };
                if link.starts_with("/docs/") || link.starts_with("/use-cases/") {
                    seen += 1;
                    assert!(known.contains(&link), "{}: {link}", chapter.file);
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn every_file_has_a_title_and_one_place() {
        let mut files = BTreeSet::new();
        for chapter in chapters::all() {
            assert!(files.insert(chapter.file) && files.insert(chapter.path));
            assert!(chapter.text().starts_with("# "), "{}", chapter.file);
            assert!(chapter.about.ends_with('.') && chapter.about.len() < 110);
        }
    }

    #[test]
    fn s15_markup_in_a_text_is_shown_and_does_nothing() {
        let text = "# <b>a</b>\n\n<script>alert(1)</script>\n\n`<i>` [x](javascript:alert) ![p](https://a.example/p.png)\n\n| a |\n|---|\n| <u> |\n";
        let html = render::markdown("docs/a.md", text).html;
        for tag in ["<b>", "<script", "<i>", "<u>", "javascript", "<img"] {
            assert!(!html.contains(tag), "{tag}: {html}");
        }
    }

    #[test]
    fn headings_tables_and_code_are_what_programs_that_read_aloud_need() {
        let text = "# T\n\n## A `b` & c\n\n## A b & c\n\n| | n |\n|---|--:|\n| x | 1 |\n\n```sh run\na\n```\n\n```json answer\n{}\n```\n";
        let rendered = render::markdown("docs/a.md", text);
        let ids: Vec<&str> = rendered
            .headings
            .iter()
            .map(|one| one.id.as_str())
            .collect();
        assert_eq!(ids, ["a-b--c", "a-b--c-1"]);
        for part in [
            "<caption class=\"unseen\">A b &amp; c</caption>\n<thead><tr><td></td><th scope=\"col\" class=\"n\">n</th></tr></thead>",
            "<tr><th scope=\"row\">x</th><td class=\"n\">1</td></tr>",
            "<pre tabindex=\"0\"><code class=\"language-sh\">a</code></pre>",
            "<figcaption>Answer</figcaption>",
        ] {
            assert!(rendered.html.contains(part), "{part}\n{}", rendered.html);
        }
    }
}
