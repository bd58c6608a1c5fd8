//! A strict reader of HTML: what a browser would forgive is a fault here.
//!
//! It knows the elements that our pages use and no others. Invariant: a page that it reads is
//! well formed, and its ids, labels, headings and tables are what assistive programs rely on.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// The texts directly inside, unescaped and trimmed.
    pub(crate) texts: Vec<String>,
    parent: Option<usize>,
    at: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) elements: Vec<Element>,
}

const VOID: [&str; 4] = ["meta", "link", "input", "br"];
const BLOCKS: [&str; 16] = [
    "p", "div", "section", "ul", "ol", "dl", "table", "pre", "form", "h1", "h2", "h3", "details",
    "figure", "nav", "header",
];
const KNOWN: &[&str] = &[
    "html",
    "head",
    "meta",
    "title",
    "link",
    "body",
    "a",
    "header",
    "nav",
    "ul",
    "ol",
    "li",
    "main",
    "footer",
    "div",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "section",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "form",
    "label",
    "input",
    "select",
    "option",
    "datalist",
    "button",
    "span",
    "code",
    "pre",
    "figure",
    "figcaption",
    "dl",
    "dt",
    "dd",
    "small",
    "strong",
    "details",
    "summary",
    "br",
    "svg",
    "desc",
    "path",
    "text",
    "rect",
    "g",
    "em",
    "time",
    "hr",
    "script",
    "textarea",
    "article",
    "kbd",
];

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        let classes = self.attribute("class").unwrap_or_default();
        classes.split(' ').any(|one| one == class)
    }
}

impl Document {
    #[track_caller]
    pub(crate) fn read(page: &str) -> Self {
        let rest = page.strip_prefix("<!doctype html>").expect("a doctype");
        let mut document = Self::default();
        let mut open: Vec<usize> = Vec::new();
        let mut rest = rest;
        while let Some(at) = rest.find('<') {
            document.text(&open, &rest[..at]);
            let end = rest[at..].find('>').expect("a tag ends") + at;
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                let top = open.pop().expect("a tag closes one that is open");
                assert_eq!(document.elements[top].name, name, "closes another: {tag}");
            } else {
                document.open(&mut open, tag);
            }
        }
        assert!(open.is_empty() && rest.trim().is_empty(), "all is closed");
        document
    }

    fn text(&mut self, open: &[usize], text: &str) {
        let text = unescaped(text.trim());
        if !text.is_empty() {
            let top = *open.last().expect("no text outside of the page");
            self.elements[top].texts.push(text);
        }
    }

    fn open(&mut self, open: &mut Vec<usize>, tag: &str) {
        let (tag, closed) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
        assert!(KNOWN.contains(&name), "unknown element <{tag}>");
        let in_svg = open.iter().any(|at| self.elements[*at].name == "svg");
        assert!(!closed || in_svg, "<{tag}/> is no HTML");
        let in_p = open.iter().any(|at| self.elements[*at].name == "p");
        assert!(!(in_p && BLOCKS.contains(&name)), "<{name}> inside <p>");
        self.elements.push(Element {
            name: name.to_owned(),
            attributes: attributes_of(attributes),
            texts: Vec::new(),
            parent: open.last().copied(),
            at: self.elements.len(),
        });
        if !VOID.contains(&name) && !closed {
            open.push(self.elements.len() - 1);
        }
    }

    pub(crate) fn all<'d>(&'d self, name: &'d str) -> impl Iterator<Item = &'d Element> {
        self.elements.iter().filter(move |one| one.name == name)
    }

    pub(crate) fn ancestors<'d>(&'d self, of: &Element) -> impl Iterator<Item = &'d Element> {
        let first = of.parent.map(|at| &self.elements[at]);
        std::iter::successors(first, |one| one.parent.map(|at| &self.elements[at]))
    }

    /// The elements inside one: they follow it.
    pub(crate) fn inside<'d>(&'d self, of: &'d Element) -> impl Iterator<Item = &'d Element> {
        let after = self.elements[of.at + 1..].iter();
        after.take_while(|one| self.ancestors(one).any(|above| above.at == of.at))
    }

    /// All text inside an element.
    pub(crate) fn inner(&self, of: &Element) -> String {
        let mut words = of.texts.clone();
        words.extend(self.inside(of).flat_map(|one| one.texts.clone()));
        words.join(" ")
    }

    /// What assistive programs, and the policy of our pages, rely on.
    #[track_caller]
    pub(crate) fn check(&self) {
        let count = |name| self.all(name).count();
        for once in ["title", "main", "h1", "header", "footer"] {
            let wanted = count(once) == 1 || (once == "title" && count(once) >= 1);
            assert!(wanted, "{} of <{once}>", count(once));
        }
        self.check_ids();
        self.check_headings();
        for one in &self.elements {
            let banned = |name: &str| name == "style" || name.starts_with("on");
            assert!(!one.attributes.keys().any(|name| banned(name)), "{one:?}");
            let loads = ["src", "srcset", "poster", "data"];
            let is_ours = |at: &str| one.name == "script" && at.starts_with("/assets/");
            assert!(
                loads
                    .iter()
                    .all(|name| one.attribute(name).is_none_or(is_ours)),
                "{one:?}"
            );
            match one.name.as_str() {
                "link" if one.attribute("rel") != Some("canonical") => {
                    assert!(one.attribute("href").unwrap().starts_with('/'), "{one:?}");
                }
                "dt" | "dd" | "p" if self.is_inside(one, "dl") => {
                    assert_ne!(one.name, "p", "a list of terms has terms: {one:?}");
                }
                "table" => self.check_table(one),
                "a" | "button" | "summary" | "h1" | "h2" | "h3" | "caption" | "title" => {
                    let said = one.attribute("aria-label").is_some() || !self.inner(one).is_empty();
                    assert!(said, "nothing is said by {one:?}");
                }
                "input" if one.attribute("type") != Some("hidden") => self.check_labelled(one),
                "select" | "textarea" => self.check_labelled(one),
                _ => {}
            }
        }
    }

    fn is_inside(&self, one: &Element, name: &str) -> bool {
        self.ancestors(one).any(|above| above.name == name)
    }

    fn check_ids(&self) {
        let ids = self.elements.iter().filter_map(|one| one.attribute("id"));
        let ids: Vec<&str> = ids.collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "an id stands twice: {ids:?}");
        for one in &self.elements {
            for name in ["aria-labelledby", "aria-describedby", "for", "list"] {
                for id in one.attribute(name).unwrap_or_default().split_whitespace() {
                    assert!(unique.contains(id), "{name} of nothing: {one:?}");
                }
            }
            if let Some(id) = one
                .attribute("href")
                .and_then(|href| href.strip_prefix('#'))
            {
                assert!(unique.contains(id), "a link to nothing: {one:?}");
            }
        }
    }

    fn check_headings(&self) {
        let mut last = 0;
        for one in &self.elements {
            if let Some(level) = one
                .name
                .strip_prefix('h')
                .and_then(|n| n.parse::<u8>().ok())
            {
                assert!(level <= last + 1, "h{level} after h{last}");
                last = level;
            }
        }
    }

    fn check_table(&self, table: &Element) {
        let of = |name| self.inside(table).filter(move |one| one.name == name);
        assert_eq!(of("caption").count(), 1, "a table has a caption");
        for head in of("th") {
            let scope = head.attribute("scope").unwrap_or_default();
            assert!(["col", "row", "rowgroup"].contains(&scope), "{head:?}");
        }
    }

    fn check_labelled(&self, field: &Element) {
        let labelled = field.attribute("aria-label").is_some()
            || self.ancestors(field).any(|above| above.name == "label");
        assert!(labelled, "no label: {field:?}");
    }
}

fn attributes_of(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ', '\n']).unwrap_or(rest.len());
        let name = &rest[..end];
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        assert!(
            !name.is_empty() && name.chars().all(plain),
            "an attribute: {text}"
        );
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(after) => {
                let end = after.find('"').expect("a quote closes");
                rest = &after[end + 1..];
                assert!(rest.is_empty() || rest.starts_with([' ', '\n']), "{text}");
                &after[..end]
            }
            None => {
                assert!(!rest.starts_with('='), "unquoted: {text}");
                ""
            }
        };
        let known = found.insert(name.to_owned(), unescaped(value));
        assert!(known.is_none(), "twice: {text}");
        rest = rest.trim_start();
    }
    found
}

/// Text without entities; one that is not known is a fault.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('&');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (entity, rest) = part.split_once(';').expect("an entity ends");
        out.push(match entity {
            "amp" | "#38" => '&',
            "lt" | "#60" => '<',
            "gt" | "#62" => '>',
            "quot" | "#34" => '"',
            "#39" => '\'',
            other => panic!("unknown entity {other}"),
        });
        out.push_str(rest);
    }
    out
}

#[test]
#[should_panic(expected = "closes another")]
fn crossed_tags_are_a_fault() {
    Document::read("<!doctype html><html><p><a>x</p></a></html>");
}

#[test]
#[should_panic(expected = "an id stands twice")]
fn a_doubled_id_is_a_fault() {
    Document::read(
        "<!doctype html><html><title>t</title><header></header><main id=\"a\"><h1 id=\"a\">b</h1></main><footer></footer></html>",
    )
    .check();
}
