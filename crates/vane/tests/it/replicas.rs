//! Two Vanes at one PostgreSQL: what is funded is granted once, what one leaves returns, and what is
//! said to one is known to the other.
//!
//! `VANE_TEST_LONG=1` waits as long as the product does, and asks as often as acceptance says.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vane_catalog::Money;
use vane_ledger::AccountId;
use vane_ledger::book::{Act, Op, Source, Status};
use vane_testkit::{Answer, Script, When};

use crate::client::{Ask, answered, until, within};
use crate::crowds::ways;
use crate::door::Door;
use crate::postgres::{Database, Schema};
use crate::serving::{Serving, vane};
use crate::site::{Payer, Site, charge, long, now};
use crate::world::{Folder, PROVIDER_KEY, named};

/// A database and two processes that serve it, each in a folder of its own.
struct Pair {
    // In this order they end.
    both: [Serving; 2],
    folders: [Folder; 2],
    site: Site,
    schema: Schema,
}

impl Pair {
    async fn start() -> Self {
        let schema = Schema::new();
        let site = Site::shared(&schema.url()).await;
        let folders = [site.place(), site.place()];
        let both = [0, 1].map(|n| Serving::again(&folders[n]));
        Self {
            both,
            folders,
            site,
            schema,
        }
    }

    /// Stops both; the books must hold then, and nothing be left.
    fn end(self) {
        let Self { both, site, .. } = self;
        for serving in both {
            serving.stop();
        }
        audited(&site, &self.folders[0]);
    }
}

/// Nothing is held or open, every receipt is charged once, and `vane audit` says so too.
#[track_caller]
pub(crate) fn audited(site: &Site, folder: &Folder) {
    let (receipts, mut charged) = (site.receipts(&mut BTreeMap::new()), BTreeMap::new());
    charge(&mut charged, &receipts);
    site.settled(&charged);
    let said = vane(folder, &["audit"]).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{text}");
}

/// A key of an account that has so much and no more.
fn funded(site: &Site, name: &str, usd: &str) -> (AccountId, Payer) {
    let grant = |account| Op {
        id: format!("opening {name}"),
        at: now(),
        instance: 0,
        act: Act::Grant {
            account,
            amount: Money::parse(usd).unwrap(),
            source: Source::Cash,
            reason: "paid".into(),
        },
    };
    let account = site.store.create_credited(name, grant, now()).unwrap().id;
    let key = site.store.create_key(account, &named(name), now()).unwrap();
    let payer = Payer {
        key_id: key.id().to_owned(),
        key: key.expose().to_owned(),
    };
    (account, payer)
}

fn refusals(serving: &Serving) -> usize {
    serving
        .log
        .text()
        .matches("\"outcome\":\"refused\"")
        .count()
}

/// What one such call holds.
async fn held_by(pair: &Pair, payer: &Payer, ask: &Ask) -> Money {
    let answer = pair.both[0].ask(&ask.clone().key(&payer.key)).await.ok();
    let id = answer.header("vane-request-id").unwrap();
    let mut hold = None;
    until("the receipt of a hold", async || {
        let receipt = pair.site.store.receipt(None, id).unwrap();
        hold = receipt.map(|one| one.settlement.hold.unwrap().amount);
        hold.is_some()
    })
    .await;
    hold.unwrap()
}

/// Asks both so often at once, of an account that can pay for some of it. All that it can pay for is
/// served, and nothing else. How many seconds that took.
async fn m5(pair: &Pair, name: &str, path: &str, mut body: Value, limit: &str) -> f32 {
    let calls = if long() { 500 } else { 40 };
    let usd = if long() { "25" } else { "2" };
    let (account, payer) = funded(&pair.site, name, usd);
    let fake = &pair.site.fake;
    fake.always(Answer::text("Hello"));
    body[limit] = json!(50_000);
    let ask = Ask::post(path, &body);
    let (_, other) = funded(&pair.site, &format!("{name} before"), usd);
    let hold = held_by(pair, &other, &ask).await;
    let funds = Money::parse(usd).unwrap().pico() / hold.pico();
    let served = usize::try_from(funds).unwrap();
    assert!(served > 10 && served < calls, "{served} at {hold}");

    fake.reset();
    fake.always(Answer::text("Hello").head_gate(name));
    let ask = ask.key(&payer.key);
    let refused_before: usize = pair.both.iter().map(refusals).sum();
    let mut connections = Vec::new();
    let begun = std::time::Instant::now();
    // Whoever was refused because the other replica was slow to return what it had asks again.
    for round in [calls].into_iter().chain(std::iter::repeat_n(2, 200)) {
        for n in 0..round {
            // More at one than at the other.
            let mut connection = pair.both[usize::from(n % 3 == 0)].connect().await;
            connection.write(&ask.bytes()).await;
            connections.push(connection);
        }
        until("all calls to be decided", async || {
            let refused: usize = pair.both.iter().map(refusals).sum();
            fake.calls().len() + refused - refused_before >= connections.len()
        })
        .await;
        if fake.calls().len() >= served {
            break;
        }
    }
    let seconds = begun.elapsed().as_secs_f32();
    // Where the machine is the test's own, the first of them had it all.
    assert!(!long() || connections.len() == calls, "{path}");
    let held = pair.site.store.balance(account).unwrap();
    assert!(held.free().unwrap() >= Money::ZERO);
    fake.gate(name).open_for_good();
    let mut admitted = 0;
    for mut connection in connections {
        let answer = answered(&mut connection).await;
        match answer.status {
            200 => admitted += 1,
            402 | 429 => {}
            // A replica that the database keeps waiting takes no calls for a moment.
            503 if !long() => {}
            other => panic!("{other} from {path}: {}", answer.text()),
        }
    }
    assert_eq!(admitted, served, "{path}: {hold} each");
    let mut receipts = Vec::new();
    until("all receipts", async || {
        receipts = pair.site.store.receipts(account, None, 1_000).unwrap();
        receipts.len() >= admitted
    })
    .await;
    assert_eq!(receipts.len(), admitted);
    seconds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_two_processes_serve_all_that_is_funded_and_no_more_at_any_door() {
    let mut seconds: Vec<f32> = Vec::new();
    for _ in 0..if long() { 20 } else { 1 } {
        let pair = Pair::start().await;
        for stream in [true, false] {
            for (n, (path, body, limit)) in ways(stream).into_iter().enumerate() {
                let name = format!("{stream} {n}");
                seconds.push(m5(&pair, &name, path, body, limit).await);
            }
        }
        pair.end();
    }
    seconds.sort_by(f32::total_cmp);
    let (half, most) = (seconds[seconds.len() / 2], seconds[seconds.len() - 1]);
    let crowds = seconds.len();
    println!(
        "measured: {crowds} crowds at two processes had all that was funded in {half:.2} s, at most {most:.2} s"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m6_what_a_killed_process_held_returns_and_its_journal_is_entered_once() {
    let mut pair = Pair::start().await;
    let (account, payer) = funded(&pair.site, "held", "5");
    let word = format!("One{}", "e".repeat(397));
    let fake = &pair.site.fake;
    let said = Answer::text(&format!("{word} two three")).gate("slow");
    fake.gate("slow").open(2);
    let script = Script::new().on(When::model("lab-m"), said);
    fake.script(script.on(When::default(), Answer::text("Hello")));
    let mut body = Door::Chat.request("lab-m", "Hi", true);
    body["max_tokens"] = json!(1_000_000);
    let ask = Ask::post(Door::Chat.path(), &body).key(&payer.key);
    let mut running = pair.both[0].connect().await.begin(&ask).await;
    running.until(&word, 1).await;
    // Whoever writes the next word has noted the first.
    fake.gate("slow").open(1);
    running.until("two", 1).await;
    // The journal is in order: what was noted before is in the store when this is.
    let other = Door::Chat.request("gpt-m", "Hi", false);
    let other = Ask::post(Door::Chat.path(), &other).key(&pair.site.payers(1)[0].key);
    let other = pair.both[0].ask(&other).await.ok();
    let other = other.header("vane-request-id").unwrap();
    until("what was noted to be known", async || {
        pair.site.store.receipt(None, other).unwrap().is_some()
    })
    .await;
    let [killed, second] = pair.both;
    killed.kill();
    fake.always(Answer::text("Hello"));
    let mut body = Door::Chat.request("lab-m", "Hi", false);
    body["max_tokens"] = json!(2_000_000);
    let most = Ask::post(Door::Chat.path(), &body).key(&payer.key);
    assert_eq!(second.ask(&most).await.status, 429, "it is still held");
    if !long() {
        // As after the time that nobody believes in a life that says nothing.
        pair.schema
            .sql("UPDATE instance SET lease_until = 1 WHERE id = 1");
        pair.schema
            .sql("UPDATE instance SET seen_since = 1 WHERE id = 2");
    }
    until("the money", async || second.ask(&most).await.status == 200).await;
    let receipts = pair.site.store.receipts(account, None, 10).unwrap();
    let cut = receipts
        .iter()
        .find(|one| one.settlement.status == Status::Interrupted);
    assert!(cut.unwrap().charged > Money::ZERO);
    // Its machine comes back, with what it had written.
    let first = Serving::again(&pair.folders[0]);
    first.ask(&ask).await.ok();
    pair.both = [first, second];
    drop(running);
    pair.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_and_a_receipt_of_one_process_are_known_to_the_other() {
    let pair = Pair::start().await;
    let (account, payer) = funded(&pair.site, "new", "5");
    let body = Door::Chat.request("lab-m", "Hi", false);
    let ask = Ask::post(Door::Chat.path(), &body).key(&payer.key);
    let mut seconds = Vec::new();
    for n in [0, 1] {
        // A new key works at once, wherever it was made.
        let answer = pair.both[n].ask(&ask).await.ok();
        let id = answer.header("vane-request-id").unwrap();
        let receipt = Ask::get(&format!("/v1/receipts/{id}")).key(&payer.key);
        let begun = std::time::Instant::now();
        until("the receipt", async || {
            pair.both[1 - n].ask(&receipt).await.status == 200
        })
        .await;
        seconds.push(begun.elapsed().as_secs_f32());
    }
    let store = &pair.site.store;
    store.revoke_key(account, &payer.key_id, now()).unwrap();
    let begun = std::time::Instant::now();
    for serving in &pair.both {
        until("the end of the key", async || {
            serving.ask(&ask).await.status == 401
        })
        .await;
    }
    let took = begun.elapsed().as_secs_f32();
    // What is promised, held to where the machine is the test's own.
    assert!(!long() || took < 1.0, "a revoked key works after {took} s");
    seconds.push(took);
    println!("measured: receipts at the other replica, a revoked key at both: {seconds:.2?} s");
    pair.end();
}

#[test]
fn check_looks_at_the_keys_of_a_database_that_is_there() {
    let (schema, folder) = (Schema::new(), Folder::new());
    let configure = |url: &str, id: &str| {
        let toml = format!(
            "database = '{url}'\n[[provider]]\nid = 'lab'\ndialect = 'openai'\n\
             base_url = 'http://127.0.0.1:9/v1'\n\
             models = [{{ id = '{id}', input = '0', output = '0', free = true }}]\n"
        );
        std::fs::write(folder.0.join("vane.toml"), toml).unwrap();
    };
    let check = || {
        let check = vane(&folder, &["check"]).output().unwrap();
        let said = String::from_utf8_lossy(&check.stdout).into_owned();
        (check.status.success(), said)
    };
    configure(&schema.url(), "small");
    assert!(check().0, "{}", check().1);
    // It has made nothing.
    schema.sql("CREATE TABLE schema_migration (x INT); DROP TABLE schema_migration");
    assert!(!folder.0.join("vane.secret").exists());
    for command in [
        &["account", "create", "team"][..],
        &[
            "key",
            "create",
            "--account",
            "team",
            "--budget",
            "1/day",
            "--when-spent",
            "small",
        ],
    ] {
        let made = vane(&folder, command).output().unwrap();
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(made.status.success(), "{said}");
    }
    assert!(check().0, "{}", check().1);
    configure(&schema.url(), "other");
    let (is_well, said) = check();
    assert!(!is_well && said.contains("falls to a model"), "{said}");

    configure("postgres://vane@127.0.0.1:9/vane", "other");
    let (is_well, said) = check();
    assert!(
        is_well && said.contains("keys were not looked at"),
        "{said}"
    );
}

#[tokio::test]
async fn two_processes_cannot_have_one_journal() {
    let pair = Pair::start().await;
    let mut second = vane(&pair.folders[0], &["serve", "--config", "vane.toml"]);
    second.env("VANE_LISTEN", "127.0.0.1:0");
    let said = within("an end", async { second.output().unwrap() }).await;
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        !said.status.success() && text.contains("in use by process"),
        "{text}"
    );
    pair.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_key_that_one_process_keeps_works_at_the_other_and_after_a_restart() {
    let schema = Schema::new();
    let site = Site::shared(&schema.url()).await;
    site.fake.always(Answer::text("Hello"));
    let url = site.fake.openai_url();
    let variables = [("VANE_DEEPSEEK_BASE_URL", url.as_str())];
    let folders = [site.place(), site.place()];
    let start = |n: usize| Serving::again_with(&folders[n], &variables);
    let mut both = [start(0), start(1)];
    let key = site.payers(1).remove(0).key;
    let body = Door::Chat.request("deepseek-v4-flash", "Hi", false);
    let ask = Ask::post(Door::Chat.path(), &body).key(&key);
    let statuses = async |both: &[Serving; 2], wanted: u16| {
        for serving in both {
            until("the provider's key to be followed", async || {
                serving.ask(&ask).await.status == wanted
            })
            .await;
        }
    };
    statuses(&both, 404).await;
    let keep = |key| {
        site.store
            .keep_provider_key("deepseek", key, now())
            .unwrap()
    };
    keep(PROVIDER_KEY);
    let begun = std::time::Instant::now();
    statuses(&both, 200).await;
    println!(
        "measured: a provider's key at both: {:.2?}",
        begun.elapsed()
    );
    let [first, second] = both;
    first.stop();
    both = [start(0), second];
    assert!(both[0].providers.contains("deepseek"));
    statuses(&both, 200).await;
    // Another one in its place, and none at all.
    keep("another");
    until("the former to be forgotten", async || {
        both[1].ask(&ask).await.status != 200
    })
    .await;
    keep(PROVIDER_KEY);
    statuses(&both, 200).await;
    assert!(site.store.drop_provider_key("deepseek").unwrap());
    statuses(&both, 404).await;
    for serving in both {
        serving.stop();
    }
    audited(&site, &folders[0]);
}
