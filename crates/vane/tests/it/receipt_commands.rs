//! Receipts that go: by `vane receipt remove` as the shell runs it, and by a server that keeps them
//! for so many days.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vane_catalog::Money;
use vane_ledger::book::{Act, Attempt, Ended, Line, Op, Settlement, Status, Times};
use vane_ledger::{AccountId, AccountKind, By, Clock, Secret, Store, UsageRow};

use crate::cli::{Folder, stderr, stdout};
use crate::client::Ask;
use crate::world::{NOW, World};

/// 2023-11-14.
const OLD: i64 = 1_700_000_000;
const OLD_CALLS: usize = 5_000;
const YOUNG_CALLS: usize = 10;
const DIGITS: &str = "0123456789abcdef";
const BEFORE: [&str; 4] = ["receipt", "remove", "--before", "2024-01-01"];

fn settlement(call: String, account: AccountId) -> Settlement {
    let attempt = Attempt {
        provider: "openai".into(),
        model: "gpt-5-mini-2025-08-07".into(),
        rate_version: "2026-01-01".into(),
        outcome: Ended::Done,
        method: "reported".into(),
        fault: String::new(),
        times: Times::default(),
        dropped: String::new(),
        quantity_max: 10,
        lines: vec![Line {
            bucket: "output".into(),
            quantity: 2,
            price: Money::parse("0.001").unwrap(),
        }],
    };
    Settlement {
        call,
        account,
        key: "key".into(),
        hold: None,
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt],
        pays_max: None,
        reported: None,
        stream: false,
        took_ms: 0,
    }
}

/// Settles so many calls at a time of day each, some hundreds a commit.
fn settle(store: &Store, account: AccountId, name: &str, calls: usize, at: i64) {
    let numbers: Vec<usize> = (0..calls).collect();
    for some in numbers.chunks(250) {
        let ops = some.iter().map(|n| Op {
            id: format!("{name}{n}"),
            at,
            instance: 1,
            act: Act::Settle(settlement(format!("{name}{n}"), account)),
        });
        for outcome in store.apply(&ops.collect::<Vec<_>>()).unwrap() {
            outcome.unwrap();
        }
    }
}

/// A folder and the database that its commands use.
struct Place {
    folder: Folder,
    database: String,
}

impl Place {
    fn new(database: Option<String>) -> Self {
        let folder = Folder::new();
        let database = database.unwrap_or_else(|| folder.url());
        let place = Self { folder, database };
        let store = place.store();
        let made = store.create_account("team", AccountKind::Metered, OLD);
        let account = made.unwrap().id;
        settle(&store, account, "old", OLD_CALLS, OLD);
        settle(&store, account, "young", YOUNG_CALLS, Clock::System.now());
        place
    }

    fn store(&self) -> Store {
        let secret = Secret::from_hex(&DIGITS.repeat(4), "a test").unwrap();
        Store::open_with(&self.database, secret).unwrap()
    }

    fn vane(&self, arguments: &[&str]) -> Command {
        let mut command = self.folder.vane(arguments);
        command.env("VANE_DATABASE", &self.database);
        command.env("VANE_SECRET", DIGITS.repeat(4));
        command
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.vane(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        stdout(&output)
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], why: &str) {
        let output = self.vane(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }

    /// How many receipts there are and how many are gone, once the books are proved.
    #[track_caller]
    fn audited(&self) -> (u64, u64) {
        let audited: Value = serde_json::from_str(&self.said(&["audit", "--json"])).unwrap();
        assert_eq!(audited["ok"], true, "{audited}");
        let number = |name: &str| audited[name].as_u64().unwrap();
        (number("receipts"), number("receipts_gone"))
    }

    fn usage(&self) -> Vec<UsageRow> {
        let store = self.store();
        let until = Clock::System.now() + 3_600;
        store.usage(None, None, 0, until, By::DayModel).unwrap()
    }
}

#[test]
fn receipts_are_told_archived_and_removed() {
    let place = Place::new(None);
    let used = place.usage();
    assert_eq!(
        place.said(&BEFORE),
        "5000 receipts would go, of calls from 2023-11-14 to 2023-11-14; --yes removes them\n"
    );
    assert_eq!(place.audited(), (5_010, 0));
    place.refused(
        &["receipt", "remove", "--before", "31d", "--yes"],
        "last 32 days stay",
    );
    place.folder.write("there.jsonl", "kept");
    let there = [&BEFORE[..], &["--archive", "there.jsonl", "--yes"]].concat();
    place.refused(&there, "cannot write there.jsonl");
    assert_eq!(place.audited(), (5_010, 0));

    let archive = [&BEFORE[..], &["--archive", "old.jsonl", "--yes", "--json"]].concat();
    let removed: Value = serde_json::from_str(&place.said(&archive)).unwrap();
    assert_eq!(
        removed,
        json!({
            "receipts": 5_000, "oldest": "2023-11-14", "newest": "2023-11-14",
            "removed": 5_000, "archive": "old.jsonl",
        })
    );
    let text = std::fs::read_to_string(place.folder.0.join("old.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let calls: BTreeSet<&str> = lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    assert_eq!((lines.len(), calls.len()), (OLD_CALLS, OLD_CALLS));
    let first = &lines[0];
    assert_eq!(
        (&first["id"], &first["account"]),
        (&json!("old0"), &json!("team"))
    );
    assert_eq!(
        (&first["seq"], &first["cost"]),
        (&json!(1), &json!("0.002"))
    );
    assert_eq!(first["attempts"][0]["lines"][0]["quantity"], 2);
    assert_eq!(first["hash"].as_str().unwrap().len(), 64);

    assert_eq!(place.audited(), (10, 5_000));
    assert!(
        place
            .said(&["audit"])
            .contains(" 10 receipts (5000 more are gone), ")
    );
    assert_eq!(place.usage(), used);
    assert_eq!(place.said(&BEFORE), "no receipt is that old\n");
    // What was never read cannot be compared.
    place.folder.write(
        "usage.csv",
        "day,model,calls,cost\n2023-11-14,gpt-5-mini,5000,10\n",
    );
    place.refused(
        &["reconcile", "openai", "usage.csv"],
        "begins with 2023-11-14, and receipts up to 2023-11-14 were removed",
    );
}

/// Removes all that is old, is killed after the first chunk, and goes on where it was.
fn goes_on_after_a_kill(place: &Place) {
    let used = place.usage();
    let remove = [&BEFORE[..], &["--yes"]].concat();
    let mut killed = place.vane(&remove).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(killed.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(first.ends_with(" of 5000 are gone"), "{first}");
    killed.kill().unwrap();
    killed.wait().unwrap();

    let (left, gone) = place.audited();
    assert!(gone >= 2_000, "{gone}");
    assert_eq!(left + gone, 5_010);
    assert_eq!(place.usage(), used);
    let rest = 5_000 - gone;
    let word = match rest {
        0 => "no receipt is that old\n".to_owned(),
        rest => format!("{rest} receipts are gone\n"),
    };
    assert_eq!(place.said(&remove), word);
    assert_eq!(place.audited(), (10, 5_000));
    assert_eq!(place.usage(), used);
}

#[test]
fn m14_a_removal_that_is_killed_goes_on_where_it_was() {
    goes_on_after_a_kill(&Place::new(None));
}

#[cfg(feature = "test-postgres")]
#[test]
fn m14_a_removal_on_postgresql_that_is_killed_goes_on_where_it_was() {
    use crate::postgres::{Database, Schema};
    let schema = Schema::new();
    goes_on_after_a_kill(&Place::new(Some(schema.url())));
}

#[tokio::test]
async fn m14_a_server_keeps_receipts_for_so_many_days_and_says_so() {
    let folder = Folder::new();
    {
        let secret = Secret::from_hex(&DIGITS.repeat(4), "a test").unwrap();
        let store = Store::open_with(&folder.url(), secret).unwrap();
        let team = store.create_account("team", AccountKind::Metered, OLD);
        let team = team.unwrap().id;
        settle(&store, team, "old", 40, NOW - 401 * 86_400);
        settle(&store, team, "young", 3, NOW - 399 * 86_400);
    }
    let url = folder.url();
    let keeping = |days| {
        let url = url.clone();
        World::with(move |config| {
            config.database.0 = url;
            config.receipts.keep_days = days;
        })
    };
    let ask = async |world: &World, path: &str| {
        let ask = Ask::get(path).key(&world.key);
        world.ask(&ask).await
    };
    let all = |world: &World| world.gateway.store.audit().unwrap().unwrap();

    // For ever, unless it is said.
    let mut world = keeping(None).await;
    world.take_server().stop();
    assert_eq!((all(&world).receipts, all(&world).gone), (43, 0));
    drop(world);

    // A server that stops has ended its first look.
    let mut world = keeping(Some(400)).await;
    world.take_server().stop();
    assert_eq!((all(&world).receipts, all(&world).gone), (3, 40));
    drop(world);

    let world = keeping(Some(400)).await;
    let gone = ask(&world, "/v1/receipts/old7").await;
    assert_eq!(gone.status, 404);
    let said = gone.text().to_owned();
    assert!(said.contains("receipts are kept for 400 days"), "{said}");
    assert!(said.contains("were removed"), "{said}");
    assert_eq!(ask(&world, "/v1/receipts/young0").await.status, 200);
    let list = ask(&world, "/v1/receipts?limit=2").await.ok().json();
    let next = list["before"].as_i64().unwrap();
    let last = ask(&world, &format!("/v1/receipts?limit=2&before={next}"))
        .await
        .ok()
        .json();
    assert_eq!(last["data"][0]["id"], "young0");
    assert_eq!(last["before"], Value::Null);
    let from = vane_catalog::Date::of(NOW - 410 * 86_400);
    let usage = ask(&world, &format!("/v1/usage?from={from}&by=model"))
        .await
        .ok()
        .json();
    assert_eq!(usage["data"][0]["calls"], 43, "{usage}");
}
