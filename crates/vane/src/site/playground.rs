//! The playground: a form that asks a model, and what it answered.
//!
//! Invariants: the form works where no script runs; the address holds the model and the mode, and
//! never what was typed. What a model said is text, which the template escapes.

use askama::Template;
use serde_json::Value;
use vane_catalog::Offer;

use crate::playground::{Answered, Filled, Known, Mode, Problem, Tried};
use crate::relay::Guest;

use super::figures::query_value;
use super::gallery::{self, Shown};
use super::listing::Model;
use super::query::Query;
use super::{Frame, View, assets};

#[derive(Template)]
#[template(path = "playground.html")]
pub(crate) struct PlaygroundPage {
    frame: Frame,
    script: &'static str,
    style: &'static str,
    origin: String,
    modes: Vec<ModeLink>,
    models: Vec<Offered>,
    filled: Filled,
    turns: Vec<Turn>,
    /// The model waits for the result of a tool that it called.
    awaits_result: bool,
    problem: Option<Problem>,
    answers: Vec<Answered>,
    /// The token of the session, where somebody signed in.
    csrf: String,
    /// Whether runs may be kept as examples.
    is_operator: bool,
    /// The example that is open.
    example: Option<Shown>,
    /// Those of the model.
    examples: Vec<Shown>,
    visitor: String,
    output_max: String,
}

struct ModeLink {
    mode: Mode,
    href: String,
    is_current: bool,
}

/// A model to pick: one that answers here.
struct Offered {
    id: String,
    says: String,
    /// Guests may call it.
    is_open: bool,
    /// What it can do, by the names of modes.
    modes: String,
    providers: String,
    /// What a token of its output costs, for what a running stream has cost so far.
    pico: i64,
}

/// What was said before.
struct Turn {
    role: String,
    text: String,
}

impl PlaygroundPage {
    pub(crate) fn of(view: &View<'_>, query: &str) -> Self {
        let query = Query::read(query);
        let text = |name| query.text(name).unwrap_or_default().to_owned();
        let example = text("example");
        let known = view.examples.iter().find(|one| one.id == example);
        if let Some(example) = known {
            return Self {
                example: Some(Shown::of(example)),
                ..Self::filled(view, gallery::filled(example))
            };
        }
        let filled = Filled {
            mode: Mode::of_name(&text("mode")).unwrap_or_default(),
            model: text("model"),
            beside: text("beside"),
            ..Filled::default()
        };
        Self::filled(view, filled)
    }

    /// With what came of its form.
    pub(crate) fn tried(view: &View<'_>, tried: Tried) -> Self {
        let mut filled = tried.filled;
        let mut turns = turns_of(&filled.turns);
        let goes_on = match tried.answers.as_slice() {
            [only] if !only.turns.is_empty() => Some(only),
            _ => None,
        };
        let mut awaits_result = false;
        if let Some(only) = goes_on {
            // The answer itself is shown with its receipt.
            turns = turns_of(&only.turns);
            turns.pop();
            filled.turns.clone_from(&only.turns);
            awaits_result = !only.calls.is_empty();
        }
        Self {
            turns,
            awaits_result,
            problem: tried.problem,
            answers: tried.answers,
            ..Self::filled(view, filled)
        }
    }

    /// Whether there is a run to keep.
    fn has_runs(&self) -> bool {
        self.answers.iter().any(|answer| answer.run.is_some())
    }

    /// The same for somebody who signed in.
    pub(crate) fn known(self, known: Option<Known>) -> Self {
        let Some(known) = known else { return self };
        Self {
            visitor: format!(
                "Signed in as {}: calls are billed to the account {}, by its key named playground.",
                known.email, known.account
            ),
            output_max: "the model's own".to_owned(),
            csrf: known.csrf,
            is_operator: known.is_operator,
            ..self
        }
    }

    fn filled(view: &View<'_>, mut filled: Filled) -> Self {
        let models: Vec<Offered> = view
            .listing
            .current()
            .filter_map(|model| Offered::of(view, model))
            .collect();
        if filled.model.is_empty() {
            let fits = |model: &&Offered| model.modes.split(' ').any(|m| m == filled.mode.name());
            let mut able = models.iter().filter(fits);
            let free = able.clone().find(|model| model.is_open);
            let first = free.or_else(|| able.next());
            filled.model = first.map_or_else(String::new, |model| model.id.clone());
        }
        let about = "Ask the models of this server: chat, completion, fill-in-the-middle and embeddings, with the cost of each answer line by line.";
        let guest = &view.state.config.guest;
        let is_guest = view.state.config.auth;
        Self {
            frame: Frame::new(view, "/playground", "Playground", about),
            script: &assets::playground().name,
            style: &assets::playground_style().name,
            origin: view.origin.clone(),
            modes: modes(&filled),
            turns: turns_of(&filled.turns),
            awaits_result: false,
            problem: None,
            answers: Vec::new(),
            csrf: String::new(),
            is_operator: false,
            example: None,
            examples: gallery::of_model(view.examples, &filled.model),
            visitor: visitor(view, &models),
            output_max: match is_guest {
                true => guest.output_tokens_max.to_string(),
                false => "the model's own".to_owned(),
            },
            models,
            filled,
        }
    }
}

/// What the one who reads this may do.
fn visitor(view: &View<'_>, models: &[Offered]) -> String {
    let config = &view.state.config;
    let guest = &config.guest;
    let free = models.iter().filter(|model| model.is_open).count();
    match (config.auth, guest.enabled, free) {
        (false, ..) => "Keys are off on this server: calls are those of its first account.".into(),
        (true, false, _) => "There are no guests here: call with a key, at /v1.".into(),
        (true, true, 0) => {
            "The operator made no model free, and guests call nothing else: call with a key, at /v1.".into()
        }
        (true, true, free) => format!(
            "You are a guest: {} free, {} calls a minute, {} tokens of output each.",
            match free {
                1 => "one model is".to_owned(),
                many => format!("{many} models are"),
            },
            guest.requests_per_minute,
            guest.output_tokens_max
        ),
    }
}

fn modes(filled: &Filled) -> Vec<ModeLink> {
    let link = |mode: Mode| {
        let mut href = format!("/playground?mode={}", mode.name());
        if !filled.model.is_empty() && filled.mode == mode {
            href += &format!("&model={}", query_value(&filled.model));
        }
        ModeLink {
            mode,
            href,
            is_current: mode == filled.mode,
        }
    };
    Mode::ALL.into_iter().map(link).collect()
}

impl Offered {
    /// `None` for a model that nobody serves here.
    pub(crate) fn of(view: &View<'_>, model: &Model) -> Option<Self> {
        let offers = &view.state.offers;
        let mut served: Vec<&Offer> = model
            .current()
            .filter(|offer| offers.get(&offer.id).is_some())
            .map(AsRef::as_ref)
            .collect();
        served.sort_by_key(|offer| (!Guest::may_call(offer), !offer.free));
        let first = *served.first()?;
        let rates = &first.rates_at(view.now).ok()?.rates;
        let modes = Mode::ALL
            .iter()
            .filter(|mode| served.iter().any(|offer| mode.fits(offer)));
        let modes: Vec<&str> = modes.map(|mode| mode.name()).collect();
        let providers: Vec<&str> = served.iter().map(|offer| offer.provider.as_ref()).collect();
        let says = match first.free {
            true => "free".to_owned(),
            false => format!(
                "{} in, {} out per 1M",
                rates.input.display_price(),
                rates.output.display_price()
            ),
        };
        Some(Self {
            id: model.id.clone(),
            says,
            is_open: Guest::may_call(first),
            modes: modes.join(" "),
            providers: providers.join(" "),
            pico: rates.output.pico_per_token(),
        })
    }
}

/// Where a model can be tried; `None` for one that nobody serves here.
pub(crate) fn link(view: &View<'_>, model: &Model) -> Option<String> {
    let offered = Offered::of(view, model)?;
    let mode = offered.modes.split(' ').next()?;
    let id = query_value(&offered.id);
    Some(format!("/playground?mode={mode}&model={id}"))
}

/// A model that guests can chat with or have complete, and how.
pub(crate) fn for_guests(view: &View<'_>) -> Option<(String, Mode)> {
    let config = &view.state.config;
    if config.auth && !config.guest.enabled {
        return None;
    }
    let offered = view
        .listing
        .current()
        .filter_map(|model| Offered::of(view, model));
    let free: Vec<Offered> = offered.filter(|model| model.is_open).collect();
    [Mode::Chat, Mode::Completion].into_iter().find_map(|mode| {
        let mut able = free.iter();
        let model = able.find(|model| model.modes.split(' ').any(|m| m == mode.name()))?;
        Some((model.id.clone(), mode))
    })
}

/// Whether something answers here and all of that is free.
pub(crate) fn is_all_free(view: &View<'_>) -> bool {
    let mut offers = view.state.offers.iter().peekable();
    offers.peek().is_some() && offers.all(|offer| offer.facts.free)
}

fn turns_of(turns: &str) -> Vec<Turn> {
    let turns: Vec<Value> = serde_json::from_str(turns).unwrap_or_default();
    let turn = |turn: &Value| {
        let calls = turn["tool_calls"].as_array().into_iter().flatten();
        let calls = calls.map(|call| {
            let call = &call["function"];
            let (name, said) = (&call["name"], &call["arguments"]);
            format!(
                "{}({})",
                name.as_str().unwrap_or_default(),
                said.as_str().unwrap_or_default()
            )
        });
        let said = turn["content"].as_str().map(str::to_owned);
        let text = said
            .filter(|text| !text.is_empty())
            .into_iter()
            .chain(calls);
        Turn {
            role: turn["role"].as_str().unwrap_or_default().to_owned(),
            text: text.collect::<Vec<_>>().join("\n"),
        }
    };
    turns.iter().map(turn).collect()
}
