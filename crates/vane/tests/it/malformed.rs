//! T13: bodies that are no calls, through every door.

use crate::client::Ask;
use crate::world::World;

/// Every route that takes a body, with a body that it would take.
const DOORS: [(&str, &str); 9] = [
    (
        "/v1/chat/completions",
        r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "/mistral/v1/chat/completions",
        r#"{"model":"mistral-m","messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "/v1/messages",
        r#"{"model":"claude-m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "/v1/messages/count_tokens",
        r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#,
    ),
    (
        "/v1/responses",
        r#"{"model":"resp-m","store":false,"input":"Hi"}"#,
    ),
    (
        "/v1/responses/input_tokens",
        r#"{"model":"lab-m","input":"Hi"}"#,
    ),
    (
        "/v1/completions",
        r#"{"model":"lab-m","prompt":"a","suffix":"b"}"#,
    ),
    (
        "/v1/fim/completions",
        r#"{"model":"codestral-m","prompt":"a","suffix":"b"}"#,
    ),
    ("/v1/embeddings", r#"{"model":"lab-e","input":"Hi"}"#),
];

/// The body with an empty text for its model.
fn unnamed(body: &str) -> String {
    let at = body.find("\"model\":\"").unwrap() + 9;
    let end = at + body[at..].find('"').unwrap();
    [&body[..at], &body[end..]].concat()
}

/// The body with another text for its model, as it stands between quotes, and with models that
/// could be asked instead.
fn named(body: &str, model: &str) -> Vec<u8> {
    let name = format!("\"models\":[\"lab-m\",\"lab-e\"],\"model\":\"{model}");
    unnamed(body)
        .replacen("\"model\":\"", &name, 1)
        .into_bytes()
}

/// What is wrong, and the body made wrong in that way.
fn spoilt(body: &str) -> Vec<(&'static str, Vec<u8>)> {
    let with = |more: &str| body.replacen('{', &format!("{{{more},"), 1).into_bytes();
    let deep = format!("\"x\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let half = body.len() / 2;
    vec![
        ("nothing", Vec::new()),
        ("a list", format!("[{body}]").into_bytes()),
        ("null", b"null".to_vec()),
        ("a text", b"\"model\"".to_vec()),
        ("half of it", body.as_bytes()[..half].to_vec()),
        ("garbage after it", format!("{body}}}").into_bytes()),
        ("two of it", format!("{body}{body}").into_bytes()),
        ("a key twice", with(r#""model":"other""#)),
        (
            "a key twice, spelt in two ways",
            with(r#""mod\u0065l":"other""#),
        ),
        ("a lone surrogate", with(r#""user":"\ud800""#)),
        ("a lone surrogate as key", with(r#""\udfff":1"#)),
        (
            "no UTF-8",
            [
                br#"{"user":""#.as_slice(),
                b"\xff\xfe\",",
                &body.as_bytes()[1..],
            ]
            .concat(),
        ),
        ("a control character", with("\"user\":\"a\u{1}b\"")),
        ("nested without end", with(&deep)),
        ("a number that is none", with(r#""n":01"#)),
        ("not a number", with(r#""n":NaN"#)),
        (
            "a model that is no text",
            body.replace("\"model\":\"", "\"model\":5,\"modell\":\"")
                .into_bytes(),
        ),
        (
            "no model",
            body.replace("\"model\"", "\"modell\"").into_bytes(),
        ),
        ("an empty model", unnamed(body).into_bytes()),
        ("a model of many letters", named(body, &"x".repeat(257))),
        (
            "a model of a body's length",
            named(body, &"x".repeat(2 << 20)),
        ),
        ("a model with a NUL", named(body, r"lab\u0000m")),
        ("a model with a line's end", named(body, r"lab\nm")),
        (
            "a fallback of many letters",
            with(&format!(r#""models":["lab-m","{}"]"#, "é".repeat(129))),
        ),
        ("a fallback with a NUL", with(r#""models":["\u0000"]"#)),
        ("a flag that is none", with(r#""stream":"yes""#)),
    ]
}

#[tokio::test]
async fn t13_a_body_that_is_no_call_is_a_400_in_the_doors_dialect() {
    let world = World::start().await;
    for (path, body) in DOORS {
        for (what, spoilt) in spoilt(body) {
            if what == "a flag that is none"
                && (path.contains("embeddings") || path.contains("tokens"))
            {
                continue;
            }
            let ask = Ask::new("POST", path).body(spoilt).key(&world.key);
            let reply = world.ask(&ask).await;
            let wanted = if what == "an empty model" { 404 } else { 400 };
            assert!(
                [wanted, 400].contains(&reply.status),
                "{path}, {what}: {} {}",
                reply.status,
                reply.text()
            );
            let error = reply.json();
            let message = match path {
                "/v1/messages" | "/v1/messages/count_tokens" => {
                    assert_eq!(error["type"], "error", "{path}, {what}: {error}");
                    &error["error"]["message"]
                }
                "/v1/fim/completions" | "/mistral/v1/chat/completions" => {
                    assert_eq!(error["object"], "error", "{path}, {what}: {error}");
                    &error["message"]
                }
                _ => &error["error"]["message"],
            };
            assert!(
                message.as_str().is_some_and(|text| !text.is_empty()),
                "{path}, {what}: {error}"
            );
            if what.starts_with("a model of") || what.starts_with("a fallback") {
                assert_eq!(reply.status, 400, "{path}, {what}: {error}");
                let field = if what.contains("model of") {
                    "`model`"
                } else {
                    "`models`"
                };
                let said = message.as_str().unwrap_or_default();
                assert!(
                    said.contains(field) && said.len() < 200,
                    "{path}, {what}: {said}"
                );
            }
        }
    }
    let calls = world.fake.calls();
    assert!(calls.is_empty(), "{}", calls[0].body_text());
    // And the connection to the right body is not hurt by any of it.
    for (path, body) in DOORS {
        world.post(path, body).await.ok();
    }
}

#[tokio::test]
async fn t13_huge_numbers_go_where_the_client_sends_them_and_break_nothing() {
    let world = World::start().await;
    for model in ["lab-m", "claude-m", "mistral-m", "resp-m"] {
        for number in [
            "1e999",
            "-0.0",
            "123456789012345678901234567890",
            "1.7976931348623157e309",
            "-1",
            "4.5",
        ] {
            for key in ["max_tokens", "temperature", "seed", "n"] {
                let body = format!(
                    r#"{{"model":"{model}","{key}":{number},"messages":[{{"role":"user","content":"Hi"}}]}}"#
                );
                let reply = world.post("/v1/chat/completions", body).await;
                assert!(
                    [200, 400, 422].contains(&reply.status),
                    "{model} {key} {number}: {} {}",
                    reply.status,
                    reply.text()
                );
            }
        }
    }
}
