use super::*;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use vane_ledger::{AccountId, AccountKind};

const SECOND: Duration = Duration::from_secs(1);

fn caller(key: &str, requests: u32, tokens: u32, concurrency: u32) -> Caller {
    Caller {
        key_id: key.to_owned(),
        key_name: "key".to_owned(),
        account_id: AccountId(1),
        account_name: "team".to_owned(),
        kind: AccountKind::Metered,
        budget: None,
        frozen: false,
        acting: None,
        limits: Limits {
            requests_per_minute: NonZeroU32::new(requests),
            tokens_per_minute: NonZeroU32::new(tokens),
            concurrency: NonZeroU32::new(concurrency),
            ..Limits::default()
        },
    }
}

fn enter(traffic: &Traffic, caller: &Caller, tokens: u64, now: Duration) -> Result<Place, Refusal> {
    stand(traffic, caller, tokens, now).1
}

/// Where nothing is shared nobody waits.
fn stand(
    traffic: &Traffic,
    caller: &Caller,
    tokens: u64,
    now: Duration,
) -> (Standing, Result<Place, Refusal>) {
    let entering = std::pin::pin!(traffic.enter(caller, tokens, now));
    match entering.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(entered) => entered,
        Poll::Pending => panic!("a call waited"),
    }
}

/// Ends a call that used so many tokens.
fn used(mut place: Place, tokens: u64) {
    place.used(tokens, SECOND);
}

#[test]
fn a_key_has_its_own_places_and_gets_them_back() {
    let traffic = Traffic::new(2, None);
    let (a, b, own) = (
        caller("a", 0, 0, 0),
        caller("b", 0, 0, 0),
        caller("c", 0, 0, 3),
    );
    let first = enter(&traffic, &a, 0, SECOND);
    let second = enter(&traffic, &a, 0, SECOND);
    assert!(first.is_ok() && second.is_ok());
    let refused = enter(&traffic, &a, 0, SECOND).unwrap_err();
    assert_eq!(refused, Refusal::Running { max: 2, own: false });
    assert!(enter(&traffic, &b, 0, SECOND).is_ok());
    drop(first);
    assert!(enter(&traffic, &a, 0, SECOND).is_ok());
    let places: Vec<_> = (0..4).map(|_| enter(&traffic, &own, 0, SECOND)).collect();
    assert_eq!(places.iter().filter(|place| place.is_ok()).count(), 3);
    let full = Refusal::Running { max: 3, own: true };
    assert_eq!(*places[3].as_ref().unwrap_err(), full);
}

#[test]
fn a_refused_call_counts_for_nothing() {
    let traffic = Traffic::new(9, None);
    let key = caller("a", 2, 100, 1);
    let place = enter(&traffic, &key, 60, SECOND).unwrap();
    // No place, then no tokens: neither takes a request or a place or tokens.
    assert!(enter(&traffic, &key, 10, SECOND).is_err());
    used(place, 60);
    let refused = enter(&traffic, &key, 41, SECOND).unwrap_err();
    let wait = SECOND * 61;
    assert_eq!(refused, Refusal::Tokens { limit: 100, wait });
    let (standing, place) = stand(&traffic, &key, 40, SECOND);
    assert!(place.is_ok());
    let left = (standing.requests.unwrap(), standing.tokens.unwrap());
    assert_eq!((left.0.remaining, left.1.remaining), (0, 0));
    drop(place);
    let refused = enter(&traffic, &key, 1, SECOND * 2).unwrap_err();
    assert_eq!(refused.wait(), SECOND * 60);
}

#[test]
fn a_call_above_the_whole_limit_is_refused_for_good() {
    let traffic = Traffic::new(9, None);
    let key = caller("a", 0, 100, 0);
    let refused = enter(&traffic, &key, 101, SECOND).unwrap_err();
    let too_large = Refusal::TooLarge {
        limit: 100,
        tokens: 101,
    };
    assert_eq!(refused, too_large);
    assert_eq!(refused.fault().retry_after, None);
    assert!(enter(&traffic, &key, 100, SECOND).is_ok());
}

#[test]
fn what_a_call_really_used_replaces_what_it_reserved() {
    let traffic = Traffic::new(9, None);
    let key = caller("a", 0, 100, 0);
    let left = |now| {
        let (standing, _) = stand(&traffic, &key, 101, now);
        standing.tokens.unwrap().remaining
    };
    let mut less = enter(&traffic, &key, 80, SECOND).unwrap();
    assert_eq!(left(SECOND), 20);
    less.used(30, SECOND * 5);
    assert_eq!(left(SECOND * 5), 70);
    let mut more = enter(&traffic, &key, 10, SECOND * 5).unwrap();
    more.used(90, SECOND * 50);
    assert_eq!(left(SECOND * 50), 0);
    // The excess counts from the second in which it was known.
    assert_eq!(left(SECOND * 66), 20);
    assert_eq!(left(SECOND * 111), 100);
    // A call that never began used nothing; of one that nobody counted, nobody knows.
    drop(enter(&traffic, &key, 10, SECOND * 111).unwrap());
    assert_eq!(left(SECOND * 111), 100);
    let mut gone = enter(&traffic, &key, 10, SECOND * 111).unwrap();
    gone.used_as_reserved();
    drop(gone);
    assert_eq!(left(SECOND * 111), 90);
    let mut long = enter(&traffic, &key, 10, SECOND * 200).unwrap();
    long.used(0, SECOND * 300);
    assert_eq!(left(SECOND * 300), 100);
}

#[test]
fn m13_ten_times_the_limit_from_many_threads_lets_the_limit_through() {
    let traffic = Traffic::new(1_000, None);
    let key = caller("a", 50, 0, 0);
    let few = caller("b", 0, 0, 5);
    let passed = AtomicUsize::new(0);
    let held = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..50 {
                    passed.fetch_add(enter(&traffic, &key, 1, SECOND).is_ok().into(), Relaxed);
                    if let Ok(place) = enter(&traffic, &few, 1, SECOND) {
                        held.lock().unwrap().push(place);
                    }
                }
            });
        }
    });
    assert_eq!(passed.load(Relaxed), 50);
    assert_eq!(held.lock().unwrap().len(), 5);
}

#[test]
fn idle_keys_are_forgotten_and_busy_ones_are_not() {
    let traffic = Traffic::new(9, None);
    let running = enter(&traffic, &caller("running", 0, 0, 0), 0, SECOND);
    assert!(enter(&traffic, &caller("recent", 9, 0, 0), 0, SECOND * 600).is_ok());
    for number in 0..10_000 {
        let key = caller(&format!("key {number}"), 1 + number % 2, 0, 0);
        let now = SECOND * (600 - if number < 5_000 { 599 } else { 0 });
        let _ = enter(&traffic, &key, 0, now);
    }
    // A minute later another flood comes, and what the first one left is swept out.
    for number in 0..10_000 {
        let key = caller(&format!("other {number}"), 0, 0, 0);
        let _ = enter(&traffic, &key, 0, SECOND * 700);
    }
    let lanes = traffic.lanes.lock().unwrap();
    assert!(lanes.of.len() <= 2 * SWEEP_MIN, "{}", lanes.of.len());
    assert!(lanes.of.contains_key("running"));
    drop((lanes, running));
}
