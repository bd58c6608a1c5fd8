//! How the calls of a span went: errors, times and cache hits, and which calls that is of.
//!
//! Invariant: what no call was made for is not shown; zero is never written for unknown.

use serde_json::Value;

use crate::site::figures::{grouped, lasting};

pub(super) struct Quality {
    pub(super) errors: String,
    pub(super) first_content: String,
    pub(super) took: String,
    pub(super) cached: String,
    /// The calls that errors and times are of.
    pub(super) of: String,
}

impl Quality {
    /// Of an answer of `/v1/usage` with `newest`; nothing where there was no call.
    pub(super) fn of(usage: &Value, cached: u64, tokens_in: u64) -> Option<Self> {
        let (newest, all) = (&usage["newest"], usage["total"]["calls"].as_u64());
        let (looked_at, all) = (newest["calls"].as_u64()?, all?);
        if looked_at == 0 {
            return None;
        }
        let failed = newest["failed"].as_u64().unwrap_or_default();
        let p95 = |what: &str| {
            let p95 = newest[what]["p95"].as_u64();
            p95.map_or_else(|| "none was done".to_owned(), lasting)
        };
        Some(Self {
            errors: match failed {
                0 => "none".to_owned(),
                _ => format!("{} ({})", grouped(failed), share(failed, looked_at)),
            },
            first_content: p95("first_content_ms"),
            took: p95("took_ms"),
            cached: match tokens_in {
                0 => "no input".to_owned(),
                _ => share(cached, tokens_in),
            },
            of: match (looked_at, looked_at < all) {
                (1, false) => "the one call of these days".to_owned(),
                (_, false) => format!("all {} calls of these days", grouped(looked_at)),
                (_, true) => format!("the newest {} calls of these days", grouped(looked_at)),
            },
        })
    }
}

/// `12.5%`.
fn share(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole.max(1)));
    let tenths = (part * 1_000 + whole / 2) / whole;
    match (part, tenths) {
        (0, _) => "0%".to_owned(),
        (_, 0) => "under 0.1%".to_owned(),
        _ => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_share_is_zero_only_where_there_is_nothing() {
        for (part, whole, shown) in [
            (0, 7, "0%"),
            (1, 8, "12.5%"),
            (1, 3, "33.3%"),
            (1, 5_000, "under 0.1%"),
            (7, 7, "100.0%"),
        ] {
            assert_eq!(share(part, whole), shown);
        }
    }

    #[test]
    fn the_page_says_which_calls_its_figures_are_of() {
        let usage = |looked_at: u64, all: u64| {
            json!({
                "total": { "calls": all },
                "newest": {
                    "calls": looked_at,
                    "failed": 2,
                    "first_content_ms": { "p50": 3, "p95": 412 },
                    "took_ms": null,
                },
            })
        };
        let all = Quality::of(&usage(40, 40), 25, 200).unwrap();
        assert_eq!(all.of, "all 40 calls of these days");
        assert_eq!((&*all.errors, &*all.cached), ("2 (5.0%)", "12.5%"));
        assert_eq!(
            (&*all.first_content, &*all.took),
            ("412 ms", "none was done")
        );
        let newest = Quality::of(&usage(1_000, 12_345), 0, 0).unwrap();
        assert_eq!(newest.of, "the newest 1,000 calls of these days");
        assert_eq!(newest.cached, "no input");
        assert!(Quality::of(&usage(0, 0), 0, 0).is_none());
    }
}
