use crate::dialect::Dialect;
use crate::fault::{Blame, Fault, Kind};
use crate::openai_chat::error::{decode, encode, in_frame, in_stream};
use serde_json::Value;

type Case = (u16, &'static str, Kind, Blame, &'static str);

const CASES: &[Case] = &[
    (
        400,
        r#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        Kind::ContextLength,
        Blame::Caller,
        "too long",
    ),
    // Alibaba's, which begins as HTML does not.
    (
        400,
        r#"{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 983616]","param":null,"type":"invalid_request_error"},"request_id":"9"}"#,
        Kind::ContextLength,
        Blame::Caller,
        "<400> InternalError.Algo.InvalidParameter: Range of input length",
    ),
    (
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#,
        Kind::ContextLength,
        Blame::Caller,
        "This model's",
    ),
    (
        429,
        r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        Kind::NoFunds,
        Blame::ProviderKey,
        "m",
    ),
    (
        401,
        r#"{"error":{"message":"bad key","code":"invalid_api_key"}}"#,
        Kind::Unauthenticated,
        Blame::ProviderKey,
        "bad key",
    ),
    (
        402,
        r#"{"error":"Insufficient Balance"}"#,
        Kind::NoFunds,
        Blame::ProviderKey,
        "Insufficient Balance",
    ),
    (
        404,
        r#"{"detail":"Not Found"}"#,
        Kind::NotFound,
        Blame::Upstream,
        "Not Found",
    ),
    (
        422,
        r#"{"detail":[{"loc":["body","top_k"],"msg":"no"}]}"#,
        Kind::Invalid,
        Blame::Caller,
        "body.top_k: no",
    ),
    (
        429,
        r#"{"message":"Requests rate limit exceeded"}"#,
        Kind::RateLimited,
        Blame::Upstream,
        "Requests",
    ),
    (
        400,
        r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
        Kind::Unauthenticated,
        Blame::ProviderKey,
        "API key",
    ),
    (
        502,
        r#"{"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"inner words\"}}","provider_name":"X"}}}"#,
        Kind::Upstream,
        Blame::Upstream,
        "inner words",
    ),
    (
        403,
        r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["x"]}}}"#,
        Kind::ContentFilter,
        Blame::Caller,
        "flagged",
    ),
    (
        400,
        r#"{"code":"Client specified an invalid argument","error":"bad field"}"#,
        Kind::Invalid,
        Blame::Caller,
        "bad field",
    ),
    (
        503,
        r#"{"object":"error","message":{"detail":[{"msg":"m"}]}}"#,
        Kind::Overloaded,
        Blame::Upstream,
        "m",
    ),
    (
        502,
        "<html><body>nginx</body></html>",
        Kind::Upstream,
        Blame::Upstream,
        "the upstream answered 502 with HTML",
    ),
    (
        500,
        "",
        Kind::Upstream,
        Blame::Upstream,
        "the upstream answered 500 with nothing",
    ),
    (
        429,
        "slow down",
        Kind::RateLimited,
        Blame::Upstream,
        "slow down",
    ),
    (
        500,
        "{\"error\":",
        Kind::Upstream,
        Blame::Upstream,
        "the upstream answered 500 with JSON",
    ),
];

#[test]
fn every_shape_of_error_body_is_read() {
    for &(status, body, kind, blame, message) in CASES {
        let fault = decode(status, body.as_bytes());
        assert_eq!((fault.kind, fault.blame), (kind, blame), "{body}");
        assert!(
            fault.message.starts_with(message),
            "{body}: {}",
            fault.message
        );
        assert_eq!(fault.upstream.unwrap().status, status);
    }
}

/// A prompt that is too long is the caller's to shorten: tried elsewhere it would fail again, and
/// coding tools compact their conversation only if they are told so.
#[test]
fn a_prompt_that_is_too_long_is_known_in_every_providers_words() {
    for (status, body) in [
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#,
        ),
        (
            400,
            r#"{"error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens.","code":"Client specified an invalid argument"}"#,
        ),
        (
            400,
            r#"[{"error":{"code":400,"message":"The input token count (1048578) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]"#,
        ),
        (
            400,
            r#"{"message":"Please reduce the length of the messages or completion. Current length is 8192 while limit is 8191","type":"invalid_request_error","param":"messages"}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid request: Your request exceeded model token limit: 131072","type":"invalid_request_error"}}"#,
        ),
        (
            400,
            r#"{"error":{"code":"1261","message":"Prompt exceeds max length"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Range of input length should be [1, 129024]","type":"invalid_request_error","param":null,"code":"invalid_parameter_error"},"request_id":"r"}"#,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"request (9000 tokens) exceeds the available context size (4096 tokens)","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"The decoder prompt (length 300) is longer than the maximum model length of 256.","type":"BadRequestError","param":null,"code":400}"#,
        ),
        (
            422,
            r#"{"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193.","type":"invalid_request_error","param":null,"code":null}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"Input is too long for requested model.","type":"invalid_request_error"}}"#,
        ),
        (
            400,
            r#"{"error":{"message":"This endpoint's maximum context length is 163840 tokens.","code":400,"metadata":{"provider_name":null}},"user_id":"u"}"#,
        ),
    ] {
        let fault = decode(status, body.as_bytes());
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::ContextLength, Blame::Caller),
            "{body}"
        );
    }
}

/// A provider without credit is not asked again soon, and never the caller's own balance.
#[test]
fn a_provider_without_credit_is_known_in_its_words() {
    for (status, body) in [
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        ),
        (
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
        ),
        (
            401,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":401}}"#,
        ),
        (
            429,
            r#"{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}"#,
        ),
        (
            400,
            r#"{"error":{"code":"Arrearage","param":null,"message":"Access denied, please make sure your account is in good standing.","type":"Arrearage"},"id":"x"}"#,
        ),
        (
            429,
            r#"{"error":{"message":"Your account is suspended","type":"exceeded_current_quota_error"}}"#,
        ),
        (
            200,
            r#"{"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#,
        ),
    ] {
        let fault = decode(status, body.as_bytes());
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::NoFunds, Blame::ProviderKey),
            "{body}"
        );
    }
}

/// xAI says so under the status and code of a missing permission: its key is in order, and others
/// may use it.
#[test]
fn a_prompt_that_xai_refuses_is_no_bad_key() {
    for (status, body) in [
        (
            403,
            r#"{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: t, API key ID: k, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"}"#,
        ),
        (
            403,
            r#"{"code":"permission-denied","error":"Content violates usage guidelines. "}"#,
        ),
        (
            400,
            r#"{"code":"Client specified an invalid argument","error":"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_CYBER"}"#,
        ),
    ] {
        let fault = decode(status, body.as_bytes());
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::ContentFilter, Blame::Caller),
            "{body}"
        );
        // Whose team and which key it was is not for the caller.
        let (status, out) = encode(&fault);
        let out = String::from_utf8(out).unwrap();
        assert!(status == 400 && !out.contains("Team") && !out.contains("key"));
        assert_eq!(out.contains("SAFETY_CHECK"), body.contains("SAFETY_CHECK"));
        assert!(fault.upstream.is_none());
    }
    let denied = r#"{"code":"permission-denied","error":"Access to the chat endpoint is denied."}"#;
    assert_eq!(decode(403, denied.as_bytes()).blame, Blame::ProviderKey);
}

/// Alibaba tells its limit of tokens a minute in OpenAI's words for spent credit, and its own spent
/// credit otherwise.
#[test]
fn alibabas_limit_of_tokens_a_minute_is_no_spent_credit() {
    let told_as = |message: &str| {
        format!(
            r#"{{"error":{{"message":"{message}","type":"insufficient_quota","param":null,"code":"insufficient_quota"}},"request_id":"r"}}"#
        )
    };
    for message in [
        "You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit",
        "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://www.alibabacloud.com/help/en/model-studio/error-code#token-limit",
        "Allocated quota exceeded, please increase your quota limit.",
    ] {
        let body = told_as(message);
        for fault in [decode(429, body.as_bytes()), in_frame(body.as_bytes())] {
            let limited = (Kind::RateLimited, Blame::Upstream);
            assert_eq!((fault.kind, fault.blame), limited, "{body}");
            // Codex gives up at the other code, also where it stands in the upstream's own words.
            assert_eq!(fault.code.as_deref(), Some("rate_limit_exceeded"));
            assert!(fault.upstream.is_none());
        }
    }
    let openai = "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.";
    let fault = decode(429, told_as(openai).as_bytes());
    assert_eq!(
        (fault.kind, fault.blame),
        (Kind::NoFunds, Blame::ProviderKey)
    );
}

/// Groq: what the model wrote was no call of a tool that was given, or no JSON of the schema.
#[test]
fn what_groqs_model_wrote_in_vain_is_not_the_callers_fault() {
    for body in [
        r#"{"error":{"message":"Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"<function=x>"}}"#,
        r#"{"error":{"message":"tool call validation failed: parameters for tool x did not match schema","type":"invalid_request_error","param":"","code":"tool_use_failed"}}"#,
        r#"{"error":{"message":"Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.","type":"invalid_request_error","code":"json_validate_failed","failed_generation":""}}"#,
    ] {
        for fault in [decode(400, body.as_bytes()), in_frame(body.as_bytes())] {
            assert_eq!(
                (fault.kind, fault.blame),
                (Kind::Upstream, Blame::Model),
                "{body}"
            );
            assert!(fault.worth_another_try());
            assert_eq!(fault.upstream.unwrap().status, 400);
        }
    }
}

/// OpenAI: an item of the input that is not kept there is found at no other provider either.
#[test]
fn an_item_of_the_callers_input_that_is_not_kept_is_the_callers_fault() {
    for body in [
        r#"{"error":{"message":"Item with id 'rs_1' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.","type":"invalid_request_error","param":"input","code":null}}"#,
        r#"{"error":{"message":"Item with id 'rs_1' not found.","type":"invalid_request_error","param":"input"}}"#,
    ] {
        let fault = decode(404, body.as_bytes());
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::Invalid, Blame::Caller),
            "{body}"
        );
        assert_eq!(encode(&fault), (404, body.as_bytes().to_vec()));
    }
    for model in [
        r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        r#"{"error":{"message":"The model `x` does not exist.","type":"invalid_request_error","param":"input","code":"model_not_found"}}"#,
        r#"{"error":{"message":"The model `x` does not exist.","type":"invalid_request_error","param":"model","code":null}}"#,
        r#"{"error":{"message":"Invalid URL (POST /v1/x)","type":"invalid_request_error","param":null,"code":null}}"#,
        r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":"input","code":404}"#,
    ] {
        let fault = decode(404, model.as_bytes());
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::NotFound, Blame::Upstream),
            "{model}"
        );
    }
}

fn told(fault: &Fault) -> (u16, String, String) {
    let (status, body) = encode(fault);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let error = &body["error"];
    assert!(error["message"].is_string() && error.get("param").is_some());
    let word = |name: &str| error[name].as_str().unwrap_or("").to_owned();
    (status, word("type"), word("code"))
}

#[test]
fn a_cyber_policy_keeps_its_code() {
    let body = br#"{"error":{"message":"Flagged.","type":"invalid_request","param":null,"code":"cyber_policy"}}"#;
    let fault = decode(400, body);
    assert_eq!(
        (fault.kind, fault.blame),
        (Kind::ContentFilter, Blame::Caller)
    );
    assert_eq!(encode(&fault), (400, body.to_vec()));
    let unexplained = "bio_policy";
    let in_answer = Fault::new(Kind::ContentFilter, Blame::Caller, "m").with_code("cyber_policy");
    assert_eq!(told(&in_answer).2, "cyber_policy");
    let other = Fault::new(Kind::ContentFilter, Blame::Caller, "m").with_code(unexplained);
    assert_eq!(told(&other).2, "content_filter");
}

#[test]
fn an_empty_balance_stops_codex() {
    let fault = Fault::new(Kind::NoFunds, Blame::Caller, "top up");
    assert_eq!(
        told(&fault),
        (
            429,
            "insufficient_quota".into(),
            "insufficient_quota".into()
        )
    );
}

#[test]
fn a_fault_of_our_own_credential_never_looks_like_the_callers() {
    for (status, body) in [
        (
            401,
            r#"{"error":{"message":"Incorrect API key sk-123","code":"invalid_api_key"}}"#,
        ),
        (402, r#"{"error":{"message":"no credit"}}"#),
        (403, r#"{"error":{"message":"no"}}"#),
    ] {
        let (status, out) = encode(&decode(status, body.as_bytes()));
        assert_eq!(status, 502);
        assert!(!String::from_utf8(out).unwrap().contains("sk-123"));
    }
    let own = Fault::new(Kind::Unauthenticated, Blame::Caller, "no such key");
    assert_eq!(told(&own).0, 401);
}

#[test]
fn t21_the_upstreams_meaning_is_kept() {
    assert_eq!(told(&decode(429, b"{}")).0, 429);
    let body = br#"{"error":{"message":"bad temperature","type":"invalid_request_error","param":"temperature","code":null}}"#;
    assert_eq!(encode(&decode(400, body)), (400, body.to_vec()));
    // Another dialect's words are put into this envelope.
    let mut fault = decode(400, br#"{"detail":"x"}"#);
    fault.upstream.as_mut().unwrap().dialect = Dialect::MistralChat;
    assert_eq!(told(&fault).0, 400);
}

#[test]
fn every_kind_has_a_status_and_an_envelope() {
    for kind in Kind::ALL {
        for blame in [
            Blame::Caller,
            Blame::Upstream,
            Blame::ProviderKey,
            Blame::Us,
        ] {
            let (status, ..) = told(&Fault::new(kind, blame, "m"));
            assert!((400..600).contains(&status));
        }
    }
}

#[test]
fn a_failure_in_the_stream_is_no_clean_stop() {
    let mut out = Vec::new();
    in_stream(&Fault::protocol("cut"), &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("data: {\"error\":{") && text.ends_with("\n\n"));
    assert!(!text.contains("[DONE]"));
}
