//! Receipts that are older than they are kept: a thread removes them, a chunk at a time.
//!
//! Invariant: between two chunks nothing is held, so that calls are settled as ever and a stop or a
//! kill loses nothing. Of several replicas any may remove; where two meet, one chunk goes once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use vane_ledger::{LedgerError, Removal, Store};

use crate::chore::{Chore, Ended};
use crate::gateway::Gateway;

const EVERY: Duration = Duration::from_secs(3_600);
/// Receipts of one commit, about: whoever else writes waits no longer than for these.
pub(crate) const CHUNK: usize = 2_048;

/// Removes what is old enough, for as long as the chore lives.
///
/// # Errors
/// If its thread cannot be started.
pub fn start(gateway: Arc<Gateway>) -> io::Result<Chore> {
    Chore::start("removal", EVERY, move |ended| remove_old(&gateway, ended))
}

fn remove_old(gateway: &Gateway, ended: &Ended) {
    let config = &gateway.state().config;
    let Some(since) = config.receipts.kept_since(gateway.clock.now()) else {
        return;
    };
    let archive = |_: &Removal| Ok::<_, LedgerError>(());
    match remove(&gateway.store, since, archive, |_| !ended.is_told()) {
        Ok(0) => {}
        Ok(receipts) => tracing::info!(receipts, "receipts that were kept long enough went"),
        Err(error) => tracing::error!(%error, "old receipts cannot be removed"),
    }
}

/// Removes the receipts that were settled before `before`, each chunk after `archive` has it, for as
/// long as `goes_on` says so when told how many are gone. Says how many that are.
///
/// # Errors
/// When the database fails, what would go does not hold, or it cannot be archived. The chunks
/// before that are gone.
pub fn remove<E: From<LedgerError>>(
    store: &Store,
    before: i64,
    mut archive: impl FnMut(&Removal) -> Result<(), E>,
    mut goes_on: impl FnMut(u64) -> bool,
) -> Result<u64, E> {
    let mut gone = 0;
    while let Some(removal) = store.next_removal(before, CHUNK)? {
        archive(&removal)?;
        // Where somebody else was first, the next look begins where they are.
        if store.remove(&removal)? {
            gone += u64::try_from(removal.receipts().len()).unwrap_or_default();
        }
        if !goes_on(gone) {
            break;
        }
    }
    Ok(gone)
}
