//! The box in which a page lets its reader ask a model, and what stands in the way of that.
//!
//! Invariant: the box is the same for every reader. Where guests may call the model it is a form,
//! which works without a script; else it says what to do first.

use askama::Template;

use super::View;
use super::figures::query_value;
use super::listing::Model;
use super::playground::Offered;
use crate::config::{Config, Entry};
use crate::playground::Mode;

#[derive(Template)]
#[template(path = "try.html")]
pub(crate) struct TryIt {
    model: String,
    mode: Mode,
    /// The same in the playground.
    playground: String,
    gate: Option<Gate>,
}

/// What somebody has to do before they may call.
pub(crate) struct Gate {
    pub(crate) says: String,
    pub(crate) may_sign_up: bool,
    /// Signing in, and from there to the page that was wanted.
    pub(crate) sign_in: String,
}

impl Gate {
    pub(crate) fn of(config: &Config, then: &str) -> Self {
        let how = match config.people.entry {
            Entry::Open => {
                let credit = config.sign_up.as_ref().map(|credit| credit.amount);
                let credit = credit.unwrap_or_default();
                format!("A new account begins with ${credit} of free credit.")
            }
            Entry::Invited => "New accounts come by invitation.".to_owned(),
            Entry::Closed => "Accounts are made by whoever runs this server.".to_owned(),
        };
        let says = format!("Sign in to ask a model here. {how}");
        Self {
            says,
            may_sign_up: config.people.entry == Entry::Open,
            sign_in: format!("/login?to={}", query_value(then)),
        }
    }
}

impl TryIt {
    /// `None` for a model that nobody serves here.
    pub(crate) fn of(view: &View<'_>, model: &Model) -> Option<Self> {
        let offered = Offered::of(view, model)?;
        let mode = offered.first_mode()?;
        Some(Self::new(view, &offered, mode))
    }

    /// What the first page shows: a model that guests can chat with, or have fill in or complete, else one
    /// that answers whoever signed in.
    pub(crate) fn first(view: &View<'_>) -> Option<Self> {
        let offered = view.listing.current();
        let offered: Vec<Offered> = offered
            .filter_map(|model| Offered::of(view, model))
            .collect();
        let find = |is_open: bool| {
            let modes = Mode::BY_USE.into_iter();
            let mut modes = modes.filter(|mode| *mode != Mode::Embeddings);
            modes.find_map(|mode| {
                let mut able = offered.iter().filter(|model| model.is_able(mode));
                let model = able.find(|model| is_open_here(view, model) == is_open)?;
                Some(Self::new(view, model, mode))
            })
        };
        find(true).or_else(|| find(false))
    }

    fn new(view: &View<'_>, offered: &Offered, mode: Mode) -> Self {
        let (name, id) = (mode.name(), query_value(offered.id()));
        let playground = format!("/playground?mode={name}&model={id}");
        let config = &view.state.config;
        Self {
            model: offered.id().to_owned(),
            mode,
            gate: (!is_open_here(view, offered)).then(|| Gate::of(config, &playground)),
            playground,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.gate.is_none()
    }

    /// The same for the twin of a page.
    pub(crate) fn says(&self) -> String {
        let (model, at) = (&self.model, &self.playground);
        match &self.gate {
            None => {
                format!("`{model}` is free here: [try it in the playground]({at}), with no key.")
            }
            Some(gate) => {
                let up = match gate.may_sign_up {
                    true => " [Sign up](/signup).",
                    false => "",
                };
                format!("[Try it in the playground]({at}). {}{up}", gate.says)
            }
        }
    }
}

/// Whether it answers who did not sign in.
fn is_open_here(view: &View<'_>, offered: &Offered) -> bool {
    let config = &view.state.config;
    !config.auth || (config.guest.enabled && offered.is_open())
}
