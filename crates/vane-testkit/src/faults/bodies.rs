//! The error bodies that providers were seen to send.
//!
//! Fixed text: a gateway must read them as they are, whatever their shape.

use super::ErrorBody;
use crate::answers::Frame;
use crate::route::{Door, Family};

/// The page that a proxy in front of a provider answers with.
pub(crate) const HTML: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";

impl ErrorBody {
    /// Content type and text.
    pub(crate) fn render(&self, family: Family, status: u16) -> (&'static str, String) {
        let text = match self {
            Self::Html => return ("text/html", HTML.into()),
            Self::Plain => return ("text/plain", "upstream connect error or disconnect".into()),
            Self::Empty => return ("text/plain", String::new()),
            Self::Own => own(family, status),
            Self::Openai => own(Family::OpenAi, status),
            Self::Anthropic => own(Family::Anthropic, status),
            Self::MistralCode => own(Family::Mistral, status),
            Self::MistralObject => concat!(
                r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","user"],"#,
                r#""msg":"Extra inputs are not permitted","input":"u1"}]},"#,
                r#""type":"invalid_request_error","param":null,"code":null}"#
            )
            .into(),
            Self::MistralDetail => concat!(
                r#"{"detail":[{"type":"missing","loc":["body","messages"],"msg":"Field required","#,
                r#""input":{}}]}"#
            )
            .into(),
            Self::MistralUnauthorized => r#"{"detail":"Unauthorized"}"#.into(),
            Self::MistralEdge => r#"{"message":"Unauthorized","request_id":"4f1d8c0b9e"}"#.into(),
            Self::MistralRate => r#"{"message":"Requests rate limit exceeded"}"#.into(),
            Self::Raw(text) => text.clone(),
        };
        ("application/json", text)
    }
}

/// The usual error body of a provider for a status.
fn own(family: Family, status: u16) -> String {
    match family {
        Family::OpenAi | Family::Llama => openai(status),
        Family::Anthropic => anthropic(status),
        Family::Mistral => mistral(status),
    }
}

fn openai(status: u16) -> String {
    let (kind, code, message) = match status {
        400 => ("invalid_request_error", "null", "Invalid request."),
        401 => (
            "invalid_request_error",
            r#""invalid_api_key""#,
            "Incorrect API key provided.",
        ),
        402 => ("insufficient_quota", r#""insufficient_quota""#, "No funds."),
        403 => (
            "invalid_request_error",
            "null",
            "Not allowed for this project.",
        ),
        404 => (
            "invalid_request_error",
            r#""model_not_found""#,
            "The model does not exist.",
        ),
        429 => (
            "requests",
            r#""rate_limit_exceeded""#,
            "Rate limit reached for requests.",
        ),
        503 => (
            "service_unavailable_error",
            "null",
            "The engine is currently overloaded.",
        ),
        _ => (
            "server_error",
            "null",
            "The server had an error while processing your request.",
        ),
    };
    format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":{code}}}}}"#)
}

fn anthropic(status: u16) -> String {
    let (kind, message) = match status {
        400 => ("invalid_request_error", "Invalid request"),
        401 => ("authentication_error", "invalid x-api-key"),
        402 => (
            "billing_error",
            "Your credit balance is too low to access the Anthropic API.",
        ),
        403 => (
            "permission_error",
            "Your API key does not have permission to use this resource",
        ),
        404 => ("not_found_error", "model: unknown"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => (
            "rate_limit_error",
            "This request would exceed your account's rate limit.",
        ),
        504 => ("timeout_error", "Request timed out"),
        529 => ("overloaded_error", "Overloaded"),
        _ => ("api_error", "Internal server error"),
    };
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_011fake"}}"#
    )
}

fn mistral(status: u16) -> String {
    let (kind, code, message) = match status {
        401 => return r#"{"detail":"Unauthorized"}"#.into(),
        400 => (
            "invalid_request_message_order",
            r#""3230""#,
            "Unexpected role order.",
        ),
        404 => ("invalid_model", r#""1500""#, "Invalid model."),
        429 => (
            "rate_limited",
            r#""1300""#,
            "Service tier capacity exceeded for this model.",
        ),
        _ => ("internal_server_error", r#""1000""#, "Service unavailable."),
    };
    format!(
        r#"{{"object":"error","message":"{message}","type":"{kind}","param":null,"code":{code},"raw_status_code":{status}}}"#
    )
}

/// An error event inside a stream.
pub(crate) fn in_stream(door: &Door) -> Frame {
    match door.family() {
        Family::Anthropic => Frame::named("error", anthropic(529)),
        _ if matches!(door, Door::Responses(_)) => Frame::named(
            "error",
            concat!(
                r#"{"type":"error","sequence_number":2,"code":"server_error","#,
                r#""message":"The server had an error while processing your request.","param":null}"#
            )
            .into(),
        ),
        Family::OpenAi | Family::Llama => Frame::data(openai(500)),
        Family::Mistral => Frame::data(mistral(500)),
    }
}
