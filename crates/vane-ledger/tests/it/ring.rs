use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use vane_ledger::{
    AccountKind, Caller, Denied, Key, KeyRing, Limits, NewKey, Purpose, Recall, Watch,
};

use crate::fixture::PATIENCE;
use crate::{Folder, account, key, memory};

fn lookup(ring: &KeyRing, presented: &str) -> Result<Arc<Caller>, Denied> {
    ring.lookup(presented, 1_000)
}

#[test]
fn a_caller_is_the_key_and_its_account() {
    let store = memory();
    let team = account(&store, "team");
    let limits = Limits {
        models: Some(vec!["codestral".to_owned()]),
        providers: Some(vec!["mistral".to_owned()]),
        requests_per_minute: NonZeroU32::new(1),
        tokens_per_minute: NonZeroU32::new(2),
        concurrency: NonZeroU32::new(3),
        expires_at: Some(4_000),
        when_spent: Some("qwen-coder".into()),
    };
    let new = NewKey {
        name: "laptop".into(),
        limits: limits.clone(),
        budget: None,
        member: None,
    };
    let key = store.create_key(team, &new, 1_000).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    let expected = Caller {
        key_id: key.id().into(),
        key_name: "laptop".into(),
        account_id: team,
        account_name: "team".into(),
        kind: AccountKind::Metered,
        budget: None,
        frozen: false,
        acting: None,
        limits,
    };
    assert_eq!(*lookup(&ring, key.expose()).unwrap(), expected);
    assert!(
        matches!(ring.recall(key.expose(), 1_000), Recall::Known(Ok(_))),
        "from memory"
    );
}

#[test]
fn a_key_made_by_another_process_works_at_once() {
    let folder = Folder::new();
    let ring = KeyRing::open(&folder.store()).unwrap();
    let elsewhere = folder.store();
    let key = key(&elsewhere, account(&elsewhere, "team"));
    let Recall::Unseen(unseen) = ring.recall(key.expose(), 1_000) else {
        panic!("not in memory")
    };
    assert_eq!(ring.ask(&unseen, 1_000).unwrap().account_name, "team");
    assert!(
        matches!(ring.recall(key.expose(), 1_000), Recall::Known(Ok(_))),
        "from memory"
    );
}

#[test]
fn a_key_revoked_by_another_process_stops_with_the_next_refresh() {
    let folder = Folder::new();
    let store = folder.store();
    let team = account(&store, "team");
    let (kept, ended) = (key(&store, team), key(&store, team));
    let ring = KeyRing::open(&store).unwrap();
    assert!(lookup(&ring, ended.expose()).is_ok());

    folder.store().revoke_key(team, ended.id(), 1_000).unwrap();
    assert!(ring.refresh().unwrap());
    assert_eq!(lookup(&ring, ended.expose()), Err(Denied::Revoked));
    assert!(lookup(&ring, kept.expose()).is_ok());
    assert!(!ring.refresh().unwrap(), "nothing more has changed");
}

#[test]
fn the_watch_refreshes_by_itself_and_stops_when_dropped() {
    let store = memory();
    let team = account(&store, "team");
    let key = key(&store, team);
    let ring = Arc::new(KeyRing::open(&store).unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    let follow = move || tell.send(()).is_ok();
    let watch = Watch::start(Arc::clone(&ring), follow).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    store.revoke_key(team, key.id(), 1_000).unwrap();
    let begun = Instant::now();
    while lookup(&ring, key.expose()).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for the watch");
        thread::sleep(Duration::from_millis(2));
    }
    // Who follows hears of it, and of a provider's key that is kept or dropped.
    told.recv_timeout(PATIENCE).unwrap();
    store.keep_provider_key("mistral", "a key", 1_000).unwrap();
    told.recv_timeout(PATIENCE).unwrap();
    assert!(store.drop_provider_key("mistral").unwrap());
    told.recv_timeout(PATIENCE).unwrap();
    drop(watch);
    assert_eq!(Arc::strong_count(&ring), 1);
}

#[test]
fn commits_that_are_not_about_keys_cost_the_ring_nothing() {
    let store = memory();
    let ring = KeyRing::open(&store).unwrap();
    account(&store, "team");
    assert!(!ring.refresh().unwrap());
}

#[test]
fn a_key_expires_on_the_second() {
    let store = memory();
    let new = NewKey {
        name: "guest".into(),
        limits: Limits {
            expires_at: Some(2_000),
            ..Limits::default()
        },
        budget: None,
        member: None,
    };
    let key = store
        .create_key(account(&store, "team"), &new, 1_000)
        .unwrap();
    let ring = KeyRing::open(&store).unwrap();
    assert!(ring.lookup(key.expose(), 1_999).is_ok());
    assert_eq!(ring.lookup(key.expose(), 2_000), Err(Denied::Expired));
}

#[test]
fn a_known_id_without_its_secret_learns_nothing() {
    let folder = Folder::new();
    let store = folder.store();
    let team = account(&store, "team");
    let key = key(&store, team);
    store.revoke_key(team, key.id(), 1_000).unwrap();
    // The same id with another secret behind it: what a guesser would present.
    let sql = format!("UPDATE api_key SET hash = {}", crate::blob(&[7; 32]));
    folder.vandal().run(&sql).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    assert_eq!(lookup(&ring, key.expose()), Err(Denied::Unknown));
}

#[test]
fn keys_that_ended_fill_no_memory_and_their_rows_tell_how() {
    let store = memory();
    let team = account(&store, "team");
    let (revoked, first) = (key(&store, team), key(&store, team));
    store.revoke_key(team, revoked.id(), 1_000).unwrap();
    let second = store.rotate_key(team, first.id(), 60, 1_500).unwrap();
    let third = store.rotate_key(team, second.id(), 0, 1_560).unwrap();
    let fourth = store.rotate_key(team, third.id(), 60, 1_560).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    let is_known = |key: &Key| matches!(ring.recall(key.expose(), 1_560), Recall::Known(_));
    for (key, in_memory, told) in [
        (&revoked, false, Err(Denied::Revoked)),
        (&first, false, Err(Denied::Replaced)),
        (&second, false, Err(Denied::Replaced)),
        (&third, true, Ok(first.id())),
        (&fourth, true, Ok(first.id())),
    ] {
        assert_eq!(is_known(key), in_memory, "{key:?}");
        let caller = ring.lookup(key.expose(), 1_560);
        let caller = caller.as_ref().map(|caller| caller.key_id.as_str());
        assert_eq!(caller, told.as_ref().copied(), "{key:?}");
    }
}

#[test]
fn a_key_of_another_installation_is_unknown() {
    let elsewhere = memory();
    let foreign = key(&elsewhere, account(&elsewhere, "team"));
    let ring = KeyRing::open(&memory()).unwrap();
    assert_eq!(lookup(&ring, foreign.expose()), Err(Denied::Unknown));
}

#[test]
fn s5_no_key_is_built_in() {
    let ring = KeyRing::open(&memory()).unwrap();
    for presented in [
        "",
        "sk-vane",
        "sk-vane-",
        "sk-1234",
        "admin",
        "null",
        "undefined",
    ] {
        assert_eq!(
            lookup(&ring, presented),
            Err(Denied::Malformed),
            "{presented}"
        );
    }
}

#[test]
fn s9_a_sealed_text_is_no_key() {
    let store = memory();
    let key = key(&store, account(&store, "team"));
    let sealed = store
        .sealer(Purpose::Seal)
        .unwrap()
        .seal(key.expose().as_bytes(), b"")
        .unwrap();
    let ring = KeyRing::open(&store).unwrap();
    assert_eq!(lookup(&ring, &sealed), Err(Denied::Malformed));
}

#[test]
fn a_flood_of_invented_keys_is_kept_from_the_database() {
    let elsewhere = memory();
    let invented = account(&elsewhere, "attacker");
    let store = memory();
    let ours = key(&store, account(&store, "team"));
    let ring = KeyRing::open(&store).unwrap();
    let asked = (0..1_000)
        .map(|_| key(&elsewhere, invented))
        .filter(|key| matches!(ring.recall(key.expose(), 1_000), Recall::Unseen(_)))
        .count();
    assert!(asked > 0 && asked < 500, "{asked}");
    assert!(
        lookup(&ring, ours.expose()).is_ok(),
        "who has a key is not held up"
    );
}

#[test]
fn known_keys_stay_valid_while_the_database_cannot_be_read() {
    let folder = Folder::new();
    let store = folder.store();
    let key = key(&store, account(&store, "team"));
    let ring = KeyRing::open(&store).unwrap();
    let vandal = folder.vandal();
    vandal
        .run("ALTER TABLE key_revision RENAME TO gone")
        .unwrap();
    assert!(ring.refresh().is_err());
    assert!(ring.fault().is_some());
    assert!(lookup(&ring, key.expose()).is_ok());

    vandal
        .run("ALTER TABLE gone RENAME TO key_revision")
        .unwrap();
    ring.refresh().unwrap();
    assert!(ring.fault().is_none());
}
