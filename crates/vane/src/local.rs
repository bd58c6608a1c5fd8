//! Models that run on this machine: for each a child process ([`crate::engine`]), started when
//! somebody asks for it and unloaded when nobody does.
//!
//! Invariants: a call waits for a child for a bounded time and then tries elsewhere; nothing here
//! blocks a worker; a child never outlives its gateway.

mod child;
mod life;
mod runner;
mod terms;

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::UnixStream;

use crate::config::{Config, Engine};
pub(crate) use child::describe;
use runner::Runner;

/// The id of the provider whose models run here.
pub const PROVIDER: &str = "local";
/// The model that is part of the program, where it was built so.
pub const TINY: &str = "vane-tiny";
/// Of the addresses of its models: `local://ID/v1/completions`.
pub(crate) const SCHEME: &str = "local";
/// The header that says whose prompt it is: only prompts of one account share what was computed.
pub(crate) const REALM: &str = "vane-realm";

/// The children of this process, by the ids of their models.
#[derive(Default)]
pub struct Fleet {
    runners: Mutex<BTreeMap<String, Arc<Runner>>>,
}

impl Fleet {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let fleet = Self::default();
        fleet.follow(config);
        fleet
    }

    /// Retires children whose models are no more or are to run otherwise: their answers may end within
    /// the drain's time, while the next calls go to others.
    pub fn follow(&self, config: &Config) {
        let before = self.runners().clone();
        let mut after = BTreeMap::new();
        for local in &config.local {
            let kept = before.get(&local.id).cloned();
            let kept = kept.filter(|runner| runner.runs_as(local, &config.engine));
            let anew = || Arc::new(Runner::new(local.clone(), config.engine.clone()));
            let runner = kept.unwrap_or_else(anew);
            runner.follow(local, &config.engine);
            if local.preload {
                runner.begin();
            }
            after.insert(local.id.clone(), runner);
        }
        let is_kept = |runner: &Arc<Runner>| after.values().any(|kept| Arc::ptr_eq(kept, runner));
        let gone: Vec<_> = before.into_values().filter(|one| !is_kept(one)).collect();
        *self.runners() = after;
        for runner in gone {
            runner.retire(config.timeouts.drain);
        }
    }

    /// A connection to the child that runs a model, which is started if it must be, and its process.
    pub(crate) async fn connect(&self, id: &str) -> Result<(UnixStream, u32), String> {
        let wait = self.runner(id)?.wait();
        let connected = tokio::time::timeout(wait, self.connected(id)).await;
        connected.unwrap_or_else(|_| Err(format!("its model was not loaded within {wait:?}")))
    }

    async fn connected(&self, id: &str) -> Result<(UnixStream, u32), String> {
        loop {
            // Where another one has taken its place meanwhile, that one is asked.
            if let Some(connected) = self.runner(id)?.connected().await? {
                return Ok(connected);
            }
        }
    }

    fn runner(&self, id: &str) -> Result<Arc<Runner>, String> {
        let runner = self.runners().get(id).cloned();
        runner.ok_or_else(|| format!("no model `{id}` runs here any more"))
    }

    /// The process that runs a model now.
    #[must_use]
    pub fn process_of(&self, id: &str) -> Option<u32> {
        self.runners().get(id)?.process()
    }

    fn runners(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Runner>>> {
        self.runners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a new child is to be reached: in a folder of its own that only this user can look into, and
/// that nobody can have made before, as its name is drawn.
fn address() -> io::Result<PathBuf> {
    let drawn = RandomState::new().hash_one(std::process::id());
    let folder = std::env::temp_dir().join(format!("vane-{drawn:x}"));
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder.join("socket"))
}

/// The program that children run: this one, even if its file was replaced since.
fn program(engine: &Engine) -> io::Result<PathBuf> {
    let own = Path::new("/proc/self/exe");
    match &engine.program {
        Some(program) => Ok(program.clone()),
        None if own.exists() => Ok(own.to_owned()),
        None => std::env::current_exe(),
    }
}
