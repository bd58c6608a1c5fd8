//! Everything that an offer's rates say, as lines of a price list.
//!
//! Invariant: no rate of the catalogue is left out, and none is added: a line stands for a field
//! of the rates, and an empty cell for one that is not stated.

use vane_catalog::{ByContext, Factor, Fee, LongContext, OffPeak, Offer, Rate, Rates, ServiceTier};
use vane_dialect::usage::{SearchContext, Unit};

use super::View;
use super::figures::{grouped, price};
use super::row::Named;
use crate::config::Currency;
use vane_catalog::Money;

/// What a line has prices for.
const COLUMNS: [&str; 5] = ["Input", "Output", "Cache read", "Cache write", "Write, 1 h"];

/// The price list of one offer.
pub(crate) struct PriceList {
    pub(crate) id: String,
    pub(crate) provider: Named,
    pub(crate) lines: Vec<Line>,
    pub(crate) fees: Vec<(String, String)>,
    pub(crate) notes: Vec<String>,
    pub(crate) source: String,
    pub(crate) source_url: Option<String>,
    /// The day of the source; none where the operator set the price.
    pub(crate) as_of: Option<String>,
}

impl PriceList {
    /// The columns in which any line has a price.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let named = COLUMNS.iter().enumerate();
        let used = named.filter(|(at, _)| self.is_used(*at));
        used.map(|(_, name)| *name).collect()
    }

    /// The cells of a line in those columns.
    pub(crate) fn cells<'l>(&self, line: &'l Line) -> Vec<&'l Cell> {
        let cells = line.cells.iter().enumerate();
        let used = cells.filter(|(at, _)| self.is_used(*at));
        used.map(|(_, cell)| cell).collect()
    }

    fn is_used(&self, column: usize) -> bool {
        let mut cells = self.lines.iter().filter_map(|line| line.cells.get(column));
        cells.any(|cell| !cell.usd.is_empty())
    }
}

/// When these prices hold, and what they are.
pub(crate) struct Line {
    pub(crate) when: String,
    /// One for each of [`COLUMNS`].
    pub(crate) cells: [Cell; 5],
}

/// A price in dollars, and beside it in the currencies that the operator configured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    pub(crate) usd: String,
    pub(crate) others: Vec<String>,
}

/// Writes cells for one offer.
struct Pen<'v> {
    offer: &'v Offer,
    currencies: &'v [Currency],
}

impl PriceList {
    pub(crate) fn of(view: &View<'_>, offer: &Offer) -> Option<Self> {
        let card = offer.rates_at(view.now).ok()?;
        let pen = Pen {
            offer,
            currencies: &view.state.config.site.currencies,
        };
        let rates = &card.rates;
        let mut lines = pen.lines(rates);
        let coming = offer.cards.iter();
        for card in coming.filter(|card| card.effective_from.starts_at() > view.now) {
            lines.push(Line {
                when: format!("announced, from {}", card.effective_from),
                ..pen.standard(&card.rates)
            });
        }
        let set_here = card.source == "configuration";
        Some(Self {
            id: offer.id.to_string(),
            provider: Named::provider(view, &offer.provider),
            lines,
            fees: fees(rates),
            notes: pen.notes(rates),
            source: match set_here {
                true => "set by the operator of this server".to_owned(),
                false => card.source.to_string(),
            },
            source_url: offer.source_url.as_deref().and_then(web_address),
            as_of: (!set_here).then(|| card.source_date.to_string()),
        })
    }
}

/// An address that a page may link to.
fn web_address(url: &str) -> Option<String> {
    url.starts_with("https://").then(|| url.to_owned())
}

impl Pen<'_> {
    fn cell(&self, rate: Rate) -> Cell {
        let convert = |currency: &Currency| {
            let converted = rate.times_half_up(currency.per_usd)?;
            let figure = converted.display_price();
            Some(format!(
                "{} {}",
                figure.trim_start_matches('$'),
                currency.code
            ))
        };
        let others = match self.offer.free {
            true => Vec::new(),
            false => self.currencies.iter().filter_map(convert).collect(),
        };
        Cell {
            usd: price(self.offer, rate),
            others,
        }
    }

    fn maybe(&self, rate: Option<Rate>) -> Cell {
        rate.map_or_else(Cell::default, |rate| self.cell(rate))
    }

    fn line(&self, when: impl Into<String>, rates: [Option<Rate>; 5]) -> Line {
        Line {
            when: when.into(),
            cells: rates.map(|rate| self.maybe(rate)),
        }
    }

    fn standard(&self, rates: &Rates) -> Line {
        let write = rates.cache_write.or(rates.cache_write_5m);
        let (input, output) = (Some(rates.input), Some(rates.output));
        let row = [input, output, rates.cache_read, write, rates.cache_write_1h];
        self.line("standard", row)
    }

    fn lines(&self, rates: &Rates) -> Vec<Line> {
        let mut lines = vec![self.standard(rates)];
        if let Some(reasoning) = rates.reasoning.filter(|rate| *rate != rates.output) {
            lines.push(self.line("reasoning", [None, Some(reasoning), None, None, None]));
        }
        self.long(&mut lines, "", &rates.tiers);
        let batch = [
            rates.batch_input,
            rates.batch_output,
            rates.batch_cache_read,
            None,
            None,
        ];
        if batch.iter().any(Option::is_some) {
            lines.push(self.line("batch", batch));
        }
        for tier in &rates.tiers {
            let batch = [
                tier.batch_input,
                tier.batch_output,
                tier.batch_cache_read,
                None,
                None,
            ];
            if batch.iter().any(Option::is_some) {
                lines.push(self.line(format!("batch, {}", above(tier)), batch));
            }
        }
        let tiers = &rates.service_tiers;
        let named = [
            ("flex", &tiers.flex),
            ("priority", &tiers.priority),
            ("fast", &tiers.ultrafast),
        ];
        for (name, tier) in named {
            if let Some(tier) = tier {
                self.service(&mut lines, name, tier);
            }
        }
        if let Some(off_peak) = &rates.off_peak {
            let row = [
                Some(off_peak.input),
                Some(off_peak.output),
                off_peak.cache_read,
                None,
                None,
            ];
            lines.push(self.line(format!("off-peak: {}", hours(off_peak)), row));
        }
        lines
    }

    fn service(&self, lines: &mut Vec<Line>, name: &str, tier: &ServiceTier) {
        let row = [
            tier.input,
            tier.output,
            tier.cache_read,
            tier.cache_write,
            None,
        ];
        lines.push(self.line(name, row));
        self.long(lines, &format!("{name}, "), &tier.tiers);
    }

    fn long(&self, lines: &mut Vec<Line>, name: &str, tiers: &[LongContext]) {
        for tier in tiers {
            let write = tier.cache_write.or(tier.cache_write_5m);
            let row = [
                tier.input,
                tier.output,
                tier.cache_read,
                write,
                tier.cache_write_1h,
            ];
            if row.iter().any(Option::is_some) {
                lines.push(self.line(format!("{name}{}", above(tier)), row));
            }
        }
    }

    fn notes(&self, rates: &Rates) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.offer.free && rates.cache_read.is_none() {
            notes.push("Tokens read from a cache cost what other input costs.".to_owned());
        }
        if let Some(rate) = rates.cache_write_12h {
            let price = rate.display_price();
            notes.push(format!(
                "Tokens written to a cache for 12 hours: {price} per 1M."
            ));
        }
        for (region, factor) in &rates.regional_multiplier {
            let region = format!("{region:?}").to_lowercase();
            notes.push(format!(
                "Served in region {region}: all prices of tokens times {factor}."
            ));
        }
        for currency in self.currencies.iter().filter(|_| !self.offer.free) {
            notes.push(rate_of(&currency.code, currency.per_usd));
        }
        notes
    }
}

fn rate_of(code: &str, per_usd: Factor) -> String {
    format!(
        "{code} at {per_usd} per US dollar, a rate that this server's operator set; bills are in US dollars."
    )
}

fn above(tier: &LongContext) -> String {
    format!("input above {} tokens", grouped(tier.above_input_tokens))
}

fn hours(off_peak: &OffPeak) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let windows = off_peak.windows.iter().map(|window| {
        let days = window.weekdays.iter();
        let days = days.filter_map(|day| DAYS.get(usize::from(*day).wrapping_sub(1)));
        let days: Vec<&str> = days.copied().collect();
        let spans: Vec<String> = window.utc.iter().map(ToString::to_string).collect();
        format!("{} {} UTC", days.join(" "), spans.join(" "))
    });
    windows.collect::<Vec<_>>().join("; ")
}

/// What is billed by the piece, with its price.
fn fees(rates: &Rates) -> Vec<(String, String)> {
    let usd = |rate: Rate| format!("${}", Money::from_pico(rate.pico_per_token()));
    let said = |unit: Unit| {
        let price = match rates.per_use.fee(unit)? {
            fee @ Fee::Flat(_) => usd(fee.rate(SearchContext::Low)),
            fee @ Fee::BySearchContext(ByContext { .. }) => {
                let [low, medium, high] = [
                    SearchContext::Low,
                    SearchContext::Medium,
                    SearchContext::High,
                ]
                .map(|context| usd(fee.rate(context)));
                format!("{low} with little context, {medium} with medium, {high} with much")
            }
        };
        Some((format!("per {}", piece(unit)), price))
    };
    Unit::ALL.into_iter().filter_map(said).collect()
}

const fn piece(unit: Unit) -> &'static str {
    match unit {
        Unit::Request => "request",
        Unit::WebSearch => "web search",
        Unit::XSearch => "search on X",
        Unit::FileSearch => "file search",
        Unit::CodeRun => "code run",
        Unit::Image => "generated image",
        Unit::Source => "search source",
        Unit::Audio => "second or token of a recording",
        Unit::Iteration => "run of another model",
    }
}
