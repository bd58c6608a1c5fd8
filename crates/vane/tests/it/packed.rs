//! Answers and errors of upstreams that come packed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::client::{Reply, within};
use crate::door::Door;
use crate::world::World;

/// As some servers pack what they write in pieces: a member of gzip for each.
fn two_members(plain: &str) -> Vec<u8> {
    let mut packed = Vec::new();
    let (first, second) = plain.split_at(plain.len() / 2);
    for part in [first, second] {
        let mut packer = GzEncoder::new(&mut packed, Compression::default());
        packer.write_all(part.as_bytes()).unwrap();
        packer.finish().unwrap();
    }
    packed
}

/// What a caller gets of an upstream's packed answer.
async fn told(status: &str, encoding: &str, plain: &str) -> Reply {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::with(|config| {
        let lab = config.providers.iter_mut().find(|row| row.id == "lab");
        lab.unwrap().base_url = format!("http://{address}/v1");
        config.retries.attempts_max = 1;
    })
    .await;
    let packed = two_members(plain);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-encoding: {encoding}\r\n\
         content-length: {}\r\n\r\n",
        packed.len()
    );
    let upstream = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"}") {
            assert!(socket.read_buf(&mut asked).await.unwrap() > 0);
        }
        let answer = [head.as_bytes(), &packed].concat();
        socket.write_all(&answer).await.unwrap();
        socket
    };
    let body = Door::Chat.request("lab-m", "Hi", false);
    let asking = world.post(Door::Chat.path(), body);
    let (reply, _socket) = within("an answer", async { tokio::join!(asking, upstream) }).await;
    reply
}

#[tokio::test]
async fn a_packed_error_of_an_upstream_is_read() {
    let error = json!({"error": {"message": "the prompt is odd", "type": "invalid_request_error"}});
    for encoding in ["gzip", "GZIP", "x-gzip"] {
        let reply = told("400 Bad Request", encoding, &error.to_string()).await;
        assert_eq!(reply.status, 400);
        assert!(
            reply.text().contains("the prompt is odd"),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn a_packed_answer_of_several_members_is_one_answer_in_any_case() {
    let answer = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "lab-m",
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello there"},
        }],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    for encoding in ["gzip", "GZIP"] {
        let reply = told("200 OK", encoding, &answer.to_string()).await.ok();
        assert_eq!(Door::Chat.read(&reply).text, "Hello there");
    }
}
