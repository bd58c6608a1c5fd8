//! The fields that Mistral's chat and FIM bodies have in common.

use crate::call::{Extra, Sampling};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw};
use crate::mistral_chat::members::Members;
use crate::notes::Notes;
use serde::Deserialize;
use serde_json::Number;

/// Mistral refuses anything hotter.
const TEMPERATURE_MAX: f64 = 1.5;

#[derive(Deserialize)]
#[serde(untagged)]
enum StopList {
    One(String),
    Many(Vec<String>),
}

pub(crate) fn read(body: &mut Object<'_>) -> Result<Sampling, Fault> {
    let path = &Path::Root;
    Ok(Sampling {
        temperature: body.get("temperature", path)?,
        top_p: body.get("top_p", path)?,
        max_output: body.get("max_tokens", path)?,
        min_output: body.get("min_tokens", path)?,
        seed: body.get("random_seed", path)?,
        stop: match body.get("stop", path)? {
            Some(StopList::One(stop)) => vec![stop],
            Some(StopList::Many(stops)) => stops,
            None => Vec::new(),
        },
        ..Sampling::default()
    })
}

pub(crate) fn write(body: &mut Members<'_>, sampling: &Sampling, notes: &mut Notes) {
    if let Some(temperature) = &sampling.temperature {
        if temperature.as_f64().is_some_and(|t| t > TEMPERATURE_MAX) {
            notes.drop("temperature");
            body.maybe("temperature", Number::from_f64(TEMPERATURE_MAX).as_ref());
        } else {
            body.value("temperature", temperature);
        }
    }
    body.maybe("top_p", sampling.top_p.as_ref());
    body.maybe("max_tokens", sampling.max_output.as_ref());
    body.maybe("min_tokens", sampling.min_output.as_ref());
    if !sampling.stop.is_empty() {
        body.value("stop", &sampling.stop);
    }
    // A seed only names a random choice; Mistral refuses negative names.
    body.maybe("random_seed", sampling.seed.map(i64::unsigned_abs).as_ref());
    if sampling.min_p.is_some() {
        notes.drop("min_p");
    }
    if sampling.n.is_some_and(|n| n > 1) {
        notes.drop("n");
    }
}

/// The key raises the chance of a cache hit; Mistral takes ASCII.
pub(crate) fn write_cache_key(body: &mut Members<'_>, key: Option<&str>, notes: &mut Notes) {
    match key {
        Some(key) if key.is_ascii() => body.text("prompt_cache_key", key),
        Some(_) => notes.drop("prompt_cache_key"),
        None => {}
    }
}

/// What nobody took is the dialect's own.
pub(crate) fn extras(dialect: Dialect, rest: Object<'_>) -> Vec<Extra> {
    let members = rest.rest().into_iter();
    let given = members.filter(|(_, raw)| raw.get() != "null");
    given
        .map(|(name, raw)| Extra {
            dialect,
            name: name.into_owned(),
            value: Raw::from(raw),
        })
        .collect()
}
