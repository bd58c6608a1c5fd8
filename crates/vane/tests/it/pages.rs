//! The public pages: what they say, how they are written, and what they weigh.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;
use std::sync::atomic::Ordering;

use flate2::read::GzDecoder;
use vane::config::{Config, Model, Provider};
use vane_catalog::Date;
use vane_ledger::Clock;

use crate::client::{Ask, Connection, Reply};
use crate::html::{Document, Element};
use crate::world::World;

pub(crate) const ORIGIN: &str = "https://vane.example.com";

pub(crate) async fn world() -> World {
    World::with(|config| config.site.url = Some(ORIGIN.to_owned())).await
}

pub(crate) fn packed(path: &str) -> Ask {
    Ask::get(path).header("accept-encoding", "gzip")
}

/// A page and its size on the wire.
pub(crate) async fn fetch(connection: &mut Connection, path: &str) -> (Reply, usize) {
    let mut reply = connection.ask(&packed(path)).await;
    let size = reply.body.len();
    if reply.header("content-encoding") == Some("gzip") {
        let mut text = Vec::new();
        GzDecoder::new(&reply.body[..])
            .read_to_end(&mut text)
            .unwrap();
        reply.body = text;
    }
    (reply, size)
}

pub(crate) async fn page(world: &World, path: &str) -> Reply {
    fetch(&mut world.connect().await, path).await.0
}

/// The addresses below this origin that a page links to, without what follows a `#`.
pub(crate) fn links(document: &Document) -> BTreeSet<String> {
    let links = document
        .elements
        .iter()
        .filter_map(|one| one.attribute("href"));
    let own = links.filter_map(|link| link.strip_prefix(ORIGIN).or(Some(link)));
    let own = own.filter(|link| link.starts_with('/'));
    own.map(|link| link.split('#').next().unwrap_or(link).to_owned())
        .collect()
}

const KB: usize = 1 << 10;

/// The most bytes that a page may weigh, as it goes over the wire; the stylesheet of a model's
/// page counts with it.
pub(crate) fn budget(path: &str) -> usize {
    match path {
        "/models" | "/models.md" => 30 * KB,
        path if path.starts_with("/models?") => 30 * KB,
        path if path.starts_with("/models/") => 14 * KB,
        _ => 60 * KB,
    }
}

#[tokio::test]
async fn every_internal_link_resolves_to_a_sound_page_within_its_budget() {
    let world = world().await;
    let mut connection = world.connect().await;
    let first = page(&world, "/").await;
    let style = Document::read(first.text());
    let style = style
        .all("link")
        .find(|link| link.attribute("rel") == Some("stylesheet"));
    let (_, style) = fetch(&mut connection, style.unwrap().attribute("href").unwrap()).await;
    let mut known: BTreeSet<String> = BTreeSet::new();
    let start = [
        "/",
        "/models",
        "/compare?m=lab-m&m=codestral-latest",
        "/robots.txt",
        "/sitemap.xml",
        "/llms-full.txt",
    ];
    let mut waiting: VecDeque<String> = start.iter().map(|path| (*path).to_owned()).collect();
    let (mut pages, mut models) = (0, 0);
    while let Some(path) = waiting.pop_front() {
        let (reply, size) = fetch(&mut connection, &path).await;
        assert_eq!(reply.status, 200, "{path}");
        let added = if path.starts_with("/models/") {
            style
        } else {
            0
        };
        assert!(
            size + added <= budget(&path),
            "{path} weighs {size} and {added}"
        );
        for name in [
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "etag",
            "cache-control",
        ] {
            // What is kept by nobody is asked for anew.
            let is_private = reply.header("cache-control") == Some("no-store") && name == "etag";
            assert!(reply.header(name).is_some() || is_private, "{path}: {name}");
        }
        if reply.header("content-type") != Some("text/html; charset=utf-8") {
            continue;
        }
        pages += 1;
        models += usize::from(path.starts_with("/models/"));
        let document = Document::read(reply.text());
        document.check();
        // Each order of the table links to all others: one step from the plain page is enough.
        let further = !path.contains('?');
        for link in links(&document).into_iter().filter(|_| further) {
            if known.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    assert!(
        models > 280 && pages > 330,
        "{models} models of {pages} pages"
    );
}

#[tokio::test]
async fn the_sitemap_and_llms_txt_name_pages_that_answer() {
    let world = world().await;
    let mut connection = world.connect().await;
    let sitemap = page(&world, "/sitemap.xml").await;
    let named = sitemap.text().split("<loc>").skip(1);
    let named: Vec<&str> = named
        .map(|rest| rest.split("</loc>").next().unwrap())
        .collect();
    assert!(named.len() > 300, "{}", named.len());
    for address in &named {
        let path = address.strip_prefix(ORIGIN).unwrap();
        assert_eq!(fetch(&mut connection, path).await.0.status, 200, "{path}");
    }
    let llms = page(&world, "/llms.txt").await;
    let links = llms.text().split("](").skip(1);
    for address in links.map(|rest| rest.split(')').next().unwrap()) {
        let path = address.strip_prefix(ORIGIN).unwrap();
        assert_eq!(fetch(&mut connection, path).await.0.status, 200, "{path}");
    }
    let robots = page(&world, "/robots.txt").await;
    assert!(
        robots
            .text()
            .contains("Sitemap: https://vane.example.com/sitemap.xml")
    );
    let full = page(&world, "/llms-full.txt").await;
    assert!(full.text().contains("Non-Production License"));
    let json = page(&world, "/models.json").await.json();
    let models = json["models"].as_array().unwrap();
    let codestral = models
        .iter()
        .find(|model| model["id"] == "codestral-latest")
        .unwrap();
    assert_eq!(codestral["offers"][0]["usd_per_million"]["input"], "0.3");
}

/// Texts of a page that are facts: cells, figures, list entries and leads.
pub(crate) fn facts(document: &Document) -> Vec<String> {
    let is_fact = |one: &&Element| {
        let outside = ["header", "footer", "nav", "form", "svg", "pre"];
        let is_said = document.ancestors(one).any(|above| above.name == "main");
        let mut above = document.ancestors(one);
        matches!(one.name.as_str(), "td" | "th" | "dd" | "li" | "a" | "span")
            && one.attribute("aria-hidden").is_none()
            && !one.has_class("key")
            && is_said
            && above.all(|above| !outside.contains(&above.name.as_str()))
            || one.has_class("lead")
    };
    let found = document.elements.iter().filter(is_fact);
    found
        .flat_map(|one| one.texts.clone())
        .filter(|text| text.chars().any(char::is_alphanumeric))
        .collect()
}

pub(crate) fn plain(markdown: &str) -> String {
    let text = markdown.replace("\\|", "|").replace("\\`", "`");
    let text = text.replace("\\[", "[").replace("\\]", "]");
    text.replace("&lt;", "<")
}

#[tokio::test]
async fn every_twin_says_what_its_page_says() {
    let world = world().await;
    let mut connection = world.connect().await;
    let models = page(&world, "/models").await;
    let pages = links(&Document::read(models.text()));
    let families = ["/models/", "/makers/", "/providers/"];
    let families = |path: &String| families.iter().any(|family| path.starts_with(family));
    let mut pairs: BTreeMap<String, String> = pages
        .into_iter()
        .filter(families)
        .map(|path| (path.clone(), format!("{path}.md")))
        .collect();
    pairs.insert("/".into(), "/index.md".into());
    pairs.insert("/models".into(), "/models.md".into());
    pairs.insert("/providers/mistral".into(), "/providers/mistral.md".into());
    assert!(pairs.len() > 290, "{}", pairs.len());
    for (path, twin) in pairs {
        let html = fetch(&mut connection, &path).await.0;
        let link = html.header("link").unwrap().to_owned();
        assert!(link.starts_with(&format!("<{twin}>")), "{path}: {link}");
        let markdown = fetch(&mut connection, &twin).await.0;
        assert_eq!(
            markdown.header("content-type"),
            Some("text/markdown; charset=utf-8")
        );
        let said = plain(markdown.text());
        for fact in facts(&Document::read(html.text())) {
            assert!(said.contains(&fact), "{twin} does not say {fact:?}");
        }
    }
}

/// Names that would be markup if any page forgot to escape.
const HOSTILE: [&str; 3] = [
    "<script>alert(1)</script>",
    "x'onfocus=alert(1)",
    "a&b|c`d[e](f)",
];

#[tokio::test]
async fn s15_names_that_are_markup_are_inert_on_every_page() {
    let hostile = |config: &mut Config| {
        let price = Some("1".to_owned());
        let model = |id: &str| Model {
            id: id.to_owned(),
            input: price.clone(),
            output: price.clone(),
            ..Model::default()
        };
        let lab = config
            .providers
            .iter_mut()
            .find(|row| row.id == "lab")
            .unwrap();
        lab.models.extend(HOSTILE.iter().map(|id| model(id)));
    };
    let world = World::with(hostile).await;
    let mut connection = world.connect().await;
    let mut paths = vec![
        "/".to_owned(),
        "/models".into(),
        "/makers/lab".into(),
        "/providers/lab".into(),
    ];
    for path in links(&Document::read(page(&world, "/makers/lab").await.text())) {
        paths.push(path);
    }
    paths.push("/models/%3Cscript%3Ealert(1)%3C/script%3E%20".into());
    paths.push("/models?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&price=%22onfocus=%22".into());
    paths.push("/compare?m=%3Cscript%3Ealert(1)%3C/script%3E&m=%22%3E%3Cscript%3E".into());
    let mut seen = 0;
    for path in paths {
        let (reply, _) = fetch(&mut connection, &path).await;
        let kind = reply.header("content-type").unwrap_or_default();
        // Plain text is shown as it is: `nosniff` keeps it so.
        let is_plain = kind.starts_with("text/plain") || kind == "application/json";
        // The playground's own is the one script there is.
        let text = reply
            .text()
            .replace("<script type=\"module\" src=\"/assets/", "");
        assert!(is_plain || !text.contains("<script"), "{path}");
        match reply.header("content-type") {
            Some("text/html; charset=utf-8") => {
                Document::read(reply.text()).check();
                seen += usize::from(
                    reply.text().contains("script&#62;") || reply.text().contains("script&gt;"),
                );
            }
            _ => continue,
        }
    }
    assert!(seen > 4, "the names were shown at all: {seen}");
    for twin in [
        "/makers/lab.md",
        "/models.md",
        "/llms.txt",
        "/llms-full.txt",
    ] {
        let (reply, _) = fetch(&mut connection, twin).await;
        assert!(reply.status == 200, "{twin}");
        assert!(
            twin == "/llms.txt" || !reply.text().contains("<script"),
            "{twin}"
        );
    }
}

#[tokio::test]
async fn s12_no_header_of_a_request_gets_into_a_page() {
    let world = World::with(|config| config.hosts = vec!["vane.example.com".to_owned()]).await;
    for path in [
        "/",
        "/models/codestral-latest",
        "/sitemap.xml",
        "/llms.txt",
        "/docs/quickstart",
        "/openapi.json",
        "/status",
    ] {
        let ask = Ask::get(path)
            .header("host", "localhost:4711")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "gopher")
            .header("referer", "https://evil.example/");
        let reply = world.ask(&ask).await.ok();
        for said in ["evil.example", "gopher", "4711"] {
            assert!(!reply.text().contains(said), "{path}: {said}");
        }
        assert!(reply.text().contains("http://vane.example.com"), "{path}");
    }
}

#[tokio::test]
async fn pages_are_kept_compressed_and_asked_for_again_by_their_tag() {
    let world = world().await;
    let path = "/models/codestral-latest";
    let small = world.ask(&packed(path)).await.ok();
    assert_eq!(small.header("content-encoding"), Some("gzip"));
    assert_eq!(small.header("vary"), Some("accept-encoding"));
    let large = world.ask(&Ask::get(path)).await.ok();
    assert_eq!(large.header("content-encoding"), None);
    assert!(large.body.len() > 3 * small.body.len());
    let tag = small.header("etag").unwrap().to_owned();
    assert_eq!(large.header("etag"), Some(tag.as_str()));
    let again = world
        .ask(&Ask::get(path).header("if-none-match", &tag))
        .await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = world
        .ask(&Ask::get(path).header("if-none-match", "\"x\""))
        .await;
    assert_eq!(other.status, 200);
    let head = world.ask(&Ask::new("HEAD", path)).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), Some(tag.as_str()));
    for method in ["POST", "DELETE"] {
        let reply = world.ask(&Ask::new(method, path)).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some("GET, HEAD"))
        );
    }
    let document = Document::read(large.text());
    let style = document
        .all("link")
        .find(|link| link.attribute("rel") == Some("stylesheet"));
    let style = world
        .ask(&Ask::get(style.unwrap().attribute("href").unwrap()))
        .await
        .ok();
    assert_eq!(
        style.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let policy = large.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[tokio::test]
async fn the_icon_is_where_browsers_look_for_it_unasked() {
    let world = world().await;
    let icon = page(&world, "/favicon.ico").await.ok();
    assert_eq!(icon.header("content-type"), Some("image/svg+xml"));
    assert!(icon.text().starts_with("<svg"), "{}", icon.text());
}

#[tokio::test]
async fn a_reload_and_a_new_day_show_on_the_pages() {
    let world = world().await;
    let before = page(&world, "/models/gemini-3.6-flash.md").await;
    assert!(before.text().contains("| standard | $0.75 |"));
    let Clock::Manual(hand) = &world.gateway.clock else {
        unreachable!("tests hold the clock")
    };
    let new_year = Date::parse("2027-01-01").unwrap().starts_at();
    hand.store(new_year, Ordering::Relaxed);
    let after = page(&world, "/models/gemini-3.6-flash.md").await;
    assert!(
        after.text().contains("| standard | $1.50 |"),
        "{}",
        after.text()
    );
    let mut config = world.gateway.state().config.clone();
    config.providers.retain(|row: &Provider| row.id != "google");
    world
        .gateway
        .replace(vane::gateway::State::new(config).unwrap());
    let off = page(&world, "/models/gemini-3.6-flash.md").await;
    assert!(
        off.text().contains("needs GEMINI_API_KEY"),
        "{}",
        off.text()
    );
}

#[tokio::test]
async fn five_hundred_models_weigh_thirty_kilobytes_at_most() {
    let world = World::with(|config| {
        let lab = config
            .providers
            .iter_mut()
            .find(|row| row.id == "lab")
            .unwrap();
        for n in 0..230_u64 {
            lab.models.push(Model {
                id: format!("own-model-{}-{n}", n * 7_919 % 1_000),
                input: Some(format!("0.{}", 1 + n * 37 % 997)),
                output: Some(format!("{}.{}", n % 9, 1 + n * 53 % 991)),
                context_window: Some(8_000 + n * 1_009),
                max_output: Some(1_000 + n * 97),
                tools: n % 2 == 0,
                vision: n % 3 == 0,
                ..Model::default()
            });
        }
    })
    .await;
    let (reply, size) = fetch(&mut world.connect().await, "/models").await;
    let rows = reply.text().matches("name=\"m\"").count();
    assert!(rows > 500, "{rows}");
    assert!(size <= 30 * KB, "{size}");
    let (_, sorted) = fetch(&mut world.connect().await, "/models?sort=input").await;
    assert!(sorted <= 30 * KB, "{sorted}");
}
