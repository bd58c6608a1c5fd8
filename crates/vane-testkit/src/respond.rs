//! From a request to its exchange: authenticate, check strictly, script, render.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::answers::{
    Said, anthropic_messages, call_signature, embeddings, llama_infill, mistral_chat, models,
    openai_chat, openai_completions, openai_responses, signature,
};
use crate::ask::Ask;
use crate::exchange::Exchange;
use crate::faults::{self, ErrorBody, Fault};
use crate::http::Request;
use crate::route::{self, Door, Family};
use crate::script::{Answer, Part};
use crate::server::State;
use crate::strict;

/// The whole answer to call `number`.
pub(crate) fn respond(state: &State, request: &Request, number: usize) -> Exchange {
    let (family, path) = route::family(request, state.settings.bare);
    if request.method == "HEAD" {
        return Exchange::plain(200, "text/plain", "");
    }
    let Some(door) = route::door(&request.method, family, path) else {
        return error(family, 404);
    };
    let family = door.family();
    if !admitted(state, request, family) {
        return error(family, 401);
    }
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) => body,
        Err(_) if request.method == "GET" => Value::Null,
        Err(_) => return error(family, 400),
    };
    let ask = Ask::read(&body);
    let answer = state.script().pick(request, &ask.model).unwrap_or_default();
    if let Some(exchange) = instead(&answer, &door, ask.stream) {
        return exchange.with(&answer);
    }
    if !state.settings.lenient
        && let Err(refusal) = strict::check(state, &door, request, &body)
    {
        return Exchange::json(refusal.status, refusal.body);
    }
    render(state, &door, &body, &ask, &answer, number).with(&answer)
}

fn error(family: Family, status: u16) -> Exchange {
    let (content_type, body) = ErrorBody::Own.render(family, status);
    Exchange::plain(status, content_type, body)
}

/// Whether the key is right: the set one, or any at all. A llama.cpp server needs none.
fn admitted(state: &State, request: &Request, family: Family) -> bool {
    let bearer = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let api_key = request
        .header("x-api-key")
        .filter(|_| family == Family::Anthropic);
    let key = api_key.or(bearer).unwrap_or_default();
    match &state.settings.key {
        Some(wanted) => key == wanted,
        None => !key.is_empty() || family == Family::Llama,
    }
}

/// The exchange of a fault (or recording) that replaces the answer as a whole.
fn instead(answer: &Answer, door: &Door, stream: bool) -> Option<Exchange> {
    let family = door.family();
    if let Some(recorded) = &answer.recorded {
        return Some(Exchange::recorded(answer, door, recorded));
    }
    Some(match answer.fault.as_ref()? {
        Fault::Status { status, body } => {
            let (content_type, body) = body.render(family, *status);
            Exchange::plain(*status, content_type, body)
        }
        Fault::ErrorFirst | Fault::ErrorAfter(_) if stream => return None,
        // An unstreamed answer has no events: there the error is the body.
        Fault::OkErrorObject | Fault::ErrorFirst | Fault::ErrorAfter(_) => {
            Exchange::json(200, ErrorBody::Own.render(family, 500).1)
        }
        Fault::OkHtml => Exchange::plain(200, "text/html", faults::HTML),
        Fault::Redirect(to) => {
            let mut exchange = Exchange::plain(302, "text/plain", "");
            exchange.headers.push(("location".into(), to.clone()));
            exchange
        }
        Fault::Bomb(bytes) => {
            let content_type = if stream {
                "text/event-stream"
            } else {
                "application/json"
            };
            let mut exchange = Exchange::plain(200, content_type, bomb(*bytes));
            exchange
                .headers
                .push(("content-encoding".into(), "gzip".into()));
            exchange
        }
        Fault::Close => Exchange::plain(200, "text/plain", ""),
        _ => return None,
    })
}

/// `bytes` spaces, packed. Writing to memory cannot fail; if it did, the bomb would be empty.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let block = [b' '; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let size = left.min(block.len());
        if packer.write_all(&block[..size]).is_err() {
            break;
        }
        left -= size;
    }
    packer.finish().unwrap_or_default()
}

fn render(
    state: &State,
    door: &Door,
    body: &Value,
    ask: &Ask,
    answer: &Answer,
    number: usize,
) -> Exchange {
    let family = door.family();
    let said = Said::new(door, ask, answer, number);
    state.remember(said.parts.iter().filter_map(|part| match part {
        Part::Reasoning(text) => Some(signature(text)),
        Part::Redacted(data) => Some(data.clone()),
        Part::Text(_) | Part::Tool { .. } => None,
    }));
    state.remember(call_signature(ask, &said.parts).into_iter());
    let said = &said;
    let (unary, frames) = match door {
        Door::OpenAiChat if ask.stream => (None, openai_chat::frames(said)),
        Door::OpenAiChat => (Some(openai_chat::unary(said)), vec![]),
        Door::OpenAiCompletions if ask.stream => (None, openai_completions::frames(said)),
        Door::OpenAiCompletions => (Some(openai_completions::unary(said)), vec![]),
        Door::Responses(_) if ask.stream => (None, openai_responses::frames(said)),
        Door::Responses(_) => (Some(openai_responses::unary(said)), vec![]),
        Door::AnthropicMessages if ask.stream => (None, anthropic_messages::frames(said)),
        Door::AnthropicMessages => (Some(anthropic_messages::unary(said)), vec![]),
        Door::MistralChat | Door::MistralFim if ask.stream => (None, mistral_chat::frames(said)),
        Door::MistralChat | Door::MistralFim => (Some(mistral_chat::unary(said)), vec![]),
        Door::LlamaInfill if ask.stream => (None, llama_infill::frames(said)),
        Door::LlamaInfill => (Some(llama_infill::unary(said)), vec![]),
        Door::InputTokens(_) => (Some(openai_responses::count(said)), vec![]),
        Door::AnthropicCount => (Some(anthropic_messages::count(said)), vec![]),
        Door::OpenAiEmbeddings | Door::MistralEmbeddings => {
            (Some(embeddings::render(family, body, ask, number)), vec![])
        }
        Door::Models(family, id) => match models::render(*family, id.as_deref()) {
            Some(body) => (Some(body), vec![]),
            None => return error(*family, 404),
        },
    };
    let mut exchange = match unary {
        Some(body) => Exchange::unary(answer, door, body),
        None => Exchange::stream(answer, door, &frames),
    };
    exchange.headers.extend(identity(family, number));
    exchange
}

/// The request id, under the name that the provider gives it.
fn identity(family: Family, number: usize) -> Option<(String, String)> {
    let name = match family {
        Family::OpenAi => "x-request-id",
        Family::Anthropic => "request-id",
        Family::Mistral => "mistral-correlation-id",
        Family::Llama => return None,
    };
    Some((name.into(), format!("req_fake{number:08}")))
}
