//! What goes upstream for one attempt: the client's bytes with splices, or a translation.

use super::decode::{OWN_FIELDS, RawCall};
use super::dispatch::Walk;
use super::foreign;
use super::plan::Choice;
use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use serde::Deserialize;
use std::sync::Arc;
use vane_dialect::call::Effort;
use vane_dialect::codec::{self, Asked, Target};
use vane_dialect::head::{Head, Word};
use vane_dialect::json::{Object, Path, Str};
use vane_dialect::quirk::{Quirk, Quirks};
use vane_dialect::usage::{Served, Tier};
use vane_dialect::{Call, Dialect, Fault, Notes, anthropic_messages, mistral_chat};

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

/// Whether the client's bytes may go upstream but for a few splices.
fn goes_as_it_is(call: &RawCall, choice: &Choice) -> bool {
    if choice.dialect == Dialect::MistralChat && choice.offer.quirks.has(Quirk::ClosedBody) {
        return !call.sealed && is_legal_chat(call, choice.offer.quirks);
    }
    call.dialect() == choice.dialect
        && !call.sealed
        && !needs_memory(call)
        && !needs_floats(call, choice.offer.quirks)
        && !is_for_another(call, choice)
        && !foreign::has_ids(call, choice)
        && !needs_rewriting(choice.offer.quirks, choice.dialect, &call.head)
        // Fields of the union door that are Mistral's alone.
        && (call.dialect() != Dialect::OpenaiChat
            || call.head.member("random_seed").or(call.head.member("safe_prompt")).is_none())
}

/// Whether a call to the responses dialect goes on from what its provider stored, or is to be
/// asked for later. All accounts share the provider's key, so one could read what another stored;
/// the decoder refuses it by name. Items are left to the provider: the SDK of one client refers to
/// its own as soon as it may.
fn needs_memory(call: &RawCall) -> bool {
    let said = |key: &str| {
        let raw = call.head.raw(key);
        raw.is_some_and(|raw| raw != "null" && raw != "false")
    };
    call.dialect() == Dialect::OpenaiResponses
        && (said("previous_response_id") || said("conversation") || said("background"))
}

/// Whether a call holds what only Anthropic takes, and goes to another that speaks its dialect.
pub(super) fn is_for_another(call: &RawCall, choice: &Choice) -> bool {
    choice.dialect == Dialect::AnthropicMessages
        && !anthropic_messages::is_anthropic(&choice.offer.provider.id)
        && anthropic_messages::is_for_anthropic_alone(&call.head)
}

/// Whether vectors are asked for in a form that the provider refuses or does not know: those that
/// it gives are turned into it. Official SDKs name one in every call.
fn needs_floats(call: &RawCall, quirks: Quirks) -> bool {
    call.dialect() == Dialect::OpenaiEmbeddings
        && (!quirks.has(Quirk::OpenaiOwn) || quirks.has(Quirk::NoBase64))
        && call.head.member("encoding_format").is_some()
}

/// What the scan of a chat to Mistral answers for, better than a look for a word does.
const SCANNED: [Quirk; 7] = [
    Quirk::ClosedBody,
    Quirk::NoDeveloper,
    Quirk::NoMessageName,
    Quirk::NineCharToolIds,
    Quirk::NoUserAfterTool,
    Quirk::TextOrCalls,
    Quirk::NoReasoning,
];

/// Whether a chat of either door may go to Mistral as it stands.
fn is_legal_chat(call: &RawCall, quirks: Quirks) -> bool {
    let door = call.dialect();
    matches!(door, Dialect::MistralChat | Dialect::OpenaiChat)
        && !needs_rewriting(quirks.without(&SCANNED), Dialect::MistralChat, &call.head)
        && mistral_chat::legal::chat(&call.head, door, &OWN_FIELDS, quirks)
}

fn forces_a_tool(dialect: Dialect, choice: &str) -> bool {
    if dialect == Dialect::AnthropicMessages {
        return choice.contains("\"any\"") || choice.contains("\"tool\"");
    }
    choice != "\"auto\"" && choice != "\"none\""
}

/// Whether one of the offer's quirks is touched by what stands in the body.
fn needs_rewriting(quirks: Quirks, dialect: Dialect, head: &Head) -> bool {
    if quirks == Quirks::default() {
        return false;
    }
    let has = |key: &str| head.raw(key).is_some();
    let says = |word: Word| head.times(word) > 0;
    let effort = effort(dialect, head);
    let touched = |quirk: Quirk| match quirk {
        Quirk::MaxTokens => has("max_completion_tokens"),
        Quirk::MaxCompletionTokens => has("max_tokens"),
        Quirk::NoDeveloper => says(Word::Developer),
        Quirk::NoMessageName => says(Word::Name),
        Quirk::SystemFirst => match head.times(Word::System) {
            0 => false,
            1 => has("instructions") || !begins_with_system(head),
            _ => true,
        },
        Quirk::NoStreamOptions => has("stream_options"),
        Quirk::NoParallelToolCalls => has("parallel_tool_calls"),
        Quirk::NoToolChoice => has("tool_choice"),
        Quirk::NoForcedTool => head
            .raw("tool_choice")
            .is_some_and(|raw| forces_a_tool(dialect, raw)),
        Quirk::NoStrictTools => says(Word::Strict),
        Quirk::NoJsonSchema => says(Word::JsonSchema),
        Quirk::NoSampling | Quirk::SamplingUnlessReasoning => {
            has("temperature") || has("top_p") || has("top_k")
        }
        Quirk::OneSampling => has("temperature") && has("top_p"),
        Quirk::NoPenalties => has("presence_penalty") || has("frequency_penalty"),
        Quirk::NoStop => has("stop"),
        Quirk::NoLogprobs => has("logprobs") || has("top_logprobs"),
        Quirk::NoLogitBias => has("logit_bias"),
        Quirk::SingleChoice => head.raw("n").is_some_and(|n| n != "1"),
        // OpenRouter, which takes no tools but functions, takes more fields than OpenAI.
        Quirk::OpenaiOwn if dialect == Dialect::OpenaiChat => {
            !quirks.has(Quirk::FunctionsOnly) && head.keys().any(|key| BEYOND_OPENAI.contains(&key))
        }
        Quirk::ClosedBody => !head.keys().all(|key| is_legal(dialect, key)),
        Quirk::SchemaGemini => has("tools") || has("response_format"),
        Quirk::NineCharToolIds
        | Quirk::NoUserAfterTool
        | Quirk::TextOrCalls
        | Quirk::SignedCalls => says(Word::ToolCalls),
        Quirk::NoImages => says(Word::ImageUrl),
        Quirk::PrefillInBeta => dialect == Dialect::OpenaiChat && says(Word::Prefix),
        Quirk::NoTextParts => dialect == Dialect::OpenaiChat && says(Word::Text),
        Quirk::NoSeed => has("seed"),
        Quirk::NoReasoningEffort => effort.is_some(),
        Quirk::EffortInResponses => dialect == Dialect::OpenaiChat && effort.is_some(),
        Quirk::NoNoneEffort => effort == Some(Effort::None),
        Quirk::NoMinimalEffort => effort == Some(Effort::Minimal),
        Quirk::NoLowEffort => effort == Some(Effort::Low),
        Quirk::NoMediumEffort => effort == Some(Effort::Medium),
        Quirk::NoXhighEffort => effort == Some(Effort::Xhigh),
        Quirk::NoMaxEffort => effort == Some(Effort::Max),
        Quirk::NoMaxEffortInChat => dialect == Dialect::OpenaiChat && effort == Some(Effort::Max),
        Quirk::NoThinkingBudget => says(Word::BudgetTokens),
        // DeepSeek and Moonshot want the field beside every list of calls.
        Quirk::ReasoningReplay => head.times(Word::ToolCalls) > head.times(Word::ReasoningContent),
        // The others concern what only the translator writes, or how answers are read.
        _ => false,
    };
    // The state of one provider is no other's: the encoder leaves it out and says so.
    let foreign = !quirks.has(Quirk::ThoughtSignature) && says(Word::ThoughtSignature);
    foreign
        || Quirk::ALL
            .iter()
            .any(|&quirk| quirks.has(quirk) && touched(quirk))
}

/// Whether the first message or item is the system's.
fn begins_with_system(head: &Head) -> bool {
    #[derive(Deserialize)]
    struct Said<'a> {
        #[serde(borrow)]
        role: Str<'a>,
    }
    let list = head.raw("messages").or(head.raw("input"));
    let Some(list) = list.and_then(|list| list.trim_start().strip_prefix('[')) else {
        return false;
    };
    let mut said = serde_json::Deserializer::from_str(list).into_iter::<Said<'_>>();
    matches!(said.next(), Some(Ok(said)) if said.role.0 == "system")
}

/// What other providers take in a chat, and OpenAI refuses the whole call for.
const BEYOND_OPENAI: [&str; 9] = [
    "guardrails",
    "min_p",
    "min_tokens",
    "prompt_mode",
    "random_seed",
    "repetition_penalty",
    "safe_prompt",
    "thinking",
    "top_k",
];

/// The effort that is asked for, where OpenAI's dialects say it.
fn effort(dialect: Dialect, head: &Head) -> Option<Effort> {
    let name: Str<'_> = match dialect {
        Dialect::OpenaiResponses => {
            let reasoning = Object::read_str(head.raw("reasoning")?, &Path::Root);
            reasoning.ok()?.get("effort", &Path::Root).ok()??
        }
        Dialect::OpenaiChat | Dialect::MistralChat => {
            serde_json::from_str(head.raw("reasoning_effort")?).ok()?
        }
        // Anthropic's clients go on from its own word on what a model does not take.
        Dialect::AnthropicMessages
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => return None,
    };
    Effort::from_name(&name.0)
}

/// Whether a closed body of `dialect` may have `key`: Vane's own are cut out anyway.
fn is_legal(dialect: Dialect, key: &str) -> bool {
    let known: &[&str] = match dialect {
        Dialect::MistralFim => &MISTRAL_FIM_KEYS,
        Dialect::MistralEmbeddings => &MISTRAL_EMBEDDINGS_KEYS,
        // Messages are closed too, and only the encoder looks into them.
        _ => &[],
    };
    known.contains(&key) || OWN_FIELDS.contains(&key)
}

const MISTRAL_FIM_KEYS: [&str; 12] = [
    "model",
    "prompt",
    "suffix",
    "temperature",
    "top_p",
    "max_tokens",
    "min_tokens",
    "stop",
    "random_seed",
    "stream",
    "metadata",
    "prompt_cache_key",
];

const MISTRAL_EMBEDDINGS_KEYS: [&str; 6] = [
    "model",
    "input",
    "output_dimension",
    "output_dtype",
    "encoding_format",
    "metadata",
];

fn spliced(call: &RawCall, choice: &Choice, limit: Option<u64>) -> Result<Vec<Bytes>, Fault> {
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
