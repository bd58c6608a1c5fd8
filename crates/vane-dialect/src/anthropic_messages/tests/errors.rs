//! Errors, both ways.

use super::super::error::{decode, encode, in_stream};
use crate::dialect::Dialect;
use crate::fault::{Blame, Fault, Kind};

fn body(kind: &str, message: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#
    )
}

#[test]
fn every_type_is_read() {
    for (status, kind, expected, blame) in [
        (400, "invalid_request_error", Kind::Invalid, Blame::Caller),
        (
            401,
            "authentication_error",
            Kind::Unauthenticated,
            Blame::ProviderKey,
        ),
        (402, "billing_error", Kind::NoFunds, Blame::ProviderKey),
        (403, "permission_error", Kind::Forbidden, Blame::ProviderKey),
        (404, "not_found_error", Kind::NotFound, Blame::Upstream),
        (413, "request_too_large", Kind::TooLarge, Blame::Caller),
        (429, "rate_limit_error", Kind::RateLimited, Blame::Upstream),
        (500, "api_error", Kind::Upstream, Blame::Upstream),
        (504, "timeout_error", Kind::Timeout, Blame::Upstream),
        (529, "overloaded_error", Kind::Overloaded, Blame::Upstream),
        // T18: the status lies.
        (200, "overloaded_error", Kind::Overloaded, Blame::Upstream),
        (418, "novel_error", Kind::Upstream, Blame::Upstream),
    ] {
        let fault = decode(status, body(kind, "why").as_bytes());
        assert_eq!((fault.kind, fault.blame), (expected, blame), "{kind}");
        assert_eq!(fault.message, "why");
        assert_eq!(fault.code.as_deref(), Some(kind));
    }
}

#[test]
fn spend_limits_and_empty_credit_are_our_money() {
    let limit = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    let low = body("invalid_request_error", "Your credit balance is too low");
    for (status, body) in [(429, limit), (400, &low)] {
        let fault = decode(status, body.as_bytes());
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::NoFunds, Blame::ProviderKey)
        );
    }
}

#[test]
fn a_limit_of_the_account_and_a_closed_account_are_not_the_callers() {
    for (message, kind) in [
        (
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            Kind::NoFunds,
        ),
        ("This organization has been disabled.", Kind::Forbidden),
    ] {
        let fault = decode(400, body("invalid_request_error", message).as_bytes());
        assert_eq!((fault.kind, fault.blame), (kind, Blame::ProviderKey));
    }
}

#[test]
fn t18_html_and_nothing_are_told_without_their_text() {
    for (body, word) in [
        ("<html>nginx</html>", "HTML"),
        ("", "empty"),
        ("{", "broken JSON"),
    ] {
        let fault = decode(502, body.as_bytes());
        assert_eq!(fault.kind, Kind::Upstream);
        assert!(
            fault.message.contains(word) && fault.message.contains("502"),
            "{fault}"
        );
        assert!(!fault.message.contains("nginx") && fault.upstream.is_none());
        assert_eq!(decode(200, body.as_bytes()).kind, Kind::Protocol);
    }
}

#[test]
fn what_anthropic_says_of_the_request_goes_back_byte_for_byte() {
    let said = body("invalid_request_error", "messages.1: bad signature");
    let fault = decode(400, said.as_bytes());
    assert_eq!(encode(&fault, "req_2"), (400, said.into_bytes()));
}

#[test]
fn nobody_reads_that_our_credential_is_bad() {
    for kind in ["authentication_error", "billing_error", "permission_error"] {
        let fault = decode(401, body(kind, "invalid x-api-key").as_bytes());
        let (status, told) = encode(&fault, "req_2");
        let told = String::from_utf8(told).unwrap();
        assert_eq!(status, 503);
        assert!(
            !told.contains("x-api-key") && told.contains("api_error"),
            "{told}"
        );
    }
}

#[test]
fn every_kind_has_its_status() {
    for kind in Kind::ALL {
        let (status, told) = encode(&Fault::new(kind, Blame::Us, "why"), "req_2");
        assert!((400..=599).contains(&status));
        let told = String::from_utf8(told).unwrap();
        assert!(
            told.starts_with(r#"{"type":"error","error":{"type":""#),
            "{told}"
        );
        assert!(told.ends_with(r#"why"},"request_id":"req_2"}"#), "{told}");
    }
    let funds = Fault::new(Kind::NoFunds, Blame::Caller, "top up");
    assert_eq!(encode(&funds, "r").0, 402);
    let overload = Fault::new(Kind::Overloaded, Blame::Upstream, "later");
    assert_eq!(encode(&overload, "r").0, 529);
}

#[test]
fn claude_code_recognises_a_conversation_that_is_too_long() {
    let mut fault = Fault::new(
        Kind::ContextLength,
        Blame::Caller,
        "maximum context length is 9",
    );
    fault.upstream = Some(Box::new(crate::fault::Upstream {
        status: 400,
        dialect: Dialect::OpenaiChat,
        body: b"{}".to_vec(),
    }));
    let (status, told) = encode(&fault, "r");
    let told = String::from_utf8(told).unwrap();
    assert_eq!(status, 400);
    assert!(
        told.contains(r#""message":"prompt is too long: maximum context"#),
        "{told}"
    );
}

#[test]
fn a_stream_ends_in_an_error_event() {
    let mut out = Vec::new();
    in_stream(&Fault::protocol("cut"), "req_2", &mut out);
    let expected = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"cut\"},\"request_id\":\"req_2\"}\n\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
