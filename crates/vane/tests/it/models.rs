//! `GET /v1/models` and one model.

use serde_json::Value;

use crate::client::Ask;
use crate::world::{World, named};

fn ids(list: &Value) -> Vec<String> {
    let cards = list["data"].as_array().unwrap().iter();
    cards
        .map(|card| card["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_list_reads_as_openais_anthropics_and_mistrals() {
    let world = World::start().await;
    let list = world.get("/v1/models").await.ok().json();
    assert_eq!(list["object"], "list");
    assert_eq!(list["has_more"], false);
    let ids = ids(&list);
    assert!(ids.iter().any(|id| id == "lab-m"), "{ids:?}");
    assert_eq!(list["first_id"].as_str(), ids.first().map(String::as_str));
    assert_eq!(list["last_id"].as_str(), ids.last().map(String::as_str));
    for card in list["data"].as_array().unwrap() {
        assert_eq!(
            (&card["object"], &card["type"]),
            (&"model".into(), &"model".into())
        );
        assert!(
            card["created"].is_u64() && card["created_at"].is_string(),
            "{card}"
        );
        assert!(
            card["owned_by"].is_string() && card["display_name"].is_string(),
            "{card}"
        );
        for (one, others) in [
            (
                "max_context_length",
                &["max_input_tokens", "context_length", "max_model_len"][..],
            ),
            (
                "max_tokens",
                &["max_output_tokens", "max_completion_tokens"],
            ),
        ] {
            for other in others {
                assert_eq!(card.get(one), card.get(other), "{other}: {card}");
            }
        }
        assert!(
            card["capabilities"]["completion_fim"].is_boolean(),
            "{card}"
        );
    }
}

#[tokio::test]
async fn every_listed_model_can_be_looked_up() {
    let world = World::start().await;
    let list = world.get("/v1/models").await.ok().json();
    for id in ids(&list) {
        for path in [
            format!("/v1/models/{id}"),
            format!("/mistral/v1/models/{}", id.replace('/', "%2F")),
        ] {
            let one = world.get(&path).await.ok().json();
            assert_eq!(one["id"], id.as_str());
        }
    }
    let none = world.get("/v1/models/nothing-like-it").await;
    assert_eq!(none.status, 404);
    assert_eq!(none.json()["error"]["code"], "model_not_found");
    let ask = Ask::get("/v1/models/nothing-like-it")
        .key(&world.key)
        .header("anthropic-version", "2023-06-01");
    assert_eq!(
        world.ask(&ask).await.json()["error"]["type"],
        "not_found_error"
    );
}

#[tokio::test]
async fn pages_join_to_the_list() {
    let world = World::start().await;
    let all = ids(&world.get("/v1/models?limit=1000").await.ok().json());
    let mut joined = Vec::new();
    let mut path = "/v1/models?limit=3".to_owned();
    loop {
        let page = world.get(&path).await.ok().json();
        joined.extend(ids(&page));
        if page["has_more"] == false {
            break;
        }
        assert_eq!(ids(&page).len(), 3);
        path = format!(
            "/v1/models?limit=3&after_id={}",
            page["last_id"].as_str().unwrap()
        );
    }
    assert_eq!(joined, all);
}

#[tokio::test]
async fn pages_join_when_the_cursor_is_percent_encoded() {
    let world = World::start().await;
    let page = world.get("/v1/models?limit=1").await.ok().json();
    let after = page["last_id"].as_str().unwrap().replace('/', "%2F");
    let next = world
        .get(&format!("/v1/models?limit=1&after_id={after}"))
        .await
        .ok()
        .json();
    assert_ne!(ids(&page), ids(&next));
}

#[tokio::test]
async fn a_key_sees_the_models_it_may_use() {
    let world = World::start().await;
    let mut new = named("narrow");
    new.limits.models = Some(vec!["lab/lab-m".to_owned()]);
    let key = world.new_key(&new);
    let list = world
        .ask(&Ask::get("/v1/models").key(key.expose()))
        .await
        .ok()
        .json();
    assert_eq!(ids(&list), ["lab/lab-m"]);
    let other = world
        .ask(&Ask::get("/v1/models/claude-m").key(key.expose()))
        .await;
    assert_eq!(other.status, 404);
    new.limits.models = Some(vec!["lab-m".to_owned()]);
    let key = world.new_key(&new);
    let list = world
        .ask(&Ask::get("/v1/models").key(key.expose()))
        .await
        .ok()
        .json();
    assert_eq!(
        ids(&list).len(),
        1,
        "a model named without its provider is still seen: {list}"
    );
}
