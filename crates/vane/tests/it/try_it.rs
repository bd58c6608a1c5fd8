//! Where pages let their readers ask a model, and what they say where nothing can be asked.

use vane::config::{Config, Model};
use vane_testkit::Answer;

use crate::client::Ask;
use crate::html::Document;
use crate::pages::page;
use crate::people::{Browser, open};
use crate::playground::{form, with_free_models, world};
use crate::setup::operator_of;
use crate::world::World;

/// The value of a field of the form that leads to the playground.
fn field<'d>(document: &'d Document, name: &str) -> Option<&'d str> {
    let fields = document.all("input");
    let mut named = fields.filter(|field| field.attribute("name") == Some(name));
    named.next()?.attribute("value")
}

fn leads_to(document: &Document, address: &str) -> bool {
    let mut links = document.all("a");
    links.any(|link| link.attribute("href") == Some(address))
}

/// Nothing but one provider of one's own, with these models left.
fn only_lab(config: &mut Config, left: impl Fn(&Model) -> bool) {
    config.providers.retain(|row| row.id == "lab");
    config.providers[0].models.retain(left);
}

#[tokio::test]
async fn the_first_page_has_a_box_to_try_what_is_free() {
    let world = world().await;
    let home = world.ask(&Ask::get("/")).await.ok();
    let document = Document::read(home.text());
    document.check();
    let model = document
        .all("input")
        .find(|one| one.attribute("name") == Some("model"));
    assert_eq!(model.unwrap().attribute("value"), Some("free-m"));
    assert!(!home.text().contains("Only free models"));
    for shut in [
        World::start().await,
        World::with(|config| {
            with_free_models(config);
            config.guest.enabled = false;
        })
        .await,
    ] {
        let home = shut.ask(&Ask::get("/")).await.ok();
        assert!(!home.text().contains("action=\"/playground\""));
        assert!(home.text().contains("Sign in to ask a model here."));
    }
    let free = World::with(|config| {
        with_free_models(config);
        config.providers.retain(|row| row.id == "lab");
        config.providers[0].models.retain(|model| model.free);
    })
    .await;
    let home = free.ask(&Ask::get("/")).await.ok();
    assert!(home.text().contains("Only free models"));
}

#[tokio::test]
async fn the_page_of_a_free_model_asks_it_and_of_another_leads_to_the_door_with_its_credit() {
    let world = World::with(|config| {
        with_free_models(config);
        open(config);
    })
    .await;
    world.fake.always(Answer::text("From the page."));
    for (model, mode) in [("free-m", "chat"), ("free-e", "embeddings")] {
        let shown = page(&world, &format!("/models/{model}")).await.ok();
        let document = Document::read(shown.text());
        document.check();
        assert_eq!(document.all("script").count(), 0, "a page to read");
        assert_eq!(field(&document, "model"), Some(model));
        assert_eq!(field(&document, "mode"), Some(mode));
    }
    let answered = world.ask(&form("mode=chat&model=free-m&prompt=Hi")).await;
    assert!(answered.ok().text().contains("From the page."));

    let shown = page(&world, "/models/gpt-m").await.ok();
    let document = Document::read(shown.text());
    document.check();
    assert_eq!(field(&document, "model"), None, "{}", shown.text());
    assert!(shown.text().contains("$5 of free credit"));
    let door = "/login?to=%2Fplayground%3Fmode%3Dchat%26model%3Dgpt-m";
    assert!(leads_to(&document, door) && leads_to(&document, "/signup"));
    let twin = page(&world, "/models/gpt-m.md").await.ok();
    assert!(twin.text().contains("$5 of free credit"));
    // Who signs in there finds the model in the form.
    let (email, role) = ("ann@example.com", vane_ledger::Role::Member);
    let mut ann = Browser::of(&world, world.account, email, role).await;
    let to = ann.get(&world, door).await;
    let to = to.header("location").unwrap().to_owned();
    let found = ann.get(&world, &to).await.ok();
    let document = Document::read(found.text());
    assert_eq!(field(&document, "model"), Some("gpt-m"));
}

#[tokio::test]
async fn a_playground_without_a_free_model_says_what_to_do_and_has_no_empty_field() {
    let world = World::with(open).await;
    let shown = page(&world, "/playground").await.ok();
    let document = Document::read(shown.text());
    document.check();
    let said = shown.text();
    assert!(said.contains("No model here is free") && said.contains("$5 of free credit"));
    assert!(leads_to(&document, "/signup") && leads_to(&document, "/docs/playground"));
    assert!(!field(&document, "model").unwrap().is_empty());
    let mut sends = document.all("button");
    assert!(sends.any(|one| one.attribute("disabled").is_some()));
}

#[tokio::test]
async fn a_playground_where_nothing_answers_says_what_to_do() {
    let world = World::with(|config| {
        with_free_models(config);
        let at = config.providers.iter().position(|row| row.id == "lab");
        let mut lab = config.providers.remove(at.unwrap());
        lab.api_key = None;
        config.providers.clear();
        config.keyless = vec![lab];
    })
    .await;
    let shown = page(&world, "/playground").await.ok();
    let document = Document::read(shown.text());
    document.check();
    assert!(shown.text().contains("No model answers here yet"));
    assert!(leads_to(&document, "/login?to=/admin/providers"));
    assert_eq!(
        document.all("form").count() + document.all("script").count(),
        0
    );
    let home = page(&world, "/").await.ok();
    assert!(!home.text().contains("id=\"try\""));
    let mut op = operator_of(&world).await;
    let shown = op.get(&world, "/playground").await.ok();
    assert!(leads_to(&Document::read(shown.text()), "/admin/providers"));
    // Nothing to paste is shown that nobody would answer.
    for path in ["/console", "/setup/live"] {
        let shown = op.get(&world, path).await.ok();
        assert!(shown.text().contains("No model answers here yet"), "{path}");
        assert!(!shown.text().contains("curl"), "{path}: {}", shown.text());
    }
    let made = op.send(&world, "/setup/key", &[]).await.ok();
    assert!(!made.text().contains("curl") && made.text().contains("sk-vane-"));
}

#[tokio::test]
async fn where_only_a_model_that_fills_in_answers_the_pages_ask_for_that() {
    let world = World::with(|config| {
        only_lab(config, |model| model.id == "lab-m");
        config.providers[0].models[0] = Model {
            id: "lab-m".to_owned(),
            like: Some("mercury-edit-2".to_owned()),
            ..Model::default()
        };
    })
    .await;
    let mut op = operator_of(&world).await;
    let shown = op.get(&world, "/playground").await.ok();
    let document = Document::read(shown.text());
    assert_eq!(field(&document, "mode"), Some("fim"));
    assert_eq!(field(&document, "model"), Some("lab-m"));
    let shown = op.get(&world, "/playground?mode=chat").await.ok();
    let document = Document::read(shown.text());
    document.check();
    assert!(shown.text().contains("no model here does that"));
    assert!(leads_to(&document, "/playground?mode=fim"));
    let made = op.send(&world, "/setup/key", &[]).await.ok();
    let said = made.text();
    assert!(said.contains("/v1/fim/completions"), "{said}");
    let home = page(&world, "/").await.ok();
    assert!(home.text().contains("needs a provider"), "{}", home.text());
}
