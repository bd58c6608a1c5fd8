//! The money that is set aside before anyone is asked.
//!
//! Invariant: what is held pays for all that may be told before more is held. That is the most
//! that the call can cost where its client set a limit; else a slice of what is shown, which grows
//! with it ([`super::slice`]), or all that the model may write, or as much as there is money for.
//! Who may spend without limit holds nothing.

use super::bound;
use super::decode::RawCall;
use super::plan::{Choice, Plan};
use super::route;
use super::slice::{LEAST_TOKENS, SLICE_TOKENS, Slice};
use super::terms::refused;
use crate::gateway::{Gateway, State};
use crate::seal::StateSeal;
use vane_catalog::{Capability, Money};
use vane_dialect::{Dialect, Fault};
use vane_ledger::{AccountKind, Caller, Hold, Payer, Short};

/// Sets money aside for the call, and says in its plan for how much output. Where the key's budget
/// does not pay for it, the plan becomes that of the model which the key falls to, if that serves
/// the call and is free or what is left pays for it.
///
/// # Errors
/// When the balance, or the budget of the key, lacks it.
pub(super) async fn hold(
    gateway: &Gateway,
    state: &State,
    caller: &Caller,
    call: &RawCall,
    plan: &mut Plan,
    at: i64,
) -> Result<Hold, Fault> {
    let mut lacking = match fund(gateway, caller, call, plan, at).await {
        Err(lacking) => lacking,
        Ok(hold) => return Ok(hold),
    };
    // Bytes are soon compared and are three or four times as many as tokens: only who lacks money for
    // them waits for a count.
    if matches!(lacking, Lacking::Money(..)) && counted(gateway, state, caller, call, plan).await {
        lacking = match fund(gateway, caller, call, plan, at).await {
            Err(lacking) => lacking,
            Ok(hold) => return Ok(hold),
        };
    }
    if let (Lacking::Money(Short::Budget { .. }, _), Some(model)) =
        (&lacking, &caller.limits.when_spent)
        && let Ok(mut other) = route::of_model(state, &caller.limits, call, model, at)
        && let Ok(hold) = fund(gateway, caller, call, &mut other, at).await
    {
        other.falls_to = true;
        *plan = other;
        return Ok(hold);
    }
    Err(match lacking {
        Lacking::Money(short, least) => {
            refused(&short, caller, &state.config, least, gateway.clock.now())
        }
        Lacking::Other(fault) => fault,
    })
}

/// A provider may lay a call out with a few tokens of its own.
const TOKENS_BESIDE: u64 = 64;

/// Counts the input for each choice whose model's tokenizer is here. Says whether any was.
async fn counted(
    gateway: &Gateway,
    state: &State,
    caller: &Caller,
    call: &RawCall,
    plan: &mut Plan,
) -> bool {
    let seal = StateSeal::new(gateway.sealer.clone(), caller.account_id);
    let Ok(blocks) = call.blocks(&seal) else {
        return false;
    };
    let mut any = false;
    for choice in &mut plan.choices {
        let tokens = state.tokenizers.count(&choice.offer.facts, &blocks).await;
        choice.input_max = tokens.map(|tokens| tokens + tokens / 16 + TOKENS_BESIDE);
        any |= tokens.is_some();
    }
    any
}

/// Why no money is set aside.
enum Lacking {
    /// There is less than this.
    Money(Short, Money),
    Other(Fault),
}

impl From<Fault> for Lacking {
    fn from(fault: Fault) -> Self {
        Self::Other(fault)
    }
}

async fn fund(
    gateway: &Gateway,
    caller: &Caller,
    call: &RawCall,
    plan: &mut Plan,
    at: i64,
) -> Result<Hold, Lacking> {
    let payer = payer(caller);
    if !payer.is_limited() || cfg!(feature = "unledgered") {
        let held = gateway.replica.hold(payer, Money::ZERO).await;
        return held.map_err(|short| Lacking::Money(short, Money::ZERO));
    }
    let span = Span::of(call, plan)?;
    let slice = (span == Span::Sliced).then_some(SLICE_TOKENS);
    let most = bound::ceiling(call, plan, slice, at)?;
    let (hold, tokens) = match gateway.replica.hold(payer, most).await {
        Ok(hold) => (hold, slice),
        Err(short) if span == Span::Exact => return Err(Lacking::Money(short, most)),
        Err(short) => {
            let tokens = LEAST_TOKENS.saturating_mul(bound::answers(call)?);
            let least = bound::ceiling(call, plan, Some(tokens), at)?;
            let (hold, amount) = rest(gateway, payer, least, most, short).await?;
            (hold, Some(bound::affords(call, plan, amount, at)?))
        }
    };
    match (span, tokens) {
        (Span::Exact, _) | (_, None) => {}
        (Span::Open, Some(tokens)) => {
            plan.output_max = tokens.checked_div(bound::answers(call)?);
        }
        (Span::Sliced, Some(paid)) => {
            plan.slice = Some(Slice {
                rate: bound::output_rate(call, plan, at)?,
                paid,
                output_max: bound::most_output(call, plan)?,
            });
        }
    }
    Ok(hold)
}

/// How often less is asked for, where others take what was there.
const TRIES: usize = 3;

/// Sets aside what there is of an amount that was refused, if that is not less than `least`.
async fn rest(
    gateway: &Gateway,
    payer: Payer<'_>,
    least: Money,
    mut amount: Money,
    mut short: Short,
) -> Result<(Hold, Money), Lacking> {
    for _ in 0..TRIES {
        let Some(there) = short.there_of(amount) else {
            return Err(Lacking::Money(short, least));
        };
        if there < least || there >= amount {
            let short = short.with_missing(least, there);
            return Err(Lacking::Money(short, least));
        }
        amount = there;
        short = match gateway.replica.hold(payer, amount).await {
            Ok(hold) => return Ok((hold, amount)),
            Err(short) => short,
        };
    }
    let held = gateway.replica.hold(payer, least).await;
    let hold = held.map_err(|short| Lacking::Money(short, least))?;
    Ok((hold, least))
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
        let has_limit = bound::asked_output(call)?.is_some();
        if has_limit || bound::most_output(call, plan)? == 0 {
            return Ok(Self::Exact);
        }
        let is_seen = call.stream && bound::answers(call)? == 1;
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
