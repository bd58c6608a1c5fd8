//! Uses of idempotency keys: who runs, who is told what, and for how long.

use std::sync::atomic::Ordering;

use vane_ledger::replica::Settings;
use vane_ledger::{AccountId, Claim, Clock, Repeatable, Replica, Room, Store, Use};

use crate::{Folder, account, memory};

const START: i64 = 1_796_000_000;
const DAY: i64 = 86_400;
const ANSWER: &[u8] = b"the answer is a canary";

fn asked(account: AccountId, call: &'static str) -> Repeatable<'static> {
    Repeatable {
        account,
        key: "retry-canary",
        request: &[b"/v1/chat/completions", b"", b"{}"],
        call,
        instance: 1,
        at: START,
        running_since: START - 3_600,
        room: Room {
            uses_max: 100,
            bytes_max: 1 << 20,
        },
    }
}

#[track_caller]
fn first(store: &Store, asked: &Repeatable<'_>) -> Use {
    match store.claim(asked).unwrap() {
        Claim::First(mine) => mine,
        other => panic!("{other:?}"),
    }
}

fn answered(call: &str) -> Claim {
    Claim::Answered {
        call: call.to_owned(),
        answer: ANSWER.to_vec(),
    }
}

/// The rows there are, by a connection of its own.
fn rows(folder: &Folder) -> i64 {
    let database = rusqlite::Connection::open(folder.database()).unwrap();
    let sql = "SELECT count(*) FROM idempotency";
    database.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[test]
fn a_key_is_used_once_by_each_account_and_for_one_request() {
    let store = memory();
    let (one, other) = (account(&store, "one"), account(&store, "other"));
    let mine = first(&store, &asked(one, "req_1"));
    assert_eq!(store.claim(&asked(one, "req_2")).unwrap(), Claim::InFlight);
    first(&store, &asked(other, "req_3"));
    store.keep_answer(&mine, Some(ANSWER)).unwrap();
    assert_eq!(
        store.claim(&asked(one, "req_4")).unwrap(),
        answered("req_1")
    );
    // The parts of a request are told apart: these are the same bytes.
    let request: &[&[u8]] = &[b"/v1/chat/completions{}", b"", b""];
    let moved = Repeatable {
        request,
        ..asked(one, "req_5")
    };
    assert_eq!(store.claim(&moved).unwrap(), Claim::OfAnother);
    let key = Repeatable {
        key: "another",
        ..asked(one, "req_6")
    };
    first(&store, &key);
}

#[test]
fn a_call_that_failed_gives_its_key_back_and_only_its_own() {
    let store = memory();
    let one = account(&store, "one");
    let failed = first(&store, &asked(one, "req_1"));
    store.release(&failed).unwrap();
    let again = first(&store, &asked(one, "req_2"));
    // What the first call still has to say comes too late.
    store.release(&failed).unwrap();
    store.keep_answer(&failed, Some(b"old")).unwrap();
    assert_eq!(store.claim(&asked(one, "req_3")).unwrap(), Claim::InFlight);
    store.keep_answer(&again, None).unwrap();
    store.release(&again).unwrap();
    let call = "req_2".to_owned();
    assert_eq!(
        store.claim(&asked(one, "req_4")).unwrap(),
        Claim::NotKept { call }
    );
}

#[test]
fn an_answer_is_kept_for_a_day_from_its_first_call() {
    let store = memory();
    let one = account(&store, "one");
    let mine = first(&store, &asked(one, "req_1"));
    store.keep_answer(&mine, Some(ANSWER)).unwrap();
    let after = |seconds| Repeatable {
        at: START + seconds,
        running_since: START + seconds - 3_600,
        ..asked(one, "req_2")
    };
    assert_eq!(store.claim(&after(DAY - 1)).unwrap(), answered("req_1"));
    first(&store, &after(DAY));
}

#[test]
fn a_call_that_cannot_be_running_any_more_does_not_block() {
    let store = memory();
    let one = account(&store, "one");
    first(&store, &asked(one, "req_1"));
    let after = |seconds| Repeatable {
        at: START + seconds,
        running_since: START + seconds - 3_600,
        ..asked(one, "req_2")
    };
    assert_eq!(store.claim(&after(3_600)).unwrap(), Claim::InFlight);
    first(&store, &after(3_601));
}

#[test]
fn the_calls_of_a_life_that_ended_give_their_keys_back() {
    let folder = Folder::new();
    let store = folder.store();
    let one = account(&store, "one");
    let (mine, clock) = (asked(one, "req_1"), Clock::manual(START));
    let theirs = Repeatable {
        key: "theirs",
        instance: 2,
        ..mine
    };
    let kept = Repeatable {
        key: "kept",
        ..mine
    };
    first(&store, &mine);
    first(&store, &theirs);
    let answer = first(&store, &kept);
    store.keep_answer(&answer, Some(ANSWER)).unwrap();
    drop(Replica::open(&store, &Settings::default(), clock).unwrap());
    first(&store, &mine);
    assert_eq!(store.claim(&theirs).unwrap(), Claim::InFlight);
    assert_eq!(store.claim(&kept).unwrap(), answered("req_1"));
}

#[test]
fn what_was_kept_for_a_day_is_forgotten() {
    let folder = Folder::new();
    let store = folder.store();
    let one = account(&store, "one");
    let clock = Clock::manual(START);
    let replica = Replica::open(&store, &Settings::default(), clock.clone()).unwrap();
    for key in ["one", "two"] {
        first(
            &store,
            &Repeatable {
                key,
                ..asked(one, "req_1")
            },
        );
    }
    let later = Repeatable {
        key: "later",
        at: START + 1,
        ..asked(one, "req_2")
    };
    first(&store, &later);
    assert_eq!(rows(&folder), 3);
    let Clock::Manual(hand) = &clock else {
        panic!("made manual")
    };
    hand.store(START + DAY, Ordering::Relaxed);
    // Its thread looks once more before it ends.
    drop(replica);
    assert_eq!(rows(&folder), 1);
}

#[test]
fn s8_an_answer_that_is_moved_to_another_account_or_key_does_not_open() {
    let folder = Folder::new();
    let store = folder.store();
    let (one, other) = (account(&store, "one"), account(&store, "other"));
    let key = "another";
    for asked in [
        asked(one, "req_1"),
        asked(other, "req_2"),
        Repeatable {
            key,
            ..asked(one, "req_3")
        },
    ] {
        let mine = first(&store, &asked);
        store
            .keep_answer(&mine, Some(asked.call.as_bytes()))
            .unwrap();
    }
    let database = rusqlite::Connection::open(folder.database()).unwrap();
    let moved = "UPDATE idempotency SET answer =
        (SELECT answer FROM idempotency WHERE call = 'req_1') WHERE call <> 'req_1'";
    assert_eq!(database.execute(moved, ()).unwrap(), 2);
    assert!(store.claim(&asked(other, "req_4")).is_err());
    assert!(
        store
            .claim(&Repeatable {
                key,
                ..asked(one, "req_5")
            })
            .is_err()
    );
    let own = store.claim(&asked(one, "req_6")).unwrap();
    assert!(matches!(own, Claim::Answered { .. }), "{own:?}");
}

#[test]
fn s9_neither_answer_nor_key_nor_a_plain_hash_of_the_request_is_in_the_files() {
    let folder = Folder::new();
    let store = folder.store();
    let one = account(&store, "one");
    let mine = first(&store, &asked(one, "req_1"));
    store.keep_answer(&mine, Some(ANSWER)).unwrap();
    for file in std::fs::read_dir(&folder.0).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in [ANSWER, b"retry-canary", b"canary"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
    // A guess of the request is not confirmed by a copy of the database with another secret.
    let copy = Folder::new();
    let copied = copy.store();
    first(&copied, &asked(account(&copied, "one"), "req_1"));
    let fingerprint = |folder: &Folder| -> Vec<u8> {
        let database = rusqlite::Connection::open(folder.database()).unwrap();
        let sql = "SELECT fingerprint FROM idempotency";
        database.query_row(sql, (), |row| row.get(0)).unwrap()
    };
    assert_ne!(fingerprint(&folder), fingerprint(&copy));
}
