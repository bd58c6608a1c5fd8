//! How often somebody may come, over replicas: to sign in, or as a guest.

use std::sync::Arc;

use vane::config::{Outbound, SharedLimits};
use vane::limits::{Shared, SharedFigures, Together};
use vane_ledger::Clock;

use super::with_a_server::gateways;
use super::{server, until_said};
use crate::client::Ask;
use crate::people::Browser;
use crate::valkey::Valkey;
use crate::world::{Folder, NOW, World};

struct Replica {
    arrivals: Together<String>,
    shared: Arc<Shared>,
}

impl Replica {
    fn new(limits: &SharedLimits, clock: &Clock) -> Self {
        let shared = Shared::start(limits, &Outbound::default(), clock).unwrap();
        let shared = Arc::new(shared);
        Self {
            arrivals: Together::new("tests", 300, Some(shared.clone())),
            shared,
        }
    }

    async fn comes(&self, who: &str, times: usize, at: i64) -> usize {
        let mut passed = 0;
        for _ in 0..times {
            passed += usize::from(self.arrivals.enter(who.to_owned(), 20, at).await);
        }
        passed
    }

    fn figures(&self) -> SharedFigures {
        self.shared.figures()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s16_tries_are_counted_over_replicas_and_by_a_part_without_the_server() {
    let (mut valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let replicas = [0, 1].map(|_| Replica::new(&server(valkey.port), &clock));
    let mut passed = [0, 0];
    for _ in 0..30 {
        for (replica, passed) in replicas.iter().zip(&mut passed) {
            *passed += replica.comes("ann", 1, NOW).await;
        }
    }
    assert_eq!(passed, [10, 10]);
    // Whoever else has a share of their own, and the same one has in the next span.
    assert_eq!(replicas[0].comes("bob", 30, NOW).await, 20);
    assert_eq!(replicas[1].comes("bob", 30, NOW).await, 0);
    assert_eq!(replicas[1].comes("ann", 30, NOW + 300).await, 20);
    let names = valkey.command("KEYS vane:limits:*").await;
    assert!(
        names.contains("vane:limits:tests:") && !names.contains("ann"),
        "{names}"
    );
    valkey.kill();
    for replica in &replicas {
        // Whatever is asked, nobody waits for who is gone.
        until_said("by 1/2 each: ", || replica.figures()).await;
        assert_eq!(replica.comes("cid", 30, NOW).await, 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s16_guesses_and_guests_are_limited_over_two_gateways() {
    let (valkey, folder) = (Valkey::start(&[]), Folder::new());
    let (worlds, _) = gateways(&valkey, &folder, &[]).await;
    let form = [
        ("email", "ann@example.com"),
        ("password", "a guess of many"),
    ];
    let guess = async |world: &World| {
        let reply = Browser::default().post(world, "/login", &form).await;
        reply.status
    };
    let mut statuses = Vec::new();
    for n in 0..12 {
        statuses.push(guess(&worlds[n % 2]).await);
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(
        (refused, statuses[10], statuses[11]),
        (2, 429, 429),
        "{statuses:?}"
    );
    let call =
        crate::playground::from_page(crate::playground::CHAT, crate::playground::chat("lab-m"));
    let mut statuses = Vec::new();
    for n in 0..12 {
        statuses.push(worlds[n % 2].ask(&call).await.status);
    }
    // What costs is refused to guests, and counts.
    assert_eq!(statuses[..10], [401; 10], "{statuses:?}");
    assert_eq!(statuses[10..], [429; 2], "{statuses:?}");
    worlds[0].ask(&Ask::get("/health/ready")).await.ok();
}
