//! What a command needs of the configuration and of the database.

use std::path::{Path, PathBuf};

use vane_ledger::{Account, Clock, KeyRecord, Secret, Store};

use super::{Failure, terminal};
use crate::config::{Config, Environment, Reading};

/// The file that is read when none is named.
const USUAL_FILE: &str = "vane.toml";

pub(super) struct Settings<'e> {
    path: Option<PathBuf>,
    environment: &'e Environment,
}

impl<'e> Settings<'e> {
    pub(super) fn new(path: Option<PathBuf>, environment: &'e Environment) -> Self {
        let named = path.or_else(|| environment.get("VANE_CONFIG").map(PathBuf::from));
        let usual = || {
            Path::new(USUAL_FILE)
                .is_file()
                .then(|| PathBuf::from(USUAL_FILE))
        };
        Self {
            path: named.or_else(usual),
            environment,
        }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) fn read(&self) -> Reading {
        Config::read(self.path(), self.environment)
    }

    /// The configuration, its warnings said.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let reading = self.read();
        for warning in &reading.warnings {
            terminal::note(&format!("warning: {warning}"));
        }
        reading
            .config
            .ok_or(Failure::Configuration(reading.problems))
    }

    pub(super) fn store(&self) -> Result<Store, Failure> {
        open(&self.config()?)
    }
}

pub(super) fn open(config: &Config) -> Result<Store, Failure> {
    Ok(match &config.secret {
        Some(secret) => Store::open_with(
            &config.database.0,
            Secret::from_hex(&secret.0, "VANE_SECRET")?,
        )?,
        None => Store::open(&config.database.0)?,
    })
}

pub(super) fn now() -> i64 {
    Clock::System.now()
}

pub(super) fn account(store: &Store, name: &str) -> Result<Account, Failure> {
    store.find_account(name)?.ok_or_else(|| {
        Failure::said(format!(
            "there is no account {name:?}; `vane account list` shows them"
        ))
    })
}

/// A key by its id, or as people hold it: whole or masked, it has its id in it.
pub(super) fn find_key(store: &Store, key: &str) -> Result<KeyRecord, Failure> {
    let held = key.strip_prefix("sk-vane-");
    let id = held.map_or(key, |rest| rest.split('-').next().unwrap_or(rest));
    store.find_key(id)?.ok_or_else(|| no_key(id))
}

pub(super) fn no_key(id: &str) -> Failure {
    Failure::said(format!(
        "there is no key {id:?}; `vane key list` shows them"
    ))
}
