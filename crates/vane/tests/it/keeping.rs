//! Keeping a run of the playground as an example from its page: what really ran, by who may.

use serde_json::json;
use vane_ledger::Role;
use vane_testkit::Answer;

use crate::client::{Ask, Reply};
use crate::html::Document;
use crate::people::{Browser, field};
use crate::playground::{CHAT, chat, from_page, world};
use crate::recovery::operator;
use crate::world::World;

const PATH: &str = "/admin/examples";

/// Streams a run as the scripts of the page do; what its last word holds, if it has one.
async fn run(world: &World, browser: &mut Browser, model: &str) -> Option<String> {
    let page = browser.get(world, "/playground").await.ok();
    assert_eq!(page.header("content-encoding"), None);
    let csrf = field(page.text(), "csrf").unwrap();
    let mut body = chat(model);
    body["stream"] = json!(true);
    let ask = from_page(CHAT, body).header("vane-csrf", csrf);
    let ask = match browser.session() {
        Some(session) => ask.header("cookie", format!("vane={session}")),
        None => ask,
    };
    let reply = world.ask(&ask).await.ok();
    let (_, last) = reply.text().split_once(": vane-run ")?;
    assert!(last.ends_with("\n\n"));
    Some(last.trim_end().to_owned())
}

async fn keep(world: &World, browser: &mut Browser, run: &str, title: &str) -> Reply {
    let form = [("run", run), ("title", title)];
    browser.send(world, PATH, &form).await
}

#[tokio::test]
async fn an_operator_keeps_a_streamed_run_once_lists_and_drops_it() {
    let world = world().await;
    let mut op = operator(&world).await;
    world.fake.always(Answer::text("Hello there"));
    let run = run(&world, &mut op, "lab-m").await.unwrap();
    for _ in 0..2 {
        let kept = keep(&world, &mut op, &run, "A greeting").await;
        assert_eq!(kept.header("location"), Some(PATH), "{}", kept.text());
    }
    let kept = world.gateway.store.list_examples().unwrap();
    assert_eq!(kept.len(), 1);
    let (example, said) = (&kept[0], &kept[0].run);
    assert_eq!(
        (said.answer.as_str(), said.asked.as_str()),
        ("Hello there", r#"{"prompt":"Hi"}"#)
    );
    assert!(
        example
            .cost
            .is_some_and(|cost| cost > vane_catalog::Money::ZERO)
    );
    assert_eq!(example.provider, "lab");
    let listed = op.get(&world, PATH).await.ok();
    Document::read(listed.text()).check();
    assert!(listed.text().contains("A greeting") && listed.text().contains("/models/lab-m"));
    // The page of the model knows at once, by this process.
    let page = world.ask(&Ask::get("/models/lab-m")).await.ok();
    assert!(page.text().contains("Hello there"), "{}", page.text());
    let form = [("do", "drop"), ("id", example.id.as_str())];
    assert_eq!(op.send(&world, PATH, &form).await.status, 303);
    assert!(world.gateway.store.list_examples().unwrap().is_empty());
    let page = world.ask(&Ask::get("/models/lab-m")).await.ok();
    assert!(!page.text().contains("Hello there"));
}

#[tokio::test]
async fn a_run_is_kept_by_form_where_no_script_runs() {
    let world = world().await;
    let mut op = operator(&world).await;
    world.fake.always(Answer::text("Hello"));
    let form = [
        ("mode", "chat"),
        ("model", "lab-m"),
        ("beside", "two-m"),
        ("system", "Be brief"),
        ("prompt", "Hi"),
        ("temperature", "0.5"),
    ];
    let page = op.send(&world, "/playground", &form).await.ok();
    Document::read(page.text()).check();
    assert_eq!(page.text().matches("name=\"run\"").count(), 2);
    let run = field(page.text(), "run").unwrap();
    let wrong = keep(&world, &mut op, &run, " ").await;
    assert_eq!(wrong.status, 400);
    Document::read(wrong.text()).check();
    // The page that says what is wrong has the run still.
    assert_eq!(field(wrong.text(), "run").as_deref(), Some(run.as_str()));
    let kept = keep(&world, &mut op, &run, "By form").await;
    assert_eq!(kept.status, 303, "{}", kept.text());
    let said = &world.gateway.store.list_examples().unwrap()[0].run;
    let asked: serde_json::Value = serde_json::from_str(&said.asked).unwrap();
    assert_eq!(
        asked,
        json!({"system": "Be brief", "prompt": "Hi", "temperature": "0.5"})
    );
    assert_eq!(
        (said.model.as_str(), said.answer.as_str()),
        ("lab-m", "Hello")
    );
}

#[tokio::test]
async fn s15_nobody_keeps_what_did_not_run_and_only_operators_keep() {
    let world = world().await;
    let mut op = operator(&world).await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let mut guest = Browser::default();
    let sealed = run(&world, &mut op, "free-m").await.unwrap();
    assert_eq!(run(&world, &mut ann, "free-m").await, None);
    assert_eq!(run(&world, &mut guest, "free-m").await, None);
    assert_eq!(keep(&world, &mut ann, &sealed, "Mine").await.status, 403);
    assert_eq!(ann.get(&world, PATH).await.status, 403);
    let mut other = sealed.clone();
    let last = if other.pop() == Some('A') { 'B' } else { 'A' };
    other.push(last);
    let made_up = json!({"mode": "chat", "model": "free-m", "asked": "{}", "answer": "Lies",
        "call": "a call", "until": i64::MAX});
    for forged in ["", "junk", &other, &made_up.to_string()] {
        let refused = keep(&world, &mut op, forged, "Forged").await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(!refused.text().contains("Lies"));
    }
    // Without the token of the session it is nobody's wish.
    let form = [("run", sealed.as_str()), ("title", "No token")];
    assert_eq!(op.post(&world, PATH, &form).await.status, 403);
    assert!(world.gateway.store.list_examples().unwrap().is_empty());
}

#[tokio::test]
async fn s15_an_example_that_was_kept_from_the_page_is_inert_wherever_it_stands() {
    let world = world().await;
    let mut op = operator(&world).await;
    let hostile = "</textarea></pre><script>pwned</script><img src=x onerror=pwned>";
    world.fake.always(Answer::text(hostile));
    let sealed = run(&world, &mut op, "free-m").await.unwrap();
    let title = "<script>pwned</script>\"'";
    let kept = keep(&world, &mut op, &sealed, title).await;
    assert_eq!(kept.status, 303, "{}", kept.text());
    for path in [PATH, "/models/free-m"] {
        let page = op.get(&world, path).await.ok();
        Document::read(page.text()).check();
        let text = page.text();
        assert!(text.contains("pwned"), "{path}");
        assert!(
            !text.contains("<script>") && !text.contains("<img"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn who_signed_in_finds_in_the_form_what_the_box_of_the_first_page_sent() {
    let world = world().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let form = [
        ("mode", "chat"),
        ("model", "free-m"),
        ("prompt", "From the box"),
    ];
    let page = ann.post(&world, "/playground", &form).await.ok();
    Document::read(page.text()).check();
    assert!(page.text().contains("From the box") && page.text().contains("Signed in as"));
    assert!(
        world.fake.calls().is_empty(),
        "nothing runs without the token"
    );
    // A guest has no session that somebody else's page could use.
    let asked = Browser::default()
        .post(&world, "/playground", &form)
        .await
        .ok();
    assert!(asked.text().contains("Charged") && world.fake.calls().len() == 1);
}
