//! `GET /v1/models`: what can be called now, in one shape that every SDK reads.

use super::inbound::{Door, percent_decoded};
use super::reply::{Response, json};
use super::route::allows;
use crate::gateway::{Gateway, State};
use crate::upstream::Offer;
use std::collections::BTreeMap;
use std::sync::Arc;
use vane_catalog::{Capability, Status};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault, json as write};
use vane_ledger::{Caller, Limits};

/// Lists the models that at least one offer serves.
#[must_use]
pub fn list(gateway: &Gateway, caller: &Caller, door: Door, query: &str) -> Response {
    let state = gateway.state();
    let limits = &caller.limits;
    let models: BTreeMap<&str, &Arc<Offer>> = match &limits.models {
        // The names of the key are those it may call.
        Some(names) => names
            .iter()
            .filter_map(|name| Some((name.as_str(), served(&state, limits, name)?)))
            .collect(),
        None => state
            .offers
            .iter()
            .filter(|offer| offer.facts.status != Status::Retired)
            .filter(|offer| allows(&limits.providers, &offer.provider.id))
            .map(|offer| (name_of(&state, offer), offer))
            .collect(),
    };
    let limit = parameter(query, "limit")
        .and_then(|n| n.parse().ok())
        .unwrap_or(usize::MAX);
    let after = parameter(query, "after_id").map(percent_decoded);
    let rest: Vec<_> = models
        .into_iter()
        .filter(|(id, _)| after.as_deref().is_none_or(|after| *id > after))
        .collect();
    let shown = &rest[..rest.len().min(limit)];
    let kind = kind(door);
    let mut out = br#"{"object":"list","data":["#.to_vec();
    for (at, (id, offer)) in shown.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        card(&mut out, kind, id, offer);
    }
    out.extend_from_slice(b"],\"has_more\":");
    write::value(&mut out, &(shown.len() < rest.len()));
    for (key, model) in [("first_id", shown.first()), ("last_id", shown.last())] {
        out.extend_from_slice(format!(",\"{key}\":").as_bytes());
        write::value(&mut out, &model.map(|(id, _)| id));
    }
    out.push(b'}');
    json(200, out)
}

/// One model by id or any name it goes by.
///
/// # Errors
/// If there is no such model.
pub fn one(gateway: &Gateway, caller: &Caller, door: Door, id: &str) -> Result<Response, Fault> {
    let state = gateway.state();
    let limits = &caller.limits;
    match served(&state, limits, id).filter(|_| allows(&limits.models, id)) {
        Some(offer) => {
            let mut out = Vec::new();
            card(&mut out, kind(door), id, offer);
            Ok(json(200, out))
        }
        None => {
            let message =
                format!("there is no model `{id}` here: `GET /v1/models` lists what there is");
            Err(Fault::new(Kind::NotFound, Blame::Caller, message).with_code("model_not_found"))
        }
    }
}

/// The shortest name that means this offer: its model's, unless that means others only.
fn name_of<'o>(state: &State, offer: &'o Offer) -> &'o str {
    let facts = &offer.facts;
    let resolved = state.catalog.resolve(&facts.model);
    let meant = resolved.is_some_and(|found| found.offers.iter().any(|o| o.id == facts.id));
    if meant { &facts.model } else { &facts.id }
}

/// An offer that can be called by this name, at a provider that the key may use.
fn served<'s>(state: &'s State, limits: &Limits, name: &str) -> Option<&'s Arc<Offer>> {
    let resolved = state.catalog.resolve(name)?;
    let mut offers = resolved.offers.iter();
    offers.find_map(|facts| {
        let offer = state.offers.get(&facts.id)?;
        allows(&limits.providers, &offer.provider.id).then_some(offer)
    })
}

/// What `type` says: the one field on which the SDKs cannot agree. Mistral's reads only cards of
/// a base model or of a fine-tuned one.
fn kind(door: Door) -> &'static str {
    match door.dialect {
        Dialect::MistralChat => "base",
        _ => "model",
    }
}

/// The superset of OpenAI's, Anthropic's and Mistral's model objects.
fn card(out: &mut Vec<u8>, kind: &str, id: &str, offer: &Offer) {
    let facts = &offer.facts;
    let released = facts
        .released
        .as_deref()
        .and_then(day)
        .unwrap_or("2024-01-01");
    let created = vane_catalog::Date::parse(released).map_or(0, vane_catalog::Date::starts_at);
    let mut text = |key: &str, value: &str| {
        out.extend_from_slice(key.as_bytes());
        write::string(out, value);
    };
    text("{\"id\":", id);
    text(",\"object\":\"model\",\"type\":", kind);
    text(",\"owned_by\":", &facts.maker);
    text(",\"name\":", &facts.name);
    text(",\"display_name\":", &facts.name);
    text(",\"created_at\":", &format!("{released}T00:00:00Z"));
    out.extend_from_slice(format!(",\"created\":{created}").as_bytes());
    // What is not known is left out: strict readers take a number here, never null.
    let mut count = |keys: &[&str], value: Option<u64>| {
        let Some(value) = value else { return };
        for key in keys {
            out.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
        }
    };
    // Mistral's and Anthropic's names, and those of OpenRouter's list and of vLLM's.
    count(
        &[
            "max_context_length",
            "max_input_tokens",
            "context_length",
            "max_model_len",
        ],
        facts.context_window,
    );
    count(
        &["max_tokens", "max_output_tokens", "max_completion_tokens"],
        facts.max_output,
    );
    out.extend_from_slice(b",\"capabilities\":{");
    let can = |capability| facts.can(capability);
    let chat = facts.kind == vane_catalog::Kind::Chat;
    let flags = [
        ("completion_chat", chat),
        ("completion_fim", can(Capability::Fim)),
        ("function_calling", can(Capability::Tools)),
        ("reasoning", can(Capability::Reasoning)),
        ("vision", can(Capability::Vision)),
        ("fine_tuning", false),
    ];
    for (at, (flag, on)) in flags.into_iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        out.extend_from_slice(format!("{comma}\"{flag}\":{on}").as_bytes());
    }
    out.extend_from_slice(b"}}");
}

/// A full day from a date that may be a year or a month only: then none.
fn day(date: &str) -> Option<&str> {
    (date.len() == 10).then_some(date)
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
