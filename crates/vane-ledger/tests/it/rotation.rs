//! One key takes the place of another: both are one caller, with one budget.

use std::num::NonZeroU32;

use vane_catalog::Money;
use vane_ledger::book::{Act, Lease, Op, Outcome, Period, Refusal};
use vane_ledger::{
    AccountId, Author, Denied, Key, KeyRing, LedgerError, Limits, NewKey, Role, Store, Who,
};

use crate::{account, key, memory};

const HOUR: i64 = 3_600;

fn limited() -> NewKey {
    NewKey {
        name: "laptop".into(),
        limits: Limits {
            models: Some(vec!["codestral".into()]),
            requests_per_minute: NonZeroU32::new(60),
            expires_at: Some(9_000_000),
            ..Limits::default()
        },
        budget: Some((Money::from_pico(1_000), Period::Month)),
        member: None,
    }
}

#[test]
fn the_old_key_works_until_the_overlap_ends_and_the_new_one_at_once() {
    let store = memory();
    let team = account(&store, "team");
    let old = store.create_key(team, &limited(), 1_000).unwrap();
    let new = store.rotate_key(team, old.id(), HOUR, 2_000).unwrap();
    assert_ne!(old.id(), new.id());
    let ring = KeyRing::open(&store).unwrap();
    let callers = [&old, &new].map(|key| ring.lookup(key.expose(), 1_999 + HOUR));
    assert_eq!(callers[0], callers[1], "they are one caller");
    assert_eq!(callers[1].as_ref().unwrap().key_id, old.id());
    let late = 2_000 + HOUR;
    assert_eq!(ring.lookup(old.expose(), late), Err(Denied::Replaced));
    assert!(ring.lookup(new.expose(), late).is_ok());
    assert_eq!(
        ring.lookup(new.expose(), 9_000_000),
        Err(Denied::Expired),
        "a rotation buys no time"
    );

    let listed = store.list_keys(team).unwrap();
    let [first, second] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(first.replaced_by.as_deref(), Some(new.id()));
    assert_eq!(first.retires_at, Some(late));
    assert!(first.works_at(late - 1) && !first.works_at(late) && second.works_at(late));
    assert_eq!(
        (&second.lineage, &second.limits, &second.budget),
        (&first.lineage, &first.limits, &first.budget)
    );
    assert_eq!((second.retires_at, &*second.name), (None, "laptop"));
}

#[test]
fn a_rotation_without_overlap_ends_the_old_key_at_once() {
    let store = memory();
    let team = account(&store, "team");
    let old = key(&store, team);
    let ring = KeyRing::open(&store).unwrap();
    assert!(ring.lookup(old.expose(), 2_000).is_ok());
    store.rotate_key(team, old.id(), 0, 2_000).unwrap();
    assert!(ring.refresh().unwrap(), "the ring hears of it");
    assert_eq!(ring.lookup(old.expose(), 2_000), Err(Denied::Replaced));
}

#[test]
fn only_the_last_of_a_lineage_that_still_works_is_rotated() {
    let store = memory();
    let team = account(&store, "team");
    let first = store.create_key(team, &limited(), 1_000).unwrap();
    let second = store.rotate_key(team, first.id(), HOUR, 2_000).unwrap();
    let error = store.rotate_key(team, first.id(), HOUR, 2_000).unwrap_err();
    assert!(
        matches!(&error, LedgerError::KeyReplaced { by, .. } if by == second.id()),
        "{error}"
    );
    let third = store.rotate_key(team, second.id(), HOUR, 3_000).unwrap();
    let found = store.find_key(third.id()).unwrap().unwrap();
    assert_eq!(found.lineage, first.id());

    let error = store.rotate_key(team, third.id(), 0, 9_000_000);
    assert!(error.unwrap_err().to_string().contains("has expired"));
    store.revoke_key(team, third.id(), 4_000).unwrap();
    let error = store.rotate_key(team, third.id(), 0, 4_000).unwrap_err();
    assert!(error.to_string().contains("was revoked"), "{error}");
    assert_eq!(store.list_keys(team).unwrap().len(), 3);
}

#[test]
fn keys_that_rotations_leave_working_count_among_an_accounts_keys_until_they_end() {
    let store = memory();
    let team = account(&store, "team");
    let owner = store.add_member(
        &Author::operator(1_000),
        team,
        "ann@example.com",
        Role::Owner,
    );
    let id = owner.unwrap().id;
    let rotate = |of: &Key, at| {
        let (id, key) = (id.clone(), "console".to_owned());
        let who = Who::Member { id, key };
        store.rotate_key_by(&Author { who, at }, team, of.id(), HOUR)
    };
    let mut last = key(&store, team);
    for _ in 1..1_000 {
        last = store.rotate_key(team, last.id(), HOUR, 2_000).unwrap();
    }
    let full = rotate(&last, 1_999 + HOUR);
    assert!(matches!(full, Err(LedgerError::TooMany { .. })), "{full:?}");
    rotate(&last, 2_000 + HOUR).unwrap();
}

#[test]
fn revoking_one_key_of_a_lineage_leaves_the_other() {
    let store = memory();
    let team = account(&store, "team");
    let old = key(&store, team);
    let new = store.rotate_key(team, old.id(), HOUR, 2_000).unwrap();
    store.revoke_key(team, old.id(), 2_000).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    assert_eq!(ring.lookup(old.expose(), 2_000), Err(Denied::Revoked));
    assert!(ring.lookup(new.expose(), 2_000).is_ok());
}

#[test]
fn limits_are_changed_for_the_whole_lineage() {
    let store = memory();
    let team = account(&store, "team");
    let old = store.create_key(team, &limited(), 1_000).unwrap();
    let other = key(&store, team);
    let new = store.rotate_key(team, old.id(), HOUR, 2_000).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    let wanted = Limits {
        tokens_per_minute: NonZeroU32::new(7),
        models: None,
        ..limited().limits
    };
    let changed = store.change_key(&Author::operator(1_500), team, new.id(), |terms| {
        terms.limits.tokens_per_minute = NonZeroU32::new(7);
        terms.limits.models = None;
    });
    assert_eq!(changed.unwrap().limits, wanted);
    assert!(ring.refresh().unwrap());
    for key in [&old, &new] {
        assert_eq!(ring.lookup(key.expose(), 2_000).unwrap().limits, wanted);
    }
    let untouched = ring.lookup(other.expose(), 2_000).unwrap();
    assert_eq!(untouched.limits, Limits::default());
}

fn lend(store: &Store, account: AccountId, key: &Key, id: &str, pico: i64) -> Result<(), Refusal> {
    let lineage = store.find_key(key.id()).unwrap().unwrap().lineage;
    let op = Op {
        id: id.into(),
        at: 2_000,
        instance: 1,
        act: Act::Lease(Lease {
            account,
            key: Some(lineage),
            epoch: 0,
            amount: Money::from_pico(pico),
            until: 9_000,
        }),
    };
    let outcome = store.apply(&[op]).unwrap().remove(0)?;
    assert_eq!(outcome, Outcome::Leased);
    Ok(())
}

#[test]
fn a_rotation_does_not_double_the_budget() {
    let store = memory();
    let team = account(&store, "team");
    let old = store.create_key(team, &limited(), 1_000).unwrap();
    lend(&store, team, &old, "a", 700).unwrap();
    let new = store.rotate_key(team, old.id(), HOUR, 2_000).unwrap();
    let refused = lend(&store, team, &new, "b", 301).unwrap_err();
    let missing = Money::from_pico(1);
    assert!(
        matches!(refused, Refusal::Budget { missing: m, .. } if m == missing),
        "{refused}"
    );
    let more = Some((Money::from_pico(2_000), Period::Month));
    store
        .change_key(&Author::operator(2_000), team, new.id(), |terms| {
            terms.budget = more
        })
        .unwrap();
    lend(&store, team, &old, "c", 1_300).unwrap();
    assert!(lend(&store, team, &new, "d", 1).is_err());
    assert_eq!(store.find_key(old.id()).unwrap().unwrap().budget, more);
}

#[test]
fn a_ring_hears_that_a_lineage_has_a_budget_and_that_it_has_none() {
    let store = memory();
    let team = account(&store, "team");
    let old = key(&store, team);
    let new = store.rotate_key(team, old.id(), HOUR, 2_000).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    let budget = Some((Money::from_pico(5), Period::Day));
    for budget in [budget, None] {
        store
            .change_key(&Author::operator(2_000), team, new.id(), |terms| {
                terms.budget = budget
            })
            .unwrap();
        assert!(ring.refresh().unwrap(), "{budget:?}");
        for key in [&old, &new] {
            let caller = ring.lookup(key.expose(), 2_000).unwrap();
            assert_eq!(caller.budget, budget.map(|(amount, _)| amount));
        }
        assert_eq!(store.find_key(old.id()).unwrap().unwrap().budget, budget);
    }
}
