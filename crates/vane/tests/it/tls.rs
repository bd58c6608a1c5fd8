//! TLS both ways: towards clients, and towards providers of a private authority.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use vane::config::{Config, Tls};
use vane_testkit::{Answer, Authority, Certificate, Fault, Settings};

use crate::client::{Ask, Connection, Stream, within};
use crate::door::{DOORS, Door};
use crate::leaving::{is_gone, left};
use crate::world::{Folder, PROVIDER_KEY, World};

const PATH: &str = "/v1/chat/completions";

/// Trusts an authority for providers; its file is read at the start.
fn trust(config: &mut Config, folder: &Folder, authority: &Authority) {
    let path = folder.0.join("authority.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    config.outbound.extra_ca = vec![path];
}

/// A fake that speaks TLS with this certificate, over HTTP/2 or HTTP/1.1.
fn speaks(certificate: Certificate, only_h2: bool) -> Settings {
    Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        only_h2,
        tls: Some(certificate),
        ..Settings::default()
    }
}

fn plain() -> Settings {
    Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        ..Settings::default()
    }
}

/// A world whose first fake, and so every model but the spare ones, is behind TLS.
async fn secure_upstream(only_h2: bool) -> World {
    let (authority, folder) = (Authority::new("private").unwrap(), Folder::new());
    let certificate = authority.certificate("localhost").unwrap();
    World::of(speaks(certificate, only_h2), plain(), |config| {
        config.workers = 1;
        trust(config, &folder, &authority);
    })
    .await
}

fn call(world: &World, model: &str, stream: bool) -> Ask {
    Ask::post(PATH, Door::Chat.request(model, "Hi", stream)).key(&world.key)
}

/// A world that is reached by TLS, and who vouches for it.
async fn secure_world(limit: Duration) -> (World, Authority) {
    let (authority, folder) = (Authority::new("private").unwrap(), Folder::new());
    let shown = authority.certificate("localhost").unwrap();
    let (cert, key) = (folder.0.join("cert.pem"), folder.0.join("key.pem"));
    std::fs::write(&cert, shown.pem).unwrap();
    std::fs::write(&key, shown.key_pem).unwrap();
    let world = World::with(|config| {
        config.tls = Some(Tls { cert, key });
        config.timeouts.inbound_head = limit;
    })
    .await;
    (world, authority)
}

/// A connection to a world by TLS, and the protocol that was agreed on.
async fn secured(
    world: &World,
    authority: &Authority,
    protocols: &[&str],
) -> (TlsStream<TcpStream>, Option<String>) {
    let socket = TcpStream::connect(world.address).await.unwrap();
    let connector = authority.connector(protocols).unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = within("a handshake", connector.connect(name, socket));
    let stream = stream.await.unwrap();
    let agreed = stream.get_ref().1.alpn_protocol();
    let agreed = agreed.map(|name| String::from_utf8(name.to_vec()).unwrap());
    (stream, agreed)
}

#[tokio::test]
async fn tls_is_served_over_http1_through_every_door() {
    let (world, authority) = secure_world(Duration::from_secs(5)).await;
    for protocols in [&["http/1.1"][..], &[]] {
        let (stream, agreed) = secured(&world, &authority, protocols).await;
        assert_eq!(agreed.as_deref(), protocols.first().copied());
        let mut connection = Connection::over(stream);
        for door in DOORS {
            for stream in [false, true] {
                let body = door.request(door.own_model(), "Hi", stream);
                let ask = Ask::post(door.path(), body).key(&world.key);
                let reply = connection.ask(&ask).await.ok();
                assert!(!door.read(&reply).text.is_empty(), "{door:?} {stream}");
            }
        }
    }
}

#[tokio::test]
async fn tls_is_served_over_http2_if_the_client_offers_it() {
    let (world, authority) = secure_world(Duration::from_secs(5)).await;
    let (stream, agreed) = secured(&world, &authority, &["h2", "http/1.1"]).await;
    assert_eq!(agreed.as_deref(), Some("h2"));
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    for door in DOORS {
        for stream in [false, true] {
            let body = door.request(door.own_model(), "Hi", stream).to_string();
            let request = http::Request::post(format!("https://localhost{}", door.path()))
                .header("authorization", format!("Bearer {}", world.key))
                .body(Full::new(Bytes::from(body)));
            let answer = within("an answer", sender.send_request(request.unwrap()));
            let answer = answer.await.unwrap();
            assert_eq!(answer.version(), http::Version::HTTP_2);
            assert_eq!(answer.status(), 200, "{door:?} {stream}");
            let body = within("its body", answer.into_body().collect()).await;
            let text = String::from_utf8(body.unwrap().to_bytes().to_vec()).unwrap();
            assert!(text.contains("\"cost\":"), "{door:?} {stream}: {text}");
        }
    }
    drop(sender);
    within("the connection to end", connection)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn s14_a_handshake_has_its_time_and_others_are_served_meanwhile() {
    let (world, authority) = secure_world(Duration::from_secs(3)).await;
    let mut silent = world.connect().await;
    let mut plain = world.connect().await;
    plain.write(&Ask::get("/health/live").bytes()).await;
    let said = plain.until_closed().await;
    assert!(!said.starts_with(b"HTTP"), "no answer without TLS");
    let (stream, _) = secured(&world, &authority, &["http/1.1"]).await;
    let mut connection = Connection::over(stream);
    connection.ask(&Ask::get("/health/live")).await.ok();
    silent.until_closed().await;
}

#[tokio::test]
async fn a_provider_behind_tls_is_asked_over_either_protocol_on_one_connection() {
    for only_h2 in [false, true] {
        let world = secure_upstream(only_h2).await;
        let mut connection = world.connect().await;
        for stream in [false, true, true, false] {
            for model in ["lab-m", "claude-m", "mistral-m", "resp-m"] {
                let reply = connection.ask(&call(&world, model, stream)).await.ok();
                let said = Door::Chat.read(&reply);
                assert!(!said.text.is_empty(), "{model}, h2 {only_h2}");
            }
        }
        let calls = world.fake.calls();
        assert_eq!(calls.len(), 16);
        assert!(
            calls.iter().all(|call| call.connection == 0),
            "h2 {only_h2}"
        );
        assert!(
            calls
                .iter()
                .all(|call| call.request.header("host").is_some() != only_h2)
        );
    }
}

#[tokio::test]
async fn r12_leaving_resets_the_stream_of_a_provider_behind_tls_or_closes_its_connection() {
    for only_h2 in [false, true] {
        for stalled in [0, 5] {
            let world = secure_upstream(only_h2).await;
            let answer = Answer::text("One two three four five six seven eight");
            let fault = Fault::Stall(stalled);
            world.fake.always(answer.with_fault(fault));
            let mut connection = world.connect().await;
            connection.write(&call(&world, "lab-m", true).bytes()).await;
            within("the call", world.fake.wait_call(0)).await;
            if stalled > 0 {
                let mut stream = Stream::of(connection).await;
                stream.until("One", 1).await;
                drop(stream);
            } else {
                drop(connection);
            }
            left(&world, 0).await;
            is_gone(&world.log.lines(1).await[0]);
            world.fake.always(Answer::text("Next"));
            world.ask(&call(&world, "lab-m", true)).await.ok();
            // A reset ends one stream of a connection; without streams the connection goes.
            let next = if only_h2 { 0 } else { 1 };
            assert_eq!(world.fake.calls()[1].connection, next, "h2 {only_h2}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_a_fault_with_its_reason_and_the_next_offer_answers() {
    let authority = Authority::new("private").unwrap();
    let stranger = Authority::new("stranger").unwrap();
    for (certificate, reason) in [
        (stranger.certificate("localhost"), "UnknownIssuer"),
        (authority.expired("localhost"), "expired"),
        (
            authority.certificate("elsewhere.test"),
            "not valid for name",
        ),
    ] {
        let certificate = certificate.unwrap();
        for only_h2 in [false, true] {
            let folder = Folder::new();
            let world = World::of(speaks(certificate.clone(), only_h2), plain(), |config| {
                trust(config, &folder, &authority);
                config.retries.per_offer_max = 1;
            })
            .await;
            for stream in [false, true] {
                world.ask(&call(&world, "two-m", stream)).await.ok();
            }
            let alone = world.ask(&call(&world, "lab-m", false)).await;
            assert_eq!(alone.status, 502, "{}", alone.text());
            assert!(world.fake.calls().is_empty(), "nothing was sent");
            assert_eq!(world.second.calls().len(), 2);
            let lines = world.log.lines(3).await;
            let told = |told: &Value| {
                let told = told.to_string();
                assert!(told.contains(reason), "{reason}: {told}");
            };
            told(&lines[0]["failed"]);
            told(&lines[2]["fault"]);
        }
    }
}

/// A provider behind TLS that answers each connection once, with a body that only the end of the
/// connection ends: with TLS's own word for it, or without.
async fn ends_by_closing(content_type: &str, body: &str, clean: bool) -> (World, Folder) {
    let (authority, folder) = (Authority::new("private").unwrap(), Folder::new());
    let certificate = authority.certificate("localhost").unwrap();
    let acceptor = certificate.acceptor(&["http/1.1"]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n{body}");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let mut socket = acceptor.accept(socket).await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                socket.read_buf(&mut asked).await.unwrap();
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
            socket.flush().await.unwrap();
            if clean {
                socket.shutdown().await.unwrap();
            }
        }
    });
    let world = World::with(|config| {
        trust(config, &folder, &authority);
        config.retries.per_offer_max = 1;
        let lab = config.providers.iter_mut().find(|row| row.id == "lab");
        lab.unwrap().base_url = format!("https://localhost:{port}/v1");
    })
    .await;
    (world, folder)
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_needs_the_close_of_tls() {
    let message = json!({"role": "assistant", "content": "Whole"});
    let whole = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
    for clean in [true, false] {
        let body = whole.to_string();
        let (world, _folder) = ends_by_closing("application/json", &body, clean).await;
        let reply = world.ask(&call(&world, "two-m", false)).await.ok();
        let line = &world.log.lines(1).await[0];
        let failed = line["failed"].to_string();
        assert_eq!(reply.text().contains("Whole"), clean, "{}", reply.text());
        assert_eq!(failed.contains("close_notify"), !clean, "{line}");
    }
}

#[tokio::test]
async fn r4_a_stream_cut_without_the_close_of_tls_is_broken() {
    let chunk = json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Half"},
            "finish_reason": null}]});
    let body = format!("data: {chunk}\n\n");
    for clean in [true, false] {
        let (world, _folder) = ends_by_closing("text/event-stream", &body, clean).await;
        let reply = world.ask(&call(&world, "two-m", true)).await.ok();
        assert!(reply.text().contains("Half"), "{}", reply.text());
        assert!(reply.text().contains("\"error\""), "{}", reply.text());
        assert!(!reply.text().contains("[DONE]"), "{}", reply.text());
        let line = &world.log.lines(1).await[0];
        assert_eq!(line["outcome"], "broken", "{line}");
        let fault = line["fault"].to_string();
        assert_eq!(fault.contains("close_notify"), !clean, "{line}");
    }
}
