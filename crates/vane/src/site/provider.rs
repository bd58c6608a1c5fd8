//! The page of a provider: how it is reached, whether it is on, and its offers.
//!
//! Invariant: the page and its Markdown twin are written from this one struct. Addresses are not
//! told: the operator's own may be private.

use askama::Template;
use vane_catalog::{Auth, Offer, Status};

use super::figures::href;
use super::model::OfferLine;
use super::row::{Named, Readiness};
use super::{Frame, View};

#[derive(Template)]
#[template(path = "provider.html")]
pub(crate) struct ProviderPage {
    frame: Frame,
    provider: Named,
    ready: Readiness,
    facts: Vec<(&'static str, String)>,
    offers: Vec<(Named, OfferLine)>,
    says: String,
}

#[derive(Template)]
#[template(path = "provider.markdown", whitespace = "preserve")]
pub(crate) struct ProviderTwin<'p> {
    page: &'p ProviderPage,
}

impl ProviderPage {
    /// `None` for a provider that the catalogue does not have.
    pub(crate) fn of(view: &View<'_>, id: &str) -> Option<Self> {
        let row = view.state.catalog.provider(id)?;
        let provider = Named::provider(view, &row.id);
        let ready = Readiness::of_provider(view, &row.id);
        let offers = view.state.catalog.offers().iter();
        let offers =
            offers.filter(|offer| offer.provider == row.id && offer.status != Status::Retired);
        let mut offers: Vec<(Named, OfferLine)> = offers
            .filter_map(|offer| Some((model(offer), OfferLine::of(view, offer)?)))
            .collect();
        offers.sort_by(|(a, _), (b, _)| {
            (a.name.to_lowercase(), &a.id).cmp(&(b.name.to_lowercase(), &b.id))
        });
        let count = super::counted(offers.len(), "model");
        let says = format!(
            "{} serves {count} of this catalogue; on this server: {}.",
            provider.name,
            ready.says()
        );
        let title = format!("{}: models and prices", provider.name);
        Some(Self {
            frame: Frame::new(view, &provider.href, &title, &says)
                .with_twin(format!("{}.md", provider.href)),
            facts: facts(row),
            provider,
            ready,
            offers,
            says,
        })
    }

    fn has_traffic(&self) -> bool {
        self.offers.iter().any(|(_, offer)| !offer.spans.is_empty())
    }

    pub(crate) fn twin(&self) -> ProviderTwin<'_> {
        ProviderTwin { page: self }
    }
}

fn model(offer: &Offer) -> Named {
    Named {
        id: offer.model.to_string(),
        name: offer.name.to_string(),
        href: href("/models/", &offer.model),
    }
}

fn facts(row: &vane_catalog::Provider) -> Vec<(&'static str, String)> {
    let dialects = row.speaks.iter().map(|(dialect, _)| dialect.name());
    let dialects: Vec<&str> = dialects.collect();
    let prefixes = row.prefixes.iter().map(|prefix| format!("{prefix}/"));
    let prefixes: Vec<String> = prefixes.collect();
    let key = match (row.auth, row.key_env.join(", ")) {
        (Auth::None, _) => "none".to_owned(),
        (_, names) if names.is_empty() => "set by the operator".to_owned(),
        (_, names) => names,
    };
    let mut facts = vec![
        ("Provider id", row.id.to_string()),
        ("Key variable", key),
        ("Model ids begin with", prefixes.join(", ")),
    ];
    if !dialects.is_empty() {
        facts.push(("Dialects", dialects.join(", ")));
    }
    if row.only_by_prefix {
        let says = "only by a model id that begins so: its key is of another kind";
        facts.push(("Reached", says.to_owned()));
    }
    facts
}
