//! Rates change at an instant, and old ones are not forgotten.

use vane_dialect::usage::{Region, Tier, Usage};

use crate::{Date, Unpriced};

use super::{CATALOG, cost_at, noon, offer, served, tokens};

#[test]
fn a_scheduled_price_takes_effect_at_its_instant() {
    let midnight = Date::parse("2026-12-01").unwrap().starts_at();
    let usage = tokens(1_000_000, 1_000_000);
    assert_eq!(cost_at("gemini-4-argon", &usage, midnight - 1), "12");
    assert_eq!(cost_at("gemini-4-argon", &usage, midnight), "24");
    let version = |at| {
        offer("gemini-4-argon")
            .rates_at(at)
            .unwrap()
            .version
            .clone()
    };
    assert_ne!(version(midnight - 1), version(midnight));
    assert!(version(midnight).contains("@2026-12-01#"));
}

#[test]
fn a_scheduled_price_does_not_carry_over_surcharges_that_nobody_has_stated() {
    let priority = Usage {
        served: served(Tier::Priority, Region::Global, false),
        ..tokens(1, 1)
    };
    let cost = |day| offer("gemini-4-argon").cost(&priority, noon(day));
    assert!(cost("2026-11-30").is_ok());
    assert_eq!(cost("2026-12-02").unwrap_err(), Unpriced::Priority);
}

#[test]
fn past_prices_bill_past_calls() {
    let usage = tokens(1_000_000, 0);
    for (day, exact) in [
        ("2026-10-01", "0.68"),
        ("2026-10-20", "1.36"),
        ("2026-10-28", "1.36"),
        ("2026-10-29", "0.7"),
    ] {
        assert_eq!(
            cost_at("mistral-large-4", &usage, noon(day)),
            exact,
            "{day}"
        );
    }
}

#[test]
fn before_the_first_known_price_the_first_one_holds() {
    assert_eq!(
        cost_at("codestral-latest", &tokens(1_000, 500), 0),
        "0.00075"
    );
}

#[test]
fn a_differing_upstream_price_is_known_and_not_billed() {
    let magistral = offer("magistral-medium-latest");
    let other = magistral.upstream_prices.as_ref().unwrap();
    assert_eq!(
        (other.input.display_price(), other.output.display_price()),
        ("$1.50".into(), "$7.50".into())
    );
    assert_eq!(
        cost_at("magistral-medium-latest", &tokens(1_000, 500), super::now()),
        "0.0045"
    );
}

#[test]
fn every_version_is_its_own() {
    let mut versions: Vec<_> = CATALOG
        .offers()
        .iter()
        .flat_map(|offer| &offer.cards)
        .collect();
    let count = versions.len();
    versions.sort_by(|a, b| a.version.cmp(&b.version));
    versions.dedup_by(|a, b| a.version == b.version);
    assert_eq!(versions.len(), count);
}
