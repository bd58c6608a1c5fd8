//! Runs that the operator shows: on the pages of their models, and open in the playground.

use serde_json::json;
use vane_ledger::{Example, NewExample};

use crate::client::Ask;
use crate::html::Document;
use crate::playground::{CHAT, chat, from_page, receipt, world};
use crate::world::{NOW, World};

fn save(world: &World, example: &NewExample) -> Example {
    world.gateway.store.save_example(example, NOW).unwrap()
}

/// Lets the time pass after which pages look for examples again.
fn look_again(world: &World) {
    let vane_ledger::Clock::Manual(hand) = &world.gateway.clock else {
        unreachable!("tests hold the clock")
    };
    hand.fetch_add(5, std::sync::atomic::Ordering::Relaxed);
}

#[tokio::test]
async fn a_saved_run_stands_on_its_models_page_until_it_is_dropped() {
    let world = world().await;
    let reply = world.ask(&from_page(CHAT, chat("free-m"))).await.ok();
    let call = reply.header("vane-request-id").unwrap().to_owned();
    let pass = reply.header("vane-pass").unwrap().to_owned();
    receipt(&world, &reply, &pass).await.ok();
    let page = world.ask(&Ask::get("/models/free-m")).await.ok();
    assert!(!page.text().contains("Examples"));
    let run = NewExample {
        title: "A greeting".to_owned(),
        model: "free-m".to_owned(),
        mode: "chat".to_owned(),
        asked: json!({"prompt": "Hi", "temperature": "0.5"}).to_string(),
        answer: "You said: Hi".to_owned(),
        call: Some(call.clone()),
    };
    let saved = save(&world, &run);
    let of_another = NewExample {
        model: "lab-m".to_owned(),
        ..run.clone()
    };
    assert!(world.gateway.store.save_example(&of_another, NOW).is_err());
    look_again(&world);
    let page = world.ask(&Ask::get("/models/free-m")).await.ok();
    Document::read(page.text()).check();
    for said in ["A greeting", "You said: Hi", "at lab", call.as_str()] {
        assert!(page.text().contains(said), "{said}");
    }
    let twin = world.ask(&Ask::get("/models/free-m.md")).await.ok();
    assert!(twin.text().contains("    You said: Hi"), "{}", twin.text());
    let open = world
        .ask(&Ask::get(&format!("/playground?example={}", saved.id)))
        .await
        .ok();
    Document::read(open.text()).check();
    assert!(open.text().contains("value=\"0.5\"") && open.text().contains("A greeting"));
    assert!(world.gateway.store.drop_example(&saved.id).unwrap());
    look_again(&world);
    let page = world.ask(&Ask::get("/models/free-m")).await.ok();
    assert!(!page.text().contains("A greeting"));
}

#[tokio::test]
async fn s15_an_example_is_inert_on_its_pages() {
    let world = world().await;
    let hostile =
        "</textarea></pre><script>pwned</script><img src=x>\n```\n# [x](javascript:pwned)";
    let run = NewExample {
        title: "<script>pwned</script>".to_owned(),
        model: "free-m".to_owned(),
        mode: "fim".to_owned(),
        asked: json!({"prompt": hostile, "suffix": hostile}).to_string(),
        answer: hostile.to_owned(),
        call: None,
    };
    let saved = save(&world, &run);
    for path in [
        "/models/free-m".to_owned(),
        format!("/playground?example={}", saved.id),
    ] {
        let page = world.ask(&Ask::get(&path)).await.ok();
        Document::read(page.text()).check();
        let text = page.text();
        assert!(
            text.contains("pwned") && text.contains("An illustration, not a run"),
            "{path}"
        );
        assert!(
            !text.contains("<script>") && !text.contains("<img"),
            "{path}"
        );
    }
    let twin = world.ask(&Ask::get("/models/free-m.md")).await.ok();
    assert!(twin.text().contains("\n    # [x](javascript:pwned)"));
}
