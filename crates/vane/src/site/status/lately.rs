//! What the status tells of the last day and month: strips of providers, times of offers.
//!
//! Invariant: what is drawn stands in the tables of figures below, cell by cell.

use serde_json::{Value, json};
use vane_catalog::Status::Retired;

use super::super::View;
use super::super::chart::Caption;
use super::super::figures::href;
use super::super::measured::{
    Cell, Over, cells_json, days, first_token_spark, hours, spans_json, uptime_strip,
};
use super::super::row::Named;
use crate::chronicle::Course;
use crate::upstream::Offer;

/// A provider in the last hours and days.
pub(crate) struct Lately {
    pub(crate) spans: Vec<Over>,
    pub(crate) hours: Vec<Cell>,
    pub(crate) days: Vec<Cell>,
    pub(crate) hour_strip: String,
    pub(crate) day_strip: String,
}

impl Lately {
    /// `None` where nobody asked any of its offers.
    pub(super) fn of(view: &View<'_>, name: &str, place: usize, offers: &[&Offer]) -> Option<Self> {
        let mut all = Course::default();
        for course in offers
            .iter()
            .filter_map(|offer| view.past.of(&offer.facts.id))
        {
            all.merge(course);
        }
        let spans = Over::of(Some(&all), view.now);
        if spans.is_empty() {
            return None;
        }
        let (hours, days) = (hours(&all, view.now), days(&all, view.now));
        let draw = |id: String, title: String, cells: &[Cell]| {
            let caption = Caption {
                id: &id,
                title: &title,
                description: "A cell for each, the oldest first: the lower, the more attempts failed; a grey line where nobody asked. The table of hours and days has the figures.",
            };
            uptime_strip(caption, cells)
        };
        let hour_title = format!("Uptime of {name} in the last 24 hours");
        let day_title = format!("Uptime of {name} on the last 30 days");
        Some(Self {
            hour_strip: draw(format!("hours-{place}"), hour_title, &hours),
            day_strip: draw(format!("days-{place}"), day_title, &days),
            spans,
            hours,
            days,
        })
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "spans": spans_json(&self.spans),
            "hours": cells_json(&self.hours),
            "days": cells_json(&self.days),
        })
    }
}

/// An offer that was asked within the month.
pub(crate) struct OfferLine {
    pub(crate) id: String,
    pub(crate) model: Named,
    pub(crate) provider: String,
    pub(crate) spans: Vec<Over>,
    /// Where any stream began in the last hours.
    pub(crate) spark: Option<String>,
    pub(crate) hours: Vec<Cell>,
}

impl OfferLine {
    /// In the order of providers and models.
    pub(super) fn all(view: &View<'_>) -> Vec<Self> {
        let offers = view.state.offers.iter();
        let offers = offers.filter(|offer| offer.facts.status != Retired);
        let mut offers: Vec<&Offer> = offers.map(AsRef::as_ref).collect();
        offers.sort_by_key(|offer| {
            let provider = Named::provider(view, &offer.provider.id).name;
            (
                provider.to_lowercase(),
                offer.facts.name.to_lowercase(),
                offer.facts.id.clone(),
            )
        });
        let lines = offers.into_iter().enumerate();
        let lines = lines.filter_map(|(place, offer)| Self::of(view, place, offer));
        lines.collect()
    }

    fn of(view: &View<'_>, place: usize, offer: &Offer) -> Option<Self> {
        let course = view.past.of(&offer.facts.id)?;
        let spans = Over::of(Some(course), view.now);
        if spans.is_empty() {
            return None;
        }
        let facts = &offer.facts;
        let hours: Vec<Cell> = hours(course, view.now);
        let began = |cell: &Cell| {
            cell.measured
                .is_some_and(|one| one.first_token_ms.is_some())
        };
        let provider = Named::provider(view, &offer.provider.id).name;
        let spark = hours.iter().any(began).then(|| {
            let id = format!("first-{place}");
            let title = format!("Time to the first token of {} at {provider}", facts.name);
            let caption = Caption {
                id: &id,
                title: &title,
                description: "Within which half of the streams of an hour began, over 24 hours. The table of first tokens has the figures.",
            };
            first_token_spark(caption, &hours)
        });
        Some(Self {
            id: facts.id.to_string(),
            model: Named {
                id: facts.model.to_string(),
                name: facts.name.to_string(),
                href: href("/models/", &facts.model),
            },
            provider,
            spans,
            spark,
            hours,
        })
    }

    /// Hours in which streams began: when, how many attempts, within how long half and nineteen of
    /// twenty.
    pub(crate) fn first_tokens(&self) -> Vec<(&str, u64, u64, u64)> {
        let cells = self.hours.iter();
        let known = cells.filter_map(|cell| {
            let measured = cell.measured?;
            let (p50, p95) = measured.first_token_ms?;
            Some((cell.when.as_str(), measured.asked, p50, p95))
        });
        known.collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "model": self.model.id,
            "provider": self.provider,
            "spans": spans_json(&self.spans),
            "hours": cells_json(&self.hours),
        })
    }
}
