//! What a run cost, as its page shows it.
//!
//! Invariant: it is read from the receipt, when everything answered before is in the books.

use crate::api::receipt_shown;
use crate::gateway::Gateway;
use crate::site::times::Times;
use std::sync::Arc;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::AccountId;
use vane_ledger::book::{Attempt, Line, Receipt};

const PATIENCE: Duration = Duration::from_secs(5);

/// A receipt in words.
pub(crate) struct Bill {
    pub(crate) id: String,
    pub(crate) lines: Vec<BillLine>,
    pub(crate) total: String,
    pub(crate) times: Times,
    /// Those that failed before somebody answered.
    pub(crate) failed: Vec<String>,
}

pub(crate) struct BillLine {
    pub(crate) provider: String,
    pub(crate) bucket: String,
    pub(crate) quantity: String,
    pub(crate) price: String,
    pub(crate) amount: String,
}

/// The receipt of a call of an account.
pub(super) async fn find(
    gateway: &Arc<Gateway>,
    account: AccountId,
    call: &str,
) -> Result<Option<Receipt>, Fault> {
    let away = || {
        let message = "the receipt cannot be read at present: try again in a moment";
        Fault::new(Kind::Unavailable, Blame::Us, message)
    };
    gateway
        .replica
        .caught_up(PATIENCE)
        .await
        .map_err(|_| away())?;
    let (store, call) = (gateway.store.clone(), call.to_owned());
    let found = tokio::task::spawn_blocking(move || store.receipt(Some(account), &call));
    found.await.map_err(|_| away())?.map_err(|_| away())
}

impl Bill {
    pub(super) fn of(receipt: &Receipt) -> Self {
        let attempts = &receipt.settlement.attempts;
        let lines = attempts.iter().flat_map(|attempt| {
            let lines = attempt.lines.iter();
            lines.map(|line| BillLine::of(attempt, line))
        });
        let failed = attempts.iter().filter(|attempt| !attempt.fault.is_empty());
        // Unique on a page where two models were asked.
        let id = receipt.settlement.call.replace('_', "-");
        Self {
            id: receipt.settlement.call.clone(),
            lines: lines.collect(),
            total: format!("${}", receipt.charged),
            times: Times::of(&receipt_shown(receipt), &id),
            failed: failed
                .map(|attempt| format!("{}: {}", attempt.provider, attempt.fault))
                .collect(),
        }
    }
}

impl BillLine {
    fn of(attempt: &Attempt, line: &Line) -> Self {
        Self {
            provider: attempt.provider.clone(),
            bucket: line.bucket.replace('_', " "),
            quantity: line.quantity.to_string(),
            price: format!("${}", line.price),
            amount: format!("${}", line.amount().unwrap_or_default()),
        }
    }
}
