//! `vane credit promote`: credit that nobody paid for, and when it ends.

use vane_catalog::Date;
use vane_ledger::book::Source;

use crate::cli::Failure;
use crate::cli::terminal;
use crate::config::quantity;

/// A hundred years: longer is a mistake.
const SECONDS_MAX: i64 = 36_525 * 86_400;

/// Reads `30d`, any other time such as `12h`, or the UTC day at whose start the credit ends.
pub(super) fn ends(text: &str, now: i64) -> Result<Source, Failure> {
    let said = |problem: &str| {
        let text = terminal::printable(text);
        Failure::said(format!(
            "--expires {text:?}: {problem}; write 30d, 12h, or a day such as 2027-01-31 (UTC)"
        ))
    };
    let expires_at = match Date::parse(text) {
        Some(day) => day.starts_at(),
        None => {
            let span =
                quantity::plain_duration(text).ok_or_else(|| said("is no time and no day"))?;
            now.saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX))
        }
    };
    if expires_at.saturating_sub(now) > SECONDS_MAX {
        return Err(said("is more than a hundred years"));
    }
    if expires_at <= now {
        return Err(said("is not in the future"));
    }
    Ok(Source::Promotion { expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_ends_after_a_time_or_on_a_day() {
        const NOW: i64 = 1_796_000_000;
        let at = |text| match ends(text, NOW).unwrap() {
            Source::Promotion { expires_at } => expires_at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at("30d"), NOW + 30 * 86_400);
        assert_eq!(at("12h"), NOW + 12 * 3_600);
        assert_eq!(at("2027-01-31"), 1_801_353_600);
        for (text, said) in [
            ("", "no time"),
            ("soon", "no time"),
            ("30", "no time"),
            ("-3d", "no time"),
            ("0d", "not in the future"),
            ("2020-01-01", "not in the future"),
            ("2026-02-30", "no time"),
            ("99999999d", "hundred years"),
        ] {
            let error = ends(text, NOW).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
