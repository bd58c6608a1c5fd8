//! Call -> a body with legal keys only.
//!
//! Mistral answers 422 to any other key and 400 to messages out of order, so a call is laid out
//! ([`outline`]), put in order ([`order`]) and then written.

mod names;
mod order;
mod outline;
pub(in crate::mistral_chat) mod parts;
mod tools;
mod write;

use super::sampling;
use crate::call::{Chat, Effort, Extra, Format, ReasoningAsk, ReasoningMode, Show};
use crate::dialect::Dialect;
use crate::effort;
use crate::exchange::{Asked, Encoded, Target};
use crate::fault::Fault;
use crate::json::Str;
use crate::mistral_chat::members::{Members, list};
use crate::notes::Notes;
use crate::quirk::Quirk;
use names::Names;
use serde_json::value::RawValue;

/// Legal fields without canonical meaning.
const OWN_FIELDS: [&str; 12] = [
    "document_image_limit",
    "document_page_limit",
    "metadata",
    "prediction",
    "prompt_mode",
    "service_tier",
    "guardrails",
    "safe_prompt",
    "logprobs",
    "top_logprobs",
    "prompt_logprobs",
    "top_prompt_logprobs",
];

pub(crate) fn encode(
    chat: &Chat,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    let names = Names::of(chat);
    let (outline, ids) = outline::lay_out(chat, target, &names, notes);
    let messages = order::settle(outline, target, notes);
    if messages.is_empty() {
        return Err(Fault::invalid(
            "messages",
            "no message is left that Mistral takes",
        ));
    }
    let mut encoded = Encoded {
        body: Vec::with_capacity(4096),
        asked: Asked {
            prefill: order::prefill(&messages),
            renamed: names.changed(),
            custom: tools::custom(chat, &names),
            ids,
            ..Asked::default()
        },
        beta: None,
    };
    let mut body = Members::open(&mut encoded.body);
    body.text("model", target.model);
    list(body.key("messages"), &messages, |out, message| {
        write::message(out, message, target.quirks.has(Quirk::NoTextParts));
    });
    tools::write(&mut body, chat, target, &names, notes);
    options(&mut body, chat, target, notes);
    body.close();
    Ok(encoded)
}

fn options(body: &mut Members<'_>, chat: &Chat, target: &Target<'_>, notes: &mut Notes) {
    sampling::write(body, &chat.sampling, notes);
    let more = &chat.sampling;
    body.maybe("top_k", more.top_k.as_ref());
    body.maybe("presence_penalty", more.presence_penalty.as_ref());
    body.maybe("frequency_penalty", more.frequency_penalty.as_ref());
    body.maybe("repetition_penalty", more.repetition_penalty.as_ref());
    format(body, &chat.format, target, notes);
    reasoning(body, &chat.reasoning, target, notes);
    sampling::write_cache_key(body, chat.cache_key.as_deref(), notes);
    if chat.cache.is_some() {
        notes.drop("cache_control");
    }
    for extra in &chat.extras {
        write_extra(body, extra, notes);
    }
    if chat.stream.on {
        body.value("stream", &true);
    }
}

fn format(body: &mut Members<'_>, format: &Format, target: &Target<'_>, notes: &mut Notes) {
    let simple = |body: &mut Members<'_>, kind: &str| {
        let mut form = Members::open(body.key("response_format"));
        form.text("type", kind);
        form.close();
    };
    match format {
        Format::Text => {}
        Format::JsonObject => simple(body, "json_object"),
        Format::JsonSchema { .. } if target.quirks.has(Quirk::NoJsonSchema) => {
            notes.drop("response_format");
            simple(body, "json_object");
        }
        Format::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => {
            let mut form = Members::open(body.key("response_format"));
            form.text("type", "json_schema");
            let mut inner = Members::open(form.key("json_schema"));
            inner.text("name", name.as_deref().unwrap_or("answer"));
            inner.maybe("description", description.as_ref());
            inner.raw("schema", schema.raw());
            inner.maybe("strict", strict.as_ref());
            inner.close();
            form.close();
        }
        Format::Other { dialect, raw } if *dialect == Dialect::MistralChat => {
            body.raw("response_format", raw.raw());
        }
        Format::Other { .. } => notes.drop("response_format"),
    }
}

/// Models that do not reason refuse the field.
fn reasoning(body: &mut Members<'_>, ask: &ReasoningAsk, target: &Target<'_>, notes: &mut Notes) {
    let takes = !target.quirks.has(Quirk::NoReasoning);
    let asked = match (ask.effort, ask.mode) {
        (Some(asked), _) => Some(asked),
        (None, ReasoningMode::Off) if takes => Some(Effort::None),
        (None, ReasoningMode::On | ReasoningMode::BetweenTools) if takes => Some(Effort::High),
        (None, ReasoningMode::Unsaid | ReasoningMode::Adaptive) => None,
        (None, ReasoningMode::Off | ReasoningMode::On | ReasoningMode::BetweenTools) => {
            notes.drop("thinking");
            None
        }
    };
    match asked {
        Some(_) if !takes => notes.drop("reasoning_effort"),
        Some(asked) => {
            let sent = effort::nearest(target.quirks, asked);
            if sent != asked {
                notes.drop("reasoning_effort");
            }
            body.text("reasoning_effort", sent.name());
        }
        None => {}
    }
    if ask.budget_tokens.is_some() {
        notes.drop("budget_tokens");
    }
    match ask.show {
        Some(Show::Concise | Show::Detailed) => notes.drop("reasoning.summary"),
        // How much is shown is for the encoder of the answer.
        Some(Show::Auto | Show::Summarized | Show::Omitted) | None => {}
    }
}

fn write_extra(body: &mut Members<'_>, extra: &Extra, notes: &mut Notes) {
    let name = extra.name.as_str();
    match extra.dialect {
        Dialect::MistralChat if OWN_FIELDS.contains(&name) => body.raw(name, extra.value.raw()),
        Dialect::OpenaiChat | Dialect::OpenaiResponses => match name {
            // Legal at the union door for Mistral's sake.
            "safe_prompt" | "prompt_mode" | "guardrails" | "metadata" => {
                body.raw(name, extra.value.raw());
            }
            "service_tier" => service_tier(body, extra, notes),
            "prediction" => prediction(body, extra.value.raw(), notes),
            _ => notes.drop(name),
        },
        Dialect::AnthropicMessages if name == "service_tier" => service_tier(body, extra, notes),
        Dialect::MistralChat
        | Dialect::AnthropicMessages
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => notes.drop(name),
    }
}

fn service_tier(body: &mut Members<'_>, extra: &Extra, notes: &mut Notes) {
    match extra.value.get() {
        "\"auto\"" | "\"standard_only\"" => body.raw("service_tier", extra.value.raw()),
        _ => notes.drop("service_tier"),
    }
}

/// OpenAI's predicted output may be a list of text parts; Mistral's is a string.
fn prediction(body: &mut Members<'_>, raw: &RawValue, notes: &mut Notes) {
    #[derive(serde::Deserialize)]
    struct Part<'a> {
        #[serde(borrow)]
        text: Str<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Parts<'a> {
        #[serde(borrow)]
        content: Vec<Part<'a>>,
    }
    #[derive(serde::Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        content: Str<'a>,
    }
    let text = match serde_json::from_str::<Whole<'_>>(raw.get()) {
        Ok(whole) => Some(whole.content.0.into_owned()),
        Err(_) => serde_json::from_str::<Parts<'_>>(raw.get())
            .ok()
            .map(|parts| parts.content.iter().map(|part| &*part.text.0).collect()),
    };
    let Some(text) = text else {
        return notes.drop("prediction");
    };
    let mut prediction = Members::open(body.key("prediction"));
    prediction.text("type", "content");
    prediction.text("content", &text);
    prediction.close();
}
