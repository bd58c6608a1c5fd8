//! Everything of an offer but its prices, each fact as data names and writes it.

use std::fmt;

use crate::capability::Capability;
use crate::offer::{Modality, Offer};
use crate::text::Text;

type Facts = Vec<(&'static str, String)>;

pub(super) fn of(offer: &Offer) -> Facts {
    [names(offer), abilities(offer), life(offer), sources(offer)].concat()
}

fn names(offer: &Offer) -> Facts {
    let aliases: Vec<&str> = offer.aliases.iter().map(AsRef::as_ref).collect();
    vec![
        ("provider", offer.provider.to_string()),
        ("upstream_model_id", offer.upstream.to_string()),
        ("model", offer.model.to_string()),
        ("maker", offer.maker.to_string()),
        ("family", offer.family.to_string()),
        ("name", offer.name.to_string()),
        ("aliases", aliases.join(", ")),
    ]
}

fn abilities(offer: &Offer) -> Facts {
    let modes = |modes: &[Modality]| modes.iter().map(word).collect::<Vec<_>>().join(", ");
    let can: Vec<&str> = offer.capabilities.iter().map(Capability::name).collect();
    vec![
        ("kind", word(&offer.kind)),
        ("modalities.in", modes(&offer.inputs)),
        ("modalities.out", modes(&offer.outputs)),
        ("context_window", said(offer.context_window)),
        ("max_input", said(offer.max_input)),
        ("max_output", said(offer.max_output)),
        ("capabilities", can.join(", ")),
        ("api", said(offer.responses_only.then_some("responses"))),
        ("open_weights", said(offer.open_weights)),
    ]
}

fn life(offer: &Offer) -> Facts {
    let text = |text: &Option<Text>| said(text.as_ref());
    vec![
        ("released", text(&offer.released)),
        ("knowledge_cutoff", text(&offer.knowledge_cutoff)),
        ("status", word(&offer.status)),
        ("retires", said(offer.retires)),
        ("replacement", text(&offer.replacement)),
        ("launch", offer.launch.to_string()),
        ("free", offer.free.to_string()),
    ]
}

fn sources(offer: &Offer) -> Facts {
    let prices = offer.upstream_prices.as_ref().map(|prices| {
        let (input, output) = (prices.input, prices.output);
        format!(
            "{input} in, {output} out, {} of {}",
            prices.source, prices.source_date
        )
    });
    let limits = offer.upstream_limits.as_ref().map(|limits| {
        let (context, output) = (said(limits.context_window), said(limits.max_output));
        format!(
            "{context} context, {output} output, {} of {}",
            limits.source, limits.source_date
        )
    });
    let fees = offer.per_use_source.as_ref().map(|fees| {
        let url = said(fees.source_url.as_ref());
        format!("{} of {}, {url}", fees.source, fees.source_date)
    });
    vec![
        ("upstream_prices", said(prices)),
        ("upstream_limits", said(limits)),
        ("per_use.source", said(fees)),
        ("source", offer.source.to_string()),
        ("source_date", offer.source_date.to_string()),
        ("source_url", said(offer.source_url.as_ref())),
    ]
}

fn said<T: fmt::Display>(fact: Option<T>) -> String {
    fact.map_or_else(|| "-".to_owned(), |fact| fact.to_string())
}

/// A variant as data writes it.
fn word(variant: &impl fmt::Debug) -> String {
    format!("{variant:?}").to_ascii_lowercase()
}
