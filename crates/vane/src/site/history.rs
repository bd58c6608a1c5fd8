//! The dated prices of an offer: what held, what holds and what is announced.
//!
//! Invariant: the line of the chart and the table below it are made of the same steps.

use vane_catalog::{Date, Money, Offer, Rate};

use super::View;
use super::chart::{Caption, Step, step};
use super::figures::price;
use super::row::Named;

pub(crate) struct History {
    pub(crate) provider: Named,
    pub(crate) steps: Vec<Dated>,
    pub(crate) chart: String,
}

/// Prices and since when they hold.
pub(crate) struct Dated {
    pub(crate) from: String,
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) state: &'static str,
}

const DAY: i64 = 86_400;
/// How far the chart looks beyond its first and last change.
const MARGIN_DAYS: i64 = 60;

impl History {
    /// `None` where only one price is known.
    pub(crate) fn of(view: &View<'_>, offer: &Offer, place: usize) -> Option<Self> {
        if offer.cards.len() < 2 {
            return None;
        }
        let holds = offer.rates_at(view.now).ok()?;
        let dated = offer.cards.iter().map(|card| Dated {
            from: match card.effective_from {
                Date::EPOCH => "before".to_owned(),
                day => day.to_string(),
            },
            input: price(offer, card.rates.input),
            output: price(offer, card.rates.output),
            state: match card.effective_from {
                day if day.starts_at() > view.now => "announced",
                _ if card.version == holds.version => "holds now",
                _ => "past",
            },
        });
        let provider = Named::provider(view, &offer.provider);
        Some(Self {
            steps: dated.collect(),
            chart: chart(view, offer, &provider.name, place),
            provider,
        })
    }
}

fn chart(view: &View<'_>, offer: &Offer, provider: &str, place: usize) -> String {
    let today = view.now.div_euclid(DAY);
    let day = |date: Date| date.starts_at() / DAY;
    let dates = offer.cards.iter().map(|card| day(card.effective_from));
    let known: Vec<i64> = dates.filter(|day| *day > 0).collect();
    let first = known.first().copied().unwrap_or(today).min(today) - MARGIN_DAYS;
    // Where nothing is announced, nothing is drawn beyond today.
    let coming = known.last().copied().filter(|day| *day > today);
    let last = coming.map_or(today, |day| day + MARGIN_DAYS);
    let series = |of: fn(&vane_catalog::Rates) -> Rate| -> Vec<Step> {
        let cards = offer.cards.iter();
        let steps = cards.map(|card| Step {
            day: day(card.effective_from).max(first),
            value: of(&card.rates).pico_per_token(),
        });
        steps.collect()
    };
    let id = format!("history-{place}");
    let title = format!("Price of {} at {provider}", offer.name);
    let description = "US dollars per 1M tokens, input and output, by day; dashed where announced. The table below has the same figures.";
    let caption = Caption {
        id: &id,
        title: &title,
        description,
    };
    let label = |pico: i64| {
        let usd = Money::from_pico(pico.saturating_mul(1_000_000)).to_string();
        Rate::parse_per_million(&usd).map_or(usd, Rate::display_price)
    };
    let lines = [
        ("input", series(|rates| rates.input)),
        ("output", series(|rates| rates.output)),
    ];
    step(caption, &lines, (first, last), today, label, |day| {
        Date::of(day * DAY).to_string()
    })
}
