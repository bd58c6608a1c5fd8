//! A model's process that is killed while it reads a prompt: nothing of an answer was told yet.
//!
//! Every call may write one token and no more, so that one which is told nothing was still read.

use std::time::Duration;

use serde_json::{Value, json};
use vane::config::Config;
use vane_testkit::Answer;

use crate::client::{Ask, Connection, Reply, answered, within};
use crate::door::{DOORS, Door};
use crate::here::{Here, gap, kill};

/// Tokens that take far longer to be read than a process takes to be killed.
const LONG: usize = 60_000;
const FILLS: [&str; 2] = ["/v1/fim/completions", "/v1/completions"];

/// Abc at a price, so that money is held for a call of it, and asked once.
fn dear(config: &mut Config) {
    config.retries.per_offer_max = 1;
    config.timeouts.forced_head = Duration::from_secs(60);
    let local = config.providers.iter_mut().find(|row| row.id == "local");
    let model = &mut local.unwrap().models[0];
    model.free = false;
    (model.input, model.output) = (Some("1".to_owned()), Some("2".to_owned()));
}

/// Each path, and a body for it with a long prompt.
fn ways() -> Vec<(&'static str, Value)> {
    let mut ways = Vec::new();
    for stream in [false, true] {
        for door in DOORS {
            let mut body = door.request("abc", &"x".repeat(LONG), stream);
            let limit = match door {
                Door::Responses => "max_output_tokens",
                Door::Chat | Door::MistralChat | Door::Messages => "max_tokens",
            };
            body[limit] = json!(1);
            ways.push((door.path(), body));
        }
        for path in FILLS {
            ways.push((path, gap(&"x".repeat(LONG), 1, stream)));
        }
    }
    ways
}

async fn begin(here: &Here, ask: &Ask) -> Connection {
    let mut connection = here.world.connect().await;
    connection.write(&ask.bytes()).await;
    connection
}

impl Here {
    async fn holds(&self, many: u64) {
        let so_many = async {
            while self.world.gateway.replica.figures().holds != many {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within("holds", so_many).await;
    }
}

/// A fault as the dialect of the path has it.
#[track_caller]
fn is_its_end(path: &str, reply: &Reply) {
    assert_eq!(reply.status, 502, "{path}: {}", reply.text());
    let (body, told) = (reply.json(), reply.text());
    let (error, kind) = match path {
        "/v1/messages" => (&body["error"], "api_error"),
        "/mistral/v1/chat/completions" | "/v1/fim/completions" => (&body, "upstream_error"),
        _ => (&body["error"], "server_error"),
    };
    assert_eq!(error["type"], kind, "{path}: {told}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("broke"), "{path}: {told}");
}

#[tokio::test]
async fn e_a_child_that_is_killed_while_it_reads_is_a_fault_of_each_dialect_and_costs_nothing() {
    for (path, body) in ways() {
        let here = Here::with(true, "", dear).await;
        let key = here.world.prepaid_key().expose().to_owned();
        let mut caller = begin(&here, &Ask::post(path, &body).key(&key)).await;
        let first = here.process_at_work().await;
        here.holds(1).await;
        kill(first);
        is_its_end(path, &answered(&mut caller).await);
        here.holds(0).await;
        here.process_after(Some(first)).await;
        let whole = Ask::post(FILLS[0], gap("abc", 5, false)).key(&key);
        let whole = here.world.ask(&whole).await.ok().json();
        assert_eq!(whole["choices"][0]["message"]["content"], "defgh");
        assert_ne!(here.process(), Some(first));
        let receipts = Ask::get("/v1/receipts").key(&key);
        let receipts = here.world.ask(&receipts).await.ok().json();
        let broken = &receipts["data"][1];
        let told = (&broken["charged"], &broken["attempts"][0]["provider"]);
        assert_eq!(told, (&json!("0"), &json!("local")), "{path}: {receipts}");
    }
}

#[tokio::test]
async fn e_a_child_that_is_killed_while_it_reads_is_followed_by_another_model() {
    for stream in [false, true] {
        let here = Here::with(true, "", dear).await;
        let elsewhere = "Hello from elsewhere";
        here.world.fake.always(Answer::text(elsewhere));
        let mut body = Door::Chat.request("abc", &"x".repeat(LONG), stream);
        body["max_tokens"] = json!(1);
        body["models"] = json!(["lab-m"]);
        let ask = Ask::post(Door::Chat.path(), &body).key(&here.world.key);
        let mut caller = begin(&here, &ask).await;
        kill(here.process_at_work().await);
        let told = answered(&mut caller).await.ok();
        assert_eq!(Door::Chat.read(&told).text, elsewhere);
        here.holds(0).await;
    }
}

#[tokio::test]
async fn e_a_child_that_is_killed_while_it_reads_is_followed_by_the_next_one() {
    let here = Here::start("").await;
    let ask = Ask::post(FILLS[0], gap(&"x".repeat(LONG / 8), 1, false)).key(&here.world.key);
    let mut caller = begin(&here, &ask).await;
    let first = here.process_at_work().await;
    kill(first);
    answered(&mut caller).await.ok();
    assert_ne!(here.process(), Some(first));
}
