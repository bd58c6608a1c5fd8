//! The specification of a model, field by field.
//!
//! Invariant: what the catalogue does not know is said to be unknown, never left to be guessed.

use vane_catalog::{Capability, Kind, Modality, Offer};

use crate::site::figures::grouped;
use crate::site::listing::Model;
use crate::site::row::Row;

const UNKNOWN: &str = "not stated";

pub(super) fn of(lead: &Offer, model: &Model, row: &Row) -> Vec<(&'static str, String)> {
    let tokens = |count: Option<u64>| match count {
        Some(count) => format!("{} tokens", grouped(count)),
        None => UNKNOWN.to_owned(),
    };
    let text = |text: &Option<vane_catalog::Text>| match text {
        Some(text) => text.to_string(),
        None => UNKNOWN.to_owned(),
    };
    let mut rows = vec![("Model id", model.id.clone())];
    if !lead.aliases.is_empty() {
        rows.push(("Also called", lead.aliases.join(", ")));
    }
    rows.push(("Developer", row.maker.name.clone()));
    rows.push(("Family", lead.family.to_string()));
    rows.push(("Category", category(lead).to_owned()));
    rows.push(("Context window", tokens(lead.context_window)));
    if lead.max_input.is_some() {
        rows.push(("Max input", tokens(lead.max_input)));
    }
    if lead.kind != Kind::Embedding {
        rows.push(("Max output", tokens(lead.max_output)));
    }
    rows.push(("Takes", modalities(&lead.inputs)));
    rows.push(("Gives", modalities(&lead.outputs)));
    rows.push(("Capabilities", row.can.join(", ")));
    rows.push(("Released", text(&lead.released)));
    rows.push(("Knowledge up to", text(&lead.knowledge_cutoff)));
    rows.push((
        "Weights",
        match lead.open_weights {
            Some(true) => "open".to_owned(),
            Some(false) => "closed".to_owned(),
            None => UNKNOWN.to_owned(),
        },
    ));
    rows.push(("Status", row.status.to_owned()));
    rows.push(("Tags", tags(lead).join(", ")));
    rows
}

pub(super) fn category(lead: &Offer) -> &'static str {
    match lead.kind {
        Kind::Embedding => "Embeddings",
        Kind::Completion => "Completion",
        Kind::Chat if lead.can(Capability::Fim) => "Code",
        Kind::Chat if lead.can(Capability::Reasoning) => "Reasoning",
        Kind::Chat => "Chat",
    }
}

fn modalities(kinds: &[Modality]) -> String {
    let word = |kind: &Modality| match kind {
        Modality::Text => "text",
        Modality::Image => "images",
        Modality::Pdf => "PDF",
        Modality::Audio => "audio",
        Modality::Video => "video",
        Modality::Embedding => "embeddings",
    };
    kinds.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn tags(lead: &Offer) -> Vec<String> {
    let mut tags = vec![lead.maker.to_string(), lead.family.to_string()];
    let able = lead.capabilities.iter();
    tags.extend(able.map(|capability| capability.name().replace('_', "-")));
    if lead.open_weights == Some(true) {
        tags.push("open-weights".to_owned());
    }
    tags
}
