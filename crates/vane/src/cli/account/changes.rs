//! `vane account changes`: who changed what.

use serde_json::{Value, json};

use crate::api::change_shown;
use crate::cli::settings::account;
use crate::cli::terminal::moment;
use crate::cli::{Failure, Settings, terminal};

pub(super) fn show(
    settings: &Settings<'_>,
    name: &str,
    limit: usize,
    json: bool,
) -> Result<(), Failure> {
    let store = settings.store()?;
    let changes = store.changes(account(&store, name)?.id, None, limit)?;
    if json {
        let rows: Vec<Value> = changes.iter().map(change_shown).collect();
        return terminal::print_json(&json!({ "changes": rows }));
    }
    let mut rows = vec![["AT", "BY", "WHAT", "OF", "DETAIL"].map(str::to_owned)];
    rows.extend(changes.iter().map(|change| {
        [
            moment(change.author.at),
            change
                .email
                .clone()
                .unwrap_or_else(|| "operator".to_owned()),
            change.what.clone(),
            change.subject.clone(),
            change.detail.to_string(),
        ]
    }));
    terminal::print(&terminal::table(&rows))
}
