//! `/metrics`: the text format itself, and every value read back after it was driven.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;

use vane_testkit::{Answer, Fault, Usage};

use crate::client::{Ask, Connection, PATIENCE, within};
use crate::door::Door;
use crate::world::World;

const PATH: &str = "/v1/chat/completions";

/// Series (name and labels as written) -> value as written.
type Series = BTreeMap<String, String>;

/// Reads the text format strictly: a HELP and a TYPE before the samples of a name, one name in one
/// place, no series twice, labels quoted and escaped, values plain decimals.
#[track_caller]
fn read(text: &str) -> (Series, BTreeMap<String, String>) {
    let (mut series, mut types) = (Series::new(), BTreeMap::new());
    let mut current = String::new();
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(words.ends_with('.') && !types.contains_key(name), "{line}");
            name.clone_into(&mut current);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current, "the type of what was explained");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kind == "counter" || kind == "gauge", "{line}");
            types.insert(name.to_owned(), kind.to_owned());
        } else {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = key.split_once('{').unwrap_or((key, "}"));
            assert_eq!(name, current, "below its own head");
            assert!(types.contains_key(name), "{line}");
            well_formed(labels.strip_suffix('}').unwrap());
            let plain = value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            assert!(plain && value.parse::<f64>().is_ok(), "{line}");
            let twice = series.insert(key.to_owned(), value.to_owned());
            assert!(twice.is_none(), "twice: {key}");
        }
    }
    (series, types)
}

/// `name="value"` with commas between; quotes, backslashes and line ends only behind a backslash.
#[track_caller]
fn well_formed(mut labels: &str) {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").unwrap();
        assert!(
            name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
            "{name}"
        );
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        labels = &rest[end.unwrap() + 1..];
        labels = labels.strip_prefix(',').unwrap_or(labels);
    }
}

async fn metrics(world: &World) -> Series {
    let reply = world.ask(&Ask::get("/metrics")).await.ok();
    let kind = reply.header("content-type").unwrap();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    read(reply.text()).0
}

fn of(name: &str, offer: &str, provider: &str) -> String {
    format!("{name}{{offer=\"{offer}\",provider=\"{provider}\"}}")
}

/// One call for each way a call can end; returns how many log lines they made.
async fn every_end(world: &World) -> usize {
    let counts = Usage {
        prompt: 1_000,
        completion: 500,
        ..Usage::default()
    };
    for stream in [false, true] {
        world.fake.always(Answer::text("Hi").usage(counts));
        let body = Door::Chat.request("lab-m", "Hi", stream);
        world.post(PATH, body).await.ok();
    }
    let unknown = Door::Chat.request("no-such-model", "Hi", false);
    assert_eq!(world.post(PATH, unknown).await.status, 404);

    world.fake.always(Answer::fault(Fault::status(401)));
    let body = Door::Chat.request("lab-m", "Hi", false);
    assert!(world.post(PATH, body).await.status >= 500);

    let stalled = || Answer::text("One two three four five").with_fault(Fault::Stall(5));
    world.fake.always(stalled().usage(counts));
    let body = Door::Chat.request("lab-m", "Hi", true);
    let mut left = world.stream(PATH, body.clone()).await;
    left.until("One", 1).await;
    assert_eq!(metrics(world).await["vane_calls_running"], "1");
    drop(left);
    world.log.lines(5).await;

    let cut = Fault::Truncate {
        frames: 5,
        bytes: 0,
        clean: false,
    };
    world
        .fake
        .always(Answer::text("One two three four five").with_fault(cut));
    world.post(PATH, body).await;
    world.log.lines(6).await.len()
}

#[tokio::test]
async fn every_metric_tells_what_was_driven() {
    let world = World::start().await;
    let before = metrics(&world).await;
    assert_eq!(before["vane_calls_total{end=\"done\"}"], "0");
    assert!(
        before.keys().all(|key| !key.contains("offer=")),
        "{before:?}"
    );

    assert_eq!(every_end(&world).await, 6);
    let offer = world
        .gateway
        .state()
        .offers
        .get("lab/lab-m")
        .unwrap()
        .clone();
    // How long it took is nobody's to know beforehand: what is rendered is what was summed.
    offer.tally.first_content_ms.store(1_234, Relaxed);
    offer.tally.unpriced_uses.store(3, Relaxed);
    let after = metrics(&world).await;

    let lab = |name: &str| of(name, "lab/lab-m", "lab");
    let said = world.log.lines(6).await;
    let sum = |field: &str| -> u64 { said.iter().filter_map(|line| line[field].as_u64()).sum() };
    let cost: f64 = said.iter().filter_map(|line| line["cost"].as_f64()).sum();
    for (series, value) in [
        ("vane_calls_total{end=\"done\"}".to_owned(), "2".to_owned()),
        (
            "vane_calls_total{end=\"caller_fault\"}".to_owned(),
            "1".to_owned(),
        ),
        (
            "vane_calls_total{end=\"upstream_fault\"}".to_owned(),
            "1".to_owned(),
        ),
        (
            "vane_calls_total{end=\"broken\"}".to_owned(),
            "1".to_owned(),
        ),
        (
            "vane_calls_total{end=\"client_gone\"}".to_owned(),
            "1".to_owned(),
        ),
        ("vane_calls_running".to_owned(), "0".to_owned()),
        (lab("vane_attempts_total"), sum("attempts").to_string()),
        (lab("vane_faults_total"), "2".to_owned()),
        (lab("vane_input_tokens_total"), sum("input").to_string()),
        (lab("vane_output_tokens_total"), sum("output").to_string()),
        (lab("vane_unpriced_uses_total"), "3".to_owned()),
        (lab("vane_first_content_seconds_total"), "1.234".to_owned()),
    ] {
        assert_eq!(after.get(&series), Some(&value), "{series}");
    }
    assert!(sum("input") > 2_000 && sum("output") > 1_000, "{said:?}");
    let told: f64 = after[&lab("vane_cost_usd_total")].parse().unwrap();
    assert!(
        (told - cost).abs() < 1e-12 && told >= 0.004,
        "{told} {cost}"
    );
    let took = |all: &Series| all["vane_call_seconds_total"].parse::<f64>().unwrap();
    assert!(took(&after) > took(&before));
    assert!(
        after.keys().all(|key| !key.contains("claude")),
        "what served nothing is left out"
    );
}

#[tokio::test]
async fn the_state_of_the_ledger_is_told() {
    let world = World::start().await;
    let payer = world.prepaid_key();
    let ledger = async |name: &str| metrics(&world).await[&format!("vane_ledger_{name}")].clone();
    for gauge in ["records_waiting", "records_not_ingested", "holds", "strays"] {
        assert_eq!(ledger(gauge).await, "0", "{gauge}");
    }
    world.fake.always(Answer::text("One two").gate("slow"));
    world.fake.gate("slow").open(3);
    let ask = Ask::post(PATH, Door::Chat.request("lab-m", "Hi", true)).key(payer.expose());
    let mut running = world.connect().await.begin(&ask).await;
    running.until("One", 1).await;
    assert_eq!(ledger("holds").await, "1");
    world.fake.gate("slow").open_for_good();
    running.rest().await;
    assert_eq!(ledger("holds").await, "0");

    // A provider that says it wrote more than was held for.
    let counts = Usage {
        prompt: 1,
        completion: 5_000,
        ..Usage::default()
    };
    world.fake.always(Answer::text("Hi").usage(counts));
    let mut body = Door::Chat.request("lab-m", "Hi", false);
    body["max_tokens"] = 1_000.into();
    world
        .ask(&Ask::post(PATH, body).key(payer.expose()))
        .await
        .ok();
    let caught_up = world.gateway.replica.caught_up(PATIENCE);
    caught_up.await.unwrap();
    assert_eq!(ledger("records_not_ingested").await, "0");
    let lost = ledger("lost_usd_total").await;
    assert!(
        lost.starts_with("0.00") && lost.contains(|digit| ('1'..='9').contains(&digit)),
        "{lost}"
    );
}

#[tokio::test]
async fn a_benched_offer_is_told() {
    let world = World::start().await;
    let benched = of("vane_offer_benched", "lab/lab-m", "lab");
    for (answer, value) in [
        (Answer::text("Hi"), "0"),
        (Answer::fault(Fault::status(529)), "1"),
    ] {
        world.fake.always(answer);
        for _ in 0..3 {
            world
                .post(PATH, Door::Chat.request("lab-m", "Hi", false))
                .await;
        }
        assert_eq!(metrics(&world).await[&benched], value);
    }
}

#[tokio::test]
async fn s16_who_is_on_loopback_is_known_on_a_socket_of_ipv6_too() {
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    if std::net::TcpListener::bind(everywhere).is_err() {
        return; // A machine without IPv6 has no such socket.
    }
    let world = World::with(|config| {
        config.listen = everywhere;
        config.trusted_proxies = vec![vane::config::Network {
            address: IpAddr::from([127, 0, 0, 0]),
            prefix: 8,
        }];
    })
    .await;
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, world.address.port()));
    for (lines, status) in [
        (&[][..], 200),
        (&["203.0.113.9"], 404),
        (&["127.0.0.1", "203.0.113.9"], 404),
        (&["127.0.0.1, 203.0.113.9:51234"], 404),
    ] {
        let ask = lines.iter().fold(Ask::get("/metrics"), |ask, line| {
            ask.header("x-forwarded-for", line)
        });
        let mut connection = within("a connection", Connection::open(here)).await;
        assert_eq!(connection.ask(&ask).await.status, status, "{lines:?}");
    }
}

#[test]
fn the_reader_of_the_format_can_fail() {
    let head = "# HELP a_total Words.\n# TYPE a_total counter\n";
    read(&format!("{head}a_total{{x=\"a\\\"b\\\\\"}} 1\n"));
    for wrong in [
        "a_total 1\n".to_owned(),
        format!("{head}b_total 1\n"),
        format!("{head}a_total 1\na_total 2\n"),
        format!("{head}a_total{{x=\"a\"b\"}} 1\n"),
        format!("{head}a_total NaN\n"),
        format!("{head}a_total 1"),
        format!("{head}a_total 1\n{head}"),
    ] {
        let read = std::panic::catch_unwind(|| read(&wrong));
        assert!(read.is_err(), "{wrong}");
    }
}
