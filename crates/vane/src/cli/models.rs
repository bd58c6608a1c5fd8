//! `vane models`: the models of the catalogue and the configuration, and whether they answer.

use serde_json::{Value, json};
use vane_catalog::{Capability, Catalog, Offer, Rate, RateCard, Status};

use super::settings::now;
use super::{Failure, Settings, terminal};
use crate::config::{Config, catalog, variables_of};

#[derive(Debug, clap::Args)]
pub(super) struct Models {
    /// Show only models whose id, maker or provider contains this
    filter: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Models {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let config = settings.catalog()?;
        let catalog = catalog(&config).map_err(|fault| Failure::said(fault.to_string()))?;
        let filter = self.filter.as_deref().unwrap_or_default().to_lowercase();
        let offers = catalog.offers().iter().map(AsRef::as_ref);
        let rows: Vec<Row<'_>> = offers
            .filter(|offer| offer.status != Status::Retired && matches(offer, &filter))
            .filter_map(|offer| Row::new(offer, &catalog, &config))
            .collect();
        if self.json {
            let rows: Vec<Value> = rows.iter().map(Row::as_json).collect();
            return terminal::print_json(&json!({ "models": rows }));
        }
        let head = ["ID", "MAKER", "IN", "OUT", "CONTEXT", "CAN", "STATE"].map(str::to_owned);
        let table: Vec<_> = std::iter::once(head)
            .chain(rows.iter().map(Row::cells))
            .collect();
        let announced: String = rows.iter().filter_map(Row::announced_line).collect();
        terminal::print(&(terminal::table(&table) + &announced))
    }
}

fn matches(offer: &Offer, filter: &str) -> bool {
    let about = [&offer.id, &offer.maker, &offer.provider];
    about
        .iter()
        .any(|text| text.to_lowercase().contains(filter))
}

/// One offer, as it stands now.
struct Row<'c> {
    offer: &'c Offer,
    input: Rate,
    output: Rate,
    /// Prices that hold from a later day on.
    announced: Option<&'c RateCard>,
    /// What must be set before it answers; `None` where it is ready.
    needs: Option<String>,
}

impl<'c> Row<'c> {
    /// `None` for an offer of a provider that Vane cannot call at all.
    fn new(offer: &'c Offer, catalog: &Catalog, config: &Config) -> Option<Self> {
        let provider = catalog
            .provider(&offer.provider)
            .filter(|row| row.is_callable())?;
        let on = config.providers.iter().any(|row| row.id == *provider.id);
        let rates = &offer.rates_at(now()).ok()?.rates;
        Some(Self {
            offer,
            input: rates.input,
            output: rates.output,
            announced: offer.announced(now()),
            needs: (!on).then(|| variables_of(provider)),
        })
    }

    /// What tells models apart; nearly all stream.
    fn abilities(&self) -> Vec<&'static str> {
        let able = self.offer.capabilities.iter();
        able.filter(|capability| *capability != Capability::Streaming)
            .map(Capability::name)
            .collect()
    }

    fn cells(&self) -> [String; 7] {
        let state = self
            .needs
            .as_ref()
            .map_or("ready".to_owned(), |what| format!("needs {what}"));
        [
            self.offer.id.to_string(),
            self.offer.maker.to_string(),
            self.input.display_price(),
            self.output.display_price(),
            self.offer.context_window.map_or("?".to_owned(), thousands),
            self.abilities().join(","),
            state,
        ]
    }

    fn announced_line(&self) -> Option<String> {
        let card = self.announced?;
        let (input, output) = (card.rates.input, card.rates.output);
        let (id, from) = (&self.offer.id, card.effective_from);
        Some(format!(
            "{id}: {} in, {} out from {from} on\n",
            input.display_price(),
            output.display_price()
        ))
    }

    fn as_json(&self) -> Value {
        let announced = self.announced.map(|card| {
            json!({
                "from": card.effective_from.to_string(),
                "input_per_million": card.rates.input.to_string(),
                "output_per_million": card.rates.output.to_string(),
            })
        });
        json!({
            "id": &*self.offer.id,
            "model": &*self.offer.model,
            "provider": &*self.offer.provider,
            "maker": &*self.offer.maker,
            "input_per_million": self.input.to_string(),
            "output_per_million": self.output.to_string(),
            "announced": announced,
            "context_window": self.offer.context_window,
            "max_output": self.offer.max_output,
            "capabilities": self.abilities(),
            "ready": self.needs.is_none(),
            "needs": self.needs,
        })
    }
}

/// `131072` is `131k`, as price lists write it.
fn thousands(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}k", tokens / 1_000),
        _ => format!("{}M", tokens / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_short() {
        for (tokens, shown) in [
            (512, "512"),
            (32_000, "32k"),
            (131_072, "131k"),
            (1_048_576, "1M"),
        ] {
            assert_eq!(thousands(tokens), shown);
        }
    }
}
