//! Limits over replicas: with a real server, without one, and with one that is none.
//!
//! The clock stands still but for where a test moves it; the server is told its time.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vane::config::{Outbound, SharedLimits, SharedServer};
use vane::limits::{Place, Refusal, Shared, SharedFigures, Standing, Together, Traffic};
use vane_ledger::{AccountId, AccountKind, Caller, Clock, Limits};

use crate::client::{PATIENCE, until, within};
use crate::world::NOW;

/// A replica's limits without the rest of it.
pub(crate) struct Replica {
    traffic: Traffic,
    clock: Clock,
}

type Entered = (Standing, Result<Place, Refusal>);

impl Replica {
    pub(crate) fn new(limits: &SharedLimits, clock: &Clock) -> Self {
        Self::through(limits, &Outbound::default(), clock)
    }

    pub(crate) fn through(limits: &SharedLimits, outbound: &Outbound, clock: &Clock) -> Self {
        let shared = Shared::start(limits, outbound, clock).unwrap();
        Self {
            traffic: Traffic::new(1_000_000, Some(Arc::new(shared))),
            clock: clock.clone(),
        }
    }

    pub(crate) async fn enter(&self, caller: &Caller, tokens: u64) -> Entered {
        let now = self.clock.elapsed();
        within("a word", self.traffic.enter(caller, tokens, now)).await
    }

    pub(crate) async fn passes(&self, caller: &Caller, tokens: u64) -> bool {
        match self.enter(caller, tokens).await.1 {
            Ok(mut place) => {
                place.used_as_reserved();
                true
            }
            Err(_) => false,
        }
    }

    /// Offers so many calls at once; says how many passed.
    pub(crate) async fn offer(&self, caller: &Caller, calls: usize) -> usize {
        let mut passed = 0;
        for _ in 0..calls {
            passed += usize::from(self.passes(caller, 1).await);
        }
        passed
    }

    pub(crate) fn figures(&self) -> SharedFigures {
        self.traffic.shared().unwrap()
    }

    /// Waits until what is said of the limits contains this.
    pub(crate) async fn until(&self, said: &str) {
        until_said(said, || self.figures()).await;
    }
}

pub(crate) async fn until_said(said: &str, figures: impl Fn() -> SharedFigures) {
    until(said, async || figures().said.contains(said)).await;
}

pub(crate) fn server(port: u16) -> SharedLimits {
    SharedLimits {
        server: SharedServer {
            tls: false,
            host: "127.0.0.1".to_owned(),
            port,
            user: String::new(),
            password: None,
            database: 0,
        },
        // A busy machine must not make a call decide alone where a test counts, nor lose the server.
        wait: PATIENCE,
        answer: PATIENCE,
        start: PATIENCE,
        replicas: 2,
    }
}

/// As it is for who does not answer.
fn impatient(port: u16) -> SharedLimits {
    SharedLimits {
        answer: Duration::from_millis(300),
        ..server(port)
    }
}

pub(crate) fn caller(key: &str, requests: u32, tokens: u32, concurrency: u32) -> Caller {
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

/// A server that reads, and answers with what it is given each time it has read something.
async fn fake(says: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = async move |mut socket: TcpStream| {
        let mut read = [0; 4096];
        while socket.read(&mut read).await.is_ok_and(|read| read > 0) {
            if socket.write_all(says).await.is_err() {
                break;
            }
        }
    };
    // Replicas wait for it while they start, so it has a thread of its own.
    let listener = listener.into_std().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(talk(socket));
            }
        });
    });
    port
}

#[tokio::test]
async fn m13_without_a_server_each_replica_serves_its_part() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let clock = Clock::manual(NOW);
    let replicas = [0, 1].map(|_| Replica::new(&server(port), &clock));
    let (rate, tokens) = (caller("rate", 9, 0, 0), caller("tokens", 0, 100, 0));
    for replica in &replicas {
        assert!(replica.figures().said.starts_with("by 1/2 each: "));
        assert_eq!(replica.offer(&rate, 100).await, 4);
        let (standing, refused) = replica.enter(&rate, 0).await;
        let quota = standing.requests.unwrap();
        assert_eq!((quota.limit, quota.remaining), (9, 0));
        let wait = Duration::from_secs(61);
        assert_eq!(refused.unwrap_err(), Refusal::Requests { limit: 9, wait });
        // One call that is larger than the part may come where nothing else has.
        assert!(replica.passes(&tokens, 60).await);
        assert!(!replica.passes(&tokens, 1).await);
        let few = caller("places", 0, 0, 5);
        let held = [replica.enter(&few, 0).await, replica.enter(&few, 0).await];
        assert!(held.iter().all(|(_, place)| place.is_ok()));
        assert!(!replica.passes(&few, 0).await);
    }
    let alone = caller("less than there are replicas", 1, 0, 0);
    assert_eq!(replicas[0].offer(&alone, 9).await, 1);
}

#[tokio::test]
async fn s16_without_a_server_each_replica_lets_its_part_of_those_who_come_in() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let clock = Clock::manual(NOW);
    for (max, passes) in [(9, 4), (1, 1)] {
        let shared = Shared::start(&server(port), &Outbound::default(), &clock).unwrap();
        let arrivals = Together::new("tests", 60, Some(Arc::new(shared)));
        let mut passed = 0;
        for _ in 0..20 {
            passed += i32::from(arrivals.enter("ann".to_owned(), max, NOW).await);
        }
        assert_eq!(passed, passes, "{max}");
    }
}

#[tokio::test]
async fn a_server_that_answers_nonsense_is_none() {
    for says in [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(),
        b"+OK\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"*1\r\n*1\r\n",
        b"$3\r\nabc\r\n",
        b":-1\r\n",
    ] {
        let clock = Clock::manual(NOW);
        let replica = Replica::new(&impatient(fake(says).await), &clock);
        assert!(!replica.figures().is_shared, "{says:?}");
        assert_eq!(replica.offer(&caller("rate", 10, 0, 0), 20).await, 5);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_holds_no_call_up() {
    let clock = Clock::manual(NOW);
    let replica = Replica::new(&impatient(fake(b"").await), &clock);
    assert!(!replica.figures().is_shared);
    assert_eq!(replica.offer(&caller("rate", 10, 0, 0), 20).await, 5);
    replica.until("did not answer in time").await;
}

#[cfg(feature = "test-valkey")]
mod arrivals;
#[cfg(feature = "test-valkey")]
mod with_a_server;
