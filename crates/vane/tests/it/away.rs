//! Two Vanes whose PostgreSQL dies under load, restarts and stays away: nothing is lost, who has no
//! money set aside is refused, and what runs is told to its end.
//!
//! Away until what was lent is spent; for half a minute with `VANE_TEST_LONG=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;
use vane_catalog::Money;
use vane_testkit::Answer;

use crate::client::{Ask, until};
use crate::door::Door;
use crate::load::{Load, Told};
use crate::postgres::{Database, Server};
use crate::replicas::audited;
use crate::serving::Serving;
use crate::site::{Dice, Payer, Site, long};

const CLIENTS: usize = 8;
const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";

/// What clients were told with success is what receipts say, to the last picodollar.
#[track_caller]
fn compare(site: &Site, told: &[Told]) {
    let receipts = site.receipts(&mut BTreeMap::new());
    let mut by_call = BTreeMap::new();
    for receipt in &receipts {
        let twice = by_call.insert(receipt.settlement.call.as_str(), receipt);
        assert!(twice.is_none(), "{}", receipt.settlement.call);
    }
    for told in told {
        assert!(told.whole, "{told:?}");
        let id = told.id.as_deref().unwrap();
        match told.status {
            200 => {
                let receipt = by_call.remove(id);
                let receipt = receipt.unwrap_or_else(|| panic!("no receipt: {told:?}"));
                assert_eq!((receipt.cost, receipt.charged), (told.cost(), told.cost()));
            }
            // Nobody was asked.
            503 => assert!(!by_call.contains_key(id), "{told:?}"),
            other => panic!("{other}: {}", told.body),
        }
    }
    assert!(by_call.values().all(|one| one.charged >= Money::ZERO));
    let ours: BTreeSet<&str> = told.iter().filter_map(|told| told.id.as_deref()).collect();
    assert!(ours.len() >= told.len(), "two calls have one id");
}

/// A call that is held at its first word, and what it costs to be told the rest.
fn running(payer: &Payer) -> Ask {
    let mut body = Door::Chat.request("lab-m", "Hi", true);
    body["max_tokens"] = json!(1_000);
    Ask::post(Door::Chat.path(), &body).key(&payer.key)
}

async fn ready(serving: &Serving) -> u16 {
    serving.ask(&Ask::get("/health/ready")).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m7_nothing_is_lost_while_postgresql_dies_restarts_and_is_away() {
    let server = Server::start();
    let site = Site::shared(&server.url()).await;
    let payers = site.payers(CLIENTS);
    let folders = [site.place(), site.place()];
    let both = [0, 1].map(|n| Serving::again(&folders[n]));
    site.fake.always(Answer::text("Hello there"));
    let mut dice = Dice(11);
    let loads = both.each_ref().map(|serving| {
        let name = format!("at {}", serving.address.port());
        Load::start(serving, &payers, &name, &mut dice, usize::MAX)
    });
    for round in 1..=3 {
        for load in &loads {
            load.answered(round * 40).await;
        }
        server.sql(TERMINATE);
    }
    for round in 4..=5 {
        for load in &loads {
            load.answered(round * 40).await;
        }
        server.end();
        for load in &loads {
            // Who has money set aside goes on.
            load.answered(round * 40 + 10).await;
        }
        server.begin();
    }
    let mut told = Vec::new();
    for load in loads {
        load.stop();
        told.extend(load.end().await);
    }
    assert!(told.iter().any(|told| told.status == 200));

    away(&server, &site, &both, &payers).await;
    for serving in both {
        serving.stop();
    }
    compare(&site, &told);
    audited(&site, &folders[0]);
}

/// The server goes while a stream runs, and comes back long after.
async fn away(server: &Server, site: &Site, both: &[Serving; 2], payers: &[Payer]) {
    for serving in both {
        until("both to be ready", async || ready(serving).await == 200).await;
    }
    // Two words and then no more, until the gate opens.
    site.fake
        .always(Answer::text("One two three four").gate("slow"));
    site.fake.gate("slow").open(3);
    let mut stream = both[0].connect().await.begin(&running(&payers[1])).await;
    stream.until("One", 1).await;
    site.fake.always(Answer::text("Hello"));
    server.end();
    let begun = Instant::now();
    let seconds = if long() { 30 } else { 0 };
    // More than is lent to anyone: it cannot be set aside.
    let mut body = Door::Chat.request("lab-m", "Hi", false);
    body["max_tokens"] = json!(50_000_000);
    let large = Ask::post(Door::Chat.path(), &body).key(&payers[1].key);
    let metered = Ask::post(Door::Chat.path(), Door::Chat.request("lab-m", "Hi", true));
    let metered = metered.key(&payers[0].key);
    loop {
        for serving in both {
            let refused = serving.ask(&large).await;
            assert_eq!(refused.status, 503, "{}", refused.text());
            assert!(refused.header("retry-after").is_some());
            serving.ask(&metered).await.ok();
        }
        if begun.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
    }
    site.fake.gate("slow").open_for_good();
    let whole = stream.rest().await;
    assert!(whole.text().contains("[DONE]"), "{}", whole.text());
    until("it to be noticed", async || ready(&both[0]).await == 503).await;
    server.begin();
    let small = running(&payers[1]);
    for serving in both {
        until("both to be ready", async || ready(serving).await == 200).await;
        until("money", async || serving.ask(&small).await.status == 200).await;
    }
}
