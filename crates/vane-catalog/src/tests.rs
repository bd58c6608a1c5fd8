//! The catalogue's data and what is computed from it, end to end.

mod cost;
mod data;
mod dated;
mod overlay;
mod own;
mod properties;
mod resolve;

use std::sync::LazyLock;

use vane_dialect::usage::{Region, Served, Tier, Usage};

use crate::{Catalog, Date, Money, Offer};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fn offer(id: &str) -> &'static Offer {
    CATALOG.offer(id).unwrap_or_else(|| panic!("no offer {id}"))
}

/// Noon of a day, as unix seconds.
fn noon(day: &str) -> i64 {
    Date::parse(day).unwrap().starts_at() + 12 * 3600
}

/// A Friday noon after every change of price in the past.
fn now() -> i64 {
    noon("2026-11-20")
}

fn tokens(input: u64, output: u64) -> Usage {
    Usage {
        input_uncached: input,
        output,
        ..Usage::default()
    }
}

fn served(tier: Tier, region: Region, fast: bool) -> Served {
    Served {
        tier,
        region,
        fast,
        ..Served::default()
    }
}

/// What a usage costs at an offer, as exact decimal dollars.
#[track_caller]
fn cost_at(id: &str, usage: &Usage, at: i64) -> String {
    offer(id).cost(usage, at).unwrap().total.to_string()
}

fn usd(text: &str) -> Money {
    Money::parse(text).unwrap()
}
