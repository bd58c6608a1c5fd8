//! A machine with nothing on it but the model that is part of the program: what its pages show to be
//! asked is answered, and who comes by may ask.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Ask;
use crate::html::Document;
use crate::people::key_on;
use crate::playground::form;
use crate::setup::operator_of;
use crate::world::{Folder, World, read};

const FIM: &str = "/v1/fim/completions";
const BEFORE: &str = "syntax = \"proto3\";\n\nmessage Book {\n  string name = 1;\n  string ";
const AFTER: &str = " = 2;\n}\n";

/// What an empty configuration switches on.
async fn fresh() -> World {
    let folder = Folder::new();
    let program = env!("CARGO_BIN_EXE_vane");
    let found = read(&folder, &format!("[engine]\nprogram = {program:?}\n"), &[]).unwrap();
    World::with(|config| {
        config.engine = found.engine;
        config.local = found.local;
        config.providers = found.providers;
    })
    .await
}

/// What fills a gap, as the key of a program is told it.
async fn filled(world: &World, key: &str, body: &str) -> String {
    let reply = world.ask(&Ask::post(FIM, body).key(key)).await.ok();
    let text = &reply.json()["choices"][0]["message"]["content"];
    let text = text.as_str().unwrap();
    assert!(!text.trim().is_empty(), "{}", reply.text());
    text.to_owned()
}

/// A field as a browser sends it.
fn encoded((name, value): (&&str, &&str)) -> String {
    let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{name}={value}")
}

#[tokio::test]
async fn the_console_shows_a_gap_that_the_programs_own_model_knows() {
    let world = fresh().await;
    let mut op = operator_of(&world).await;
    let made = op.send(&world, "/setup/key", &[]).await.ok();
    let key = key_on(made.text());
    let waiting = op.get(&world, "/setup/live").await.ok();
    let console = op.get(&world, "/console").await.ok();
    let made = (made, key.as_str());
    for (page, key) in [made, (waiting, "$VANE_KEY"), (console, "$VANE_KEY")] {
        let document = Document::read(page.text());
        let mut texts = document.all("code").flat_map(|code| &code.texts);
        let call = texts.find(|text| text.starts_with("curl ")).unwrap();
        assert!(call.contains(&format!("{FIM} \\\n")), "{call}");
        assert!(call.contains(&format!("Bearer {key}\"")), "{call}");
        let body = call.split('\'').nth(1).unwrap();
        let asked: Value = serde_json::from_str(body).unwrap();
        assert_eq!(asked["model"], "vane-tiny");
        let before = asked["prompt"].as_str().unwrap();
        assert!(before.starts_with("syntax = \"proto3\";"), "{before}");
        filled(&world, &world.key, body).await;
    }
    let page = world.ask(&Ask::get("/models/vane-tiny.md")).await.ok();
    assert!(page.text().contains("ListBooksRequest") && !page.text().contains("def add"));
}

#[tokio::test]
async fn a_guest_fills_a_gap_by_form_and_sees_the_receipt() {
    let world = fresh().await;
    let page = world.ask(&Ask::get("/playground?mode=fim")).await.ok();
    let document = Document::read(page.text());
    let typed = [
        ("prompt", BEFORE),
        ("suffix", AFTER),
        ("max_tokens", "24"),
        ("temperature", "0"),
    ];
    let inputs = document.all("input").filter_map(|input| {
        let name = input.attribute("name")?;
        Some((name, input.attribute("value").unwrap_or_default()))
    });
    let filled_in: BTreeMap<&str, &str> = inputs.chain(typed).collect();
    assert_eq!(filled_in["model"], "vane-tiny");
    let fields: Vec<String> = filled_in.iter().map(encoded).collect();
    let body = fields.join("&");
    let page = world.ask(&form(&body)).await.ok();
    let document = Document::read(page.text());
    document.check();

    let same = json!({"model": "vane-tiny", "prompt": BEFORE, "suffix": AFTER, "max_tokens": 24,
        "temperature": 0});
    let expected = filled(&world, &world.key, &same.to_string()).await;
    let article = document.all("article").next().unwrap();
    let said = document.inside(article).find(|one| one.has_class("said"));
    assert_eq!(said.unwrap().texts, [expected.trim()], "{}", page.text());
    assert!(page.text().contains("at local"), "{}", page.text());

    let caption = document.all("caption").next().unwrap().texts[0].clone();
    let id = caption.strip_prefix("Receipt ").unwrap();
    let id = id.strip_suffix(": $0 charged").unwrap();
    let store = &world.gateway.store;
    let guest = store.find_account("guest").unwrap().unwrap();
    let receipt = store.receipt(Some(guest.id), id).unwrap().unwrap();
    let attempt = &receipt.settlement.attempts[0];
    assert_eq!((&*attempt.provider, &*attempt.fault), ("local", ""));
    let quantities: Vec<_> = attempt.lines.iter().map(|line| line.quantity).collect();
    assert!(
        quantities.len() > 1 && quantities.iter().all(|many| *many > 0),
        "{quantities:?}"
    );
}

#[tokio::test]
async fn the_status_says_whether_the_model_is_loaded() {
    let world = fresh().await;
    let engine = async || {
        let status = world.ask(&Ask::get("/status.json")).await.ok().json();
        let parts = status["parts"].as_array().unwrap().clone();
        let engine = parts.into_iter().find(|part| part["name"] == "Engine");
        let engine = engine.unwrap();
        (engine["state"].clone(), engine["says"].clone())
    };
    let says = "no model is loaded: a call loads it";
    assert_eq!(engine().await, ("unknown".into(), says.into()));
    let body = json!({"model": "vane-tiny", "prompt": BEFORE, "suffix": AFTER, "max_tokens": 8});
    filled(&world, &world.key, &body.to_string()).await;
    assert_eq!(
        engine().await,
        ("works".into(), "1 of 1 model loaded".into())
    );
    let page = world.ask(&Ask::get("/status")).await.ok();
    Document::read(page.text()).check();
    assert!(page.text().contains("1 of 1 model loaded"));
}

#[tokio::test]
async fn examples_that_come_with_vane_are_what_the_weights_answer() {
    let world = fresh().await;
    let page = world.ask(&Ask::get("/models/vane-tiny")).await.ok();
    Document::read(page.text()).check();
    let recorded: Value =
        serde_json::from_str(include_str!("../../../../weights/examples.json")).unwrap();
    for (place, one) in recorded["examples"].as_array().unwrap().iter().enumerate() {
        let text = |name: &str| one[name].as_str().unwrap();
        let same = json!({"model": "vane-tiny", "prompt": text("before"), "suffix": text("after"),
            "max_tokens": one["max_tokens"], "temperature": 0, "stop": text("stop")});
        let answer = filled(&world, &world.key, &same.to_string()).await;
        assert_eq!(answer, text("answer"), "{}", text("title"));
        assert!(page.text().contains(text("title")), "{}", page.text());

        let open = Ask::get(&format!("/playground?example=vane-tiny-{}", place + 1));
        let open = world.ask(&open).await.ok();
        let document = Document::read(open.text());
        document.check();
        let shown = |name: &str| {
            let mut areas = document.all("textarea");
            let area = areas.find(|area| area.attribute("name") == Some(name));
            area.unwrap().texts.concat()
        };
        assert_eq!(shown("prompt").trim(), text("before").trim());
        assert_eq!(shown("suffix").trim(), text("after").trim());
    }
}

#[tokio::test]
async fn a_model_that_fills_in_is_asked_to_fill_in() {
    let world = fresh().await;
    for path in [
        "/",
        "/models/vane-tiny",
        "/playground",
        "/playground?model=vane-tiny",
    ] {
        let page = world.ask(&Ask::get(path)).await.ok();
        let document = Document::read(page.text());
        let mut inputs = document.all("input");
        let mode = inputs.find(|input| input.attribute("name") == Some("mode"));
        assert_eq!(mode.unwrap().attribute("value"), Some("fim"), "{path}");
        let mut areas = document.all("textarea");
        assert!(
            areas.any(|area| area.attribute("name") == Some("suffix")),
            "{path}"
        );
    }
}
