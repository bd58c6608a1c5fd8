//! Who pays, how durably, in which database: what the cost of the books may depend on.
//!
//! Accounts and keys are made once, with Vane's own commands. Of a SQLite file every run gets a
//! copy, so that no run pays for the rows of another; a PostgreSQL database is used again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::bench::cell::Bench;
use crate::bench::gateway::{command, new_key};
use crate::bench::workload::{OPENAI_MODEL, Workload};

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    durability: &'static str,
    database: Database,
    payers: Payers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    Sqlite,
    /// The one that the benchmark was given.
    Postgres,
}

#[derive(Debug, Clone, Copy)]
enum Payers {
    /// One account that needs no balance, with a key that has no budget.
    Metered,
    /// So many accounts with a balance, each with one key that has a budget.
    Prepaid(usize),
}

const HOT: Variant = Variant {
    name: "crash, one prepaid account, budget",
    durability: "crash",
    database: Database::Sqlite,
    payers: Payers::Prepaid(1),
};

pub(crate) const VARIANTS: &[Variant] = &[
    Variant {
        name: "crash, one metered account",
        payers: Payers::Metered,
        ..HOT
    },
    HOT,
    Variant {
        name: "crash, 1,000 prepaid accounts, budgets",
        payers: Payers::Prepaid(1000),
        ..HOT
    },
    Variant {
        name: "power, one prepaid account, budget",
        durability: "power",
        ..HOT
    },
    Variant {
        name: "PostgreSQL, crash, one prepaid account, budget",
        database: Database::Postgres,
        ..HOT
    },
    Variant {
        name: "PostgreSQL, power, one prepaid account, budget",
        database: Database::Postgres,
        durability: "power",
        ..HOT
    },
];

/// The model whose streams are paced.
pub(crate) const PACED_MODEL: &str = "bench-paced";
/// More than any run can spend, and of a thousand accounts no more than the books can hold.
const CREDIT: &str = "5000";
const BUDGET: &str = "4000/month";
/// All variants and runs share the one PostgreSQL that the benchmark is given for itself; a secret in
/// each one's folder would be another's.
const SHARED_SECRET: &str = "62656e6368206f66207468652062656e6368206f66207468652062656e636820";

impl Variant {
    /// Syncing before the last byte has a bar of its own: what a call costs in all.
    pub(crate) fn is_judged_by_proxy(&self, workload: &Workload) -> bool {
        self.durability == "power" && workload.name == "A"
    }

    /// Whether this is how Vane keeps its books unless told otherwise.
    pub(crate) fn is_default(&self) -> bool {
        self.durability == "crash"
    }

    /// A folder for its accounts, where it can run here; else why it cannot.
    pub(crate) fn place(
        &'static self,
        bench: &Bench,
        postgres: Option<&str>,
    ) -> Result<Result<Place, String>> {
        let database = match (self.database, postgres) {
            (Database::Sqlite, _) => "sqlite:vane.db",
            (Database::Postgres, Some(address)) => address,
            (Database::Postgres, None) => return Ok(Err("no database is named".to_owned())),
        };
        let database = database.to_owned();
        let folder = bench.folder.join(self.name.replace([' ', ','], "-"));
        std::fs::create_dir_all(&folder)?;
        let place = Place { folder, database };
        self.configure(&place.folder, &place.database, 1, [2, 3])?;
        let checked = command(&bench.programs.vane, &place.folder, &["check"]);
        match (self.database, checked) {
            (Database::Postgres, Err(why)) => Ok(Err(format!("{why:#}"))),
            (_, checked) => checked.map(|_| Ok(place)),
        }
    }

    /// Writes the configuration of a run in `folder`, where it is also started.
    fn configure(
        &self,
        folder: &Path,
        database: &str,
        port: u16,
        upstreams: [u16; 2],
    ) -> Result<()> {
        let toml = self.toml(database, port, upstreams);
        Ok(std::fs::write(folder.join("vane.toml"), toml)?)
    }

    fn toml(&self, database: &str, port: u16, upstreams: [u16; 2]) -> String {
        let durability = self.durability;
        let [at_once, paced] = upstreams;
        let secret = match self.database {
            Database::Sqlite => String::new(),
            Database::Postgres => format!("secret = \"{SHARED_SECRET}\"\n"),
        };
        format!(
            r#"listen = "127.0.0.1:{port}"
database = "{database}"
{secret}journal = "journal"
durability = "{durability}"

[[provider]]
id = "lab"
dialect = "openai"
base_url = "http://127.0.0.1:{at_once}/v1"
models = [{{ id = "{OPENAI_MODEL}", upstream = "bench", input = "1", output = "2" }}]

[[provider]]
id = "slow"
dialect = "openai"
base_url = "http://127.0.0.1:{paced}/v1"
models = [{{ id = "{PACED_MODEL}", upstream = "bench", input = "1", output = "2" }}]
"#
        )
    }
}

/// Where the accounts of a variant are.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    database: String,
}

/// A variant with its accounts and keys.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) variant: &'static Variant,
    pub(crate) keys: Vec<String>,
    place: Place,
}

impl Prepared {
    pub(crate) fn new(variant: &'static Variant, place: Place, bench: &Bench) -> Result<Self> {
        let folder = &place.folder;
        let vane = &bench.programs.vane;
        let (accounts, opening, budget): (_, &[&str], &[&str]) = match variant.payers {
            Payers::Metered => (1, &[], &[]),
            Payers::Prepaid(accounts) => (accounts, &["--prepaid", CREDIT], &["--budget", BUDGET]),
        };
        let mut keys = Vec::new();
        for number in 0..accounts {
            // Of runs and variants that use one database, each has accounts of its own.
            let (run, durability) = (std::process::id(), variant.durability);
            let name = format!("bench-{run}-{durability}-{number}");
            let create = ["account", "create", &name];
            command(vane, folder, &[&create, opening].concat())?;
            keys.push(new_key(vane, folder, &name, budget)?);
        }
        Ok(Self {
            variant,
            keys,
            place,
        })
    }

    /// The folder of one run: a copy, or the one there is where the database cannot be copied.
    pub(crate) fn home(&self, copy: PathBuf) -> Result<PathBuf> {
        if self.variant.database == Database::Postgres {
            return Ok(self.place.folder.clone());
        }
        if copy.exists() {
            std::fs::remove_dir_all(&copy)?;
        }
        std::fs::create_dir_all(&copy)?;
        for entry in std::fs::read_dir(&self.place.folder)? {
            let entry = entry?;
            std::fs::copy(entry.path(), copy.join(entry.file_name()))?;
        }
        Ok(copy)
    }

    /// Writes the configuration of a run in its folder.
    pub(crate) fn configure(&self, home: &Path, port: u16, upstreams: [u16; 2]) -> Result<()> {
        let database = &self.place.database;
        self.variant.configure(home, database, port, upstreams)
    }

    /// Bytes of the database in a folder; nothing where it is not there.
    pub(crate) fn database_bytes(&self, home: &Path) -> Result<Option<u64>> {
        if self.variant.database == Database::Postgres {
            return Ok(None);
        }
        let file = std::fs::metadata(home.join("vane.db")).context("the database")?;
        Ok(Some(file.len()))
    }

    /// One request for each key, all of one length.
    pub(crate) fn requests(&self, workload: &Workload) -> Result<Vec<u8>> {
        let requests: Vec<_> = self.keys.iter().map(|key| workload.request(key)).collect();
        let even = requests.windows(2).all(|two| two[0].len() == two[1].len());
        ensure!(even, "keys of different lengths");
        Ok(requests.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_configured_in_toml_that_parses() {
        for variant in VARIANTS {
            let toml = variant.toml("sqlite:x.db", 4000, [5000, 6000]);
            let written: toml::Table = toml.parse().unwrap();
            assert_eq!(written["durability"].as_str(), Some(variant.durability));
            assert_eq!(written["journal"].as_str(), Some("journal"));
            let providers = written["provider"].as_array().unwrap();
            assert_eq!(
                providers[1]["base_url"].as_str(),
                Some("http://127.0.0.1:6000/v1")
            );
            let same = VARIANTS.iter().filter(|it| it.name == variant.name);
            assert_eq!(same.count(), 1, "{}", variant.name);
        }
    }
}
