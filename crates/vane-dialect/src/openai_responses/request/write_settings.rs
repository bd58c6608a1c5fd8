//! `reasoning` and `text`: the two settings that are objects.

use crate::call::{Chat, Effort, Extra, Format, ReasoningAsk, ReasoningMode, Show};
use crate::dialect::Dialect;
use crate::effort;
use crate::notes::Notes;
use crate::openai_responses::wire::Fields;
use crate::quirk::{Quirk, Quirks};

/// The `reasoning` object; `None` where nothing is asked.
pub(in crate::openai_responses) fn reasoning(
    chat: &Chat,
    extras: &[&Extra],
    quirks: Quirks,
    notes: &mut Notes,
) -> Option<Vec<u8>> {
    let ask = &chat.reasoning;
    // Some models refuse `none`, so what was switched off is left to the model's default.
    if matches!(ask.mode, ReasoningMode::Off | ReasoningMode::BetweenTools) && ask.effort.is_none()
    {
        notes.drop("thinking");
    }
    let mut out = Vec::new();
    let mut fields = Fields::open(&mut out);
    let reasons = !quirks.has(Quirk::NoReasoning);
    let takes_effort = reasons && !quirks.has(Quirk::NoReasoningEffort);
    if let Some(asked) = asked(ask, quirks) {
        let sent = effort::nearest(quirks, asked);
        if sent != asked || !takes_effort {
            notes.drop("reasoning.effort");
        }
        if takes_effort {
            fields.text("effort", sent.name());
        }
    }
    match summary(chat) {
        Some(_) if !reasons => notes.drop("reasoning.summary"),
        Some(summary) => {
            fields.text("summary", summary);
        }
        None => {}
    }
    nested("reasoning.", extras, &mut fields);
    fields.close();
    Some(out).filter(|out| out != b"{}")
}

/// The effort that is asked for, by its name, by a budget, or as the only word for reasoning.
pub(super) fn asked(ask: &ReasoningAsk, quirks: Quirks) -> Option<Effort> {
    let on = match ask.mode {
        ReasoningMode::On | ReasoningMode::Adaptive | ReasoningMode::BetweenTools => {
            quirks.has(Quirk::EffortInResponses)
        }
        ReasoningMode::Unsaid | ReasoningMode::Off => false,
    };
    let named = ask.effort.or_else(|| ask.budget_tokens.map(effort_of));
    named.or_else(|| on.then_some(Effort::Medium))
}

/// Budgets have no field here: the effort that spends about as much.
const fn effort_of(budget_tokens: u64) -> Effort {
    match budget_tokens {
        0..=4096 => Effort::Low,
        4097..=16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

const fn summary(chat: &Chat) -> Option<&'static str> {
    match chat.reasoning.show {
        Some(Show::Auto | Show::Summarized) => Some("auto"),
        Some(Show::Concise) => Some("concise"),
        Some(Show::Detailed) => Some("detailed"),
        Some(Show::Omitted) => None,
        // Where thinking is switched on, its text is expected.
        None => match chat.reasoning.mode {
            ReasoningMode::On | ReasoningMode::Adaptive | ReasoningMode::BetweenTools => {
                Some("auto")
            }
            ReasoningMode::Unsaid | ReasoningMode::Off => None,
        },
    }
}

/// The `text` object; `None` where nothing is asked.
pub(in crate::openai_responses) fn text(
    chat: &Chat,
    extras: &[&Extra],
    quirks: Quirks,
    notes: &mut Notes,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut fields = Fields::open(&mut out);
    match &chat.format {
        Format::Text => {}
        Format::JsonSchema { .. } if quirks.has(Quirk::NoJsonSchema) => {
            notes.drop("response_format");
            fields.json("format", r#"{"type":"json_object"}"#);
        }
        Format::Other { dialect, .. } if *dialect != Dialect::OpenaiResponses => {
            notes.drop("response_format");
        }
        Format::JsonObject | Format::JsonSchema { .. } | Format::Other { .. } => {
            format(&chat.format, fields.key("format"));
        }
    }
    write_text_extras(extras, &mut fields);
    fields.close();
    Some(out).filter(|out| out != b"{}")
}

/// The `text` object as an answer repeats it: its format is always there.
pub(in crate::openai_responses) fn echoed_text(
    chat: &Chat,
    extras: &[&Extra],
    notes: &mut Notes,
) -> Vec<u8> {
    if chat.format == Format::Text {
        let mut out = Vec::new();
        let mut fields = Fields::open(&mut out);
        format(&Format::Text, fields.key("format"));
        write_text_extras(extras, &mut fields);
        fields.close();
        return out;
    }
    text(chat, extras, Quirks::default(), notes).unwrap_or_else(|| b"{}".to_vec())
}

fn write_text_extras(extras: &[&Extra], fields: &mut Fields<'_>) {
    if let Some(verbosity) = extras.iter().find(|extra| extra.name == "verbosity") {
        fields.value("verbosity", &verbosity.value);
    }
    nested("text.", extras, fields);
}

fn format(format: &Format, out: &mut Vec<u8>) {
    match format {
        Format::Text => out.extend_from_slice(br#"{"type":"text"}"#),
        Format::JsonObject => out.extend_from_slice(br#"{"type":"json_object"}"#),
        Format::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => {
            let mut fields = Fields::typed(out, "json_schema");
            fields.text("name", name.as_deref().unwrap_or("response"));
            if let Some(description) = description {
                fields.text("description", description);
            }
            fields.value("schema", schema);
            if let Some(strict) = strict {
                fields.value("strict", strict);
            }
            fields.close();
        }
        Format::Other { raw, .. } => out.extend_from_slice(raw.get().as_bytes()),
    }
}

fn nested(prefix: &str, extras: &[&Extra], fields: &mut Fields<'_>) {
    for extra in extras {
        if let Some(name) = extra.name.strip_prefix(prefix) {
            fields.value(name, &extra.value);
        }
    }
}
