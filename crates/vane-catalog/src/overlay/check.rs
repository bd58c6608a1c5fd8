//! What no row may say.
//!
//! A fault names the field, so that whoever edits the file finds it.

use serde_json::Value;

use crate::date::Date;
use crate::offer::Offer;
use crate::rate::Rate;
use crate::rate_card::RateCard;

/// Dearer than every price there is by far: USD for a million tokens.
const RATE_MAX: &str = "10000";
/// Tokens of a context: more is a slip of the keyboard.
const TOKENS_MAX: u64 = 1_000_000_000;

/// Faults of a row's prices and texts, before it is read as a whole.
pub(super) fn fields(row: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for part in ["prices", "scheduled", "price_history", "upstream_prices"] {
        if let Some(value) = row.get(part) {
            prices(part, value, &mut faults);
        }
    }
    for key in ["context_window", "max_input", "max_output"] {
        let count = row.get(key).filter(|value| !value.is_null());
        if count.is_some_and(|value| {
            !value
                .as_u64()
                .is_some_and(|n| (1..=TOKENS_MAX).contains(&n))
        }) {
            faults.push(format!("`{key}` must be a number of tokens above zero"));
        }
    }
    let escapes = |value: &Value| {
        value.as_str().is_some_and(|text| {
            text.chars()
                .any(|c| c == '"' || c == '\\' || c.is_control())
        })
    };
    for (key, value) in row.as_object().into_iter().flatten() {
        if escapes(value) {
            faults.push(format!(
                "`{key}` holds a quote, a backslash or a control character"
            ));
        }
    }
    faults
}

/// Every leaf that is a rate.
fn prices(path: &str, value: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Object(pairs) => {
            for (key, value) in pairs {
                let below = format!("{path}.{key}");
                match is_rate(key) && !value.is_object() && !value.is_null() {
                    true => faults.extend(rate(&below, value)),
                    false => prices(&below, value, faults),
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                prices(&format!("{path}[{at}]"), item, faults);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_rate(key: &str) -> bool {
    let key = key.strip_prefix("batch_").unwrap_or(key);
    matches!(key, "input" | "output" | "reasoning") || key.starts_with("cache_")
}

fn rate(path: &str, value: &Value) -> Option<String> {
    let Some(text) = value.as_str() else {
        return Some(format!(
            "`{path}` must be decimal text such as \"0.30\", not {value}"
        ));
    };
    let rate = match Rate::parse_per_million(text) {
        Ok(rate) => rate,
        Err(why) => return Some(format!("`{path}` is {text:?}: {why}")),
    };
    let most = Rate::parse_per_million(RATE_MAX).ok()?;
    (rate > most)
        .then(|| format!("`{path}` is ${text} for a million tokens, more than ${RATE_MAX}"))
}

/// Faults of a row beside what is known of its offer.
pub(super) fn offer(offer: &Offer, known: Option<&Offer>, now: i64) -> Vec<String> {
    let mut faults = Vec::new();
    for pair in offer.cards.windows(2) {
        if let [earlier, later] = pair
            && earlier.effective_from == later.effective_from
        {
            let day = later.effective_from;
            faults.push(format!(
                "two prices from {day} on: `effective_from`, `scheduled` and `price_history` differ"
            ));
        }
    }
    if let Some(known) = known {
        faults.extend(rewritten(offer, known, now));
    }
    faults
}

/// What has held on some day must hold on it still.
fn rewritten(offer: &Offer, known: &Offer, now: i64) -> Option<String> {
    let from = offer.present_from;
    let has_come = |card: &&RateCard| card.effective_from <= Date::of(now);
    let is_kept = |card: &RateCard| {
        let same = |own: &RateCard| own.version == card.version;
        card.effective_from < from || offer.cards.iter().any(same)
    };
    let lost = known
        .cards
        .iter()
        .filter(has_come)
        .find(|card| !is_kept(card));
    if let Some(card) = lost {
        let since = card.effective_from;
        return Some(format!(
            "`effective_from` is {from}, and a price holds since {since}: history is not rewritten; \
             a new price begins after that day"
        ));
    }
    let past = offer.cards.iter().filter(|card| card.effective_from < from);
    let is_known = |card: &RateCard| {
        let same = |old: &RateCard| {
            old.effective_from == card.effective_from
                && (old.rates.input, old.rates.output) == (card.rates.input, card.rates.output)
        };
        known.cards.iter().any(same)
    };
    let mut new = past.filter(|card| !is_known(card));
    let card = new.next()?;
    Some(format!(
        "`price_history` has a price from {} that was not known: history is not rewritten",
        card.effective_from
    ))
}
