//! Power is cut under a running replica: what it acknowledged is there afterwards.
//!
//! The journal is on a disk that forgets what was not synced; the database is copied at the same
//! instant, since each of its commits is synced. 20 cuts; 200 with `VANE_TEST_LONG=1`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Scene, call, folder, micro, on, open, sound};
use crate::journal::{Durability, Model};
use crate::replica::{Payer, Replica};
use vane_catalog::Money;

/// Splitmix64.
struct Dice(u64);

impl Dice {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> usize {
        usize::try_from(self.draw() % n).unwrap()
    }
}

/// Calls one after the other until nobody wants more; the settled ones are `acknowledged`.
async fn calls(
    replica: Arc<Replica>,
    payer: Payer<'static>,
    client: usize,
    over: Arc<AtomicUsize>,
    acknowledged: Arc<Mutex<Vec<String>>>,
) {
    let mut number = 0;
    while over.load(Ordering::Relaxed) == 0 {
        let id = format!("req_{client}_{number}");
        number += 1;
        let hold = replica.hold(payer, micro(100)).await.unwrap();
        replica.opened(&hold, call(&id, payer.account, 5));
        let settlement = call(&id, payer.account, 10);
        let settling = replica.settle(hold, settlement, micro(10)).unwrap();
        settling.await.unwrap();
        acknowledged.lock().unwrap().push(id);
    }
}

async fn cut(dice: &mut Dice) {
    let (scene, model) = (Scene::new(), Model::default());
    let replica = Arc::new(on(&model, &scene.store, &scene.folder, Durability::Power));
    let (over, acknowledged) = (Arc::default(), Arc::<Mutex<Vec<String>>>::default());
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (over, acknowledged) = (Arc::clone(&over), Arc::clone(&acknowledged));
            tokio::spawn(calls(
                Arc::clone(&replica),
                scene.payer(),
                client,
                over,
                acknowledged,
            ))
        })
        .collect();
    let enough = 1 + dice.below(150);
    while acknowledged.lock().unwrap().len() < enough {
        tokio::task::yield_now().await;
    }
    let after = folder();
    let mut promised = Vec::new();
    let disk = model.copied(|| {
        promised = acknowledged.lock().unwrap().clone();
        let copy = after.join("vane.db");
        scene.sql(&format!("VACUUM INTO '{}'", copy.display()));
    });
    std::fs::copy(scene.folder.join("vane.secret"), after.join("vane.secret")).unwrap();
    over.store(1, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    drop(replica);

    disk.cut(dice.below(12), dice.below(600), dice.draw() | dice.draw());
    let store = open(&after);
    let replica = on(&disk, &store, &after, Durability::Power);
    let book = store.balance(scene.payer).unwrap();
    assert_eq!(book.held, Money::ZERO);
    for id in &promised {
        let receipt = store.receipt(None, id).unwrap();
        assert_eq!(receipt.unwrap().charged, micro(10), "{id}");
    }
    let mut receipts = store.receipts(scene.payer, None, 1_000).unwrap();
    // In pages, for there may be more than one holds.
    while let Some(last) = receipts.last() {
        let page = store.receipts(scene.payer, Some(last.n), 1_000).unwrap();
        if page.is_empty() {
            break;
        }
        receipts.extend(page);
    }
    assert!(receipts.len() <= promised.len() + 16, "invented");
    let charged = Money::checked_sum(receipts.iter().map(|receipt| receipt.charged));
    let left = micro(100_000_000).checked_sub(charged.unwrap());
    assert_eq!(Some(book.posted), left);
    drop(replica);
    sound(&store);
    let _gone = std::fs::remove_dir_all(&after);
}

#[expect(
    clippy::disallowed_methods,
    reason = "the length of a test is no setting of the product"
)]
fn cuts() -> usize {
    match std::env::var_os("VANE_TEST_LONG") {
        Some(_) => 200,
        None => 20,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_no_acknowledged_settlement() {
    let mut dice = Dice(42);
    let cuts = cuts();
    for _ in 0..cuts {
        cut(&mut dice).await;
    }
    println!("measured: power: {cuts} cuts, no acknowledged settlement lost");
}
