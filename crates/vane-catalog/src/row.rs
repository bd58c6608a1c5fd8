//! Rows of the files into providers and offers.

use std::borrow::Cow;

use vane_dialect::Dialect;

use crate::date::Date;
use crate::file::{Api, OfferRow, ProviderRow};
use crate::offer::{Offer, PerUseSource, UpstreamLimits, UpstreamPrices};
use crate::provider::Provider;
use crate::rate_card::RateCard;
use crate::text::Text;

/// Dialects that the data names and Vane does not speak yet.
const UNSPOKEN: [&str; 2] = ["gemini_content", "bedrock_converse"];

impl ProviderRow<'static> {
    /// The provider of this row, or the dialect name that nobody knows.
    pub(crate) fn into_provider(self, id: &'static str) -> Result<Provider, &'static str> {
        let mut speaks = Vec::with_capacity(self.speaks.0.len());
        for (name, path) in self.speaks.0 {
            match Dialect::from_name(name) {
                Some(dialect) => speaks.push((dialect, Cow::Borrowed(path))),
                None if UNSPOKEN.contains(&name) => {}
                None => return Err(name),
            }
        }
        let prefixes = if self.prefixes.is_empty() {
            vec![id]
        } else {
            self.prefixes
        };
        Ok(Provider {
            id: Cow::Borrowed(id),
            name: Cow::Borrowed(self.name),
            base_url: self.base_url.map(Cow::Borrowed),
            key_env: texts(self.key_env),
            auth: self.auth,
            speaks,
            prefixes: texts(prefixes),
            only_by_prefix: self.only_by_prefix,
            without_makers: texts(self.without_makers),
            quirks: self.quirks,
            model_quirks: self
                .models
                .0
                .into_iter()
                .map(|(prefix, quirks)| (Cow::Borrowed(prefix), quirks))
                .collect(),
        })
    }
}

impl<'a> OfferRow<'a> {
    /// The offer of this row; `keep` makes its texts outlive the file.
    pub(crate) fn into_offer(mut self, keep: fn(&'a str) -> Text) -> Offer {
        if let Some(row) = &self.per_use {
            self.prices.per_use = row.prices.clone();
        }
        Offer {
            cards: self.cards(keep),
            present_from: self.present_from(),
            id: keep(self.id),
            provider: keep(self.provider),
            upstream: keep(self.upstream_model_id),
            model: keep(self.model),
            maker: keep(self.maker),
            family: keep(self.family),
            name: keep(self.name),
            kind: self.kind,
            inputs: self.modalities.inputs,
            outputs: self.modalities.outputs,
            context_window: self.context_window,
            max_input: self.max_input,
            max_output: self.max_output,
            released: self.released.map(keep),
            knowledge_cutoff: self.knowledge_cutoff.map(keep),
            open_weights: self.open_weights,
            capabilities: self.capabilities,
            responses_only: self.api == Some(Api::Responses),
            aliases: self.aliases.into_iter().map(keep).collect(),
            upstream_prices: self.upstream_prices.map(|prices| UpstreamPrices {
                input: prices.input,
                output: prices.output,
                source: keep(prices.source),
                source_date: prices.source_date,
            }),
            upstream_limits: self.upstream_limits.map(|limits| UpstreamLimits {
                context_window: limits.context_window,
                max_output: limits.max_output,
                source: keep(limits.source),
                source_date: limits.source_date,
            }),
            per_use_source: self.per_use.map(|row| PerUseSource {
                source: keep(row.source),
                source_date: row.source_date,
                source_url: row.source_url.map(keep),
            }),
            status: self.status,
            retires: self.retires,
            replacement: self.replacement.map(keep),
            launch: self.launch,
            free: self.free,
            own: false,
            source: keep(self.source),
            source_date: self.source_date,
            source_url: self.source_url.map(keep),
        }
    }

    fn present_from(&self) -> Date {
        self.effective_from.unwrap_or(self.source_date)
    }

    /// Past, present and scheduled rates, oldest first. The present ones hold since
    /// `effective_from`, or since the day of their source where no such day is known.
    fn cards(&self, keep: fn(&'a str) -> Text) -> Vec<RateCard> {
        let present = self.present_from();
        let card =
            |from, rates| RateCard::new(self.id, from, keep(self.source), self.source_date, rates);
        let past = self
            .price_history
            .iter()
            .map(|row| (row.from.unwrap_or(Date::EPOCH), row));
        let coming = self
            .scheduled
            .iter()
            .filter_map(|row| Some((row.from?, row)));
        let mut cards: Vec<RateCard> = past
            .chain(coming)
            .map(|(from, row)| card(from, row.rates(&self.prices)))
            .collect();
        cards.push(card(present, self.prices.clone()));
        cards.sort_by_key(|card| card.effective_from);
        cards
    }
}

fn texts(texts: Vec<&'static str>) -> Vec<Text> {
    texts.into_iter().map(Cow::Borrowed).collect()
}
