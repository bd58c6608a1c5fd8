//! Dollars per token, as LiteLLM writes them, into dollars per million tokens.
//!
//! The digits are moved, never computed: `1.5e-07` is `0.15` exactly. Invariant: a price that has
//! a part which a row of Vane's cannot state is no price, because it would bill too little.

use vane_catalog::Rate;

use crate::import::yaml::Yaml;

/// LiteLLM's key -> the key of a row.
const RATES: [(&str, &str); 4] = [
    ("input_cost_per_token", "input"),
    ("output_cost_per_token", "output"),
    ("cache_read_input_token_cost", "cache_read"),
    ("cache_creation_input_token_cost", "cache_write"),
];

/// What a deployment says of its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Price {
    /// Nothing: the catalogue may know it.
    Unsaid,
    /// Zero for everything, the input and the output by name.
    Free,
    /// Key of a row and USD per million tokens.
    Rates(Vec<(&'static str, String)>),
    /// Something that a row cannot say, and what.
    Unsayable(String),
}

/// Whether a key states a price.
pub(super) fn is_price(key: &str) -> bool {
    key.contains("_cost_per_") || key.ends_with("_token_cost") || key.contains("_token_cost_above")
}

/// What a deployment is, as far as its price is read otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Priced {
    /// An embedding, which has no output: the input says it all.
    pub(super) embeds: bool,
    /// The catalogue has a price for it.
    pub(super) is_known: bool,
}

/// The price that these pairs state. Zeros alone make nothing free that is not said to be so.
pub(super) fn read<'y>(pairs: impl Iterator<Item = &'y (String, Yaml)>, what: Priced) -> Price {
    let mut rates = Vec::new();
    for (key, node) in pairs.filter(|(key, _)| is_price(key)) {
        let Some(text) = node.text() else { continue };
        let Some((_, name)) = RATES.iter().find(|(litellm, _)| litellm == key) else {
            if is_zero(text) {
                continue;
            }
            return Price::Unsayable(format!(
                "`{key}` is a kind of price that a row cannot state"
            ));
        };
        match per_million(text) {
            Some(rate) if !rates.iter().any(|(known, _)| known == name) => {
                rates.push((*name, rate))
            }
            Some(_) => {}
            None => {
                return Price::Unsayable(format!(
                    "`{key}` is no price with at most six decimals per million tokens"
                ));
            }
        }
    }
    let of = |name: &str| {
        let found = rates.iter().find(|(known, _)| *known == name);
        found.map(|(_, rate)| rate == "0")
    };
    let are_zero = rates.iter().all(|(_, rate)| rate == "0");
    let unsayable = |what: &str| Price::Unsayable(what.to_owned());
    match (of("input"), of("output")) {
        _ if rates.is_empty() => Price::Unsaid,
        (Some(true), output) if are_zero && (what.embeds || output.is_some()) => Price::Free,
        (Some(true), Some(true)) => unsayable("a price of caches beside tokens of nothing"),
        (Some(_), Some(_)) => Price::Rates(rates),
        (Some(false), None) if what.embeds => {
            rates.push(("output", "0".to_owned()));
            Price::Rates(rates)
        }
        (Some(_), None) => unsayable("a price of the input alone"),
        // LiteLLM's own list says of embeddings that their output costs nothing.
        (None, Some(true)) if what.embeds && what.is_known && rates.len() == 1 => Price::Unsaid,
        (None, _) => unsayable("a price without that of the input"),
    }
}

fn is_zero(text: &str) -> bool {
    per_million(text).is_some_and(|rate| rate == "0")
}

/// The decimal number, a million times as large, exactly; `None` where a rate cannot hold it.
fn per_million(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 40 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Where the point stands, counted from the first digit.
    let point = i32::try_from(whole.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(6)?;
    if !(-40..=40).contains(&point) {
        return digits.bytes().all(|b| b == b'0').then(|| "0".to_owned());
    }
    let moved = if point <= 0 {
        let zeros = "0".repeat(usize::try_from(-point).ok()?);
        format!("0.{zeros}{digits}")
    } else {
        let point = usize::try_from(point).ok()?;
        let padded = format!("{digits:0<point$}");
        let (whole, fraction) = padded.split_at(point);
        match fraction {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        }
    };
    Rate::parse_per_million(&moved)
        .ok()
        .map(|rate| rate.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_moved_exactly() {
        for (text, rate) in [
            ("0.00000015", Some("0.15")),
            ("1.5e-07", Some("0.15")),
            ("1.5E-7", Some("0.15")),
            ("3e-6", Some("3")),
            ("0.000003", Some("3")),
            (".000003", Some("3")),
            ("0", Some("0")),
            ("0.0", Some("0")),
            ("0e99", Some("0")),
            ("1", Some("1000000")),
            ("1e-12", Some("0.000001")),
            ("1e-13", None),
            ("2.625e-07", Some("0.2625")),
            ("1e99", None),
            ("-1e-6", None),
            ("free", None),
            ("", None),
            ("1e", None),
            ("1_000", None),
        ] {
            assert_eq!(per_million(text).as_deref(), rate, "{text}");
        }
    }

    fn price(pairs: &[(&str, &str)], embeds: bool, is_known: bool) -> String {
        let lines = pairs.iter().map(|(key, text)| format!("{key}: {text}\n"));
        let root = crate::import::yaml::parse(&lines.collect::<String>()).unwrap();
        match read(root.table().iter(), Priced { embeds, is_known }) {
            Price::Unsaid => "unsaid".to_owned(),
            Price::Free => "free".to_owned(),
            Price::Rates(rates) => {
                let rates = rates.iter().map(|(name, rate)| format!("{name} {rate}"));
                rates.collect::<Vec<_>>().join(", ")
            }
            Price::Unsayable(why) => why,
        }
    }

    /// A paid model of the catalogue came over as one that costs nothing.
    #[test]
    fn one_zero_makes_nothing_free() {
        const INPUT: (&str, &str) = ("input_cost_per_token", "0");
        const OUTPUT: (&str, &str) = ("output_cost_per_token", "0.0");
        const READ: (&str, &str) = ("cache_read_input_token_cost", "0");
        const WRITE: (&str, &str) = ("cache_creation_input_token_cost", "0");
        const PAID: (&str, &str) = ("output_cost_per_token", "2e-6");
        let without = "a price without that of the input";
        let alone = "a price of the input alone";
        for (pairs, embeds, is_known, said) in [
            (&[INPUT, OUTPUT][..], false, true, "free"),
            (&[INPUT, OUTPUT, READ, WRITE], false, false, "free"),
            (&[INPUT], true, true, "free"),
            (&[INPUT, OUTPUT], true, false, "free"),
            (&[INPUT], false, true, alone),
            (&[OUTPUT], false, true, without),
            (&[READ], false, true, without),
            (&[READ, WRITE], true, true, without),
            (&[OUTPUT], true, true, "unsaid"),
            (&[OUTPUT], true, false, without),
            (&[INPUT, PAID], false, true, "input 0, output 2"),
            (
                &[INPUT, OUTPUT, ("cache_read_input_token_cost", "1e-6")],
                false,
                true,
                "a price of caches beside tokens of nothing",
            ),
            (&[], false, true, "unsaid"),
        ] {
            assert_eq!(
                price(pairs, embeds, is_known),
                said,
                "{pairs:?} {embeds} {is_known}"
            );
        }
    }
}
