//! The two files of the catalogue, as they are written.
//!
//! They are part of the program: nothing is fetched to start. Invariant: an unknown key, a float
//! and a doubled key do not parse. Text is borrowed from the program itself, so that reading five
//! hundred offers costs a few milliseconds and little memory; it therefore holds no escapes.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::capability::Capabilities;
use crate::date::Date;
use crate::offer::{Kind, Modality, Status};
use crate::per_use::PerUse;
use crate::provider::Auth;
use crate::rate::Rate;
use crate::rate_card::DatedRates;
use crate::rates::Rates;
use vane_dialect::quirk::Quirks;

pub(crate) const MODELS: &str = include_str!("../../../catalog/models.json");
pub(crate) const PROVIDERS: &str = include_str!("../../../catalog/providers.json");

/// `catalog/models.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelsFile<'a> {
    pub(crate) schema_version: u32,
    pub(crate) currency: &'a str,
    pub(crate) price_unit: &'a str,
    pub(crate) as_of: Date,
    /// Where the facts come from -> the day of that source.
    #[serde(borrow)]
    pub(crate) sources: Pairs<&'a str, &'a str>,
    #[serde(borrow)]
    pub(crate) offers: Vec<OfferRow<'a>>,
}

/// `catalog/providers.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProvidersFile<'a> {
    pub(crate) schema_version: u32,
    pub(crate) as_of: Date,
    #[serde(borrow)]
    pub(crate) providers: Pairs<&'a str, ProviderRow<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) base_url: Option<&'a str>,
    #[serde(borrow)]
    pub(crate) key_env: Vec<&'a str>,
    #[serde(default)]
    pub(crate) auth: Auth,
    #[serde(borrow)]
    pub(crate) speaks: Pairs<&'a str, &'a str>,
    #[serde(borrow, default)]
    pub(crate) prefixes: Vec<&'a str>,
    #[serde(default)]
    pub(crate) only_by_prefix: bool,
    #[serde(borrow, default)]
    pub(crate) without_makers: Vec<&'a str>,
    #[serde(default)]
    pub(crate) quirks: Quirks,
    #[serde(borrow, default)]
    pub(crate) models: Pairs<&'a str, Quirks>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferRow<'a> {
    pub(crate) id: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) upstream_model_id: &'a str,
    pub(crate) model: &'a str,
    pub(crate) maker: &'a str,
    pub(crate) family: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) modalities: Modalities,
    pub(crate) context_window: Option<u64>,
    pub(crate) max_input: Option<u64>,
    pub(crate) max_output: Option<u64>,
    pub(crate) released: Option<&'a str>,
    pub(crate) knowledge_cutoff: Option<&'a str>,
    pub(crate) open_weights: Option<bool>,
    pub(crate) capabilities: Capabilities,
    pub(crate) api: Option<Api>,
    #[serde(borrow, default)]
    pub(crate) aliases: Vec<&'a str>,
    pub(crate) prices: Rates,
    pub(crate) effective_from: Option<Date>,
    #[serde(default)]
    pub(crate) scheduled: Vec<DatedRates>,
    #[serde(default)]
    pub(crate) price_history: Vec<DatedRates>,
    #[serde(borrow)]
    pub(crate) per_use: Option<PerUseRow<'a>>,
    #[serde(borrow)]
    pub(crate) upstream_prices: Option<UpstreamPricesRow<'a>>,
    #[serde(borrow)]
    pub(crate) upstream_limits: Option<UpstreamLimitsRow<'a>>,
    pub(crate) status: Status,
    pub(crate) retires: Option<Date>,
    pub(crate) replacement: Option<&'a str>,
    #[serde(default)]
    pub(crate) launch: bool,
    #[serde(default)]
    pub(crate) free: bool,
    pub(crate) source: &'a str,
    pub(crate) source_date: Date,
    pub(crate) source_url: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Modalities {
    #[serde(rename = "in")]
    pub(crate) inputs: Vec<Modality>,
    #[serde(rename = "out")]
    pub(crate) outputs: Vec<Modality>,
}

/// The only dialect of an offer, where there is only one.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    Responses,
}

/// What is billed by the piece; its source is often another than that of the tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PerUseRow<'a> {
    pub(crate) prices: PerUse,
    pub(crate) source: &'a str,
    pub(crate) source_date: Date,
    pub(crate) source_url: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamPricesRow<'a> {
    pub(crate) input: Rate,
    pub(crate) output: Rate,
    pub(crate) source: &'a str,
    pub(crate) source_date: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamLimitsRow<'a> {
    pub(crate) context_window: Option<u64>,
    pub(crate) max_output: Option<u64>,
    pub(crate) source: &'a str,
    pub(crate) source_date: Date,
}

/// A JSON object in its own order; a doubled key is an error.
pub(crate) struct Pairs<K, V>(pub(crate) Vec<(K, V)>);

impl<K, V> Default for Pairs<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, K, V> Deserialize<'de> for Pairs<K, V>
where
    K: Deserialize<'de> + PartialEq + fmt::Display,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<K, V>(PhantomData<(K, V)>);
        impl<'de, K, V> Visitor<'de> for Object<K, V>
        where
            K: Deserialize<'de> + PartialEq + fmt::Display,
            V: Deserialize<'de>,
        {
            type Value = Pairs<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: Vec<(K, V)> = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    if pairs.iter().any(|(seen, _)| *seen == key) {
                        return Err(A::Error::custom(format_args!("doubled key {key}")));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object(PhantomData))
    }
}
