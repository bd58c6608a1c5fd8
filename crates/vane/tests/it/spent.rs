//! Keys whose budget is spent, and the model that they fall to.

use serde_json::{Value, json};
use vane_catalog::Money;
use vane_ledger::book::Period;
use vane_ledger::{Key, Limits, NewKey};

use crate::client::{Ask, Reply};
use crate::door::{DOORS, Door};
use crate::world::{NOW, World, named, pico};

/// `home-m` is free and `cheap-m` nearly so, both at `spare`; all others are of other providers.
async fn world() -> World {
    let world = World::with(|config| {
        let spare = config.providers.iter_mut().find(|one| one.id == "spare");
        let models = &mut spare.unwrap().models;
        for (id, free) in [("home-m", true), ("cheap-m", false)] {
            let mut model = models[0].clone();
            let rate = Some(if free { "0" } else { "0.01" }.to_owned());
            (model.id, model.free, model.fim) = (id.to_owned(), free, true);
            (model.input, model.output, model.cache_read) = (rate.clone(), rate, None);
            models.push(model);
        }
    });
    world.await
}

fn falling(world: &World, budget: &str, model: &str, models: Option<Vec<String>>) -> Key {
    world.new_key(&NewKey {
        limits: Limits {
            when_spent: Some(model.to_owned()),
            models,
            ..Limits::default()
        },
        budget: Some((Money::parse(budget).unwrap(), Period::Day)),
        ..named("falling")
    })
}

/// Every door and a fill, with a limit of its own or without.
fn ways(stream: bool, limited: bool) -> Vec<(&'static str, Value)> {
    let mut ways = Vec::new();
    for door in DOORS {
        let mut body = door.request(door.own_model(), "Hi", stream);
        let field = match door {
            Door::Responses => "max_output_tokens",
            _ => "max_tokens",
        };
        match limited {
            true => body[field] = json!(3_000),
            false => drop(body.as_object_mut().unwrap().remove("max_tokens")),
        }
        ways.push((door.path(), body));
    }
    for path in ["/v1/fim/completions", "/v1/completions"] {
        let mut body =
            json!({"model": "codestral-m", "prompt": "Hi", "suffix": "end", "stream": stream});
        if limited {
            body["max_tokens"] = json!(3_000);
        }
        ways.push((path, body));
    }
    ways
}

async fn receipt(world: &World, key: &Key, reply: &Reply) -> Value {
    let id = reply.header("vane-request-id").unwrap();
    let ask = Ask::get(&format!("/v1/receipts/{id}")).key(key.expose());
    world.ask(&ask).await.ok().json()
}

#[tokio::test]
async fn a_spent_budget_falls_to_a_free_model_at_every_door() {
    for (stream, limited) in [(false, false), (false, true), (true, false), (true, true)] {
        for (path, body) in ways(stream, limited) {
            let world = world().await;
            let key = falling(&world, "0.000001", "home-m", None);
            let ask = Ask::post(path, &body).key(key.expose());
            let reply = world.ask(&ask).await.ok();
            assert_eq!(reply.header("vane-fallback"), Some("budget"), "{path}");
            assert_eq!(reply.header("vane-model"), body["model"].as_str(), "{path}");
            assert_eq!(reply.header("vane-provider"), Some("spare"), "{path}");
            assert_eq!(reply.header("vane-budget-remaining"), Some("0.000001"));
            assert!(reply.text().contains("\"home-m\""), "{}", reply.text());
            assert_eq!(
                (world.fake.calls().len(), world.second.calls().len()),
                (0, 1)
            );
            let receipt = receipt(&world, &key, &reply).await;
            assert_eq!(receipt["model"], body["model"], "{receipt}");
            assert_eq!(receipt["attempts"][0]["model"], "home-m", "{receipt}");
            assert_eq!(
                (&receipt["status"], &receipt["cost"]),
                (&json!("done"), &json!("0"))
            );
        }
    }
}

#[tokio::test]
async fn what_is_left_of_a_budget_pays_for_the_model_that_its_key_falls_to() {
    for stream in [false, true] {
        for (path, body) in ways(stream, true) {
            let world = world().await;
            let key = falling(&world, "0.0001", "cheap-m", None);
            let ask = Ask::post(path, &body).key(key.expose());
            let reply = world.ask(&ask).await.ok();
            assert_eq!(reply.header("vane-fallback"), Some("budget"), "{path}");
            let receipt = receipt(&world, &key, &reply).await;
            let charged = pico(receipt["charged"].as_str().unwrap());
            assert!(charged > 0, "{receipt}");
            let spending = world
                .gateway
                .store
                .spending(key.id(), NOW)
                .unwrap()
                .unwrap();
            assert_eq!(spending.spent.pico(), charged, "it is spent of the budget");

            let poor = falling(&world, "0.00001", "cheap-m", None);
            let refused = world.ask(&Ask::post(path, &body).key(poor.expose())).await;
            assert!([402, 429].contains(&refused.status), "{}", refused.text());
            assert!(refused.text().contains("budget of the key"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_member_names_the_model_that_a_key_falls_to() {
    let world = world().await;
    let (_, owner) = world.member("ann", vane_ledger::Role::Owner);
    let send = async |method, path: &str, body: &str| {
        let ask = Ask::new(method, path).body(body).key(&owner);
        world.ask(&ask).await
    };
    let body = r#"{"name":"laptop","when_spent":"home-m"}"#;
    let made = send("POST", "/v1/keys", body).await.ok().json();
    assert_eq!(made["when_spent"], "home-m");
    let path = format!("/v1/keys/{}", made["id"].as_str().unwrap());
    let refused = send("PATCH", &path, r#"{"when_spent":"hom-m"}"#).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("did you mean `home-m`"));
    let changed = send("PATCH", &path, r#"{"when_spent":null}"#).await.ok();
    assert_eq!(changed.json()["when_spent"], Value::Null);
}

#[tokio::test]
async fn a_budget_that_pays_is_not_fallen_from() {
    let world = world().await;
    let key = falling(&world, "1", "home-m", None);
    let ask = Ask::post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", false));
    let reply = world.ask(&ask.key(key.expose())).await.ok();
    assert_eq!(reply.header("vane-fallback"), None);
    assert_eq!(reply.header("vane-provider"), Some("lab"));
}

#[tokio::test]
async fn a_key_that_falls_to_nothing_that_serves_is_refused_as_one_that_does_not_fall() {
    let lab = || Some(vec!["lab-m".to_owned()]);
    for stream in [false, true] {
        for (model, models) in [
            ("no-such-model", None),
            // Another kind, not allowed to this key, or as dear as the one that was asked for.
            ("lab-e", None),
            ("home-m", lab()),
            ("gpt-m", None),
        ] {
            let world = world().await;
            let key = falling(&world, "0.000001", model, models);
            let body = Door::Chat.request("lab-m", "Hi", stream);
            let refused = world
                .ask(&Ask::post(Door::Chat.path(), body).key(key.expose()))
                .await;
            assert_eq!(refused.status, 429, "{model} {}", refused.text());
            assert_eq!(refused.json()["error"]["code"], "budget_exceeded");
            assert!(refused.header("retry-after").is_some());
            assert_eq!(refused.header("vane-fallback"), None);
            assert_eq!(
                (world.fake.calls().len(), world.second.calls().len()),
                (0, 0)
            );
        }
    }
}
