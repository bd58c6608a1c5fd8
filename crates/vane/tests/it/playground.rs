//! The playground: who may call from it, what a guest may ask for, and what the pages show.

use serde_json::{Value, json};
use vane::config::{Config, Model};
use vane_catalog::Money;
use vane_testkit::{Answer, Script, When};

use crate::client::{Ask, Reply};
use crate::html::Document;
use crate::pages::fetch;
use crate::people::{Browser, field};
use crate::world::{NOW, World};

pub(crate) const CHAT: &str = "/playground/v1/chat/completions";

pub(crate) fn with_free_models(config: &mut Config) {
    let free = |id: &str| Model {
        id: id.to_owned(),
        free: true,
        max_output: Some(4_000),
        ..Model::default()
    };
    let lab = config.providers.iter_mut().find(|row| row.id == "lab");
    lab.unwrap().models.extend([
        Model {
            fim: true,
            tools: true,
            ..free("free-m")
        },
        Model {
            embeddings: true,
            ..free("free-e")
        },
    ]);
}

pub(crate) async fn world() -> World {
    World::with(with_free_models).await
}

/// As a page of this server sends it.
pub(crate) fn from_page(path: &str, body: impl ToString) -> Ask {
    Ask::post(path, body)
        .header("content-type", "application/json")
        .header("origin", "http://localhost")
        .header("sec-fetch-site", "same-origin")
}

pub(crate) fn form(body: &str) -> Ask {
    Ask::post("/playground", body)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://localhost")
}

pub(crate) fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]})
}

/// A call of each mode that is free.
fn free_calls() -> [(&'static str, Value); 4] {
    [
        (CHAT, chat("free-m")),
        (
            "/playground/v1/completions",
            json!({"model": "free-m", "prompt": "a"}),
        ),
        (
            "/playground/v1/fim/completions",
            json!({"model": "free-m", "prompt": "a", "suffix": "b"}),
        ),
        (
            "/playground/v1/embeddings",
            json!({"model": "free-e", "input": ["a"]}),
        ),
    ]
}

pub(crate) async fn receipt(world: &World, reply: &Reply, pass: &str) -> Reply {
    let id = reply.header("vane-request-id").unwrap();
    let ask = Ask::get(&format!("/playground/receipts/{id}")).header("vane-pass", pass);
    world.ask(&ask).await
}

#[tokio::test]
async fn guests_call_what_is_free_in_every_mode_and_see_their_own_receipt() {
    let world = world().await;
    let mut passes: Vec<String> = Vec::new();
    for (path, body) in free_calls() {
        let reply = world.ask(&from_page(path, &body)).await.ok();
        assert_eq!(reply.header("access-control-allow-origin"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let pass = reply.header("vane-pass").unwrap().to_owned();
        let bill = receipt(&world, &reply, &pass).await.ok().json();
        assert_eq!(
            (&bill["cost"], &bill["key"]),
            (&json!("0"), &guest_key(&world).into())
        );
        assert_eq!(bill["attempts"][0]["provider"], "lab");
        for other in passes.iter().map(String::as_str).chain(["", "junk"]) {
            assert_eq!(receipt(&world, &reply, other).await.status, 404, "{other}");
        }
        passes.push(pass);
    }
    assert!(world.log.text().contains("\"account\":\"guest\""));
}

fn guest_key(world: &World) -> String {
    let store = &world.gateway.store;
    let guest = store.find_account("guest").unwrap().unwrap();
    let keys = store.list_keys(guest.id).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].budget.map(|(amount, _)| amount), Some(Money::ZERO));
    keys[0].id.clone()
}

#[tokio::test]
async fn an_answer_streams_to_the_page_before_its_end() {
    let world = world().await;
    world
        .fake
        .always(Answer::text("One two three four").gate("slow"));
    world.fake.gate("slow").open(3);
    let mut body = chat("free-m");
    body["stream"] = true.into();
    let mut stream = world.connect().await.begin(&from_page(CHAT, body)).await;
    stream.until("One", 1).await;
    assert!(!stream.so_far().contains("four"));
    world.fake.gate("slow").open_for_good();
    let reply = stream.rest().await;
    assert!(reply.text().contains("four"));
    let pass = reply.header("vane-pass").unwrap().to_owned();
    receipt(&world, &reply, &pass).await.ok();
}

#[tokio::test]
async fn s3_a_guest_reaches_nothing_that_costs() {
    let world = world().await;
    let more = |field: &str, value: Value| {
        let mut body = chat("gpt-m");
        body[field] = value;
        body
    };
    for (path, body) in [
        (CHAT, chat("gpt-m")),
        (CHAT, chat("claude-m")),
        (CHAT, chat("openai/gpt-m")),
        // Free to who has a key there, which is the operator.
        (CHAT, chat("gemma-3-27b-it")),
        (CHAT, more("models", json!(["two-m", "claude-m"]))),
        (CHAT, more("provider", json!({"only": ["openai"]}))),
        (
            "/playground/v1/fim/completions",
            json!({"model": "codestral-m", "prompt": "a", "suffix": "b"}),
        ),
        (
            "/playground/v1/embeddings",
            json!({"model": "lab-e", "input": "a"}),
        ),
    ] {
        let ask = from_page(path, &body).key(&world.key);
        let reply = world.ask(&ask).await;
        let said = reply.text();
        assert_eq!(reply.status, 401, "{said}");
        assert!(said.contains("sign in"), "{said}");
    }
    assert!(world.fake.calls().is_empty() && world.second.calls().is_empty());
    let reply = world
        .ask(&from_page(CHAT, more("models", json!(["free-m"]))))
        .await
        .ok();
    assert_eq!(reply.header("vane-cost"), Some("0"));
    assert_eq!(world.only_call().json()["model"], "free-m");
}

#[tokio::test]
async fn a_refusal_names_the_credit_of_a_new_account() {
    let world = World::with(|config| {
        let amount = Money::parse("2.50").unwrap();
        let expires_days = None;
        config.people.entry = vane::config::Entry::Open;
        config.sign_up = Some(vane::config::SignUp {
            amount,
            expires_days,
        });
    })
    .await;
    let reply = world.ask(&from_page(CHAT, chat("gpt-m"))).await;
    assert!(
        reply.text().contains("$2.5000 of free credit"),
        "{}",
        reply.text()
    );
    let page = world.ask(&form("mode=chat&model=gpt-m&prompt=Hi")).await;
    assert_eq!(page.status, 401);
    assert!(
        page.text().contains("$2.5000 of free credit"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn s5_a_guest_gets_so_much_output_and_no_more() {
    let world = world().await;
    let with = |fields: Value| {
        let mut body = chat("free-m");
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        from_page(CHAT, body)
    };
    for fields in [
        json!({"max_tokens": 1_025}),
        json!({"max_completion_tokens": 100_000}),
        json!({"max_tokens": 513, "n": 2}),
        json!({"n": 2_000}),
    ] {
        let reply = world.ask(&with(fields)).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert_eq!(reply.json()["error"]["code"], "guest_output_limit");
    }
    assert!(world.fake.calls().is_empty());
    world.ask(&with(json!({"max_tokens": 7}))).await.ok();
    world.ask(&with(json!({}))).await.ok();
    // A limit of another door is none here, whether or not the provider refuses it.
    let foreign = json!({"max_output_tokens": 1});
    let _answered = world.ask(&with(foreign)).await;
    let asked: Vec<Value> = world.fake.calls().iter().map(|call| call.json()).collect();
    assert_eq!((asked.len(), &asked[0]["max_tokens"]), (3, &json!(7)));
    for asked in &asked[1..] {
        let most = asked["max_tokens"]
            .as_u64()
            .or(asked["max_completion_tokens"].as_u64());
        assert_eq!(most, Some(1_024), "{asked}");
    }
    let long = chat(&"x".repeat(70_000));
    assert_eq!(world.ask(&from_page(CHAT, long)).await.status, 413);
}

#[tokio::test]
async fn guests_of_one_address_come_so_often_in_a_minute() {
    let world = World::with(|config| {
        with_free_models(config);
        config.guest.requests_per_minute = 2;
        config.trusted_proxies = vec![vane::config::Network {
            address: std::net::IpAddr::from([127, 0, 0, 1]),
            prefix: 32,
        }];
    })
    .await;
    let from = |address: &str| from_page(CHAT, chat("free-m")).header("x-forwarded-for", address);
    for (address, status) in [
        ("203.0.113.1", 200),
        ("203.0.113.1", 200),
        ("203.0.113.1", 429),
        ("203.0.113.2", 200),
        // What stands before the last address is made up.
        ("203.0.113.3, 203.0.113.1", 429),
        ("2001:db8::1", 200),
        ("2001:db8::2", 200),
        ("2001:db8::3", 429),
    ] {
        let reply = world.ask(&from(address)).await;
        assert_eq!(reply.status, status, "{address}: {}", reply.text());
        if status == 429 {
            assert_eq!(reply.json()["error"]["code"], "rate_limit_exceeded");
            assert!(reply.header("retry-after").is_some());
        }
    }
    let form = form("mode=chat&model=free-m&prompt=Hi").header("x-forwarded-for", "203.0.113.1");
    let page = world.ask(&form).await;
    assert_eq!(page.status, 429);
    Document::read(page.text()).check();
}

#[tokio::test]
async fn s15_what_no_page_of_this_server_sends_is_refused() {
    let world = world().await;
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    let here = "http://localhost";
    for (path, kind, origin, site, status) in [
        (CHAT, json, None, None, 403),
        (CHAT, json, Some("https://evil.example"), None, 403),
        (CHAT, json, Some("null"), Some("same-origin"), 403),
        (CHAT, json, Some(here), Some("cross-site"), 403),
        (CHAT, json, Some("http://localhost:81"), None, 403),
        (CHAT, "text/plain", Some(here), None, 415),
        (CHAT, form, Some(here), None, 415),
        ("/playground", form, None, None, 403),
        (
            "/playground",
            form,
            Some("https://evil.example"),
            Some("cross-site"),
            403,
        ),
        ("/playground", "text/plain", Some(here), None, 415),
        (CHAT, json, Some(here), Some("same-origin"), 200),
        (CHAT, json, None, Some("same-origin"), 200),
    ] {
        let mut ask = Ask::post(path, chat("free-m")).header("content-type", kind);
        for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
            if let Some(value) = value {
                ask = ask.header(name, value);
            }
        }
        let reply = world.ask(&ask).await;
        assert_eq!(
            reply.status,
            status,
            "{path} {kind} {origin:?} {site:?}: {}",
            reply.text()
        );
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    assert_eq!(world.fake.calls().len(), 2);
    let preflight = Ask::new("OPTIONS", CHAT).header("origin", "https://evil.example");
    assert_eq!(world.ask(&preflight).await.status, 405);
}

#[tokio::test]
async fn s8_nothing_of_one_guest_reaches_another() {
    let world = world().await;
    for _ in 0..2 {
        let ask = from_page(CHAT, chat("free-m")).header("idempotency-key", "the same");
        let reply = world.ask(&ask).await.ok();
        assert_eq!(reply.header("vane-replayed-from"), None);
        assert_eq!(reply.header("vane-budget-remaining"), None);
    }
    assert_eq!(world.fake.calls().len(), 2);
    for call in world.fake.calls() {
        assert_eq!(call.request.header("origin"), None);
        assert_eq!(call.request.header("cookie"), None);
    }
}

#[tokio::test]
async fn without_guests_the_playground_asks_to_sign_in() {
    let world = World::with(|config| {
        with_free_models(config);
        config.guest.enabled = false;
    })
    .await;
    let reply = world.ask(&from_page(CHAT, chat("free-m"))).await;
    assert_eq!((reply.status, world.fake.calls().len()), (401, 0));
    assert!(world.gateway.store.find_account("guest").unwrap().is_none());
}

#[tokio::test]
async fn an_account_of_somebody_is_not_taken_for_the_guests() {
    let world = world().await;
    let store = &world.gateway.store;
    let kind = vane_ledger::AccountKind::Metered;
    let taken = store.create_account("guest", kind, NOW).unwrap();
    store
        .create_key(taken.id, &crate::world::named("own"), NOW)
        .unwrap();
    let reply = world.ask(&from_page(CHAT, chat("free-m"))).await;
    assert_eq!(
        (reply.status, world.fake.calls().len()),
        (503, 0),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn the_form_answers_with_a_page_where_no_script_runs() {
    let world = world().await;
    for (body, wanted) in [
        ("mode=chat&model=free-m&prompt=Hi", "Charged"),
        (
            "mode=completion&model=free-m&prompt=Hi&max_tokens=9",
            "Charged",
        ),
        (
            "mode=fim&model=free-m&prompt=def+f%28%29%3A&suffix=f%28%29",
            "Charged",
        ),
        (
            "mode=embeddings&model=free-e&prompt=one%0D%0Atwo",
            "class=\"vectors\"",
        ),
        ("mode=chat&model=free-m&beside=free-m&prompt=Hi", "Charged"),
    ] {
        let page = world.ask(&form(body)).await.ok();
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let document = Document::read(page.text());
        document.check();
        assert!(page.text().contains(wanted), "{body}: {}", page.text());
        let answers = document.all("article").count();
        assert_eq!(answers, 1 + usize::from(body.contains("beside")), "{body}");
        assert!(page.text().contains("at lab"), "{}", page.text());
    }
    let nothing = world.ask(&form("mode=chat&model=&prompt=Hi")).await;
    assert_eq!(nothing.status, 400);
    assert!(nothing.text().contains("name a model"));
}

#[tokio::test]
async fn a_conversation_goes_on_by_form_with_a_tools_result() {
    let world = world().await;
    let script = Script::new()
        .on(
            When::default().nth(1),
            Answer::tool("c1", "weather", "{\"city\":\"Oslo\"}"),
        )
        .on(When::default(), Answer::text("It rains."));
    world.fake.script(script);
    let tools = "%5B%7B%22type%22%3A%22function%22%2C%22function%22%3A%7B%22name%22%3A%22weather%22%7D%7D%5D";
    let page = world
        .ask(&form(&format!(
            "mode=chat&model=free-m&prompt=Hi&tools={tools}"
        )))
        .await
        .ok();
    let document = Document::read(page.text());
    document.check();
    let turns = document
        .all("input")
        .find(|one| one.attribute("name") == Some("turns"));
    let turns = turns.unwrap().attribute("value").unwrap();
    assert!(
        document
            .all("textarea")
            .any(|one| one.attribute("name") == Some("result"))
    );
    let encoded: String = turns.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let next = form(&format!(
        "mode=chat&model=free-m&result=rain&turns={encoded}"
    ));
    let page = world.ask(&next).await.ok();
    assert!(page.text().contains("It rains."), "{}", page.text());
    let asked = world.fake.calls()[1].json();
    let last = asked["messages"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        last,
        json!({"role": "tool", "tool_call_id": "c1", "content": "rain"})
    );
}

#[tokio::test]
async fn s15_what_a_model_says_is_inert_in_the_page() {
    let world = world().await;
    let hostile = "<script>window.pwned=1</script><img src=x onerror=pwned()>\"'></textarea></pre>[x](javascript:pwned)";
    world.fake.always(Answer::text(hostile));
    for mode in ["chat", "completion", "fim"] {
        let typed = "%3C%2Ftextarea%3E%3Cscript%3Epwned%3C%2Fscript%3E";
        let body = format!(
            "mode={mode}&model=free-m&prompt={typed}&suffix={typed}&system={typed}&stop={typed}"
        );
        let page = world.ask(&form(&body)).await.ok();
        let text = page.text();
        assert!(text.contains("window.pwned"), "it is shown");
        assert!(
            !text.contains("<script>") && !text.contains("<img"),
            "{text}"
        );
        Document::read(text).check();
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("script-src 'self';") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn the_page_and_its_scripts_weigh_little_and_come_from_here() {
    let world = world().await;
    let mut connection = world.connect().await;
    for path in [
        "/playground",
        "/playground?mode=fim&model=free-m",
        "/playground?mode=embeddings",
    ] {
        let (page, size) = fetch(&mut connection, path).await;
        assert!(page.status == 200 && size < 20 << 10, "{path}: {size}");
        Document::read(page.text()).check();
    }
    let (page, _) = fetch(&mut connection, "/playground").await;
    let document = Document::read(page.text());
    let scripts: Vec<_> = document.all("script").collect();
    assert_eq!(scripts.len(), 1, "one script is all");
    let path = scripts[0].attribute("src").unwrap();
    let (script, size) = fetch(&mut connection, path).await;
    assert_eq!(script.status, 200, "{path}");
    let kind = script.header("content-type");
    assert_eq!(kind, Some("text/javascript; charset=utf-8"));
    for banned in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "DOMParser",
        "document.write",
        "eval(",
        "new Function",
        "import(",
        "from \"./",
    ] {
        assert!(!script.text().contains(banned), "{path}: {banned}");
    }
    assert!(size <= 12 << 10, "{size}");
}

#[tokio::test]
async fn s15_who_signed_in_pays_and_only_a_page_of_the_session_can_ask() {
    let world = world().await;
    let (email, role) = ("ann@example.com", vane_ledger::Role::Member);
    let mut browser = Browser::of(&world, world.account, email, role).await;
    let page = browser.get(&world, "/playground").await.ok();
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(page.text().contains("Signed in as ann@example.com"));
    Document::read(page.text()).check();
    let csrf = field(page.text(), "csrf").unwrap();
    let cookie = format!("vane={}", browser.session().unwrap());
    let ask = |csrf: &str| {
        let ask = from_page(CHAT, chat("gpt-m")).header("cookie", &cookie);
        ask.header("vane-csrf", csrf)
    };
    for stale in ["", "junk"] {
        assert_eq!(world.ask(&ask(stale)).await.status, 403, "{stale}");
    }
    let form = [
        ("mode", "chat"),
        ("model", "gpt-m"),
        ("prompt", "Hi"),
        ("csrf", "junk"),
    ];
    assert_eq!(browser.post(&world, "/playground", &form).await.status, 403);
    assert!(world.fake.calls().is_empty());
    let reply = world.ask(&ask(&csrf)).await.ok();
    let pass = reply.header("vane-pass").unwrap().to_owned();
    let bill = receipt(&world, &reply, &pass).await.ok().json();
    assert_ne!(bill["cost"], "0");
    let keys = world.gateway.store.list_keys(world.account).unwrap();
    let key = keys.iter().find(|key| key.name == "playground").unwrap();
    assert_eq!(bill["key"], key.id.as_str());
    let form = [
        ("mode", "chat"),
        ("model", "gpt-m"),
        ("prompt", "Hi"),
        ("csrf", csrf.as_str()),
    ];
    let page = browser.post(&world, "/playground", &form).await.ok();
    assert!(page.text().contains("Charged") && page.text().contains("Signed in as"));
    assert_eq!(
        world.gateway.store.list_keys(world.account).unwrap().len(),
        keys.len()
    );
    assert!(
        world
            .fake
            .calls()
            .iter()
            .all(|call| call.request.header("cookie").is_none())
    );
}
