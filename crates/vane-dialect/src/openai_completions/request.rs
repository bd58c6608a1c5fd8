//! Completion requests.
//!
//! OpenAI's documented default of 16 tokens is not filled in: an absent `max_tokens` stays
//! absent, because editors rely on the model's own end.

use crate::call::{Call, Extra, Fill};
use crate::dialect::Dialect;
use crate::exchange::{Encoded, Target};
use crate::fault::Fault;
use crate::json::{self, Object, Path};
use crate::notes::Notes;
use crate::openai_chat::request as chat;
use crate::quirk::{Quirk, Quirks};
use serde_json::value::RawValue;

/// This route never had it: it limits nothing here, and is sent to nobody.
const NEWER_LIMIT: &str = "max_completion_tokens";

/// Extras that even providers with closed bodies know.
const KNOWN: [&str; 5] = ["best_of", "echo", "logit_bias", "logprobs", "user"];

pub(crate) fn decode(body: &[u8]) -> Result<Call, Fault> {
    let root = Path::Root;
    let mut body = Object::read_body(body)?;
    let model = body.need("model", &root)?;
    let prompt = prompt(body.take("prompt"))?;
    let suffix = body.get("suffix", &root)?;
    let mut extras = Vec::new();
    let stream = chat::stream(&mut body, &mut extras)?;
    for extra in &mut extras {
        extra.dialect = Dialect::OpenaiCompletions;
    }
    let newer = body.take(NEWER_LIMIT);
    let sampling = chat::sampling(&mut body)?;
    let cache_key = body.get("prompt_cache_key", &root)?;
    extras.extend(chat::extras(body, Dialect::OpenaiCompletions));
    extras.extend(newer.map(|raw| Extra {
        dialect: Dialect::OpenaiCompletions,
        name: NEWER_LIMIT.to_owned(),
        value: raw.into(),
    }));
    Ok(Call::Fill(Box::new(Fill {
        model,
        stream,
        prompt,
        suffix,
        sampling,
        cache_key,
        extras,
    })))
}

/// One text: several prompts are several calls, and token ids only their own model can read.
fn prompt(raw: Option<&RawValue>) -> Result<String, Fault> {
    let Some(raw) = raw else {
        return Ok(String::new());
    };
    let path = Path::Root.key("prompt");
    if raw.get().starts_with('"') {
        return json::read(raw, &path);
    }
    let list: Vec<&RawValue> = json::read(raw, &path)?;
    match list.as_slice() {
        [one] if one.get().starts_with('"') => json::read(one, &path.index(0)),
        [one, ..] if !one.get().starts_with('"') => Err(Fault::unsupported(
            "prompt",
            "a prompt of token ids goes only to the model it was made for: send text",
        )),
        _ => Err(Fault::unsupported(
            "prompt",
            "one prompt per call: send the others as calls of their own",
        )),
    }
}

pub(crate) fn encode(
    fill: &Fill,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    // This route knows the older limit only.
    let target = &Target {
        quirks: target
            .quirks
            .union(Quirks::default().with(Quirk::MaxTokens)),
        ..*target
    };
    let mut body = chat::Body {
        out: b"{\"model\":".to_vec(),
        target,
        notes,
    };
    json::string(&mut body.out, target.model);
    body.field("prompt", &fill.prompt);
    // An empty one says nothing: who refuses the key is asked to fill in by nobody.
    if let Some(suffix) = &fill.suffix
        && !target.quirks.has(Quirk::NoSuffix)
    {
        body.field("suffix", suffix);
    }
    body.stream(fill.stream.on);
    body.sampling(&fill.sampling, false);
    if fill.cache_key.is_some() {
        body.notes.drop("prompt_cache_key");
    }
    for extra in &fill.extras {
        if taken(extra, target.quirks) && !body.refuses(&extra.name) {
            body.field(&extra.name, &extra.value);
        } else {
            body.notes.drop(&extra.name);
        }
    }
    body.out.push(b'}');
    Ok(Encoded {
        body: body.out,
        ..Encoded::default()
    })
}

fn taken(extra: &Extra, quirks: Quirks) -> bool {
    let closed = quirks.has(Quirk::ClosedBody) || quirks.has(Quirk::OpenaiOwn);
    let name = extra.name.as_str();
    extra.dialect == Dialect::OpenaiCompletions
        && name != NEWER_LIMIT
        && (!closed || KNOWN.contains(&name))
}
