//! `vane audit strays`, as the shell runs it.

use serde_json::json;
use vane_catalog::Money;
use vane_ledger::book::{Act, Attempt, Ended, Line, Op, Settlement, Status, Times};
use vane_ledger::{AccountId, Store, Stray};

use crate::cli::{Folder, stderr, stdout};

const AT: i64 = 1_796_000_000;

/// A settlement of two dollars of the account that is made first.
fn settled(call: &str) -> String {
    let attempt = Attempt {
        provider: "lab".into(),
        model: "lab-m".into(),
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
            price: Money::parse("1").unwrap(),
        }],
    };
    let settlement = Settlement {
        call: call.into(),
        account: AccountId(1),
        key: "key".into(),
        hold: None,
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt],
        pays_max: None,
        reported: None,
        stream: false,
        took_ms: 0,
    };
    let op = Op {
        id: call.into(),
        at: AT,
        instance: 1,
        act: Act::Settle(settlement),
    };
    serde_json::to_string(&op).unwrap()
}

/// What a server keeps that could not enter these.
fn kept(folder: &Folder, records: &[String]) {
    let store = Store::open(&folder.url()).unwrap();
    let life = store.begin(1, AT).unwrap();
    for (n, record) in (1..).zip(records) {
        let stray = Stray {
            instance: 1,
            epoch: life.epoch,
            from: 0,
            position: n,
            call: None,
            record,
            why: "there was no such account",
            at: AT,
        };
        store.keep_stray(&stray).unwrap();
    }
}

#[test]
fn strays_are_listed_entered_once_and_dropped() {
    let folder = Folder::new();
    let unread = json!({ "kind": 77, "payload": "AA==" }).to_string();
    kept(&folder, &[settled("one"), settled("one"), unread]);

    let listed = folder.json(&["audit", "strays", "--json"]);
    let first = &listed["strays"][0];
    assert_eq!(
        [&first["stray"], &first["at"], &first["call"], &first["why"]],
        [
            &json!(1),
            &json!(AT),
            &json!("one"),
            &json!("there was no such account")
        ],
    );
    assert_eq!(first["record"]["act"]["settle"]["call"], "one");
    assert_eq!(listed["strays"][2]["call"], json!(null));
    let table = stdout(&folder.run(&["audit", "strays"]));
    assert_eq!(table.lines().count(), 4, "{table}");

    // The cause is still there.
    let refused = folder.run(&["audit", "strays", "enter", "1"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stdout(&refused);
    assert_eq!(said, "stray 1: not entered: there is no such account\n");
    assert_eq!(stderr(&refused).lines().count(), 1);

    folder.json(&["account", "create", "late", "--prepaid", "5", "--json"]);
    let all = folder.run(&["audit", "strays", "enter", "all"]);
    assert_eq!(all.status.code(), Some(1), "the third cannot be read");
    let said = stdout(&all);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[0],
        "stray 1: entered; the customer pays $2, the operator $0"
    );
    assert!(
        lines[1].starts_with("stray 2: dropped; its call has a receipt"),
        "{said}"
    );
    assert!(lines[2].starts_with("stray 3: not entered"), "{said}");
    let shown = folder.json(&["credit", "show", "late", "--json"]);
    assert_eq!(shown["balance"], "3");

    assert_eq!(folder.run(&["audit"]).status.code(), Some(1));
    let nothing = folder.run(&["audit", "strays", "drop", "3", "--reason", " "]);
    assert!(stderr(&nothing).contains("--reason must be"));
    let drop = [
        "audit",
        "strays",
        "drop",
        "3",
        "--reason",
        "older than the upgrade",
    ];
    assert_eq!(stdout(&folder.run(&drop)), "stray 3: dropped\n");
    assert!(stderr(&folder.run(&drop)).contains("stray 3 is dropped already"));
    assert_eq!(
        folder.json(&["audit", "strays", "--json"]),
        json!({ "strays": [] })
    );
    assert_eq!(folder.json(&["audit", "--json"])["ok"], true);
}
