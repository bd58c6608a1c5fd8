//! What must not be possible (S1, S2, S4, S12, S13).

use serde_json::{Value, json};
use vane_ledger::{AccountKind, Secret, Store};
use vane_testkit::{Answer, Canary, Fault, Script, Settings, When};

use crate::client::Ask;
use crate::door::{DOORS, Door, UPSTREAMS};
use crate::world::{NOW, PROVIDER_KEY, World};

/// Fields by which gateways let a caller choose the upstream.
const ROUTING_FIELDS: [&str; 60] = [
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "endpoint",
    "url",
    "host",
    "hostname",
    "proxy",
    "proxy_url",
    "http_proxy",
    "https_proxy",
    "upstream",
    "upstream_url",
    "target",
    "target_url",
    "backend",
    "backend_url",
    "server",
    "server_url",
    "azure_endpoint",
    "azure_ad_token",
    "aws_bedrock_runtime_endpoint",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region_name",
    "aws_role_name",
    "aws_web_identity_token",
    "vertex_project",
    "vertex_location",
    "vertex_credentials",
    "region_name",
    "organization",
    "headers",
    "extra_headers",
    "default_headers",
    "extra_body",
    "extra_query",
    "custom_llm_provider",
    "llm_provider",
    "litellm_params",
    "model_list",
    "model_info",
    "mock_response",
    "callbacks",
    "success_callback",
    "webhook",
    "webhook_url",
    "callback_url",
    "redirect_url",
    "deployment_id",
    "deployment",
    "route",
    "router",
    "gateway",
    "config",
    "connection",
    "transport",
    "provider_url",
];

/// Each chat door, and the others that take a body.
fn bodies() -> Vec<(&'static str, Value)> {
    let chats = DOORS.map(|door| (door.path(), door.request(door.own_model(), "Hi", false)));
    let mut all = chats.to_vec();
    all.push((
        "/v1/completions",
        json!({"model": "lab-m", "prompt": "a", "suffix": "b"}),
    ));
    all.push((
        "/v1/fim/completions",
        json!({"model": "codestral-m", "prompt": "a", "suffix": "b"}),
    ));
    all.push(("/v1/embeddings", json!({"model": "lab-e", "input": "a"})));
    all.push((
        "/v1/messages/count_tokens",
        json!({"model": "claude-m", "messages": [{"role": "user", "content": "Hi"}]}),
    ));
    all
}

/// Every routing field at once with the value `url`, at this depth of a body.
fn routed(url: &str, depth: usize) -> Value {
    let fields = ROUTING_FIELDS.iter();
    let mut nested: Value = fields
        .map(|name| ((*name).to_owned(), json!(url)))
        .collect();
    let outer = [
        "extra_body",
        "litellm_params",
        "metadata",
        "config",
        "provider",
    ];
    for name in &outer[..depth] {
        nested = json!({ *name: nested });
    }
    nested
}

/// Headers by which gateways let a caller choose the upstream.
const ROUTING_HEADERS: [&str; 8] = [
    "x-api-base",
    "x-upstream-url",
    "x-forwarded-host",
    "x-target-url",
    "helicone-target-url",
    "x-portkey-custom-host",
    "forwarded",
    "proxy",
];

/// A world whose fakes take what the real providers would refuse.
async fn lenient() -> World {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        lenient: true,
        ..Settings::default()
    };
    World::between(settings, |_| {}).await
}

#[tokio::test]
async fn s1_no_field_of_a_call_chooses_the_upstream() {
    let world = lenient().await;
    let canary = Canary::start().await.unwrap();
    let url = canary.url();
    for (path, body) in bodies() {
        let together = (0..=5).map(|depth| routed(&url, depth));
        let alone = ROUTING_FIELDS.iter().map(|name| json!({ *name: url }));
        for fields in together.chain(alone) {
            let mut routed = body.clone();
            let more = fields.as_object().unwrap().clone();
            routed.as_object_mut().unwrap().extend(more);
            let reply = world.post(path, &routed).await;
            let status = reply.status;
            assert!([200, 400].contains(&status), "{path}: {}", reply.text());
        }
        let ask = Ask::post(path, &body).key(&world.key);
        let headers = ROUTING_HEADERS.iter();
        let ask = headers.fold(ask, |ask, name| ask.header(name, &url));
        world.ask(&ask).await.ok();
    }
    assert_eq!(canary.hits().await.unwrap(), 0);
    assert!(world.second.calls().is_empty());
    // The fake takes no other key than the configured one.
    assert!(world.fake.calls().iter().all(|call| call.status == 200));
}

/// Addresses of the canary and of what lies near, in forms that filters were fooled by.
fn addresses(port: &str) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.000.000.001",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ip6-localhost",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "metadata.google.internal",
        "instance-data",
        "127.0.0.1.nip.io",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "127.0.0.1%2f.example.com",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "127.0.0.2",
    ];
    let http = hosts
        .iter()
        .map(|host| format!("http://{host}:{port}/a.png"));
    let others = hosts
        .iter()
        .map(|host| format!("https://{host}:{port}/a.pdf"));
    let schemes = [
        "file:///etc/passwd",
        "gopher://127.0.0.1:",
        "ftp://127.0.0.1:",
        "dict://127.0.0.1:",
        "//127.0.0.1:",
        "http:127.0.0.1:",
        "HTTP://127.0.0.1:",
        "unix:/tmp/s",
    ];
    http.chain(others)
        .chain(schemes.iter().map(|scheme| format!("{scheme}{port}")))
        .collect()
}

#[tokio::test]
async fn s2_no_url_in_a_call_is_fetched() {
    let world = lenient().await;
    let canary = Canary::start().await.unwrap();
    let port = canary.url().rsplit(':').next().unwrap().to_owned();
    let urls = addresses(&port);
    assert!(urls.len() >= 80);
    for door in DOORS {
        let parts = |urls: &[String]| -> Value {
            let part = |url: &String| match door {
                Door::Chat => vec![json!({"type": "image_url", "image_url": {"url": url}})],
                Door::MistralChat => vec![
                    json!({"type": "image_url", "image_url": url}),
                    json!({"type": "document_url", "document_url": url}),
                ],
                Door::Messages => vec![
                    json!({"type": "image", "source": {"type": "url", "url": url}}),
                    json!({"type": "document", "source": {"type": "url", "url": url}}),
                ],
                Door::Responses => vec![
                    json!({"type": "input_image", "image_url": url}),
                    json!({"type": "input_file", "file_url": url}),
                ],
            };
            urls.iter().flat_map(part).collect::<Vec<_>>().into()
        };
        for model in UPSTREAMS {
            for some in urls.chunks(20) {
                let mut body = door.request(model, "", false);
                let key = if door == Door::Responses {
                    "input"
                } else {
                    "messages"
                };
                body[key][0]["content"] = parts(some);
                let reply = world.post(door.path(), &body).await;
                assert!(
                    [200, 400].contains(&reply.status),
                    "{door:?} -> {model}: {}",
                    reply.text()
                );
            }
        }
    }
    assert_eq!(canary.hits().await.unwrap(), 0);
    assert!(world.second.calls().is_empty());
}

#[tokio::test]
async fn s2_a_redirect_of_an_upstream_is_not_followed() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let canary = Canary::start().await.unwrap();
    world
        .fake
        .always(Answer::fault(Fault::Redirect(canary.url())));
    for (path, body) in bodies() {
        let reply = world.post(path, &body).await;
        let estimated = path.ends_with("count_tokens");
        assert_eq!(
            reply.status,
            if estimated { 200 } else { 502 },
            "{path}: {}",
            reply.text()
        );
        assert!(!reply.text().contains(&canary.url()));
        assert_eq!(reply.header("location"), None);
    }
    assert_eq!(canary.hits().await.unwrap(), 0);
}

#[tokio::test]
async fn s4_no_key_text_is_anything_but_a_key() {
    let world = World::start().await;
    let id = &world.key[..18];
    let tail = &world.key[18..];
    let keys = [
        "' OR '1'='1",
        "sk-vane-' OR 1=1 --",
        "sk-vane-%",
        "sk-vane-__________-",
        "\"; DROP TABLE api_key; --",
        "sk-vane-0123456789-",
        "null",
        "undefined",
        "Bearer",
        "*",
        "\u{e9}\u{e9}",
        "sk-vane-\u{2603}",
    ];
    let made = [
        format!("{id}%{}", &tail[1..]),
        format!("{id}{}", "_".repeat(tail.len())),
        format!("{}' OR '1'='1", world.key),
        format!("{} ", &world.key[..world.key.len() - 1]),
        world.key.to_uppercase(),
        format!("{}{}", world.key, world.key),
        "x".repeat(20_000),
    ];
    for key in keys.into_iter().map(str::to_owned).chain(made) {
        for name in ["authorization", "x-api-key"] {
            let value = if name == "authorization" {
                format!("Bearer {key}")
            } else {
                key.clone()
            };
            let reply = world.ask(&Ask::get("/v1/models").header(name, value)).await;
            assert_eq!(reply.status, 401, "{key:?}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
            assert!(
                !reply.text().contains("SQL") && !reply.text().contains("OR '1'"),
                "{}",
                reply.text()
            );
        }
    }
    world.get("/v1/models").await.ok();
}

/// Counts that no provider should send, as JSON texts.
const COUNTS: [&str; 9] = [
    "-5",
    "-9223372036854775808",
    "18446744073709551615",
    "99999999999999999999999",
    "1e30",
    "-1e30",
    "\"12\"",
    "null",
    "1.5",
];

/// Where each dialect writes its counts, whole and streamed; `N` stands for one.
fn counted(model: &str, stream: bool) -> Answer {
    let chat = r#"{"prompt_tokens":N,"completion_tokens":N,"total_tokens":N,"prompt_tokens_details":{"cached_tokens":N},"completion_tokens_details":{"reasoning_tokens":N}}"#;
    let messages = r#"{"input_tokens":N,"output_tokens":N,"cache_read_input_tokens":N,"cache_creation_input_tokens":N}"#;
    let responses = r#"{"input_tokens":N,"input_tokens_details":{"cached_tokens":N},"output_tokens":N,"output_tokens_details":{"reasoning_tokens":N},"total_tokens":N}"#;
    let body = match (model, stream) {
        ("claude-m", false) => format!(r#"{{"id":"m","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":"Hi"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{messages}}}"#),
        ("claude-m", true) => [
            ("message_start", format!(r#"{{"type":"message_start","message":{{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{messages}}}}}"#)),
            ("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned()),
            ("content_block_delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}"#.to_owned()),
            ("content_block_stop", r#"{"type":"content_block_stop","index":0}"#.to_owned()),
            ("message_delta", format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{messages}}}"#)),
            ("message_stop", r#"{"type":"message_stop"}"#.to_owned()),
        ]
        .map(|(name, data)| format!("event: {name}\ndata: {data}\n\n"))
        .concat(),
        ("resp-m", stream) => {
            let response = format!(r#"{{"id":"r","object":"response","created_at":1,"status":"completed","model":"m","output":[{{"type":"message","id":"i","role":"assistant","status":"completed","content":[{{"type":"output_text","text":"Hi","annotations":[]}}]}}],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{responses}}}"#);
            if stream {
                format!("event: response.completed\ndata: {{\"type\":\"response.completed\",\"sequence_number\":0,\"response\":{response}}}\n\n")
            } else {
                response
            }
        }
        (_, false) => format!(r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi"}},"finish_reason":"stop"}}],"usage":{chat}}}"#),
        (_, true) => format!("data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"Hi\"}},\"finish_reason\":\"stop\"}}],\"usage\":{chat}}}\n\ndata: [DONE]\n\n"),
    };
    let kind = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    Answer::recorded(kind, &body)
}

#[tokio::test]
async fn s13_m2_absurd_counts_never_pay_the_caller_nor_break_the_call() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let mut count = 0;
    for number in COUNTS {
        for model in UPSTREAMS {
            for stream in [false, true] {
                for door in [Door::Chat, Door::Messages] {
                    let mut answer = counted(model, stream);
                    let recorded = answer.recorded.as_mut().unwrap();
                    recorded.body = recorded.body.replace(":N", &format!(":{number}"));
                    world.fake.script(Script::new().on(When::default(), answer));
                    let reply = world
                        .post(door.path(), door.request(model, "Hi", stream))
                        .await;
                    count += 1;
                    let place = format!(
                        "{number}, {door:?} -> {model}, stream {stream}: {} {}",
                        reply.status,
                        reply.text()
                    );
                    assert!([200, 502].contains(&reply.status), "{place}");
                    assert!(!reply.text().contains("\"cost\":-"), "{place}");
                    assert!(
                        reply
                            .header("vane-cost")
                            .is_none_or(|cost| !cost.starts_with('-')),
                        "{place}"
                    );
                }
            }
        }
    }
    for line in world.log.lines(count).await {
        assert!(
            line["cost"].as_f64().is_none_or(|cost| cost >= 0.0),
            "{line}"
        );
        assert!(line["input"].is_null() || line["input"].is_u64(), "{line}");
    }
}

#[tokio::test]
async fn a_second_pass_through_the_gateway_is_a_508() {
    let world = World::start().await;
    for (path, body) in bodies() {
        let ask = Ask::post(path, &body)
            .key(&world.key)
            .header("vane-hop", "1");
        assert_eq!(world.ask(&ask).await.status, 508, "{path}");
    }
    assert!(world.fake.calls().is_empty());
    world.post("/v1/messages", bodies()[2].1.clone()).await.ok();
    assert!(world.only_call().request.header("vane-hop").is_some());
}

#[tokio::test]
async fn its_own_address_is_refused_as_an_upstream() {
    let folder = crate::world::Folder::new();
    let text = "listen = \"127.0.0.1:8787\"\n[[provider]]\nid = \"lab\"\ndialect = \"openai\"\nbase_url = \"http://localhost:8787/v1\"\nmodels = [{ id = \"m\", free = true }]\n";
    let problems = crate::world::read(&folder, text, &[]).unwrap_err();
    assert!(problems.contains("own address"), "{problems}");
}

#[tokio::test]
async fn auth_off_serves_without_a_key_on_loopback() {
    let world = World::with(|config| config.auth = false).await;
    for (path, body) in bodies() {
        world.ask(&Ask::post(path, &body)).await.ok();
        world
            .ask(&Ask::post(path, &body).key("whatever-a-tool-sends"))
            .await
            .ok();
    }
    world.ask(&Ask::get("/v1/models")).await.ok();
}

/// What an upstream that repeats our key says: the frames of a stream, and a whole answer.
fn echoes(model: &str) -> [(&'static str, String); 5] {
    let bad = format!("bad key {PROVIDER_KEY}");
    let escaped = bad.replace('-', "\\u002d");
    let (begun, error) = match model {
        "claude-m" => (
            r#"event: message_start
data: {"type":"message_start","message":{"id":"m","model":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hm"}}

"#,
            r#"{"type":"error","error":{"type":"api_error","message":"MESSAGE"}}"#,
        ),
        "resp-m" => (
            r#"event: response.created
data: {"type":"response.created","response":{"id":"r","model":"m","output":[]}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"item_id":"i","delta":"Hm"}

"#,
            r#"{"type":"error","code":"MESSAGE","message":"MESSAGE","error":{"code":"MESSAGE","message":"MESSAGE"}}"#,
        ),
        "mistral-m" => (
            r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hm"},"finish_reason":null}]}

"#,
            r#"{"object":"error","message":"MESSAGE","type":"bad","param":"MESSAGE","code":"3000"}"#,
        ),
        _ => (
            r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hm"},"finish_reason":null}]}

"#,
            r#"{"error":{"message":"MESSAGE","type":"bad","param":"MESSAGE","code":"MESSAGE"}}"#,
        ),
    };
    let error = |words: &str| error.replace("MESSAGE", words);
    let frame = |words: &str| format!("event: error\ndata: {}\n\n", error(words));
    let (stream, json) = ("text/event-stream", "application/json");
    [
        (stream, frame(&bad)),
        (stream, format!("{begun}{}", frame(&bad))),
        (stream, format!("{begun}{}", frame(&escaped))),
        (json, error(&bad)),
        (json, error(&escaped)),
    ]
}

#[tokio::test]
async fn auth_off_stays_with_the_first_account_however_later_ones_are_called() {
    let folder = crate::world::Folder::new();
    let url = format!("sqlite:{}", folder.0.join("vane.db").display());
    let secret = Secret::from_hex(&"0123456789abcdef".repeat(4), "secret").unwrap();
    let store = Store::open_with(&url, secret).unwrap();
    for name in ["guest", "zeta"] {
        let made = store.create_account(name, AccountKind::Metered, NOW);
        made.unwrap();
    }
    drop(store);
    // The world makes `team`, which comes before `zeta` by name.
    let world = World::with(|config| {
        config.auth = false;
        config.database.0 = url;
    })
    .await;
    let (path, body) = &bodies()[0];
    world.ask(&Ask::post(path, body)).await.ok();
    world.log.until("\"account\":\"zeta\"").await;
}

#[tokio::test]
async fn s6_a_provider_that_repeats_our_key_tells_it_to_nobody() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let mut asked = 0;
    for door in DOORS {
        for model in UPSTREAMS {
            for (kind, said) in echoes(model) {
                for stream in [false, true] {
                    world.fake.always(Answer::recorded(kind, &said));
                    let reply = world
                        .post(door.path(), door.request(model, "Hi", stream))
                        .await;
                    asked += 1;
                    let place = format!("{door:?} -> {model}, stream {stream}: {said}");
                    let told = format!("{:?} {}", reply.headers, reply.text());
                    assert!(!told.contains(PROVIDER_KEY), "{place}\n{told}");
                    let plain = told.replace("\\u002d", "-");
                    assert!(!plain.contains(PROVIDER_KEY), "{place}\n{told}");
                    if stream && kind == "text/event-stream" && said.contains("Hm") {
                        assert!(reply.text().contains("Hm"), "{place}\n{told}");
                    }
                }
            }
        }
    }
    for line in world.log.lines(asked).await {
        assert!(!line.to_string().contains(PROVIDER_KEY), "{line}");
    }
}
