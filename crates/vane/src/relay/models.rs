//! `GET /v1/models`: what can be called now, in one shape that every SDK reads.

use super::inbound::Inbound;
use super::reply::{Response, json};
use crate::gateway::Gateway;
use crate::upstream::Offer;
use std::collections::BTreeMap;
use std::sync::Arc;
use vane_catalog::Capability;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault, json as write};

/// Lists the models that at least one offer serves.
///
/// # Errors
/// If the caller has no good key.
pub async fn list(
    gateway: &Arc<Gateway>,
    inbound: &Inbound,
    query: &str,
) -> Result<Response, Fault> {
    let caller = super::authenticate(gateway, &inbound.headers).await?;
    let state = gateway.state();
    let mut models: BTreeMap<&str, &Offer> = BTreeMap::new();
    for offer in state.offers.iter() {
        models.entry(&offer.facts.id).or_insert(offer);
    }
    if let Some(allowed) = &caller.models {
        models.retain(|id, _| allowed.iter().any(|name| name == id));
    }
    let limit = parameter(query, "limit")
        .and_then(|n| n.parse().ok())
        .unwrap_or(usize::MAX);
    let after = parameter(query, "after_id").map(percent_decoded);
    let rest: Vec<_> = models
        .into_iter()
        .filter(|(id, _)| after.as_deref().is_none_or(|after| *id > after))
        .collect();
    let shown = &rest[..rest.len().min(limit)];
    let kind = kind(inbound);
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
    Ok(json(200, out))
}

/// One model by id or any name it goes by.
///
/// # Errors
/// If there is no such model, or the caller has no good key.
pub async fn one(gateway: &Arc<Gateway>, inbound: &Inbound, id: &str) -> Result<Response, Fault> {
    let caller = super::authenticate(gateway, &inbound.headers).await?;
    let state = gateway.state();
    let allowed = caller
        .models
        .as_ref()
        .is_none_or(|names| names.iter().any(|name| name == id));
    let resolved = state.catalog.resolve(id).filter(|_| allowed);
    let offer =
        resolved.and_then(|found| found.offers.iter().find_map(|o| state.offers.get(&o.id)));
    match offer {
        Some(offer) => {
            let mut out = Vec::new();
            card(&mut out, kind(inbound), id, offer);
            Ok(json(200, out))
        }
        None => {
            let message =
                format!("there is no model `{id}` here: `GET /v1/models` lists what there is");
            Err(Fault::new(Kind::NotFound, Blame::Caller, message).with_code("model_not_found"))
        }
    }
}

/// What `type` says: the one field on which the SDKs cannot agree. Mistral's reads only cards of
/// a base model or of a fine-tuned one.
fn kind(inbound: &Inbound) -> &'static str {
    match inbound.door.dialect {
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
    let mut count = |keys: [&str; 2], value: Option<u64>| {
        let Some(value) = value else { return };
        for key in keys {
            out.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
        }
    };
    count(
        ["max_context_length", "max_input_tokens"],
        facts.context_window,
    );
    count(["max_tokens", "max_output_tokens"], facts.max_output);
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

/// Text of a path or a query. What is no escape stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_decoded_and_never_fail() {
        assert_eq!(percent_decoded("mistral%2Fcodestral"), "mistral/codestral");
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%zz%"), "%zz%");
    }
}
