//! What a command needs of the configuration and of the database.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use vane_ledger::{Account, Clock, KeyRecord, Secret, Store};

use super::{Failure, terminal};
use crate::config::{Config, Environment, Reading};

/// The file that is read when none is named.
const USUAL_FILE: &str = "vane.toml";

/// What must hold of a configuration before the books can be asked.
const BOOKS: [&str; 3] = ["database", "secret", "journal"];
/// What links lead to.
const ORIGIN: [&str; 4] = ["listen", "hosts", "tls", "site"];
/// The folder of weights usually lies beside the database.
const WEIGHTS: [&str; 3] = ["weights", "outbound", "database"];

pub(super) struct Settings<'e> {
    named: Option<PathBuf>,
    /// Whether the usual file was there once. From then on it has to be.
    seen: Cell<bool>,
    environment: &'e Environment,
}

impl<'e> Settings<'e> {
    pub(super) fn new(path: Option<PathBuf>, environment: &'e Environment) -> Self {
        let named = path.or_else(|| environment.get("VANE_CONFIG").map(PathBuf::from));
        Self {
            named,
            seen: Cell::default(),
            environment,
        }
    }

    /// The file, which is looked for anew: it may have been written since the start. What has its
    /// name and cannot be read, such as a folder, is a problem rather than no file.
    fn path(&self) -> Option<&Path> {
        if self.named.is_some() {
            return self.named.as_deref();
        }
        let usual = Path::new(USUAL_FILE);
        if usual.symlink_metadata().is_ok() {
            self.seen.set(true);
        }
        self.seen.get().then_some(usual)
    }

    pub(super) fn read(&self) -> Reading {
        Config::read(self.path(), self.environment)
    }

    /// The configuration, its warnings said.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        told(self.read())
    }

    /// The same for a command that asks the books alone: a key must be revoked also where the
    /// variable of a provider's key is not set.
    pub(super) fn books(&self) -> Result<Config, Failure> {
        told(self.read().for_keys(&BOOKS))
    }

    /// The same for one that also says where to go.
    pub(super) fn books_and_origin(&self) -> Result<Config, Failure> {
        told(self.read().for_keys(&[&BOOKS[..], &ORIGIN].concat()))
    }

    /// The same for one that also needs this table.
    pub(super) fn books_and(&self, table: &str) -> Result<Config, Failure> {
        told(self.read().for_keys(&[&BOOKS[..], &[table]].concat()))
    }

    /// For what lists models and calls none.
    pub(super) fn catalog(&self) -> Result<Config, Failure> {
        told(self.read().for_keys(&["catalog"]))
    }

    /// For commands of weights. What a `[[local]]` lacks is mostly what they are there to bring.
    pub(super) fn weights(&self) -> Result<Config, Failure> {
        told(self.read().without("local").for_keys(&WEIGHTS))
    }

    /// The database, which must be there.
    pub(super) fn store(&self) -> Result<Store, Failure> {
        open_existing(&self.books()?)
    }

    /// The database, which is made where there is none.
    pub(super) fn made_store(&self) -> Result<Store, Failure> {
        open(&self.books()?)
    }
}

/// What was read, its warnings said.
fn told(reading: Reading) -> Result<Config, Failure> {
    for warning in &reading.warnings {
        terminal::note(&format!("warning: {warning}"));
    }
    reading
        .config
        .ok_or(Failure::Configuration(reading.problems))
}

/// Opens a database that is there: one that is made because a path was mistyped proves nothing, and
/// may come to belong to the wrong user.
pub(super) fn open_existing(config: &Config) -> Result<Store, Failure> {
    if let Some(path) = config.database_file()
        && let Ok(false) = path.try_exists()
    {
        return Err(Failure::said(format!(
            "there is no database at {}: the first start of the server makes one, and so does \
             `vane account create`; `--config` or VANE_DATABASE leads to another",
            path.display()
        )));
    }
    open(config)
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
