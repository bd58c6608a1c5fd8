//! What pages make of texts that anybody may send, without a gateway around them.
//!
//! For the fuzz targets: each function is what the page calls, and no page calls these.

use vane_catalog::{Money, Offer};

use super::catalogue::Filter;
use super::docs;
use super::docs::search;
use super::query::Query;
use super::workload::Workload;

/// The address of the table of models that a query means, in its own order.
#[must_use]
pub fn table_address(query: &str) -> String {
    Filter::read(query).own_address()
}

/// What the workload of a query costs at an offer: one request, and all of them.
#[must_use]
pub fn workload_cost(query: &str, offer: &Offer, at: i64) -> (Option<Money>, Option<Money>) {
    let workload = Workload::read(&Query::read(query));
    (workload.one(offer, at), workload.all(offer, at))
}

/// The addresses that a search in the documentation finds.
#[must_use]
pub fn found(query: &str) -> Vec<String> {
    let query = Query::read(query);
    let found = search::find(query.text("q").unwrap_or_default(), "https://vane.example");
    found.into_iter().map(|one| one.href).collect()
}

/// A page of the documentation and its Markdown twin, from a text that stands in `file`.
#[must_use]
pub fn document(file: &str, text: &str) -> (String, String) {
    docs::written(file, text, "https://vane.example")
}
