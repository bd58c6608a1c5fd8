//! How a key stands with its limits, in the headers that SDKs of each dialect read.
//!
//! Told as of the moment at which the call was let in or refused, so that the head of a stream and
//! of a whole answer say the same. A key without a limit is told nothing of it.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use vane_catalog::Date;
use vane_dialect::Dialect;

/// What is left of a key's limits; of those that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub requests: Option<Quota>,
    pub tokens: Option<Quota>,
}

/// One limit per minute, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub limit: u64,
    pub remaining: u64,
    /// How long until all of it is there again, if nothing more is used.
    pub resets_in: Duration,
}

/// Limit, remaining, reset.
type Names = [&'static str; 3];

const OPENAI: [Names; 2] = [
    [
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ],
    [
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ],
];

const ANTHROPIC: [Names; 2] = [
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
];

impl Standing {
    /// Sets the headers of a dialect; `now` are unix seconds.
    pub fn tell(&self, dialect: Dialect, now: i64, headers: &mut HeaderMap) {
        let (names, reset): (_, fn(u64, i64) -> String) = match dialect {
            Dialect::AnthropicMessages => (ANTHROPIC, instant),
            _ => (OPENAI, duration),
        };
        for (quota, names) in [self.requests, self.tokens].into_iter().zip(names) {
            let Some(quota) = quota else { continue };
            let seconds = seconds_up(quota.resets_in);
            let values = [
                quota.limit.to_string(),
                quota.remaining.to_string(),
                reset(seconds, now),
            ];
            for (name, value) in names.into_iter().zip(values) {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
        }
    }
}

/// Whole seconds, rounded up: who waits that long has waited long enough.
pub(super) fn seconds_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// OpenAI's text of a duration: `1s`, `6m0s`.
fn duration(seconds: u64, _: i64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

/// The instant so many seconds from `now`, by RFC 3339.
fn instant(seconds: u64, now: i64) -> String {
    let at = now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let day = Date::of(at);
    let second = at.saturating_sub(day.starts_at());
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{day}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_each_dialect_does() {
        for (seconds, openai, anthropic) in [
            (0, "0s", "2026-12-31T23:59:50Z"),
            (1, "1s", "2026-12-31T23:59:51Z"),
            (60, "1m0s", "2027-01-01T00:00:50Z"),
            (3_671, "61m11s", "2027-01-01T01:01:01Z"),
        ] {
            let now = Date::parse("2026-12-31").unwrap().starts_at() + 86_390;
            assert_eq!(duration(seconds, now), openai);
            assert_eq!(instant(seconds, now), anthropic);
        }
        assert_eq!(seconds_up(Duration::from_millis(59_001)), 60);
        assert_eq!(seconds_up(Duration::from_secs(59)), 59);
    }

    #[test]
    fn only_limits_that_a_key_has_are_told() {
        let quota = Quota {
            limit: 10,
            remaining: 3,
            resets_in: Duration::from_millis(1_500),
        };
        let standing = Standing {
            requests: None,
            tokens: Some(quota),
        };
        let told = |standing: Standing, dialect| {
            let mut headers = HeaderMap::new();
            standing.tell(dialect, 0, &mut headers);
            let line = |(name, value): (&HeaderName, &HeaderValue)| {
                format!("{name}: {}", value.to_str().unwrap())
            };
            let mut lines: Vec<String> = headers.iter().map(line).collect();
            lines.sort();
            lines
        };
        assert!(told(Standing::default(), Dialect::OpenaiChat).is_empty());
        assert_eq!(
            told(standing, Dialect::MistralFim),
            [
                "x-ratelimit-limit-tokens: 10",
                "x-ratelimit-remaining-tokens: 3",
                "x-ratelimit-reset-tokens: 2s"
            ]
        );
        assert_eq!(
            told(standing, Dialect::AnthropicMessages),
            [
                "anthropic-ratelimit-tokens-limit: 10",
                "anthropic-ratelimit-tokens-remaining: 3",
                "anthropic-ratelimit-tokens-reset: 1970-01-01T00:00:02Z"
            ]
        );
    }
}
