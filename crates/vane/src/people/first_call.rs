//! A first call to paste, of a model that answers here, at the door that fits it.
//!
//! Invariant: what is shown to be pasted is answered; where nothing answers, nothing is shown.

use vane_catalog::Status;

use crate::gateway::State;
use crate::playground::Mode;

/// Small models, for a first word.
const FIRST: [&str; 3] = ["mistral-small-latest", "gpt-5-mini", "claude-haiku-4-5"];

/// `None` while no model answers here.
pub(super) fn to_paste(key: &str, state: &State) -> Option<String> {
    let (mode, model) = first_model(state)?;
    let (path, question) = match mode {
        Mode::Chat => (
            "/v1/chat/completions",
            r#""messages":[{"role":"user","content":"Hi"}]"#,
        ),
        Mode::Fim => (
            "/v1/fim/completions",
            r#""prompt":"def add(a, b):\n    return ","suffix":"\n\nprint(add(1, 2))","max_tokens":32"#,
        ),
        Mode::Completion => (
            "/v1/completions",
            r#""prompt":"Once upon a time","max_tokens":32"#,
        ),
        Mode::Embeddings => ("/v1/embeddings", r#""input":"Hi""#),
    };
    let origin = state.config.origin();
    Some(format!(
        "curl {origin}{path} \\\n  -H \"Authorization: Bearer {key}\" \\\n  \
         -H \"Content-Type: application/json\" \\\n  -d '{{\"model\":\"{model}\",{question}}}'"
    ))
}

/// A model of a provider that is on, and what to ask of it: a conversation where one chats.
fn first_model(state: &State) -> Option<(Mode, String)> {
    let order = [Mode::Chat, Mode::Fim, Mode::Completion, Mode::Embeddings];
    order.into_iter().find_map(|mode| {
        let able = state.offers.iter().map(|offer| &offer.facts);
        let able = able.filter(|facts| facts.status == Status::Active && mode.fits(facts));
        let first = able.min_by_key(|facts| {
            let known = FIRST.iter().position(|id| *id == &*facts.model);
            (
                known.unwrap_or(FIRST.len()),
                !facts.own,
                facts.model.clone(),
            )
        });
        first.map(|facts| (mode, facts.model.to_string()))
    })
}
