//! Idempotency keys that reach several processes at once.

use std::thread;

use vane_ledger::{AccountId, Claim, Repeatable, Room};

use crate::Folder;
use crate::books::START;

fn asked(account: AccountId, call: &str) -> Repeatable<'_> {
    Repeatable {
        account,
        key: "retry",
        request: &[b"/v1/chat/completions", b"{}"],
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

#[test]
fn a_key_that_reaches_all_replicas_at_once_runs_one_call() {
    let folder = Folder::new();
    let account = crate::account(&folder.store(), "team");
    let claims = thread::scope(|scope| {
        let claims: Vec<_> = (0..4)
            .map(|n| {
                let folder = &folder;
                scope.spawn(move || {
                    let call = format!("call-{n}");
                    folder.store().claim(&asked(account, &call)).unwrap()
                })
            })
            .collect();
        let claims = claims.into_iter().map(|claim| claim.join().unwrap());
        claims.collect::<Vec<_>>()
    });
    let mut running = claims.into_iter().filter_map(|claim| match claim {
        Claim::First(mine) => Some(mine),
        Claim::InFlight => None,
        other => panic!("{other:?}"),
    });
    let mine = running.next().unwrap();
    assert_eq!(running.next(), None);
    let store = folder.store();
    store.keep_answer(&mine, Some(b"done")).unwrap();
    let again = store.claim(&asked(account, "again")).unwrap();
    assert!(
        matches!(&again, Claim::Answered { answer, .. } if answer == b"done"),
        "{again:?}"
    );
}
