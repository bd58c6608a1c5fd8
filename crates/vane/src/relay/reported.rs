//! What a provider says that the answer cost: kept beside what its rates say, never billed.

use serde::Deserialize;
use serde_json::value::RawValue;
use vane_catalog::Money;

/// The spellings of the providers that report a cost, all inside the usage object.
#[derive(Deserialize)]
struct Usage<'a> {
    /// OpenRouter: USD. Perplexity: an object.
    #[serde(borrow, default)]
    cost: Option<&'a RawValue>,
    /// DeepInfra: USD.
    #[serde(borrow, default)]
    estimated_cost: Option<&'a RawValue>,
    /// xAI: ten billion to the USD.
    #[serde(default)]
    cost_in_usd_ticks: Option<i64>,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    total_cost: &'a RawValue,
}

const PICO_PER_TICK: i64 = 100;

/// The cost in a usage object, if it says one.
pub(super) fn cost(usage: &[u8]) -> Option<Money> {
    let usage: Usage<'_> = serde_json::from_slice(usage).ok()?;
    if let Some(ticks) = usage.cost_in_usd_ticks {
        let pico = ticks.checked_mul(PICO_PER_TICK)?;
        return (pico >= 0).then(|| Money::from_pico(pico));
    }
    let text = usage.cost.or(usage.estimated_cost)?.get();
    match serde_json::from_str::<Parts<'_>>(text) {
        Ok(parts) => usd(parts.total_cost.get()),
        Err(_) => usd(text),
    }
}

/// A JSON number as money; digits beyond the pico-dollar are cut off.
fn usd(number: &str) -> Option<Money> {
    const DIGITS: i32 = 12;
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i64 = format!("{whole}{part}").parse().ok()?;
    let places = i32::try_from(part.len()).ok()?;
    let shift = exponent.parse::<i32>().ok()?.checked_sub(places)?;
    let shift = shift.checked_add(DIGITS)?;
    let factor = 10_i64.checked_pow(shift.unsigned_abs());
    let pico = match factor {
        Some(factor) if shift >= 0 => digits.checked_mul(factor)?,
        Some(factor) => digits / factor,
        None if shift < 0 => 0,
        None => return None,
    };
    (pico >= 0).then(|| Money::from_pico(pico))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_providers_spelling_is_read_to_the_digit() {
        let rows = [
            (r#"{"cost":0.00075}"#, Some(750_000_000)),
            (r#"{"cost":1e-05}"#, Some(10_000_000)),
            (r#"{"cost":2}"#, Some(2_000_000_000_000)),
            (r#"{"cost":1.5E0}"#, Some(1_500_000_000_000)),
            (r#"{"cost":0.00000000000099}"#, Some(0)),
            (
                r#"{"cost":{"total_cost":0.006,"x":1}}"#,
                Some(6_000_000_000),
            ),
            (r#"{"estimated_cost":3.45e-6}"#, Some(3_450_000)),
            (r#"{"cost_in_usd_ticks":37500}"#, Some(3_750_000)),
            (r#"{"cost":"0.1"}"#, None),
            (r#"{"cost":1e99}"#, None),
            (r#"{"cost":-0.5}"#, None),
            (r#"{"cost_in_usd_ticks":-1}"#, None),
            (r#"{"cost":null}"#, None),
            (r#"{"prompt_tokens":1}"#, None),
        ];
        for (usage, pico) in rows {
            let read = cost(usage.as_bytes()).map(Money::pico);
            assert_eq!(read, pico, "{usage}");
        }
    }
}
