//! `vane key`: secrets of an account for API calls.

use serde_json::{Value, json};
use vane_ledger::{KeyRecord, Limits, NewKey};

use super::settings::{account, now};
use super::{Failure, Settings, terminal};
use crate::config::quantity;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Key {
    /// Make a key and print it, this once
    #[command(
        after_help = "Examples:\n  vane key create --account team --name ci\n  \
                            vane key create --account team --models codestral-latest \
                            --expires 30d --json"
    )]
    Create(Create),
    /// List the keys of an account
    #[command(after_help = "Example:\n  vane key list --account team")]
    List {
        #[arg(long)]
        account: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// End a key
    #[command(after_help = "Example:\n  vane key revoke --account team 3kTMd0y1Aa")]
    Revoke {
        #[arg(long)]
        account: String,
        /// The id of the key, as `vane key list` shows it
        id: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    /// The account that pays for its calls
    #[arg(long)]
    account: String,
    /// What the key is for
    #[arg(long, default_value = "key")]
    name: String,
    /// The only models it may use, separated by commas
    #[arg(long, value_delimiter = ',')]
    models: Option<Vec<String>>,
    /// When it ends, from now: 12h, 30d
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// What it may spend; not built yet
    #[arg(long, value_name = "USD/PERIOD")]
    budget: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Key {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(settings),
            Self::List { account, json } => list(settings, account, *json),
            Self::Revoke { account: name, id } => {
                let store = settings.store()?;
                store.revoke_key(account(&store, name)?.id, id, now())?;
                terminal::note(&format!("key {id} is revoked"));
                Ok(())
            }
        }
    }
}

impl Create {
    fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        // Accepted and ignored, a budget would let a key spend without end.
        if self.budget.is_some() {
            let said = "--budget is not built yet: calls do not hold money; leave it out";
            return Err(Failure::said(said));
        }
        let expires_at = self
            .expires
            .as_deref()
            .map(|time| after(now(), time))
            .transpose()?;
        let new = NewKey {
            name: self.name.clone(),
            limits: Limits {
                models: self.models.clone(),
                expires_at,
                ..Limits::default()
            },
            budget: None,
        };
        let store = settings.store()?;
        let account = account(&store, &self.account)?;
        let key = store.create_key(account.id, &new, now())?;
        if self.json {
            let (text, id) = (key.expose(), key.id());
            return terminal::print_json(
                &json!({ "key": text, "id": id, "account": account.name }),
            );
        }
        terminal::print(&format!("{}\n", key.expose()))?;
        terminal::note("this is the only time that the key is shown");
        Ok(())
    }
}

/// The second that lies `time` after `now`.
fn after(now: i64, time: &str) -> Result<i64, Failure> {
    let time = quantity::duration(time).filter(|time| time.as_secs() > 0);
    let seconds = time.and_then(|time| i64::try_from(time.as_secs()).ok());
    seconds
        .and_then(|seconds| now.checked_add(seconds))
        .ok_or_else(|| Failure::said("--expires must be a time from now, such as 12h or 30d"))
}

fn list(settings: &Settings<'_>, name: &str, json: bool) -> Result<(), Failure> {
    let store = settings.store()?;
    let keys = store.list_keys(account(&store, name)?.id)?;
    let now = now();
    if json {
        let rows: Vec<Value> = keys.iter().map(|key| as_json(key, now)).collect();
        return terminal::print_json(&json!({ "keys": rows }));
    }
    let mut rows = vec![["ID", "NAME", "STATE", "MODELS"].map(str::to_owned)];
    rows.extend(keys.into_iter().map(|key| {
        let state = state(&key, now).to_owned();
        let models = key
            .limits
            .models
            .map_or("all".to_owned(), |models| models.join(","));
        [key.id, key.name, state, models]
    }));
    terminal::print(&terminal::table(&rows))
}

fn state(key: &KeyRecord, now: i64) -> &'static str {
    match (key.revoked_at, key.limits.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        (None, _) => "active",
    }
}

fn as_json(key: &KeyRecord, now: i64) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "state": state(key, now),
        "models": key.limits.models,
        "created_at": key.created_at,
        "expires_at": key.limits.expires_at,
        "revoked_at": key.revoked_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_from_now() {
        assert_eq!(after(100, "30d").unwrap(), 100 + 30 * 86_400);
        for time in ["0", "", "300ms", "tomorrow", "-1d", "99999999999999999d"] {
            assert!(after(100, time).is_err(), "{time}");
        }
    }
}
