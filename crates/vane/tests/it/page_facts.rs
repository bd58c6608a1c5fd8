//! What pages of models say: prices, limits, names and costs.

use vane::config::Currency;
use vane_catalog::Factor;

use crate::client::Ask;
use crate::html::{Document, Element};
use crate::pages::{ORIGIN, links, page, world};
use crate::world::World;

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
    let badges = document.all("ul").find(|one| one.has_class("badges"));
    assert!(document.inside(badges.unwrap()).count() > 2);
    assert!(text.contains("Prices as of ") && text.contains("Last updated "));
    let rows: Vec<_> = document.all("th").map(|one| document.inner(one)).collect();
    for row in [
        "Developer",
        "Category",
        "Tags",
        "Context window",
        "Average latency, measured here",
    ] {
        assert!(rows.iter().any(|known| known == row), "{row}: {rows:?}");
    }
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
}

#[tokio::test]
async fn what_sources_state_differently_stands_beside_its_source() {
    let world = world().await;
    for (id, line) in [
        (
            "magistral-medium-latest",
            "| Price per 1M tokens | $1.50 in, $7.50 out | litellm@1.109.1 (2026-11-12) |",
        ),
        (
            "magistral-small-latest",
            "| Price per 1M tokens | $0.15 in, $0.60 out | litellm@1.109.1 (2026-11-12) |",
        ),
        (
            "codestral-latest",
            "| Context window | 128,000 tokens | mistral-docs@222f4ba (2026-08-21) |",
        ),
        (
            "codestral-latest",
            "| Context window | 256,000 tokens | shown here: keeprouter-pages (2026-07-05) |",
        ),
        (
            "codestral-latest",
            "| Sliding window | none | the configuration published with the weights |",
        ),
    ] {
        let twin = page(&world, &format!("/models/{id}.md")).await;
        assert!(twin.text().contains(line), "{line}");
    }
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
