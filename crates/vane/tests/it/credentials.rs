//! S3: every route with every kind of credential, as a golden table.

use vane::router::{PREFIXES, ROUTES, Route, methods};
use vane_ledger::{Limits, NewKey, Purpose, Role};

use crate::client::Ask;
use crate::world::{NOW, World, named};

/// A method and a route, a body that it takes, and whether it needs a key.
const TABLE: [(&str, &str, &str, bool); 110] = [
    (
        "POST",
        "/v1/chat/completions",
        r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "POST",
        "/v1/completions",
        r#"{"model":"lab-m","prompt":"a","suffix":"b"}"#,
        true,
    ),
    (
        "POST",
        "/v1/fim/completions",
        r#"{"model":"codestral-m","prompt":"a","suffix":"b"}"#,
        true,
    ),
    (
        "POST",
        "/v1/responses",
        r#"{"model":"resp-m","store":false,"input":"Hi"}"#,
        true,
    ),
    (
        "POST",
        "/v1/messages",
        r#"{"model":"claude-m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "POST",
        "/v1/embeddings",
        r#"{"model":"lab-e","input":"Hi"}"#,
        true,
    ),
    (
        "POST",
        "/v1/messages/count_tokens",
        r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "POST",
        "/v1/responses/input_tokens",
        r#"{"model":"lab-m","input":"Hi"}"#,
        true,
    ),
    ("GET", "/v1/models", "", true),
    ("GET", "/v1/models/lab-m", "", true),
    ("GET", "/v1/credits", "", true),
    ("GET", "/v1/credits/entries", "", true),
    ("GET", "/v1/usage", "", true),
    ("POST", "/v1/credits/top-ups", r#"{"amount":"25"}"#, true),
    ("GET", "/v1/receipts", "", true),
    ("GET", "/v1/receipts/none", "", true),
    ("GET", "/v1/credits/top-ups/none", "", true),
    ("GET", "/v1/account", "", true),
    ("PATCH", "/v1/account", "{}", true),
    ("GET", "/v1/changes", "", true),
    ("GET", "/v1/keys", "", true),
    ("POST", "/v1/keys", "{}", true),
    ("GET", "/v1/keys/none", "", true),
    ("PATCH", "/v1/keys/none", r#"{"name":"x"}"#, true),
    ("DELETE", "/v1/keys/none", "", true),
    ("POST", "/v1/keys/none/rotate", "", true),
    ("GET", "/v1/members", "", true),
    ("POST", "/v1/members", "{}", true),
    ("PATCH", "/v1/members/none", r#"{"role":"viewer"}"#, true),
    ("DELETE", "/v1/members/none", "", true),
    (
        "POST",
        "/mistral/v1/chat/completions",
        r#"{"model":"mistral-m","messages":[{"role":"user","content":"Hi"}]}"#,
        true,
    ),
    (
        "POST",
        "/mistral/v1/fim/completions",
        r#"{"model":"codestral-m","prompt":"a","suffix":"b"}"#,
        true,
    ),
    (
        "POST",
        "/mistral/v1/embeddings",
        r#"{"model":"mistral-e","input":"Hi"}"#,
        true,
    ),
    ("GET", "/mistral/v1/models", "", true),
    ("GET", "/mistral/v1/models/lab-m", "", true),
    ("POST", "/webhooks/stripe", "{}", false),
    ("POST", "/playground/v1/chat/completions", "{}", false),
    ("POST", "/playground/v1/completions", "{}", false),
    ("POST", "/playground/v1/fim/completions", "{}", false),
    ("POST", "/playground/v1/embeddings", "{}", false),
    ("GET", "/playground/receipts/none", "", false),
    ("GET", "/playground", "", false),
    ("POST", "/playground", "", false),
    ("GET", "/health/live", "", false),
    ("GET", "/health/ready", "", false),
    ("GET", "/metrics", "", false),
    ("GET", "/login", "", false),
    ("POST", "/login", "", false),
    ("POST", "/logout", "", false),
    ("GET", "/signup", "", false),
    ("POST", "/signup", "", false),
    ("GET", "/recover", "", false),
    ("POST", "/recover", "", false),
    ("GET", "/console", "", false),
    ("GET", "/console/keys", "", false),
    ("POST", "/console/keys", "", false),
    ("GET", "/console/keys/none", "", false),
    ("POST", "/console/keys/none", "", false),
    ("GET", "/console/receipts", "", false),
    ("GET", "/console/receipts/none", "", false),
    ("POST", "/console/seat", "", false),
    ("GET", "/console/credits", "", false),
    ("POST", "/console/credits", "", false),
    ("GET", "/console/credits.csv", "", false),
    ("GET", "/console/members", "", false),
    ("POST", "/console/members", "", false),
    ("GET", "/console/members/none", "", false),
    ("POST", "/console/members/none", "", false),
    ("GET", "/console/settings", "", false),
    ("POST", "/console/settings", "", false),
    ("GET", "/admin/accounts", "", false),
    ("POST", "/admin/accounts", "", false),
    ("GET", "/admin/people", "", false),
    ("POST", "/admin/people", "", false),
    ("GET", "/admin/providers", "", false),
    ("POST", "/admin/providers", "", false),
    ("GET", "/admin/examples", "", false),
    ("POST", "/admin/examples", "", false),
    ("GET", "/setup", "", false),
    ("POST", "/setup", "", false),
    ("GET", "/setup/provider", "", false),
    ("POST", "/setup/provider", "", false),
    ("GET", "/setup/key", "", false),
    ("POST", "/setup/key", "", false),
    ("GET", "/setup/live", "", false),
    ("GET", "/", "", false),
    ("GET", "/index.md", "", false),
    ("GET", "/models", "", false),
    ("GET", "/models.md", "", false),
    ("GET", "/models.json", "", false),
    ("GET", "/models/codestral-latest", "", false),
    ("GET", "/makers/mistralai", "", false),
    ("GET", "/providers/mistral", "", false),
    ("GET", "/compare", "", false),
    ("GET", "/status", "", false),
    ("GET", "/status.md", "", false),
    ("GET", "/status.json", "", false),
    ("GET", "/status.atom", "", false),
    ("GET", "/docs", "", false),
    ("GET", "/docs.md", "", false),
    ("GET", "/docs/search", "", false),
    ("GET", "/docs/quickstart", "", false),
    ("GET", "/use-cases/zed", "", false),
    ("GET", "/openapi.json", "", false),
    ("GET", "/favicon.ico", "", false),
    ("GET", "/robots.txt", "", false),
    ("GET", "/sitemap.xml", "", false),
    ("GET", "/llms.txt", "", false),
    ("GET", "/llms-full.txt", "", false),
    ("GET", "/assets/none", "", false),
];

#[tokio::test]
async fn s3_every_route_of_the_router_stands_in_the_table() {
    let stands = |route, begins: &str, ends: &str, whole: bool| {
        for method in methods(route) {
            let is = |path: &str| match whole {
                true => path == begins,
                false => {
                    path.len() > begins.len() && path.starts_with(begins) && path.ends_with(ends)
                }
            };
            let found = TABLE
                .iter()
                .any(|(known, path, ..)| known == method && is(path));
            assert!(found, "{method} {begins}..{ends} is not in the table");
        }
    };
    for (path, route) in ROUTES {
        stands(*route, path, "", true);
    }
    for &(begins, ends, route) in PREFIXES {
        stands(route, begins, ends, false);
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

fn ask(method: &'static str, path: &str, body: &str) -> Ask {
    Ask::new(method, path).body(body)
}

/// What a good key of nobody comes to. These worlds take no payments, which is said to whoever may
/// ask; a webhook heeds no key (see `payments`).
fn opened(method: &str, path: &str) -> u16 {
    let managed = ["/v1/account", "/v1/changes", "/v1/keys", "/v1/members"];
    let behind_the_door = [
        "/login", "/logout", "/signup", "/recover", "/console", "/admin", "/setup",
    ];
    match path {
        // No key is a session, and a form of no page is none.
        _ if behind_the_door.iter().any(|page| path.starts_with(page)) => match (method, path) {
            ("GET", "/login") => 200,
            ("POST", _) | (_, "/signup" | "/setup" | "/recover") => 403,
            _ => 303,
        },
        _ if managed.iter().any(|managed| path.starts_with(managed)) => 403,
        "/v1/credits/top-ups" | "/webhooks/stripe" => 404,
        // A page of this server asks there, and a key proves nothing (see `playground`).
        _ if path.starts_with("/playground/v1/") => 403,
        "/playground" if method == "POST" => 403,
        _ if path.ends_with("/none") => 404,
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
    for (method, path, body, needs_key) in TABLE {
        for (kind, lines, good) in &kinds {
            let pairs = lines.iter().filter_map(|line| line.split_once(": "));
            // Whoever has a key and asks for no page means `/v1/models`.
            let asked = match path.starts_with("/models") {
                true => ask(method, path, body).header("accept", "text/html"),
                false => ask(method, path, body),
            };
            let ask = pairs.fold(asked, |ask, (name, value)| ask.header(name, value));
            let before = world.fake.calls().len();
            let reply = world.ask(&ask).await;
            let wanted = if *good || !needs_key {
                opened(method, path)
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
    assert_eq!(refused, 35 * 12);
}

#[tokio::test]
async fn s3_a_key_in_a_query_is_none() {
    let world = World::start().await;
    let key = &world.key;
    for (method, path, body, needs_key) in TABLE {
        let wanted = if needs_key { 401 } else { opened(method, path) };
        for query in [
            format!("key={key}"),
            format!("api_key={key}&access_token={key}"),
        ] {
            let reply = world
                .ask(&ask(method, &format!("{path}?{query}"), body))
                .await;
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

/// What each role comes to: owner, admin, member, viewer, and a key of nobody.
type Opens = [u16; 5];

const ALL: Opens = [200; 5];
const READ: Opens = [200, 200, 200, 200, 403];
const ABOVE_MEMBER: Opens = [200, 200, 403, 403, 403];

/// The routes of an account by what each role comes to. A body that lacks what it needs is a 400,
/// what is not there a 404: both come after the question who may ask.
const RIGHTS: [(&str, &str, Opens); 23] = [
    ("POST", "/v1/chat/completions", [200, 200, 200, 403, 200]),
    (
        "POST",
        "/v1/messages/count_tokens",
        [200, 200, 200, 403, 200],
    ),
    ("GET", "/v1/models", ALL),
    ("GET", "/v1/credits", ALL),
    ("GET", "/v1/credits/entries", ALL),
    ("GET", "/v1/usage", ALL),
    ("GET", "/v1/receipts", ALL),
    ("GET", "/v1/receipts/none", [404; 5]),
    ("GET", "/v1/credits/top-ups/none", [404; 5]),
    ("POST", "/v1/credits/top-ups", [404, 404, 403, 403, 404]),
    ("GET", "/v1/account", READ),
    ("PATCH", "/v1/account", [400, 400, 403, 403, 403]),
    ("GET", "/v1/changes", ABOVE_MEMBER),
    ("GET", "/v1/keys", READ),
    ("POST", "/v1/keys", [400, 400, 400, 403, 403]),
    ("GET", "/v1/keys/none", [404, 404, 404, 404, 403]),
    ("PATCH", "/v1/keys/none", [404, 404, 404, 403, 403]),
    ("DELETE", "/v1/keys/none", [404, 404, 404, 403, 403]),
    ("POST", "/v1/keys/none/rotate", [404, 404, 404, 403, 403]),
    ("GET", "/v1/members", READ),
    ("POST", "/v1/members", [400, 400, 403, 403, 403]),
    ("PATCH", "/v1/members/none", [404, 404, 403, 403, 403]),
    ("DELETE", "/v1/members/none", [404, 404, 403, 403, 403]),
];

#[tokio::test]
async fn s3_every_route_heeds_every_role() {
    let world = World::start().await;
    let mut keys: Vec<String> = Vec::new();
    for role in Role::ALL {
        keys.push(world.member(role.as_str(), role).1);
    }
    keys.push(world.key.clone());
    for (method, path, body, needs_key) in TABLE {
        let found = RIGHTS.iter().find(|(m, p, _)| (*m, *p) == (method, path));
        let api = ROUTES
            .iter()
            .any(|(known, route)| *known == path && matches!(route, Route::Api(..)));
        let below = PREFIXES.iter().any(|(begins, ends, route)| {
            matches!(route, Route::Api(..)) && path.starts_with(begins) && path.ends_with(ends)
        });
        assert!(
            found.is_some() || !needs_key || !(api || below),
            "{method} {path} has no row"
        );
        let Some((_, _, opens)) = found else { continue };
        for (key, wanted) in keys.iter().zip(opens) {
            let reply = world.ask(&ask(method, path, body).key(key)).await;
            let said = reply.text();
            assert_eq!(reply.status, *wanted, "{method} {path} by {key}: {said}");
            if *wanted == 403 {
                assert_eq!(reply.json()["error"]["type"], "permission_error", "{said}");
                assert!(said.contains("right"), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn s9_what_was_sealed_or_derived_here_is_no_credential() {
    let world = World::start().await;
    let store = &world.gateway.store;
    let mut presented = Vec::new();
    for purpose in [
        Purpose::KeyHash,
        Purpose::Seal,
        Purpose::Idempotency,
        Purpose::Request,
        Purpose::Pass,
        Purpose::Run,
    ] {
        let sealed = store
            .sealer(purpose)
            .unwrap()
            .seal(world.key.as_bytes(), b"");
        let derived = store.derive(purpose).unwrap();
        let digits: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
        presented.extend([sealed.unwrap(), format!("sk-vane-{digits}"), digits]);
    }
    let id = &store.list_keys(world.account).unwrap()[0];
    presented.extend([id.masked().replace('\u{2026}', ""), id.id.clone()]);
    for presented in presented {
        for path in ["/v1/models", "/v1/credits", "/v1/keys"] {
            let reply = world.ask(&Ask::get(path).key(&presented)).await;
            assert_eq!(reply.status, 401, "{path} by {presented}: {}", reply.text());
        }
    }
}
