//! Seals reasoning state for its way through a client: encrypted under this gateway's secret and
//! bound to the account, so that nothing is kept on the server and no tenant reads another's.

use std::borrow::Cow;
use std::sync::Arc;
use vane_dialect::Dialect;
use vane_dialect::block::State;
use vane_dialect::seal::{PREFIX, Seal};
use vane_ledger::Sealer;

type Fields<'a> = (
    Cow<'a, str>,
    Option<String>,
    Option<String>,
    bool,
    Cow<'a, str>,
    Cow<'a, str>,
);

/// The seal of one account: what it sealed opens for no other.
pub struct StateSeal {
    sealer: Arc<Sealer>,
    account: String,
}

impl StateSeal {
    #[must_use]
    pub fn new(sealer: Arc<Sealer>, account: impl std::fmt::Display) -> Self {
        Self {
            sealer,
            account: account.to_string(),
        }
    }
}

impl Seal for StateSeal {
    fn seal(&self, state: &State, text: &str) -> String {
        let fields: Fields<'_> = (
            state.dialect.name().into(),
            state.provider.clone(),
            state.id.clone(),
            state.redacted,
            state.data.as_str().into(),
            text.into(),
        );
        let plain = serde_json::to_vec(&fields).unwrap_or_default();
        // Without randomness there is no seal; the state is then lost, never shown.
        self.sealer
            .seal(&plain, self.account.as_bytes())
            .unwrap_or_default()
    }

    fn open(&self, sealed: &str) -> Option<(State, String)> {
        if !sealed.starts_with(PREFIX) {
            return None;
        }
        let plain = self.sealer.open(sealed, self.account.as_bytes()).ok()?;
        let (dialect, provider, id, redacted, data, text): Fields<'_> =
            serde_json::from_slice(&plain).ok()?;
        let dialect = Dialect::from_name(&dialect)?;
        let state = State {
            dialect,
            provider,
            id,
            redacted,
            data: data.into_owned(),
        };
        Some((state, text.into_owned()))
    }
}
