//! Calls whose clients set no limit, on balances and budgets that do not pay for all that the model
//! may write. Output is $2 and input $1 per million tokens; a model writes 20,000 tokens at most.

use serde_json::{Value, json};
use vane::config::Config;
use vane_catalog::Money;
use vane_ledger::book::{Receipt, Status};
use vane_testkit::{Answer, Ended, Fault};

use crate::client::{Ask, PATIENCE, Reply, answered, until, within};
use crate::door::{DOORS, Door, UPSTREAMS};
use crate::world::{Folder, World, cost_in, pico};

/// One frame of a stream.
const PIECE: usize = 100;

/// A world whose models do not think, so that all that they write is seen.
async fn world() -> World {
    with_reasoning(false).await
}

async fn with_reasoning(reasoning: bool) -> World {
    World::with(|config| plain(config, reasoning)).await
}

fn plain(config: &mut Config, reasoning: bool) {
    for provider in &mut config.providers {
        for model in &mut provider.models {
            model.reasoning = reasoning;
            model.max_output = Some(20_000);
        }
    }
}

/// So many frames' worth of text.
fn said(pieces: usize) -> String {
    let piece = |n: usize| format!("{n:0>width$} ", width = PIECE - 1);
    (0..pieces).map(piece).collect()
}

/// A request of each door for the model, without a limit.
fn unlimited(door: Door, model: &str, stream: bool) -> Value {
    let mut body = door.request(model, "Hi", stream);
    body.as_object_mut().unwrap().remove("max_tokens");
    body
}

/// Doors and models, those of fills too: path, body, and the dialect's door of a conversation.
fn ways(stream: bool) -> Vec<(&'static str, Value, Option<Door>)> {
    let mut ways = Vec::new();
    for door in DOORS {
        for model in UPSTREAMS {
            ways.push((door.path(), unlimited(door, model, stream), Some(door)));
        }
    }
    for path in ["/v1/fim/completions", "/v1/completions"] {
        for model in ["codestral-m", "lab-m"] {
            let body = json!({"model": model, "prompt": "Hi", "suffix": "end", "stream": stream});
            ways.push((path, body, None));
        }
    }
    ways
}

/// The limit that the only request to the fake sets.
fn limit_of(world: &World) -> Option<u64> {
    let body: Value = serde_json::from_slice(&world.only_call().request.body).unwrap();
    ["max_tokens", "max_completion_tokens", "max_output_tokens"]
        .iter()
        .find_map(|field| body[field].as_u64())
}

impl World {
    async fn caught_up(&self) {
        self.gateway.replica.caught_up(PATIENCE).await.unwrap();
        assert_eq!(self.gateway.replica.figures().lost, Money::ZERO);
    }

    async fn paid(&self) -> Vec<Receipt> {
        self.caught_up().await;
        let payer = self.gateway.store.find_account("payer").unwrap().unwrap();
        self.gateway.store.receipts(payer.id, None, 1_000).unwrap()
    }
}

fn is_length(door: Door, reply: &Reply) -> bool {
    let finish = door.read(reply).finish;
    match door {
        Door::Chat | Door::MistralChat => finish == "length",
        Door::Messages => finish == "max_tokens",
        Door::Responses => {
            finish == "incomplete" && reply.text().contains("\"reason\":\"max_output_tokens\"")
        }
    }
}

#[tokio::test]
async fn a_call_without_a_limit_is_taken_by_a_small_balance() {
    for reasoning in [false, true] {
        for stream in [false, true] {
            for (path, body, _) in ways(stream) {
                let world = with_reasoning(reasoning).await;
                // All that the model may write would be four cents.
                let key = world.key_with("0.01");
                let ask = Ask::post(path, &body).key(key.expose());
                let reply = world.ask(&ask).await.ok();
                let told = reply
                    .header("vane-output-max")
                    .map(|max| max.parse().unwrap());
                let limit = limit_of(&world);
                let sliced = stream && !reasoning && body["model"] != "resp-m";
                if sliced {
                    assert_eq!(told, None, "{path} {body}");
                    assert!(limit.is_none_or(|limit| limit == 20_000), "{path} {body}");
                } else {
                    assert!((4_000..5_000).contains(&limit.unwrap()), "{limit:?} {path}");
                    assert_eq!(told, limit, "{path} {body}");
                }
                let receipts = world.paid().await;
                assert_eq!(receipts.len(), 1);
                assert_eq!(receipts[0].settlement.status, Status::Done);
                assert!(receipts[0].charged > Money::ZERO, "{receipts:?}");
                assert_eq!(receipts[0].charged, receipts[0].cost);
            }
        }
    }
}

#[tokio::test]
async fn less_than_a_small_answer_is_refused_and_says_what_is_missing() {
    for stream in [false, true] {
        for (path, body, _) in ways(stream) {
            let world = world().await;
            let key = world.key_with("0.0005");
            let refused = world.ask(&Ask::post(path, &body).key(key.expose())).await;
            assert!([402, 429].contains(&refused.status), "{}", refused.text());
            let bytes = body.to_string().len() as u64;
            let least = Money::from_pico(i64::try_from(bytes + 2 * 256).unwrap() * 1_000_000);
            let missing = least.checked_sub(Money::parse("0.0005").unwrap()).unwrap();
            let said = refused.text();
            assert!(said.contains(&format!("lacks ${missing}:")), "{said}");
            assert!(said.contains(&format!("${least}")), "{said}");
            assert_eq!(world.fake.calls().len(), 0);
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_length_when_the_balance_ends() {
    for (path, body, door) in ways(true) {
        if body["model"] == "resp-m" {
            continue;
        }
        let world = world().await;
        let key = world.key_with("0.01");
        let text = said(100);
        world
            .fake
            .always(Answer::text(&text).with_fault(Fault::Stall(90)));
        let ask = Ask::post(path, &body).key(key.expose());
        let reply = world.ask(&ask).await.ok();
        let told = reply.text();
        assert!(told.contains(": vane-stopped=balance\n"), "{path} {told}");
        // A comment stands in the frame that follows it.
        let mut frames = told.split_terminator("\n\n");
        assert!(frames.all(|frame| frame.contains("data: ")), "{told}");
        if let Some(door) = door {
            let read = door.read(&reply);
            assert!(is_length(door, &reply), "{path} {told}");
            // All but little of what the balance pays for, at a token for each byte.
            assert!(text.starts_with(&read.text), "{}", read.text);
            assert!(
                (4_500..=5_000).contains(&read.text.len()),
                "{}",
                read.text.len()
            );
            assert_eq!(
                read.tokens.1,
                (read.text.len() as u64).div_ceil(4),
                "{told}"
            );
        } else {
            assert!(told.contains("\"finish_reason\":\"length\""), "{told}");
        }
        let call = within("the upstream", world.fake.wait_closed(0))
            .await
            .unwrap();
        assert_eq!(call.ended, Some(Ended::ClientLeft), "{path}");

        let receipts = world.paid().await;
        let settlement = &receipts[0].settlement;
        assert_eq!(settlement.status, Status::Stopped);
        assert_eq!(settlement.attempts[0].method, "bytes/4");
        assert_eq!(receipts[0].charged, receipts[0].cost);
        assert!(receipts[0].charged > Money::ZERO);
        if told.contains("\"cost\"") {
            assert_eq!(receipts[0].cost.pico(), pico(cost_in(told)));
        } else {
            assert!(told.contains(&format!(": vane-cost={}\n", receipts[0].cost)));
        }
        // What the answer did not cost is there for others.
        world.fake.always(Answer::text("Hello"));
        world.ask(&ask).await.ok();
        world.caught_up().await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_length_when_the_budget_ends() {
    let world = world().await;
    let key = world.new_key(&vane_ledger::NewKey {
        budget: Some((
            Money::parse("0.01").unwrap(),
            vane_ledger::book::Period::Day,
        )),
        ..crate::world::named("small")
    });
    world
        .fake
        .always(Answer::text(&said(100)).with_fault(Fault::Stall(90)));
    let ask = Ask::post(Door::Chat.path(), unlimited(Door::Chat, "lab-m", true));
    let reply = world.ask(&ask.key(key.expose())).await.ok();
    assert!(is_length(Door::Chat, &reply), "{}", reply.text());
    assert!(reply.text().contains(": vane-stopped=budget\n"));
    world.caught_up().await;
}

#[tokio::test]
async fn a_stream_that_the_balance_pays_for_is_told_to_its_end() {
    for (path, body, door) in ways(true) {
        let world = world().await;
        let key = world.key_with("5");
        let text = said(100);
        world.fake.always(Answer::text(&text));
        let reply = world.ask(&Ask::post(path, &body).key(key.expose())).await;
        let reply = reply.ok();
        assert!(!reply.text().contains("vane-stopped"), "{path}");
        if let Some(door) = door {
            assert_eq!(door.read(&reply).text, text, "{path}");
        }
        let receipts = world.paid().await;
        assert_eq!(receipts[0].settlement.status, Status::Done);
        let held = receipts[0].settlement.hold.as_ref().unwrap().amount;
        let whole = Money::parse("0.04").unwrap();
        if body["model"] == "resp-m" {
            assert!(held > whole, "{held}");
        } else {
            // Five slices and the input; not all that the model may write.
            assert!(held < Money::parse("0.026").unwrap(), "{held} {path}");
        }
    }
}

#[tokio::test]
async fn many_streams_without_a_limit_share_a_balance() {
    let world = world().await;
    // Each may cost four cents: whole, two of them would have room.
    let key = world.key_with("0.1");
    world.fake.always(Answer::text("Hello").head_gate("all"));
    let body = unlimited(Door::Chat, "lab-m", true);
    let ask = Ask::post(Door::Chat.path(), body).key(key.expose());
    let mut connections = Vec::new();
    for n in 0..20 {
        let mut connection = world.connect().await;
        connection.write(&ask.bytes()).await;
        connections.push(connection);
        world.fake.wait_call(n).await.unwrap();
    }
    world.fake.gate("all").open_for_good();
    for mut connection in connections {
        answered(&mut connection).await.ok();
    }
    world.caught_up().await;
}

#[tokio::test]
async fn m5_a_crowd_of_streams_without_a_limit_spends_no_more_than_there_is() {
    for (path, body, _) in ways(true) {
        // Told a limit, of which the fake takes no notice: what it writes beyond is lost.
        if body["model"] == "resp-m" {
            continue;
        }
        let world = world().await;
        let key = world.key_with("0.1");
        world.fake.always(Answer::text(&said(60)));
        let ask = Ask::post(path, &body).key(key.expose());
        let mut connections = Vec::new();
        for _ in 0..24 {
            let mut connection = world.connect().await;
            connection.write(&ask.bytes()).await;
            connections.push(connection);
        }
        let mut answers = 0;
        for mut connection in connections {
            let reply = answered(&mut connection).await;
            answers += usize::from(reply.status == 200);
            assert!([200, 402, 429].contains(&reply.status), "{}", reply.text());
        }
        let receipts = world.paid().await;
        assert!(answers > 0 && receipts.len() == answers, "{answers}");
        let paid = Money::checked_sum(receipts.iter().map(|receipt| receipt.charged)).unwrap();
        let cost = Money::checked_sum(receipts.iter().map(|receipt| receipt.cost)).unwrap();
        assert_eq!(paid, cost, "{path}");
        let payer = world.gateway.store.find_account("payer").unwrap().unwrap();
        let posted = world.gateway.store.balance(payer.id).unwrap().posted;
        assert_eq!(posted.checked_add(paid), Money::parse("0.1").ok());
        assert!(posted >= Money::ZERO);
    }
}

#[tokio::test]
async fn a_stream_goes_on_on_what_is_held_while_the_database_is_away() {
    let folder = Folder::new();
    let file = folder.0.join("vane.db");
    let world = World::with(|config| {
        config.database.0 = format!("sqlite:{}", file.display());
        plain(config, false);
    })
    .await;
    let key = world.key_with("0.01");
    let text = said(100);
    world.fake.always(Answer::text(&text).gate("slow"));
    let ask = Ask::post(Door::Chat.path(), unlimited(Door::Chat, "lab-m", true));
    let connection = world.connect().await;
    world.fake.gate("slow").open(4);
    let mut stream = connection.begin(&ask.key(key.expose())).await;
    stream.until(&said(1), 1).await;
    let locker = rusqlite::Connection::open(&file).unwrap();
    locker.busy_timeout(PATIENCE).unwrap();
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    world.fake.gate("slow").open_for_good();
    let reply = stream.rest().await;
    locker.execute_batch("COMMIT").unwrap();
    let told = reply.text();
    assert!(told.contains(": vane-stopped=unavailable\n"), "{told}");
    let read = Door::Chat.read(&reply);
    // All that was held when the database went away.
    assert_eq!(read.finish, "length");
    let length = read.text.len();
    assert!(text.starts_with(&read.text) && (2_000..=2_100).contains(&length));
    let receipts = world.paid().await;
    assert_eq!(receipts[0].settlement.status, Status::Stopped);
    assert_eq!(receipts[0].charged, receipts[0].cost);
}

#[tokio::test]
async fn a_stream_is_cut_where_what_it_holds_was_returned_and_goes_on_for_nothing_nowhere() {
    let folder = Folder::new();
    let file = folder.0.join("vane.db");
    let world = World::with(|config| {
        config.database.0 = format!("sqlite:{}", file.display());
        plain(config, false);
    })
    .await;
    let key = world.key_with("5");
    let text = said(100);
    world.fake.always(Answer::text(&text).gate("slow"));
    let ask = Ask::post(Door::Chat.path(), unlimited(Door::Chat, "lab-m", true));
    let connection = world.connect().await;
    world.fake.gate("slow").open(4);
    let mut stream = connection.begin(&ask.key(key.expose())).await;
    stream.until(&said(1), 1).await;
    world.caught_up().await;
    // A database that fell back: the process begins another life, and returns what it was lent.
    let vandal = rusqlite::Connection::open(&file).unwrap();
    vandal
        .execute_batch("UPDATE instance SET ingested = 0")
        .unwrap();
    world.fake.gate("slow").open(4);
    let (store, replica) = (&world.gateway.store, &world.gateway.replica);
    until("another life", async || {
        store.open_leases(1).unwrap().is_empty() && replica.trouble().is_none()
    })
    .await;
    world.fake.gate("slow").open_for_good();
    let reply = stream.rest().await;
    let told = reply.text();
    assert!(told.contains(": vane-stopped=unavailable\n"), "{told}");
    let length = Door::Chat.read(&reply).text.len();
    assert!((2_000..=2_100).contains(&length), "{length}");
    let receipts = world.paid().await;
    assert_eq!(receipts[0].settlement.status, Status::Stopped);
    assert_eq!(receipts[0].charged, receipts[0].cost);
}
