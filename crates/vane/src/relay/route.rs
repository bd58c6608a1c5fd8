//! Which offers to try, best first. Pure: nobody is called, nothing is measured here.

mod fees;

use super::decode::RawCall;
use super::plan::{Choice, LeftOut, Plan};
use crate::config::{how_to_name_models, names_its_own_models, variables_of};
use crate::gateway::State;
use crate::upstream::Offer;
use std::sync::Arc;
use vane_catalog::{Asked, Bound, Capability, Kind as ModelKind, Resolved};
use vane_dialect::dialect::Task;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::quirk::Quirk;
use vane_dialect::{Dialect, Fault};
use vane_ledger::Limits;

/// Finds the plan of a call within the limits of the caller's key.
///
/// # Errors
/// If the model is unknown, not served by any provider that is on, not allowed to this key, or
/// cannot do what is asked.
pub fn route(state: &State, limits: &Limits, call: &RawCall, now: i64) -> Result<Plan, Fault> {
    let mut plan = Plan::default();
    let mut refusal = None;
    for model in std::iter::once(&call.model).chain(&call.fallbacks) {
        match of_model(state, limits, call, model, now) {
            Ok(mut more) => {
                plan.choices.append(&mut more.choices);
                plan.left_out.append(&mut more.left_out);
            }
            // The first model's own reason is what the caller asked about.
            Err(fault) => refusal = refusal.or(Some(fault)),
        }
    }
    if plan.choices.is_empty() {
        let nothing = || Fault::new(Kind::Unavailable, Blame::Us, "no offer can take this call");
        return Err(refusal.unwrap_or_else(nothing));
    }
    if !call.fallbacks.is_empty() {
        // Whichever model they are of: one that is down must not use up the tries of every call.
        plan.choices
            .sort_by_cached_key(|choice| choice.offer.benched_ms() > 0);
    }
    Ok(plan)
}

/// Whether calls of the key may ask for the model, and somebody serves it here.
///
/// # Errors
/// With the reason why not.
pub fn can_ask(state: &State, limits: &Limits, model: &str) -> Result<(), Fault> {
    served(state, limits, model).map(drop)
}

/// A model by a name of it, and its offers: those that the key may use, and those it may not.
type Served<'s> = (Resolved<'s>, Vec<&'s Arc<Offer>>, Vec<&'s Arc<Offer>>);

fn served<'s>(state: &'s State, limits: &Limits, model: &str) -> Result<Served<'s>, Fault> {
    let Some(resolved) = state.catalog.resolve(model) else {
        return Err(unknown(state, model));
    };
    if !allows(&limits.models, model) && !allows(&limits.models, resolved.id) {
        let message = format!("this key may not use the model `{model}`");
        return Err(Fault::new(Kind::Forbidden, Blame::Caller, message).with_param("model"));
    }
    let offers: Vec<&Arc<Offer>> = resolved
        .offers
        .iter()
        .filter_map(|facts| state.offers.get(&facts.id))
        .collect();
    if offers.is_empty() {
        return Err(not_served(state, model, &resolved.offers));
    }
    let (permitted, barred): (Vec<_>, Vec<_>) = offers
        .into_iter()
        .partition(|offer| allows(&limits.providers, &offer.provider.id));
    if permitted.is_empty() {
        let message = format!("no provider that this key may use serves `{model}` here");
        return Err(Fault::new(Kind::Forbidden, Blame::Caller, message).with_param("model"));
    }
    Ok((resolved, permitted, barred))
}

/// The plan of one model for a call.
pub(super) fn of_model(
    state: &State,
    limits: &Limits,
    call: &RawCall,
    model: &str,
    now: i64,
) -> Result<Plan, Fault> {
    let (resolved, permitted, barred) = served(state, limits, model)?;
    let wanted: Vec<&Arc<Offer>> = permitted
        .into_iter()
        .filter(|offer| call.preference.takes(&offer.provider.id))
        .collect();
    if wanted.is_empty() {
        let message = format!("no provider that `provider` allows serves `{model}` here");
        return Err(Fault::invalid("provider", message));
    }
    let able: Vec<Choice> = wanted.iter().filter_map(|offer| way(offer, call)).collect();
    if able.is_empty() || (resolved.completion_only && call.dialect().task() == Task::Chat) {
        return Err(unable(state, model, call));
    }
    let (able, mut left_out) = fees::split(able, call, now);
    if able.is_empty() {
        return Err(fees::refusal(state, model, call, &left_out, now));
    }
    let choices = ordered(able, call, now);
    left_out.extend(barred.into_iter().map(|offer| LeftOut {
        offer: offer.clone(),
        reason: "the key may not use this provider".to_owned(),
    }));
    Ok(Plan {
        choices,
        left_out,
        ..Plan::default()
    })
}

/// Whether a limit of a key names it, or names nothing.
pub(super) fn allows(names: &Option<Vec<String>>, name: &str) -> bool {
    names
        .as_ref()
        .is_none_or(|names| names.iter().any(|one| one == name))
}

impl super::decode::Preference {
    fn takes(&self, provider: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == provider);
        (self.only.is_empty() || named(&self.only)) && !named(&self.ignore)
    }

    /// The place of a provider in the caller's own order; those not named come after.
    fn rank(&self, provider: &str) -> usize {
        self.order
            .iter()
            .position(|name| name == provider)
            .unwrap_or(self.order.len())
    }
}

/// The dialect in which the offer is best asked, if it can serve the call at all.
pub(super) fn way(offer: &Arc<Offer>, call: &RawCall) -> Option<Choice> {
    let door = call.dialect();
    let kind = match door.task() {
        Task::Chat => ModelKind::Chat,
        Task::Fill => ModelKind::Completion,
        Task::Embed => ModelKind::Embedding,
    };
    // A chat model that fills in also completes; nothing else crosses kinds.
    let fills = kind == ModelKind::Completion && offer.facts.kind == ModelKind::Chat;
    if offer.facts.kind != kind && !fills {
        return None;
    }
    let dialect = ways(call, offer)
        .iter()
        .copied()
        .find(|dialect| offer.speaks(*dialect))?;
    // Whatever a row says of its model, a server that refuses the suffix does not fill in.
    let told = dialect == Dialect::MistralFim || !offer.quirks.has(Quirk::NoSuffix);
    let fim = offer.facts.can(Capability::Fim) && told;
    let needs_fim =
        call.has_suffix || dialect == Dialect::MistralFim || door == Dialect::MistralFim;
    if door.task() == Task::Fill && needs_fim && !fim {
        return None;
    }
    let reason = if dialect == door {
        "same dialect"
    } else {
        "translated"
    };
    Some(Choice {
        offer: offer.clone(),
        dialect,
        reason: reason.into(),
        input_max: None,
    })
}

/// The dialect other than the door's own in which the offer can be asked: it leaves behind what
/// only the door's own carries.
pub(super) fn translated_way(offer: &Arc<Offer>, call: &RawCall) -> Option<Choice> {
    let door = call.dialect();
    let dialect = ways(call, offer)
        .iter()
        .copied()
        .find(|dialect| *dialect != door && offer.speaks(*dialect))?;
    Some(Choice {
        offer: offer.clone(),
        dialect,
        reason: "translated, without the search that nobody priced".into(),
        input_max: None,
    })
}

/// Upstream dialects for a call, by how much of it they carry.
fn ways(call: &RawCall, offer: &Offer) -> &'static [Dialect] {
    use Dialect::{
        AnthropicMessages, MistralChat, MistralEmbeddings, MistralFim, OpenaiChat,
        OpenaiCompletions, OpenaiEmbeddings, OpenaiResponses,
    };
    let reasons = offer.facts.can(Capability::Reasoning);
    match call.dialect() {
        OpenaiChat if offer.quirks.has(Quirk::NoToolsWhileReasoning) => {
            &[OpenaiResponses, OpenaiChat]
        }
        OpenaiChat => &[OpenaiChat, MistralChat, AnthropicMessages, OpenaiResponses],
        // Most who speak Responses refuse a namespace, or give its calls back under another name.
        OpenaiResponses if call.hosted.beyond_functions && !takes_all_tools(offer) => {
            &[OpenaiChat, MistralChat, AnthropicMessages, OpenaiResponses]
        }
        OpenaiResponses => &[OpenaiResponses, OpenaiChat, MistralChat, AnthropicMessages],
        // Only Responses gives the reasoning of such models back to them.
        AnthropicMessages if reasons => {
            &[AnthropicMessages, OpenaiResponses, OpenaiChat, MistralChat]
        }
        AnthropicMessages => &[AnthropicMessages, OpenaiChat, MistralChat, OpenaiResponses],
        MistralChat => &[MistralChat, OpenaiChat, AnthropicMessages, OpenaiResponses],
        OpenaiCompletions => &[OpenaiCompletions, MistralFim],
        MistralFim => &[MistralFim, OpenaiCompletions],
        OpenaiEmbeddings => &[OpenaiEmbeddings, MistralEmbeddings],
        MistralEmbeddings => &[MistralEmbeddings, OpenaiEmbeddings],
        Dialect::LlamaInfill => &[],
    }
}

/// Whether custom tools and namespaces are taken as what they are.
fn takes_all_tools(offer: &Offer) -> bool {
    offer.quirks.has(Quirk::OpenaiOwn) && !offer.quirks.has(Quirk::FunctionsOnly)
}

/// What an answer of unknown length is reckoned with when offers are compared.
const OUTPUT_TOKENS_ASSUMED: u64 = 500;

/// Benched offers last, then the caller's order, then the expected cost.
fn ordered(mut choices: Vec<Choice>, call: &RawCall, now: i64) -> Vec<Choice> {
    if choices.len() == 1 {
        return choices;
    }
    let bound = Bound {
        input_tokens_max: (call.head.body().len() as u64).div_ceil(4),
        output_tokens_max: OUTPUT_TOKENS_ASSUMED,
        asked: Asked::Standard,
        uses_max: call.hosted.uses_max(),
    };
    choices.sort_by_cached_key(|choice| {
        let offer = &choice.offer;
        let cost = offer
            .facts
            .ceiling(bound, now)
            .map_or(i64::MAX, vane_catalog::Money::pico);
        let rank = call.preference.rank(&offer.provider.id);
        (offer.benched_ms(), rank, cost, offer.facts.id.to_string())
    });
    for choice in &mut choices {
        let bench = if choice.offer.benched_ms() > 0 {
            ", benched after failures"
        } else {
            ""
        };
        choice.reason = format!("cheapest first, {}{bench}", choice.reason).into();
    }
    choices
}

/// The plan of a model for a door, without a call: for `vane route`.
///
/// # Errors
/// As [`route`].
pub fn explain(
    state: &State,
    limits: &Limits,
    door: Dialect,
    model: &str,
    tool: Option<&str>,
    now: i64,
) -> Result<Plan, Fault> {
    let call = RawCall::bare(door, model, tool)?;
    route(state, limits, &call, now)
}

fn unknown(state: &State, model: &str) -> Fault {
    let near = state.catalog.near(model);
    let hint = if let Some(provider) = whose_models_are_named(state, model) {
        how_to_name_models(provider)
    } else if near.is_empty() {
        "`GET /v1/models` lists what there is".to_owned()
    } else {
        format!("did you mean {}?", quoted(near.iter().copied()))
    };
    let message = format!("there is no model `{model}`: {hint}");
    Fault::new(Kind::NotFound, Blame::Caller, message)
        .with_param("model")
        .with_code("model_not_found")
}

/// The provider that a model id's prefix means, if its models are the operator's to name.
fn whose_models_are_named<'s>(state: &'s State, model: &str) -> Option<&'s vane_catalog::Provider> {
    let (prefix, _) = model.split_once('/')?;
    let mut providers = state.catalog.providers().iter().map(AsRef::as_ref);
    providers.find(|provider: &&vane_catalog::Provider| {
        let means = provider
            .prefixes
            .iter()
            .any(|p| p.eq_ignore_ascii_case(prefix));
        means && names_its_own_models(&state.catalog, provider)
    })
}

fn not_served(state: &State, model: &str, offers: &[&Arc<vane_catalog::Offer>]) -> Fault {
    let needs: Vec<String> = offers
        .iter()
        .filter_map(|offer| state.catalog.provider(&offer.provider))
        .filter(|provider| provider.is_callable())
        .map(|provider| format!("{} (set {})", provider.name, variables_of(provider)))
        .collect();
    let how = if needs.is_empty() {
        "none of its providers can be called by Vane yet".to_owned()
    } else {
        format!("it is served by {}", needs.join(", "))
    };
    let message = format!("no provider of `{model}` is configured: {how}");
    Fault::new(Kind::NotFound, Blame::Caller, message)
        .with_param("model")
        .with_code("model_not_found")
}

/// How many models a message names.
pub(super) const NAMED_MAX: usize = 6;

fn unable(state: &State, model: &str, call: &RawCall) -> Fault {
    let (what, capability, kind) = match call.dialect().task() {
        Task::Chat => ("chat", None, ModelKind::Chat),
        Task::Fill => ("fill in the middle", Some(Capability::Fim), ModelKind::Chat),
        Task::Embed => ("make embeddings", None, ModelKind::Embedding),
    };
    let mut able: Vec<&str> = state
        .offers
        .iter()
        .filter(|offer| match capability {
            Some(capability) => offer.facts.can(capability),
            None => offer.facts.kind == kind,
        })
        .filter(|offer| way(offer, call).is_some())
        .map(|offer| offer.facts.id.as_ref())
        .collect();
    able.sort_unstable();
    able.truncate(NAMED_MAX);
    let which = if able.is_empty() {
        "no model of the configured providers can".to_owned()
    } else {
        format!("models that can: {}", quoted(able.into_iter()))
    };
    Fault::unsupported("model", format!("`{model}` cannot {what}; {which}"))
}

pub(super) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
