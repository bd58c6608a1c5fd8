//! The public pages: what they say, how they are written, and what they weigh.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Read;
use std::sync::atomic::Ordering;

use flate2::read::GzDecoder;
use vane::config::{Config, Currency, Model, Provider};
use vane_catalog::{Date, Factor};
use vane_ledger::Clock;

use crate::client::{Ask, Connection, Reply};
use crate::html::{Document, Element};
use crate::world::World;

const ORIGIN: &str = "https://vane.example.com";

async fn world() -> World {
    World::with(|config| config.site.url = Some(ORIGIN.to_owned())).await
}

fn packed(path: &str) -> Ask {
    Ask::get(path).header("accept-encoding", "gzip")
}

/// A page and its size on the wire.
async fn fetch(connection: &mut Connection, path: &str) -> (Reply, usize) {
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

async fn page(world: &World, path: &str) -> Reply {
    fetch(&mut world.connect().await, path).await.0
}

/// The addresses below this origin that a page links to, without what follows a `#`.
fn links(document: &Document) -> BTreeSet<String> {
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
fn budget(path: &str) -> usize {
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
            assert!(reply.header(name).is_some(), "{path}: {name}");
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

#[tokio::test]
async fn the_pages_of_the_launch_models_say_what_a_request_costs() {
    let world = world().await;
    for (id, cost) in [
        ("codestral-latest", "$0.0008"),
        ("devstral-medium-latest", "$0.0014"),
        ("magistral-medium-latest", "$0.0045"),
        ("magistral-small-latest", "$0.0013"),
        ("ministral-14b-latest", "$0.0003"),
        ("ministral-8b-latest", "$0.0002"),
        ("ministral-3b-latest", "$0.0002"),
    ] {
        let sentence = format!("a 1,000-token prompt with a 500-token reply costs about {cost}");
        for path in [format!("/models/{id}"), format!("/models/{id}.md")] {
            let reply = page(&world, &path).await;
            assert!(reply.text().contains(&sentence), "{path}: {sentence}");
            assert!(reply.text().contains("Prices as of 2026-07-05"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_model_page_holds_everything_that_both_floors_ask_for() {
    let world = world().await;
    let reply = page(&world, "/models/codestral-latest").await;
    let document = Document::read(reply.text());
    for id in [
        "call",
        "brief",
        "prices",
        "providers",
        "workload",
        "history",
        "specification",
        "about",
        "differ",
        "questions",
        "guides",
        "related",
    ] {
        let mut heads = document.all("h2");
        assert!(heads.any(|head| head.attribute("id") == Some(id)), "{id}");
    }
    let languages: Vec<String> = document
        .all("summary")
        .map(|one| document.inner(one))
        .collect();
    assert_eq!(
        languages[..4],
        ["cURL", "Python", "JavaScript", "Fill-in-the-middle"]
    );
    let text = reply.text();
    for said in [
        "$0.30",
        "$0.90",
        "$0.03",
        "256k",
        "256,000 tokens",
        "128,000 tokens",
        "8,192 tokens",
        "22,247,282,688",
    ] {
        assert!(text.contains(said), "{said}");
    }
    assert!(text.contains("no traffic yet"));
    assert!(text.contains(&format!("curl {ORIGIN}/v1/chat/completions")));
    for (path, link) in [
        (
            "/models/codestral-latest",
            "rel=\"alternate\" type=\"text/markdown\" href=\"/models/codestral-latest.md\"",
        ),
        ("/", "rel=\"canonical\" href=\"https://vane.example.com/\""),
    ] {
        assert!(page(&world, path).await.text().contains(link), "{link}");
    }
}

/// Texts of a page that are facts: cells, figures, list entries and leads.
fn facts(document: &Document) -> Vec<String> {
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

fn plain(markdown: &str) -> String {
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

#[tokio::test]
async fn an_unknown_model_is_a_404_that_names_near_ones() {
    let world = world().await;
    let reply = page(&world, "/models/codestral-lates").await;
    assert_eq!(reply.status, 404);
    let document = Document::read(reply.text());
    document.check();
    assert!(links(&document).contains("/models/codestral-latest"));
    let twin = page(&world, "/models/codestral-lates.md").await;
    assert_eq!(twin.status, 404);
    assert!(twin.text().contains("(/models/codestral-latest.md)"));
    for path in [
        "/makers/nobody",
        "/providers/nobody",
        "/models/zzzzzzzzzzzz",
        "/assets/site.css",
    ] {
        let reply = page(&world, path).await;
        assert_eq!(reply.status, 404, "{path}");
        Document::read(reply.text()).check();
    }
    let person = Ask::get("/nowhere").header("accept", "text/html,*/*");
    let reply = world.ask(&person).await;
    assert_eq!(reply.status, 404);
    Document::read(reply.text()).check();
    let program = world
        .ask(&Ask::get("/nowhere").header("accept", "*/*"))
        .await;
    assert_eq!(program.json()["error"]["code"], "route_not_found");
}

#[tokio::test]
async fn a_retired_model_is_a_410_that_names_its_replacement() {
    let world = world().await;
    for path in [
        "/models/codestral-mamba-latest",
        "/models/codestral-mamba-latest.md",
    ] {
        let reply = page(&world, path).await;
        assert_eq!(reply.status, 410, "{path}");
        assert!(reply.text().contains("2025-06-06"), "{path}");
        assert!(reply.text().contains("/models/codestral-latest"), "{path}");
        assert!(reply.text().contains("$0.30"), "{path}");
    }
    let leaving = page(&world, "/models/magistral-medium-latest").await;
    assert!(leaving.text().contains("deprecated by its maker"));
    assert!(leaving.text().contains("/models/mistral-medium-3-5"));
    assert!(
        leaving.text().contains("$1.50 in, $7.50 out"),
        "the price of another source"
    );
}

#[tokio::test]
async fn another_name_of_a_model_leads_to_its_page() {
    let world = world().await;
    for (name, to) in [
        ("/models/codestral", "/models/codestral-latest"),
        ("/models/CODESTRAL-latest.md", "/models/codestral-latest.md"),
        (
            "/models/mistral/codestral-latest",
            "/models/codestral-latest",
        ),
    ] {
        let reply = page(&world, name).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (308, Some(to)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_announced_price_is_drawn_and_told() {
    let world = world().await;
    let reply = page(&world, "/models/gemini-3.6-flash").await;
    let document = Document::read(reply.text());
    let coming = |one: &&Element| one.has_class("coming");
    assert_eq!(document.all("path").filter(coming).count(), 2);
    assert!(reply.text().contains("announced, from 2027-01-01"));
    let twin = page(&world, "/models/gemini-3.6-flash.md").await;
    assert!(
        twin.text()
            .contains("| 2027-01-01 | $1.50 | $7.50 | announced |")
    );
}

#[tokio::test]
async fn all_that_an_offer_is_billed_by_is_listed() {
    let world = world().await;
    let reply = page(&world, "/models/gpt-5.4.md").await;
    for line in [
        "| standard | $2.50 | $15 | $0.25 |",
        "| input above 272,000 tokens | $5 | $22.50 | $0.50 |",
        "| batch | $1.25 | $7.50 | $0.13 |",
        "| flex, input above 272,000 tokens | $2.50 | $11.25 | $0.25 |",
        "| priority | $5 | $30 | $0.50 |",
        "- $0.01 per web search",
        "- Served in region eu: all prices of tokens times 1.1.",
    ] {
        assert!(reply.text().contains(line), "{line}: {}", reply.text());
    }
    let fee = page(&world, "/models/sonar.md").await;
    assert!(fee.text().contains("per request"), "{}", fee.text());
    let flash = page(&world, "/models/deepseek-flash.md").await;
    assert!(
        flash
            .text()
            .contains("off-peak: Mon Tue Wed Thu Fri 00:00-01:00"),
        "{}",
        flash.text()
    );
}

#[tokio::test]
async fn other_currencies_stand_beside_the_dollar_at_the_configured_rate() {
    let world = World::with(|config| {
        config.site.currencies = vec![Currency {
            code: "EUR".to_owned(),
            per_usd: Factor::parse("0.92").unwrap(),
        }];
    })
    .await;
    let twin = page(&world, "/models/codestral-latest.md").await;
    assert!(
        twin.text()
            .contains("| standard | $0.30 (0.276 EUR) | $0.90 (0.828 EUR) |"),
        "{}",
        twin.text()
    );
    assert!(twin.text().contains("EUR at 0.92 per US dollar"));
}

#[tokio::test]
async fn the_table_is_filtered_sorted_and_its_state_is_its_address() {
    let world = world().await;
    let rows = async |query: &str| {
        let reply = page(&world, &format!("/models?{query}")).await.ok();
        let document = Document::read(reply.text());
        let ids = document
            .all("input")
            .filter(|one| one.attribute("name") == Some("m"));
        let ids: Vec<String> = ids
            .map(|one| one.attribute("value").unwrap().to_owned())
            .collect();
        (ids, document, reply)
    };
    let (fim, ..) = rows("can=fim&maker=mistralai&ready=1").await;
    assert_eq!(fim, ["codestral-latest", "codestral-2508"]);
    let (cheap, ..) = rows("q=ministral&price=0.1").await;
    assert!(cheap.iter().any(|id| id == "ministral-3b-latest"));
    assert!(
        cheap.iter().all(|id| id != "ministral-8b-latest"),
        "it costs more"
    );
    let (long, document, _) = rows("context=1000000&sort=context&dir=up&maker=google").await;
    assert!(!long.is_empty());
    let sorted = document
        .all("th")
        .find(|head| head.attribute("aria-sort").is_some())
        .unwrap();
    assert_eq!(sorted.attribute("aria-sort"), Some("ascending"));
    let again = links(&document)
        .into_iter()
        .find(|link| link.contains("sort=context"))
        .unwrap();
    assert!(
        again.contains("dir=down") && again.contains("maker=google"),
        "{again}"
    );
    let (up, ..) = rows("sort=input").await;
    let (down, ..) = rows("sort=input&dir=down").await;
    assert!(up.first() != down.first() && up.len() == down.len());
    let (none, _, reply) = rows("q=nothing+like+it").await;
    assert!(none.is_empty());
    assert!(
        reply.text().contains("No model matches.") && reply.text().contains("Clear the filters")
    );
    let (odd, ..) = rows("sort=%00&dir=x&context=-1&price=abc&can=zz").await;
    assert_eq!(
        odd.len(),
        up.len(),
        "what is not understood filters nothing"
    );
}

#[tokio::test]
async fn models_are_compared_by_the_cost_of_ones_own_workload() {
    let world = world().await;
    let query = "m=codestral-latest&m=gpt-5.4&m=codestral&m=nothing-such&in=4000&out=900&cached=50&requests=20000";
    let reply = page(&world, &format!("/compare?{query}")).await.ok();
    let document = Document::read(reply.text());
    document.check();
    // 2,000 at $0.30, 2,000 at $0.03 and 900 at $0.90 per million, twenty thousand times.
    assert!(reply.text().contains("$29.40"), "{}", reply.text());
    assert!(reply.text().contains("$0.0015"));
    assert!(
        reply
            .text()
            .contains("There is no model “nothing-such” here.")
    );
    let columns = document
        .all("th")
        .filter(|head| head.attribute("scope") == Some("col"));
    assert_eq!(columns.count(), 2, "a model stands once, by whatever name");
    assert!(
        links(&document)
            .iter()
            .any(|link| link == "/compare?m=gpt-5.4&in=4000&out=900&cached=50&requests=20000")
    );
    let many: String = (0..9)
        .map(|n| format!("m=ministral-3b-latest&m=gpt-5.{n}&"))
        .collect();
    page(&world, &format!("/compare?{many}")).await.ok();
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
        assert!(is_plain || !reply.text().contains("<script"), "{path}");
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
    for path in ["/", "/models/codestral-latest", "/sitemap.xml", "/llms.txt"] {
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
