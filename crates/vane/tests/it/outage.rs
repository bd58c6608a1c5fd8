//! A disk that is full and a database that is away: what callers are told, and what is left.

use std::collections::BTreeMap;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use vane_catalog::Money;
use vane_testkit::Answer;

use crate::client::{Ask, PATIENCE, until};
use crate::door::{DOORS, Door};
use crate::load::Load;
use crate::serving::Serving;
use crate::site::{Dice, Payer, Site, charge, long};

/// No file of the process may grow beyond so much: a write there fails as one on a full disk does.
fn limit_files(serving: &Serving, current: Option<u64>) {
    let limit = Rlimit {
        current,
        maximum: None,
    };
    prlimit(Pid::from_raw(serving.id()), Resource::Fsize, limit).unwrap();
}

async fn ready(serving: &Serving) -> (u16, String) {
    let reply = serving.ask(&Ask::get("/health/ready")).await;
    (reply.status, reply.text().to_owned())
}

fn ask(door: Door, key: &str, stream: bool) -> Ask {
    let body = door.request(door.own_model(), "Hi", stream);
    Ask::post(door.path(), body).key(key)
}

/// Asks at every door for every payer; says how often.
async fn refused_at_every_door(serving: &Serving, payers: &[Payer]) -> usize {
    let mut refused = 0;
    for payer in payers {
        for door in DOORS {
            for stream in [false, true] {
                let reply = serving.ask(&ask(door, &payer.key, stream)).await;
                refused += 1;
                // Within a stream that has begun it is an event.
                if reply.status != 200 {
                    assert_eq!(reply.status, 503, "{}", reply.text());
                    assert_ne!(door.error_type(&reply.json()), "");
                    assert!(reply.header("retry-after").is_some());
                }
                assert!(reply.text().contains("journal"), "{}", reply.text());
            }
        }
    }
    refused
}

#[tokio::test]
async fn a_full_disk_is_a_503_and_costs_nobody_anything() {
    let site = Site::new().await;
    let payers = site.payers(4);
    let serving = site.serve();
    let mut given = 0;
    // Enough for a journal and a log of the database that are longer than the limit.
    for n in 0..24 {
        let payer = &payers[n % 4];
        serving
            .ask(&ask(DOORS[n % 4], &payer.key, n % 3 == 0))
            .await
            .ok();
        given += 1;
    }
    site.fake
        .always(Answer::text("One two three four").gate("slow"));
    site.fake.gate("slow").open(3);
    let running = ask(Door::Chat, &payers[1].key, true);
    let mut running = serving.connect().await.begin(&running).await;
    running.until("One", 1).await;

    limit_files(&serving, Some(4_096));
    site.fake.always(Answer::text("Hello"));
    // The first one finds out: it was asked upstream, and its answer cannot be given.
    let before = site.fake.calls().len();
    let refused = refused_at_every_door(&serving, &payers).await;
    let (status, why) = ready(&serving).await;
    assert!(status == 503 && why.contains("journal"), "{status} {why}");
    let upstream = site.fake.calls().len() - before;
    assert!(
        upstream < refused / 2,
        "{upstream} of {refused} were asked for nothing"
    );
    site.fake.gate("slow").open_for_good();
    let cut = running.rest().await;
    assert!(
        !cut.text().contains("[DONE]") && cut.text().contains("error"),
        "{}",
        cut.text()
    );

    limit_files(&serving, None);
    until("space to be noticed", async || {
        ready(&serving).await.0 == 200
    })
    .await;
    for door in DOORS {
        serving.ask(&ask(door, &payers[1].key, true)).await.ok();
        given += 1;
    }
    serving.stop();
    let (receipts, mut charged) = (site.receipts(&mut BTreeMap::new()), BTreeMap::new());
    charge(&mut charged, &receipts);
    assert_eq!(receipts.len(), site.fake.calls().len());
    let paid = receipts
        .iter()
        .filter(|receipt| receipt.charged > Money::ZERO);
    assert_eq!(paid.count(), given);
    site.settled(&charged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m7_no_spend_is_lost_while_the_database_is_locked() {
    let (clients, calls, rounds) = if long() {
        (16, 100_000, 20)
    } else {
        (8, 2_000, 4)
    };
    let site = Site::new().await;
    let payers = site.payers(clients);
    site.fake.always(Answer::text("Hello there"));
    let serving = site.serve();
    let load = Load::start(&serving, &payers, "m7", &mut Dice(3), calls / clients);
    let locker = rusqlite::Connection::open(site.folder.0.join("vane.db")).unwrap();
    locker.busy_timeout(PATIENCE).unwrap();
    for round in 0..rounds {
        load.answered(calls * round / rounds).await;
        locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
        // Metered calls go on, and so do those of who has a lease.
        load.answered(calls * round / rounds + calls / rounds / 4)
            .await;
        locker.execute_batch("COMMIT").unwrap();
    }
    let told = load.end().await;
    serving.stop();
    assert_eq!(told.len(), calls);
    eprintln!("measured: M7: {calls} calls while the database was locked {rounds} times");
    assert!(told.iter().all(|told| told.whole && told.status == 200));
    let (receipts, mut charged) = (site.receipts(&mut BTreeMap::new()), BTreeMap::new());
    charge(&mut charged, &receipts);
    assert_eq!(receipts.len(), calls);
    let answers = Money::checked_sum(told.iter().map(crate::load::Told::cost));
    assert_eq!(
        answers,
        Money::checked_sum(receipts.iter().map(|one| one.charged))
    );
    site.settled(&charged);
}
