//! Connections of HTTP/2 while the server stops.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vane_testkit::Answer;

use crate::client::within;
use crate::door::Door;
use crate::world::World;

/// The preface of a client, with settings that say nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

async fn drains_long() -> World {
    World::with(|config| config.timeouts.drain = Duration::from_secs(3600)).await
}

/// A client that has begun and then sleeps: it answers nothing that the server asks.
async fn asleep(world: &World) -> TcpStream {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(PREFACE).await.unwrap();
    let settings = within("the server's settings", socket.read_u32()).await;
    settings.unwrap();
    socket
}

async fn until_closed(mut socket: TcpStream) {
    let reading = async { while matches!(socket.read(&mut [0; 1024]).await, Ok(1..)) {} };
    within("the connection to close", reading).await;
}

#[tokio::test]
async fn r9_an_http2_client_that_sleeps_does_not_hold_the_drain_up() {
    let mut world = drains_long().await;
    let sleeper = asleep(&world).await;
    let server = world.take_server();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    within("the server to stop", stopped).await.unwrap();
    until_closed(sleeper).await;
}

/// Connections without a call are let go while this one waits for its client.
#[tokio::test]
async fn r9_an_answer_of_http2_that_its_client_has_not_taken_is_not_cut_by_the_drain() {
    let mut world = drains_long().await;
    let long = "word ".repeat(60_000);
    world.fake.always(Answer::text(&long));
    let socket = TcpStream::connect(world.address).await.unwrap();
    let handshake = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .handshake(TokioIo::new(socket))
        .await;
    let (mut sender, connection) = handshake.unwrap();
    let connection = tokio::spawn(connection);
    let body = Door::Chat.request("lab-m", "Hi", false).to_string();
    let request = http::Request::post("http://localhost/v1/chat/completions")
        .header("authorization", format!("Bearer {}", world.key))
        .body(Full::new(Bytes::from(body)));
    let answer = within("a head", sender.send_request(request.unwrap())).await;
    let sleeper = asleep(&world).await;
    let server = world.take_server();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    until_closed(sleeper).await;
    let answer = within("the answer", answer.unwrap().into_body().collect()).await;
    let answer = answer.unwrap().to_bytes();
    assert!(answer.ends_with(b"}") && answer.len() > long.len());
    drop(sender);
    within("the server to stop", stopped).await.unwrap();
    within("the connection to end", connection)
        .await
        .unwrap()
        .unwrap();
}
