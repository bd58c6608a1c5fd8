//! A catalogue of the operator's over the built-in one, and what differs then.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CATALOG, tokens};
use crate::file::MODELS;
use crate::{Catalog, Date, Overlay, What, diff};

/// 2026-11-21, 00:00 UTC.
const NOW: i64 = 1_795_219_200;

/// The row of an offer, as the catalogue's file has it.
fn row(id: &str) -> Value {
    let file: Value = serde_json::from_str(MODELS).unwrap();
    let mut rows = file["offers"].as_array().unwrap().iter();
    rows.find(|row| row["id"] == id).unwrap().clone()
}

fn file(offers: &[Value], removed: &[&str]) -> String {
    let file = json!({
        "schema_version": 1, "currency": "USD", "price_unit": "per_1m_tokens", "as_of": "2026-11-21",
        "sources": { "us": "2026-11-21" }, "offers": offers, "removed": removed,
    });
    file.to_string()
}

fn overlay(offers: &[Value], removed: &[&str]) -> Overlay {
    Overlay::read(&file(offers, removed)).unwrap()
}

/// A row with another input price from a day on.
fn repriced(id: &str, input: &str, from: &str) -> Value {
    let mut row = row(id);
    row["prices"]["input"] = input.into();
    row["effective_from"] = from.into();
    row
}

fn cost(catalog: &Catalog, id: &str, day: &str) -> String {
    let at = Date::parse(day).unwrap().starts_at();
    let cost = catalog.offer(id).unwrap().cost(&tokens(1_000_000, 0), at);
    cost.unwrap().total.to_string()
}

fn lines(before: &Catalog, after: &Catalog) -> Vec<String> {
    let text = |what: &What| match what {
        What::Price {
            field,
            old,
            new,
            percent,
            from,
            announced,
        } => {
            let [old, new, percent] =
                [old, new, percent].map(|text| text.as_deref().unwrap_or("-"));
            format!("{field} {old} {new} {percent} {from} {announced}")
        }
        What::Fact { field, old, new } => format!("{field}: {old} -> {new}"),
        other => format!("{other:?}"),
    };
    let changes = diff(before, after, NOW);
    let lines = changes
        .iter()
        .map(|change| format!("{} {}", change.offer, text(&change.what)));
    lines.collect()
}

#[test]
fn a_catalogue_does_not_differ_from_itself() {
    assert_eq!(diff(&CATALOG, &CATALOG, NOW), []);
    let whole = Overlay::read(MODELS).unwrap();
    assert_eq!(whole.faults(&CATALOG, &Overlay::default(), NOW), []);
    assert_eq!(diff(&CATALOG, &CATALOG.overlaid(&whole).unwrap(), NOW), []);
}

#[test]
fn a_price_change_takes_effect_at_its_instant_and_the_past_stays() {
    let change = overlay(&[repriced("codestral-latest", "0.25", "2026-12-01")], &[]);
    assert_eq!(change.faults(&CATALOG, &Overlay::default(), NOW), []);
    let after = CATALOG.overlaid(&change).unwrap();
    assert_eq!(cost(&after, "codestral-latest", "2026-11-30"), "0.3");
    assert_eq!(cost(&after, "codestral-latest", "2026-12-01"), "0.25");
    let said = lines(&CATALOG, &after);
    assert_eq!(
        said,
        ["codestral-latest input 0.3 0.25 -16.7% 2026-12-01 true"]
    );
    let offer = after.offer("codestral-latest").unwrap();
    assert_eq!(
        offer.announced(NOW).unwrap().effective_from.to_string(),
        "2026-12-01"
    );
    // Before the day it may be withdrawn by the row as it was, and after it no more.
    let undo = overlay(&[row("codestral-latest")], &[]);
    assert_eq!(undo.faults(&after, &Overlay::default(), NOW), []);
    let back = CATALOG.overlaid(&change.with(&undo)).unwrap();
    assert_eq!(lines(&after, &back).len(), 1);
    assert_eq!(diff(&CATALOG, &back, NOW), []);
    let late = Date::parse("2026-12-02").unwrap().starts_at();
    let faults = undo.faults(&after, &change, late);
    assert!(faults[0].what.contains("`effective_from`"), "{faults:?}");
}

#[test]
fn new_removed_and_changed_offers_are_told_line_by_line() {
    let mut new = row("codestral-latest");
    for (key, value) in [("id", "codestral-next"), ("model", "codestral-next")] {
        new[key] = value.into();
    }
    new["aliases"] = json!([]);
    let mut changed = row("mistral-small-latest");
    changed["context_window"] = 64_000.into();
    changed["capabilities"] = json!(["streaming"]);
    let after = CATALOG
        .overlaid(&overlay(&[new, changed], &["gpt-4.1"]))
        .unwrap();
    let said = lines(&CATALOG, &after);
    assert_eq!(said[0], "gpt-4.1 Removed");
    assert!(
        said[1].starts_with("mistral-small-latest context_window: "),
        "{said:?}"
    );
    assert!(
        said[1].ends_with("-> 64000") && said[2].ends_with("-> streaming"),
        "{said:?}"
    );
    assert_eq!(said[3], "codestral-next Added");
    assert!(
        said[4].starts_with("codestral-next input - 0.3 - 2026-07-05 false"),
        "{said:?}"
    );
    assert!(after.resolve("codestral-next").is_some());
    assert!(after.offer("gpt-4.1").is_none());
    // Said again it is no fault; what was never there is one.
    let removed = overlay(&[], &["gpt-4.1"]);
    assert_eq!(removed.faults(&after, &removed, NOW), []);
}

/// What is done to a row, and a part of what is said: the field above all.
type Wrong = (fn(&mut Value), &'static str);

const NONSENSE: [Wrong; 14] = [
    (|row| row["prices"]["input"] = "-1".into(), "`prices.input`"),
    (
        |row| row["prices"]["output"] = "10001".into(),
        "`prices.output`",
    ),
    (
        |row| row["prices"]["cache_read"] = json!(0.03),
        "`prices.cache_read`",
    ),
    (
        |row| row["prices"]["input"] = "0.0000001".into(),
        "`prices.input`",
    ),
    (
        |row| row["scheduled"] = json!([{"from": "2027-01-01", "input": "x", "output": "1"}]),
        "`scheduled[0].input`",
    ),
    (
        |row| row["prices"]["input_price"] = "1".into(),
        "unknown field `input_price`",
    ),
    (
        |row| {
            row.as_object_mut().unwrap().remove("prices");
        },
        "missing field `prices`",
    ),
    (|row| row["context_window"] = 0.into(), "`context_window`"),
    (|row| row["max_output"] = json!(-5), "`max_output`"),
    (|row| row["name"] = "a\"b".into(), "`name`"),
    (
        |row| row["effective_from"] = "2026-02-30".into(),
        "2026-02-30",
    ),
    (
        |row| row["prices"]["input"] = "0.2".into(),
        "`effective_from`",
    ),
    (
        |row| {
            row["prices"]["input"] = "0.2".into();
            row["effective_from"] = "2026-01-01".into();
        },
        "`effective_from`",
    ),
    (
        |row| {
            row["price_history"] =
                json!([{"from": "2026-01-01", "until": "2026-07-05", "input": "9", "output": "9"}])
        },
        "`price_history`",
    ),
];

#[test]
fn m8_nonsense_is_refused_and_the_field_is_named() {
    for (at, (change, named)) in NONSENSE.iter().enumerate() {
        let mut row = row("codestral-latest");
        change(&mut row);
        let faults = match Overlay::read(&file(&[row], &[])) {
            Ok(overlay) => overlay.faults(&CATALOG, &Overlay::default(), NOW),
            Err(faults) => faults,
        };
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(
            said.iter()
                .any(|fault| fault.starts_with("codestral-latest: ") && fault.contains(named)),
            "{at} {named}: {said:?}"
        );
    }
    let mut free = row("codestral-latest");
    free["prices"] = json!({ "input": "0", "output": "0" });
    free["effective_from"] = "2026-12-01".into();
    let faults = CATALOG.overlaid(&overlay(&[free], &[])).unwrap_err();
    assert!(faults[0].what.contains("free"), "{faults:?}");
    let mut lost = row("codestral-latest");
    lost["provider"] = "nobody".into();
    assert!(CATALOG.overlaid(&overlay(&[lost], &[])).is_err());
    assert!(
        !overlay(&[], &["no-such"])
            .faults(&CATALOG, &Overlay::default(), NOW)
            .is_empty()
    );
    let twice = [row("codestral-latest"), row("codestral-latest")];
    assert!(Overlay::read(&file(&twice, &[])).is_err());
    for text in ["", "[]", "{}", "{\"schema_version\":2}"] {
        assert!(Overlay::read(text).is_err(), "{text}");
    }
}

/// A call that searches nothing would have been billed nothing.
#[test]
fn m8_a_fee_for_searches_is_no_price_beside_tokens_of_zero() {
    let zero = |id: &str, free: bool| {
        let mut row = row(id);
        let fees = row.get("per_use").unwrap().to_string();
        row["prices"] = json!({ "input": "0", "output": "0" });
        row["price_history"] = json!([]);
        row["effective_from"] = "2026-12-01".into();
        row["free"] = free.into();
        (fees, CATALOG.overlaid(&overlay(&[row], &[])))
    };
    let (fees, applied) = zero("gpt-5-mini", false);
    assert!(
        fees.contains("web_search") && !fees.contains("request"),
        "{fees}"
    );
    let faults = applied.unwrap_err();
    assert!(faults[0].what.starts_with("zero price"), "{faults:?}");
    let (_, applied) = zero("gpt-5-mini", true);
    assert!(applied.is_err(), "what is free has no fee either");
    let (fees, applied) = zero("sonar", false);
    assert!(fees.contains("request"), "{fees}");
    applied.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Whatever is applied, applying it again changes nothing; what is written reads as it was.
    #[test]
    fn applied_twice_is_applied_once(
        changes in prop::collection::vec((0_usize..60, 1_u32..9_000_000, 1_u32..28), 1..5),
        removed in prop::collection::vec(0_usize..60, 0..3),
    ) {
        let id = |at: usize| CATALOG.offers()[at].id.to_string();
        let mut rows: Vec<Value> = Vec::new();
        for (at, price, day) in changes {
            let price = format!("{}.{:06}", price / 1_000_000, price % 1_000_000);
            let row = repriced(&id(at), &price, &format!("2026-12-{day:02}"));
            if !rows.iter().any(|known| known["id"] == row["id"]) {
                rows.push(row);
            }
        }
        let removed: Vec<String> = removed.into_iter().map(id).collect();
        let removed: Vec<&str> = removed.iter().map(String::as_str).filter(|id| !rows.iter().any(|row| row["id"] == *id)).collect();
        // A model that says `free` may have no price.
        rows.retain(|row| row["free"] != true);
        let file = overlay(&rows, &removed);
        let once = Overlay::default().with(&file);
        let before = CATALOG.overlaid(&once).unwrap();
        let after = CATALOG.overlaid(&once.with(&file)).unwrap();
        prop_assert_eq!(diff(&before, &after, NOW), vec![]);
        prop_assert_eq!(diff(&before, &before, NOW), vec![]);
        let read = Overlay::read(&once.to_text()).unwrap();
        prop_assert_eq!(&read, &once);
        let again = CATALOG.overlaid(&read).unwrap();
        prop_assert_eq!(diff(&before, &again, NOW), vec![]);
        for row in &rows {
            let id = row["id"].as_str().unwrap();
            let [old, new] = [&*CATALOG, &before].map(|catalog| catalog.offer(id).unwrap().rates_at(NOW).unwrap().version.clone());
            prop_assert_eq!(old, new, "what holds today is as it was");
        }
    }
}
