//! The benchmark backend answers well-formed HTTP, keep-alive and all.

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use vane_testkit::{Bench, bench};

use crate::wire::read;

#[tokio::test]
async fn one_connection_gets_unary_and_streamed_answers_by_path() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(bench::serve(
        listener,
        Bench {
            chunks: 200,
            pace_ms: 0,
        },
    ));
    let mut socket = TcpStream::connect(address).await.unwrap();
    for (path, unary) in [
        ("/v1/chat/completions", "chat.completion"),
        ("/anthropic/v1/messages?beta=true", "end_turn"),
        ("/v1/completions", "text_completion"),
        ("/v1/fim/completions", "chat.completion"),
        ("/infill", "eos"),
        ("/v1/responses", "completed"),
    ] {
        for body in [r#"{"stream":false}"#, r#"{"stream": true}"#] {
            let length = body.len();
            let head = format!("POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
            socket.write_all(head.as_bytes()).await.unwrap();
            let reply = read(&mut socket).await;
            assert!(
                reply.whole && reply.text().contains(unary),
                "{path}: {reply:?}"
            );
            let words = reply.text().matches("word ").count();
            let streamed = body.contains("true");
            assert_eq!(words >= 200, streamed, "{path}: {words}");
            assert!(
                streamed || (700..2000).contains(&reply.body.len()),
                "{}",
                reply.body.len()
            );
        }
    }
    server.abort();
}
