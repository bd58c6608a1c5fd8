//! The `/__` paths, as a client in another language uses them.

use serde_json::json;
use vane_testkit::FakeUpstream;

use crate::wire::{ask, open, read, send};

const CHAT: &str = "/openai/v1/chat/completions";

#[tokio::test]
async fn a_script_in_json_does_what_the_builder_does() {
    let upstream = FakeUpstream::start().await.unwrap();
    let script = json!({"rules": [
        {"when": {"path": "/chat/completions", "nth": 1},
         "answer": {"fault": {"status": {"status": 429, "body": "mistral_rate"}},
                    "headers": [["retry-after-ms", "5"]]}},
        {"when": {"model": "codestral-latest"},
         "answer": {"parts": [{"text": "Hi"}, {"tool": {"id": "c1", "name": "f", "arguments": "{}"}}],
                    "shape": {"tools": "whole", "usage": "own_chunk"}, "split": {"random": 3},
                    "lines": {"crlf": true}, "usage": {"prompt": 9, "completion": 2},
                    "fault": {"error_after": 2}}}
    ]});
    assert_eq!(
        send(&upstream, "/__script", &script.to_string())
            .await
            .status,
        200
    );
    let first = send(&upstream, CHAT, &ask(CHAT, true)).await;
    assert_eq!(
        (first.status, first.head.contains("retry-after-ms: 5")),
        (429, true)
    );
    let second = send(&upstream, CHAT, &ask(CHAT, true)).await;
    assert!(
        second.events().last().unwrap()["error"].is_object(),
        "{}",
        second.text()
    );
    let calls = send(&upstream, "/__calls", "").await.json();
    assert_eq!(
        (&calls[0]["status"], &calls[1]["ended"]),
        (&json!(429), &json!("whole"))
    );
    assert_eq!(send(&upstream, "/__reset", "{}").await.status, 200);
    assert_eq!(send(&upstream, "/__calls", "").await.json(), json!([]));
    assert_eq!(send(&upstream, CHAT, &ask(CHAT, false)).await.status, 200);
}

#[tokio::test]
async fn a_mistake_in_a_script_is_refused() {
    let upstream = FakeUpstream::start().await.unwrap();
    for script in [
        r#"{"rulez":[]}"#,
        r#"{"rules":[{"answer":{"fault":"no_such"}}]}"#,
        "{",
    ] {
        assert_eq!(
            send(&upstream, "/__script", script).await.status,
            400,
            "{script}"
        );
    }
}

#[tokio::test]
async fn gates_and_closes_are_reachable_from_outside() {
    let upstream = FakeUpstream::start().await.unwrap();
    let script = json!({"rules": [{"answer": {"gate": "g"}}]});
    send(&upstream, "/__script", &script.to_string()).await;
    let mut client = open(&upstream, CHAT, &ask(CHAT, true)).await;
    send(&upstream, "/__gate?name=g&open=2", "{}").await;
    upstream.wait_frames(0, 2).await.unwrap();
    send(&upstream, "/__gate?name=g&open=all", "{}").await;
    assert!(read(&mut client).await.text().ends_with("[DONE]\n\n"));
    assert_eq!(send(&upstream, "/__closed?call=0", "").await.status, 200);
    assert_eq!(
        upstream.calls()[0].frames,
        upstream.wait_closed(0).await.unwrap().frames
    );
}
