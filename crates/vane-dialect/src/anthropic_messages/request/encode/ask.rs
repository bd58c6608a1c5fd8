//! Sampling, effort and the form of the answer -> JSON.

use super::super::OF_OUTPUT;
use super::inner_extras;
use super::schema;
use super::thinking::Thinking;
use crate::anthropic_messages::wire::{Members, list};
use crate::call::{Chat, Effort, Format, ReasoningMode};
use crate::dialect::Dialect;
use crate::effort;
use crate::exchange::Target;
use crate::json::{self, Raw};
use crate::notes::Notes;
use crate::quirk::Quirk;
use serde_json::Number;
use std::borrow::Cow;

/// From here on a budget was meant as a middling, and as a high, effort.
const BUDGET_MEDIUM: u64 = 4096;
const BUDGET_HIGH: u64 = 16_384;

/// Writes `output_config`, if there is anything in it.
pub(super) fn output_config(
    chat: &Chat,
    target: &Target<'_>,
    thinking: Thinking,
    members: &mut Members<'_>,
    notes: &mut Notes,
) {
    let mut written = Vec::new();
    let mut inner = Members::open(&mut written);
    if let Some(effort) = effort(chat, target, thinking, notes) {
        inner.text("effort", effort);
    }
    match &chat.format {
        Format::Text => {}
        Format::JsonObject => notes.drop("response_format"),
        Format::JsonSchema {
            name,
            schema,
            description,
            ..
        } => {
            if description.is_some() {
                notes.drop("response_format.description");
            }
            let mut format = Members::open(inner.key("format"));
            format.text("type", "json_schema");
            format.raw("schema", &fitted(schema, name.is_none(), notes));
            format.close();
        }
        Format::Other { dialect, raw } => {
            if *dialect == Dialect::AnthropicMessages {
                inner.raw("format", raw.get());
            } else {
                notes.drop("response_format");
            }
        }
    }
    inner_extras(chat, OF_OUTPUT, &mut inner);
    inner.close();
    if written != b"{}" {
        members.key("output_config").append(&mut written);
    }
}

/// The schema in the subset that Anthropic takes. Only its own clients give none a name: theirs goes
/// as it came, and they hear what they would hear without Vane.
fn fitted<'a>(schema: &'a Raw, is_own: bool, notes: &mut Notes) -> Cow<'a, str> {
    if is_own {
        return Cow::Borrowed(schema.get());
    }
    let fitted = schema::fit(schema.get());
    if fitted.lossy {
        notes.drop("response_format.schema");
    }
    fitted.schema
}

/// The effort by Anthropic's names. A budget that the model does not take is told as an effort.
fn effort(
    chat: &Chat,
    target: &Target<'_>,
    thinking: Thinking,
    notes: &mut Notes,
) -> Option<&'static str> {
    let ask = &chat.reasoning;
    let told = target.quirks.has(Quirk::NoThinkingBudget)
        && matches!(ask.mode, ReasoningMode::On | ReasoningMode::Unsaid);
    let of_budget = |budget: u64| match budget {
        0..BUDGET_MEDIUM => Effort::Low,
        BUDGET_MEDIUM..BUDGET_HIGH => Effort::Medium,
        BUDGET_HIGH.. => Effort::High,
    };
    let asked = ask.effort;
    let asked = asked.or_else(|| ask.budget_tokens.filter(|_| told).map(of_budget))?;
    // Who thinks in any case does so least like this.
    let off = asked == Effort::None && !target.quirks.has(Quirk::AlwaysThinks);
    if off {
        return None;
    }
    let least = asked.max(Effort::Low);
    let sent = effort::nearest(target.quirks, least);
    if target.quirks.has(Quirk::NoReasoningEffort) {
        // It became the budget, where the model thinks by one that nobody else set.
        if ask.budget_tokens.is_some() || !matches!(thinking, Thinking::Manual(_)) {
            notes.drop("output_config.effort");
        }
        return None;
    }
    if sent != least {
        notes.drop("output_config.effort");
    }
    Some(sent.name())
}

/// Writes what steers the choice of tokens, and notes what Anthropic has no field for.
pub(super) fn sampling(
    chat: &Chat,
    target: &Target<'_>,
    thinks: bool,
    members: &mut Members<'_>,
    notes: &mut Notes,
) {
    let asked = &chat.sampling;
    let free = !target.quirks.has(Quirk::NoSampling);
    let has_temperature = temperature(asked.temperature.as_ref(), free, thinks, members, notes);
    if let Some(top_p) = &asked.top_p {
        // Newer models refuse both at once; a thinking model takes only the top of the range.
        let wide = top_p.as_f64().is_some_and(|p| (0.95..=1.0).contains(&p));
        if free && !has_temperature && (wide || !thinks) {
            json::value(members.key("top_p"), top_p);
        } else {
            notes.drop("top_p");
        }
    }
    if let Some(top_k) = asked.top_k {
        if free && !thinks {
            members.number("top_k", top_k);
        } else {
            notes.drop("top_k");
        }
    }
    stop(chat, target, members, notes);
    let lost = [
        ("min_p", asked.min_p.is_some()),
        ("presence_penalty", asked.presence_penalty.is_some()),
        ("frequency_penalty", asked.frequency_penalty.is_some()),
        ("repetition_penalty", asked.repetition_penalty.is_some()),
        ("seed", asked.seed.is_some()),
        ("min_tokens", asked.min_output.is_some()),
        ("n", asked.n.is_some_and(|n| n > 1)),
        ("prompt_cache_key", chat.cache_key.is_some()),
    ];
    for (name, _) in lost.into_iter().filter(|(_, is_lost)| *is_lost) {
        notes.drop(name);
    }
}

/// Whether a temperature was written.
fn temperature(
    asked: Option<&Number>,
    free: bool,
    thinks: bool,
    members: &mut Members<'_>,
    notes: &mut Notes,
) -> bool {
    let Some(asked) = asked else { return false };
    let value = asked.as_f64().unwrap_or(1.0);
    // A thinking model has the temperature 1 and takes no other.
    if !free || (thinks && value < 1.0) {
        notes.drop("temperature");
        return false;
    }
    if value > 1.0 {
        notes.drop("temperature");
        members.raw("temperature", "1");
    } else {
        json::value(members.key("temperature"), asked);
    }
    true
}

fn stop(chat: &Chat, target: &Target<'_>, members: &mut Members<'_>, notes: &mut Notes) {
    let asked = &chat.sampling.stop;
    if target.quirks.has(Quirk::NoStop) && !asked.is_empty() {
        return notes.drop("stop");
    }
    // A stop string of nothing but white space is refused.
    let (kept, lost): (Vec<&String>, Vec<&String>) =
        asked.iter().partition(|text| !text.trim().is_empty());
    if !lost.is_empty() {
        notes.drop("stop");
    }
    if !kept.is_empty() {
        list(members.key("stop_sequences"), kept, |out, text| {
            json::string(out, text);
        });
    }
}
