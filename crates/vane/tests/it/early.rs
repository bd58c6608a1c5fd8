//! Upstreams that answer before they have read the request.

use std::any::Any;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use vane::config::Config;
use vane_testkit::Authority;

use crate::client::{Reply, within};
use crate::door::Door;
use crate::world::{Folder, World};

/// More than the buffers of two sockets take.
const TEXT_BYTES: usize = 12 << 20;

/// A listener whose connections hold little of what nobody reads, and its port.
fn listener() -> (TcpListener, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Reads the head only, answers, and then neither reads nor closes: the connection is given back.
async fn answered_early<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S, answer: &str) -> S {
    let mut head = Vec::new();
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        head.push(socket.read_u8().await.unwrap());
    }
    socket.write_all(answer.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    socket
}

/// Answers two connections early, with TLS or without; both stay open.
async fn upstream(listener: TcpListener, tls: Option<TlsAcceptor>, status: &str) {
    let mut open: Vec<Box<dyn Any + Send>> = Vec::new();
    // Half a request is in the first one: no other may follow on it.
    for _ in 0..2 {
        let (socket, _) = listener.accept().await.unwrap();
        let answer = refusal(status);
        open.push(match &tls {
            None => Box::new(answered_early(socket, &answer).await),
            Some(tls) => {
                let socket = tls.accept(socket).await.unwrap();
                Box::new(answered_early(socket, &answer).await)
            }
        });
    }
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
async fn early(status: &'static str, secure: bool) -> (Reply, World) {
    let (listener, port) = listener();
    let (authority, folder) = (Authority::new("private").unwrap(), Folder::new());
    let path = folder.0.join("authority.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    let certificate = authority.certificate("localhost").unwrap();
    let tls = secure.then(|| certificate.acceptor(&["http/1.1"]).unwrap());
    let scheme = if secure { "https" } else { "http" };
    let world = World::with(|config| {
        config.workers = 1;
        config.outbound.extra_ca = vec![path];
        lab_at(config, &format!("{scheme}://localhost:{port}/openai/v1"));
    })
    .await;
    let answering = tokio::spawn(upstream(listener, tls, status));
    let path = Door::Chat.path();
    let reply = world.post(path, large(false)).await;
    let lab_only = json!({"model": "lab/lab-m", "messages": [{"role": "user", "content": "Hi"}]});
    world.post(path, lab_only).await;
    let met = within("a second connection", answering).await;
    met.unwrap();
    (reply, world)
}

#[tokio::test]
async fn an_upstream_that_answers_before_it_read_the_body_is_heard_at_once() {
    for secure in [false, true] {
        let (reply, world) = early("413 Payload Too Large", secure).await;
        assert_eq!(reply.status, 413, "{}", reply.text());
        assert!(world.second.calls().is_empty(), "the caller's own fault");
        for status in ["429 Too Many Requests", "401 Unauthorized", "503 Busy"] {
            let (reply, world) = early(status, secure).await;
            let said = Door::Chat.read(&reply.ok());
            assert!(!said.text.is_empty(), "{status}: the spare answers");
            assert_eq!(world.second.calls().len(), 1, "{status}");
        }
    }
}

/// An upstream of HTTP/2 that refuses every call at once and keeps its body, unread.
async fn refuses_over_http2(listener: TcpListener) {
    let (socket, _) = listener.accept().await.unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let service = service_fn(move |request: http::Request<Incoming>| {
        kept.lock().unwrap().push(request.into_body());
        let refusal = json!({"error": {"message": "early", "type": "x"}}).to_string();
        let answer = http::Response::builder().status(413);
        let answer = answer.header("content-type", "application/json");
        let answer = answer.body(Full::new(Bytes::from(refusal)));
        async move { Ok::<_, Infallible>(answer.unwrap()) }
    });
    let server = http2::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(socket), service).await;
}

#[tokio::test]
async fn an_upstream_of_http2_that_answers_early_is_heard_and_its_connection_serves_on() {
    let (listener, port) = listener();
    let world = World::with(|config| {
        config.workers = 1;
        lab_at(config, &format!("http://127.0.0.1:{port}/openai/v1"));
        let lab = config.providers.iter_mut().find(|row| row.id == "lab");
        lab.unwrap().h2c = true;
    })
    .await;
    let serving = tokio::spawn(refuses_over_http2(listener));
    for _ in 0..3 {
        let reply = world.post(Door::Chat.path(), large(false)).await;
        assert_eq!(reply.status, 413, "{}", reply.text());
    }
    serving.abort();
}
