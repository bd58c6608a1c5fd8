//! `vane route`: which offers a call of a model would try, and why, without calling anyone.

use clap::Args;
use serde_json::json;
use vane_dialect::Dialect;
use vane_ledger::{KeyRecord, Limits};

use super::settings::{find_key, now, open_existing};
use super::{Failure, Settings, terminal};
use crate::gateway::State;
use crate::relay::{Choice, LeftOut, explain};
use crate::router::{ROUTES, Route as Path};

#[derive(Debug, Args)]
pub(super) struct Route {
    /// A model, by any name it goes by
    model: String,
    /// The dialect in which the call would come in
    #[arg(long, value_name = "DIALECT", default_value = "openai_chat", value_parser = dialect)]
    door: Dialect,
    /// A tool of the provider's that the call asks for, by its type
    #[arg(long, value_name = "TYPE")]
    tool: Option<String>,
    /// A key, by its id: the plan of its calls
    #[arg(long)]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn dialect(name: &str) -> Result<Dialect, String> {
    let doors = || Dialect::ALL.into_iter().filter(|dialect| is_door(*dialect));
    let names = || doors().map(Dialect::name).collect::<Vec<_>>().join(", ");
    let named = Dialect::from_name(name).filter(|dialect| is_door(*dialect));
    named.ok_or_else(|| format!("one of {}", names()))
}

/// Whether calls come in as this dialect.
fn is_door(dialect: Dialect) -> bool {
    let mut routes = ROUTES.iter().map(|(_, route)| route);
    routes.any(|route| matches!(route, Path::Call(door) if door.dialect == dialect))
}

impl Route {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let state = State::new(settings.config()?)?;
        let limits = match &self.key {
            Some(key) => limits(&find_key(&open_existing(&state.config)?, key)?)?,
            None => Limits::default(),
        };
        let tool = self.tool.as_deref();
        let plan = explain(&state, &limits, self.door, &self.model, tool, now())
            .map_err(|fault| Failure::said(fault.message))?;
        let rows: Vec<PlanRow> = plan.choices.iter().map(PlanRow::of).collect();
        print_plan(&rows, &plan.left_out, self.json)
    }
}

/// What a key may do, as long as it may do anything.
fn limits(key: &KeyRecord) -> Result<Limits, Failure> {
    match key.works_at(now()) {
        true => Ok(key.limits.clone()),
        false => Err(Failure::said(format!(
            "the key {} works no more: all of its calls are refused",
            key.id
        ))),
    }
}

impl PlanRow {
    fn of(choice: &Choice) -> Self {
        let facts = &choice.offer.facts;
        let price = |of: fn(&vane_catalog::Rates) -> vane_catalog::Rate| {
            facts
                .rates_at(now())
                .map_or_else(|_| "-".into(), |card| of(&card.rates).display_price())
        };
        Self {
            offer: facts.id.to_string(),
            provider: choice.offer.provider.id.clone(),
            dialect: choice.dialect.name().to_owned(),
            input: price(|rates| rates.input),
            output: price(|rates| rates.output),
            reason: choice.reason.to_string(),
        }
    }
}

/// One offer of a plan, best first.
struct PlanRow {
    offer: String,
    provider: String,
    /// The dialect it is asked in.
    dialect: String,
    /// Prices per million tokens, as `$0.30`.
    input: String,
    output: String,
    /// Why it stands where it does.
    reason: String,
}

fn print_plan(rows: &[PlanRow], left_out: &[LeftOut], json: bool) -> Result<(), Failure> {
    if json {
        let rows: Vec<_> = rows.iter().map(as_json).collect();
        let left = |left: &LeftOut| {
            let offer = left.offer.facts.id.as_ref();
            json!({ "offer": offer, "reason": left.reason })
        };
        let left_out: Vec<_> = left_out.iter().map(left).collect();
        return terminal::print_json(&json!({ "plan": rows, "left_out": left_out }));
    }
    let head = ["", "OFFER", "PROVIDER", "DIALECT", "IN", "OUT", "WHY"].map(str::to_owned);
    let cells = rows.iter().enumerate().map(|(at, row)| {
        let PlanRow {
            offer,
            provider,
            dialect,
            input,
            output,
            reason,
        } = row;
        let place = (at + 1).to_string();
        [&place, offer, provider, dialect, input, output, reason].map(String::clone)
    });
    let table: Vec<_> = std::iter::once(head).chain(cells).collect();
    let mut text = terminal::table(&table);
    for left in left_out {
        text.push_str(&format!(
            "not asked: {}: {}\n",
            left.offer.facts.id, left.reason
        ));
    }
    terminal::print(&text)
}

fn as_json(row: &PlanRow) -> serde_json::Value {
    json!({
        "offer": row.offer,
        "provider": row.provider,
        "dialect": row.dialect,
        "input_per_million": row.input,
        "output_per_million": row.output,
        "reason": row.reason,
    })
}
