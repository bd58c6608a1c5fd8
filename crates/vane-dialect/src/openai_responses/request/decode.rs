//! The top level of a request body.
//!
//! What Vane's statelessness settles anyway is consumed here (`store`, `background: false`,
//! `truncation: "disabled"`, asking for encrypted reasoning), so that no encoder has to note it.

use super::{items, tools};
use crate::block::{Block, Text};
use crate::call::{Call, Chat, Effort, Extra, Format, Role, Show, Stream, Turn};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str};
use crate::seal::Seal;
use serde_json::value::RawValue;

/// Always asked of a provider and always given to a client.
pub(super) const ENCRYPTED: &str = "reasoning.encrypted_content";

/// Fields of Vane's own, read by routing and by nobody after it.
const VANE_ONLY: [&str; 3] = ["models", "provider", "vane"];

pub(crate) fn decode(body: &[u8], seal: &dyn Seal) -> Result<Call, Fault> {
    let mut body = Object::read_body(body)?;
    let root = Path::Root;
    refuse_stored(&mut body)?;
    let mut chat = Chat {
        model: body.need::<Str<'_>>("model", &root)?.0.into_owned(),
        stream: Stream {
            on: body.get("stream", &root)?.unwrap_or(false),
            include_usage: false,
        },
        parallel_tools: body.get("parallel_tool_calls", &root)?,
        cache_key: body.get("prompt_cache_key", &root)?,
        ..Chat::default()
    };
    if let Some(Str(text)) = body.get("instructions", &root)? {
        let block = Block::Text(Text::plain(text));
        chat.turns.push(Turn::new(Role::System, vec![block]));
    }
    let input: &RawValue = body.need("input", &root)?;
    items::read(input, &root.key("input"), seal, &mut chat)?;
    if let Some(raw) = body.take("tools") {
        chat.tools = tools::read(raw, &root.key("tools"), &mut chat.extras)?;
    }
    if let Some(raw) = body.take("tool_choice") {
        chat.tool_choice = Some(tools::choice(raw, &root.key("tool_choice"))?);
    }
    chat.sampling.temperature = body.get("temperature", &root)?;
    chat.sampling.top_p = body.get("top_p", &root)?;
    chat.sampling.max_output = body.get("max_output_tokens", &root)?;
    read_text(&mut body, &mut chat)?;
    read_reasoning(&mut body, &mut chat)?;
    settle(&mut body, &mut chat)?;
    for (name, value) in body.rest() {
        if value.get() != "null" && !VANE_ONLY.contains(&&*name) {
            chat.extras.push(extra(name, value));
        }
    }
    Ok(Call::Chat(Box::new(chat)))
}

fn extra(name: impl Into<String>, value: &RawValue) -> Extra {
    Extra {
        dialect: Dialect::OpenaiResponses,
        name: name.into(),
        value: Raw::from(value),
    }
}

/// Keeps what an item or a tool said beyond its canonical form, for the notes; once per name.
pub(super) fn leftover(of: &str, object: Object<'_>, extras: &mut Vec<Extra>) {
    Extra::keep_rest(Dialect::OpenaiResponses, of, object, extras);
}

/// Refuses what only a server with a memory could answer.
fn refuse_stored(body: &mut Object<'_>) -> Result<(), Fault> {
    const SEND: &str = "Vane keeps no state between calls";
    let refuse = |field: &str, instead: &str| {
        Err(Fault::unsupported(
            field,
            format!("`{field}` is not supported: {SEND}; {instead}"),
        ))
    };
    if let Some(raw) = body.take("previous_response_id") {
        return Err(unknown_response(raw));
    }
    if body.take("conversation").is_some() {
        return refuse(
            "conversation",
            "send the earlier items (messages, reasoning, calls and outputs) in `input`",
        );
    }
    if body.take("prompt").is_some() {
        return refuse(
            "prompt",
            "send the template's text in `instructions` or `input`",
        );
    }
    if body
        .get::<bool>("background", &Path::Root)?
        .unwrap_or(false)
    {
        return refuse(
            "background",
            "leave it out and read the answer, streamed or not, from this call",
        );
    }
    Ok(())
}

/// In OpenAI's words for a response that it does not have any more: clients know them, and send the
/// whole conversation instead.
fn unknown_response(raw: &RawValue) -> Fault {
    const FIELD: &str = "previous_response_id";
    let id: String = raw.get().trim_matches('"').chars().take(128).collect();
    let message = format!(
        "Previous response with id '{id}' not found: Vane keeps no state between calls; send the \
         whole conversation"
    );
    Fault::invalid(FIELD, message).with_code("previous_response_not_found")
}

fn read_text(body: &mut Object<'_>, chat: &mut Chat) -> Result<(), Fault> {
    let path = Path::Root.key("text");
    let Some(raw) = body.take("text") else {
        return Ok(());
    };
    let mut text = Object::read(raw, &path)?;
    if let Some(raw) = text.take("format") {
        chat.format = read_format(raw, &path.key("format"))?;
    }
    if let Some(verbosity) = text.take("verbosity") {
        chat.extras.push(extra("verbosity", verbosity));
    }
    for (name, value) in text.rest() {
        chat.extras.push(extra(format!("text.{name}"), value));
    }
    Ok(())
}

fn read_format(raw: &RawValue, path: &Path<'_>) -> Result<Format, Fault> {
    let mut format = Object::read(raw, path)?;
    let kind: Str<'_> = format.need("type", path)?;
    Ok(match &*kind.0 {
        "text" => Format::Text,
        "json_object" => Format::JsonObject,
        "json_schema" => Format::JsonSchema {
            name: format.get("name", path)?,
            description: format.get("description", path)?,
            schema: Raw::from(format.need::<&RawValue>("schema", path)?),
            strict: format.get("strict", path)?,
        },
        _ => Format::Other {
            dialect: Dialect::OpenaiResponses,
            raw: Raw::from(raw),
        },
    })
}

/// Efforts and summaries of tomorrow become extras: a provider may know them.
fn read_reasoning(body: &mut Object<'_>, chat: &mut Chat) -> Result<(), Fault> {
    let path = Path::Root.key("reasoning");
    let Some(raw) = body.take("reasoning") else {
        return Ok(());
    };
    let mut reasoning = Object::read(raw, &path)?;
    if let Some(raw) = reasoning.take("effort") {
        let name: Str<'_> = crate::json::read(raw, &path.key("effort"))?;
        chat.reasoning.effort = Effort::from_name(&name.0);
        if chat.reasoning.effort.is_none() {
            chat.extras.push(extra("reasoning.effort", raw));
        }
    }
    if let Some(raw) = reasoning.take("summary") {
        let name: Str<'_> = crate::json::read(raw, &path.key("summary"))?;
        match &*name.0 {
            "auto" => chat.reasoning.show = Some(Show::Auto),
            "concise" => chat.reasoning.show = Some(Show::Concise),
            "detailed" => chat.reasoning.show = Some(Show::Detailed),
            _ => chat.extras.push(extra("reasoning.summary", raw)),
        }
    }
    for (name, value) in reasoning.rest() {
        if value.get() != "null" {
            chat.extras.push(extra(format!("reasoning.{name}"), value));
        }
    }
    Ok(())
}

fn settle(body: &mut Object<'_>, chat: &mut Chat) -> Result<(), Fault> {
    let root = Path::Root;
    let _: Option<bool> = body.get("store", &root)?;
    if body.peek("truncation").map(RawValue::get) == Some("\"disabled\"") {
        body.take("truncation");
    }
    let asked: Vec<Str<'_>> = body.get("include", &root)?.unwrap_or_default();
    let others: Vec<&str> = asked
        .iter()
        .map(|name| &*name.0)
        .filter(|name| *name != ENCRYPTED)
        .collect();
    if !others.is_empty() {
        chat.extras.push(Extra {
            dialect: Dialect::OpenaiResponses,
            name: "include".to_owned(),
            value: Raw::of(&others),
        });
    }
    Ok(())
}
