use std::num::NonZeroU32;

use vane_catalog::Money;
use vane_ledger::book::Period;
use vane_ledger::{AccountId, Author, KeyRing, LedgerError, Limits, NewKey};

use crate::{Folder, account, key, memory};

#[test]
fn a_key_is_listed_with_all_but_its_secret() {
    let store = memory();
    let team = account(&store, "team");
    let new = NewKey {
        name: "laptop".into(),
        limits: Limits {
            models: Some(vec!["codestral".into(), "a \"quoted\" model".into()]),
            providers: Some(vec!["mistral".into()]),
            requests_per_minute: NonZeroU32::new(60),
            tokens_per_minute: NonZeroU32::new(u32::MAX),
            concurrency: NonZeroU32::new(1),
            expires_at: Some(2_000),
            when_spent: Some("qwen-coder".into()),
        },
        budget: Some((Money::from_pico(5_000_000_000_000), Period::Week)),
        member: None,
    };
    let key = store.create_key(team, &new, 1_000).unwrap();
    let listed = store.list_keys(team).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, key.id());
    assert_eq!(listed[0].masked(), format!("sk-vane-{}-…", key.id()));
    assert_eq!(listed[0].name, "laptop");
    assert_eq!(listed[0].limits, new.limits);
    assert_eq!(listed[0].budget, new.budget);
    assert_eq!((listed[0].created_at, listed[0].revoked_at), (1_000, None));
    assert_eq!(listed[0].lineage, key.id());
    assert_eq!(store.find_key(key.id()).unwrap().as_ref(), listed.first());
    assert_eq!(store.find_key("nobody").unwrap(), None);
}

#[test]
fn a_key_is_revoked_once() {
    let store = memory();
    let team = account(&store, "team");
    let key = key(&store, team);
    store.revoke_key(team, key.id(), 1_500).unwrap();
    store.revoke_key(team, key.id(), 1_900).unwrap();
    assert_eq!(store.list_keys(team).unwrap()[0].revoked_at, Some(1_500));
}

#[test]
fn s8_a_key_is_out_of_reach_of_another_account() {
    let store = memory();
    let (ours, theirs) = (account(&store, "ours"), account(&store, "theirs"));
    let key = key(&store, theirs);
    let error = store.revoke_key(ours, key.id(), 1_500).unwrap_err();
    assert!(matches!(error, LedgerError::NoSuchKey { .. }), "{error}");
    let error = store.rotate_key(ours, key.id(), 60, 1_500).unwrap_err();
    assert!(matches!(error, LedgerError::NoSuchKey { .. }), "{error}");
    let error = store
        .change_key(&Author::operator(1_500), ours, key.id(), |_| ())
        .unwrap_err();
    assert!(matches!(error, LedgerError::NoSuchKey { .. }), "{error}");
    let budget = Some((Money::from_pico(1), Period::Day));
    let error = store
        .change_key(&Author::operator(1_500), ours, key.id(), |terms| {
            terms.budget = budget
        })
        .unwrap_err();
    assert!(matches!(error, LedgerError::NoSuchKey { .. }), "{error}");
    assert_eq!(store.list_keys(theirs).unwrap()[0].replaced_by, None);
    assert_eq!(store.list_keys(theirs).unwrap()[0].revoked_at, None);
    assert!(store.list_keys(ours).unwrap().is_empty());
}

#[test]
fn a_key_needs_an_account_and_something_to_use() {
    let store = memory();
    let new = NewKey {
        name: "laptop".into(),
        ..NewKey::default()
    };
    let error = store.create_key(AccountId(7), &new, 1_000).unwrap_err();
    assert!(
        matches!(error, LedgerError::NoSuchAccount(AccountId(7))),
        "{error}"
    );

    let team = account(&store, "team");
    let mut none = new.clone();
    none.limits.models = Some(Vec::new());
    let error = store.create_key(team, &none, 1_000).unwrap_err();
    assert!(matches!(error, LedgerError::NoModels), "{error}");
    let mut none = new;
    none.limits.providers = Some(Vec::new());
    let error = store.create_key(team, &none, 1_000).unwrap_err();
    assert!(matches!(error, LedgerError::NoProviders), "{error}");
    assert!(store.list_keys(team).unwrap().is_empty());
}

#[test]
fn what_a_key_lists_takes_so_many_bytes() {
    let folder = Folder::new();
    let store = folder.store();
    let team = account(&store, "team");
    let list = |names: usize| (0..names).map(|n| format!("{n:0>100}")).collect::<Vec<_>>();
    let made = |models, providers| {
        let limits = Limits {
            models,
            providers,
            ..Limits::default()
        };
        let name = "laptop".to_owned();
        let new = NewKey {
            name,
            limits,
            ..NewKey::default()
        };
        store.create_key(team, &new, 1_000)
    };
    let key = made(Some(list(30)), Some(list(30))).unwrap();
    for refused in [made(Some(list(40)), None), made(None, Some(list(40)))] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("4,096 bytes"), "{error}");
    }
    let by = Author::operator(1_000);
    let longer = store.change_key(&by, team, key.id(), |terms| {
        terms.limits.models = Some(list(40));
    });
    assert!(longer.is_err(), "{longer:?}");
    // One that is longer, from before there was a bound, goes on and is rotated.
    let models = serde_json::json!(list(40)).to_string();
    let sql = format!("UPDATE api_key SET models = '{models}'");
    folder.vandal().run(&sql).unwrap();
    store.rotate_key(team, key.id(), 0, 1_000).unwrap();
}

#[test]
fn s4_key_ids_and_names_are_never_read_as_sql() {
    let store = memory();
    let team = account(&store, "team");
    let attack = "x' OR '1'='1'; DROP TABLE api_key; --";
    let new = NewKey {
        name: attack.into(),
        limits: Limits {
            models: Some(vec![attack.into()]),
            providers: Some(vec![attack.into()]),
            ..Limits::default()
        },
        budget: None,
        member: None,
    };
    store.create_key(team, &new, 1_000).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    for id in [attack, "%", "' OR 1=1 --", ""] {
        assert!(store.revoke_key(team, id, 1_500).is_err(), "{id}");
        assert!(store.rotate_key(team, id, 60, 1_500).is_err(), "{id}");
        assert!(
            store
                .change_key(&Author::operator(1_500), team, id, |_| ())
                .is_err(),
            "{id}"
        );
        assert!(ring.lookup(id, 1_000).is_err(), "{id}");
        assert!(
            ring.lookup(&format!("sk-vane-{id}"), 1_000).is_err(),
            "{id}"
        );
    }
    let listed = store.list_keys(team).unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, attack));
    assert_eq!(listed[0].revoked_at, None);
}
