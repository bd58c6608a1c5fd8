//! What a response object repeats of its call: SDKs demand some of it and show the rest.

use super::request::write_tools::Words;
use super::request::{write_settings, write_tools};
use super::wire::Fields;
use crate::block::{Block, Text};
use crate::call::{Chat, Extra, Role};
use crate::dialect::Dialect;
use crate::notes::Notes;
use crate::quirk::Quirks;

/// Writes the members that repeat the call, without braces.
pub(super) fn write(chat: &Chat, echo: &mut Vec<u8>) {
    let mut object = Vec::new();
    let mut fields = Fields::open(&mut object);
    match chat
        .turns
        .first()
        .map(|turn| (turn.role, turn.blocks.as_slice()))
    {
        Some((Role::System, [Block::Text(Text { text, .. })])) => fields.text("instructions", text),
        _ => fields.json("instructions", "null"),
    };
    let notes = &mut Notes::default();
    fields.value("max_output_tokens", &chat.sampling.max_output);
    fields.value("parallel_tool_calls", &chat.parallel_tools.unwrap_or(true));
    fields.value("temperature", &chat.sampling.temperature);
    fields.value("top_p", &chat.sampling.top_p);
    fields.json("tools", write_tools::list(&chat.tools, Words::Own, notes));
    let choice = chat.tool_choice.as_ref();
    let choice =
        choice.and_then(|choice| write_tools::choice(choice, &chat.tools, Words::Own, notes));
    fields.json("tool_choice", choice.as_deref().unwrap_or(b"\"auto\""));
    let extras: Vec<&Extra> = chat
        .extras
        .iter()
        .filter(|extra| extra.dialect == Dialect::OpenaiResponses)
        .collect();
    let reasoning = write_settings::reasoning(chat, &extras, Quirks::default(), notes);
    fields.json(
        "reasoning",
        reasoning
            .as_deref()
            .unwrap_or(br#"{"effort":null,"summary":null}"#),
    );
    fields.json("text", write_settings::echoed_text(chat, &extras, notes));
    fields.value("prompt_cache_key", &chat.cache_key);
    for (name, default) in [
        ("metadata", "{}"),
        ("max_tool_calls", "null"),
        ("safety_identifier", "null"),
        ("top_logprobs", "0"),
        ("truncation", "\"disabled\""),
        ("user", "null"),
    ] {
        let said = extras.iter().find(|extra| extra.name == name);
        fields.json(name, said.map_or(default, |extra| extra.value.get()));
    }
    fields.close();
    echo.extend_from_slice(&object[1..object.len() - 1]);
}
