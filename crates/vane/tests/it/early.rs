//! Upstreams that answer before they have read the request.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use vane::config::Config;

use crate::client::{Reply, within};
use crate::door::Door;
use crate::world::World;

/// More than the buffers of two sockets take.
const TEXT_BYTES: usize = 12 << 20;

/// A listener whose connections hold little of what nobody reads.
fn listener() -> (TcpListener, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let url = format!("http://{}/openai/v1", listener.local_addr().unwrap());
    (listener, url)
}

/// Reads the head only, answers, and then neither reads nor closes: the connection is given back.
async fn answered_early(listener: &TcpListener, answer: &str) -> TcpStream {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        head.push(socket.read_u8().await.unwrap());
    }
    socket.write_all(answer.as_bytes()).await.unwrap();
    socket
}

fn refusal(status: &str) -> String {
    let body = json!({"error": {"message": "early", "type": "x"}}).to_string();
    format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn large(stream: bool) -> Value {
    Door::Chat.request("two-m", &"x".repeat(TEXT_BYTES), stream)
}

fn lab_at(config: &mut Config, url: &str) {
    let lab = config.providers.iter_mut().find(|row| row.id == "lab");
    url.clone_into(&mut lab.unwrap().base_url);
    // A time limit must not be what saves the test.
    config.timeouts.upstream_head = Duration::from_secs(600);
    config.retries.per_offer_max = 1;
}

/// What becomes of a large call whose first upstream says `status` early, and of a second call.
async fn early(status: &'static str) -> (Reply, World) {
    let (listener, url) = listener();
    let world = World::with(|config| lab_at(config, &url)).await;
    let upstream = tokio::spawn(async move {
        let first = answered_early(&listener, &refusal(status)).await;
        // Half a request is in there: no other may follow on it.
        let second = answered_early(&listener, &refusal(status)).await;
        (first, second)
    });
    let path = Door::Chat.path();
    let reply = world.post(path, large(false)).await;
    let lab_only = json!({"model": "lab/lab-m", "messages": [{"role": "user", "content": "Hi"}]});
    world.post(path, lab_only).await;
    let met = within("a second connection", upstream).await;
    drop(met.unwrap());
    (reply, world)
}

#[tokio::test]
async fn an_upstream_that_answers_before_it_read_the_body_is_heard_at_once() {
    let (reply, world) = early("413 Payload Too Large").await;
    assert_eq!(reply.status, 413, "{}", reply.text());
    assert!(world.second.calls().is_empty(), "the caller's own fault");
    for status in ["429 Too Many Requests", "401 Unauthorized", "503 Busy"] {
        let (reply, world) = early(status).await;
        let said = Door::Chat.read(&reply.ok());
        assert!(!said.text.is_empty(), "{status}: the spare answers");
        assert_eq!(world.second.calls().len(), 1, "{status}");
    }
}
