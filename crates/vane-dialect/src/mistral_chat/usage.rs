//! Mistral's usage object: cached tokens stand inside `prompt_tokens`, what was heard of recordings
//! beside them.

use super::members::Members;
use crate::usage::{Served, Tier, Unit, Units, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A count above this is no count (the limit of exact integers in JSON).
const COUNT_MAX: u64 = 1 << 53;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire<'a> {
    #[serde(borrow)]
    prompt_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_tokens_details: Option<&'a RawValue>,
    /// Some answers spell it so.
    #[serde(borrow)]
    prompt_token_details: Option<&'a RawValue>,
    #[serde(borrow)]
    num_cached_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_audio_seconds: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details<'a> {
    #[serde(borrow)]
    cached_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    audio_tokens: Option<&'a RawValue>,
}

/// Reads a usage object; `None` if it is none.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    let wire: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
    let cached = details(wire.prompt_tokens_details)
        .cached_tokens
        .into_iter()
        .chain(details(wire.prompt_token_details).cached_tokens)
        .chain(wire.num_cached_tokens)
        .map(|raw| count(Some(raw)))
        .max();
    let reasoning = count(details(wire.completion_tokens_details).reasoning_tokens);
    let (prompt, output) = (count(wire.prompt_tokens), count(wire.completion_tokens));
    let served = Served {
        tier: tier(wire.service_tier),
        ..Served::default()
    };
    // It bills by the second; tokens are told where those are not.
    let heard = match count(wire.prompt_audio_seconds) {
        0 => count(details(wire.prompt_tokens_details).audio_tokens),
        seconds => seconds,
    };
    Some(Usage {
        units: Units::of(Unit::Audio, heard),
        served,
        ..Usage::from_inclusive(prompt, cached.unwrap_or(0), 0, output, reasoning)
    })
}

pub(super) fn write(out: &mut Vec<u8>, usage: &Usage, cost: Option<&str>) {
    let prompt = usage.input_total();
    let mut members = Members::open(out);
    members.value("prompt_tokens", &prompt);
    members.value("total_tokens", &prompt.saturating_add(usage.output));
    members.value("completion_tokens", &usage.output);
    let mut cached = Members::open(members.key("prompt_tokens_details"));
    cached.value("cached_tokens", &usage.cache_read);
    cached.close();
    if usage.reasoning > 0 {
        let mut details = Members::open(members.key("completion_tokens_details"));
        details.value("reasoning_tokens", &usage.reasoning);
        details.close();
    }
    if let Some(cost) = cost {
        members.json("cost", cost);
    }
    members.close();
}

/// A count, or 0 for what is none: a lie must never become a charge.
pub(super) fn count(raw: Option<&RawValue>) -> u64 {
    raw.and_then(|raw| raw.get().parse().ok())
        .filter(|count| *count <= COUNT_MAX)
        .unwrap_or(0)
}

fn details(raw: Option<&RawValue>) -> Details<'_> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn tier(raw: Option<&RawValue>) -> Tier {
    match raw.map(RawValue::get) {
        Some("\"priority\"") => Tier::Priority,
        Some("\"flex\"") => Tier::Flex,
        Some("\"batch\"") => Tier::Batch,
        Some(_) | None => Tier::Standard,
    }
}
