//! The documentation: what it says of errors is what Vane says, every page has its twin, and
//! search finds sections without a script.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault, codec};

use crate::html::Document;
use crate::pages::{ORIGIN, fetch, page, world};

const ERRORS: &str = include_str!("../../../../docs/errors.md");

/// The rows of the first table below a heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = ERRORS.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    lines.map(cells).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn told(dialect: Dialect, fault: &Fault) -> (u16, Value) {
    let (status, body) = codec::encode_error(dialect, fault, "req_1");
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn every_kind_of_error_is_told_as_its_row_says() {
    let (kinds, cures) = (rows("Kinds"), rows("Cause and cure"));
    for kind in Kind::ALL {
        let name = format!("{kind:?}");
        let is_of = |row: &&Vec<String>| {
            row[0] == name || row[0].split([',', ' ']).any(|word| word == name)
        };
        assert!(cures.iter().any(|row| is_of(&row)), "no cure: {name}");
        let of: Vec<&Vec<String>> = kinds.iter().filter(is_of).collect();
        assert!(!of.is_empty(), "no row: {name}");
        let blame = match kind {
            Kind::Overloaded | Kind::Upstream | Kind::Protocol | Kind::Timeout => Blame::Upstream,
            Kind::Unavailable | Kind::Loop | Kind::Internal => Blame::Us,
            _ => Blame::Caller,
        };
        let fault = Fault::new(kind, blame, "why");
        let dialects = [
            (1, Dialect::OpenaiChat, "/error/type"),
            (2, Dialect::AnthropicMessages, "/error/type"),
            (3, Dialect::MistralFim, "/type"),
        ];
        for (column, dialect, place) in dialects {
            let (status, body) = told(dialect, &fault);
            let kind = body.pointer(place).and_then(Value::as_str).unwrap();
            let says = |row: &&&Vec<String>| {
                row[column].starts_with(&status.to_string()) && quoted(&row[column]).contains(&kind)
            };
            assert!(of.iter().any(|row| says(&row)), "{name}: {status} {body}");
        }
    }
}

#[test]
fn every_code_has_a_cause_and_a_cure() {
    let rows = rows("Codes");
    let known: Vec<&str> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
    for row in &rows {
        assert!(
            row.len() == 3 && row.iter().all(|cell| !cell.is_empty()),
            "{row:?}"
        );
    }
    let mut given: Vec<String> = in_the_source();
    for kind in Kind::ALL {
        for blame in [
            Blame::Caller,
            Blame::Upstream,
            Blame::ProviderKey,
            Blame::Us,
        ] {
            let fault = Fault::new(kind, blame, "why");
            for (dialect, place) in [
                (Dialect::OpenaiChat, "/error/code"),
                (Dialect::MistralFim, "/code"),
            ] {
                let (_, body) = told(dialect, &fault);
                let code = body.pointer(place).and_then(Value::as_str);
                given.extend(code.map(str::to_owned));
            }
        }
    }
    assert!(given.len() > 60, "{}", given.len());
    for code in &given {
        assert!(
            known.contains(&code.as_str()),
            "docs/errors.md lacks `{code}`"
        );
    }
    for code in known {
        assert!(
            given.iter().any(|one| one == code),
            "`{code}` is never given"
        );
    }
}

/// Codes that are given by name, in every crate.
fn in_the_source() -> Vec<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> = ["vane", "vane-dialect", "vane-ledger"]
        .map(|name| crates.join(name).join("src"))
        .to_vec();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let codes = text.split("with_code(\"").skip(1);
                found.extend(codes.map(|rest| rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
    found
}

/// The pages that the first one lists.
fn listed(document: &Document) -> Vec<String> {
    let is_one = |path: &&str| path.starts_with("/docs/") || path.starts_with("/use-cases/");
    let links = document.all("a").filter_map(|one| one.attribute("href"));
    let mut links: Vec<String> = links.filter(is_one).map(str::to_owned).collect();
    links.sort();
    links.dedup();
    links
}

/// Words alone, as a page and its twin both have them.
fn words(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.collect()
}

#[tokio::test]
async fn every_page_of_the_docs_has_a_twin_that_says_the_same() {
    let world = world().await;
    let mut connection = world.connect().await;
    let first = page(&world, "/docs").await;
    let pages = listed(&Document::read(first.text()));
    assert!(pages.len() > 25, "{pages:?}");
    for path in pages.iter().map(String::as_str).chain(["/docs"]) {
        let (html, size) = fetch(&mut connection, path).await;
        assert!(size < 40 << 10, "{path} weighs {size}");
        assert_eq!(html.header("cache-control"), Some("public, max-age=60"));
        let link = html.header("link").unwrap().to_owned();
        assert!(link.starts_with(&format!("<{path}.md>")), "{path}: {link}");
        let twin = fetch(&mut connection, &format!("{path}.md")).await.0;
        assert_eq!(
            twin.header("content-type"),
            Some("text/markdown; charset=utf-8")
        );
        let said = words(twin.text());
        let document = Document::read(html.text());
        let is_text = |name: &str| ["h1", "h2", "h3", "th", "td", "li", "p", "pre"].contains(&name);
        let text = document
            .all("div")
            .find(|one| one.has_class("docs-text"))
            .unwrap();
        for one in document.inside(text).filter(|one| is_text(&one.name)) {
            for part in &one.texts {
                assert!(
                    said.contains(&words(part)),
                    "{path}.md does not say {part:?}"
                );
            }
        }
        assert!(
            !html.text().contains("127.0.0.1:8787/"),
            "{path} names another server"
        );
        assert!(
            !twin.text().contains("](../") && !twin.text().contains(".md#)"),
            "{path}"
        );
    }
    let quickstart = page(&world, "/docs/quickstart.md").await;
    assert!(
        quickstart
            .text()
            .contains(&format!("{ORIGIN}/v1/chat/completions"))
    );
    let nowhere = page(&world, "/docs/nowhere").await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn the_docs_are_searched_without_a_script() {
    let world = world().await;
    let found = page(&world, "/docs/search?q=rotation+overlap").await;
    let document = Document::read(found.text());
    document.check();
    let links = document.all("a").filter_map(|one| one.attribute("href"));
    let first = links.filter(|href| href.starts_with("/docs/") && href.contains('#'));
    assert_eq!(first.collect::<Vec<_>>()[0], "/docs/keys#rotation");
    let field = document.all("input").next().unwrap();
    assert_eq!(field.attribute("value"), Some("rotation overlap"));
    for nothing in [
        "/docs/search",
        "/docs/search?q=",
        "/docs/search?q=%3Cscript%3E%22",
    ] {
        let reply = page(&world, nothing).await;
        Document::read(reply.text()).check();
        assert!(!reply.text().contains("<script"), "{nothing}");
    }
}
