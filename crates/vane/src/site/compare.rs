//! Models side by side, with what a reader's own workload would cost at each.
//!
//! Invariant: what is compared, and with which workload, is the address of the page.

use askama::Template;

use super::figures::query_value;
use super::listing::Model;
use super::query::Query;
use super::row::Row;
use super::workload::{Workload, shown};
use super::{Frame, View};

/// More columns than these nobody can read.
const MODELS_MAX: usize = 6;

#[derive(Template)]
#[template(path = "compare.html")]
pub(crate) struct ComparePage<'v> {
    frame: Frame,
    columns: Vec<Compared>,
    workload: Workload,
    says: String,
    /// Ids that no model has.
    unknown: Vec<String>,
    left_out: usize,
    /// Models to add, as a list of suggestions.
    models: &'v [Row],
}

struct Compared {
    row: Row,
    one: String,
    all: String,
    is_cheapest: bool,
    /// This page without this model.
    without: String,
    released: String,
    knowledge: String,
}

impl<'v> ComparePage<'v> {
    pub(crate) fn of(view: &View<'v>, query: &str) -> Self {
        let query = Query::read(query);
        let workload = Workload::read(&query);
        let (mut models, mut unknown): (Vec<&Model>, Vec<String>) = (Vec::new(), Vec::new());
        for name in query.all("m") {
            match view.listing.find(&view.state.catalog, name) {
                Some(model) if models.iter().all(|known| known.id != model.id) => {
                    models.push(model)
                }
                Some(_) => {}
                None => unknown.push(name.to_owned()),
            }
        }
        let left_out = models.len().saturating_sub(MODELS_MAX);
        models.truncate(MODELS_MAX);
        let costs = models
            .iter()
            .map(|model| workload.all(model.lead()?, view.now));
        let cheapest = costs.flatten().min();
        let columns = models.iter().filter_map(|model| {
            let lead = model.lead()?;
            let (one, all) = (workload.one(lead, view.now), workload.all(lead, view.now));
            let known = |text: &Option<vane_catalog::Text>| {
                text.as_deref().unwrap_or("not stated").to_owned()
            };
            Some(Compared {
                row: Row::of(view, model)?,
                one: one.map_or_else(String::new, shown),
                all: all.map_or_else(String::new, shown),
                is_cheapest: all.is_some() && all == cheapest && models.len() > 1,
                without: without(&models, &model.id, workload),
                released: known(&lead.released),
                knowledge: known(&lead.knowledge_cutoff),
            })
        });
        let columns: Vec<Compared> = columns.collect();
        let about = "Language models side by side: prices, limits, abilities, and the cost of your own workload.";
        Self {
            frame: Frame::new(view, "/compare", "Compare models", about),
            models: view.rows(),
            says: workload.says(),
            columns,
            workload,
            unknown,
            left_out,
        }
    }
}

fn without(models: &[&Model], id: &str, workload: Workload) -> String {
    let Workload {
        input,
        output,
        cached,
        requests,
    } = workload;
    let rest = models.iter().filter(|model| model.id != id);
    let rest: String = rest
        .map(|model| format!("m={}&", query_value(&model.id)))
        .collect();
    format!("/compare?{rest}in={input}&out={output}&cached={cached}&requests={requests}")
}
