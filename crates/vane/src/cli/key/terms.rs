//! The limits of a key as flags of a command.
//!
//! Everything is read before anything is done, so that a mistyped flag changes nothing.

use std::num::NonZeroU32;

use vane_catalog::{Date, Money};
use vane_ledger::Limits;
use vane_ledger::book::Period;

use super::super::{Failure, Settings, credit};
use crate::config::nearest::did_you_mean;
use crate::config::{Config, catalog, quantity};
use crate::gateway::State;
use crate::relay;

#[derive(Debug, clap::Args)]
pub(in super::super) struct Terms {
    /// The most it may spend: 5/day, 20/week, 0.50/month (UTC)
    #[arg(long, value_name = "USD/PERIOD", allow_hyphen_values = true)]
    budget: Option<String>,
    /// Calls a minute
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    rpm: Option<String>,
    /// Tokens a minute, read and written
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    tpm: Option<String>,
    /// Calls at a time
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    concurrency: Option<String>,
    /// The only models it may use, separated by commas
    #[arg(long, value_delimiter = ',')]
    models: Option<Vec<String>>,
    /// The only providers that may serve it, separated by commas
    #[arg(long, value_delimiter = ',')]
    providers: Option<Vec<String>>,
    /// The model that answers when the budget is spent, if it is free or the rest pays for it
    #[arg(long, value_name = "MODEL")]
    when_spent: Option<String>,
    /// When it ends: a time from now (12h, 30d) or a day, from whose start (UTC) it is refused
    #[arg(long, value_name = "TIME|DATE")]
    expires: Option<String>,
}

/// What a flag changes: nothing, to nothing, or to a value.
type Change<T> = Option<Option<T>>;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) budget: Change<(Money, Period)>,
    rpm: Change<NonZeroU32>,
    tpm: Change<NonZeroU32>,
    concurrency: Change<NonZeroU32>,
    models: Change<Vec<String>>,
    providers: Change<Vec<String>>,
    expires_at: Change<i64>,
    when_spent: Change<String>,
}

/// Takes a limit away.
const NONE: &str = "none";

impl Terms {
    pub(super) fn read(&self, now: i64) -> Result<Changes, Failure> {
        Ok(Changes {
            budget: change(self.budget.as_deref(), budget)?,
            rpm: change(self.rpm.as_deref(), |text| count("--rpm", text))?,
            tpm: change(self.tpm.as_deref(), |text| count("--tpm", text))?,
            concurrency: change(self.concurrency.as_deref(), |text| {
                count("--concurrency", text)
            })?,
            models: names(self.models.as_ref()),
            providers: names(self.providers.as_ref()),
            when_spent: change(self.when_spent.as_deref(), |model| Ok(model.to_owned()))?,
            expires_at: change(self.expires.as_deref(), |text| expiry(now, text))?,
        })
    }
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn apply(&self, limits: &mut Limits) {
        fn put<T: Clone>(place: &mut Option<T>, change: &Change<T>) {
            if let Some(value) = change {
                place.clone_from(value);
            }
        }
        put(&mut limits.requests_per_minute, &self.rpm);
        put(&mut limits.tokens_per_minute, &self.tpm);
        put(&mut limits.concurrency, &self.concurrency);
        put(&mut limits.models, &self.models);
        put(&mut limits.providers, &self.providers);
        put(&mut limits.expires_at, &self.expires_at);
        put(&mut limits.when_spent, &self.when_spent);
    }

    /// What of the names of models and providers nobody knows here. A key of them alone is refused
    /// whatever it calls; but what is not known today may be served tomorrow.
    pub(super) fn doubts(&self, config: &Config) -> Vec<String> {
        let Ok(catalog) = catalog(config) else {
            return Vec::new();
        };
        let models = self.models.iter().flatten().flatten();
        let models = models.filter(|name| catalog.resolve(name).is_none());
        let models = models.map(|name| {
            let near = catalog.near(name).first().copied();
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            format!("--models: nobody serves `{name}` here{near}")
        });
        let ids = || catalog.providers().iter().map(|provider| &*provider.id);
        let providers = self.providers.iter().flatten().flatten();
        let providers = providers.filter(|name| ids().all(|id| id != *name));
        let providers = providers.map(|name| {
            let near = did_you_mean(name, ids());
            format!("--providers: there is no `{name}` here{near}")
        });
        models.chain(providers).collect()
    }

    /// Whether the model that is to answer when the budget is spent is one that the key may use
    /// and that somebody serves.
    pub(super) fn check(&self, limits: &Limits, settings: &Settings<'_>) -> Result<(), Failure> {
        let Some(Some(model)) = &self.when_spent else {
            return Ok(());
        };
        let state = State::new(settings.config()?)?;
        relay::can_ask(&state, limits, model)
            .map_err(|fault| Failure::said(format!("--when-spent: {}", fault.message)))
    }
}

fn change<T>(
    text: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, Failure>,
) -> Result<Change<T>, Failure> {
    match text {
        None => Ok(None),
        Some(NONE) => Ok(Some(None)),
        Some(text) => read(text).map(|value| Some(Some(value))),
    }
}

fn names(names: Option<&Vec<String>>) -> Change<Vec<String>> {
    names.map(|names| (*names != [NONE]).then(|| names.clone()))
}

fn budget(text: &str) -> Result<(Money, Period), Failure> {
    let parts = text.split_once('/');
    let (usd, period) = parts
        .and_then(|(usd, period)| Some((usd, Period::parse(period)?)))
        .ok_or_else(|| {
            Failure::said(
                "--budget must be dollars a day, week or month: 5/day, 20/week, 0.50/month",
            )
        })?;
    Ok((credit::amount(usd)?, period))
}

fn count(flag: &str, text: &str) -> Result<NonZeroU32, Failure> {
    let said = || {
        Failure::said(format!(
            "{flag} must be a number from 1 to {}, or none",
            u32::MAX
        ))
    };
    text.parse().map_err(|_| said())
}

/// The second at which a key ends.
fn expiry(now: i64, text: &str) -> Result<i64, Failure> {
    let from_now = || {
        let time = quantity::plain_duration(text)?;
        now.checked_add(i64::try_from(time.as_secs()).ok()?)
    };
    let at = Date::parse(text).map(Date::starts_at).or_else(from_now);
    at.filter(|at| *at > now).ok_or_else(|| {
        Failure::said(
            "--expires must lie ahead: a time from now with its unit, such as 12h or 30d, or a day, such as 2027-01-31",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_from_now_or_a_day() {
        let day = 86_400;
        for (text, at) in [
            ("30d", 100 + 30 * day),
            ("1970-01-02", day),
            ("2027-01-31", 20_849 * day),
        ] {
            assert_eq!(expiry(100, text).unwrap(), at, "{text}");
        }
        for text in [
            "0",
            "",
            "300ms",
            "30",
            "tomorrow",
            "-1d",
            "99999999999999999d",
            "1970-01-01",
            "2027-02-30",
        ] {
            assert!(expiry(100, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_budget_is_dollars_in_a_period() {
        let five = Money::from_pico(5_000_000_000_000);
        assert_eq!(budget("5/day").unwrap(), (five, Period::Day));
        assert_eq!(budget("5.00/month").unwrap(), (five, Period::Month));
        for (text, said) in [
            ("5", "5/day"),
            ("5/year", "5/day"),
            ("/day", "plain decimal"),
            ("0/day", "above zero"),
            ("-1/week", "above zero"),
            ("$5/day", "plain decimal"),
        ] {
            let error = budget(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn none_takes_a_limit_away_and_silence_leaves_it() {
        let count = |text| change(text, |text| count("--rpm", text));
        assert_eq!(count(None).unwrap(), None);
        assert_eq!(count(Some("none")).unwrap(), Some(None));
        assert_eq!(count(Some("7")).unwrap(), Some(NonZeroU32::new(7)));
        for text in ["0", "-1", "1.5", "4294967296", "", "many"] {
            assert!(count(Some(text)).is_err(), "{text}");
        }
        assert_eq!(names(Some(&vec!["none".into()])), Some(None));
        assert_eq!(names(None), None);
    }
}
