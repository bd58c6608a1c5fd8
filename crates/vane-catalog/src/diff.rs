//! What differs between two catalogues, as a person reviews it: offer by offer, price by price.
//!
//! Invariant: there is no change exactly where nothing differs, also where nobody named the fact
//! that does.

mod facts;

use serde_json::Value;

use crate::catalog::Catalog;
use crate::date::Date;
use crate::offer::Offer;
use crate::rate::Rate;
use crate::rate_card::RateCard;
use crate::rates::Rates;
use crate::text::Text;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The id of the offer.
    pub offer: Text,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Added,
    Removed,
    Price {
        /// `input`, `tiers[0].output`, `per_use.web_search`.
        field: String,
        /// USD per million tokens, or for one use; none where there is no such price.
        old: Option<String>,
        new: Option<String>,
        /// `-16.7%`.
        percent: Option<String>,
        from: Date,
        /// It takes effect later than now.
        announced: bool,
    },
    /// Prices that were announced for a day and are no more.
    Withdrawn {
        from: Date,
    },
    Fact {
        field: &'static str,
        old: String,
        new: String,
    },
}

/// What makes `after` of `before`, in the order of their offers.
#[must_use]
pub fn diff(before: &Catalog, after: &Catalog, now: i64) -> Vec<Change> {
    let mut changes = Vec::new();
    for old in before.offers() {
        if after.offer(&old.id).is_none() {
            changes.push(Change {
                offer: old.id.clone(),
                what: What::Removed,
            });
        }
    }
    for new in after.offers() {
        let mut found = Vec::new();
        match before.offer(&new.id) {
            None => {
                found.push(What::Added);
                for card in &new.cards {
                    prices(&mut found, None, card, now);
                }
            }
            Some(old) if old == new => {}
            Some(old) => {
                compare(&mut found, old, new, now);
                if found.is_empty() {
                    let field = "another fact";
                    let (old, new) = (String::new(), String::new());
                    found.push(What::Fact { field, old, new });
                }
            }
        }
        changes.extend(found.into_iter().map(|what| Change {
            offer: new.id.clone(),
            what,
        }));
    }
    changes
}

fn compare(found: &mut Vec<What>, old: &Offer, new: &Offer, now: i64) {
    let has = |cards: &[RateCard], card: &RateCard| cards.iter().any(|c| c.version == card.version);
    for card in new.cards.iter().filter(|card| !has(&old.cards, card)) {
        let at = |offer: &Offer| {
            let mut cards = offer.cards.iter().rev();
            cards
                .find(|c| c.effective_from <= card.effective_from)
                .cloned()
        };
        let replaced = at(old).or_else(|| old.cards.first().cloned());
        let before = found.len();
        prices(found, replaced.as_ref().map(|card| &*card.rates), card, now);
        if found.len() == before {
            found.push(What::Fact {
                field: "effective_from",
                old: replaced.map_or_else(String::new, |card| card.effective_from.to_string()),
                new: card.effective_from.to_string(),
            });
        }
    }
    for card in old.cards.iter().filter(|card| !has(&new.cards, card)) {
        let from = card.effective_from;
        if !new.cards.iter().any(|card| card.effective_from == from) {
            found.push(What::Withdrawn { from });
        }
    }
    for ((field, old), (_, new)) in facts::of(old).into_iter().zip(facts::of(new)) {
        if old != new {
            found.push(What::Fact { field, old, new });
        }
    }
}

/// What a card states otherwise than the rates it follows.
fn prices(found: &mut Vec<What>, replaced: Option<&Rates>, card: &RateCard, now: i64) {
    let old = replaced.map(leaves).unwrap_or_default();
    let new = leaves(&card.rates);
    let gone = old
        .iter()
        .filter(|(field, _)| !new.iter().any(|(known, _)| known == field));
    let gone: Vec<&String> = gone.map(|(field, _)| field).collect();
    for field in new.iter().map(|(field, _)| field).chain(gone) {
        let of = |leaves: &[(String, String)]| {
            let leaf = leaves.iter().find(|(known, _)| known == field);
            leaf.map(|(_, price)| price.clone())
        };
        let (old, new) = (of(&old), of(&new));
        if old != new {
            found.push(What::Price {
                field: field.clone(),
                percent: old.as_deref().zip(new.as_deref()).and_then(percent),
                old,
                new,
                from: card.effective_from,
                announced: card.effective_from.starts_at() > now,
            });
        }
    }
}

/// Every price of some rates by its path, as data writes it.
fn leaves(rates: &Rates) -> Vec<(String, String)> {
    fn walk(path: String, value: Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Object(pairs) => {
                for (key, value) in pairs {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(format!("{path}{dot}{key}"), value, out);
                }
            }
            Value::Array(items) => {
                for (at, item) in items.into_iter().enumerate() {
                    walk(format!("{path}[{at}]"), item, out);
                }
            }
            Value::String(text) => out.push((path, text)),
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) => out.push((path, value.to_string())),
        }
    }
    let mut out = Vec::new();
    // Rates are plain data: they are written as the ledger stores them.
    walk(
        String::new(),
        serde_json::to_value(rates).unwrap_or_default(),
        &mut out,
    );
    out
}

/// How much a price changes, in percent with one decimal, rounded half away from zero.
fn percent((old, new): (&str, &str)) -> Option<String> {
    let pico = |text| Rate::parse_per_million(text).ok().map(Rate::pico_per_token);
    let (old, new) = (i128::from(pico(old)?), i128::from(pico(new)?));
    if old == 0 {
        return None;
    }
    let change = (new - old).abs() * 1_000;
    let tenths = (change * 2 + old) / (old * 2);
    let sign = if new < old { '-' } else { '+' };
    Some(format!("{sign}{}.{}%", tenths / 10, tenths % 10))
}
