//! Seals: how reasoning state of one provider travels through a client of another dialect.
//!
//! The gateway gives the state to the client encrypted, as the `signature` or
//! `encrypted_content` of the client's dialect, and reads it back on the next turn. Nothing is
//! kept on the server. The cryptography belongs to the caller of this crate.

use crate::block::State;

/// Every sealed text begins with this, so that a byte scan of a body can tell whether it must be
/// opened before it may travel.
pub const PREFIX: &str = "vane1.";

pub trait Seal: Send + Sync {
    /// Seals `state` and the reasoning `text` it belongs to (some clients do not send the text
    /// back).
    fn seal(&self, state: &State, text: &str) -> String;
    /// Opens what [`Seal::seal`] made: the state and its text; `None` if it is not ours.
    fn open(&self, sealed: &str) -> Option<(State, String)>;
}

/// A seal for tests and tools: readable, not secret.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Seal for Plain {
    fn seal(&self, state: &State, text: &str) -> String {
        let fields = (
            state.dialect.name(),
            state.provider.as_deref(),
            state.id.as_deref(),
            state.redacted,
            &state.data,
            text,
        );
        format!(
            "{PREFIX}{}",
            serde_json::to_string(&fields).unwrap_or_default()
        )
    }

    fn open(&self, sealed: &str) -> Option<(State, String)> {
        type Fields = (String, Option<String>, Option<String>, bool, String, String);
        let (dialect, provider, id, redacted, data, text): Fields =
            serde_json::from_str(sealed.strip_prefix(PREFIX)?).ok()?;
        let dialect = crate::Dialect::from_name(&dialect)?;
        Some((
            State {
                dialect,
                provider,
                id,
                redacted,
                data,
            },
            text,
        ))
    }
}
