//! The page of one model: what it is, what it costs, how to call it, and all that is known of it.
//!
//! Invariant: the page and its Markdown twin are written from this one struct, so that no fact
//! stands in one alone.

mod guides;
mod questions;
mod snippets;
mod specification;

pub(crate) use snippets::{Snippet, chat_completion, fill_in_the_middle, messages};

use std::sync::Arc;

use askama::Template;
use vane_catalog::{Capability, Kind, Offer, Rates, Status};

use super::deep_dive::{self, Conflict, DeepDive, Question, Statement};
use super::figures::{grouped, price, short};
use super::gallery::{self, Shown};
use super::history::History;
use super::listing::Model;
use super::measured::{Latency, Over, longest};
use super::prices::PriceList;
use super::row::{Named, Readiness, Row, status};
use super::try_it::TryIt;
use super::workload::{TYPICAL, shown};
use super::{Frame, View};
use crate::upstream::Measured;
use guides::Guide;

/// How many models of the same maker are shown.
const RELATED_MAX: usize = 8;
/// Of how many offers it is drawn how soon they answer: those that were asked most.
const LATENCIES_MAX: usize = 4;

#[derive(Template)]
#[template(path = "model.html")]
pub(crate) struct ModelPage {
    pub(crate) frame: Frame,
    pub(crate) row: Row,
    pub(crate) answer: String,
    pub(crate) brief: Vec<String>,
    pub(crate) badges: Vec<String>,
    pub(crate) as_of: Option<String>,
    /// Nothing of what the operator alone has set.
    pub(crate) updated: Option<String>,
    pub(crate) farewell: Option<Farewell>,
    pub(crate) specification: Vec<(&'static str, String)>,
    pub(crate) snippets: Vec<Snippet>,
    pub(crate) offers: Vec<OfferLine>,
    pub(crate) lists: Vec<PriceList>,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) histories: Vec<History>,
    pub(crate) dive: Option<&'static DeepDive>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) questions: Vec<Question>,
    pub(crate) guides: Vec<Guide>,
    pub(crate) related: Vec<Row>,
    pub(crate) examples: Vec<Shown>,
    /// Nothing where nobody serves it.
    pub(crate) try_it: Option<TryIt>,
    pub(crate) typical: String,
}

/// The same page as Markdown.
#[derive(Template)]
#[template(path = "model.markdown", whitespace = "preserve")]
pub(crate) struct ModelTwin<'p> {
    pub(crate) page: &'p ModelPage,
}

/// A model that is going: why, and what to use instead.
pub(crate) struct Farewell {
    pub(crate) says: String,
    pub(crate) replacement: Option<Row>,
}

/// One offer among those of a model.
pub(crate) struct OfferLine {
    pub(crate) id: String,
    pub(crate) provider: Named,
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) context: String,
    pub(crate) max_output: String,
    pub(crate) status: &'static str,
    pub(crate) ready: Readiness,
    /// Over the longest span.
    pub(crate) measured: Option<Measured>,
    /// Over all; none where nobody asked.
    pub(crate) spans: Vec<Over>,
}

impl ModelPage {
    fn has_traffic(&self) -> bool {
        self.offers.iter().any(|offer| !offer.spans.is_empty())
    }

    pub(crate) fn twin(&self) -> ModelTwin<'_> {
        ModelTwin { page: self }
    }

    /// `None` for a model without a price at this instant, which no catalogue has.
    pub(crate) fn of(view: &View<'_>, model: &Model) -> Option<Self> {
        let row = Row::of(view, model)?;
        let lead = model.lead()?;
        let card = lead.rates_at(view.now).ok()?;
        let dive = deep_dive::about(&model.id);
        let lists: Vec<PriceList> = model
            .current()
            .filter_map(|offer| PriceList::of(view, offer))
            .collect();
        let typical = typical(view, lead);
        let answer = answer(&row, lead, dive, &card.rates, &typical);
        let as_of = lists.first().and_then(|list| list.as_of.clone());
        let listed = model.offers.iter().filter(|offer| !offer.own);
        let updated = listed.map(|offer| offer.source_date).max();
        let updated = updated.map(|day| day.to_string());
        let histories = model.current().enumerate();
        let histories = histories.filter_map(|(at, offer)| History::of(view, offer, at));
        let questions = questions::of(view, lead, &row, &typical, dive);
        Some(Self {
            frame: frame(view, &row, &answer),
            brief: brief(&row, lead, &card.rates),
            badges: badges(lead),
            as_of,
            updated,
            farewell: Farewell::of(view, lead),
            specification: specification::of(lead, model, &row),
            snippets: snippets::of(&view.origin, lead, &model.id),
            offers: model
                .current()
                .filter_map(|offer| OfferLine::of(view, offer))
                .collect(),
            lists,
            latencies: latencies(view, model),
            histories: histories.collect(),
            conflicts: conflicts(lead, dive),
            dive,
            questions,
            guides: guides::of(&view.origin, lead, &model.id),
            related: related(view, lead, &model.id),
            examples: gallery::of_model(view.examples, &model.id),
            try_it: TryIt::of(view, model),
            answer,
            typical,
            row,
        })
    }
}

fn latencies(view: &View<'_>, model: &Model) -> Vec<Latency> {
    let mut offers: Vec<(&Arc<Offer>, u64)> = model
        .current()
        .filter_map(|offer| Some((offer, longest(&view.measured(&offer.id))?.asked)))
        .collect();
    offers.sort_by_key(|(_, asked)| std::cmp::Reverse(*asked));
    let most = offers.into_iter().take(LATENCIES_MAX).enumerate();
    let drawn = most.filter_map(|(place, (offer, _))| {
        let provider = Named::provider(view, &offer.provider);
        Latency::of(view, offer, &provider.name, place)
    });
    drawn.collect()
}

/// Search engines cut what is longer.
const TITLE_MAX: usize = 70;

fn frame(view: &View<'_>, row: &Row, answer: &str) -> Frame {
    let whole = format!("{} ({}): price, context, API", row.name, row.id);
    let title = match whole.chars().count() {
        ..=TITLE_MAX => whole,
        _ => format!("{}: price, context, API", row.name),
    };
    Frame::new(view, &row.href, &title, answer).with_twin(format!("{}.md", row.href))
}

/// What a request of usual size costs, as a sentence without its first capital.
fn typical(view: &View<'_>, lead: &Offer) -> String {
    let (workload, request) = match lead.kind {
        Kind::Embedding => (
            super::workload::Workload {
                output: 0,
                ..TYPICAL
            },
            "a 1,000-token input costs".to_owned(),
        ),
        Kind::Chat | Kind::Completion => (
            TYPICAL,
            format!(
                "a {}-token prompt with a {}-token reply costs",
                grouped(TYPICAL.input),
                grouped(TYPICAL.output)
            ),
        ),
    };
    match workload.one(lead, view.now) {
        _ if lead.free => format!("{request} nothing"),
        Some(cost) => match shown(cost) {
            less if less.starts_with("less") => format!("{request} {less}"),
            cost => format!("{request} about {cost}"),
        },
        None => format!("{request} more than can be shown"),
    }
}

/// What it is and what it costs, in two sentences.
fn answer(
    row: &Row,
    lead: &Offer,
    dive: Option<&DeepDive>,
    rates: &Rates,
    typical: &str,
) -> String {
    let name = &row.name;
    let is = match dive {
        Some(dive) => dive.is.clone(),
        None => nature(lead, &row.maker.name),
    };
    let provider = row
        .providers
        .first()
        .map_or("", |named| named.name.as_str());
    let costs = match (lead.free, row.output.is_empty()) {
        (true, _) => format!("It is free at {provider}"),
        (false, true) => format!("It costs {} per 1M input tokens at {provider}", row.input),
        (false, false) => format!(
            "It costs {} per 1M input tokens and {} per 1M output tokens at {provider}",
            rates.input.display_price(),
            rates.output.display_price()
        ),
    };
    format!("{name} is {is}. {costs}: {typical}.")
}

/// What kind of model it is, for those that nobody wrote about.
fn nature(lead: &Offer, maker: &str) -> String {
    let (noun, besides) = match lead.kind {
        Kind::Embedding => ("an embedding model", ""),
        Kind::Completion => ("a completion model", ""),
        Kind::Chat if lead.can(Capability::Fim) => {
            ("a model for code", " that also fills in the middle")
        }
        Kind::Chat if lead.can(Capability::Reasoning) => ("a reasoning model", images(lead)),
        Kind::Chat => ("a chat model", images(lead)),
    };
    format!("{noun} by {maker}{besides}")
}

fn images(lead: &Offer) -> &'static str {
    match lead.can(Capability::Vision) {
        true => " that also reads images",
        false => "",
    }
}

/// The short of it.
fn brief(row: &Row, lead: &Offer, rates: &Rates) -> Vec<String> {
    let mut brief = Vec::new();
    let mut costs = match row.output.is_empty() {
        _ if lead.free => "Free".to_owned(),
        true => format!("{} in per 1M tokens", row.input),
        false => format!("{} in, {} out per 1M tokens", row.input, row.output),
    };
    if let Some(rate) = rates.cache_read.filter(|_| !lead.free) {
        costs += &format!("; {} read from a cache", price(lead, rate));
    }
    brief.push(costs + ".");
    let output = lead
        .max_output
        .map(|most| format!("at most {} come out", grouped(most)));
    let context = lead
        .context_window
        .map(|window| format!("{} tokens of context", grouped(window)));
    let size: Vec<String> = context.into_iter().chain(output).collect();
    if !size.is_empty() {
        brief.push(size.join("; ") + ".");
    }
    if !row.can.is_empty() {
        brief.push(format!("Can do: {}.", row.can.join(", ")));
    }
    let count = match row.providers.len() {
        1 => "one provider".to_owned(),
        many => format!("{many} providers"),
    };
    brief.push(format!(
        "Listed at {count}; on this server: {}.",
        row.ready.says()
    ));
    brief
}

fn badges(lead: &Offer) -> Vec<String> {
    let mut badges = vec![specification::category(lead).to_owned()];
    let able = super::row::abilities(lead).into_iter();
    let others = able.filter(|can| !can.eq_ignore_ascii_case(specification::category(lead)));
    badges.extend(others.map(str::to_owned));
    if lead.open_weights == Some(true) {
        badges.push("open weights".to_owned());
    }
    badges.extend(
        lead.context_window
            .map(|window| format!("{} context", short(window))),
    );
    badges
}

impl Farewell {
    fn of(view: &View<'_>, lead: &Offer) -> Option<Self> {
        let today = vane_catalog::Date::of(view.now);
        let says = match (lead.status, lead.retires) {
            (_, Some(day)) if day > today => format!("{} is to be retired on {day}.", lead.name),
            (Status::Deprecated, Some(day)) => {
                format!(
                    "{} was to be retired on {day}: it may stop answering.",
                    lead.name
                )
            }
            (Status::Deprecated, None) => {
                format!(
                    "{} is deprecated by its maker: it may stop answering.",
                    lead.name
                )
            }
            (_, Some(day)) => format!("{} was announced to retire on {day}.", lead.name),
            (_, None) => return None,
        };
        let named = lead.replacement.as_deref();
        let replacement = named.and_then(|id| view.listing.find(&view.state.catalog, id));
        Some(Self {
            says,
            replacement: replacement.and_then(|model| Row::of(view, model)),
        })
    }
}

impl OfferLine {
    pub(crate) fn of(view: &View<'_>, offer: &Offer) -> Option<Self> {
        let rates = &offer.rates_at(view.now).ok()?.rates;
        let spans = view.measured(&offer.id);
        Some(Self {
            id: offer.id.to_string(),
            provider: Named::provider(view, &offer.provider),
            input: price(offer, rates.input),
            output: match offer.kind {
                Kind::Embedding => String::new(),
                Kind::Chat | Kind::Completion => price(offer, rates.output),
            },
            context: offer.context_window.map_or_else(String::new, short),
            max_output: offer.max_output.map_or_else(String::new, short),
            status: status(offer),
            ready: Readiness::of_offer(view, offer),
            measured: longest(&spans),
            spans,
        })
    }
}

/// What sources state differently: as the catalogue keeps it, and as somebody wrote it down.
fn conflicts(lead: &Offer, dive: Option<&DeepDive>) -> Vec<Conflict> {
    let mut conflicts: Vec<Conflict> = dive.map_or_else(Vec::new, |dive| dive.conflict.clone());
    let mut add = |fact: &str, here: String, there: String, source: String| {
        let here = Statement {
            value: here,
            source: format!("shown here: {} ({})", lead.source, lead.source_date),
        };
        let there = Statement {
            value: there,
            source,
        };
        match conflicts.iter_mut().find(|known| known.fact == fact) {
            Some(known) => known.says.splice(0..0, [here, there]).for_each(drop),
            None => conflicts.push(Conflict {
                fact: fact.to_owned(),
                says: vec![here, there],
            }),
        }
    };
    let present = lead
        .cards
        .iter()
        .find(|card| card.effective_from == lead.present_from);
    if let (Some(other), Some(card)) = (&lead.upstream_prices, present) {
        let said = |input: vane_catalog::Rate, output: vane_catalog::Rate| {
            format!(
                "{} in, {} out",
                input.display_price(),
                output.display_price()
            )
        };
        let source = format!("{} ({})", other.source, other.source_date);
        let here = said(card.rates.input, card.rates.output);
        add(
            "Price per 1M tokens",
            here,
            said(other.input, other.output),
            source,
        );
    }
    if let Some(other) = &lead.upstream_limits {
        let source = format!("{} ({})", other.source, other.source_date);
        let pairs = [
            ("Context window", lead.context_window, other.context_window),
            ("Max output", lead.max_output, other.max_output),
        ];
        for (fact, here, there) in pairs {
            if let (Some(here), Some(there)) = (here, there) {
                let said = |tokens| format!("{} tokens", grouped(tokens));
                add(fact, said(here), said(there), source.clone());
            }
        }
    }
    conflicts
}

/// Other models of the maker: those of its family first, then the newest.
fn related(view: &View<'_>, lead: &Offer, id: &str) -> Vec<Row> {
    let others = view.listing.current().filter(|model| model.id != id);
    let mut others: Vec<(&Model, &Offer)> = others
        .filter_map(|model| Some((model, model.lead()?)))
        .filter(|(_, other)| other.maker == lead.maker)
        .collect();
    others.sort_by_key(|(model, other)| {
        let released = std::cmp::Reverse(other.released.as_deref().unwrap_or_default());
        (
            other.kind != lead.kind,
            other.family != lead.family,
            released,
            &model.id,
        )
    });
    let rows = others
        .into_iter()
        .filter_map(|(model, _)| Row::of(view, model));
    rows.take(RELATED_MAX).collect()
}
