//! S3: every route with every kind of credential, as a golden table.

use vane::router::ROUTES;
use vane_ledger::NewKey;
use vane_testkit::Script;

use crate::client::Ask;
use crate::world::{NOW, World, named};

/// A route, a body it takes (empty: it is a GET), and whether it needs a key.
const TABLE: [(&str, &str, bool); 19] = [
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
    ("/health/live", "", false),
    ("/health/ready", "", false),
    ("/metrics", "", false),
    ("/", "", false),
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

#[tokio::test]
async fn s3_every_route_heeds_every_kind_of_credential() {
    let world = World::start().await;
    let other = World::start().await;
    let revoked = world.new_key(&named("revoked"));
    world
        .gateway
        .store
        .revoke_key(world.account, revoked.id(), NOW)
        .unwrap();
    let expired = world.new_key(&NewKey {
        expires_at: Some(NOW),
        ..named("expired")
    });
    let second = world.new_key(&named("second"));
    world.gateway.ring.refresh().unwrap();
    let (key, second) = (world.key.as_str(), second.expose());
    let bearer = |key: &str| format!("Bearer {key}");
    let kinds: Vec<(&str, Vec<(&str, String)>, bool)> = vec![
        ("none", vec![], false),
        (
            "empty",
            vec![("authorization", "Bearer ".to_owned())],
            false,
        ),
        ("junk", vec![("authorization", bearer("junk"))], false),
        (
            "another gateway's",
            vec![("authorization", bearer(&other.key))],
            false,
        ),
        (
            "revoked",
            vec![("authorization", bearer(revoked.expose()))],
            false,
        ),
        (
            "expired",
            vec![("x-api-key", expired.expose().to_owned())],
            false,
        ),
        (
            "basic",
            vec![("authorization", format!("Basic {key}"))],
            false,
        ),
        (
            "in another header",
            vec![
                ("api-key", key.to_owned()),
                ("x-goog-api-key", key.to_owned()),
            ],
            false,
        ),
        (
            "in a cookie",
            vec![("cookie", format!("authorization=Bearer {key}"))],
            false,
        ),
        (
            "two different",
            vec![
                ("authorization", bearer(key)),
                ("x-api-key", second.to_owned()),
            ],
            false,
        ),
        (
            "a good and a bad",
            vec![
                ("authorization", bearer("junk")),
                ("x-api-key", key.to_owned()),
            ],
            false,
        ),
        (
            "two different bearers",
            vec![
                ("authorization", bearer(key)),
                ("authorization", bearer(second)),
            ],
            false,
        ),
        ("bearer", vec![("authorization", bearer(key))], true),
        (
            "small bearer",
            vec![("authorization", format!("bearer {key}"))],
            true,
        ),
        ("x-api-key", vec![("x-api-key", key.to_owned())], true),
        (
            "the same twice",
            vec![
                ("authorization", bearer(key)),
                ("x-api-key", key.to_owned()),
            ],
            true,
        ),
    ];
    let mut refused = 0;
    for (path, body, needs_key) in TABLE {
        for (kind, headers, good) in &kinds {
            let ask = if body.is_empty() {
                Ask::get(path)
            } else {
                Ask::post(path, body)
            };
            let ask = headers
                .iter()
                .fold(ask, |ask, (name, value)| ask.header(name, value));
            let before = world.fake.calls().len();
            let reply = world.ask(&ask).await;
            let wanted = if *good || !needs_key { 200 } else { 401 };
            assert_eq!(reply.status, wanted, "{path} with {kind}: {}", reply.text());
            assert!(!reply.text().contains(key), "{path} with {kind}");
            if wanted == 401 {
                refused += 1;
                assert_eq!(
                    world.fake.calls().len(),
                    before,
                    "{path} with {kind} went upstream"
                );
            }
        }
        for query in [
            format!("{path}?key={key}"),
            format!("{path}?api_key={key}&access_token={key}"),
        ] {
            let ask = if body.is_empty() {
                Ask::get(&query)
            } else {
                Ask::post(&query, body)
            };
            let wanted = if needs_key { 401 } else { 200 };
            assert_eq!(
                world.ask(&ask).await.status,
                wanted,
                "{path} with a key in its query"
            );
        }
    }
    assert_eq!(refused, 15 * 12);
    world.fake.script(Script::new());
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
