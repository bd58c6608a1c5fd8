//! Money over sockets: holds, settlements, receipts, and what their owners are told.

use serde_json::{Value, json};
use vane_catalog::Money;
use vane_ledger::Author;
use vane_ledger::book::{Act, Op, Period};
use vane_testkit::{Answer, Fault, Script, When};

use crate::client::{Ask, PATIENCE, Reply, answered};
use crate::door::{DOORS, Door};
use crate::world::{NOW, World, cost_in, named, pico};

fn usd(value: &Value) -> Money {
    Money::parse(value.as_str().unwrap()).unwrap()
}

impl World {
    async fn receipt(&self, key: &str, reply: &Reply) -> Value {
        let id = reply.header("vane-request-id").unwrap();
        let ask = Ask::get(&format!("/v1/receipts/{id}")).key(key);
        self.ask(&ask).await.ok().json()
    }

    async fn credits(&self, key: &str) -> Value {
        self.ask(&Ask::get("/v1/credits").key(key))
            .await
            .ok()
            .json()
    }
}

#[tokio::test]
async fn each_answer_has_one_receipt_of_what_it_says_that_it_cost() {
    for door in DOORS {
        for stream in [false, true] {
            let world = World::start().await;
            let body = door.request(door.own_model(), "Hi", stream);
            let reply = world.post(door.path(), body).await.ok();
            let receipt = world.receipt(&world.key, &reply).await;
            let cost = usd(&receipt["cost"]);
            assert_eq!(cost.pico(), pico(cost_in(reply.text())), "{receipt}");
            assert_eq!(receipt["charged"], receipt["cost"]);
            assert_eq!(
                (&receipt["status"], &receipt["lost"]),
                (&json!("done"), &json!("0"))
            );
            let attempts = receipt["attempts"].as_array().unwrap();
            assert_eq!(attempts.len(), 1);
            assert_eq!(
                (&attempts[0]["outcome"], &attempts[0]["counted"]),
                (&json!("done"), &json!("reported"))
            );
            let lines = attempts[0]["lines"].as_array().unwrap();
            for line in lines {
                let quantity = i64::try_from(line["quantity"].as_u64().unwrap()).unwrap();
                assert_eq!(
                    usd(&line["price"]).pico() * quantity,
                    usd(&line["amount"]).pico()
                );
            }
            let sum = Money::checked_sum(lines.iter().map(|line| usd(&line["amount"])));
            assert_eq!(sum, Some(cost));
            let list = world.get("/v1/receipts").await.ok().json();
            assert_eq!(list["data"], json!([receipt]));
            let usage = world.get("/v1/usage?by=model").await.ok().json();
            assert_eq!(usage["data"][0]["cost"], receipt["cost"]);
            assert_eq!(usage["total"]["calls"], 1);
        }
    }
}

#[tokio::test]
async fn m5_a_prepaid_balance_admits_what_it_can_pay_and_no_more() {
    for door in DOORS {
        let world = World::start().await;
        let payer = world.prepaid_key();
        world
            .fake
            .always(Answer::text("Hello").head_gate("until all have asked"));
        // At two dollars a million tokens, each may cost ten cents and a little.
        let mut body = door.request("lab-m", "Hi", true);
        let limit = if door == Door::Responses {
            "max_output_tokens"
        } else {
            "max_tokens"
        };
        body[limit] = json!(50_000);
        let ask = Ask::post(door.path(), body).key(payer.expose());
        let mut connections = Vec::new();
        for _ in 0..60 {
            let mut connection = world.connect().await;
            connection.write(&ask.bytes()).await;
            connections.push(connection);
        }
        world.fake.wait_call(48).await.unwrap();
        // Whoever is refused is refused while all others still hold their money.
        world.log.lines(11).await;
        world.fake.gate("until all have asked").open_for_good();
        let mut refused = 0;
        for mut connection in connections {
            let reply = answered(&mut connection).await;
            if reply.status == 200 {
                continue;
            }
            refused += 1;
            let (kind, said) = (door.error_type(&reply.json()), reply.text());
            match door {
                Door::Messages => assert_eq!((reply.status, &*kind), (402, "billing_error")),
                Door::MistralChat => {
                    assert_eq!((reply.status, &*kind), (402, "insufficient_funds"))
                }
                Door::Chat | Door::Responses => {
                    assert_eq!((reply.status, &*kind), (429, "insufficient_quota"));
                }
            }
            assert_eq!(reply.header("x-should-retry"), Some("false"));
            assert!(
                said.contains("lacks $") && said.contains("top the account up"),
                "{said}"
            );
        }
        assert_eq!((refused, world.fake.calls().len()), (11, 49));
        let credits = world.credits(payer.expose()).await;
        let list = world
            .ask(&Ask::get("/v1/receipts?limit=100").key(payer.expose()))
            .await
            .ok()
            .json();
        let paid = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|receipt| usd(&receipt["charged"]));
        let paid = Money::checked_sum(paid).unwrap();
        assert_eq!(
            usd(&credits["balance"]).checked_add(paid),
            Money::parse("5").ok()
        );
        assert!(paid > Money::ZERO);
    }
}

#[tokio::test]
async fn m3_a_failure_before_content_costs_nothing_and_its_attempts_are_listed() {
    let world = World::start().await;
    world.fake.always(Answer::fault(Fault::status(500)));
    let failed = world
        .post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", false))
        .await;
    assert_eq!(failed.status, 500, "{}", failed.text());
    let receipt = world.receipt(&world.key, &failed).await;
    assert_eq!(
        (&receipt["status"], &receipt["cost"]),
        (&json!("failed"), &json!("0"))
    );
    let attempts = receipt["attempts"].as_array().unwrap();
    assert!(!attempts.is_empty());
    for attempt in attempts {
        assert_eq!(attempt["outcome"], "failed_unbilled", "{receipt}");
        assert!(
            attempt["fault"].as_str().unwrap().contains("Upstream"),
            "{receipt}"
        );
    }
}

#[tokio::test]
async fn m11_a_call_that_fell_back_is_billed_once() {
    let world = World::start().await;
    let script = Script::new().on(When::default().first(1), Answer::fault(Fault::status(503)));
    world.fake.script(script);
    let reply = world
        .post(Door::Chat.path(), Door::Chat.request("two-m", "Hi", false))
        .await
        .ok();
    let receipt = world.receipt(&world.key, &reply).await;
    let outcomes: Vec<&Value> = receipt["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| &a["outcome"])
        .collect();
    assert_eq!(outcomes, ["failed_unbilled", "done"], "{receipt}");
    assert_eq!(usd(&receipt["cost"]).pico(), pico(cost_in(reply.text())));
}

#[tokio::test]
async fn m4_a_client_that_left_has_a_receipt_of_what_was_made_for_it() {
    let world = World::start().await;
    world
        .fake
        .always(Answer::text("One two three four").with_fault(Fault::Stall(3)));
    for n in 0..20 {
        let body = Door::Chat.request("lab-m", "Hi", true);
        let mut stream = world.stream(Door::Chat.path(), body).await;
        stream.until("One", 1).await;
        drop(stream);
        crate::leaving::left(&world, n).await;
        world.log.lines(n + 1).await;
    }
    let list = world.get("/v1/receipts?limit=100").await.ok().json();
    let receipts = list["data"].as_array().unwrap();
    assert_eq!(receipts.len(), 20);
    for receipt in receipts {
        assert_eq!(
            (&receipt["status"], &receipt["lost"]),
            (&json!("client_gone"), &json!("0")),
            "{receipt}"
        );
        let attempt = &receipt["attempts"][0];
        assert_eq!(
            (&attempt["outcome"], &attempt["counted"]),
            (&json!("interrupted"), &json!("bytes/4"))
        );
        let buckets: Vec<&Value> = attempt["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| &line["bucket"])
            .collect();
        assert_eq!(buckets, ["input", "output"]);
    }
}

#[tokio::test]
async fn m3_a_failure_after_content_costs_what_was_delivered() {
    let world = World::start().await;
    world
        .fake
        .always(Answer::text("One two three four").with_fault(Fault::ErrorAfter(3)));
    let reply = world
        .post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", true))
        .await;
    assert_eq!(reply.status, 200);
    let receipt = world.receipt(&world.key, &reply).await;
    assert_eq!(receipt["status"], "failed", "{receipt}");
    let attempt = &receipt["attempts"][0];
    assert_eq!(attempt["outcome"], "failed_billed");
    assert!(usd(&receipt["charged"]) > Money::ZERO);
    assert!(!attempt["fault"].is_null(), "{receipt}");
}

#[tokio::test]
async fn a_spent_budget_answers_like_an_empty_balance() {
    for door in DOORS {
        let world = World::start().await;
        let key = world.new_key(&named("small"));
        let act = Act::SetBudget {
            key: key.id().to_owned(),
            budget: Some((Money::parse("0.001").unwrap(), Period::Day)),
        };
        let op = Op {
            id: "budget".into(),
            at: NOW,
            instance: 0,
            act,
        };
        world.gateway.store.apply(&[op]).unwrap().remove(0).unwrap();
        world.gateway.ring.refresh().unwrap();
        let mut body = door.request("lab-m", "Hi", false);
        let limit = if door == Door::Responses {
            "max_output_tokens"
        } else {
            "max_tokens"
        };
        body[limit] = json!(100);
        world
            .ask(&Ask::post(door.path(), &body).key(key.expose()))
            .await
            .ok();
        body[limit] = json!(3_000);
        let reply = world
            .ask(&Ask::post(door.path(), &body).key(key.expose()))
            .await;
        assert!(matches!(reply.status, 402 | 429), "{}", reply.text());
        assert_eq!(reply.header("x-should-retry"), Some("false"));
        assert!(reply.header("retry-after").is_some());
        assert!(
            reply.text().contains("budget of the key"),
            "{}",
            reply.text()
        );
        if matches!(door, Door::Chat | Door::Responses) {
            assert_eq!(reply.json()["error"]["code"], "budget_exceeded");
        }
        let credits = world.credits(key.expose()).await;
        assert_eq!(credits["key"]["budget"]["amount"], "0.001", "{credits}");
        assert!(usd(&credits["key"]["budget"]["spent"]) > Money::ZERO);
    }
}

#[tokio::test]
async fn s8_another_accounts_receipt_is_not_there() {
    let world = World::start().await;
    let reply = world
        .post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", false))
        .await
        .ok();
    world.receipt(&world.key, &reply).await;
    let other = world.prepaid_key();
    let id = reply.header("vane-request-id").unwrap();
    for id in [id, "req_nothing", "..%2f", "%00", &"x".repeat(5_000)] {
        let ask = Ask::get(&format!("/v1/receipts/{id}")).key(other.expose());
        let reply = world.ask(&ask).await;
        assert_eq!(reply.status, 404, "{id}: {}", reply.text());
    }
    let list = world
        .ask(&Ask::get("/v1/receipts").key(other.expose()))
        .await
        .ok()
        .json();
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn m12_what_is_not_understood_of_a_question_is_named() {
    let world = World::start().await;
    for (path, named) in [
        ("/v1/credits?currency=EUR", "currency"),
        ("/v1/usage?form=2026-01-01", "form"),
        ("/v1/usage?from=yesterday", "from"),
        ("/v1/usage?from=2026-13-01", "from"),
        ("/v1/usage?until=2020-01-01", "until"),
        ("/v1/usage?by=hour", "by"),
        ("/v1/usage?by=day&by=day", "by"),
        ("/v1/receipts?limit=0", "limit"),
        ("/v1/receipts?limit=101", "limit"),
        ("/v1/receipts?before=-1", "before"),
        ("/v1/receipts/req_1?full=1", "full"),
    ] {
        let reply = world.get(path).await;
        let said = reply.json();
        assert_eq!(
            (reply.status, &said["error"]["param"]),
            (400, &json!(named)),
            "{path}: {said}"
        );
    }
}

#[tokio::test]
async fn answers_tell_what_is_left_and_warn_from_four_fifths_of_a_budget() {
    let world = World::start().await;
    let payer = world.prepaid_key();
    // Twelve words and "Hi" back and forth: two thousandths of a cent or so a call.
    let ask = Ask::post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", false));
    let ask = ask.key(payer.expose());
    let reply = world.ask(&ask).await.ok();
    let left = Money::parse(reply.header("vane-balance").unwrap()).unwrap();
    let paid = Money::from_pico(pico(cost_in(reply.text())));
    assert_eq!(left.checked_add(paid), Money::parse("5").ok());
    assert_eq!(reply.header("vane-budget-remaining"), None);

    let store = &world.gateway.store;
    let account = store.find_account("payer").unwrap().unwrap().id;
    let plus = |spent: Money, more| spent.checked_add(Money::parse(more).unwrap()).unwrap();
    let set = |amount| {
        store
            .change_key(&Author::operator(NOW), account, payer.id(), |terms| {
                terms.budget = Some((amount, Period::Day));
            })
            .unwrap();
        world.gateway.ring.refresh().unwrap();
    };
    // What was spent before there was a budget counts.
    world.gateway.replica.caught_up(PATIENCE).await.unwrap();
    set(plus(paid, "1"));
    let reply = world.ask(&ask).await.ok();
    assert_eq!(reply.header("vane-budget-remaining"), Some("1"));
    assert_eq!(reply.header("vane-budget-warning"), None);
    for _ in 0..48 {
        let reply = world.ask(&ask).await.ok();
        assert_eq!(reply.header("vane-budget-warning"), None);
    }
    world.gateway.replica.caught_up(PATIENCE).await.unwrap();
    let spent = Money::checked_sum([paid; 50]).unwrap();
    set(plus(spent, "0.0002"));
    let mut short = Door::Chat.request("lab-m", "Hi", false);
    short["max_tokens"] = json!(1);
    let ask = Ask::post(Door::Chat.path(), short).key(payer.expose());
    let reply = world.ask(&ask).await.ok();
    assert_eq!(reply.header("vane-budget-remaining"), Some("0.0002"));
    let warning = reply.header("vane-budget-warning").unwrap();
    let said = format!(
        "${spent} of the budget of ${} is spent",
        plus(spent, "0.0002")
    );
    assert!(warning.starts_with(&said), "{warning}");
}

#[tokio::test]
async fn m4_all_answers_of_a_cut_stream_are_billed() {
    let world = World::start().await;
    let text = "x".repeat(400);
    let chunk = |index: u8| {
        let choice = json!({"index": index, "delta": {"content": text}, "finish_reason": null});
        let chunk = json!({"id": "c", "created": 1, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    for (answers, output) in [(1, 100), (3, 300)] {
        let cut: String = (0..answers).map(chunk).collect();
        world
            .fake
            .always(Answer::recorded("text/event-stream", &cut));
        let mut body = Door::Chat.request("lab-m", "Hi", true);
        body["n"] = json!(answers);
        let reply = world.post(Door::Chat.path(), body).await;
        let receipt = world.receipt(&world.key, &reply).await;
        let lines = receipt["attempts"][0]["lines"].as_array().unwrap();
        let line = lines.iter().find(|line| line["bucket"] == "output");
        assert_eq!(line.unwrap()["quantity"], output, "{receipt}");
    }
}

/// Half a megabyte of base64 that begins as a PNG does.
fn screenshot() -> String {
    "iVBORw0KGgo".to_owned() + &"Aa0+/".repeat(100_000)
}

#[tokio::test]
async fn m3_a_cancelled_call_with_a_screenshot_costs_a_picture_not_its_base64() {
    let world = World::start().await;
    let data = screenshot();
    let url = format!("data:image/png;base64,{data}");
    let rows = [
        (
            Door::Chat,
            "lab-m",
            json!({"type": "image_url", "image_url": {"url": url}}),
        ),
        (
            Door::Responses,
            "resp-m",
            json!({"type": "input_image", "image_url": url}),
        ),
        (
            Door::Messages,
            "lab-m",
            json!({"type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": data}}),
        ),
    ];
    for (n, (door, model, picture)) in rows.into_iter().enumerate() {
        let answer = Answer::text("One two three four five six seven eight nine ten");
        world.fake.always(answer.with_fault(Fault::Stall(6)));
        let mut body = door.request(model, "Hi", true);
        let turns = match door {
            Door::Responses => "input",
            _ => "messages",
        };
        body[turns] = json!([{"role": "user", "content": [picture]}]);
        let mut stream = world.stream(door.path(), body).await;
        stream.until("One", 1).await;
        drop(stream);
        crate::leaving::left(&world, n).await;
        let line = &world.log.lines(n + 1).await[n];
        let input = line["input"].as_u64().unwrap();
        assert!((1_600..5_000).contains(&input), "{door:?}: {line}");
    }
}

/// Several servers begin or end a stream with zeros, and some write nothing else.
#[tokio::test]
async fn m3_counts_of_nothing_beside_an_answer_are_estimated() {
    let world = World::start().await;
    let said = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "x".repeat(400)}}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}});
    world
        .fake
        .always(Answer::recorded("application/json", &said.to_string()));
    let body = Door::Chat.request("lab-m", &"y".repeat(4_000), false);
    let bytes = u64::try_from(body.to_string().len()).unwrap();
    let reply = world.post(Door::Chat.path(), body).await.ok();
    let tokens = bytes.div_ceil(4) + 2 * 100;
    let cost = i64::try_from(tokens * 1_000_000).unwrap();
    assert_eq!(pico(cost_in(reply.text())), cost, "{}", reply.text());
    let id = reply.header("vane-request-id").unwrap();
    assert_eq!(world.log.line(id).await["counted"], "bytes/4");
}

/// A client that leaves when it has the text, before the counts, must not have its input for
/// nothing.
#[tokio::test]
async fn m3_a_stream_that_begins_with_zeros_and_is_cut_pays_its_input() {
    let world = World::start().await;
    let cut = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"All that was wanted."}}

"#;
    world
        .fake
        .always(Answer::recorded("text/event-stream", cut));
    let body = Door::Messages.request("claude-m", &"y".repeat(40_000), true);
    let reply = world.post(Door::Messages.path(), body).await;
    let id = reply.header("vane-request-id").unwrap();
    let line = world.log.line(id).await;
    assert!(line["input"].as_u64().unwrap() >= 10_000, "{line}");
    assert_eq!(line["counted"], "bytes/4", "{line}");
}
