//! Strangers on the wire: requests that two readers could read in two ways, and those that come
//! in the oddest pieces.

use vane_testkit::{Answer, Script, When};

use crate::client::{Ask, answered};
use crate::door::Door;
use crate::world::World;

const PATH: &str = "/v1/chat/completions";

fn whole(world: &World, lines: &str, body: &str) -> String {
    let (key, length) = (&world.key, body.len());
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-length: {length}\r\n{lines}\r\n{body}"
    )
}

#[tokio::test]
async fn s14_requests_that_can_be_read_in_two_ways_are_refused_and_the_connection_closed() {
    let world = World::start().await;
    let body = Door::Chat.request("lab-m", "Hi", false).to_string();
    for lines in [
        "a: b\r\n c: d\r\n",
        "a: b\rc: d\r\n",
        "a: b\0\r\n",
        "content-length : 5\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding:\r\n",
        "content-length: 0\r\n",
        ": b\r\n",
        "a\r\n",
    ] {
        let mut connection = world.connect().await;
        let next = "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let text = whole(&world, lines, &body) + next;
        connection.write(text.as_bytes()).await;
        let reply = answered(&mut connection).await;
        assert_eq!(reply.status, 400, "{lines:?}: {}", reply.text());
        assert_eq!(reply.header("connection"), Some("close"), "{lines:?}");
        assert!(connection.until_closed().await.is_empty(), "{lines:?}");
    }
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn targets_of_every_form_are_answered_and_no_tunnel_is_made() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let long = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "x".repeat(9000)
    );
    for (text, status) in [
        (
            "GET http://localhost/health/live HTTP/1.1\r\nhost: localhost\r\n\r\n",
            200,
        ),
        (
            "GET http://localhost/v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
            400,
        ),
        (
            "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
            400,
        ),
        ("GET /v1/models HTTP/1.1\r\n\r\n", 400),
        (
            "CONNECT localhost:443 HTTP/1.1\r\nhost: localhost:443\r\n\r\n",
            404,
        ),
        ("OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n", 404),
        (
            "\r\n\r\nGET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n",
            200,
        ),
        (
            "GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
            200,
        ),
        (long.as_str(), 404),
    ] {
        connection.write(text.as_bytes()).await;
        let reply = answered(&mut connection).await;
        assert_eq!(reply.status, status, "{text:?}: {}", reply.text());
        assert_eq!(reply.header("connection"), None, "{text:?}");
    }
    let longer = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "x".repeat(90_000)
    );
    connection.write(longer.as_bytes()).await;
    let refused = answered(&mut connection).await;
    assert_eq!(refused.status, 431);
    assert!(refused.header("vane-request-id").is_some());
}

#[tokio::test]
async fn a_head_without_a_body_claims_no_other_length_than_the_body_would_have() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    for path in ["/", "/health/live", "/v1/models"] {
        let reply = connection
            .ask(&Ask::new("HEAD", path).key(&world.key))
            .await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-length"), None, "{path}");
        assert_eq!(reply.header("transfer-encoding"), None, "{path}");
    }
    connection.ask(&Ask::get("/health/live")).await.ok();
}

#[tokio::test]
async fn calls_that_come_together_are_answered_in_order_each_with_its_own_body() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let words = ["one", "two", "three"];
    let script = words.iter().fold(Script::new(), |script, word| {
        script.on(When::default().nth(1), Answer::text(word))
    });
    world.fake.script(script);
    let bodies = words.map(|word| {
        let call = Door::Chat.request("lab-m", word, word == "two");
        call.to_string()
    });
    let together: Vec<_> = bodies.iter().map(|body| whole(&world, "", body)).collect();
    connection.write(together.concat().as_bytes()).await;
    for word in words {
        let reply = answered(&mut connection).await.ok();
        assert_eq!(Door::Chat.read(&reply).text, word);
    }
    let came: Vec<_> = world.fake.calls();
    let came: Vec<_> = came.iter().map(|call| call.body_text()).collect();
    assert_eq!(came.len(), 3);
    let pairs = came.iter().zip(words);
    assert!(pairs.into_iter().all(|(body, word)| body.contains(word)));
}

#[tokio::test]
async fn a_call_that_comes_byte_by_byte_is_the_same_call() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let body = Door::Chat.request("lab-m", "Hi", false).to_string();
    let (first, second) = body.split_at(9);
    let head = whole(&world, "", "").replace("content-length: 0", "transfer-encoding: chunked");
    let text = format!(
        "{head}{:x};a=\"b\"\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\nx: y\r\n\r\n",
        first.len(),
        second.len()
    );
    for byte in text.bytes() {
        connection.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    answered(&mut connection).await.ok();
    assert_eq!(world.only_call().body_text(), body);
    connection.ask(&Ask::get("/health/live")).await.ok();
}
