//! Who pays, waits or is benched for what somebody else did.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use vane::config::Config;
use vane_catalog::Money;
use vane_ledger::book::Status;
use vane_testkit::{Answer, ErrorBody, Fault, Script, When};

use crate::client::{Ask, within};
use crate::door::Door;
use crate::world::World;

const PATH: &str = "/v1/chat/completions";

/// Puts a provider elsewhere.
fn moved(config: &mut Config, provider: &str, base_url: String) {
    let mut rows = config.providers.iter_mut();
    let row = rows.find(|row| row.id == provider).unwrap();
    row.base_url = base_url;
}

#[tokio::test]
async fn a_model_that_is_down_does_not_use_up_the_way_to_the_one_it_falls_back_to() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let world = World::with(|config| moved(config, "lab", format!("http://{address}/v1"))).await;
    for n in 0..40 {
        let mut body = Door::Chat.request("lab-m", "Hi", false);
        body["models"] = json!(["claude-m"]);
        let reply = world.post(PATH, body).await;
        assert_eq!(reply.status, 200, "call {n}: {}", reply.text());
    }
}

#[tokio::test]
async fn offers_that_nobody_was_asked_at_use_up_no_tries() {
    let world = World::start().await;
    // The lab would drop it, the spare is not asked in another dialect and takes it.
    for n in 0..40 {
        let body = json!({"model": "claude-m", "models": ["lab-m"], "logit_bias": {"5": 1},
            "messages": [{"role": "user", "content": "Hi"}]});
        let ask = Ask::post(PATH, body).key(&world.key);
        let reply = world.ask(&ask.header("vane-strict", "true")).await;
        assert_eq!(reply.status, 200, "call {n}: {}", reply.text());
        assert_eq!(reply.header("vane-provider"), Some("lab"));
    }
}

#[tokio::test]
async fn r9_a_call_that_the_end_of_the_drain_cuts_costs_nothing_before_content() {
    for stream in [false, true] {
        let brief = Duration::from_millis(50);
        let mut world = World::with(|config| config.timeouts.drain = brief).await;
        world.fake.always(Answer::text("Never").head_gate("never"));
        let mut connection = world.connect().await;
        let body = Door::Chat.request("lab-m", "Hi", stream);
        let ask = Ask::post(PATH, body).key(&world.key);
        connection.write(&ask.bytes()).await;
        within("the call", world.fake.wait_call(0)).await;
        let server = world.take_server();
        let stopped = tokio::task::spawn_blocking(move || server.stop());
        within("the server to stop", stopped).await.unwrap();
        let line = world.log.lines(1).await.remove(0);
        assert_eq!(
            (&line["status"], &line["outcome"]),
            (&json!(503), &json!("broken"))
        );
        let receipt = world.receipts_of(world.account).await.remove(0);
        assert_eq!(receipt.settlement.status, Status::Failed);
        assert_eq!(receipt.charged, Money::ZERO);
    }
}

#[tokio::test]
async fn m4_who_leaves_before_the_provider_has_a_connection_pays_nothing() {
    // Takes the connection and never shakes hands.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", silent.local_addr().unwrap());
    let world = World::with(|config| moved(config, "lab", url)).await;
    let mut connection = world.connect().await;
    let body = Door::Chat.request("lab-m", "Hi", false);
    let ask = Ask::post(PATH, body).key(&world.key);
    connection.write(&ask.bytes()).await;
    let reached = within("the connection", silent.accept()).await;
    drop(connection);
    world.log.lines(1).await;
    drop(reached);
    let receipt = world.receipts_of(world.account).await.remove(0);
    assert_eq!(receipt.settlement.status, Status::ClientGone);
    assert_eq!(receipt.charged, Money::ZERO);
}

#[tokio::test]
async fn s14_no_body_is_read_of_who_has_no_key() {
    let world = World::start().await;
    for (path, key) in [(PATH, "sk-vane-none"), ("/v1/messages/count_tokens", "x")] {
        let mut connection = world.connect().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
        );
        connection.write(head.as_bytes()).await;
        let reply = within("the answer", crate::client::answered(&mut connection)).await;
        assert_eq!(reply.status, 401, "{path}");
    }
}

#[tokio::test]
async fn an_empty_credential_beside_a_good_one_is_none() {
    let world = World::start().await;
    let body = Door::Messages.request("claude-m", "Hi", false);
    let good = format!("Bearer {}", world.key);
    for (bearer, key) in [(&*good, ""), ("Bearer", &*world.key), ("", &*world.key)] {
        let ask = Ask::post("/v1/messages", &body)
            .header("authorization", bearer)
            .header("x-api-key", key);
        world.ask(&ask).await.ok();
    }
    let neither = Ask::post("/v1/messages", &body)
        .header("authorization", "Bearer")
        .header("x-api-key", "");
    assert_eq!(world.ask(&neither).await.status, 401);
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_told_to_codex_in_the_stream() {
    let world = World::start().await;
    let full = json!({"error": {"message": "This model's maximum context length is 9 tokens.",
        "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}});
    let full = Answer::fault(Fault::Status {
        status: 400,
        body: ErrorBody::Raw(full.to_string()),
    });
    world
        .fake
        .script(Script::new().on(When::model("lab-m"), full));
    let body = Door::Responses.request("lab-m", "Hi", true);
    let reply = world.post("/v1/responses", body).await.ok();
    let text = reply.text();
    assert!(text.contains("event: response.failed"), "{text}");
    assert!(
        text.contains(r#""code":"context_length_exceeded""#),
        "{text}"
    );
    let body = Door::Responses.request("lab-m", "Hi", false);
    assert_eq!(world.post("/v1/responses", body).await.status, 400);
    let body = Door::Chat.request("lab-m", "Hi", true);
    assert_eq!(world.post(PATH, body).await.status, 400);
}

#[tokio::test]
async fn what_openai_refuses_is_left_out_for_it_and_named() {
    let world = World::start().await;
    let mut body = Door::Chat.request("gpt-m", "Hi", false);
    body["top_k"] = json!(40);
    body["seed"] = json!(7);
    let reply = world.post(PATH, body).await.ok();
    assert_eq!(reply.header("vane-dropped"), Some("top_k"));
    let sent = world.only_call().json();
    assert_eq!((sent.get("top_k"), &sent["seed"]), (None, &json!(7)));
}

#[tokio::test]
async fn a_limit_of_minus_one_is_no_limit() {
    let world = World::start().await;
    let prepaid = world.prepaid_key();
    for (door, model) in [(Door::Chat, "lab-m"), (Door::Chat, "claude-m")] {
        let mut body = door.request(model, "Hi", false);
        body["max_tokens"] = json!(-1);
        let ask = Ask::post(door.path(), &body).key(prepaid.expose());
        world.ask(&ask).await.ok();
        world.post(door.path(), body).await.ok();
    }
    for call in world.fake.calls() {
        let sent = call.json();
        assert_ne!(sent["max_tokens"], json!(-1), "{sent}");
    }
}

/// Ollama takes it for none, and writes as much as it likes.
#[tokio::test]
async fn a_limit_of_nothing_is_not_sent_and_the_answer_is_paid() {
    let world = World::start().await;
    let prepaid = world.prepaid_key();
    for (door, field) in [
        (Door::Chat, "max_tokens"),
        (Door::Chat, "max_completion_tokens"),
        (Door::Responses, "max_output_tokens"),
    ] {
        let mut body = door.request("lab-m", "Hi", false);
        body[field] = json!(0);
        let ask = Ask::post(door.path(), body).key(prepaid.expose());
        let reply = world.ask(&ask).await.ok();
        let id = reply.header("vane-request-id").unwrap();
        let receipt = Ask::get(&format!("/v1/receipts/{id}")).key(prepaid.expose());
        let receipt = world.ask(&receipt).await.ok().json();
        assert_eq!(receipt["charged"], receipt["cost"], "{receipt}");
    }
    let calls = world.fake.calls();
    assert_eq!(calls.len(), 3);
    for call in calls {
        let sent = call.json();
        for field in ["max_tokens", "max_completion_tokens"] {
            assert_ne!(sent[field], json!(0), "{sent}");
        }
    }
}

/// A prompt is scored so: nothing is to be written. Whoever writes all the same is paid.
#[tokio::test]
async fn a_limit_of_nothing_beside_an_echo_is_meant() {
    let world = World::start().await;
    let prepaid = world.prepaid_key();
    for (echo, expected) in [(true, json!(0)), (false, Value::Null)] {
        world.fake.reset();
        world.fake.always(Answer::text(&"word ".repeat(500)));
        let body = json!({"model": "lab-m", "prompt": "Hi", "max_tokens": 0, "echo": echo});
        let ask = Ask::post("/v1/completions", body).key(prepaid.expose());
        let reply = world.ask(&ask).await.ok();
        assert_eq!(world.only_call().json()["max_tokens"], expected);
        let id = reply.header("vane-request-id").unwrap();
        let receipt = Ask::get(&format!("/v1/receipts/{id}")).key(prepaid.expose());
        let receipt = world.ask(&receipt).await.ok().json();
        assert_eq!(receipt["charged"], receipt["cost"], "{receipt}");
    }
}

fn hi() -> Value {
    Door::Chat.request("two-m", "Hi", false)
}

/// Which provider answers after `fault` struck `lab` this often.
async fn after(fault: Fault, times: usize, headers: &[(&str, &str)]) -> (u16, String, usize) {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let answer = headers
        .iter()
        .fold(Answer::fault(fault), |answer, (name, value)| {
            answer.header(name, value)
        });
    world.fake.always(answer);
    let mut status = 0;
    for _ in 0..times {
        status = world.post(PATH, hi()).await.status;
    }
    world.fake.always(Answer::text("Well again."));
    let before = world.fake.calls().len();
    let reply = world.post(PATH, hi()).await.ok();
    (
        status,
        reply.header("vane-provider").unwrap().to_owned(),
        before,
    )
}

/// What Groq says where its model wrote a call that is none: the body may be in order.
const NO_CALL: &str = r#"{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<function=x>"}}"#;

#[tokio::test]
async fn r5_blame_decides_what_is_benched() {
    for (fault, headers, status, next, asked) in [
        // The caller's fault: told as it is, tried nowhere else, and nothing is benched.
        (Fault::status(400), &[][..], 400, "lab", 4),
        (Fault::status(422), &[], 422, "lab", 4),
        (Fault::status(413), &[], 413, "lab", 4),
        // The provider's: after three failures the offer waits behind the other.
        (Fault::status(500), &[], 200, "spare", 3),
        (Fault::status(529), &[], 200, "spare", 3),
        (Fault::Close, &[], 200, "spare", 3),
        (Fault::OkHtml, &[], 200, "spare", 3),
        // Our key's: benched with a back-off, not killed (R8).
        (Fault::status(401), &[], 200, "spare", 3),
        (Fault::status(402), &[], 200, "spare", 3),
        // Its own word on when to come back counts from the first time.
        (
            Fault::status(429),
            &[("retry-after", "60")],
            200,
            "spare",
            1,
        ),
        (
            Fault::status(503),
            &[("retry-after", "60")],
            200,
            "spare",
            1,
        ),
        // Nobody's: the model wrote what is no call. Tried elsewhere, and nothing is benched.
        (
            Fault::Status {
                status: 400,
                body: ErrorBody::Raw(NO_CALL.to_owned()),
            },
            &[],
            200,
            "lab",
            4,
        ),
    ] {
        let (told, provider, tries) = after(fault.clone(), 4, headers).await;
        let seen = (told, provider.as_str(), tries);
        assert_eq!(seen, (status, next, asked), "{fault:?}");
    }
}

#[tokio::test]
async fn xais_refusal_of_a_prompt_benches_nothing_and_names_no_key() {
    let refused = r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"}"#;
    let fault = Fault::Status {
        status: 403,
        body: ErrorBody::Raw(refused.to_owned()),
    };
    let (status, provider, asked) = after(fault, 4, &[]).await;
    assert_eq!((status, provider.as_str(), asked), (400, "lab", 4));
}
