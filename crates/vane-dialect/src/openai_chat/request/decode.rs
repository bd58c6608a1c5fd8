//! The members of a request's body. What has no canonical meaning becomes an extra.

use super::{message_in, tool_in};
use crate::call::{Call, Chat, Effort, Extra, ReasoningAsk, ReasoningMode, Sampling, Show, Stream};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw};
use crate::openai_responses;
use crate::seal::Seal;
use serde_json::value::RawValue;

/// Fields of the union door that are Mistral's alone.
const MISTRAL: [&str; 7] = [
    "document_image_limit",
    "document_page_limit",
    "safe_prompt",
    "prompt_mode",
    "guardrails",
    "prompt_logprobs",
    "top_prompt_logprobs",
];

/// Fields that speak to Vane, not to a model: whoever routes the call has read them.
const OURS: [&str; 3] = ["models", "provider", "vane"];

pub(crate) fn decode(bytes: &[u8], seal: &dyn Seal) -> Result<Call, Fault> {
    let root = Path::Root;
    let mut body = Object::read_body(bytes)?;
    let is_said = |raw: &RawValue| raw.get() != "null";
    if body.peek("input").is_some_and(is_said) && !body.peek("messages").is_some_and(is_said) {
        return responses(bytes, &mut body, seal);
    }
    let model = body.need("model", &root)?;
    let mut extras = Vec::new();
    let turns = message_in::turns(body.need("messages", &root)?, seal, &mut extras)?;
    let stream = stream(&mut body, &mut extras)?;
    let old_functions = body
        .peek("functions")
        .is_some_and(|raw| raw.get() != "null");
    let tools = tool_in::tools(&mut body, seal, &mut extras)?;
    let tool_choice = tool_in::choice(&mut body, &mut extras)?;
    let parallel_tools = body.get("parallel_tool_calls", &root)?;
    let format = tool_in::format(&mut body)?;
    let reasoning = reasoning(&mut body)?;
    let sampling = sampling(&mut body)?;
    let cache_key = body.get("prompt_cache_key", &root)?;
    extras.extend(self::extras(body, Dialect::OpenaiChat));
    Ok(Call::Chat(Box::new(Chat {
        model,
        stream,
        turns,
        tools,
        tool_choice,
        // The old answer has room for one call.
        parallel_tools: if old_functions {
            Some(false)
        } else {
            parallel_tools
        },
        format,
        reasoning,
        sampling,
        cache_key,
        cache: None,
        old_functions,
        extras,
    })))
}

/// Keeps what a part, a call, a tool or a choice said beyond its canonical form, for the notes; once
/// per name.
pub(super) fn leftover(of: &str, object: Object<'_>, extras: &mut Vec<Extra>) {
    Extra::keep_rest(Dialect::OpenaiChat, of, object, extras);
}

/// A body of the responses dialect, which Cursor sends to this door for OpenAI's models: it is read as
/// what it is, and answered as a chat.
fn responses(bytes: &[u8], body: &mut Object<'_>, seal: &dyn Seal) -> Result<Call, Fault> {
    let mut call = openai_responses::request::decode(bytes, seal)?;
    if let Call::Chat(chat) = &mut call {
        chat.stream = stream(body, &mut Vec::new())?;
        chat.extras.retain(|extra| extra.name != "stream_options");
    }
    Ok(call)
}

pub(crate) fn stream(body: &mut Object<'_>, extras: &mut Vec<Extra>) -> Result<Stream, Fault> {
    let path = Path::Root;
    let on = body.get("stream", &path)?.unwrap_or(false);
    let mut include_usage = false;
    if let Some(raw) = body.take("stream_options") {
        let path = path.key("stream_options");
        let mut options = Object::read(raw, &path)?;
        include_usage = options.get("include_usage", &path)?.unwrap_or(false);
        extras.extend(options.rest().into_iter().map(|(name, value)| Extra {
            dialect: Dialect::OpenaiChat,
            name: format!("stream_options.{name}"),
            value: value.into(),
        }));
    }
    Ok(Stream { on, include_usage })
}

pub(crate) fn sampling(body: &mut Object<'_>) -> Result<Sampling, Fault> {
    let path = Path::Root;
    let newer = body.get("max_completion_tokens", &path)?;
    let older = body.get("max_tokens", &path)?;
    let seed = body.get("seed", &path)?;
    let random_seed = body.get("random_seed", &path)?;
    Ok(Sampling {
        temperature: body.get("temperature", &path)?,
        top_p: body.get("top_p", &path)?,
        top_k: body.get("top_k", &path)?,
        min_p: body.get("min_p", &path)?,
        presence_penalty: body.get("presence_penalty", &path)?,
        frequency_penalty: body.get("frequency_penalty", &path)?,
        repetition_penalty: body.get("repetition_penalty", &path)?,
        seed: seed.or(random_seed),
        stop: stops(body)?,
        max_output: newer.or(older),
        min_output: body.get("min_tokens", &path)?,
        n: body.get("n", &path)?,
    })
}

fn stops(body: &mut Object<'_>) -> Result<Vec<String>, Fault> {
    let Some(raw) = body.take("stop") else {
        return Ok(Vec::new());
    };
    let path = Path::Root.key("stop");
    if raw.get().starts_with('"') {
        return Ok(vec![crate::json::read(raw, &path)?]);
    }
    crate::json::read(raw, &path)
}

/// What is left of the body. Nulls say nothing.
pub(crate) fn extras(body: Object<'_>, dialect: Dialect) -> Vec<Extra> {
    let rest = body.rest().into_iter();
    let rest = rest.filter(|(name, raw)| raw.get() != "null" && !OURS.contains(&&**name));
    rest.map(|(name, raw)| Extra {
        dialect: if MISTRAL.contains(&&*name) {
            Dialect::MistralChat
        } else {
            dialect
        },
        name: name.into_owned(),
        value: Raw::from(raw),
    })
    .collect()
}

/// `reasoning_effort`, OpenRouter's `reasoning` and the `thinking` switch of several vendors. A
/// value without a canonical name stays where it is and becomes an extra.
fn reasoning(body: &mut Object<'_>) -> Result<ReasoningAsk, Fault> {
    let root = Path::Root;
    let mut ask = ReasoningAsk::default();
    if let Some(effort) = body.peek("reasoning_effort").and_then(effort) {
        ask.effort = Some(effort);
        body.take("reasoning_effort");
    }
    if let Some(raw) = body.take("reasoning") {
        let path = root.key("reasoning");
        let mut object = Object::read(raw, &path)?;
        ask.effort = object.take("effort").and_then(effort).or(ask.effort);
        ask.budget_tokens = object.get("max_tokens", &path)?;
        ask.mode = match object.get("enabled", &path)? {
            Some(true) => ReasoningMode::On,
            Some(false) => ReasoningMode::Off,
            None => ReasoningMode::Unsaid,
        };
        if object.get("exclude", &path)? == Some(true) {
            ask.show = Some(Show::Omitted);
        }
    }
    let switch = body
        .peek("thinking")
        .filter(|raw| raw.get().starts_with('{'));
    if let Some(raw) = switch {
        let path = root.key("thinking");
        let mut object = Object::read(raw, &path)?;
        let mode = match object.get::<String>("type", &path)?.as_deref() {
            Some("enabled") => Some(ReasoningMode::On),
            Some("disabled") => Some(ReasoningMode::Off),
            Some("auto" | "adaptive") => Some(ReasoningMode::Adaptive),
            _ => None,
        };
        if let Some(mode) = mode {
            ask.mode = mode;
            ask.budget_tokens = object.get("budget_tokens", &path)?.or(ask.budget_tokens);
            body.take("thinking");
        }
    }
    Ok(ask)
}

fn effort(raw: &RawValue) -> Option<Effort> {
    Effort::from_name(raw.get().trim_matches('"'))
}
