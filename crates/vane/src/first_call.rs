//! A first call to paste, of a model that answers here, at the door that fits it. The greeting of a
//! start, the steps of setting up and the console show the same one.
//!
//! Invariant: what is shown to be pasted is answered; where nothing answers, nothing is shown.

use serde_json::Value;
use vane_catalog::{Offer, Status};

use crate::gateway::State;
use crate::local::TINY;
use crate::playground::Mode;

/// Small models, for a first word.
const KNOWN: [&str; 3] = ["mistral-small-latest", "gpt-5-mini", "claude-haiku-4-5"];
/// Made for gaps.
const FILLS: [&str; 1] = ["codestral-latest"];

pub(crate) struct FirstCall {
    mode: Mode,
    model: String,
}

/// What is before a gap to try and what is after it, as JSON has them between its quotes.
pub(crate) struct Gap {
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
}

impl FirstCall {
    /// Of a model of a provider that is on, `None` while there is none. It prefers one that chats,
    /// then one that fills in, completes, and embeds, in this order. Of several it prefers a small
    /// one that is known here, then one that the operator added, then the first by its id;
    /// `vane-tiny`, which knows one language only, comes last.
    pub(crate) fn of(state: &State) -> Option<Self> {
        Mode::BY_USE.into_iter().find_map(|mode| {
            let able = state.offers.iter().map(|offer| &*offer.facts);
            let able = able.filter(|facts| facts.status == Status::Active && mode.fits(facts));
            let first = able.min_by_key(|facts| place(facts))?;
            let model = first.model.to_string();
            Some(Self { mode, model })
        })
    }

    pub(crate) fn chats(&self) -> bool {
        self.mode == Mode::Chat
    }

    /// Whether it asks the model that is part of the program.
    pub(crate) fn is_of_tiny(&self) -> bool {
        self.model == TINY
    }

    /// The model as a word of a shell.
    pub(crate) fn model_in_shell(&self) -> String {
        format!("'{}'", quoted(&self.model))
    }

    /// For a shell. The key may be a variable of it.
    pub(crate) fn curl(&self, origin: &str, key: &str) -> String {
        let (path, question) = match self.mode {
            Mode::Chat => (
                "/v1/chat/completions",
                r#""messages":[{"role":"user","content":"Hi"}]"#.to_owned(),
            ),
            Mode::Fim => {
                let Gap { before, after } = Gap::of(&self.model);
                let question = format!(r#""prompt":"{before}","suffix":"{after}","max_tokens":32"#);
                ("/v1/fim/completions", question)
            }
            Mode::Completion => (
                "/v1/completions",
                r#""prompt":"Once upon a time","max_tokens":32"#.to_owned(),
            ),
            Mode::Embeddings => ("/v1/embeddings", r#""input":"Hi""#.to_owned()),
        };
        let model = Value::from(self.model.as_str()).to_string();
        let model = quoted(&model);
        format!(
            "curl {origin}{path} \\\n  -H \"Authorization: Bearer {key}\" \\\n  \
             -H \"Content-Type: application/json\" \\\n  -d '{{\"model\":{model},{question}}}'"
        )
    }
}

impl Gap {
    /// In the language that the model knows best. Nothing in it ends a shell's single quotes.
    pub(crate) fn of(model: &str) -> Self {
        match model {
            TINY => Self {
                before: r#"syntax = \"proto3\";\n\nmessage ListBooksRequest {\n  int32 page_size = 1;\n  string page_"#,
                after: r" = 2;\n}\n",
            },
            _ => Self {
                before: r"def add(a, b):\n    return ",
                after: r"\n\nprint(add(1, 2))",
            },
        }
    }
}

/// With this server's own address; `None` where nothing answers.
pub(crate) fn to_paste(key: &str, state: &State) -> Option<String> {
    let first = FirstCall::of(state)?;
    Some(first.curl(&state.config.origin(), key))
}

/// Of models that chat, the one to ask where none is named.
pub(crate) fn to_chat<'m>(able: impl Iterator<Item = &'m str>) -> Option<&'m str> {
    able.min_by_key(|id| (rank(&KNOWN, id), *id))
}

/// Of models that fill in, the one to ask where none is named.
pub(crate) fn to_fill<'m>(able: impl Iterator<Item = &'m str>) -> Option<&'m str> {
    able.min_by_key(|id| (rank(&FILLS, id), *id))
}

/// Smaller is preferred.
fn place(facts: &Offer) -> ((usize, bool), bool, &str) {
    (rank(&KNOWN, &facts.model), !facts.own, &facts.model)
}

/// Where a model stands among those that are known, if it does, and whether it is `vane-tiny`.
fn rank(known: &[&str], model: &str) -> (usize, bool) {
    let place = known.iter().position(|id| *id == model);
    (place.unwrap_or(known.len()), model == TINY)
}

/// Between single quotes of a shell.
pub(crate) fn quoted(text: &str) -> String {
    text.replace('\'', r"'\''")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment, Model};

    /// With what these variables switch on, and models that the operator adds there.
    fn chosen(variable: &str, added: &[(&str, &str)]) -> Option<(&'static str, String)> {
        let secret = "0123456789abcdef".repeat(4);
        let variables = [(variable, "k"), ("VANE_SECRET", secret.as_str())];
        let mut config = Config::load(None, &Environment::from_iter(variables))
            .unwrap()
            .0;
        let models = added.iter().map(|(id, like)| Model {
            id: (*id).to_owned(),
            like: Some((*like).to_owned()),
            ..Model::default()
        });
        config.providers[0].models.extend(models);
        let first = FirstCall::of(&State::new(config).unwrap())?;
        Some((first.mode.name(), first.model))
    }

    #[test]
    fn a_known_model_is_chosen_where_its_provider_is_on() {
        let variables = ["MISTRAL_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"];
        for (variable, model) in variables.into_iter().zip(KNOWN) {
            let chosen = chosen(variable, &[("a-mine", model)]);
            assert_eq!(chosen, Some(("chat", model.to_owned())));
        }
    }

    #[test]
    fn an_added_model_is_chosen_before_others_and_chat_before_all() {
        let added = [("z-fills", "mercury-edit-2"), ("z-chats", "mercury-2")];
        let all = chosen("GROQ_API_KEY", &added);
        assert_eq!(all, Some(("chat", "z-chats".to_owned())));
    }

    #[cfg(feature = "tiny")]
    #[test]
    fn the_programs_own_model_is_chosen_where_nothing_else_fills_in() {
        let tiny = Some(("fim", TINY.to_owned()));
        assert_eq!(chosen("NO_API_KEY", &[]), tiny);
        let other = [("z-fills", "mercury-edit-2")];
        let other = chosen("NO_API_KEY", &other);
        assert_eq!(other, Some(("fim", "z-fills".to_owned())));
    }

    #[test]
    fn what_is_asked_by_default_is_known_or_first_and_vane_tiny_only_alone() {
        for (able, chats, fills) in [
            (
                &["a", "gpt-5-mini", "codestral-latest"][..],
                "gpt-5-mini",
                "codestral-latest",
            ),
            (&["z", TINY, "w"], "w", "w"),
            (&[TINY], TINY, TINY),
        ] {
            let able = || able.iter().copied();
            assert_eq!(to_chat(able()), Some(chats));
            assert_eq!(to_fill(able()), Some(fills));
        }
        assert_eq!(to_fill(std::iter::empty()), None);
    }

    #[test]
    fn s15_a_model_stays_between_the_quotes_of_the_shell() {
        let first = FirstCall {
            mode: Mode::Chat,
            model: "a'$(id)'\"b".to_owned(),
        };
        let said = first.curl("http://localhost", "$KEY");
        let model = r#"{"model":"a'\''$(id)'\''\"b","messages":"#;
        assert!(said.contains(model), "{said}");
    }

    #[test]
    fn every_gap_is_json_between_single_quotes() {
        for model in [TINY, "another"] {
            let Gap { before, after } = Gap::of(model);
            let read = format!(r#"["{before}","{after}"]"#);
            assert_eq!(quoted(&read), read);
            let read: Vec<String> = serde_json::from_str(&read).unwrap();
            assert!(read.iter().all(|text| text.contains('\n')), "{read:?}");
        }
    }
}
