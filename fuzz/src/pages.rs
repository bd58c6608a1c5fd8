//! What browsers send to pages, and what pages are made of: forms, queries, cookies, Markdown.

use std::sync::LazyLock;

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use vane::config::{Config, Environment};
use vane::form::Form;
use vane::people::Cookie;
use vane::playground;
use vane::site::inputs;
use vane_catalog::{Catalog, Money};

/// A day on which the catalogue's prices hold.
const AT: i64 = 1_796_000_000;

/// A form is read in one way or refused, and the playground asks for what it says.
pub fn form(bytes: &[u8]) {
    let Ok(form) = Form::parse(bytes) else { return };
    let twice = [bytes, b"&", bytes].concat();
    let is_empty = bytes.iter().all(|byte| *byte == b'&');
    assert!(
        is_empty || Form::parse(&twice).is_err(),
        "a field stands twice"
    );
    let Ok(call) = playground::call_of(&form) else {
        return;
    };
    assert_eq!(call["model"].as_str(), Some(form.text("model")));
    let asked = ["messages", "prompt", "input"];
    let asked = asked.iter().filter(|name| call.get(name).is_some());
    assert_eq!(asked.count(), 1, "{call}");
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| match Catalog::embedded() {
    Ok(catalog) => catalog,
    Err(faults) => panic!("the embedded catalogue does not load: {faults:?}"),
});

/// A query means one table, whose address means it again, and costs that are none or not below zero.
pub fn query(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    let address = inputs::table_address(&query);
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>`\\".contains(&byte);
    assert!(address.bytes().all(plain), "{address}");
    let Some((_, own)) = address.split_once('?') else {
        panic!("{address} says nothing");
    };
    assert_eq!(inputs::table_address(own), address);
    let offer = CATALOG.offer("magistral-medium-latest");
    if let Some(offer) = offer {
        let (one, all) = inputs::workload_cost(&query, offer, AT);
        assert!(one.into_iter().chain(all).all(|cost| cost >= Money::ZERO));
    }
    for found in inputs::found(&query) {
        assert!(found.starts_with('/'), "{found}");
    }
}

/// Plain and behind TLS, which names its cookies otherwise.
static SITES: LazyLock<[Config; 2]> = LazyLock::new(|| {
    ["", "[site]\nurl = \"https://vane.example\"\n"].map(|file| {
        let reading = Config::read_text("vane.toml", file, &Environment::default());
        match reading.config {
            Some(config) => config,
            None => panic!("{:?}", reading.problems),
        }
    })
});

/// What a cookie says is a token, letter by letter, or nothing; each is of one use and one kind of site.
pub fn cookie(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        match HeaderValue::from_bytes(line) {
            Ok(line) => headers.append(COOKIE, line),
            Err(_) => return,
        };
    }
    let said = String::from_utf8_lossy(bytes);
    let names = [["vane", "vane-link"], ["__Host-vane", "__Host-vane-link"]];
    for (site, names) in SITES.iter().zip(names) {
        for (cookie, name) in [Cookie::Session, Cookie::Link].into_iter().zip(names) {
            let Some(token) = cookie.read(site, &headers) else {
                continue;
            };
            let pair = format!("{name}={}", token.expose());
            assert!(said.contains(&pair), "{pair} is not in {said:?}");
            assert!(token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}

const ELEMENTS: &str = " p h1 h2 h3 h4 h5 h6 a code pre blockquote ul ol li table caption thead tbody tr th td em strong div span figure figcaption ";
const EMPTY: &str = " br hr ";
const ATTRIBUTES: &str = " id href class scope start tabindex ";

/// A text becomes HTML whose every element is one of ours and is closed, and a twin.
pub fn document(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (html, twin) = inputs::document("docs/keys.md", &text);
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else {
            panic!("a tag without an end: <{tag}");
        };
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = format!(" {name} ");
        if !EMPTY.contains(&known) {
            assert!(ELEMENTS.contains(&known), "<{tag}>");
            open.push(name);
        }
        check_attributes(attributes);
    }
    assert_eq!(open, [""; 0], "{html}");
    // Links alone are written anew, and each is no longer than an address of the site.
    assert!(twin.len() <= text.len() * 40 + 40);
}

fn check_attributes(mut rest: &str) {
    while !rest.is_empty() {
        let Some((name, value)) = rest.split_once("=\"") else {
            panic!("no attribute: {rest}");
        };
        assert!(ATTRIBUTES.contains(&format!(" {} ", name.trim())), "{name}");
        let Some((value, after)) = value.split_once('"') else {
            panic!("{name} has no end");
        };
        let leads = ["/", "#", "http://", "https://"];
        let is_address = leads.iter().any(|start| value.starts_with(start));
        assert!(name.trim() != "href" || is_address, "{value}");
        rest = after;
    }
}
