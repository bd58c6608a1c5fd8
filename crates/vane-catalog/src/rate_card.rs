//! A dated version of an offer's rates.
//!
//! Invariant: a card never changes. Its version names the offer, the day it took effect and a
//! digest of the rates themselves, so that editing a price without a new date still gives a new
//! version and an old receipt can never point at other rates.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::rates::Rates;
use crate::text::Text;

/// Rates, since when they hold, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateCard {
    /// `codestral-latest@2026-07-05#1f0c...`: the same words for the same rates, always.
    pub version: Arc<str>,
    pub effective_from: Date,
    pub source: Text,
    pub source_date: Date,
    pub rates: Arc<Rates>,
}

impl RateCard {
    pub(crate) fn new(
        offer: &str,
        from: Date,
        source: Text,
        source_date: Date,
        rates: Rates,
    ) -> Self {
        let digest = digest(&rates);
        Self {
            version: format!("{offer}@{from}#{digest:016x}").into(),
            effective_from: from,
            source,
            source_date,
            rates: Arc::new(rates),
        }
    }

    /// Whether these rates carry the digest that the version names: what an audit asks of a
    /// stored row before it recomputes a charge from it.
    #[must_use]
    pub fn is_version(version: &str, rates: &Rates) -> bool {
        version
            .rsplit_once('#')
            .and_then(|(_, hex)| u64::from_str_radix(hex, 16).ok())
            .is_some_and(|named| named == digest(rates))
    }
}

/// FNV-1a over the rates' own JSON, which is stable because it is what the ledger stores.
fn digest(rates: &Rates) -> u64 {
    struct Fnv(u64);
    impl std::io::Write for Fnv {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            for byte in bytes {
                self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    // Neither the rates nor this writer can fail; the digest is of what was written.
    let _ = serde_json::to_writer(&mut fnv, rates);
    fnv.0
}

/// An earlier or a coming price. Only what is stated is known of it: long-context, batch and
/// service-tier rates of the present card are not carried over, because they would be guesses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatedRates {
    pub(crate) from: Option<Date>,
    pub(crate) until: Option<Date>,
    pub(crate) input: crate::Rate,
    pub(crate) output: crate::Rate,
    pub(crate) cache_read: Option<crate::Rate>,
    pub(crate) cache_write: Option<crate::Rate>,
}

impl DatedRates {
    /// The rates, with the regional factors and the fees of the present card: they hold for the
    /// provider's models of any price.
    pub(crate) fn rates(&self, present: &Rates) -> Rates {
        Rates {
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            regional_multiplier: present.regional_multiplier.clone(),
            per_use: present.per_use.clone(),
            ..Rates::flat(self.input, self.output)
        }
    }
}
