use super::*;
use crate::fault::{Blame, Fault, Kind};
use serde_json::Value;

/// Status and body -> kind, blame, what the message holds, code.
type Case = (
    u16,
    &'static str,
    Kind,
    Blame,
    &'static str,
    Option<&'static str>,
);

const CASES: &[Case] = &[
    (
        422,
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","messages",0,"user","name"],"msg":"Extra inputs are not permitted","input":"x"}]},"type":"invalid_request_error","param":null,"code":null}"#,
        Kind::Invalid,
        Blame::Caller,
        "messages[0].user.name: Extra inputs are not permitted",
        Some("invalid_request_error"),
    ),
    (
        422,
        r#"{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"},{"loc":["body"],"msg":"b"}]}"#,
        Kind::Invalid,
        Blame::Caller,
        "model: Field required; b",
        None,
    ),
    (
        422,
        r#"{"object":"error","message":[{"loc":["body","n"],"msg":"too many"}],"type":"invalid_request_error","param":null,"code":"3001"}"#,
        Kind::Invalid,
        Blame::Caller,
        "n: too many",
        Some("3001"),
    ),
    (
        429,
        r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300","raw_status_code":429}"#,
        Kind::RateLimited,
        Blame::Upstream,
        "Rate limit exceeded",
        Some("1300"),
    ),
    (
        429,
        r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","param":null,"code":"3505"}"#,
        Kind::RateLimited,
        Blame::Upstream,
        "capacity exceeded",
        Some("3505"),
    ),
    (
        400,
        r#"{"object":"error","message":"Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant","type":"invalid_request_message_order","param":null,"code":"3230","raw_status_code":400}"#,
        Kind::Invalid,
        Blame::Caller,
        "Expected last role",
        Some("3230"),
    ),
    (
        400,
        r#"{"object":"error","message":"Prompt contains 40000 tokens, too large for model with 32768 maximum context length","type":"invalid_request_error","param":null,"code":"3051"}"#,
        Kind::ContextLength,
        Blame::Caller,
        "too large",
        Some("3051"),
    ),
    (
        400,
        r#"{"object":"error","message":"Invalid model: nope","type":"invalid_model","param":null,"code":"1500"}"#,
        Kind::NotFound,
        Blame::Upstream,
        "Invalid model",
        Some("1500"),
    ),
    (
        401,
        r#"{"detail":"Unauthorized"}"#,
        Kind::Unauthenticated,
        Blame::ProviderKey,
        "Unauthorized",
        None,
    ),
    (
        401,
        r#"{"message":"Unauthorized","request_id":"f00"}"#,
        Kind::Unauthenticated,
        Blame::ProviderKey,
        "Unauthorized",
        None,
    ),
    (
        403,
        r#"{"object":"error","message":"The request was blocked by a guardrail","type":"guardrail","code":null}"#,
        Kind::ContentFilter,
        Blame::Caller,
        "guardrail",
        Some("guardrail"),
    ),
    // Of that model alone: the key may use others.
    (
        403,
        r#"{"object":"error","message":"This model is not available in your subscription tier","type":"tier_not_allowed","param":null,"code":"1910","raw_status_code":403}"#,
        Kind::NotFound,
        Blame::Upstream,
        "subscription tier",
        Some("1910"),
    ),
    (
        403,
        r#"{"object":"error","message":"Forbidden","type":"forbidden","param":null,"code":null}"#,
        Kind::Forbidden,
        Blame::ProviderKey,
        "Forbidden",
        Some("forbidden"),
    ),
    (
        429,
        r#"{"message":"Requests rate limit exceeded"}"#,
        Kind::RateLimited,
        Blame::Upstream,
        "Requests rate limit exceeded",
        None,
    ),
    (
        502,
        "<html><body>Bad gateway</body></html>",
        Kind::Upstream,
        Blame::Upstream,
        "the upstream answered 502 with HTML",
        None,
    ),
    (
        503,
        "",
        Kind::Overloaded,
        Blame::Upstream,
        "the upstream answered 503 with an empty body",
        None,
    ),
    (
        500,
        "[1",
        Kind::Upstream,
        Blame::Upstream,
        "a body that is not readable",
        None,
    ),
    (
        500,
        "{}",
        Kind::Upstream,
        Blame::Upstream,
        "did not say why",
        None,
    ),
];

#[test]
fn every_shape_of_body_is_understood() {
    for (status, body, kind, blame, message, code) in CASES {
        let fault = decode(*status, body.as_bytes());
        assert_eq!((fault.kind, fault.blame), (*kind, *blame), "{body}");
        assert!(fault.message.contains(message), "{body}: {}", fault.message);
        assert!(!fault.message.contains('<'), "{}", fault.message);
        assert_eq!(fault.code.as_deref(), *code, "{body}");
        let upstream = fault.upstream.unwrap();
        assert_eq!(
            (upstream.status, upstream.body),
            (*status, body.as_bytes().to_vec())
        );
    }
}

#[test]
fn a_validation_fault_names_its_field() {
    let fault = decode(422, CASES[0].1.as_bytes());
    assert_eq!(fault.param.as_deref(), Some("messages[0].user.name"));
}

#[test]
fn a_huge_error_body_is_kept_in_part() {
    let body = vec![b'x'; 1 << 20];
    assert_eq!(decode(500, &body).upstream.unwrap().body.len(), 64 << 10);
}

fn encoded(fault: &Fault) -> (u16, Value) {
    let (status, body) = encode(fault);
    (status, serde_json::from_slice(&body).unwrap())
}

#[test]
fn every_kind_has_a_status_and_the_whole_envelope() {
    for kind in Kind::ALL {
        for blame in [
            Blame::Caller,
            Blame::Upstream,
            Blame::ProviderKey,
            Blame::Us,
        ] {
            let fault = Fault::new(kind, blame, "why").with_param("at");
            let (status, body) = encoded(&fault);
            assert!((400..600).contains(&status) && status != 422, "{kind:?}");
            let keys: Vec<_> = body.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["object", "message", "type", "param", "code"]);
            assert_eq!(body["object"], "error");
        }
    }
}

#[test]
fn statuses_follow_the_table() {
    for (kind, status) in [
        (Kind::Invalid, 400),
        (Kind::Unauthenticated, 401),
        (Kind::NoFunds, 402),
        (Kind::ContentFilter, 403),
        (Kind::RateLimited, 429),
        (Kind::Protocol, 502),
        (Kind::Timeout, 408),
    ] {
        assert_eq!(encode(&Fault::new(kind, Blame::Caller, "why")).0, status);
    }
    let ours = Fault::new(Kind::Timeout, Blame::Upstream, "why");
    assert_eq!(encode(&ours).0, 504);
}

#[test]
fn t21_the_upstreams_words_about_the_request_come_back_whole() {
    let (status, body) = encode(&decode(422, CASES[0].1.as_bytes()));
    assert_eq!((status, body.as_slice()), (422, CASES[0].1.as_bytes()));
}

#[test]
fn r8_a_refused_credential_of_ours_is_not_shown_to_the_caller() {
    let (status, body) = encoded(&decode(401, br#"{"detail":"key abc is dead"}"#));
    assert_eq!(status, 502);
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("Vane's own credential") && !message.contains("abc"));
}

#[test]
fn r4_a_failure_in_a_stream_is_an_error_and_no_done() {
    let mut out = Vec::new();
    in_stream(&Fault::protocol("it broke"), &mut out);
    let text = String::from_utf8(out).unwrap();
    let data = text.strip_prefix("data: ").unwrap().strip_suffix("\n\n");
    let frame: Value = serde_json::from_str(data.unwrap()).unwrap();
    assert_eq!(
        (frame["object"].as_str(), frame["message"].as_str()),
        (Some("error"), Some("it broke"))
    );
    assert!(!text.contains("[DONE]"));
}

#[test]
fn t18_an_error_in_the_place_of_an_answer_keeps_its_kind() {
    for (body, kind) in [
        (
            r#"{"object":"error","message":"slow down","type":"rate_limited","code":"1300"}"#,
            Kind::RateLimited,
        ),
        (
            r#"{"error":{"message":"bad","type":"invalid_request_error"}}"#,
            Kind::Invalid,
        ),
        (
            r#"{"object":"error","message":"down","raw_status_code":503}"#,
            Kind::Overloaded,
        ),
        (r#"{"error":"down"}"#, Kind::Upstream),
    ] {
        assert_eq!(declared(body.as_bytes()).kind, kind, "{body}");
    }
}
