//! What a replica does when something under it fails: records, the disk, power, a call.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

mod clock;
mod disk;
mod doubt;
mod lender;
mod power;
mod strays;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use vane_catalog::Money;

use super::{Lifeline, Payer, Place, Places, Replica, Settings, name_of};
use crate::account::AccountId;
use crate::book::{Act, Attempt, Ended, Line, Op, Settlement, Source, Status, Times};
use crate::clock::Clock;
use crate::journal::{Durability, Journal, Model, Position, Settings as Sizes};
use crate::store::Store;

const NOW: i64 = 1_796_000_000;
/// The longest that anything may take; only a failing test ever waits for it.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks: who waits must not take the processor from what it waits for.
const LOOKS: Duration = Duration::from_millis(2);

/// A folder with a database and a prepaid account of a hundred dollars; gone with its owner.
struct Scene {
    folder: PathBuf,
    store: Store,
    payer: AccountId,
}

impl Scene {
    fn new() -> Self {
        let folder = folder();
        let store = open(&folder);
        let grant = |account| Op {
            id: "opening".into(),
            at: NOW,
            instance: 0,
            act: Act::Grant {
                account,
                amount: Money::parse("100").unwrap(),
                source: Source::Cash,
                reason: "paid".into(),
            },
        };
        let payer = store.create_credited("payer", grant, NOW).unwrap().id;
        Self {
            folder,
            store,
            payer,
        }
    }

    fn replica(&self) -> Replica {
        Replica::open(&self.store, &Settings::default(), Clock::manual(NOW)).unwrap()
    }

    fn payer(&self) -> Payer<'static> {
        Payer {
            account: self.payer,
            prepaid: true,
            key: "key",
            budget: None,
        }
    }

    fn receipt(&self, call: &str) -> Option<crate::book::Receipt> {
        self.store.receipt(None, call).unwrap()
    }

    /// Another connection to the database, for what a store would not do.
    fn sql(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.folder.join("vane.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("vane-replica-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn open(folder: &std::path::Path) -> Store {
    Store::open(&format!("sqlite:{}", folder.join("vane.db").display())).unwrap()
}

/// A replica whose journal is on a disk that forgets and fails.
fn on(model: &Model, store: &Store, folder: &std::path::Path, durability: Durability) -> Replica {
    let life = store.begin(1, NOW).unwrap();
    let sizes = Sizes {
        segment_bytes: 16 << 10,
        ..Sizes::default()
    };
    let journal = Journal::over(
        model,
        &folder.join("lock"),
        name_of(store, 1).unwrap(),
        life.epoch.unsigned_abs(),
        Position::new(life.ingested),
        &sizes,
    );
    let place = Place::Kept(folder.join("lock"));
    let (clock, lifeline) = (Clock::manual(NOW), Lifeline::new(None));
    let journal = journal.unwrap();
    let places = Places {
        _place: place,
        _database: None,
    };
    Replica::over(store, journal, places, life, lifeline, durability, clock).unwrap()
}

/// A call that wrote so many micro-dollars' worth.
fn call(id: &str, account: AccountId, micro: u64) -> Settlement {
    let attempt = Attempt {
        provider: "lab".into(),
        model: "lab-m".into(),
        rate_version: "2026-01-01".into(),
        outcome: Ended::Done,
        method: "reported".into(),
        fault: String::new(),
        times: Times::default(),
        dropped: String::new(),
        quantity_max: 1_000_000,
        lines: vec![Line {
            bucket: "output".into(),
            quantity: micro,
            price: Money::from_pico(1_000_000),
        }],
    };
    Settlement {
        call: id.to_owned(),
        account,
        key: "key".into(),
        hold: None,
        model: "lab-m".into(),
        status: Status::Done,
        attempts: vec![attempt],
        pays_max: None,
        reported: None,
        stream: false,
        took_ms: 0,
    }
}

fn micro(micro: i64) -> Money {
    Money::from_pico(micro * 1_000_000)
}

async fn settled(replica: &Replica, payer: Payer<'_>, id: &str, cost: u64) {
    let hold = replica.hold(payer, micro(100)).await.unwrap();
    let settlement = call(id, payer.account, cost);
    let cost = micro(i64::try_from(cost).unwrap());
    replica
        .settle(hold, settlement, cost)
        .unwrap()
        .await
        .unwrap();
}

/// Looks again and again until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(LOOKS).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, looking).await;
    assert!(done.is_ok(), "waited in vain for {what}");
}

async fn caught_up(replica: &Replica) {
    replica.caught_up(PATIENCE).await.unwrap();
}

#[track_caller]
fn sound(store: &Store) {
    let audited = store.audit().unwrap();
    assert!(audited.is_ok(), "{audited:?}");
}
