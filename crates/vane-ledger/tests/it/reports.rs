//! What pages and the API read.

use std::collections::BTreeMap;

use vane_catalog::Money;
use vane_ledger::book::{
    Act, Attempt, Ended, Hold, Line, Op, Period, Settlement, Status, Times, TxnKind,
};
use vane_ledger::{AccountId, By, Newest, Of, Posted, Spread, StatementLine, Store, UsageRow};

use crate::books::{START, attempt, cash, lease, op, prepaid, settlement, usd};
use crate::memory;

const DAY: i64 = 86_400;

fn settle(store: &Store, at: i64, settlement: Settlement) {
    let op = Op {
        at,
        ..op(settlement.call.clone(), Act::Settle(settlement))
    };
    store.apply(&[op]).unwrap().remove(0).unwrap();
}

/// Two accounts whose calls alternate, a top-up in the midst of the first one's.
fn store() -> (crate::Memory, AccountId, AccountId) {
    let store = memory();
    let (team, other) = (
        prepaid(&store, "team", "10"),
        prepaid(&store, "other", "10"),
    );
    store.apply(&[op("lease", lease(team, "5"))]).unwrap();
    for n in 0..6 {
        settle(&store, START + n, settlement(&format!("t{n}"), team));
        let call = Settlement {
            hold: None,
            ..settlement(&format!("o{n}"), other)
        };
        settle(&store, START + n, call);
        if n == 2 {
            store.apply(&[op("more", cash(team, usd("1")))]).unwrap();
        }
    }
    (store, team, other)
}

#[test]
fn a_receipt_reads_as_it_was_settled_and_only_for_its_account() {
    let (store, team, other) = store();
    let whole = Settlement {
        hold: Some(Hold {
            lease: "lease".into(),
            amount: usd("0.5"),
        }),
        pays_max: Some(usd("0.4")),
        reported: Some(usd("0.31")),
        attempts: vec![
            Attempt {
                outcome: Ended::FailedUnbilled,
                fault: "529 \"overloaded\"\n".into(),
                times: Times {
                    began_ms: 3,
                    first_content_ms: None,
                    took_ms: 210,
                },
                lines: Vec::new(),
                ..attempt(1, 1)
            },
            Attempt {
                times: Times {
                    began_ms: 413,
                    first_content_ms: Some(250),
                    took_ms: 1_800,
                },
                dropped: "top_k,logit_bias".into(),
                ..attempt(100_000, 3_000_000)
            },
        ],
        stream: true,
        took_ms: 2_214,
        ..settlement("whole", team)
    };
    settle(&store, START + 9, whole.clone());
    let receipt = store.receipt(Some(team), "whole").unwrap().unwrap();
    assert_eq!(receipt.settlement, whole);
    assert_eq!(receipt.settlement.first_content_ms(), Some(663));
    assert_eq!((receipt.cost, receipt.charged), (usd("0.3"), usd("0.3")));
    assert_eq!((receipt.at, receipt.lost()), (START + 9, Money::ZERO));
    assert_eq!(store.receipt(None, "whole").unwrap(), Some(receipt));
    assert_eq!(store.receipt(Some(other), "whole").unwrap(), None);
    assert_eq!(store.receipt(Some(team), "nobody").unwrap(), None);
}

#[test]
fn m14_pages_of_receipts_are_one_accounts_newest_first() {
    let (store, team, other) = store();
    let calls = |before, limit| {
        let page = store.receipts(team, before, limit).unwrap();
        let last = page.last().map(|receipt| receipt.n);
        let calls = page.into_iter().map(|receipt| receipt.settlement.call);
        (calls.collect::<Vec<_>>(), last)
    };
    let (first, last) = calls(None, 4);
    assert_eq!(first, ["t5", "t4", "t3", "t2"]);
    let (second, last) = calls(last, 4);
    assert_eq!(second, ["t1", "t0"]);
    assert_eq!(calls(last, 4).0, [""; 0]);
    // The number of another account's receipt leads nowhere.
    let foreign = store.receipts(other, None, 1).unwrap()[0].n;
    assert_eq!(calls(Some(foreign), 4).0, [""; 0]);
}

#[test]
fn a_statement_is_all_that_changed_a_balance_however_it_is_paged() {
    let (store, team, _) = store();
    let whole = store.statement(team, None, 100).unwrap();
    let names: Vec<_> = whole
        .iter()
        .map(|line| match &line.posted {
            Posted::Credit { kind, reason } => {
                assert_eq!(*kind, TxnKind::Grant);
                reason.clone()
            }
            Posted::Call(receipt) => receipt.settlement.call.clone(),
        })
        .collect();
    assert_eq!(names, ["t5", "t4", "t3", "paid", "t2", "t1", "t0", "paid"]);
    assert_eq!(whole[0].balance, store.balance(team).unwrap().posted);
    for pair in whole.windows(2) {
        let before = pair[1].balance.checked_add(pair[0].amount);
        assert_eq!(before, Some(pair[0].balance));
    }
    for size in 1..=3 {
        let mut paged: Vec<StatementLine> = Vec::new();
        loop {
            let before = paged.last().map(|line| line.cursor);
            let page = store.statement(team, before, size).unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole, "{size} a page");
    }
}

#[test]
fn usage_is_summed_up_by_what_is_asked() {
    let (store, team, _) = store();
    let mut next = Settlement {
        key: "key2".into(),
        model: "m2".into(),
        ..settlement("next", team)
    };
    for (bucket, quantity) in [("input", 1_000), ("cache_read", 512)] {
        next.attempts[0].lines.push(Line {
            bucket: bucket.into(),
            quantity,
            price: Money::ZERO,
        });
    }
    settle(&store, START + DAY, next);
    let row = |of, calls, tokens_out, cost: &str, charged: &str| UsageRow {
        of,
        calls,
        tokens_in: 0,
        cached: 0,
        tokens_out,
        cost: usd(cost),
        charged: usd(charged),
        last_hour: START - START % 3_600,
    };
    let read = |of| UsageRow {
        tokens_in: 1_512,
        cached: 512,
        last_hour: START + DAY - START % 3_600,
        ..row(of, 1, 100_000, "0.3", "0.2")
    };
    let today = START - START % DAY;
    let (from, until) = (today, today + 2 * DAY);
    let usage = |account, key, by| store.usage(account, key, from, until, by).unwrap();
    let days = [
        row(Of::Day(today), 6, 600_000, "1.8", "1.2"),
        read(Of::Day(today + DAY)),
    ];
    assert_eq!(usage(Some(team), None, By::Day), days);
    let models = [
        row(Of::Model("m".into()), 12, 1_200_000, "3.6", "3"),
        read(Of::Model("m2".into())),
    ];
    assert_eq!(usage(None, None, By::Model), models);
    let keys = [read(Of::Key("key2".into()))];
    assert_eq!(usage(Some(team), Some("key2"), By::Key), keys);
    assert_eq!(usage(None, Some("key2"), By::Key), keys);
    let none = store.usage(Some(team), None, until, until + DAY, By::Day);
    assert_eq!(none.unwrap(), []);
}

#[test]
fn a_budget_says_what_of_it_is_gone() {
    let (store, team, _) = store();
    assert_eq!(store.spending("key", START).unwrap(), None);
    let set = Act::SetBudget {
        key: "key".into(),
        budget: Some((usd("9"), Period::Day)),
    };
    let mut own = lease(team, "1");
    if let Act::Lease(lease) = &mut own {
        lease.key = Some("key".into());
    }
    store.apply(&[op("set", set), op("own", own)]).unwrap();
    let spending = store.spending("key", START).unwrap().unwrap();
    // Of both accounts, whose keys have the same name here.
    assert_eq!((spending.spent, spending.leased), (usd("3"), usd("1")));
    let tomorrow = store.spending("key", START + DAY).unwrap().unwrap();
    assert_eq!((tomorrow.spent, tomorrow.leased), (usd("0"), usd("1")));
}

#[test]
fn m10_what_a_provider_is_owed_stands_beside_what_it_reported() {
    let (store, team, _) = store();
    let of = |call: &str, reported: Option<&str>, attempts| Settlement {
        reported: reported.map(usd),
        attempts,
        ..settlement(call, team)
    };
    let elsewhere = Attempt {
        provider: "elsewhere".into(),
        ..attempt(10, 5)
    };
    let lab = || attempt(100_000, 3_000_000);
    settle(&store, START, of("a", Some("0.31"), vec![lab()]));
    settle(&store, START, of("b", Some("0.4"), vec![elsewhere, lab()]));
    settle(&store, START + DAY, of("c", None, vec![lab()]));
    let days = store.provider_usage("lab", START, START + 2 * DAY).unwrap();
    assert_eq!(days.len(), 2);
    let first = &days[0];
    assert_eq!(
        (first.day, first.model.as_str()),
        (START - START % DAY, "lab-m")
    );
    assert_eq!((first.attempts, first.cost), (14, usd("4.2")));
    let quantities = BTreeMap::from([("output".to_owned(), 1_400_000)]);
    assert_eq!(first.quantities, quantities);
    assert_eq!(
        (first.reported, first.reported_cost),
        (usd("0.31"), usd("0.3"))
    );
    assert_eq!(days[1].attempts, 1);
}

/// A call that took so long, its first content there after half of that.
fn lasting(call: &str, account: AccountId, status: Status, took_ms: u32) -> Settlement {
    let outcome = match status {
        Status::Done => Ended::Done,
        Status::Failed => Ended::FailedBilled,
        Status::Stopped | Status::ClientGone | Status::Interrupted => Ended::Interrupted,
    };
    let times = Times {
        began_ms: 0,
        first_content_ms: Some(took_ms / 2),
        took_ms,
    };
    let attempt = Attempt {
        outcome,
        times,
        ..attempt(1, 1)
    };
    Settlement {
        status,
        took_ms,
        hold: None,
        attempts: vec![attempt],
        ..settlement(call, account)
    }
}

#[test]
fn the_newest_calls_are_summed_up_exactly_and_only_those_of_the_span() {
    let store = memory();
    let team = crate::account(&store, "team");
    let other = crate::account(&store, "other");
    let newest = |count, key, from, until| store.newest(team, count, key, from, until).unwrap();
    assert_eq!(newest(10, None, START, START + DAY), Newest::default());
    // Twenty that were done, in no order of their times, among others.
    for n in 0..20_u32 {
        let took = (n * 7 % 20 + 1) * 100;
        let call = lasting(&format!("t{n}"), team, Status::Done, took);
        settle(&store, START + i64::from(n), call);
        let elsewhere = lasting(&format!("o{n}"), other, Status::Failed, 9_000);
        settle(&store, START, elsewhere);
    }
    for (n, status) in [Status::Failed, Status::Interrupted, Status::ClientGone]
        .into_iter()
        .enumerate()
    {
        let mut call = lasting(&format!("x{n}"), team, status, 9_000);
        call.key = "key2".into();
        settle(&store, START + 20, call);
    }
    let all = Newest {
        calls: 23,
        failed: 2,
        took_ms: Some(Spread {
            p50: 1_000,
            p95: 1_900,
        }),
        first_content_ms: Some(Spread { p50: 500, p95: 950 }),
    };
    assert_eq!(newest(1_000, None, START, START + DAY), all);
    assert_eq!(newest(23, None, START, START + DAY), all);
    let of_key = newest(1_000, Some("key2"), START, START + DAY);
    assert_eq!((of_key.calls, of_key.failed, of_key.took_ms), (3, 2, None));
    // Of the newest three, and of the span.
    assert_eq!(newest(3, None, START, START + DAY).calls, 3);
    let early = newest(1_000, None, START, START + 1);
    assert_eq!((early.calls, early.failed), (1, 0));
    let one = Spread { p50: 100, p95: 100 };
    assert_eq!(early.took_ms, Some(one));
}
