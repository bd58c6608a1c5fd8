//! The transport: rude heads and bodies, kept connections, HTTP/2, IPv6.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use vane_testkit::{Answer, Fault, Settings};

use crate::client::{Ask, Connection, within};
use crate::door::Door;
use crate::world::{PROVIDER_KEY, World};

const PATH: &str = "/v1/chat/completions";

fn call(world: &World) -> Ask {
    Ask::post(PATH, Door::Chat.request("lab-m", "Hi", false)).key(&world.key)
}

#[tokio::test]
async fn s14_a_half_sent_head_is_closed_after_its_time() {
    let world =
        World::with(|config| config.timeouts.inbound_head = Duration::from_millis(500)).await;
    for head in [
        "G",
        "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n",
        "POST /v1/messages HTTP/1.1\r\n",
    ] {
        let mut connection = world.connect().await;
        connection.write(head.as_bytes()).await;
        connection.until_closed().await;
    }
    // Half of a second head, on a connection that served one.
    let mut connection = world.connect().await;
    connection.ask(&Ask::get("/health/live")).await.ok();
    connection.write(b"GET /health/live HT").await;
    connection.until_closed().await;
}

#[tokio::test]
async fn s14_an_idle_connection_is_no_slow_head() {
    let world =
        World::with(|config| config.timeouts.inbound_head = Duration::from_millis(300)).await;
    let mut connection = world.connect().await;
    connection.ask(&Ask::get("/health/live")).await.ok();
    // A stream that lasts longer than a head may, on the same kind of connection.
    world
        .fake
        .always(Answer::text("One two three four").delay_ms(100));
    connection.ask(&call(&world)).await.ok();
    connection
        .ask(&Ask::post(PATH, Door::Chat.request("lab-m", "Hi", true)).key(&world.key))
        .await
        .ok();
    connection.ask(&Ask::get("/health/live")).await.ok();
}

#[tokio::test]
async fn a_body_that_is_cut_calls_nobody() {
    let world = World::start().await;
    let whole = call(&world).bytes();
    let mut connection = world.connect().await;
    connection.write(&whole[..whole.len() - 5]).await;
    drop(connection);
    let line = &world.log.lines(1).await[0];
    assert!(
        ["refused", "client_gone"].contains(&line["outcome"].as_str().unwrap()),
        "{line}"
    );
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn a_body_in_pieces_is_one_body() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    for byte in call(&world).bytes() {
        connection.write(&[byte]).await;
    }
    let head = within("a head", connection.head()).await.unwrap();
    assert_eq!(head.reply.status, 200);
    let text = Door::Chat.request("lab-m", "Hi", false).to_string();
    assert_eq!(world.only_call().body_text(), text);
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let ahead = [
        call(&world).bytes(),
        Ask::get("/health/live").bytes(),
        call(&world).bytes(),
    ]
    .concat();
    connection.write(&ahead).await;
    for path in ["chat.completion", "live", "chat.completion"] {
        let reply = crate::client::answered(&mut connection).await.ok();
        assert!(reply.text().contains(path), "{}", reply.text());
    }
}

#[tokio::test]
async fn one_connection_serves_many_calls_and_reuses_one_upstream() {
    let world = World::with(|config| config.workers = 1).await;
    let mut connection = world.connect().await;
    for stream in [false, true, true, false, true] {
        let ask = Ask::post(PATH, Door::Chat.request("lab-m", "Hi", stream)).key(&world.key);
        connection.ask(&ask).await.ok();
    }
    let numbers = world.fake.calls().into_iter().map(|call| call.connection);
    let first = world.fake.calls()[0].connection;
    assert!(
        numbers
            .into_iter()
            .filter(|number| *number == first)
            .count()
            >= 4
    );
}

#[tokio::test]
async fn requests_that_smuggle_are_refused() {
    let world = World::start().await;
    let key = &world.key;
    let smuggled = [
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef"
        ),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: -1\r\n\r\n"
        ),
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ntransfer-encoding: xchunked\r\n\r\n"
        ),
        format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n"),
        "\u{16}\u{3}\u{1}\u{2}\0".to_owned() + &"A".repeat(600),
        "GET http://[::1 HTTP/1.1\r\n\r\n".to_owned(),
    ];
    for bytes in smuggled {
        let mut connection = world.connect().await;
        connection.write(bytes.as_bytes()).await;
        connection.write(b"\r\n\r\n").await;
        if let Some(head) = within("a refusal", connection.head()).await {
            assert_eq!(head.reply.status, 400, "{bytes}");
        }
    }
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn http2_without_tls_is_spoken_in_and_out() {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        only_h2: true,
        ..Settings::default()
    };
    let world = World::between(settings, |config| {
        config
            .providers
            .iter_mut()
            .for_each(|provider| provider.h2c = true);
    })
    .await;
    let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for stream in [false, true] {
        let body = Door::Chat.request("lab-m", "Hi", stream).to_string();
        let request = http::Request::post("http://localhost/v1/chat/completions")
            .header("authorization", format!("Bearer {}", world.key))
            .body(Full::new(bytes::Bytes::from(body)));
        let answer = within("an answer", sender.clone().send_request(request.unwrap()))
            .await
            .unwrap();
        assert_eq!(
            (answer.status(), answer.version()),
            (http::StatusCode::OK, http::Version::HTTP_2)
        );
        let body = within("its body", answer.into_body().collect())
            .await
            .unwrap()
            .to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains("fake") && text.contains("\"cost\":"),
            "{text}"
        );
    }
}

/// A server takes so many calls on a connection and lets the others wait, perhaps for minutes.
#[tokio::test]
async fn more_calls_than_an_http2_connection_takes_get_another() {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        only_h2: true,
        ..Settings::default()
    };
    let world = World::between(settings, |config| {
        config.workers = 1;
        let providers = config.providers.iter_mut();
        providers.for_each(|provider| provider.h2c = true);
    })
    .await;
    world
        .fake
        .always(Answer::text("One two three").with_fault(Fault::Stall(3)));
    let mut streams = Vec::new();
    for _ in 0..250 {
        let body = Door::Chat.request("lab-m", "Hi", true);
        let mut stream = world.stream(PATH, body).await;
        stream.until("One", 1).await;
        streams.push(stream);
    }
    let mut connections: Vec<_> = world
        .fake
        .calls()
        .iter()
        .map(|call| call.connection)
        .collect();
    connections.sort_unstable();
    connections.dedup();
    assert_eq!(connections.len(), 3);
}

#[tokio::test]
async fn ipv6_is_served() {
    if tokio::net::TcpListener::bind("[::1]:0").await.is_err() {
        return;
    }
    let world =
        World::with(|config| config.listen = "[::1]:0".parse::<SocketAddr>().unwrap()).await;
    assert!(world.address.is_ipv6());
    let mut connection = Connection::open(world.address).await;
    connection.ask(&call(&world)).await.ok();
}

#[tokio::test]
async fn an_upstream_that_closes_idle_connections_costs_no_call() {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        close_on_accept: 2,
        ..Settings::default()
    };
    let world = World::between(settings, |_| {}).await;
    world
        .post(PATH, Door::Chat.request("lab-m", "Hi", true))
        .await;
    for stream in [true, false] {
        world
            .post(PATH, Door::Chat.request("lab-m", "Hi", stream))
            .await
            .ok();
    }
}
