//! What the fake answers, and when.
//!
//! A `Script` is a list of rules; the first rule that matches a request answers it, and a request
//! that matches none gets the sensible default of its dialect. The same types read from JSON, so
//! that a client test in another language scripts the binary through `POST /__script`.

mod answer;

use serde::Deserialize;

pub use answer::{Answer, Part, Recorded, Usage};

use crate::http::Request;

/// Rules in order; the first match answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    pub rules: Vec<Rule>,
}

/// One condition and its answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    pub when: When,
    pub answer: Answer,
    /// Requests that met the path, model and header conditions so far.
    #[serde(skip)]
    seen: u64,
}

/// A condition; every part that is set must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The request path ends with this.
    pub path: Option<String>,
    pub model: Option<String>,
    /// A header name and its exact value.
    pub header: Option<(String, String)>,
    /// Only the n-th request (from 1) that meets the conditions above.
    pub nth: Option<u64>,
    /// Only the first n requests that meet the conditions above.
    pub first: Option<u64>,
}

impl Script {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule after the others.
    #[must_use]
    pub fn on(mut self, when: When, answer: Answer) -> Self {
        self.rules.push(Rule {
            when,
            answer,
            seen: 0,
        });
        self
    }

    /// Every request gets this answer.
    #[must_use]
    pub fn always(answer: Answer) -> Self {
        Self::new().on(When::default(), answer)
    }

    /// The answer for a request, counting it against the rules it reaches.
    pub(crate) fn pick(&mut self, request: &Request, model: &str) -> Option<Answer> {
        self.rules.iter_mut().find_map(|rule| {
            if !rule.when.meets(request, model) {
                return None;
            }
            rule.seen += 1;
            rule.when.counts(rule.seen).then(|| rule.answer.clone())
        })
    }
}

impl When {
    /// Requests whose path ends with `path`.
    #[must_use]
    pub fn path(path: &str) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Requests for `model`.
    #[must_use]
    pub fn model(model: &str) -> Self {
        Self {
            model: Some(model.into()),
            ..Self::default()
        }
    }

    /// Narrows to the n-th such request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Narrows to the first n such requests.
    #[must_use]
    pub fn first(mut self, first: u64) -> Self {
        self.first = Some(first);
        self
    }

    fn meets(&self, request: &Request, model: &str) -> bool {
        self.path
            .as_deref()
            .is_none_or(|path| request.path.ends_with(path))
            && self.model.as_deref().is_none_or(|wanted| wanted == model)
            && self
                .header
                .as_ref()
                .is_none_or(|(name, value)| request.header(name).is_some_and(|sent| sent == value))
    }

    fn counts(&self, seen: u64) -> bool {
        self.nth.is_none_or(|nth| nth == seen) && self.first.is_none_or(|first| seen <= first)
    }
}
