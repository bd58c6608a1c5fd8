//! Gates, the record, and HTTP/2.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use vane_testkit::{Answer, Ended, FakeUpstream, Fault, Settings};

use crate::wire::{ask, open, read, send};

const CHAT: &str = "/openai/v1/chat/completions";

#[tokio::test]
async fn r12_a_gated_stream_ends_when_its_client_leaves() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::text("one two three four").gate("slow"));
    let client = open(&upstream, CHAT, &ask(CHAT, true)).await;
    upstream.gate("slow").open(3);
    upstream.wait_frames(0, 3).await.unwrap();
    assert_eq!(upstream.calls()[0].ended, None);
    drop(client);
    let call = upstream.wait_closed(0).await.unwrap();
    assert_eq!((call.ended, call.frames), (Some(Ended::ClientLeft), 3));
    assert_eq!(
        String::from_utf8(call.sent)
            .unwrap()
            .matches("data: ")
            .count(),
        3
    );
}

#[tokio::test]
async fn a_gated_head_comes_when_the_gate_opens() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::text("Hi").head_gate("head"));
    let mut client = open(&upstream, CHAT, &ask(CHAT, false)).await;
    let call = upstream.wait_call(0).await.unwrap();
    assert_eq!((call.frames, call.ended), (0, None));
    upstream.gate("head").open(1);
    assert_eq!(read(&mut client).await.status, 200);
}

#[tokio::test]
async fn calls_are_recorded_in_order_with_their_bytes() {
    let upstream = FakeUpstream::start().await.unwrap();
    let body = ask(CHAT, false);
    let mut client = open(&upstream, &format!("{CHAT}?beta=true"), &body).await;
    assert_eq!(read(&mut client).await.status, 200);
    send(&upstream, "/openai/v1/models", "").await;
    let call = upstream.wait_closed(1).await.unwrap();
    assert_eq!((call.request.method.as_str(), call.connection), ("GET", 1));
    let first = &upstream.calls()[0];
    assert_eq!(
        (first.body_text(), first.request.query.as_str()),
        (body.as_str(), "beta=true")
    );
    assert_eq!(
        first.request.header("Authorization"),
        Some("Bearer sk-test")
    );
    assert_eq!(
        (first.ended, first.frames, first.status),
        (Some(Ended::Whole), 1, 200)
    );
    upstream.reset();
    assert!(upstream.calls().is_empty());
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_a_401_of_the_dialect() {
    let settings = Settings {
        key: Some("sk-right".into()),
        ..Settings::default()
    };
    let upstream = FakeUpstream::with(settings).await.unwrap();
    for (path, wanted) in [
        (CHAT, "invalid_api_key"),
        ("/anthropic/v1/messages", "authentication_error"),
        (
            "/mistral/v1/chat/completions",
            r#"{"detail":"Unauthorized"}"#,
        ),
    ] {
        let reply = send(&upstream, path, &ask(path, false)).await;
        assert_eq!(reply.status, 401);
        assert!(reply.text().contains(wanted), "{}", reply.text());
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_gets_the_same_answers() {
    let settings = Settings {
        only_h2: true,
        ..Settings::default()
    };
    let upstream = FakeUpstream::with(settings).await.unwrap();
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = http::Request::post(format!("{}/chat/completions", upstream.openai_url()))
        .header("authorization", "Bearer sk-test")
        .body(Full::<Bytes>::from(ask(CHAT, true)))
        .unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(bytes.ends_with(b"data: [DONE]\n\n"));
    assert_eq!(
        upstream.wait_closed(0).await.unwrap().ended,
        Some(Ended::Whole)
    );
    assert_eq!(send(&upstream, CHAT, &ask(CHAT, false)).await.head, "");
}

#[tokio::test]
async fn http2_streams_that_are_reset_are_noticed() {
    let upstream = FakeUpstream::start().await.unwrap();
    upstream.always(Answer::text("one two three").with_fault(Fault::Stall(2)));
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = http::Request::post(format!("{}/chat/completions", upstream.openai_url()))
        .header("authorization", "Bearer sk-test")
        .body(Full::<Bytes>::from(ask(CHAT, true)))
        .unwrap();
    let response = client.request(request).await.unwrap();
    upstream.wait_frames(0, 2).await.unwrap();
    drop(response);
    let call = upstream.wait_closed(0).await.unwrap();
    assert_eq!(call.ended, Some(Ended::ClientLeft));
}
