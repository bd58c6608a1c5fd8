//! Questions that a page about a model answers.
//!
//! Invariant: answers are made of the same facts as the tables, and stand in the page's own words.

use vane_catalog::{Capability, Kind, Offer};

use super::super::View;
use super::super::deep_dive::{DeepDive, Question};
use super::super::figures::grouped;
use super::super::row::{Readiness, Row};

pub(super) fn of(
    view: &View<'_>,
    lead: &Offer,
    row: &Row,
    typical: &str,
    dive: Option<&DeepDive>,
) -> Vec<Question> {
    let name = &row.name;
    let mut asked = vec![
        (format!("What does {name} cost?"), cost(lead, row)),
        (
            "What does a typical request cost?".to_owned(),
            format!(
                "At these prices, {typical}. Vane bills what was used, to the last token, and adds nothing."
            ),
        ),
        (format!("Who makes {name}?"), format!("{}.", row.maker.name)),
        (format!("How do I call {name}?"), call(view, lead, row)),
    ];
    if lead.kind != Kind::Embedding {
        asked.push((
            format!("Does {name} stream?"),
            yes(lead, Capability::Streaming, "Set stream to true."),
        ));
        asked.push((
            format!("Does {name} call tools?"),
            yes(
                lead,
                Capability::Tools,
                "Tools are given as in the OpenAI or Anthropic API; Vane translates.",
            ),
        ));
    }
    if lead.can(Capability::Fim) {
        let how = "Yes: at /v1/fim/completions, or at /v1/completions with a suffix.";
        asked.push((format!("Does {name} fill in the middle?"), how.to_owned()));
    }
    if let Some(window) = lead.context_window {
        let says = format!("{} tokens, prompt and reply together.", grouped(window));
        asked.push((format!("How long is the context of {name}?"), says));
    }
    let asked = asked
        .into_iter()
        .map(|(question, answer)| Question { question, answer });
    let written = dive.map_or(&[][..], |dive| &dive.question);
    asked.chain(written.iter().cloned()).collect()
}

fn cost(lead: &Offer, row: &Row) -> String {
    if lead.free {
        return "Nothing: it is free here.".to_owned();
    }
    let mut says = match row.output.is_empty() {
        true => format!("{} per 1M input tokens", row.input),
        false => format!(
            "{} per 1M input tokens, {} per 1M output tokens",
            row.input, row.output
        ),
    };
    if !row.cached.is_empty() {
        says += &format!(", {} per 1M tokens read from a cache", row.cached);
    }
    says + "."
}

fn call(view: &View<'_>, lead: &Offer, row: &Row) -> String {
    let path = match lead.kind {
        Kind::Embedding => "/v1/embeddings",
        Kind::Completion => "/v1/completions",
        Kind::Chat => "/v1/chat/completions",
    };
    let ready = match &row.ready {
        Readiness::Ready => "It is ready on this server.".to_owned(),
        Readiness::Needs(what) => format!("This server needs {what} before it answers."),
        Readiness::OutOfReach => "No provider of it can be called from this server yet.".to_owned(),
    };
    let url = format!("{}{path}", view.origin);
    format!(
        "Name the model {} in a call to {url}, with a key of this server; the SDKs of OpenAI and Anthropic work with this address. {ready}",
        row.id
    )
}

fn yes(lead: &Offer, capability: Capability, how: &str) -> String {
    match lead.can(capability) {
        true => format!("Yes. {how}"),
        false => "No, as far as the catalogue knows.".to_owned(),
    }
}
