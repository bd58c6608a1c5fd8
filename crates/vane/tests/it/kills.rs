//! What is left of calls when the process dies, at once or in good order.
//!
//! 4 kills; 40 with `VANE_TEST_LONG=1`.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use vane_catalog::Money;
use vane_ledger::book::{Receipt, Status};
use vane_testkit::{Answer, Script, When};

use crate::client::{Ask, Stream, within};
use crate::door::Door;
use crate::load::{Load, Told};
use crate::serving::Serving;
use crate::site::{Dice, Payer, Site, charge, long};

const CLIENTS: usize = 32;

/// A kilobyte, so that what was delivered of it is noted more than once.
fn words() -> String {
    "waterfall ".repeat(100)
}

/// What a call may cost whose answer was cut: its input and the text that was delivered, at four
/// bytes to a token, a dollar and two for a million.
fn bound(told: &Told) -> Money {
    let tokens = |bytes: usize| i64::try_from(bytes.div_ceil(4)).unwrap();
    let (input, output) = (tokens(told.input_bytes), tokens(told.text_bytes()));
    match output {
        0 => Money::ZERO,
        _ => Money::from_pico((input + 2 * output) * 1_000_000),
    }
}

/// Holds the receipts of one life against what clients were told and what reached the fake.
/// Returns how many calls reached it and have no receipt.
#[track_caller]
fn compare(
    told: &[Told],
    receipts: &[Receipt],
    reached: &BTreeSet<String>,
    payers: &[Payer],
) -> usize {
    let mut by_call: BTreeMap<&str, &Receipt> = BTreeMap::new();
    for receipt in receipts {
        let twice = by_call.insert(&receipt.settlement.call, receipt);
        assert!(twice.is_none(), "{}", receipt.settlement.call);
    }
    let mut lost = 0;
    for (client, payer) in payers.iter().enumerate() {
        let mut cut = None;
        for told in told.iter().filter(|told| told.client == client) {
            if !told.whole {
                assert!(cut.replace(told).is_none(), "two calls at once");
                continue;
            }
            assert_eq!(told.status, 200, "{}", told.body);
            assert!(reached.contains(&told.mark), "{}", told.mark);
            let receipt = by_call.remove(told.id.as_deref().unwrap());
            let receipt = receipt.unwrap_or_else(|| panic!("no receipt: {told:?}"));
            assert_eq!((receipt.cost, receipt.charged), (told.cost(), told.cost()));
            assert_eq!(receipt.settlement.status, Status::Done);
        }
        let key = &payer.key_id;
        let rest: Vec<&str> = by_call.keys().copied().collect();
        let rest = rest
            .into_iter()
            .filter(|call| by_call[call].settlement.key == *key);
        let rest: Vec<&str> = rest.collect();
        assert!(
            rest.len() <= usize::from(cut.is_some()),
            "{rest:?} of {cut:?}"
        );
        let Some(cut) = cut else { continue };
        let reached = reached.contains(&cut.mark);
        match rest.first().and_then(|call| by_call.remove(call)) {
            None => lost += usize::from(reached),
            Some(receipt) => of_a_cut_call(receipt, cut, reached),
        }
    }
    assert!(by_call.is_empty(), "nobody asked for {by_call:?}");
    lost
}

#[track_caller]
fn of_a_cut_call(receipt: &Receipt, cut: &Told, reached: bool) {
    match receipt.settlement.status {
        // It was settled; only its last bytes did not leave.
        Status::Done => assert!(reached),
        Status::Interrupted => {
            let most = bound(cut);
            assert!(
                receipt.charged <= most,
                "{} > {most}: {cut:?}",
                receipt.charged
            );
        }
        other => panic!("{other:?} of {cut:?}"),
    }
}

fn reached(site: &Site) -> BTreeSet<String> {
    let mark = |body: &str| Some(body[body.find('<')?..=body.find('>')?].to_owned());
    let calls = site.fake.calls();
    calls
        .iter()
        .filter_map(|call| mark(call.body_text()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m6_after_each_kill_every_call_has_one_receipt_and_no_money_is_held() {
    let site = Site::new().await;
    let payers = site.payers(CLIENTS);
    site.fake.always(Answer::text(&words()).delay_ms(1));
    let (mut known, mut charged) = (BTreeMap::new(), BTreeMap::new());
    let (mut dice, mut calls, mut in_flight, mut lost, mut cut) = (Dice(7), 0, 0, 0, 0);
    let mut serving = site.serve();
    for life in 0..if long() { 40 } else { 4 } {
        let load = Load::start(
            &serving,
            &payers,
            &format!("life {life}"),
            &mut dice,
            usize::MAX,
        );
        load.answered(1 + dice.below(100)).await;
        serving.kill();
        let told = load.end().await;
        // Before it says that it serves, it has settled what the last one left.
        serving = site.serve();
        let receipts = site.receipts(&mut known);
        charge(&mut charged, &receipts);
        let reached = reached(&site);
        site.fake.reset();
        site.fake.always(Answer::text(&words()).delay_ms(1));
        calls += told.len();
        in_flight += told.iter().filter(|told| !told.whole).count();
        lost += compare(&told, &receipts, &reached, &payers);
        let is_charged = |receipt: &&Receipt| {
            let status = receipt.settlement.status;
            status == Status::Interrupted && receipt.charged > Money::ZERO
        };
        cut += receipts.iter().filter(is_charged).count();
        site.settled(&charged);
    }
    // Calls whose first record was still waiting for the journal's writer: few of those that ran,
    // however many had ended before.
    assert!(
        lost * 2 <= in_flight,
        "{lost} of {in_flight} calls that ran are paid for by nobody"
    );
    assert!(
        cut > 0,
        "no kill met a call that had been told a part of its answer"
    );
    println!(
        "measured: kills: {calls} calls: {cut} were cut and charged, {lost} are paid for by nobody"
    );
    serving.stop();
    site.settled(&charged);
}

/// A stream over HTTP/2.
async fn over_http2(serving: &Serving, key: &str, body: &Value) -> Incoming {
    let socket = TcpStream::connect(serving.address).await.unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("http://localhost/v1/chat/completions")
        .header("authorization", format!("Bearer {key}"))
        .body(Full::new(Bytes::from(body.to_string())));
    let answer = sender.send_request(request.unwrap()).await;
    answer.unwrap().into_body()
}

async fn read_until(body: &mut Incoming, text: &str) {
    let mut read = String::new();
    while !read.contains(text) {
        let frame = body.frame().await.unwrap().unwrap();
        read += &String::from_utf8_lossy(frame.data_ref().unwrap());
    }
}

/// A running answer, over either protocol.
enum Running {
    Http1(Stream),
    Http2(Incoming),
}

impl Running {
    async fn until(&mut self, text: &str) {
        match self {
            Self::Http1(stream) => drop(stream.until(text, 1).await),
            Self::Http2(body) => within(text, read_until(body, text)).await,
        }
    }
}

#[tokio::test]
async fn m6_what_had_been_delivered_over_either_protocol_is_paid_after_a_kill() {
    let word = format!("One{}", "e".repeat(397));
    for http2 in [false, true] {
        let site = Site::new().await;
        let payers = site.payers(2);
        let said = Answer::text(&format!("{word} two three")).gate("slow");
        site.fake.gate("slow").open(2);
        let script = Script::new().on(When::model("lab-m"), said);
        site.fake
            .script(script.on(When::default(), Answer::text("Hello")));
        let serving = site.serve();
        let body = Door::Chat.request("lab-m", "Hi", true);
        let ask = Ask::post(Door::Chat.path(), &body).key(&payers[1].key);
        // Kept until the kill: who leaves is settled as one who left.
        let mut running = if http2 {
            let asking = over_http2(&serving, &payers[1].key, &body);
            Running::Http2(within("a head", asking).await)
        } else {
            Running::Http1(serving.connect().await.begin(&ask).await)
        };
        running.until(&word).await;
        // Whoever writes the next word has noted the first.
        site.fake.gate("slow").open(1);
        running.until("two").await;
        // The journal is in order: when this is settled, what was noted before is written.
        let other = Door::Chat.request("gpt-m", "Hi", false);
        let other = Ask::post(Door::Chat.path(), &other).key(&payers[0].key);
        serving.ask(&other).await.ok();
        serving.kill();
        let serving = site.serve();
        let (receipts, mut charged) = (site.receipts(&mut BTreeMap::new()), BTreeMap::new());
        charge(&mut charged, &receipts);
        let cut = receipts
            .iter()
            .find(|one| one.settlement.key == payers[1].key_id);
        let cut = cut.unwrap();
        assert_eq!(cut.settlement.status, Status::Interrupted);
        let input = i64::try_from(body.to_string().len().div_ceil(4)).unwrap();
        let text = (cut.charged.pico() / 1_000_000 - input) / 2;
        assert!(
            (100..=104).contains(&text),
            "{text} over HTTP/2: {http2}: {cut:?}"
        );
        site.settled(&charged);
        serving.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_stop_under_load_leaves_nothing_to_settle() {
    let site = Site::new().await;
    let payers = site.payers(CLIENTS);
    site.fake.always(Answer::text(&words()).delay_ms(1));
    let serving = site.serve();
    let load = Load::start(&serving, &payers, "stop", &mut Dice(9), usize::MAX);
    load.answered(40).await;
    serving.signal("-TERM");
    load.stop();
    let said = serving.stopped();
    let mut told = load.end().await;
    told.retain(|told| told.status == 200);
    assert!(
        told.len() >= 40 && told.iter().all(|told| told.whole),
        "{said}"
    );
    let (receipts, mut charged) = (site.receipts(&mut BTreeMap::new()), BTreeMap::new());
    charge(&mut charged, &receipts);
    assert_eq!(compare(&told, &receipts, &reached(&site), &payers), 0);
    assert_eq!(receipts.len(), site.fake.calls().len());
    site.settled(&charged);
}
