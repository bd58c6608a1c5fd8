//! The money that is set aside before anyone is asked: the most that the call can cost.
//!
//! Invariant: no usage that the call allows, at any offer of its plan, costs more than what is
//! held. Who may spend without limit holds nothing.

use super::decode::RawCall;
use super::plan::{Choice, Plan};
use super::whole::name;
use crate::gateway::Gateway;
use http::header::{HeaderMap, HeaderName};
use std::time::Duration;
use vane_catalog::{Asked, Bound, Date, Money, Unpriced};
use vane_dialect::Fault;
use vane_dialect::dialect::Task;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::head::Word;
use vane_ledger::replica::Spent;
use vane_ledger::{AccountKind, Caller, Hold, Payer, Short};

/// Output of a model that does not say how much it writes at most.
const OUTPUT_MAX_ASSUMED: u64 = 32_768;
/// Tokens of a picture or document that is not in the body, or is more than its bytes.
const PER_PICTURE: u64 = 16_384;

/// Sets aside the most that the call can cost.
///
/// # Errors
/// When the balance, or the budget of the key, lacks it.
pub(super) async fn hold(
    gateway: &Gateway,
    caller: &Caller,
    call: &RawCall,
    plan: &Plan,
    at: i64,
) -> Result<Hold, Fault> {
    let payer = payer(caller);
    let amount = match payer.is_limited() && !cfg!(feature = "unledgered") {
        true => most(call, plan, at)?,
        false => Money::ZERO,
    };
    let held = gateway.replica.hold(payer, amount).await;
    held.map_err(|short| lacking(&short, caller, amount, gateway.clock.now()))
}

pub(super) fn payer(caller: &Caller) -> Payer<'_> {
    Payer {
        account: caller.account_id,
        prepaid: caller.kind == AccountKind::Prepaid,
        key: &caller.key_id,
        budget: caller.budget,
    }
}

/// The most that the call can cost at the dearest offer of its plan.
fn most(call: &RawCall, plan: &Plan, at: i64) -> Result<Money, Fault> {
    let mut most = Money::ZERO;
    for choice in &plan.choices {
        let ceiling = choice.offer.facts.ceiling(bound(call, choice)?, at);
        most = most.max(ceiling.map_err(|unpriced| too_dear(unpriced, choice))?);
    }
    Ok(most)
}

/// The most tokens and uses of one offer that the call allows.
fn bound(call: &RawCall, choice: &Choice) -> Result<Bound, Fault> {
    let head = &call.head;
    let dearer = head.raw("service_tier").is_some() || head.raw("speed").is_some();
    Ok(Bound {
        input_tokens_max: input_max(call, choice),
        output_tokens_max: output_max(call, choice)?,
        asked: if dearer {
            Asked::Dearer
        } else {
            Asked::Standard
        },
        uses_max: call.hosted.uses_max(),
    })
}

/// No token is less than a byte, and none that is read stands beyond the context.
fn input_max(call: &RawCall, choice: &Choice) -> u64 {
    let pictures = u64::from(call.head.times(Word::ImageUrl));
    let bytes = call.head.body().len() as u64;
    let tokens = bytes.saturating_add(pictures.saturating_mul(PER_PICTURE));
    choice
        .offer
        .facts
        .context_window
        .map_or(tokens, |window| tokens.min(window))
}

/// What the client allows to be written, or else the model: in all answers that it asks for.
pub(super) fn output_max(call: &RawCall, choice: &Choice) -> Result<u64, Fault> {
    if call.door.dialect.task() == Task::Embed {
        return Ok(0);
    }
    let head = &call.head;
    let of_model = choice.offer.facts.max_output.unwrap_or(OUTPUT_MAX_ASSUMED);
    let mut asked = None;
    for field in ["max_completion_tokens", "max_output_tokens", "max_tokens"] {
        asked = asked.or(head.count(field)?);
    }
    let answers = head
        .count("n")?
        .unwrap_or(1)
        .max(head.count("best_of")?.unwrap_or(1));
    Ok(asked.unwrap_or(of_model).saturating_mul(answers.max(1)))
}

/// From this part of a budget on, its key is warned.
const WARN_FROM_PERCENT: i64 = 80;

/// Tells an answer's caller what is left: of a prepaid balance, and of the key's budget as it was
/// when the call began.
pub(super) fn tell(
    gateway: &Gateway,
    caller: &Caller,
    budget: Option<Spent>,
    headers: &mut HeaderMap,
) {
    if caller.kind == AccountKind::Prepaid
        && let Some(balance) = gateway.replica.balance(caller.account_id)
    {
        name(headers, BALANCE, &balance.to_string());
    }
    let Some(Spent {
        amount,
        spent,
        resets_at,
    }) = budget
    else {
        return;
    };
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

fn too_dear(unpriced: Unpriced, choice: &Choice) -> Fault {
    let message = match unpriced {
        Unpriced::TooLarge => {
            "the most that this call may cost is more than money can be: ask for less output"
                .to_owned()
        }
        other => format!("{} cannot be priced: {other}", choice.offer.facts.id),
    };
    Fault::new(Kind::Invalid, Blame::Caller, message)
}

/// Why there is no money for the call, and what to do about it.
fn lacking(short: &Short, caller: &Caller, amount: Money, now: i64) -> Fault {
    let account = &caller.account_name;
    match short {
        Short::Balance { missing } => {
            let message = format!(
                "the balance of the account {account:?} lacks ${missing}: this call may cost up to ${amount}; \
                 top the account up (`vane credit grant {account} USD`), or allow less output with `max_tokens`"
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
