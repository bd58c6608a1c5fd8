//! The top level of a provider's body.
//!
//! Nothing is ever stored at the provider (`store: false`), and reasoning always comes back
//! encrypted, so that the next turn can return it.

use super::decode::ENCRYPTED;
use super::write_items::Items;
use super::write_tools::Words;
use super::{OF_ITEM, OF_TOOL, write_settings, write_tools};
use crate::block::Block;
use crate::call::{Chat, Extra, Role, ToolChoice, Turn};
use crate::dialect::Dialect;
use crate::effort;
use crate::exchange::{Asked, Encoded, Target};
use crate::fault::Fault;
use crate::json::{Raw, Str};
use crate::notes::Notes;
use crate::openai_responses::wire::{Fields, List};
use crate::quirk::{Quirk, Quirks};

/// The least that `max_output_tokens` may be.
const OUTPUT_MIN: u64 = 16;

/// Fields of chat completions that mean the same here.
const SHARED: [&str; 7] = [
    "metadata",
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_options",
    "prompt_cache_retention",
    "verbosity",
];

/// What a provider with a closed body knows beyond what is canonical.
const DOCUMENTED: [&str; 14] = [
    "metadata",
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_options",
    "prompt_cache_retention",
    "verbosity",
    "include",
    "max_tool_calls",
    "stream_options",
    "top_logprobs",
    "truncation",
    "context_management",
    "reasoning.context",
];

pub(crate) fn encode(
    chat: &Chat,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    let mut body = Vec::with_capacity(4096);
    let mut fields = Fields::open(&mut body);
    fields.text("model", target.model);
    let (lead, turns) = lead(&chat.turns, target.quirks);
    let (instructions, turns) = match lead {
        Some(_) => (None, turns),
        None => instructions(turns),
    };
    if let Some(text) = instructions {
        fields.text("instructions", text);
    }
    let mut items = Items::open(fields.key("input"), target, notes);
    for turn in lead.iter().chain(turns) {
        items.turn(turn);
    }
    items.close();
    write_choices(chat, target, notes, &mut fields);
    let extras = carried(&chat.extras, target, notes);
    if let Some(reasoning) = write_settings::reasoning(chat, &extras, target.quirks, notes) {
        fields.json("reasoning", reasoning);
    }
    if let Some(text) = write_settings::text(chat, &extras, target.quirks, notes) {
        fields.json("text", text);
    }
    write_sampling(chat, target, notes, &mut fields);
    if let Some(key) = &chat.cache_key {
        fields.text("prompt_cache_key", key);
    }
    fields.json("store", "false");
    write_include(&extras, target, &mut fields);
    fields.value("stream", &chat.stream.on);
    for extra in &extras {
        let nested = extra.name.starts_with("text.") || extra.name.starts_with("reasoning.");
        if !nested && extra.name != "verbosity" && extra.name != "include" {
            fields.value(&extra.name, &extra.value);
        }
    }
    if chat.cache.is_some() {
        notes.drop("cache_control");
    }
    fields.close();
    Ok(Encoded {
        body,
        asked: Asked {
            renamed: write_tools::renamed(&chat.tools),
            ..Asked::default()
        },
        beta: None,
    })
}

/// The system turns at the start as one, where more than one would be refused.
fn lead(turns: &[Turn], quirks: Quirks) -> (Option<Turn>, &[Turn]) {
    let is_system = |turn: &&Turn| matches!(turn.role, Role::System | Role::Developer);
    let leading = turns.iter().take_while(is_system).count();
    let (leading, rest) = turns.split_at(leading);
    match leading {
        [first, more @ ..] if !more.is_empty() && quirks.has(Quirk::SystemFirst) => {
            let mut lead = first.clone();
            let blocks = more.iter().flat_map(|turn| turn.blocks.iter().cloned());
            lead.blocks.extend(blocks);
            (Some(lead), rest)
        }
        _ => (None, turns),
    }
}

/// A first system turn of one text has a field of its own; every other is a message.
fn instructions(turns: &[Turn]) -> (Option<&str>, &[Turn]) {
    if let [first, rest @ ..] = turns
        && let (Role::System, [Block::Text(text)]) = (first.role, first.blocks.as_slice())
        && text.cache.is_none()
        && first.name.is_none()
    {
        return (Some(&text.text), rest);
    }
    (None, turns)
}

fn write_choices(chat: &Chat, target: &Target<'_>, notes: &mut Notes, fields: &mut Fields<'_>) {
    let tools = write_tools::list(&chat.tools, Words::Sent, notes);
    let some = tools.len() > "[]".len();
    if some {
        fields.json("tools", &tools);
    }
    let forced = !matches!(
        chat.tool_choice,
        None | Some(ToolChoice::None | ToolChoice::Auto)
    );
    let refused = forced && (!some || target.quirks.has(Quirk::NoForcedTool));
    if refused {
        notes.drop("tool_choice");
    }
    if let Some(choice) = chat.tool_choice.as_ref().filter(|_| some && !refused)
        && let Some(choice) = write_tools::choice(choice, &chat.tools, Words::Sent, notes)
    {
        fields.json("tool_choice", choice);
    }
    match chat.parallel_tools {
        Some(_) if target.quirks.has(Quirk::NoParallelToolCalls) => {
            notes.drop("parallel_tool_calls");
        }
        Some(parallel) => {
            fields.value("parallel_tool_calls", &parallel);
        }
        None => {}
    }
}

/// The extras that this provider takes; the others are noted.
fn carried<'c>(extras: &'c [Extra], target: &Target<'_>, notes: &mut Notes) -> Vec<&'c Extra> {
    let closed = target.quirks.has(Quirk::ClosedBody);
    let is_nested = |name: &str| name.starts_with(OF_ITEM) || name.starts_with(OF_TOOL);
    let takes = |extra: &Extra| match extra.dialect {
        Dialect::OpenaiResponses if is_nested(&extra.name) => false,
        Dialect::OpenaiResponses => !closed || DOCUMENTED.contains(&extra.name.as_str()),
        Dialect::OpenaiChat => SHARED.contains(&extra.name.as_str()),
        Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::AnthropicMessages
        | Dialect::MistralChat
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => false,
    };
    let mut taken = Vec::with_capacity(extras.len());
    for extra in extras {
        // Nothing is ever stored, so a wish for just that is granted.
        let granted = extra.name == "store" && extra.value.get() == "false";
        if takes(extra) {
            taken.push(extra);
        } else if !granted {
            notes.drop(&extra.name);
        }
    }
    taken
}

fn write_include(extras: &[&Extra], target: &Target<'_>, fields: &mut Fields<'_>) {
    let more: Option<&Raw> = extras
        .iter()
        .find(|extra| extra.name == "include")
        .map(|extra| &extra.value);
    let more: Vec<Str<'_>> = more
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    // A model that does not reason refuses a call that asks for its reasoning.
    let reasons = !target.quirks.has(Quirk::NoReasoning);
    if !reasons && more.is_empty() {
        return;
    }
    let mut list = List::open(fields.key("include"));
    if reasons {
        crate::json::string(list.next(), ENCRYPTED);
    }
    for Str(name) in &more {
        crate::json::string(list.next(), name);
    }
    list.close();
}

fn write_sampling(chat: &Chat, target: &Target<'_>, notes: &mut Notes, fields: &mut Fields<'_>) {
    let sampling = &chat.sampling;
    if let Some(asked) = sampling.max_output {
        if asked < OUTPUT_MIN {
            notes.drop("max_output_tokens");
        }
        let limit = target.output(asked.max(OUTPUT_MIN), "max_output_tokens", notes);
        fields.value("max_output_tokens", &limit);
    }
    let asked = write_settings::asked(&chat.reasoning, target.quirks);
    let sent = asked.map(|asked| effort::nearest(target.quirks, asked));
    let is_fixed = target.quirks.has(Quirk::NoSampling)
        || (target.quirks.has(Quirk::SamplingUnlessReasoning)
            && effort::reasons(target.quirks, sent));
    for (name, number) in [
        ("temperature", &sampling.temperature),
        ("top_p", &sampling.top_p),
    ] {
        match number {
            Some(_) if is_fixed => notes.drop(name),
            Some(number) => {
                fields.value(name, number);
            }
            None => {}
        }
    }
    let unknown_here = [
        ("top_k", sampling.top_k.is_some()),
        ("min_p", sampling.min_p.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("repetition_penalty", sampling.repetition_penalty.is_some()),
        ("seed", sampling.seed.is_some()),
        ("stop", !sampling.stop.is_empty()),
        ("min_tokens", sampling.min_output.is_some()),
        ("n", sampling.n.is_some_and(|n| n > 1)),
    ];
    for (name, said) in unknown_here {
        if said {
            notes.drop(name);
        }
    }
}
