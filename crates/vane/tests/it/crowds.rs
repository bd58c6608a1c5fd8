//! Money with many callers at once: clients that leave, balances that run out, clocks that jump.
//!
//! Tens of each in a normal run; the thousands of acceptance with `VANE_TEST_LONG=1`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};
use vane::relay::{self, Record, authenticate};
use vane_catalog::Money;
use vane_dialect::Dialect;
use vane_ledger::book::{Act, Ended, Op, Period, Receipt, Status};
use vane_ledger::{AccountId, Clock, Limits, NewKey, Payer};
use vane_testkit::{Answer, Fault};

use crate::client::{Ask, PATIENCE, answered, until, within};
use crate::door::{DOORS, Door};
use crate::site::long;
use crate::world::{NOW, World, named};

const DAY: i64 = 86_400;

/// Every door for text, with a model of its own dialect and one of another; how its body says the
/// most output.
pub(crate) fn ways(stream: bool) -> Vec<(&'static str, Value, &'static str)> {
    let mut ways = Vec::new();
    for door in DOORS {
        let other = if door == Door::Messages {
            "lab-m"
        } else {
            "claude-m"
        };
        let limit = match door {
            Door::Responses => "max_output_tokens",
            _ => "max_tokens",
        };
        for model in [door.own_model(), other] {
            ways.push((door.path(), door.request(model, "Hi", stream), limit));
        }
    }
    for path in ["/v1/fim/completions", "/v1/completions"] {
        for model in ["codestral-m", "lab-m"] {
            let body = json!({"model": model, "prompt": "Hi", "suffix": "end", "stream": stream});
            ways.push((path, body, "max_tokens"));
        }
    }
    ways
}

impl World {
    /// All receipts of an account, newest first.
    pub(crate) async fn receipts_of(&self, account: AccountId) -> Vec<Receipt> {
        self.gateway.replica.caught_up(PATIENCE).await.unwrap();
        self.gateway.store.receipts(account, None, 1_000).unwrap()
    }

    fn set_clock(&self, at: i64) {
        let Clock::Manual(hand) = &self.gateway.clock else {
            panic!("a world's clock stands still")
        };
        hand.store(at, Relaxed);
    }

    fn budget(&self, key: &str, usd: &str) {
        let act = Act::SetBudget {
            key: key.to_owned(),
            budget: Some((Money::parse(usd).unwrap(), Period::Day)),
        };
        let op = Op {
            id: format!("budget {key}"),
            at: NOW,
            instance: 0,
            act,
        };
        self.gateway.store.apply(&[op]).unwrap().remove(0).unwrap();
        self.gateway.ring.refresh().unwrap();
    }
}

fn quantity(receipt: &Receipt, bucket: &str) -> u64 {
    let lines = receipt
        .settlement
        .attempts
        .iter()
        .flat_map(|one| &one.lines);
    let of_bucket = lines.filter(|line| line.bucket == bucket);
    of_bucket.map(|line| line.quantity).sum()
}

#[tokio::test]
async fn m4_a_thousand_disconnects_are_a_thousand_receipts() {
    let world = World::start().await;
    // More than the count with which Anthropic's streams begin.
    let word = format!("One{}", "e".repeat(397));
    let said = format!("{word} two three four");
    world
        .fake
        .always(Answer::text(&said).with_fault(Fault::Stall(5)));
    let (ways, count) = (ways(true), if long() { 1_000 } else { 50 });
    for n in 0..count {
        let (path, body, _) = &ways[n % ways.len()];
        let mut stream = world.stream(path, body).await;
        stream.until(&word, 1).await;
        drop(stream);
        crate::leaving::left(&world, n).await;
    }
    world.log.lines(count).await;
    let receipts = world.receipts_of(world.account).await;
    assert_eq!(receipts.len(), count);
    eprintln!("measured: M4: {count} clients left, {count} receipts");
    for receipt in receipts {
        let settlement = &receipt.settlement;
        assert_eq!(settlement.status, Status::ClientGone, "{receipt:?}");
        assert_eq!(receipt.charged, receipt.cost);
        assert_eq!(settlement.attempts[0].outcome, Ended::Interrupted);
        let (input, output) = (quantity(&receipt, "input"), quantity(&receipt, "output"));
        assert!(input > 0 && (100..=104).contains(&output), "{receipt:?}");
    }
}

#[tokio::test]
async fn m4_who_leaves_before_an_answer_pays_the_input_that_was_accepted() {
    let world = World::start().await;
    world.fake.always(Answer::text("Never").head_gate("never"));
    let ways = ways(false);
    for (n, (path, body, _)) in ways.iter().enumerate() {
        let mut connection = world.connect().await;
        connection
            .write(&Ask::post(path, body).key(&world.key).bytes())
            .await;
        within("the call", world.fake.wait_call(n)).await;
        drop(connection);
        crate::leaving::left(&world, n).await;
    }
    world.log.lines(ways.len()).await;
    let receipts = world.receipts_of(world.account).await;
    assert_eq!(receipts.len(), ways.len());
    for receipt in receipts {
        assert_eq!(receipt.settlement.status, Status::ClientGone);
        assert!(quantity(&receipt, "input") > 0 && quantity(&receipt, "output") == 0);
    }
}

#[tokio::test]
async fn m6_a_call_that_panics_holds_nothing_and_costs_its_customer_nothing() {
    let world = World::start().await;
    let key = world.prepaid_key();
    let gateway = &world.gateway;
    let mut headers = http::HeaderMap::new();
    let value = format!("Bearer {}", key.expose()).parse().unwrap();
    headers.insert("authorization", value);
    let caller = authenticate(gateway, &headers).await.unwrap();
    let payer = Payer {
        account: caller.account_id,
        prepaid: true,
        key: &caller.key_id,
        budget: None,
    };
    let door = relay::Door {
        dialect: Dialect::OpenaiChat,
        route: "/v1/chat/completions",
    };
    let all = Money::parse("5").unwrap();
    for told in [false, true] {
        let id = format!("req_{told}");
        let mut record = Record::begin(gateway, door, id.clone());
        record.caller(&caller);
        let (_, place) = gateway
            .traffic
            .enter(&caller, 0, gateway.clock.elapsed())
            .await;
        let Ok(place) = place else { panic!("refused") };
        record.admitted(place, gateway.replica.hold(payer, all).await.unwrap());
        let offer = gateway.state().offers.get("lab/lab-m").unwrap().clone();
        record.attempt(&offer, &[], Default::default());
        if told {
            record.first_content();
        }
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _running = record;
            panic!("planted");
        }));
        assert!(panicked.is_err());
        assert_eq!((gateway.replica.figures().holds, world.running()), (0, 0));
        let receipts = world.receipts_of(caller.account_id).await;
        assert_eq!(receipts[0].settlement.call, id);
        assert_eq!(receipts[0].settlement.status, Status::Failed);
        assert_eq!(receipts[0].charged, Money::ZERO);
    }
    // Nothing was delivered in either: all of it is still there.
    let again = gateway.replica.hold(payer, all).await;
    assert_eq!(again.unwrap().limit(), Some(all));
}

/// Calls of several texts, for which ten cents are to be held as for one.
fn lists(stream: bool) -> Vec<(&'static str, Value)> {
    let texts = vec!["x".repeat(1_000); 100];
    let mut lists = vec![("/v1/embeddings", json!({"model": "lab-e", "input": texts}))];
    for prompt in [json!(["Hi", "Ho"]), json!([[1, 2], [3, 4]])] {
        let body =
            json!({"model": "lab-m", "prompt": prompt, "max_tokens": 25_000, "stream": stream});
        lists.push(("/v1/completions", body));
    }
    lists
}

/// Asks a thousand times at once for ten cents each, of an account with five dollars and four
/// keys, two of which have a budget of two dollars. Returns how many were admitted, of how many.
async fn m5(path: &str, body: Value) -> [usize; 2] {
    let calls = if long() { 1_000 } else { 64 };
    let world = World::with(|config| {
        config.limits.concurrent_per_key_max = 10_000;
        let models = config.providers.iter_mut().flat_map(|one| &mut one.models);
        for model in models.filter(|model| model.embeddings) {
            model.context_window = Some(8_192);
        }
    })
    .await;
    let first = world.prepaid_key();
    let payer = world
        .gateway
        .store
        .find_account("payer")
        .unwrap()
        .unwrap()
        .id;
    let mut keys = vec![first];
    for name in ["second", "small", "smaller"] {
        keys.push(
            world
                .gateway
                .store
                .create_key(payer, &named(name), NOW)
                .unwrap(),
        );
    }
    for key in &keys[2..] {
        world.budget(key.id(), "2");
    }
    world
        .fake
        .always(Answer::text("Hello").head_gate("all have asked"));
    let mut connections = Vec::new();
    for n in 0..calls {
        let mut connection = world.connect().await;
        let ask = Ask::post(path, &body).key(keys[n % 4].expose());
        connection.write(&ask.bytes()).await;
        connections.push(connection);
    }
    let refused = || world.log.text().matches("\"outcome\":\"refused\"").count();
    until("all calls to be decided", async || {
        world.fake.calls().len() + refused() >= calls
    })
    .await;
    let held = world.gateway.store.balance(payer).unwrap();
    assert!(held.free().unwrap() >= Money::ZERO);
    world.fake.gate("all have asked").open_for_good();
    let mut admitted = 0;
    for mut connection in connections {
        match answered(&mut connection).await.status {
            200 => admitted += 1,
            402 | 429 => {}
            other => panic!("{other} from {path}"),
        }
    }
    assert!((25..=49).contains(&admitted), "{admitted} at {path}");
    assert_eq!(world.fake.calls().len(), admitted);
    let receipts = world.receipts_of(payer).await;
    assert_eq!(receipts.len(), admitted);
    let paid = Money::checked_sum(receipts.iter().map(|receipt| receipt.charged)).unwrap();
    let posted = world.gateway.store.balance(payer).unwrap().posted;
    assert_eq!(posted.checked_add(paid), Money::parse("5").ok());
    assert!(paid > Money::ZERO && posted > Money::ZERO);
    [admitted, calls]
}

#[tokio::test]
async fn m5_a_crowd_at_any_door_spends_no_more_than_there_is() {
    for stream in [true, false] {
        let mut bodies = lists(stream);
        for (path, mut body, limit) in ways(stream) {
            body[limit] = json!(50_000);
            bodies.push((path, body));
        }
        for (path, body) in bodies {
            let [admitted, calls] = m5(path, body).await;
            println!("measured: M5: {admitted} of {calls} calls at once admitted at {path}");
        }
    }
}

#[tokio::test]
async fn a_clock_that_jumps_a_day_ends_nothing_early_and_bills_nothing_twice() {
    let world = World::start().await;
    let new = NewKey {
        limits: Limits {
            expires_at: Some(NOW + DAY + 3_600),
            ..Limits::default()
        },
        ..named("key")
    };
    world.prepaid_key();
    let store = &world.gateway.store;
    let payer = store.find_account("payer").unwrap().unwrap().id;
    let key = store.create_key(payer, &new, NOW).unwrap();
    world.budget(key.id(), "0.05");
    let body = Door::Chat.request("lab-m", "Hi", true);
    let ask = Ask::post(Door::Chat.path(), &body).key(key.expose());

    world
        .fake
        .always(Answer::text("One two three").gate("slow"));
    let mut stream = Box::pin(async {
        world.fake.gate("slow").open(3);
        let mut running = world.connect().await.begin(&ask).await;
        running.until("One", 1).await;
        running
    })
    .await;
    world.fake.always(Answer::text("Hello"));
    let mut asked = Vec::new();
    for day in [0, 1, -1, 0] {
        world.set_clock(NOW + day * DAY);
        assert_eq!(world.gateway.replica.figures().holds, 1);
        let reply = world.ask(&ask).await.ok();
        asked.push((reply.header("vane-request-id").unwrap().to_owned(), day));
        let lent = store.balance(payer).unwrap();
        assert!(lent.held > Money::ZERO, "the lease is still there");
    }
    world.fake.gate("slow").open_for_good();
    let whole = stream.rest().await;
    assert!(whole.text().contains("[DONE]"), "{}", whole.text());

    let receipts = world.receipts_of(payer).await;
    assert_eq!(receipts.len(), 5);
    let mut days = std::collections::BTreeMap::new();
    for receipt in &receipts {
        assert!(receipt.charged > Money::ZERO && receipt.charged == receipt.cost);
        let call = &receipt.settlement.call;
        let day = asked
            .iter()
            .find(|(id, _)| id == call)
            .map_or(0, |(_, day)| *day);
        assert_eq!(receipt.at, NOW + day * DAY, "{call}");
        let sum: &mut Money = days.entry(day).or_default();
        *sum = sum.checked_add(receipt.charged).unwrap();
    }
    // A day that has not come yet has nothing of the days before; one that is over keeps its own.
    for (day, of) in [(1, vec![1]), (0, vec![0, 1]), (-1, vec![-1, 0, 1])] {
        let spending = store.spending(key.id(), NOW + day * DAY).unwrap().unwrap();
        let expected = Money::checked_sum(of.into_iter().map(|day| days[&day]));
        assert_eq!(Some(spending.spent), expected, "{day}");
    }
    let paid = Money::checked_sum(receipts.iter().map(|receipt| receipt.charged)).unwrap();
    let posted = store.balance(payer).unwrap().posted;
    assert_eq!(posted.checked_add(paid), Money::parse("5").ok());
}
