//! What needs a real server: that all replicas together keep to a limit, and what its loss does.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use vane::config::{Config, Outbound, Secret};
use vane::limits::{Refusal, Shared, Traffic};
use vane_ledger::{Caller, Clock, Key, NewKey};
use vane_testkit::{Answer, Authority, Certificate};

use super::{Replica, caller, server};
use crate::client::{self, Ask, until, within};
use crate::valkey::Valkey;
use crate::world::{Folder, NOW, World, named};

fn at(clock: &Clock, seconds: i64) {
    let Clock::Manual(hand) = clock else {
        panic!("made manual")
    };
    hand.store(NOW + seconds, Relaxed);
}

const PATH: &str = "/v1/chat/completions";

fn pair(valkey: &Valkey, clock: &Clock) -> [Arc<Replica>; 2] {
    [0, 1].map(|_| Arc::new(Replica::new(&server(valkey.port), clock)))
}

/// Offers so many calls to each replica, of many tasks at once; says how many passed at each.
async fn flood(replicas: &[Arc<Replica>; 2], caller: &Caller, calls: usize) -> [usize; 2] {
    const TASKS: usize = 16;
    let mut passed = [0; 2];
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        for (which, replica) in replicas.iter().enumerate() {
            let (replica, caller) = (replica.clone(), caller.clone());
            tasks.spawn(async move { (which, replica.offer(&caller, calls / TASKS).await) });
        }
    }
    while let Some(done) = tasks.join_next().await {
        let (which, more) = done.unwrap();
        passed[which] += more;
    }
    passed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn m13_ten_times_the_limit_over_two_replicas_lets_no_more_than_the_limit_pass() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let replicas = pair(&valkey, &clock);
    for limit in [1, 10, 63, 64, 1_000, 20_000] {
        let number = usize::try_from(limit).unwrap();
        for (kind, requests, tokens) in [("requests", limit, 0), ("tokens", 0, limit)] {
            let key = caller(&format!("{kind} {limit}"), requests, tokens, 0);
            let before: u64 = replicas.iter().map(|replica| replica.figures().asked).sum();
            let passed: usize = flood(&replicas, &key, number * 5 + 16).await.iter().sum();
            let after: u64 = replicas.iter().map(|replica| replica.figures().asked).sum();
            assert!(passed <= number, "{passed} of {limit} {kind}");
            assert!(passed * 10 >= number * 9, "{passed} of {limit} {kind}");
            // Slices are drawn ahead: no call of a large limit asks for itself.
            assert!(after - before <= 400, "{} for {limit}", after - before);
        }
    }
    for replica in &replicas {
        assert_eq!(replica.figures().unheard, 0);
        assert_eq!(replica.figures().replicas, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn m13_no_sixty_seconds_have_more_than_the_limit_wherever_they_begin() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let replicas = pair(&valkey, &clock);
    for limit in [7_u32, 200] {
        let key = caller(&format!("{limit}"), limit, 0, 0);
        let limit = usize::try_from(limit).unwrap();
        let mut log: Vec<(i64, usize)> = Vec::new();
        // Uneven offers at uneven times, of both replicas.
        for (step, second) in (0..60).map(|step| (step, i64::from(step) * 5 + i64::from(step % 3)))
        {
            at(&clock, second);
            let offered = [limit / 9 + 1, limit / 2 + 1, 1][usize::from(step % 3_u8)];
            let which = &replicas[usize::from(step % 5 < 2)];
            let passed = which.offer(&key, offered).await;
            log.push((second, passed));
            let recent = log.iter().filter(|(at, _)| at + 60 >= second);
            let sum: usize = recent.map(|(_, passed)| passed).sum();
            assert!(sum <= limit, "{sum} of {limit} at {second}");
        }
        let all: usize = log.iter().map(|(_, passed)| passed).sum();
        assert!(
            all >= limit * 4,
            "a limit that lets too little pass: {all} of {limit}"
        );
        at(&clock, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn m13_calls_at_a_time_are_shared_and_given_back() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let replicas = pair(&valkey, &clock);
    for limit in [1_u32, 5, 200] {
        let key = caller(&format!("{limit}"), 0, 0, limit);
        let mut held = Vec::new();
        for call in 0..10 * limit {
            let which = &replicas[usize::from(call % 3 == 0)];
            match which.enter(&key, 0).await.1 {
                Ok(place) => held.push(place),
                Err(refused) => {
                    let max = limit as usize;
                    assert_eq!(refused, Refusal::Running { max, own: true });
                }
            }
        }
        assert!(held.len() <= limit as usize && held.len() * 10 >= limit as usize * 9);
        // All of them, to whichever asks: what the other one kept returns when its calls have ended.
        held.clear();
        until("all places", async || {
            held.extend(replicas[0].enter(&key, 0).await.1);
            held.len() >= limit as usize
        })
        .await;
        assert!(!replicas[1].passes(&key, 0).await);
    }
}

#[tokio::test]
async fn places_of_a_replica_that_died_are_free_again() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let replica = Replica::new(&server(valkey.port), &clock);
    let key = caller("key", 0, 0, 2);
    valkey.command("HSET vane:limits:places:key other 2").await;
    let now: i64 = {
        let said = valkey.command("TIME").await;
        said.lines().nth(2).unwrap().parse().unwrap()
    };
    valkey
        .command(&format!("ZADD vane:limits:replicas {now} other"))
        .await;
    assert!(!replica.passes(&key, 0).await);
    let dead = now - 16;
    valkey
        .command(&format!("ZADD vane:limits:replicas {dead} other"))
        .await;
    assert!(replica.passes(&key, 0).await);
    assert_eq!(
        valkey.command("HEXISTS vane:limits:places:key other").await,
        ":0\r\n"
    );
}

#[tokio::test]
async fn tokens_that_were_not_used_are_there_for_the_other_replica() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let [one, other] = pair(&valkey, &clock);
    let key = caller("key", 0, 60, 0);
    let (standing, place) = one.enter(&key, 50).await;
    assert_eq!(standing.tokens.unwrap().remaining, 10);
    let (standing, refused) = other.enter(&key, 20).await;
    assert_eq!(standing.tokens.unwrap().remaining, 10);
    let wait = Duration::from_secs(63);
    assert_eq!(refused.unwrap_err(), Refusal::Tokens { limit: 60, wait });
    let mut place = place.unwrap();
    // Most of it comes back, and what is used beyond a reservation counts as well.
    at(&clock, 2);
    place.used(5, clock.elapsed());
    until_counted(&valkey, "tokens:key", 5..=5).await;
    at(&clock, 5);
    assert!(other.passes(&key, 50).await);
    let mut greedy = one.enter(&key, 1).await.1.unwrap();
    greedy.used(4, clock.elapsed());
    until_counted(&valkey, "tokens:key", 59..=59).await;
    at(&clock, 9);
    assert!(!other.passes(&key, 2).await);
}

/// Waits until so much is counted at the server.
async fn until_counted(valkey: &Valkey, key: &str, sums: RangeInclusive<u64>) {
    until("what the server counts", async || {
        let said = valkey.command(&format!("HVALS vane:limits:{key}")).await;
        let counts = said.lines().filter_map(|line| line.parse::<u64>().ok());
        sums.contains(&counts.sum())
    })
    .await;
}

#[tokio::test]
async fn a_slice_that_nobody_uses_is_given_back() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let [one, other] = pair(&valkey, &clock);
    let key = caller("key", 6_400, 0, 0);
    assert!(one.passes(&key, 0).await);
    at(&clock, 3);
    // The first call after it finds its slice stale, and draws anew.
    assert!(one.passes(&key, 0).await);
    at(&clock, 6);
    let (standing, place) = other.enter(&key, 0).await;
    assert!(place.is_ok());
    let left = standing.requests.unwrap().remaining;
    assert!((6_200..6_399).contains(&left), "{left}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn m13_a_server_that_is_killed_is_done_without_and_found_again() {
    let (mut valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let replicas = pair(&valkey, &clock);
    let key = caller("key", 100, 0, 0);
    // In the midst of it: what was drawn before counts as passed, here and there.
    let before: usize = flood(&replicas, &key, 32).await.iter().sum();
    assert!(before <= 64);
    let flooded = tokio::spawn({
        let (replicas, key) = (replicas.clone(), key.clone());
        async move { flood(&replicas, &key, 1_600).await }
    });
    valkey.kill();
    let during: usize = flooded.await.unwrap().iter().sum();
    assert!(
        before + during <= 200,
        "never above twice the limit: {before} {during}"
    );
    for replica in &replicas {
        replica.until("by 1/2 each: ").await;
        assert!(!replica.figures().is_shared);
    }
    at(&clock, 70);
    assert_eq!(flood(&replicas, &key, 160).await, [50, 50]);
    valkey.start_again();
    for replica in &replicas {
        replica.until("until a minute was counted together").await;
    }
    // It knows nothing of the minute before; so for a minute the parts still hold.
    assert_eq!(flood(&replicas, &key, 160).await, [0, 0]);
    at(&clock, 132);
    assert_eq!(flood(&replicas, &key, 160).await, [50, 50]);
    // What the parts let through is told to it.
    until_counted(&valkey, "requests:key", 100..=102).await;
    at(&clock, 140);
    for replica in &replicas {
        replica.until("shared").await;
    }
    assert_eq!(flood(&replicas, &key, 160).await, [0, 0]);
    at(&clock, 210);
    let passed = flood(&replicas, &key, 800).await;
    let all = passed[0] + passed[1];
    assert!((90..=100).contains(&all), "{passed:?}");
}

#[tokio::test]
async fn a_slow_server_holds_a_call_up_no_longer_than_it_is_told_to() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let mut limits = server(valkey.port);
    limits.wait = Duration::from_millis(1);
    let replica = Replica::new(&limits, &clock);
    // It answers nobody for half a second, which is not yet away.
    let frozen = valkey.command("CLIENT PAUSE 500 ALL").await;
    assert_eq!(frozen, "+OK\r\n");
    assert_eq!(replica.offer(&caller("key", 10, 0, 0), 20).await, 5);
    let figures = replica.figures();
    assert!(figures.is_shared && figures.unheard >= 5, "{figures:?}");
}

#[tokio::test]
async fn a_server_with_a_password_takes_the_right_one_only() {
    let (valkey, clock) = (
        Valkey::start(&["--requirepass", "canary"]),
        Clock::manual(NOW),
    );
    let mut limits = server(valkey.port);
    limits.server.password = Some(Secret("canary".to_owned()));
    limits.server.database = 3;
    let replica = Replica::new(&limits, &clock);
    assert!(replica.figures().is_shared);
    assert_eq!(replica.offer(&caller("key", 3, 0, 0), 9).await, 3);
    limits.server.password = Some(Secret("wrong".to_owned()));
    let refused = Replica::new(&limits, &clock);
    assert!(refused.figures().said.contains("WRONGPASS"));
    assert!(!refused.figures().said.contains("wrong\""));
}

/// What speaks TLS in front of a server, with this certificate.
async fn curtain(certificate: &Certificate, valkey: &Valkey) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, behind) = (certificate.acceptor(&[]).unwrap(), valkey.port);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who distrusts the certificate hangs up.
                let Ok(mut secure) = acceptor.accept(socket).await else {
                    return;
                };
                let mut plain = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
            });
        }
    });
    port
}

// A start waits for the server, and the curtain must move meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_behind_tls_is_spoken_to_if_its_authority_is_trusted() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let authority = Authority::new("private").unwrap();
    let folder = Folder::new();
    let pem = folder.0.join("authority.pem");
    std::fs::write(&pem, authority.pem()).unwrap();
    let trusting = Outbound {
        extra_ca: vec![pem],
        ..Outbound::default()
    };
    let secure = |port, host: &str| {
        let mut limits = server(port);
        limits.server.tls = true;
        limits.server.host = host.to_owned();
        limits
    };
    let key = caller("key", 3, 0, 0);
    let port = curtain(&authority.certificate("localhost").unwrap(), &valkey).await;
    let limits = secure(port, "localhost");
    let replica = Replica::through(&limits, &trusting, &clock);
    replica.until("shared").await;
    assert_eq!(replica.offer(&key, 9).await, 3);
    assert_eq!(
        valkey.command("EXISTS vane:limits:requests:key").await,
        ":1\r\n"
    );

    // A stranger's word, another's name and an old certificate are no server.
    let expired = authority.expired("localhost").unwrap();
    let expired = secure(curtain(&expired, &valkey).await, "localhost");
    let other = authority.certificate("elsewhere.example").unwrap();
    let other = secure(curtain(&other, &valkey).await, "localhost");
    for (limits, outbound) in [
        (&limits, &Outbound::default()),
        (&expired, &trusting),
        (&other, &trusting),
    ] {
        let alone = Replica::through(limits, outbound, &clock);
        alone.until("certificate").await;
        assert!(!alone.figures().is_shared);
    }
}

#[tokio::test]
async fn the_servers_own_clock_is_used_where_none_is_held() {
    let valkey = Valkey::start(&[]);
    let replica = Replica::new(&server(valkey.port), &Clock::System);
    let key = caller("key", 3, 0, 0);
    assert!(replica.passes(&key, 0).await);
    let now = valkey
        .command("TIME")
        .await
        .lines()
        .nth(2)
        .unwrap()
        .to_owned();
    let counted = valkey.command("HKEYS vane:limits:requests:key").await;
    let second: i64 = counted.lines().nth(2).unwrap().parse().unwrap();
    assert!((0..60).contains(&(now.parse::<i64>().unwrap() - second)));
}

#[tokio::test]
async fn a_replica_that_stops_takes_its_leave() {
    let (valkey, clock) = (Valkey::start(&[]), Clock::manual(NOW));
    let limits = server(valkey.port);
    let outbound = Outbound::default();
    let shared = Shared::start(&limits, &outbound, &clock).unwrap();
    assert_eq!(valkey.command("ZCARD vane:limits:replicas").await, ":1\r\n");
    drop(Traffic::new(1, Some(Arc::new(shared))));
    until("its leave", async || {
        valkey.command("ZCARD vane:limits:replicas").await == ":0\r\n"
    })
    .await;
}

/// Two gateways with the same keys and a server between them.
pub(super) async fn gateways(
    valkey: &Valkey,
    folder: &Folder,
    keys: &[NewKey],
) -> ([World; 2], Vec<Key>) {
    let file = |name: &str| folder.0.join(name).display().to_string();
    let port = valkey.port;
    let share = |config: &mut Config, name: &str| {
        config.database = Secret(format!("sqlite:{}", file(name)));
        config.shared_limits = Some(server(port));
    };
    let one = World::with(|config| share(config, "one.db")).await;
    let keys = keys.iter().map(|new| one.new_key(new)).collect();
    let copied = Connection::open(file("one.db")).unwrap();
    copied
        .execute("VACUUM INTO ?1", [file("other.db")])
        .unwrap();
    let other = World::with(|config| share(config, "other.db")).await;
    ([one, other], keys)
}

fn limited(requests: u32, tokens: u32, concurrency: u32) -> NewKey {
    NewKey {
        limits: caller("", requests, tokens, concurrency).limits,
        ..named("limited")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn m13_two_gateways_hold_every_kind_of_limit_together() {
    const LIMIT: usize = 20;
    let (valkey, folder) = (Valkey::start(&[]), Folder::new());
    let body = json!({"model": "lab-m", "max_tokens": 500, "messages": [{"role": "user", "content": "Hi"}]});
    let reserved = u32::try_from(body.to_string().len().div_ceil(4)).unwrap() + 500;
    let kinds = [
        limited(20, 0, 0),
        limited(0, reserved * 20, 0),
        limited(0, 0, 20),
    ];
    let (worlds, keys) = gateways(&valkey, &folder, &kinds).await;
    for key in &keys {
        for world in &worlds {
            world.fake.always(Answer::default().head_gate(key.id()));
        }
        let mut calls = JoinSet::new();
        for call in 0..10 * LIMIT {
            let asking = Ask::post(PATH, &body).key(key.expose());
            let address = worlds[call % 2].address;
            calls.spawn(async move { client::Connection::open(address).await.ask(&asking).await });
        }
        // Nothing comes back while the gates are shut.
        for _ in 0..9 * LIMIT {
            let refused = within("a refusal", calls.join_next())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(refused.status, 429, "{}", refused.text());
        }
        for world in &worlds {
            world.fake.gate(key.id()).open_for_good();
        }
        let mut passed = 0;
        while let Some(answer) = within("an answer", calls.join_next()).await {
            passed += usize::from(answer.unwrap().status == 200);
        }
        // What one of them has and cannot use at the moment is not there for the other one.
        assert!((LIMIT - 2..=LIMIT).contains(&passed), "{passed}");
    }
}

#[tokio::test]
async fn headers_health_and_metrics_tell_what_is_shared() {
    let (mut valkey, folder) = (Valkey::start(&[]), Folder::new());
    let (worlds, keys) = gateways(&valkey, &folder, &[limited(5, 0, 0)]).await;
    let body = json!({"model": "lab-m", "messages": [{"role": "user", "content": "Hi"}]});
    for (call, left) in ["4", "3", "2", "1", "0"].into_iter().enumerate() {
        let asking = Ask::post(PATH, &body).key(keys[0].expose());
        let reply = worlds[call % 2].ask(&asking).await.ok();
        assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some(left));
        assert_eq!(reply.header("x-ratelimit-reset-requests"), Some("1m3s"));
    }
    let asking = Ask::post(PATH, &body).key(keys[0].expose());
    let refused = worlds[0].ask(&asking).await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("63"))
    );
    let ready = async || worlds[0].ask(&Ask::get("/health/ready")).await.ok().json();
    let metric = async |line: &str| {
        let told = worlds[0].ask(&Ask::get("/metrics")).await.ok();
        assert!(
            told.text().lines().any(|told| told == line),
            "{}",
            told.text()
        );
    };
    assert_eq!(ready().await["limits"], "shared");
    metric("vane_limits_shared 1").await;
    metric("vane_limits_replicas 2").await;
    valkey.kill();
    until("the loss", async || ready().await["limits"] != "shared").await;
    let said = ready().await;
    assert_eq!(said["status"], "ready");
    assert!(
        said["limits"]
            .as_str()
            .unwrap()
            .starts_with("by 1/2 each: "),
        "{said}"
    );
    metric("vane_limits_shared 0").await;
    // A part of five is two, and this replica has let three through.
    assert_eq!(worlds[0].ask(&asking).await.status, 429);
}
