//! Each fault, seen from the other end of the socket.

use tokio::io::AsyncReadExt;
use vane_testkit::{
    Answer, Canary, ClosedPort, Ended, ErrorBody, FakeUpstream, Fault, Script, Settings, When,
};

use crate::wire::{DOORS, Reply, ask, open, read, send};

const CHAT: &str = "/openai/v1/chat/completions";

async fn chat(upstream: &FakeUpstream, fault: Fault, stream: bool) -> Reply {
    upstream.always(Answer::text("one two three").with_fault(fault));
    send(upstream, CHAT, &ask(CHAT, stream)).await
}

#[tokio::test]
async fn error_statuses_have_the_body_of_their_provider() {
    let upstream = FakeUpstream::start().await.unwrap();
    for (path, status, wanted) in [
        (CHAT, 429, r#""code":"rate_limit_exceeded""#),
        (
            "/anthropic/v1/messages",
            529,
            r#""type":"overloaded_error""#,
        ),
        ("/mistral/v1/chat/completions", 429, r#""code":"1300""#),
    ] {
        upstream.always(Answer::fault(Fault::status(status)).header("retry-after", "2"));
        let reply = send(&upstream, path, &ask(path, true)).await;
        assert_eq!(reply.status, status);
        assert!(reply.text().contains(wanted), "{path}: {}", reply.text());
        assert!(reply.head.contains("retry-after: 2"), "{}", reply.head);
    }
}

#[tokio::test]
async fn every_documented_error_body_can_be_sent() {
    let upstream = FakeUpstream::start().await.unwrap();
    for (body, wanted) in [
        (ErrorBody::MistralObject, r#""message":{"detail":[{"#),
        (ErrorBody::MistralDetail, r#"{"detail":[{"type":"missing""#),
        (ErrorBody::MistralCode, r#""raw_status_code":502"#),
        (
            ErrorBody::MistralUnauthorized,
            r#"{"detail":"Unauthorized"}"#,
        ),
        (ErrorBody::MistralEdge, r#""request_id":"#),
        (
            ErrorBody::MistralRate,
            r#"{"message":"Requests rate limit exceeded"}"#,
        ),
        (ErrorBody::Openai, r#"{"error":{"#),
        (ErrorBody::Anthropic, r#"{"type":"error""#),
        (ErrorBody::Html, "502 Bad Gateway"),
        (ErrorBody::Plain, "upstream connect error"),
        (ErrorBody::Empty, ""),
        (ErrorBody::Raw("[]".into()), "[]"),
    ] {
        let reply = chat(&upstream, Fault::Status { status: 502, body }, false).await;
        assert_eq!(reply.status, 502);
        assert!(
            reply.whole && reply.text().contains(wanted),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn t18_success_statuses_that_carry_errors() {
    let upstream = FakeUpstream::start().await.unwrap();
    let object = chat(&upstream, Fault::OkErrorObject, false).await;
    assert_eq!(
        (object.status, object.json()["error"].is_object()),
        (200, true)
    );
    let page = chat(&upstream, Fault::OkHtml, false).await;
    assert!(page.head.contains("text/html") && page.text().starts_with("<html>"));
    let first = chat(&upstream, Fault::ErrorFirst, true).await;
    assert!(
        first.text().starts_with(r#"data: {"error""#),
        "{}",
        first.text()
    );
    let later = chat(&upstream, Fault::ErrorAfter(2), true).await;
    assert_eq!(later.events().len(), 3);
    assert!(later.events()[2]["error"].is_object() && later.whole);
    let wrong = chat(&upstream, Fault::ContentType("text/plain".into()), true).await;
    assert!(wrong.head.contains("content-type: text/plain") && wrong.whole);
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_event_of_the_dialect() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::text("one two").with_fault(Fault::ErrorAfter(1)));
    for (path, ..) in DOORS {
        let reply = send(&upstream, path, &ask(path, true)).await;
        let last = reply.events().pop().unwrap();
        let named = reply.text().contains("event: error\n");
        assert_eq!(named, last["type"] == "error", "{path}: {last}");
        assert_eq!(
            named,
            path.contains("messages") || path.contains("responses"),
            "{path}"
        );
        assert!(last.to_string().contains("error"), "{path}: {last}");
    }
}

#[tokio::test]
async fn unstreamed_answers_fail_in_well_framed_ways_too() {
    let upstream = FakeUpstream::start().await.unwrap();
    let error = chat(&upstream, Fault::ErrorAfter(2), false).await;
    assert!(error.whole && error.json()["error"].is_object());
    let giant = chat(&upstream, Fault::GiantFrame(1000), false).await;
    assert!(giant.whole && giant.head.contains("chunked"), "{giant:?}");
    let half = chat(&upstream, Fault::HalfChunk, false).await;
    assert!(!half.whole && half.head.contains("chunked"), "{half:?}");
}

#[tokio::test]
async fn answers_are_cut_where_the_script_says() {
    let upstream = FakeUpstream::start().await.unwrap();
    for (path, ..) in DOORS {
        let cut = Fault::Truncate {
            frames: 1,
            bytes: 9,
            clean: false,
        };
        upstream.always(Answer::text("one two three").with_fault(cut));
        let reply = send(&upstream, path, &ask(path, true)).await;
        assert!(
            !reply.whole && !reply.body.ends_with(b"\n\n"),
            "{path}: {reply:?}"
        );
    }
    let clean = Fault::Truncate {
        frames: 2,
        bytes: 0,
        clean: true,
    };
    let reply = chat(&upstream, clean, true).await;
    assert!(reply.whole && !reply.text().contains("[DONE]"));
    let unary = Fault::Truncate {
        frames: 0,
        bytes: 20,
        clean: false,
    };
    let reply = chat(&upstream, unary, false).await;
    assert_eq!((reply.body.len(), reply.whole), (20, false));
    let reply = chat(&upstream, Fault::LongLength(5), false).await;
    assert!(!reply.whole && reply.json()["id"].is_string());
    for fault in [Fault::BadChunk, Fault::HalfChunk] {
        let reply = chat(&upstream, fault, true).await;
        assert!(!reply.whole && reply.events().len() == 1, "{reply:?}");
    }
    let reply = chat(&upstream, Fault::HalfHead, false).await;
    assert!(reply.head.starts_with("HTTP/1.1 200") && !reply.head.contains("\r\n\r\n"));
    let reply = chat(&upstream, Fault::Close, false).await;
    assert_eq!(reply.head, "");
    assert!(
        upstream
            .calls()
            .iter()
            .any(|call| call.ended == Some(Ended::Cut))
    );
}

#[tokio::test]
async fn silence_ends_only_when_the_client_leaves() {
    let upstream = FakeUpstream::start().await.unwrap();
    for (index, fault) in [Fault::Stall(2), Fault::Endless, Fault::SlowHead]
        .into_iter()
        .enumerate()
    {
        let slow = fault == Fault::SlowHead;
        upstream.always(Answer::text("one two").with_fault(fault));
        let mut socket = open(&upstream, CHAT, &ask(CHAT, true)).await;
        if slow {
            assert_eq!(socket.read_u8().await.unwrap(), b'H');
        } else {
            upstream.wait_frames(index, 2).await.unwrap();
        }
        drop(socket);
        let call = upstream.wait_closed(index).await.unwrap();
        assert_eq!(call.ended, Some(Ended::ClientLeft));
        assert!(call.lasted().is_some());
    }
}

#[tokio::test]
async fn r10_giant_frames_and_bombs() {
    let upstream = FakeUpstream::start().await.unwrap();
    let giant = chat(&upstream, Fault::GiantFrame(1_000_000), true).await;
    let line = giant.body.rsplit(|byte| *byte == b'\n').next().unwrap();
    assert!(line.len() > 1_000_000);
    let bomb = chat(&upstream, Fault::Bomb(10_000_000), false).await;
    assert!(bomb.head.contains("content-encoding: gzip") && bomb.body.len() < 100_000);
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(
        &mut flate2::read::GzDecoder::new(&bomb.body[..]),
        &mut unpacked,
    )
    .unwrap();
    assert_eq!(unpacked.len(), 10_000_000);
}

#[tokio::test]
async fn redirects_rude_headers_and_ports_that_are_closed() {
    let upstream = FakeUpstream::start().await.unwrap();
    let canary = Canary::start().await.unwrap();
    let reply = chat(&upstream, Fault::Redirect(canary.url()), false).await;
    assert!(reply.status == 302 && reply.head.contains(&format!("location: {}", canary.url())));
    assert_eq!(canary.hits().await.unwrap(), 0);
    let address = canary.url().replace("http://", "");
    tokio::net::TcpStream::connect(address).await.unwrap();
    assert_eq!(canary.hits().await.unwrap(), 1);
    upstream.always(Answer::text("Hi").rude_headers());
    let reply = send(&upstream, CHAT, &ask(CHAT, false)).await;
    assert!(reply.head.contains("set-cookie: ") && reply.head.contains("openai-organization: "));
    let closed = ClosedPort::reserve().unwrap().url().unwrap();
    let address = closed.trim_start_matches("http://").to_owned();
    let fault = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(fault.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn accepted_connections_can_be_closed_at_once() {
    let settings = Settings {
        close_on_accept: 1,
        ..Settings::default()
    };
    let upstream = FakeUpstream::with(settings).await.unwrap();
    let mut first = tokio::net::TcpStream::connect(upstream.address())
        .await
        .unwrap();
    assert_eq!(read(&mut first).await.head, "");
    assert_eq!(send(&upstream, CHAT, &ask(CHAT, false)).await.status, 200);
}

#[tokio::test]
async fn rules_apply_in_order_and_by_count() {
    let upstream = FakeUpstream::start().await.unwrap();
    let script = Script::new()
        .on(When::model("other"), Answer::fault(Fault::status(404)))
        .on(
            When::path("/chat/completions").nth(2),
            Answer::fault(Fault::status(503)),
        )
        .on(
            When::path("/chat/completions").first(1),
            Answer::fault(Fault::status(500)),
        );
    upstream.script(script);
    for status in [500, 503, 200] {
        assert_eq!(
            send(&upstream, CHAT, &ask(CHAT, false)).await.status,
            status
        );
    }
    let other = ask(CHAT, false).replace("codestral-latest", "other");
    assert_eq!(send(&upstream, CHAT, &other).await.status, 404);
}
