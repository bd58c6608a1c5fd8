//! S3: every route with every kind of credential, as a golden table.

use vane::router::ROUTES;
use vane_ledger::{Limits, NewKey};

use crate::client::Ask;
use crate::world::{NOW, World, named};

/// A route, a body it takes (empty: it is a GET), and whether it needs a key.
const TABLE: &[(&str, &str, bool)] = &[
    (
        "/v1/chat/completions",
        r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "/v1/completions",
        r#"{"model":"lab-m","prompt":"a","suffix":"b"}"#,
        true,
    ),
    (
        "/v1/fim/completions",
        r#"{"model":"codestral-m","prompt":"a","suffix":"b"}"#,
        true,
    ),
    (
        "/v1/responses",
        r#"{"model":"resp-m","store":false,"input":"Hi"}"#,
        true,
    ),
    (
        "/v1/messages",
        r#"{"model":"claude-m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    ("/v1/embeddings", r#"{"model":"lab-e","input":"Hi"}"#, true),
    (
        "/v1/messages/count_tokens",
        r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "/v1/responses/input_tokens",
        r#"{"model":"lab-m","input":"Hi"}"#,
        true,
    ),
    ("/v1/models", "", true),
    ("/v1/models/lab-m", "", true),
    ("/v1/credits", "", true),
    ("/v1/usage", "", true),
    ("/v1/credits/top-ups", r#"{"amount":"25"}"#, true),
    ("/v1/receipts", "", true),
    (
        "/mistral/v1/chat/completions",
        r#"{"model":"mistral-m","messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "/mistral/v1/fim/completions",
        r#"{"model":"codestral-m","prompt":"a","suffix":"b"}"#,
        true,
    ),
    (
        "/mistral/v1/embeddings",
        r#"{"model":"mistral-e","input":"Hi"}"#,
        true,
    ),
    ("/mistral/v1/models", "", true),
    ("/mistral/v1/models/lab-m", "", true),
    ("/webhooks/stripe", "{}", false),
    ("/health/live", "", false),
    ("/health/ready", "", false),
    ("/metrics", "", false),
    ("/", "", false),
    ("/index.md", "", false),
    ("/models", "", false),
    ("/models.md", "", false),
    ("/models.json", "", false),
    ("/models/codestral-latest", "", false),
    ("/makers/mistralai", "", false),
    ("/providers/mistral", "", false),
    ("/compare", "", false),
    ("/robots.txt", "", false),
    ("/sitemap.xml", "", false),
    ("/llms.txt", "", false),
    ("/llms-full.txt", "", false),
];

#[tokio::test]
async fn s3_every_route_of_the_router_stands_in_the_table() {
    for (path, _) in ROUTES {
        assert!(
            TABLE.iter().any(|(known, _, _)| known == path),
            "{path} is not in the table"
        );
    }
}

/// A kind of credential: its name, the header lines it comes in, whether it opens a route.
type Kind = (&'static str, Vec<String>, bool);

/// Every kind, for a world with the good keys `key` and `second`.
fn kinds(key: &str, second: &str, others: &str, revoked: &str, expired: &str) -> Vec<Kind> {
    let said = |kind, lines: &[&str], good| {
        let fill = |line: &&str| {
            let line = line.replace("KEY", key).replace("SECOND", second);
            let line = line.replace("OTHERS", others).replace("REVOKED", revoked);
            line.replace("EXPIRED", expired)
        };
        (kind, lines.iter().map(fill).collect(), good)
    };
    let (bearer, x_api_key) = ("authorization: Bearer KEY", "x-api-key: KEY");
    let second = "authorization: Bearer SECOND";
    vec![
        said("none", &[], false),
        said("empty", &["authorization: Bearer "], false),
        said("junk", &["authorization: Bearer junk"], false),
        said(
            "another gateway's",
            &["authorization: Bearer OTHERS"],
            false,
        ),
        said("revoked", &["authorization: Bearer REVOKED"], false),
        said("expired", &["x-api-key: EXPIRED"], false),
        said("basic", &["authorization: Basic KEY"], false),
        said(
            "in other headers",
            &["api-key: KEY", "x-goog-api-key: KEY"],
            false,
        ),
        said("in a cookie", &["cookie: authorization=Bearer KEY"], false),
        said("two different", &[second, x_api_key], false),
        said(
            "a bad and a good",
            &["authorization: Bearer junk", x_api_key],
            false,
        ),
        said("two different bearers", &[bearer, second], false),
        said("bearer", &[bearer], true),
        said("small bearer", &["authorization: bearer KEY"], true),
        said("x-api-key", &[x_api_key], true),
        said("the same twice", &[bearer, x_api_key], true),
    ]
}

fn ask(path: &str, body: &str) -> Ask {
    if body.is_empty() {
        Ask::get(path)
    } else {
        Ask::post(path, body)
    }
}

/// What a good key comes to. These worlds take no payments, which is said to whoever may ask; a
/// webhook heeds no key (see `payments`).
fn opened(path: &str) -> u16 {
    match path {
        "/v1/credits/top-ups" | "/webhooks/stripe" => 404,
        _ => 200,
    }
}

#[tokio::test]
async fn s3_every_route_heeds_every_kind_of_credential() {
    let world = World::start().await;
    let other = World::start().await;
    let revoked = world.new_key(&named("revoked"));
    let store = &world.gateway.store;
    store.revoke_key(world.account, revoked.id(), NOW).unwrap();
    let expired = world.new_key(&NewKey {
        limits: Limits {
            expires_at: Some(NOW),
            ..Limits::default()
        },
        ..named("expired")
    });
    let second = world.new_key(&named("second"));
    world.gateway.ring.refresh().unwrap();
    let (second, revoked, expired) = (second.expose(), revoked.expose(), expired.expose());
    let kinds = kinds(&world.key, second, &other.key, revoked, expired);
    let mut refused = 0;
    for &(path, body, needs_key) in TABLE {
        for (kind, lines, good) in &kinds {
            let pairs = lines.iter().filter_map(|line| line.split_once(": "));
            let ask = pairs.fold(ask(path, body), |ask, (name, value)| {
                ask.header(name, value)
            });
            let before = world.fake.calls().len();
            let reply = world.ask(&ask).await;
            let wanted = if *good || !needs_key {
                opened(path)
            } else {
                401
            };
            assert_eq!(reply.status, wanted, "{path} with {kind}: {}", reply.text());
            assert!(!reply.text().contains(&world.key), "{path} with {kind}");
            if wanted == 401 {
                refused += 1;
                let after = world.fake.calls().len();
                assert_eq!(after, before, "{path} with {kind} went upstream");
            }
        }
    }
    assert_eq!(refused, 19 * 12);
}

#[tokio::test]
async fn s3_a_key_in_a_query_is_none() {
    let world = World::start().await;
    let key = &world.key;
    for &(path, body, needs_key) in TABLE {
        let wanted = if needs_key { 401 } else { opened(path) };
        for query in [
            format!("key={key}"),
            format!("api_key={key}&access_token={key}"),
        ] {
            let reply = world.ask(&ask(&format!("{path}?{query}"), body)).await;
            assert_eq!(reply.status, wanted, "{path}");
        }
    }
}

#[tokio::test]
async fn a_new_key_works_at_once() {
    let world = World::start().await;
    for number in 0..5 {
        let key = world.new_key(&named(&format!("key {number}")));
        world
            .ask(&Ask::get("/v1/models").key(key.expose()))
            .await
            .ok();
    }
}

#[tokio::test]
async fn s3_a_401_speaks_the_callers_dialect() {
    let world = World::start().await;
    let reply = world.ask(&Ask::post("/v1/messages", "{}")).await;
    assert_eq!(reply.json()["error"]["type"], "authentication_error");
    let reply = world.ask(&Ask::post("/v1/chat/completions", "{}")).await;
    assert_eq!(reply.json()["error"]["code"], "invalid_api_key");
    let reply = world.ask(&Ask::post("/v1/responses", "{}")).await;
    assert_eq!(reply.json()["error"]["code"], "invalid_api_key");
}
