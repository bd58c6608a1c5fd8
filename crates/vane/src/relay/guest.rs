//! What a guest may ask for: what is free, and not much of it.
//!
//! Invariant: no offer but what the operator made free, or what runs here and is, is in a guest's plan, whatever the body names. The
//! guest's key has a budget of nothing besides, so that a mistake here would be refused by the
//! books.

use super::bound;
use super::decode::RawCall;
use super::plan::{LeftOut, Plan};
use crate::config::Entry;
use crate::gateway::State;
use crate::local::PROVIDER;
use vane_catalog::Offer;
use vane_dialect::Fault;
use vane_dialect::dialect::Task;
use vane_dialect::fault::{Blame, Kind};

/// The terms of a caller who did not say who it is.
#[derive(Debug, Clone, Copy)]
pub struct Guest {
    /// Of all answers of a call together.
    pub output_tokens_max: u64,
}

impl Guest {
    /// What the operator gives away. What a provider gives to who has a key is the operator's own:
    /// guests would use up its limits. What runs here has no provider.
    #[must_use]
    pub fn may_call(offer: &Offer) -> bool {
        offer.free && (offer.own || *offer.provider == *PROVIDER)
    }

    /// Leaves in the plan what is free, with as much output as a guest gets.
    ///
    /// # Errors
    /// If nothing is left, or the call allows more output.
    pub(super) fn narrow(
        self,
        state: &State,
        call: &RawCall,
        plan: &mut Plan,
    ) -> Result<(), Fault> {
        let choices = std::mem::take(&mut plan.choices);
        let (free, billed) = choices
            .into_iter()
            .partition(|choice| Self::may_call(&choice.offer.facts));
        plan.choices = free;
        plan.left_out
            .extend(billed.into_iter().map(|choice| LeftOut {
                offer: choice.offer,
                reason:
                    "the operator did not make it free, and guests call nothing else".to_owned(),
            }));
        if plan.choices.is_empty() {
            return Err(needs_an_account(state, &call.model));
        }
        if call.door.dialect.task() == Task::Embed {
            return Ok(());
        }
        let answers = bound::answers(call)?;
        let most = self.output_tokens_max.checked_div(answers).unwrap_or(0);
        match bound::asked_output(call)? {
            None if most > 0 => plan.output_max = Some(most),
            Some(asked) if asked <= most => {}
            _ => return Err(self.too_much()),
        }
        Ok(())
    }

    fn too_much(self) -> Fault {
        let most = self.output_tokens_max;
        let message =
            format!("guests get {most} tokens of output at most: allow less, or sign in for more");
        Fault::invalid("max_tokens", message).with_code("guest_output_limit")
    }
}

/// The model is there and costs something.
fn needs_an_account(state: &State, model: &str) -> Fault {
    let is_open = state.config.people.entry == Entry::Open;
    let credit = state
        .config
        .sign_up
        .as_ref()
        .filter(|_| is_open)
        .map_or_else(String::new, |sign_up| {
            let amount = sign_up.amount.display_cost();
            format!("; a new account begins with {amount} of free credit")
        });
    let message = format!(
        "guests call only what the operator made free, and `{model}` is not: sign in to call it{credit}"
    );
    Fault::new(Kind::Unauthenticated, Blame::Caller, message).with_param("model")
}
