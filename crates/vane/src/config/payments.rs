//! Credit that a new account gets, and payments through a provider of payments.
//!
//! Invariant: payments that are on can be checked: without a key and a webhook secret, or with
//! empty ones, there is no configuration.

use vane_catalog::Money;

use super::base_url::{self, Own};
use super::node::{Node, Value};
use super::read::{Read, integer, one_of, text};
use super::section::Section;
use super::{Payments, Secret, SignUp, secret};

/// Stripe takes no charge below half a dollar and none of a million.
const AMOUNT_MIN: Money = Money::from_pico(500_000_000_000);
const AMOUNT_MAX: Money = Money::from_pico(999_999_000_000_000_000);
const CENT: i64 = 10_000_000_000;
const DAYS_MAX: u64 = 36_500;

impl SignUp {
    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let amount = section.take("sign_up", |node| dollars(node, Money::from_pico(1)));
        let days = section.take("expires_days", integer(1..=DAYS_MAX));
        section.finish();
        Some(Self {
            amount: amount?,
            expires_days: days.and_then(|days| i64::try_from(days).ok()),
        })
    }
}

impl SignUp {
    /// Where the credit of an account that is made now comes from. It was not paid for: so it is
    /// spent first and never refunded.
    #[must_use]
    pub fn source(&self, now: i64) -> vane_ledger::book::Source {
        let seconds = self.expires_days.map(|days| days.saturating_mul(86_400));
        let expires_at = seconds.map_or(i64::MAX, |seconds| now.saturating_add(seconds));
        vane_ledger::book::Source::Promotion { expires_at }
    }
}

impl Payments {
    pub(super) fn read(mut section: Section<'_>, own: &Own<'_>) -> Option<Self> {
        let wanted =
            section.has("provider") || section.has("secret_key") || section.has("webhook_secret");
        let provider = section.take("provider", one_of(&[("stripe", ())]));
        let key = needed(&mut section, "secret_key", wanted).filter(|key| {
            let kind = ["sk_test_", "sk_live_", "rk_test_", "rk_live_"];
            let known = kind.iter().any(|prefix| key.0.starts_with(prefix));
            if !known || !secret::fits_a_header(&key.0) {
                let what = "must be a secret or restricted key of Stripe, which begin with \
                            sk_live_, rk_live_, sk_test_ or rk_test_";
                section.problem("secret_key", what);
            }
            known
        });
        let webhook_secret = needed(&mut section, "webhook_secret", wanted);
        section.take("currency", one_of(&[("usd", ())]));
        let cents = |node: &Node| whole_cents(dollars(node, AMOUNT_MIN)?);
        let min = section.take("top_up_min", cents);
        let max = section.take("top_up_max", cents);
        let fee_percent = section.take("fee_percent", percent);
        let fee_fixed = section.take("fee_fixed", |node| whole_cents(dollars(node, Money::ZERO)?));
        let api_base = section.take("api_base", |node| base_url::read(&text(node)?, own));
        let success_url = page(&mut section, "success_url", wanted);
        let cancel_url = page(&mut section, "cancel_url", wanted);
        if wanted && provider.is_none() && !section.has("provider") {
            section.problem("provider", "is missing: the only one is \"stripe\"");
        }
        let top_up_min = min.unwrap_or(Money::from_pico(5_000_000_000_000));
        let top_up_max = max.unwrap_or(Money::from_pico(10_000_000_000_000_000));
        if top_up_min > top_up_max {
            section.problem("top_up_min", "must not be above `top_up_max`");
        }
        section.finish();
        provider?;
        Some(Self {
            secret_key: key?,
            webhook_secret: webhook_secret?,
            top_up_min,
            top_up_max,
            fee_percent: fee_percent.unwrap_or(Money::ZERO),
            fee_fixed: fee_fixed.unwrap_or(Money::ZERO),
            api_base: api_base.unwrap_or_else(|| "https://api.stripe.com".to_owned()),
            success_url: success_url?,
            cancel_url: cancel_url?,
        })
    }
}

fn needed(section: &mut Section<'_>, key: &'static str, wanted: bool) -> Option<Secret> {
    if wanted && !section.has(key) {
        section.problem(
            key,
            "is missing: without it no payment can be made or believed",
        );
    }
    let found = secret::take(section, key)?;
    if found.0.is_empty() {
        section.problem(
            key,
            "is empty: without it no payment can be made or believed",
        );
        return None;
    }
    Some(found)
}

/// Where a payer's browser goes afterwards. Stripe puts the session's id for `{CHECKOUT_SESSION_ID}`.
fn page(section: &mut Section<'_>, key: &'static str, wanted: bool) -> Option<String> {
    if wanted && !section.has(key) {
        section.problem(key, "is missing: the page that a payer comes back to");
    }
    section.take(key, |node| {
        let said = text(node)?;
        let is_page = said.starts_with("https://") || said.starts_with("http://");
        let plain = said.bytes().all(|byte| byte.is_ascii_graphic());
        match is_page && plain {
            true => Ok(said),
            false => {
                Err("must be the address of a page, such as \"https://example.com/paid\"".into())
            }
        }
    })
}

fn dollars(node: &Node, least: Money) -> Read<Money> {
    let wrong = || format!("must be dollars as text, such as \"5\" or \"0.50\", from {least}");
    let (Value::Text(said) | Value::Variable(said)) = &node.value else {
        return Err(wrong());
    };
    let amount = Money::parse(said.trim()).map_err(|_| wrong())?;
    let within = (least..=AMOUNT_MAX).contains(&amount);
    within.then_some(amount).ok_or_else(wrong)
}

fn whole_cents(amount: Money) -> Read<Money> {
    match amount.pico() % CENT {
        0 => Ok(amount),
        _ => Err("must be whole cents".to_owned()),
    }
}

/// A percentage with all its decimals; no float holds it.
fn percent(node: &Node) -> Read<Money> {
    let wrong = || "must be a percentage as text, such as \"2.9\", from 0 to 100".to_owned();
    let (Value::Text(said) | Value::Variable(said)) = &node.value else {
        return Err(wrong());
    };
    let percent = Money::parse(said.trim()).map_err(|_| wrong())?;
    let most = Money::from_pico(100_000_000_000_000);
    let within = (Money::ZERO..=most).contains(&percent);
    within.then_some(percent).ok_or_else(wrong)
}
