//! Limits on what one client may send or hold.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use vane::config::Limits;
use vane_testkit::{Answer, Fault, Script, When};

use crate::client::{Ask, answered, within};
use crate::door::{DOORS, Door};
use crate::world::{World, named};

const PATH: &str = "/v1/chat/completions";

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plain).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn calls_of_one_key_beyond_its_places_are_told_to_wait() {
    let world = World::with(|config| config.limits.concurrent_per_key_max = 2).await;
    let gated = |gate| Answer::text("One two three four").gate(gate);
    let once = When::default().first(1);
    world.fake.script(
        Script::new()
            .on(once.clone(), gated("a"))
            .on(once, gated("b")),
    );
    world.fake.gate("a").open(2);
    world.fake.gate("b").open(2);
    let body = Door::Chat.request("lab-m", "Hi", true);
    let mut first = world.stream(PATH, &body).await;
    first.until("One", 1).await;
    let mut second = world.stream(PATH, &body).await;
    second.until("One", 1).await;
    for door in DOORS {
        let refused = world
            .post(door.path(), door.request("lab-m", "Hi", false))
            .await;
        assert_eq!(
            (refused.status, refused.header("retry-after")),
            (429, Some("1")),
            "{door:?}"
        );
        let kind = door.error_type(&refused.json());
        assert!(kind.contains("rate_limit"), "{}", refused.text());
    }
    assert_eq!(world.fake.calls().len(), 2);
    let other = world.new_key(&named("other"));
    world.fake.gate("a").open_for_good();
    world.fake.gate("b").open_for_good();
    let ask = Ask::post(PATH, &body).key(other.expose());
    world.ask(&ask).await.ok();
    first.rest().await;
    second.rest().await;
    world.post(PATH, &body).await.ok();
    assert_eq!(world.fake.calls().len(), 4);
}

#[tokio::test]
async fn s14_a_body_over_the_limit_is_refused_by_its_length_alone() {
    let world = World::with(|config| config.limits.body_bytes_max = 2_000).await;
    for door in DOORS {
        let mut connection = world.connect().await;
        let head = Ask::new("POST", door.path())
            .key(&world.key)
            .header("content-length", 2_001);
        connection.write(&head.bytes()).await;
        let head = within("a refusal", connection.head()).await.unwrap();
        assert_eq!(head.reply.status, 413, "{door:?}");
    }
    let big =
        json!({"model": "lab-m", "messages": [{"role": "user", "content": "x".repeat(2_000)}]});
    let chunked = format!("{:x}\r\n{big}\r\n0\r\n\r\n", big.to_string().len());
    let ask = Ask::new("POST", PATH)
        .key(&world.key)
        .header("transfer-encoding", "chunked")
        .header("content-length-not", "1");
    let mut connection = world.connect().await;
    connection
        .write(&[ask.bytes(), chunked.into_bytes()].concat())
        .await;
    let head = within("a refusal", connection.head()).await.unwrap();
    assert_eq!(head.reply.status, 413);
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn r10_a_body_that_unpacks_beyond_the_limit_is_refused() {
    let world = World::with(|config| config.limits.body_bytes_max = 100_000).await;
    let bomb = vec![b' '; 50_000_000];
    let packed = [
        ("gzip", gzip(&bomb)),
        ("zstd", zstd::encode_all(&bomb[..], 3).unwrap()),
    ];
    for (encoding, bytes) in packed {
        assert!(bytes.len() < 100_000);
        let ask = Ask::new("POST", PATH)
            .body(bytes)
            .key(&world.key)
            .header("content-encoding", encoding);
        let reply = world.ask(&ask).await;
        assert_eq!(reply.status, 413, "{encoding}: {}", reply.text());
    }
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn compressed_bodies_are_understood_and_others_are_named() {
    let world = World::start().await;
    let body = Door::Chat.request("lab-m", "Hi", false).to_string();
    let packed = [
        ("gzip", gzip(body.as_bytes())),
        ("zstd", zstd::encode_all(body.as_bytes(), 3).unwrap()),
        ("GZip", gzip(body.as_bytes())),
        ("identity", body.clone().into_bytes()),
        // The mark of UTF-8, as some editors write it.
        ("identity", format!("\u{feff}{body}").into_bytes()),
    ];
    for (encoding, bytes) in packed {
        let ask = Ask::new("POST", PATH)
            .body(bytes)
            .key(&world.key)
            .header("content-encoding", encoding);
        world.ask(&ask).await.ok();
    }
    for call in world.fake.calls() {
        assert_eq!(call.body_text(), body);
        assert_eq!(call.request.header("content-encoding"), None);
    }
    let encoded = |encoding: &str| {
        Ask::post(PATH, &body)
            .key(&world.key)
            .header("content-encoding", encoding)
    };
    for encoding in ["br", "deflate", "gzip, gzip", "x"] {
        assert_eq!(
            world.ask(&encoded(encoding)).await.status,
            415,
            "{encoding}"
        );
    }
    for encoding in ["gzip", "zstd"] {
        assert_eq!(
            world.ask(&encoded(encoding)).await.status,
            400,
            "{encoding}: not packed"
        );
    }
}

#[tokio::test]
async fn s14_a_flood_of_headers_is_refused_and_the_next_client_is_served() {
    let world = World::with(|config| config.limits.header_bytes_max = 16 << 10).await;
    let mut ask = Ask::get("/v1/models").key(&world.key);
    for number in 0..3_000 {
        ask = ask.header(&format!("x-{number}"), "y".repeat(40));
    }
    let mut connection = world.connect().await;
    connection.write(&ask.bytes()).await;
    let said = connection.until_closed().await;
    assert!(
        said.is_empty() || said.starts_with(b"HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    world.get("/v1/models").await.ok();
}

#[tokio::test]
async fn connections_over_the_limit_are_closed_and_room_comes_back() {
    let world = World::with(|config| config.limits.connections_max = 2).await;
    let mut first = world.connect().await;
    first.ask(&Ask::get("/health/live")).await.ok();
    let mut second = world.connect().await;
    second.ask(&Ask::get("/health/live")).await.ok();
    let mut third = world.connect().await;
    assert!(third.until_closed().await.is_empty());
    drop(first);
    let again = async {
        loop {
            let mut fourth = world.connect().await;
            fourth.write(&Ask::get("/health/live").bytes()).await;
            if let Some(head) = fourth.head().await {
                assert_eq!(head.reply.status, 200);
                return;
            }
        }
    };
    within("room for another", again).await;
}

#[tokio::test]
async fn s14_a_body_that_trickles_is_a_408_in_the_callers_dialect() {
    let grace = Duration::from_millis(50);
    let world = World::with(|config| config.timeouts.inbound_body = grace).await;
    for door in DOORS {
        let ask = Ask::post(door.path(), door.request(door.own_model(), "Hi", true));
        let whole = ask.key(&world.key).bytes();
        let mut connection = world.connect().await;
        // The last byte never comes.
        connection.write(&whole[..whole.len() - 1]).await;
        let refused = answered(&mut connection).await;
        let error = refused.json();
        assert_eq!(refused.status, 408, "{door:?}: {error}");
        assert!(refused.text().contains("too slowly"), "{error}");
        let kind = door.error_type(&error);
        let expected = match door {
            Door::MistralChat => "request_timeout",
            Door::Chat | Door::Messages | Door::Responses => "invalid_request_error",
        };
        assert_eq!(kind, expected, "{door:?}");
        connection.until_closed().await;
    }
    assert!(world.fake.calls().is_empty());
    for line in world.log.lines(DOORS.len()).await {
        assert_eq!(
            (&line["status"], &line["outcome"]),
            (&json!(408), &json!("refused"))
        );
    }
}

#[tokio::test]
async fn s14_a_slow_body_above_the_least_pace_is_served() {
    let world = World::with(|config| {
        config.timeouts.inbound_body = Duration::from_millis(1);
        // What comes with the head earns the rest more time than any test takes.
        config.limits.body_bytes_per_second_min = 1;
    })
    .await;
    for door in DOORS {
        let ask = Ask::post(door.path(), door.request(door.own_model(), "Hi", false));
        let whole = ask.key(&world.key).bytes();
        let (most, last) = whole.split_at(whole.len() - 1);
        let mut connection = world.connect().await;
        connection.write(most).await;
        for _ in 0..10 {
            world.ask(&Ask::get("/health/live")).await.ok();
        }
        connection.write(last).await;
        answered(&mut connection).await.ok();
    }
}

#[tokio::test]
async fn a_head_may_be_as_long_as_its_limit_and_no_longer() {
    let world = World::with(|config| config.limits.header_bytes_max = 32 << 10).await;
    for (bytes, expected) in [(30 << 10, 200), (33 << 10, 431)] {
        let ask = Ask::get("/v1/models").key(&world.key);
        let mut connection = world.connect().await;
        connection
            .write(&ask.header("x-long", "y".repeat(bytes)).bytes())
            .await;
        // A refusal is lost where the connection closes with the rest of the head unread.
        let head = within("an answer", connection.head()).await;
        let status = head.map_or(431, |head| head.reply.status);
        assert_eq!(status, expected, "{bytes} over HTTP/1.1");
        let (mut sender, connection) = http2(&world).await;
        let request = http::Request::get("http://localhost/v1/models")
            .header("authorization", format!("Bearer {}", world.key))
            .header("x-long", "y".repeat(bytes))
            .body(Full::new(Bytes::new()));
        let answer = within("an answer", sender.send_request(request.unwrap())).await;
        assert_eq!(answer.unwrap().status(), expected, "{bytes} over HTTP/2");
        drop(sender);
        within("the connection to end", connection).await.unwrap();
    }
}

async fn http2(world: &World) -> (http2::SendRequest<Full<Bytes>>, tokio::task::JoinHandle<()>) {
    let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(async move {
        let _ = connection.await;
    });
    (sender, connection)
}

#[tokio::test]
async fn s14_a_hundred_streams_of_one_connection_run_and_the_next_one_waits() {
    let world = World::start().await;
    world.fake.always(Answer::text("Never").head_gate("never"));
    let (sender, connection) = http2(&world).await;
    let ask = || {
        let body = Door::Chat.request("lab-m", "Hi", true).to_string();
        let request = http::Request::post("http://localhost/v1/chat/completions")
            .header("authorization", format!("Bearer {}", world.key))
            .body(Full::new(Bytes::from(body)));
        let mut sender = sender.clone();
        tokio::spawn(async move { sender.send_request(request.unwrap()).await.map(drop) })
    };
    // The server's settings come first: no request before them.
    within("the server's settings", sender.clone().ready())
        .await
        .unwrap();
    world.get("/health/live").await.ok();
    let mut asked: Vec<_> = (0..101).map(|_| ask()).collect();
    within("a hundred calls", world.fake.wait_call(99)).await;
    for _ in 0..20 {
        world.get("/health/live").await.ok();
    }
    assert_eq!(world.running(), 100);
    asked.remove(0).abort();
    within("the one that waited", world.fake.wait_call(100)).await;
    asked.iter().for_each(tokio::task::JoinHandle::abort);
    drop(sender);
    within("the connection to end", connection).await.unwrap();
    world.log.lines(101).await;
}

/// The text that came back when the first offer's answer has this text, by one limit or none.
async fn first_or_spare(stream: bool, text: &str, limit: impl FnOnce(&mut Limits)) -> String {
    let world = World::with(|config| {
        limit(&mut config.limits);
        config.retries.per_offer_max = 1;
    })
    .await;
    world.fake.always(Answer::text(text));
    world.second.always(Answer::text("spare"));
    let body = Door::Chat.request("two-m", "Hi", stream);
    let reply = world.post(PATH, body).await.ok();
    Door::Chat.read(&reply).text
}

#[tokio::test]
async fn r10_answers_and_frames_of_an_upstream_end_at_their_limits() {
    let word = "x".repeat(1_000_000);
    let (under, over) = (800_000, 1_200_000);
    for (answer_max, frame_max, stream, passes) in [
        (over, under, false, true),
        (under, over, false, false),
        (under, over, true, true),
        (over, under, true, false),
    ] {
        let text = first_or_spare(stream, &word, |limits| {
            limits.answer_bytes_max = answer_max;
            limits.frame_bytes_max = frame_max;
        })
        .await;
        let place = format!("answer {answer_max}, frame {frame_max}, stream {stream}");
        assert_eq!(text == word, passes, "{place}");
        assert_eq!(text == "spare", !passes, "{place}");
    }
}

#[tokio::test]
async fn attempts_are_counted_over_all_offers_and_at_each() {
    for (attempts_max, per_offer_max, expected) in [
        (1, 1, (1, 0)),
        (1, 3, (1, 0)),
        (2, 1, (1, 1)),
        (3, 2, (2, 1)),
        (4, 3, (3, 1)),
        (9, 2, (2, 2)),
        (9, 1, (1, 1)),
    ] {
        let world = World::with(|config| {
            config.retries.attempts_max = attempts_max;
            config.retries.per_offer_max = per_offer_max;
        })
        .await;
        for fake in [&world.fake, &world.second] {
            fake.always(Answer::fault(Fault::status(500)));
        }
        let body = Door::Chat.request("two-m", "Hi", true);
        assert_eq!(world.post(PATH, body).await.status, 500);
        let made = (world.fake.calls().len(), world.second.calls().len());
        assert_eq!(
            made, expected,
            "{attempts_max} in all, {per_offer_max} at each"
        );
        let line = &world.log.lines(1).await[0];
        assert_eq!(line["attempts"], expected.0 + expected.1, "{line}");
    }
}

#[tokio::test]
async fn a_provider_that_accepts_and_is_silent_is_left_after_the_time_to_connect() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::with(|config| {
        config.timeouts.connect = Duration::from_millis(50);
        config.retries.per_offer_max = 1;
        let lab = config.providers.iter_mut().find(|row| row.id == "lab");
        lab.unwrap().base_url = format!("https://localhost:{port}/v1");
    })
    .await;
    for stream in [false, true] {
        let body = Door::Chat.request("two-m", "Hi", stream);
        world.post(PATH, body).await.ok();
    }
    for line in world.log.lines(2).await {
        assert!(
            line["failed"].to_string().contains("within the time limit"),
            "{line}"
        );
    }
}
