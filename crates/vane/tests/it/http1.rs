//! HTTP/1.1 as clients speak it, politely and otherwise.

use std::time::Duration;

use vane_testkit::Answer;

use crate::client::{Ask, answered, within};
use crate::door::Door;
use crate::world::World;

const PATH: &str = "/v1/chat/completions";

fn body(stream: bool) -> String {
    Door::Chat.request("lab-m", "Hi", stream).to_string()
}

/// A head with `lines`, for a call of this world.
fn head(world: &World, version: &str, lines: &str) -> String {
    let key = &world.key;
    format!(
        "POST {PATH} {version}\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n{lines}\r\n"
    )
}

#[tokio::test]
async fn a_body_in_chunks_is_one_body() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let body = body(false);
    let (first, second) = body.split_at(7);
    let chunks = format!(
        "{}{:x};a=b\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\nx-trailer: 1\r\n\r\n",
        head(&world, "HTTP/1.1", "transfer-encoding: chunked\r\n"),
        first.len(),
        second.len(),
    );
    connection.write(chunks.as_bytes()).await;
    answered(&mut connection).await.ok();
    assert_eq!(world.only_call().body_text(), body);
    // What follows the last chunk is the next call.
    connection.ask(&Ask::get("/health/live")).await.ok();
}

#[tokio::test]
async fn chunks_that_could_be_read_in_two_ways_are_refused() {
    let world = World::start().await;
    for chunks in [
        "5\nhello\n0\n\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n",
    ] {
        let mut connection = world.connect().await;
        let head = head(&world, "HTTP/1.1", "transfer-encoding: chunked\r\n");
        connection.write(format!("{head}{chunks}").as_bytes()).await;
        let reply = answered(&mut connection).await;
        assert_eq!(reply.status, 400, "{chunks:?}: {}", reply.text());
        assert_eq!(reply.header("connection"), Some("close"));
        assert!(connection.until_closed().await.is_empty());
    }
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let body = body(false);
    let lines = format!("content-length: {}\r\nexpect: 100-continue\r\n", body.len());
    let head = head(&world, "HTTP/1.1", &lines);
    connection.write(head.as_bytes()).await;
    let interim = within("100", connection.head()).await.unwrap();
    assert_eq!(interim.reply.status, 100);
    connection.write(body.as_bytes()).await;
    answered(&mut connection).await.ok();
}

#[tokio::test]
async fn s14_a_client_that_waits_with_too_much_is_refused_without_a_byte_of_it() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let lines = "content-length: 99000000000\r\nexpect: 100-continue\r\n";
    let head = head(&world, "HTTP/1.1", lines);
    connection.write(head.as_bytes()).await;
    let reply = answered(&mut connection).await;
    assert_eq!(reply.status, 413, "{}", reply.text());
    assert!(connection.until_closed().await.is_empty());
}

#[tokio::test]
async fn http_1_0_gets_bodies_that_it_understands() {
    let world = World::start().await;
    for (lines, stays) in [("", false), ("connection: Keep-Alive\r\n", true)] {
        let mut connection = world.connect().await;
        let body = body(false);
        let lines = format!("content-length: {}\r\n{lines}", body.len());
        let head = head(&world, "HTTP/1.0", &lines);
        connection.write(format!("{head}{body}").as_bytes()).await;
        let reply = answered(&mut connection).await.ok();
        let told = reply.header("connection");
        assert_eq!(told, Some(if stays { "keep-alive" } else { "close" }));
        if stays {
            connection.ask(&Ask::get("/health/live")).await.ok();
        } else {
            assert!(connection.until_closed().await.is_empty());
        }
    }
    // A stream ends with its connection: there are no chunks.
    let mut connection = world.connect().await;
    let body = body(true);
    let lines = format!(
        "content-length: {}\r\nconnection: keep-alive\r\n",
        body.len()
    );
    let head = head(&world, "HTTP/1.0", &lines);
    connection.write(format!("{head}{body}").as_bytes()).await;
    let text = String::from_utf8(connection.until_closed().await).unwrap();
    let (head, frames) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("connection: close") && !head.contains("chunked"),
        "{head}"
    );
    assert!(
        frames.starts_with("data: ") && frames.ends_with("data: [DONE]\n\n"),
        "{frames}"
    );
}

#[tokio::test]
async fn a_client_that_asks_to_close_is_closed() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let ask = Ask::post(PATH, body(false))
        .key(&world.key)
        .header("connection", "close");
    let reply = connection.ask(&ask).await.ok();
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(connection.until_closed().await.is_empty());
}

/// Who floods a refused call with the rest of its body still reads the refusal.
#[tokio::test]
async fn a_body_that_nobody_reads_does_not_take_the_answer_back() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let text = "x".repeat(1 << 20);
    let lines = format!("content-length: {}\r\n", text.len());
    let head = head(&world, "HTTP/1.1", &lines).replace(PATH, "/v1/nothing");
    connection.write(format!("{head}{text}").as_bytes()).await;
    let reply = answered(&mut connection).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
    assert!(connection.until_closed().await.is_empty());
}

#[tokio::test]
async fn heads_that_cannot_be_served_say_why() {
    let world = World::with(|config| config.limits.header_bytes_max = 2048).await;
    for (head, status) in [
        (
            format!(
                "GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n",
                "b".repeat(4000)
            ),
            431,
        ),
        ("GET / HTTP/2.0\r\nhost: x\r\n\r\n".to_owned(), 505),
        (
            "GET / HTTP/1.1\r\nhost: x\r\nexpect: more\r\n\r\n".to_owned(),
            417,
        ),
        ("GET / HTTP/1.1\r\nhost x\r\n\r\n".to_owned(), 400),
    ] {
        let mut connection = world.connect().await;
        connection.write(head.as_bytes()).await;
        let reply = answered(&mut connection).await;
        assert_eq!(reply.status, status, "{}", reply.text());
        let said = reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            said.starts_with("the request")
                || said.contains("HTTP/1.1")
                || said.contains("100-continue"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn r9_an_idle_connection_does_not_hold_the_drain_up() {
    let mut world = World::with(|config| config.timeouts.drain = Duration::from_secs(3600)).await;
    let _unused = world.connect().await;
    let mut used = world.connect().await;
    used.ask(&Ask::get("/health/live")).await.ok();
    let server = world.take_server();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    within("the server to stop", stopped).await.unwrap();
    assert!(used.until_closed().await.is_empty());
}

/// Some of these are on their way to a worker when the drain begins.
#[tokio::test]
async fn r9_connections_made_as_the_drain_begins_do_not_hold_it_up() {
    let mut world = World::with(|config| config.timeouts.drain = Duration::from_secs(3600)).await;
    let mut unused = Vec::new();
    for _ in 0..300 {
        unused.push(world.connect().await);
    }
    let server = world.take_server();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    within("the server to stop", stopped).await.unwrap();
}

/// A chunk is written when it comes, however slowly the next one does.
#[tokio::test]
async fn a_large_chunk_and_a_small_one_arrive_whole_and_in_order() {
    let world = World::start().await;
    let long = "word ".repeat(40_000);
    world.fake.always(Answer::text(&format!("{long}end")));
    let mut connection = world.connect().await;
    for stream in [true, false, true] {
        let ask = Ask::post(PATH, body(stream)).key(&world.key);
        let reply = connection.ask(&ask).await.ok();
        assert_eq!(reply.text().matches("word").count(), 40_000);
        assert!(reply.text().contains("end"));
    }
}
