//! What callers are told of money: why a call is refused, and what is left.

use super::hold::payer;
use super::plan::Plan;
use super::whole::name;
use crate::config::Config;
use crate::gateway::Gateway;
use http::header::{HeaderMap, HeaderName};
use std::time::Duration;
use vane_catalog::{Date, Money};
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::replica::Spent;
use vane_ledger::{AccountKind, Caller, Short};

/// The terms on which a call was let in.
pub(super) struct Terms {
    /// Of the key, as it was when the call began.
    budget: Option<Spent>,
    /// The most output that there was money for.
    output_max: Option<u64>,
    falls_to: bool,
}

/// From this part of a budget on, its key is warned.
const WARN_FROM_PERCENT: i64 = 80;

impl Terms {
    pub(super) fn of(gateway: &Gateway, caller: &Caller, plan: &Plan) -> Self {
        Self {
            budget: gateway.replica.spent(payer(caller)),
            output_max: plan.output_max,
            falls_to: plan.falls_to,
        }
    }

    /// Tells an answer's caller what is left of a prepaid balance and of the key's budget, and for
    /// how much output there was money.
    pub(super) fn tell(&self, gateway: &Gateway, caller: &Caller, headers: &mut HeaderMap) {
        if caller.kind == AccountKind::Prepaid
            && let Some(balance) = gateway.replica.balance(caller.account_id)
        {
            name(headers, BALANCE, &balance.to_string());
        }
        if self.falls_to {
            name(headers, FALLBACK, "budget");
        }
        if let Some(output_max) = self.output_max {
            name(headers, OUTPUT_MAX, &output_max.to_string());
        }
        if let Some(budget) = &self.budget {
            tell_budget(budget, headers);
        }
    }
}

fn tell_budget(budget: &Spent, headers: &mut HeaderMap) {
    let Spent {
        amount,
        spent,
        resets_at,
    } = *budget;
    let rest = amount
        .checked_sub(spent)
        .unwrap_or_default()
        .max(Money::ZERO);
    name(headers, BUDGET, &rest.to_string());
    let part = |of: i64| i128::from(of) * i128::from(amount.pico()) / 100;
    if i128::from(spent.pico()) >= part(WARN_FROM_PERCENT) {
        let resets_on = Date::of(resets_at);
        let warning = format!(
            "${spent} of the budget of ${amount} is spent; it begins anew on {resets_on} (UTC)"
        );
        name(headers, BUDGET_WARNING, &warning);
    }
}

const BALANCE: HeaderName = HeaderName::from_static("vane-balance");
const BUDGET: HeaderName = HeaderName::from_static("vane-budget-remaining");
const BUDGET_WARNING: HeaderName = HeaderName::from_static("vane-budget-warning");
const FALLBACK: HeaderName = HeaderName::from_static("vane-fallback");
const OUTPUT_MAX: HeaderName = HeaderName::from_static("vane-output-max");

/// Why there is no money for the call, of which `amount` is needed at least, and what to do about
/// it.
pub(super) fn refused(
    short: &Short,
    caller: &Caller,
    config: &Config,
    amount: Money,
    now: i64,
) -> Fault {
    match short {
        Short::Balance { missing } => {
            let account = &caller.account_name;
            let how = how_to_top_up(config, account);
            let message = format!(
                "the balance of the account {account:?} lacks ${missing}: this call may cost up to ${amount}; \
                 {how}, or allow less output with `max_tokens`"
            );
            Fault::new(Kind::NoFunds, Blame::Caller, message)
        }
        Short::Budget { missing, resets_at } => {
            let left = u64::try_from(resets_at.saturating_sub(now)).unwrap_or_default();
            let message = format!(
                "the budget of the key {:?} lacks ${missing}: this call may cost up to ${amount}; \
                 it begins anew on {} (UTC), or allow less output with `max_tokens`",
                caller.key_name,
                Date::of(*resets_at)
            );
            let fault =
                Fault::new(Kind::NoFunds, Blame::Caller, message).with_code("budget_exceeded");
            Fault {
                retry_after: Some(Duration::from_secs(left)),
                ..fault
            }
        }
        Short::Away(why) => {
            let message =
                format!("the call cannot be taken at present: {why}; try again in a moment");
            let fault = Fault::new(Kind::Unavailable, Blame::Us, message);
            Fault {
                retry_after: Some(Duration::from_secs(2)),
                ..fault
            }
        }
    }
}

/// What who has no money can do: customers have a page, where there is one, and only the operator has
/// commands.
fn how_to_top_up(config: &Config, account: &str) -> String {
    match (&config.payments, &config.site.url) {
        (Some(_), Some(url)) => format!("top the account up at {url}/console/credits"),
        (Some(_), None) | (None, _) => format!(
            "ask whoever runs this server to top the account up \
             (`vane credit grant {account} USD --reason TEXT`)"
        ),
    }
}
