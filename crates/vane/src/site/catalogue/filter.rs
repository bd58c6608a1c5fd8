//! Which models the table shows, and in which order.
//!
//! Invariant: a field that is not understood filters nothing; equal rows stay in the order of
//! their ids.

use vane_catalog::{Capability, Rate};

use crate::site::figures::short;
use crate::site::query::Query;
use crate::site::row::{Named, Row, word};

#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) maker: String,
    pub(crate) provider: String,
    pub(crate) capability: String,
    pub(crate) context: String,
    pub(crate) price: String,
    pub(crate) ready: bool,
    pub(crate) column: Column,
    pub(crate) way: Way,
    context_min: u64,
    price_max: Option<Rate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A column that sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    Maker,
    Input,
    Output,
    Cached,
    Context,
    MaxOutput,
}

impl Column {
    pub(crate) const ALL: [Self; 7] = [
        Self::Name,
        Self::Maker,
        Self::Input,
        Self::Output,
        Self::Cached,
        Self::Context,
        Self::MaxOutput,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Maker => "maker",
            Self::Input => "input",
            Self::Output => "output",
            Self::Cached => "cached",
            Self::Context => "context",
            Self::MaxOutput => "max-output",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Name => "Model",
            Self::Maker => "Maker",
            Self::Input => "Input",
            Self::Output => "Output",
            Self::Cached => "Cached",
            Self::Context => "Context",
            Self::MaxOutput => "Max out",
        }
    }

    pub(crate) const fn is_figure(self) -> bool {
        !matches!(self, Self::Name | Self::Maker)
    }

    /// The way in which a first click sorts: the cheapest and the largest first.
    pub(crate) const fn usual(self) -> Way {
        match self {
            Self::Context | Self::MaxOutput => Way::Down,
            Self::Name | Self::Maker | Self::Input | Self::Output | Self::Cached => Way::Up,
        }
    }
}

/// One entry of a list to choose from.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

const CONTEXTS: [u64; 5] = [32_000, 128_000, 200_000, 256_000, 1_000_000];

impl Filter {
    pub(crate) fn read(query: &str) -> Self {
        let query = Query::read(query);
        let text = |name| query.text(name).unwrap_or_default().to_owned();
        let sort = query.text("sort").unwrap_or_default();
        let column = Column::ALL.into_iter().find(|column| column.name() == sort);
        let column = column.unwrap_or(Column::Name);
        let price = text("price");
        Self {
            text: text("q"),
            maker: text("maker"),
            provider: text("provider"),
            capability: text("can"),
            context_min: query.number("context", u64::MAX).unwrap_or_default(),
            context: text("context"),
            price_max: Rate::parse_per_million(price.trim_start_matches('$')).ok(),
            price,
            ready: query.text("ready").is_some(),
            column,
            way: match query.text("dir") {
                Some("up") => Way::Up,
                Some("down") => Way::Down,
                _ => column.usual(),
            },
        }
    }

    /// Whether anything is left out.
    pub(crate) fn is_set(&self) -> bool {
        !self.fields().is_empty()
    }

    /// The fields that say which models are shown.
    pub(crate) fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![
            ("q", self.text.as_str()),
            ("maker", &self.maker),
            ("provider", &self.provider),
            ("can", &self.capability),
            ("context", &self.context),
            ("price", &self.price),
        ];
        if self.ready {
            fields.push(("ready", "1"));
        }
        fields.retain(|(_, value)| !value.is_empty());
        fields
    }

    pub(crate) fn keeps(&self, row: &Row) -> bool {
        let asked = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        let said = self.text.to_lowercase();
        let about = [&row.id, &row.name, &row.maker.name];
        let names = said
            .split_whitespace()
            .all(|word| about.iter().any(|text| text.to_lowercase().contains(word)));
        let provider =
            self.provider.is_empty() || row.providers.iter().any(|named| named.id == self.provider);
        let capability = Capability::ALL
            .into_iter()
            .find(|capability| capability.name() == self.capability);
        let able = capability.is_none_or(|capability| row.can.contains(&word(capability)));
        names
            && asked(&self.maker, &row.maker.id)
            && provider
            && able
            && row.order.context >= self.context_min
            && self
                .price_max
                .is_none_or(|most| row.order.input <= most.pico_per_token())
            && (!self.ready || row.ready.is_ready())
    }

    pub(crate) fn sort(&self, rows: &mut [&Row]) {
        rows.sort_by(|a, b| {
            let (x, y) = (&a.order, &b.order);
            let by = match self.column {
                Column::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
                Column::Maker => a
                    .maker
                    .name
                    .to_lowercase()
                    .cmp(&b.maker.name.to_lowercase()),
                Column::Input => x.input.cmp(&y.input),
                Column::Output => x.output.cmp(&y.output),
                Column::Cached => x.cached.cmp(&y.cached),
                Column::Context => x.context.cmp(&y.context),
                Column::MaxOutput => x.max_output.cmp(&y.max_output),
            };
            let by = match self.way {
                Way::Up => by,
                Way::Down => by.reverse(),
            };
            by.then_with(|| a.id.cmp(&b.id))
        });
    }

    pub(crate) fn capabilities(&self) -> Vec<Choice> {
        let choice = |capability: Capability| Choice {
            value: capability.name().to_owned(),
            label: word(capability).to_owned(),
            is_chosen: self.capability == capability.name(),
        };
        Capability::ALL.into_iter().map(choice).collect()
    }

    pub(crate) fn contexts(&self) -> Vec<Choice> {
        let choice = |tokens: u64| Choice {
            value: tokens.to_string(),
            label: format!("{} and more", short(tokens)),
            is_chosen: self.context_min == tokens,
        };
        CONTEXTS.into_iter().map(choice).collect()
    }
}

pub(crate) fn makers(rows: &[Row], filter: &Filter) -> Vec<Choice> {
    choices(rows.iter().map(|row| &row.maker), &filter.maker)
}

pub(crate) fn providers(rows: &[Row], filter: &Filter) -> Vec<Choice> {
    choices(rows.iter().flat_map(|row| &row.providers), &filter.provider)
}

fn choices<'r>(named: impl Iterator<Item = &'r Named>, chosen: &str) -> Vec<Choice> {
    let mut choices: Vec<Choice> = named
        .map(|named| Choice {
            value: named.id.clone(),
            label: named.name.clone(),
            is_chosen: named.id == chosen,
        })
        .collect();
    choices.sort_by_key(|choice| (choice.label.to_lowercase(), choice.value.clone()));
    choices.dedup_by(|a, b| a.value == b.value);
    choices
}
