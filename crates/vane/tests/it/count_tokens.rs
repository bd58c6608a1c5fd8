//! `POST /v1/messages/count_tokens` and `POST /v1/responses/input_tokens`.

use serde_json::{Value, json};
use vane_testkit::{Answer, Fault, Script, When};

use crate::client::Ask;
use crate::door::Door;
use crate::world::World;

const PATH: &str = "/v1/messages/count_tokens";

fn asks(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Count these few words"}]})
}

#[tokio::test]
async fn the_providers_own_count_is_passed_on() {
    let world = World::start().await;
    let reply = world.post(PATH, asks("claude-m")).await.ok();
    assert_eq!(reply.json()["input_tokens"], 7);
    assert_eq!(reply.header("vane-estimate"), None);
    assert_eq!(
        world.only_call().request.path,
        "/anthropic/v1/messages/count_tokens"
    );
    assert_eq!(world.only_call().json()["model"], "claude-m");
}

#[tokio::test]
async fn t6_without_one_every_kind_of_block_is_estimated() {
    let world = World::start().await;
    let count = async |body: Value| {
        let reply = world.post(PATH, body).await.ok();
        assert_eq!(reply.header("vane-estimate"), Some("true"));
        reply.json()["input_tokens"].as_u64().unwrap()
    };
    let plain = count(asks("lab-m")).await;
    assert!(plain >= 5);
    let long = "words and more words ".repeat(40);
    let more = [
        ("system", json!(long)),
        (
            "tools",
            json!([{"name": "f", "description": long, "input_schema": {"type": "object"}}]),
        ),
    ];
    for (key, value) in more {
        let mut body = asks("lab-m");
        body[key] = value;
        assert!(count(body).await >= plain + 150, "{key}");
    }
    let turns = [
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"q": long}}]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": long}]}),
    ];
    let mut body = asks("lab-m");
    body["messages"].as_array_mut().unwrap().extend(turns);
    assert!(count(body).await >= plain + 300);
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn t6_a_failing_count_is_estimated_and_benches_nothing() {
    let world = World::start().await;
    for fault in [
        Fault::status(404),
        Fault::status(500),
        Fault::status(401),
        Fault::Close,
        Fault::OkHtml,
    ] {
        world.fake.reset();
        let script = Script::new().on(When::path("/count_tokens"), Answer::fault(fault.clone()));
        world.fake.script(script);
        for _ in 0..4 {
            let reply = world.post(PATH, asks("two-claude")).await.ok();
            assert_eq!(reply.header("vane-estimate"), Some("true"), "{fault:?}");
        }
        let reply = world
            .post(
                "/v1/messages",
                Door::Messages.request("two-claude", "Hi", false),
            )
            .await
            .ok();
        assert_eq!(
            reply.header("vane-provider"),
            Some("anthropic"),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn responses_has_its_own_shape() {
    let world = World::start().await;
    let body = json!({"model": "lab-m", "input": "Count these few words"});
    let reply = world.post("/v1/responses/input_tokens", body).await.ok();
    let body = reply.json();
    assert_eq!(body["object"], "response.input_tokens");
    assert!(body["input_tokens"].as_u64() >= Some(4));
}

#[tokio::test]
async fn counting_needs_a_key_and_a_known_model() {
    let world = World::start().await;
    let ask = Ask::post(PATH, asks("lab-m"));
    assert_eq!(world.ask(&ask).await.status, 401);
    let reply = world.post(PATH, asks("nothing-like-it")).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["type"]),
        (404, &json!("not_found_error"))
    );
}
