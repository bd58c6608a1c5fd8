//! What goes upstream for one attempt: the client's bytes with splices, or a translation.

use super::byte_path::goes_as_it_is;
use super::decode::{OWN_FIELDS, RawCall};
use super::dispatch::Walk;
use super::plan::Choice;
use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use std::sync::Arc;
use vane_dialect::codec::{self, Asked, Target};
use vane_dialect::head::Head;
use vane_dialect::quirk::Quirk;
use vane_dialect::usage::{Served, Tier};
use vane_dialect::{Call, Dialect, Fault, Notes};

/// The body of one attempt and what its answer's decoder must know.
pub(super) struct Outgoing {
    pub parts: Vec<Bytes>,
    pub asked: Asked,
    pub notes: Notes,
    /// The beta of Anthropic's that is named to it.
    pub beta: Option<&'static str>,
    /// It is answered below `/beta`.
    pub in_beta: bool,
}

/// What Anthropic is told when the client did not say.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Encodes the call for a choice.
///
/// # Errors
/// If the call cannot be carried, or `vane-strict` is on and something would be dropped.
pub(super) fn outgoing(walk: &Walk, choice: &Choice) -> Result<Outgoing, Fault> {
    let limit = walk.plan.output_max.map(|most| {
        let of_model = choice.offer.facts.max_output;
        of_model.map_or(most, |of_model| most.min(of_model))
    });
    let outgoing = if goes_as_it_is(&walk.call, choice) {
        Outgoing {
            parts: spliced(&walk.call, choice, limit)?,
            asked: Asked::default(),
            notes: walk.call.notes.clone(),
            beta: None,
            in_beta: false,
        }
    } else {
        translated(walk, choice, limit)?
    };
    priced_as_asked(walk, choice)?;
    streamed_as_asked(walk, choice)?;
    if walk.call.strict && !outgoing.notes.is_empty() {
        let names = outgoing.notes.dropped().join(", ");
        let message = format!(
            "`vane-strict` is on and {} cannot carry: {names}",
            choice.offer.facts.id
        );
        return Err(Fault::unsupported(
            outgoing.notes.dropped()[0].clone(),
            message,
        ));
    }
    Ok(outgoing)
}

/// Refuses a service tier whose price nobody stated: it would be served for nothing.
fn priced_as_asked(walk: &Walk, choice: &Choice) -> Result<(), Fault> {
    let head = &walk.call.head;
    let fast = head.text("speed")?.as_deref() == Some("fast");
    let tier = match head.text("service_tier")?.as_deref() {
        Some("priority" | "fast") => Tier::Priority,
        Some("flex") => Tier::Flex,
        _ => Tier::Standard,
    };
    let served = Served {
        tier,
        fast,
        ..Served::default()
    };
    if choice.offer.facts.is_priced_for(served, walk.began) {
        return Ok(());
    }
    let field = if fast { "speed" } else { "service_tier" };
    let message = format!(
        "{} has no stated price for this `{field}`",
        choice.offer.facts.id
    );
    Err(Fault::unsupported(field, message))
}

/// Refuses to ask for a whole answer who gives none.
fn streamed_as_asked(walk: &Walk, choice: &Choice) -> Result<(), Fault> {
    if walk.call.stream || !choice.offer.quirks.has(Quirk::StreamsOnly) {
        return Ok(());
    }
    let id = &choice.offer.facts.id;
    let message = format!("{id} answers as a stream only: ask with `stream: true`");
    Err(Fault::unsupported("stream", message))
}

fn translated(walk: &Walk, choice: &Choice, limit: Option<u64>) -> Result<Outgoing, Fault> {
    let offer = &choice.offer;
    let mut call = walk.call.blocks(walk.seal.as_ref())?;
    if let Some(limit) = limit {
        Arc::make_mut(&mut call).limit_output(limit);
    }
    let mut notes = walk.call.notes.clone();
    let target = Target {
        model: &offer.facts.upstream,
        provider: &offer.provider.id,
        quirks: offer.quirks,
        max_output: offer.facts.max_output,
        seal: walk.seal.as_ref(),
    };
    let encoded = codec::encode_call(choice.dialect, &call, &target, &mut notes)?;
    Ok(Outgoing {
        parts: vec![encoded.body.into()],
        asked: Asked {
            answer_id: walk.call.request_id.clone(),
            ..encoded.asked
        },
        notes,
        beta: encoded.beta,
        in_beta: offer.quirks.has(Quirk::PrefillInBeta)
            && choice.dialect == Dialect::OpenaiChat
            && prefills(&call),
    })
}

/// Whether the answer goes on from what the client began.
fn prefills(call: &Call) -> bool {
    match call {
        Call::Chat(chat) => chat.turns.iter().any(|turn| turn.prefill),
        Call::Fill(_) | Call::Embed(_) => false,
    }
}

pub(super) fn spliced(
    call: &RawCall,
    choice: &Choice,
    limit: Option<u64>,
) -> Result<Vec<Bytes>, Fault> {
    let head = &call.head;
    let mut splices = head.splices();
    splices.set("model", choice.offer.model_json.clone());
    for field in OWN_FIELDS {
        splices.cut(field);
    }
    // Only an empty one comes this far.
    if choice.dialect == Dialect::OpenaiCompletions && choice.offer.quirks.has(Quirk::NoSuffix) {
        splices.cut("suffix");
    }
    if asks_for_usage(call, choice) {
        splices.set(
            "stream_options",
            with_include_usage(head.raw("stream_options")),
        );
    }
    if let Some(limit) = limit {
        splices.set(limit_field(choice), limit.to_string());
    } else if choice.dialect == Dialect::AnthropicMessages && head.raw("max_tokens").is_none() {
        let limit = choice.offer.facts.max_output.unwrap_or(MAX_TOKENS_DEFAULT);
        splices.set("max_tokens", limit.to_string());
    }
    Ok(splices.apply())
}

/// Where the offer is told how much it may write.
fn limit_field(choice: &Choice) -> &'static str {
    match choice.dialect {
        Dialect::OpenaiResponses => "max_output_tokens",
        Dialect::OpenaiChat if !choice.offer.quirks.has(Quirk::MaxTokens) => {
            "max_completion_tokens"
        }
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::AnthropicMessages
        | Dialect::MistralChat
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => "max_tokens",
    }
}

/// For a model whose own limit is not known.
const MAX_TOKENS_DEFAULT: u64 = 4096;

/// Whether the client of a stream did not ask for the usage chunk, in a dialect where it must: Vane
/// asks for it, or it comes unasked.
pub(super) const fn hides_usage(call: &RawCall) -> bool {
    let is_asked = matches!(
        call.dialect(),
        Dialect::OpenaiChat | Dialect::OpenaiCompletions
    );
    is_asked && !call.include_usage
}

/// Whether Vane has to ask for the usage chunk because the client did not.
fn asks_for_usage(call: &RawCall, choice: &Choice) -> bool {
    call.stream
        && !call.include_usage
        && matches!(
            choice.dialect,
            Dialect::OpenaiChat | Dialect::OpenaiCompletions
        )
        && !choice.offer.quirks.has(Quirk::NoStreamOptions)
        && !choice.offer.quirks.has(Quirk::UsageUnasked)
}

fn with_include_usage(options: Option<&str>) -> String {
    let asked = r#"{"include_usage":true}"#;
    let Some(options) = options else {
        return asked.to_owned();
    };
    let Ok(head) = Head::scan(&Bytes::copy_from_slice(options.as_bytes())) else {
        return asked.to_owned();
    };
    let mut splices = head.splices();
    splices.set("include_usage", "true".to_owned());
    String::from_utf8(splices.apply().concat()).unwrap_or_else(|_| asked.to_owned())
}

/// The request's headers: the provider's own, an allow-list of the client's, and the beta that the body
/// leans on.
pub(super) fn headers(
    call: &RawCall,
    choice: &Choice,
    stream: bool,
    beta: Option<&'static str>,
) -> HeaderMap {
    let mut headers = choice.offer.provider.headers.clone();
    if stream {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    }
    let to_anthropic = choice.dialect == Dialect::AnthropicMessages;
    let from_anthropic = call.dialect() == Dialect::AnthropicMessages;
    for (name, value) in &call.headers {
        let travels = matches!(name.as_str(), "traceparent" | "tracestate")
            || (to_anthropic && from_anthropic && name.as_str().starts_with("anthropic-"));
        if travels {
            headers.append(name, value.clone());
        }
    }
    if to_anthropic {
        headers
            .entry("anthropic-version")
            .or_insert(ANTHROPIC_VERSION);
    }
    if let Some(beta) = beta {
        // Beside those of the client: a list may stand in several lines.
        headers.append("anthropic-beta", HeaderValue::from_static(beta));
    }
    headers
}
