//! The money that is set aside before anyone is asked.
//!
//! Invariant: what is held pays for all that may be told before more is held. That is the most
//! that the call can cost where its client set a limit; else a slice of what is shown, which grows
//! with it ([`super::slice`]), or all that the model may write, or as much as there is money for.
//! Who may spend without limit holds nothing.

use super::bound;
use super::decode::RawCall;
use super::plan::{Choice, Plan};
use super::slice::{LEAST_TOKENS, SLICE_TOKENS, Slice};
use super::terms::lacking;
use crate::gateway::Gateway;
use vane_catalog::{Capability, Money};
use vane_dialect::{Dialect, Fault};
use vane_ledger::{AccountKind, Caller, Hold, Payer, Short};

/// Sets money aside for the call, and says in its plan for how much output.
///
/// # Errors
/// When the balance, or the budget of the key, lacks it.
pub(super) async fn hold(
    gateway: &Gateway,
    caller: &Caller,
    call: &RawCall,
    plan: &mut Plan,
    at: i64,
) -> Result<Hold, Fault> {
    let payer = payer(caller);
    if !payer.is_limited() || cfg!(feature = "unledgered") {
        let held = gateway.replica.hold(payer, Money::ZERO).await;
        return held.map_err(|short| lacking(&short, caller, Money::ZERO, gateway.clock.now()));
    }
    let span = Span::of(call, plan)?;
    let whole = bound::ceiling(call, plan, None, at)?;
    let first = match span {
        Span::Sliced => bound::ceiling(call, plan, Some(SLICE_TOKENS), at)?,
        Span::Exact | Span::Open => whole,
    };
    let answers = bound::answers(&call.head)?;
    let least = match span {
        Span::Exact => whole,
        Span::Open | Span::Sliced => {
            let tokens = LEAST_TOKENS.saturating_mul(answers);
            bound::ceiling(call, plan, Some(tokens), at)?
        }
    };
    let (hold, amount) = between(gateway, payer, least, first)
        .await
        .map_err(|short| lacking(&short, caller, least, gateway.clock.now()))?;
    match span {
        Span::Exact => {}
        Span::Open if amount == whole => {}
        Span::Open => {
            let tokens = bound::affords(call, plan, amount, at)?;
            plan.output_max = tokens.checked_div(answers);
        }
        Span::Sliced => {
            plan.slice = Some(Slice {
                rate: bound::output_rate(call, plan, at)?,
                paid: bound::affords(call, plan, amount, at)?,
                output_max: bound::most_output(call, plan)?,
            });
        }
    }
    Ok(hold)
}

/// How often less is asked for, where others take what was there.
const TRIES: usize = 4;

/// Sets `most` aside, or as much of it as there is, if that is not less than `least`; of which a
/// refusal tells.
async fn between(
    gateway: &Gateway,
    payer: Payer<'_>,
    least: Money,
    most: Money,
) -> Result<(Hold, Money), Short> {
    let mut amount = most;
    for _ in 1..TRIES {
        let short = match gateway.replica.hold(payer, amount).await {
            Ok(hold) => return Ok((hold, amount)),
            Err(short) => short,
        };
        match short.there_of(amount) {
            Some(there) if there >= least && there < amount => amount = there,
            Some(there) => return Err(short.with_missing(least, there)),
            None => return Err(short),
        }
    }
    Ok((gateway.replica.hold(payer, least).await?, least))
}

pub(super) fn payer(caller: &Caller) -> Payer<'_> {
    Payer {
        account: caller.account_id,
        prepaid: caller.kind == AccountKind::Prepaid,
        key: &caller.key_id,
        budget: caller.budget,
    }
}

/// How much output is paid for before anyone is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    /// What the client allows: it is refused exactly.
    Exact,
    /// All that the model may write, or as much as there is money for.
    Open,
    /// A slice: all that is billed is seen as it comes.
    Sliced,
}

impl Span {
    fn of(call: &RawCall, plan: &Plan) -> Result<Self, Fault> {
        let has_limit = bound::asked_output(&call.head)?.is_some();
        if has_limit || bound::most_output(call, plan)? == 0 {
            return Ok(Self::Exact);
        }
        let is_seen = call.stream && bound::answers(&call.head)? == 1;
        Ok(match is_seen && plan.choices.iter().all(shows_all) {
            true => Self::Sliced,
            false => Self::Open,
        })
    }
}

/// Whether a stream of the offer shows all output that it is billed for. Thoughts may be hidden,
/// and the end of a stream of Responses cannot be told by who did not keep all of it.
fn shows_all(choice: &Choice) -> bool {
    choice.dialect != Dialect::OpenaiResponses && !choice.offer.facts.can(Capability::Reasoning)
}
