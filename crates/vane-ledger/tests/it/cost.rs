//! What a settlement costs to enter, and how fast millions are read, where it is asked for:
//! `cargo test --release -p vane-ledger --test it cost:: -- ledger-bench --nocapture --test-threads 1`
#![allow(
    clippy::print_stdout,
    reason = "figures are printed; the settings for tests miss their shared functions"
)]

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use vane_catalog::Money;
use vane_ledger::book::{
    Act, Attempt, Ended, Hold, Lease, Line, Op, Settlement, Status, Times, details_of,
};
use vane_ledger::{AccountId, BATCH_MAX, By, Ingest, Store};

use crate::Folder;
use crate::books::START;

/// Settlements of one commit.
const BATCH: u64 = 512;
/// The same where calls are many: the rest of as many records of a journal tells of their beginning.
const LARGE_BATCH: u64 = BATCH_MAX as u64 / 2;

/// Whether whoever runs the tests wants to wait for this.
fn asked_for() -> bool {
    std::env::args().any(|argument| argument == "ledger-bench")
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests chooses how long"
)]
fn long() -> bool {
    std::env::var_os("VANE_TEST_LONG").is_some()
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}

/// A call as most are: one attempt, three lines.
fn settlement(n: u64, account: AccountId, lease: usize) -> Settlement {
    let line = |bucket: &str, quantity, price| Line {
        bucket: bucket.into(),
        quantity,
        price: Money::from_pico(price),
    };
    Settlement {
        call: format!("req_01kb2q7{:08}{n:08}", 7_654_321),
        account,
        key: format!("k{lease:015}"),
        hold: Some(Hold {
            lease: format!("{lease:032x}"),
            amount: Money::from_pico(9_000_000_000),
        }),
        model: "mistral/codestral-latest".into(),
        status: Status::Done,
        attempts: vec![Attempt {
            provider: "mistral".into(),
            model: "codestral-2508".into(),
            rate_version: "mistral/codestral-latest@2026-07-01".into(),
            outcome: Ended::Done,
            method: "reported".into(),
            fault: String::new(),
            times: Times {
                began_ms: 0,
                first_content_ms: Some(412),
                took_ms: 1_780,
            },
            dropped: String::new(),
            quantity_max: 288_000,
            lines: vec![
                line("input", 1_000 + n % 500, 300_000),
                line("cache_read", 512, 30_000),
                line("output", 1 + n % 300, 900_000),
            ],
        }],
        pays_max: None,
        reported: None,
        stream: true,
        took_ms: 1_780,
    }
}

/// Accounts with a lease each, as a replica takes them.
fn lenders(store: &Store, accounts: usize) -> Vec<AccountId> {
    store.begin(1, START).unwrap();
    let ids: Vec<_> = (0..accounts)
        .map(|n| crate::books::prepaid(store, &format!("a{n}"), "5000"))
        .collect();
    for (chunk, ids) in ids.chunks(BATCH_MAX).enumerate() {
        let lease = |(n, account): (usize, &AccountId)| Op {
            id: format!("{:032x}", chunk * BATCH_MAX + n),
            at: START,
            instance: 1,
            act: Act::Lease(Lease {
                account: *account,
                key: None,
                epoch: 1,
                amount: crate::books::usd("4999"),
                until: START + 60,
            }),
        };
        let ops: Vec<_> = ids.iter().enumerate().map(lease).collect();
        for outcome in store.apply(&ops).unwrap() {
            outcome.unwrap();
        }
    }
    ids
}

/// The `n`th batch: its calls are spread over accounts, and over days as `per_second` says.
fn batch(n: u64, size: u64, ids: &[AccountId], per_second: u64) -> Vec<Op> {
    let one = |n: u64| {
        // Not in turn: every batch meets other accounts.
        let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let who = usize::try_from(spread % ids.len() as u64).unwrap();
        Op {
            id: format!("s{n}"),
            at: START + i64::try_from(n / per_second).unwrap(),
            instance: 1,
            act: Act::Settle(settlement(n, ids[who], who)),
        }
    };
    (n * size..(n + 1) * size).map(one).collect()
}

fn ingest(store: &Store, position: u64, ops: &[Op]) {
    let outcomes = store.ingest(&Ingest {
        instance: 1,
        epoch: 1,
        from: 0,
        position,
        ops,
        opened: &[],
        closed: &[],
    });
    assert!(outcomes.unwrap().iter().all(Result::is_ok));
}

fn measure(accounts: usize, size: u64, batches: u64) {
    let folder = Folder::new();
    let store = folder.store();
    let ids = lenders(&store, accounts);
    let (mut wall, mut used) = (Duration::ZERO, Duration::ZERO);
    for n in 0..batches {
        let ops = batch(n, size, &ids, 1_000);
        let (begun, cpu_begun) = (Instant::now(), cpu());
        ingest(&store, n + 1, &ops);
        wall += begun.elapsed();
        used += cpu().saturating_sub(cpu_begun);
    }
    let settled = f64::from(u32::try_from(batches * size).unwrap());
    let bytes = std::fs::metadata(folder.database()).unwrap().len();
    println!(
        "{accounts} accounts, {size} a commit: {:.2} us CPU a settlement, {:.0} a second, {:.0} bytes each",
        used.as_secs_f64() * 1e6 / settled,
        settled / wall.as_secs_f64(),
        f64::from(u32::try_from(bytes >> 10).unwrap()) * 1_024.0 / settled,
    );
    store.audit().unwrap().unwrap();
}

#[test]
fn of_a_settlement() {
    if !asked_for() {
        return;
    }
    for accounts in [1, 1_000] {
        measure(accounts, BATCH, 600);
        measure(accounts, LARGE_BATCH, 150);
    }
}

/// Tells the time of a read and returns its CPU time.
fn timed<T>(what: &str, read: impl FnOnce() -> T) -> (T, Duration) {
    let (begun, cpu_begun) = (Instant::now(), cpu());
    let value = read();
    let (wall, used) = (begun.elapsed(), cpu().saturating_sub(cpu_begun));
    println!(
        "{what}: {:.2} ms, {:.2} ms CPU",
        wall.as_secs_f64() * 1e3,
        used.as_secs_f64() * 1e3
    );
    (value, used)
}

#[test]
fn of_an_audit() {
    if !asked_for() {
        return;
    }
    let folder = Folder::new();
    let store = folder.store();
    let ids = lenders(&store, 1_000);
    for n in 0..1_954 {
        ingest(&store, n + 1, &batch(n, BATCH, &ids, 1_000));
    }
    let (audited, _) = timed("the audit of a million receipts", || store.audit());
    assert!(audited.unwrap().unwrap().receipts > 1_000_000);
}

/// Fills a store with calls of a month, and reads from it what pages show. Returns the CPU time of
/// the slowest read.
fn a_month(batches: u64, accounts: usize) -> Duration {
    let folder = Folder::new();
    let store = folder.store();
    let ids = lenders(&store, accounts);
    let month: i64 = 30 * 86_400;
    let per_second = (batches * BATCH).div_ceil(month.unsigned_abs());
    for n in 0..batches {
        ingest(&store, n + 1, &batch(n, BATCH, &ids, per_second));
    }
    let until = START + month + 86_400;
    let mut slowest = Duration::ZERO;
    for (account, by) in [
        (Some(ids[0]), By::Day),
        (Some(ids[0]), By::Model),
        (None, By::Day),
        (None, By::Model),
    ] {
        let what = format!("usage by {by:?} of {account:?}");
        let from = START - START % 86_400;
        let (rows, used) = timed(&what, || {
            store.usage(account, None, from, until, by).unwrap()
        });
        let calls: i64 = rows.iter().map(|row| row.calls).sum();
        let all = i64::try_from(batches * BATCH).unwrap();
        assert!(if account.is_none() {
            calls == all
        } else {
            calls > 0 && calls < all
        });
        slowest = slowest.max(used);
    }
    let (page, used) = timed("a page of receipts", || {
        store.receipts(ids[0], None, 50).unwrap()
    });
    assert_eq!(page.len(), 50);
    slowest = slowest.max(used);
    let (newest, used) = timed("the newest thousand calls", || {
        store.newest(ids[0], 1_000, None, START, until).unwrap()
    });
    assert!(newest.calls > 500, "{newest:?}");
    slowest.max(used)
}

#[test]
fn m14_usage_of_a_month_is_the_sum_of_its_calls() {
    a_month(8, 4);
}

#[test]
fn m14_usage_over_five_million_receipts_answers_at_once() {
    if !asked_for() && !long() {
        return;
    }
    let slowest = a_month(9_766, 100);
    println!("measured: M14: usage over five million receipts in at most {slowest:?} of CPU");
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
}

/// Removes half of so many receipts. Returns the longest that one chunk kept writers out.
fn half_goes(batches: u64, accounts: usize, chunk: usize) -> Duration {
    let folder = Folder::new();
    let store = folder.store();
    let ids = lenders(&store, accounts);
    for n in 0..batches {
        ingest(&store, n + 1, &batch(n, BATCH, &ids, 1_000));
    }
    let all = i64::try_from(batches * BATCH).unwrap();
    let half = START + all / 2_000;
    let (mut gone, mut longest) = (0, Duration::ZERO);
    let ((), _) = timed("the removal of half of them", || {
        while let Some(removal) = store.next_removal(half, chunk).unwrap() {
            let begun = Instant::now();
            assert!(store.remove(&removal).unwrap());
            longest = longest.max(begun.elapsed());
            gone += i64::try_from(removal.receipts().len()).unwrap();
        }
    });
    let audited = store.audit().unwrap().unwrap();
    assert_eq!((audited.gone, audited.receipts), (gone, all - gone));
    // Commits go whole.
    assert!((all / 2 - 512..=all / 2).contains(&gone), "{gone} of {all}");
    longest
}

#[test]
fn m14_half_of_the_receipts_goes_and_the_rest_holds() {
    half_goes(8, 4, 1_024);
}

#[test]
fn m14_half_of_a_million_receipts_goes_in_chunks() {
    if !asked_for() && !long() {
        return;
    }
    let longest = half_goes(1_954, 100, 2_048);
    println!("measured: M14: half of a million receipts went; a chunk took {longest:?} at most");
}

/// What each receipt takes of the journal and of the database, beside its other columns. Ten of
/// these bytes are times: whether it streamed, how long it took, and of the attempt when it began,
/// its first content, its end and what it left out.
#[test]
fn the_details_of_a_receipt_are_few_bytes() {
    let details = details_of(&settlement(0, AccountId(1), 0));
    assert_eq!(details.len(), 208);
}
