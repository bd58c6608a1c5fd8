//! `/status`: what works now, by what this process was asked and how it went.

use serde_json::Value;
use vane_testkit::{Answer, Fault};

use crate::door::Door;
use crate::html::Document;
use crate::pages::{page, world};
use crate::world::PROVIDER_KEY;

const PATH: &str = "/v1/chat/completions";

fn provider<'j>(json: &'j Value, id: &str) -> &'j Value {
    let all = json["providers"].as_array().unwrap();
    all.iter().find(|one| one["id"] == id).unwrap()
}

#[tokio::test]
async fn what_was_not_asked_is_unknown_and_what_was_is_told() {
    let world = world().await;
    let before = page(&world, "/status.json").await.json();
    assert_eq!(before["providers"].as_array().unwrap().len(), 8);
    for one in before["providers"].as_array().unwrap() {
        assert_eq!(
            (&one["state"], &one["says"]),
            (&"unknown".into(), &"no traffic yet".into())
        );
        assert_eq!(
            (&one["attempts"], &one["last_fault"]),
            (&0.into(), &Value::Null)
        );
    }
    for part in before["parts"].as_array().unwrap() {
        assert_eq!(part["state"], "works", "{part}");
    }
    world
        .post(PATH, Door::Chat.request("lab-m", "Hi", false))
        .await
        .ok();
    let after = page(&world, "/status.json").await.json();
    let lab = provider(&after, "lab");
    assert_eq!(
        (&lab["state"], &lab["attempts"]),
        (&"works".into(), &1.into())
    );
    assert_eq!(provider(&after, "openai")["state"], "unknown");
}

#[tokio::test]
async fn a_provider_that_fails_is_told_with_its_last_fault() {
    let world = world().await;
    world.fake.always(Answer::fault(Fault::status(500)));
    for _ in 0..5 {
        let reply = world
            .post(PATH, Door::Chat.request("lab-m", "Hi", false))
            .await;
        assert!(reply.status >= 500, "{}", reply.text());
    }
    let lab = page(&world, "/status.json").await.json();
    let lab = provider(&lab, "lab");
    assert_eq!(lab["state"], "partly", "{lab}");
    assert_eq!(lab["offers_benched"], 1);
    assert_eq!(lab["last_fault"]["kind"], "Upstream");
    world.fake.always(Answer::fault(Fault::status(401)));
    // Benched for longer each time: far longer than this test takes.
    for _ in 0..9 {
        world
            .post(PATH, Door::Chat.request("gpt-m", "Hi", false))
            .await;
    }
    let openai = page(&world, "/status.json").await.json();
    assert_eq!(provider(&openai, "openai")["state"], "down");
    let html = page(&world, "/status").await;
    assert_eq!(html.header("cache-control"), Some("no-store"));
    let document = Document::read(html.text());
    document.check();
    let lead = document.all("p").find(|one| one.has_class("lead")).unwrap();
    assert_eq!(lead.texts, ["Calls are taken; 1 provider fails."]);
    for text in [html.text(), page(&world, "/status.md").await.text()] {
        assert!(text.contains("1 offer benched after failures"), "{text}");
        assert!(text.contains("Upstream, less than a minute ago"), "{text}");
        let private = [world.fake.address().to_string(), PROVIDER_KEY.to_owned()];
        assert!(!private.iter().any(|part| text.contains(part)), "{text}");
    }
}
