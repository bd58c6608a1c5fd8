//! Markdown as HTML of our own.
//!
//! Invariants: raw HTML in a text is shown and never becomes markup; every heading has an id by
//! the rule that forges of source use, so that a link works in both places; every table has a
//! caption and scopes; a destination leads to a page of the site, away from it, or nowhere.

use std::collections::BTreeMap;

use pulldown_cmark::{
    Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd,
};

use super::highlight;
use super::link::{self, Target};
use crate::site::chart::escaped;

/// A heading below the title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) level: HeadingLevel,
    pub(crate) id: String,
    pub(crate) text: String,
}

/// What stands below one heading, as plain words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Section {
    /// Empty for what stands below the title.
    pub(crate) id: String,
    pub(crate) heading: String,
    pub(crate) text: String,
}

#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) html: String,
    pub(crate) headings: Vec<Heading>,
    pub(crate) sections: Vec<Section>,
}

pub(super) fn options() -> Options {
    Options::ENABLE_TABLES
}

/// Renders a text whose links stand in `file`.
pub(super) fn markdown(file: &str, text: &str) -> Rendered {
    let mut writer = Writer {
        file,
        out: String::with_capacity(text.len() * 2),
        done: Rendered::default(),
        ids: BTreeMap::new(),
        held: Vec::new(),
        links: Vec::new(),
        table: Table::default(),
        code: None,
    };
    writer.done.sections.push(Section::default());
    let mut events = Parser::new_ext(text, options()).peekable();
    while let Some(event) = events.next() {
        if let Event::Start(Tag::Link { dest_url, .. }) = &event {
            let name = match events.peek() {
                Some(Event::Text(said)) => named(file, dest_url, said),
                _ => None,
            };
            writer.event(event);
            if let Some(title) = name {
                events.next();
                writer.event(Event::Text(CowStr::Borrowed(title)));
            }
            continue;
        }
        writer.event(event);
    }
    writer.done.html = writer.out;
    writer.done
}

/// A link that is called by its file's name is called by its page's title here.
pub(super) fn named(file: &str, destination: &str, said: &str) -> Option<&'static str> {
    let path = destination.split('#').next().unwrap_or(destination);
    let is_file_name = said.ends_with(".md") && path.ends_with(said);
    is_file_name
        .then(|| link::page(file, path).map(super::chapters::Chapter::title))
        .flatten()
}

struct Writer<'w> {
    file: &'w str,
    out: String,
    done: Rendered,
    ids: BTreeMap<String, usize>,
    /// Where buffered parts began: headings, cells.
    held: Vec<usize>,
    /// For each open link, whether it has a tag.
    links: Vec<bool>,
    table: Table,
    /// The words after the fence of a block of code.
    code: Option<(String, String)>,
}

#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    in_head: bool,
    head: Vec<String>,
    row: Vec<String>,
    body: String,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code.is_some() => {
                if let Some((_, code)) = &mut self.code {
                    code.push_str(&text);
                }
            }
            // Raw HTML is words like any other.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.out += &escaped(&text);
                self.say(&text);
            }
            Event::Code(text) => {
                self.out += &format!("<code>{}</code>", escaped(&text));
                self.say(&text);
            }
            Event::SoftBreak => {
                self.out.push('\n');
                self.say(" ");
            }
            Event::HardBreak => self.out += "<br>",
            Event::Rule => self.out += "<hr>\n",
            // Extensions that are not switched on.
            Event::FootnoteReference(_)
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.out += "<p>",
            Tag::Heading { .. } | Tag::TableCell => self.held.push(self.out.len()),
            Tag::BlockQuote(_) => self.out += "<blockquote>\n",
            Tag::CodeBlock(kind) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((info, String::new()));
            }
            Tag::List(None) => self.out += "<ul>\n",
            Tag::List(Some(1)) => self.out += "<ol>\n",
            Tag::List(Some(first)) => self.out += &format!("<ol start=\"{first}\">\n"),
            Tag::Item => self.out += "<li>",
            Tag::Table(alignments) => {
                self.table = Table {
                    alignments,
                    ..Table::default()
                };
            }
            Tag::TableHead => self.table.in_head = true,
            Tag::Emphasis => self.out += "<em>",
            Tag::Strong => self.out += "<strong>",
            Tag::Link { dest_url, .. } => {
                let target = link::target(self.file, &dest_url);
                if let Target::Address(address) = &target {
                    self.out += &format!("<a href=\"{}\">", escaped(address));
                }
                self.links.push(target != Target::Elsewhere);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.out += "</p>\n",
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::BlockQuote(_) => self.out += "</blockquote>\n",
            TagEnd::CodeBlock => self.block(),
            TagEnd::List(true) => self.out += "</ol>\n",
            TagEnd::List(false) => self.out += "</ul>\n",
            TagEnd::Item => self.out += "</li>\n",
            TagEnd::TableCell => {
                let cell = self.held.pop().map(|at| self.out.split_off(at));
                let cell = cell.unwrap_or_default();
                self.say(" ");
                match self.table.in_head {
                    true => self.table.head.push(cell),
                    false => self.table.row.push(cell),
                }
            }
            TagEnd::TableHead => self.table.in_head = false,
            TagEnd::TableRow => self.table.end_row(),
            TagEnd::Table => self.table(),
            TagEnd::Emphasis => self.out += "</em>",
            TagEnd::Strong => self.out += "</strong>",
            TagEnd::Link => {
                let closes = self.links.pop() == Some(true);
                self.out += if closes { "</a>" } else { "" };
            }
            _ => {}
        }
        if matches!(tag, TagEnd::Paragraph | TagEnd::Item | TagEnd::TableRow) {
            self.say(" ");
        }
    }

    /// Puts words into the section that is being written.
    fn say(&mut self, words: &str) {
        if let Some(section) = self.done.sections.last_mut() {
            section.text += words;
        }
    }

    fn heading(&mut self, level: HeadingLevel) {
        let inner = self.held.pop().map(|at| self.out.split_off(at));
        let inner = inner.unwrap_or_default();
        let text = plain(&inner);
        if level == HeadingLevel::H1 {
            self.out += &format!("<h1>{inner}</h1>\n");
            return;
        }
        let id = self.id(&text);
        self.out += &format!("<{level} id=\"{id}\"><a href=\"#{id}\">{inner}</a></{level}>\n");
        self.done.sections.push(Section {
            id: id.clone(),
            heading: text.clone(),
            text: String::new(),
        });
        self.done.headings.push(Heading { level, id, text });
    }

    /// Small letters, hyphens for spaces, no punctuation; a number after one that was there.
    fn id(&mut self, text: &str) -> String {
        let kept = text.to_lowercase();
        let kept = kept.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
            _ => None,
        });
        let id: String = kept.collect();
        let seen = self.ids.entry(id.clone()).or_default();
        *seen += 1;
        match *seen {
            1 => id,
            n => format!("{id}-{}", n - 1),
        }
    }

    fn block(&mut self) {
        let Some((info, code)) = self.code.take() else {
            return;
        };
        let mut words = info.split_whitespace();
        let language = words.next().unwrap_or_default();
        let plain_name = language.chars().all(char::is_alphanumeric);
        let class = match language {
            language if !language.is_empty() && plain_name => {
                format!(" class=\"language-{language}\"")
            }
            _ => String::new(),
        };
        let code = highlight::code(language, code.trim_end_matches('\n'));
        let block = format!("<pre tabindex=\"0\"><code{class}>{code}</code></pre>\n");
        self.out += &match words.next() {
            Some("answer") => {
                format!("<figure class=\"code\"><figcaption>Answer</figcaption>{block}</figure>\n")
            }
            _ => block,
        };
    }

    fn table(&mut self) {
        let table = std::mem::take(&mut self.table);
        let about = self.done.headings.last();
        let caption = about.map_or_else(|| "Overview".to_owned(), |about| escaped(&about.text));
        self.out += "<div class=\"scroll\" tabindex=\"0\">\n<table>\n";
        self.out += &format!("<caption class=\"unseen\">{caption}</caption>\n");
        if table.head.iter().any(|cell| !cell.is_empty()) {
            self.out += "<thead><tr>";
            for (at, cell) in table.head.iter().enumerate() {
                self.out += &table.cell(at, cell, "col");
            }
            self.out += "</tr></thead>\n";
        }
        self.out += &format!("<tbody>\n{}</tbody>\n</table>\n</div>\n", table.body);
    }
}

impl Table {
    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        self.body += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            let cell = self.cell(at, cell, if at == 0 { "row" } else { "" });
            self.body += &cell;
        }
        self.body += "</tr>\n";
    }

    /// A cell; one that says nothing heads nothing.
    fn cell(&self, at: usize, cell: &str, scope: &str) -> String {
        let class = match self.alignments.get(at) {
            Some(Alignment::Right) => " class=\"n\"",
            _ => "",
        };
        match scope {
            scope if !scope.is_empty() && !cell.is_empty() => {
                format!("<th scope=\"{scope}\"{class}>{cell}</th>")
            }
            _ => format!("<td{class}>{cell}</td>"),
        }
    }
}

/// The words of our own HTML.
fn plain(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out += before;
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    out += rest;
    let out = out.replace("&lt;", "<").replace("&gt;", ">");
    out.replace("&quot;", "\"").replace("&amp;", "&")
}
