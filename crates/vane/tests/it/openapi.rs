//! The description of the API, held against a gateway: every example in it is sent, and what comes
//! back is what it says.

use serde_json::{Value, json};
use vane_ledger::Role;

use crate::client::{Ask, Reply};
use crate::pages::{ORIGIN, page, world};
use crate::schema::fault;
use crate::world::{World, named};

/// One operation of the document.
struct Operation<'d> {
    path: &'d str,
    method: &'static str,
    says: &'d Value,
}

impl Operation<'_> {
    fn example(&self) -> Option<&Value> {
        self.says
            .pointer("/requestBody/content/application~1json/example")
    }

    fn takes(&self) -> Option<&Value> {
        self.says
            .pointer("/requestBody/content/application~1json/schema")
    }

    fn is_open(&self) -> bool {
        self.says.get("security").is_some()
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of = |(path, said)| {
        let said: &Value = said;
        let path: &String = path;
        let methods = ["get", "post", "patch", "delete"].into_iter();
        let told = methods.filter_map(|method| Some((method, said.get(method)?)));
        let told = told.map(|(method, says)| Operation {
            path,
            method: match method {
                "get" => "GET",
                "post" => "POST",
                "patch" => "PATCH",
                _ => "DELETE",
            },
            says,
        });
        told.collect::<Vec<_>>()
    };
    paths.flat_map(of).collect()
}

/// The schema of what was answered, and whether it has one.
fn described<'d>(document: &'d Value, says: &'d Value, status: u16) -> Option<&'d Value> {
    let answers = &says["responses"];
    let family = format!("{}XX", status / 100);
    let said = [status.to_string(), family, "default".to_owned()]
        .iter()
        .find_map(|name| answers.get(name.as_str()))?;
    let said = match said["$ref"].as_str() {
        Some(to) => document.pointer(&to[1..]).unwrap(),
        None => said,
    };
    said.pointer("/content/application~1json/schema")
}

async fn send(
    world: &World,
    operation: &Operation<'_>,
    key: Option<&str>,
    body: Option<&Value>,
) -> Reply {
    let path = match operation.path {
        path if path.starts_with("/v1/keys/") => {
            let made = world.new_key(&named("of a test"));
            path.replace("{id}", made.id())
        }
        path if path.starts_with("/v1/members/") => {
            let name = format!(
                "{}-{}-{}",
                operation.method,
                key.is_some(),
                body.map_or(0, |body| body.to_string().len())
            );
            let (member, _) = world.member(&name, Role::Viewer);
            path.replace("{id}", &member.id)
        }
        path if path.starts_with("/v1/receipts/") => {
            let call = json!({"model": "codestral-latest", "prompt": "a", "suffix": "b"});
            let answered = world.post("/v1/fim/completions", call).await.ok();
            path.replace("{id}", answered.header("vane-request-id").unwrap())
        }
        path => path.replace("{id}", "codestral-latest"),
    };
    let mut ask = Ask::new(operation.method, &path);
    if let Some(key) = key {
        ask = ask.key(key);
    }
    if let Some(body) = body {
        ask = ask
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    world.ask(&ask).await
}

/// What no test server does: it takes no payments, and is no Stripe.
fn is_off(path: &str) -> bool {
    path.starts_with("/v1/credits/top-ups") || path.starts_with("/webhooks/")
}

#[tokio::test]
async fn every_example_is_answered_as_it_is_described() {
    let world = world().await;
    let document = page(&world, "/openapi.json").await.json();
    assert_eq!(document["servers"][0]["url"], ORIGIN);
    let (_, owner) = world.member("owner", Role::Owner);
    let mut seen = 0;
    for operation in operations(&document) {
        let name = operation.name();
        let key = (!operation.is_open()).then_some(owner.as_str());
        let reply = send(&world, &operation, key, operation.example()).await;
        let is_good = reply.status == 200;
        assert!(
            is_good || is_off(operation.path),
            "{name}: {} {}",
            reply.status,
            reply.text()
        );
        if let (Some(schema), Some(example)) = (operation.takes(), operation.example()) {
            assert_eq!(
                fault(&document, schema, example),
                None,
                "{name}: its example"
            );
        }
        match described(&document, operation.says, reply.status) {
            Some(schema) => {
                assert_eq!(fault(&document, schema, &reply.json()), None, "{name}");
                seen += usize::from(is_good);
            }
            None => assert_eq!(operation.path, "/metrics"),
        }
        if !operation.is_open() {
            assert!(reply.header("vane-request-id").is_some(), "{name}");
        }
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn every_refusal_is_of_the_described_shape() {
    let world = world().await;
    let document = page(&world, "/openapi.json").await.json();
    let (_, owner) = world.member("owner", Role::Owner);
    let mut closed = 0;
    for operation in operations(&document) {
        let name = operation.name();
        if !operation.is_open() {
            let reply = send(&world, &operation, None, operation.example()).await;
            assert_eq!(reply.status, 401, "{name}");
            let schema = described(&document, operation.says, 401).unwrap();
            assert_eq!(fault(&document, schema, &reply.json()), None, "{name}");
        }
        let Some(schema) = operation.takes().filter(|_| !operation.is_open()) else {
            continue;
        };
        let mut odd = operation.example().unwrap().clone();
        odd["no_such_field"] = true.into();
        let is_closed = schema["additionalProperties"] == false;
        assert_eq!(
            fault(&document, schema, &odd).is_some(),
            is_closed,
            "{name}"
        );
        if is_closed && !is_off(operation.path) {
            closed += 1;
            let reply = send(&world, &operation, Some(&owner), Some(&odd)).await;
            assert_eq!(reply.status, 400, "{name}: {}", reply.text());
            assert!(
                reply.text().contains("no_such_field"),
                "{name}: {}",
                reply.text()
            );
            let schema = described(&document, operation.says, 400).unwrap();
            assert_eq!(fault(&document, schema, &reply.json()), None, "{name}");
        }
    }
    assert!(closed > 5, "{closed}");
}

#[tokio::test]
async fn what_is_said_to_stream_streams() {
    let world = world().await;
    let document = page(&world, "/openapi.json").await.json();
    let mut seen = 0;
    for operation in operations(&document) {
        let streams = operation
            .says
            .pointer("/responses/200/content/text~1event-stream");
        let Some(example) = operation.example().filter(|_| streams.is_some()) else {
            continue;
        };
        if operation.path.contains("tokens") {
            continue;
        }
        let mut body = example.clone();
        body["stream"] = true.into();
        let reply = send(&world, &operation, Some(&world.key), Some(&body))
            .await
            .ok();
        let kind = reply.header("content-type").unwrap_or_default();
        assert!(
            kind.starts_with("text/event-stream"),
            "{}",
            operation.name()
        );
        seen += 1;
    }
    assert!(seen >= 7, "{seen}");
}
