//! What is billed by the piece and has no price at an offer keeps the offer out of the plan.
//!
//! A provider bills its own tools, recordings that it hears, or each request, beside the tokens.
//! Invariant: no call reaches an offer that would bill a unit nobody priced there; a tool that stays
//! behind because the offer is asked in another dialect is billed by nobody and keeps nothing out.
//! Where no offer prices a web search, that is done on purpose: coding tools name their provider's in
//! every request.

use super::{NAMED_MAX, quoted, translated_way, way};
use crate::gateway::State;
use crate::relay::decode::RawCall;
use crate::relay::plan::{Choice, LeftOut};
use vane_catalog::Kind as ModelKind;
use vane_dialect::Fault;
use vane_dialect::hosted::{HostedTool, RECORDINGS};
use vane_dialect::quirk::Quirk;
use vane_dialect::usage::Unit;

/// Those that price all they would bill, and the others with the reason.
pub(super) fn split(able: Vec<Choice>, call: &RawCall, now: i64) -> (Vec<Choice>, Vec<LeftOut>) {
    let mut priced = Vec::with_capacity(able.len());
    let mut left_out = Vec::new();
    let mut without = Vec::new();
    for choice in able {
        match unpriced(&choice, call, now) {
            None => priced.push(choice),
            Some(what) => {
                without.extend(without_search(&choice, call, now));
                left_out.push(LeftOut {
                    reason: format!(
                        "it states no price for `{what}`, which is billed by the piece"
                    ),
                    offer: choice.offer,
                });
            }
        }
    }
    if priced.is_empty() && !without.is_empty() {
        let taken = |id| without.iter().any(|choice| choice.offer.facts.id == id);
        left_out.retain(|left| !taken(left.offer.facts.id.clone()));
        priced = without;
    }
    (priced, left_out)
}

/// The same offer asked so that its search stays behind, if the search is all that it would bill
/// without a price: what a client names on purpose is refused rather than left out.
fn without_search(choice: &Choice, call: &RawCall, now: i64) -> Option<Choice> {
    let is_priced = |unit| choice.offer.facts.prices(unit, now);
    let is_search = |tool: &HostedTool| {
        tool.unit == Some(Unit::WebSearch) && tool.name.starts_with("web_search")
    };
    let mut tools = call.hosted.tools.iter();
    if !tools.all(|tool| tool.unit.is_some_and(is_priced) || is_search(tool)) {
        return None;
    }
    let other = translated_way(&choice.offer, call)?;
    unpriced(&other, call, now).is_none().then_some(other)
}

/// What this choice would bill without a price: a hosted tool, or the request itself.
fn unpriced<'c>(choice: &Choice, call: &'c RawCall, now: i64) -> Option<&'c str> {
    let facts = &choice.offer.facts;
    let is_priced = |unit| facts.prices(unit, now);
    // Only its own dialect carries a hosted tool: elsewhere it becomes a note.
    let is_own = choice.dialect == call.dialect();
    let mut tools = call.hosted.tools.iter();
    let carried = |tool: &&HostedTool| is_own || tool.is_carried(choice.dialect);
    let unpriced = |tool: &&HostedTool| carried(tool) && !tool.unit.is_some_and(is_priced);
    if let Some(tool) = tools.find(unpriced) {
        return Some(&tool.name);
    }
    let bills_requests =
        facts.kind == ModelKind::Chat && choice.offer.quirks.has(Quirk::RequestFee);
    (bills_requests && !is_priced(Unit::Request)).then_some("request")
}

/// The fault when no offer of the model prices what is asked for; it names models that do. What is
/// free has every price and may know no such thing: only who says the price is named.
pub(super) fn refusal(
    state: &State,
    model: &str,
    call: &RawCall,
    left_out: &[LeftOut],
    now: i64,
) -> Fault {
    let hosted = left_out.iter().find_map(|left| {
        let priced = |unit| left.offer.facts.prices(unit, now);
        call.hosted.unpriced(priced)
    });
    let what = hosted.map_or("request", |tool| &tool.name);
    let mut priced: Vec<&str> = state
        .offers
        .iter()
        .filter(|offer| {
            way(offer, call).is_some_and(|choice| {
                let is_heard = hosted.is_some_and(|tool| tool.is_carried(choice.dialect));
                let states = |unit| offer.facts.states(unit, now);
                (choice.dialect == call.dialect() || is_heard)
                    && hosted.is_none_or(|tool| tool.unit.is_some_and(states))
                    && unpriced(&choice, call, now).is_none()
            })
        })
        .map(|offer| offer.facts.id.as_ref())
        .collect();
    priced.sort_unstable();
    priced.truncate(NAMED_MAX);
    let which = if priced.is_empty() {
        "no model of the configured providers states one".to_owned()
    } else {
        format!("models that do: {}", quoted(priced.into_iter()))
    };
    let unit = hosted.map_or(Some(Unit::Request), |tool| tool.unit);
    let how = match unit {
        Some(unit) => format!(
            "a model of the configuration states one with `per_use = {{ {} = \"...\" }}`",
            unit.name()
        ),
        None => "what it is billed by is not known here".to_owned(),
    };
    let message = format!(
        "`{what}` is billed by the piece and `{model}` states no price for it; {which}; {how}"
    );
    Fault::unsupported(field(what), message)
}

/// The field of the body that is to blame.
fn field(what: &str) -> &str {
    const FIELDS: [&str; 4] = [
        "web_search_options",
        "search_parameters",
        "enable_search",
        "plugins",
    ];
    let named = FIELDS.iter().find(|field| what.starts_with(**field));
    match named {
        Some(field) => field,
        None if what == "request" => "model",
        None if what == RECORDINGS => "messages",
        None => "tools",
    }
}
