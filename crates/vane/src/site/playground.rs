//! The playground: a form that asks a model, and what it answered.
//!
//! Invariants: the form works where no script runs; the address holds the model and the mode, and
//! never what was typed. What a model said is text, which the template escapes.

use askama::Template;
use serde_json::Value;
use vane_catalog::Offer;

use crate::playground::{Answered, Filled, Known, Mode, Problem, Tried};
use crate::relay::Guest;

use super::figures::{grouped, query_value};
use super::gallery::{self, Shown};
use super::listing::Model;
use super::query::Query;
use super::try_it::Gate;
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
    /// What has to be done before anything can be asked here.
    first: Option<First>,
    /// Whether who reads this may send the form.
    may_call: bool,
    output_max: String,
}

/// What stands between a reader and a first answer.
enum First {
    /// Nothing answers at all.
    NoModel,
    /// Nothing that answers can do what this mode asks for; what can, and where.
    NoneFits(Vec<(String, String)>),
    /// Nothing is free, or there are no guests.
    SignIn(Gate),
}

struct ModeLink {
    mode: Mode,
    href: String,
    is_current: bool,
}

/// A model to pick: one that answers here.
pub(crate) struct Offered {
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
            model: text("model"),
            beside: text("beside"),
            ..Filled::default()
        };
        Self::asked(view, filled, Mode::of_name(&text("mode")))
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

    fn has_form(&self) -> bool {
        !self.first.as_ref().is_some_and(First::is_empty)
    }

    /// Whether there is a run to keep.
    fn has_runs(&self) -> bool {
        self.answers.iter().any(|answer| answer.run.is_some())
    }

    /// The same for somebody who signed in.
    pub(crate) fn known(self, known: Option<Known>) -> Self {
        let Some(known) = known else { return self };
        let says = match known.may_call {
            true => format!(
                "calls are billed to the account {}, by its key named playground.",
                known.account
            ),
            false => format!(
                "in the account {} you are a {}, who looks and does not call. Ask an owner or admin of it for another role.",
                known.account,
                known.role.as_str()
            ),
        };
        Self {
            visitor: format!("Signed in as {}: {says}", known.email),
            may_call: known.may_call,
            first: self.first.and_then(First::behind_the_door),
            output_max: "the model's own".to_owned(),
            csrf: known.csrf,
            is_operator: known.is_operator,
            ..self
        }
    }

    fn filled(view: &View<'_>, filled: Filled) -> Self {
        let mode = Some(filled.mode);
        Self::asked(view, filled, mode)
    }

    /// With the mode that was asked for; else one that the model, or some model, can do.
    fn asked(view: &View<'_>, mut filled: Filled, mode: Option<Mode>) -> Self {
        let models: Vec<Offered> = view
            .listing
            .current()
            .filter_map(|model| Offered::of(view, model))
            .collect();
        filled.mode = mode.unwrap_or_else(|| likely(&models, &filled.model));
        if filled.model.is_empty() {
            let mut able = models.iter().filter(|model| model.is_able(filled.mode));
            let free = able.clone().find(|model| model.is_open);
            let first = free.or_else(|| able.next());
            filled.model = first.map_or_else(String::new, |model| model.id.clone());
        }
        let first = First::of(view, &models, &filled);
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
            may_call: first.is_none(),
            first,
            output_max: match is_guest {
                true => guest.output_tokens_max.to_string(),
                false => "the model's own".to_owned(),
            },
            models,
            filled,
        }
    }
}

impl First {
    /// For somebody who did not sign in.
    fn of(view: &View<'_>, models: &[Offered], filled: &Filled) -> Option<Self> {
        let config = &view.state.config;
        let has_open = config.guest.enabled && models.iter().any(Offered::is_open);
        if models.is_empty() {
            return Some(Self::NoModel);
        }
        if filled.model.is_empty() {
            let able = |mode: &Mode| models.iter().any(|model| model.is_able(*mode));
            let others = Mode::ALL.into_iter().filter(able);
            let link = |mode: Mode| (address(mode, ""), mode.title().to_owned());
            return Some(Self::NoneFits(others.map(link).collect()));
        }
        let gate = || Gate::of(config, &address(filled.mode, &filled.model));
        (config.auth && !has_open).then(|| Self::SignIn(gate()))
    }

    /// For somebody who signed in: what the door kept shut is open.
    fn behind_the_door(self) -> Option<Self> {
        match self {
            Self::SignIn(_) => None,
            first => Some(first),
        }
    }

    /// Whether there is nothing to fill a form in for.
    fn is_empty(&self) -> bool {
        !matches!(self, Self::SignIn(_))
    }
}

/// A mode that the model can do, or that some model can, a free one before others.
fn likely(models: &[Offered], model: &str) -> Mode {
    if let Some(named) = models.iter().find(|known| known.id == model) {
        return named.first_mode().unwrap_or_default();
    }
    let of = |is_for_guests: bool| {
        let mut all = Mode::BY_USE.into_iter();
        let fits = |model: &Offered| model.is_open || !is_for_guests;
        all.find(|mode| {
            models
                .iter()
                .any(|model| fits(model) && model.is_able(*mode))
        })
    };
    of(true).or_else(|| of(false)).unwrap_or_default()
}

/// What the one who reads this may do, where it can ask something.
fn visitor(view: &View<'_>, models: &[Offered]) -> String {
    let guest = &view.state.config.guest;
    let free = models.iter().filter(|model| model.is_open).count();
    match (view.state.config.auth, guest.enabled, free) {
        (false, ..) => "Keys are off on this server: calls are those of its first account.".into(),
        (true, false, _) => "There are no guests here.".into(),
        (true, true, 0) => "No model here is free, and guests call only what is.".into(),
        (true, true, free) => format!(
            "You are a guest: {} free, {} calls a minute, {} tokens of output each.",
            match free {
                1 => "one model is".to_owned(),
                many => format!("{many} models are"),
            },
            grouped(u64::from(guest.requests_per_minute)),
            grouped(guest.output_tokens_max)
        ),
    }
}

fn address(mode: Mode, model: &str) -> String {
    let name = mode.name();
    match model {
        "" => format!("/playground?mode={name}"),
        model => format!("/playground?mode={name}&model={}", query_value(model)),
    }
}

fn modes(filled: &Filled) -> Vec<ModeLink> {
    let link = |mode: Mode| ModeLink {
        mode,
        href: match filled.mode == mode {
            true => address(mode, &filled.model),
            false => address(mode, ""),
        },
        is_current: mode == filled.mode,
    };
    Mode::ALL.into_iter().map(link).collect()
}

impl Offered {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether guests may call it, where there are guests.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn is_able(&self, mode: Mode) -> bool {
        self.modes.split(' ').any(|known| known == mode.name())
    }

    pub(crate) fn first_mode(&self) -> Option<Mode> {
        Mode::BY_USE.into_iter().find(|mode| self.is_able(*mode))
    }

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
