//! What uses of idempotency keys, and their answers, may take of one account.

use vane_ledger::{AccountId, Claim, Repeatable, Room, Store};

use crate::{account, memory};

const START: i64 = 1_796_000_000;
const DAY: i64 = 86_400;

/// Uses a key as a call of the same name.
fn claim(store: &Store, account: AccountId, key: &str, at: i64, room: Room) -> Claim {
    let asked = Repeatable {
        account,
        key,
        request: &[b"{}"],
        call: key,
        instance: 1,
        at,
        running_since: at - 3_600,
        room,
    };
    store.claim(&asked).unwrap()
}

fn answered(store: &Store, account: AccountId, key: &str, at: i64, room: Room, answer: &[u8]) {
    match claim(store, account, key, at, room) {
        Claim::First(mine) => store.keep_answer(&mine, Some(answer)).unwrap(),
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn so_many_keys_of_an_account_may_be_used_until_some_are_given_back_or_a_day_old() {
    let store = memory();
    let (one, other) = (account(&store, "one"), account(&store, "other"));
    let room = Room {
        uses_max: 3,
        bytes_max: 1 << 20,
    };
    let Claim::First(first) = claim(&store, one, "a", START, room) else {
        panic!()
    };
    answered(&store, one, "b", START, room, b"answer");
    answered(&store, one, "c", START + 1, room, b"answer");
    for _ in 0..2 {
        assert_eq!(claim(&store, one, "d", START, room), Claim::Full);
    }
    // What is in use is still told, and another account has its own room.
    assert_eq!(claim(&store, one, "a", START, room), Claim::InFlight);
    assert!(matches!(
        claim(&store, one, "b", START, room),
        Claim::Answered { .. }
    ));
    assert!(matches!(
        claim(&store, other, "d", START, room),
        Claim::First(_)
    ));
    store.release(&first).unwrap();
    let Claim::First(again) = claim(&store, one, "d", START, room) else {
        panic!()
    };
    assert_eq!(claim(&store, one, "e", START, room), Claim::Full);
    store.keep_answer(&again, None).unwrap();
    assert_eq!(claim(&store, one, "e", START, room), Claim::Full);
    // A use that is a day old makes room when its key comes again.
    assert!(matches!(
        claim(&store, one, "b", START + DAY, room),
        Claim::First(_)
    ));
}

#[test]
fn the_oldest_answers_give_way_and_their_calls_are_not_run_again() {
    let store = memory();
    let (one, other) = (account(&store, "one"), account(&store, "other"));
    let room = Room {
        uses_max: 100,
        bytes_max: 8 << 10,
    };
    let answer = [b'x'; 2 << 10];
    answered(&store, other, "a", START, room, &answer);
    for (at, key) in (START..).zip(["a", "b", "c", "d", "e", "f"]) {
        answered(&store, one, key, at, room, &answer);
    }
    let told = |key| match claim(&store, one, key, START + 9, room) {
        Claim::Answered { answer: kept, .. } => {
            assert_eq!(kept, answer, "{key}");
            true
        }
        Claim::NotKept { call } => {
            assert_eq!(call, key);
            false
        }
        other => panic!("{key}: {other:?}"),
    };
    assert!(!told("a") && told("f"));
    assert!(matches!(
        claim(&store, other, "a", START, room),
        Claim::Answered { .. }
    ));
    // One that has no room alone is kept all the same: what it may be is bounded before.
    let large = [b'x'; 16 << 10];
    answered(&store, one, "g", START + 10, room, &large);
    assert!(!told("f"));
    assert!(matches!(
        claim(&store, one, "g", START + 11, room),
        Claim::Answered { .. }
    ));
}
