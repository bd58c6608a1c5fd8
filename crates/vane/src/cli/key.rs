//! `vane key`: secrets of an account for API calls, and what they may do.
//!
//! A secret is printed once, when it is made, and to standard output alone.

mod show;
mod terms;

use serde_json::json;
use vane_ledger::{Author, KeyRecord, NewKey, Store};

use self::show::{as_json, list, print_record};
use self::terms::{Changes, Terms};
use super::settings::{account, find_key, no_key, now, open_existing};
use super::{Failure, Settings, member, terminal};
use crate::config::{Config, quantity};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Key {
    /// Make a key and print it, this once
    #[command(
        after_help = "Examples:\n  vane key create --account team --name ci\n  \
                            vane key create --account team --budget 5/day --rpm 60 \
                            --models codestral-latest --expires 30d --json\n  \
                            vane key create --account team --member ann@example.com"
    )]
    Create(Create),
    /// List the keys of an account, or all
    #[command(after_help = "Examples:\n  vane key list\n  vane key list --account team --json")]
    List {
        #[arg(long)]
        account: Option<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Change what a key may do; `none` takes a limit away
    #[command(
        after_help = "Examples:\n  vane key set 3kTMd0y1Aa --rpm 120 --tpm none\n  \
                            vane key set 3kTMd0y1Aa --budget 20/week --when-spent qwen-coder --json"
    )]
    Set {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        terms: Box<Terms>,
    },
    /// Replace the secret of a key and print the new one, this once; limits and budget stay
    #[command(after_help = "Examples:\n  vane key rotate 3kTMd0y1Aa\n  \
                            vane key rotate 3kTMd0y1Aa --overlap 0 --json")]
    Rotate {
        #[command(flatten)]
        which: Which,
        /// How long the old secret goes on working: 0, 12h, 7d
        #[arg(long, value_name = "TIME", default_value = "24h")]
        overlap: String,
    },
    /// End a key
    #[command(after_help = "Example:\n  vane key revoke 3kTMd0y1Aa")]
    Revoke {
        #[command(flatten)]
        which: Which,
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
    /// The member that the key acts for; without, it acts for nobody and manages nothing
    #[arg(long, value_name = "EMAIL")]
    member: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The id of the key, as `vane key list` shows it
    #[arg(value_name = "KEY")]
    id: String,
    /// Only if the key is one of this account
    #[arg(long)]
    account: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Key {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(settings),
            Self::List { account, json } => list(settings, account.as_deref(), *json),
            Self::Set { which, terms } => set(settings, which, terms),
            Self::Rotate { which, overlap } => rotate(settings, which, overlap),
            Self::Revoke { which } => revoke(settings, which),
        }
    }
}

impl Create {
    fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let changes = self.terms.read(now())?;
        let budget = changes.budget.flatten();
        let mut new = NewKey {
            name: self.name.clone(),
            budget,
            ..NewKey::default()
        };
        changes.apply(&mut new.limits);
        changes.check(&new.limits, settings)?;
        let config = settings.books()?;
        let store = open_existing(&config)?;
        let account = account(&store, &self.account)?;
        let member = self.member.as_deref();
        let member = member.map(|email| member::find(&store, &account, email));
        new.member = member.transpose()?.map(|member| member.id);
        let key = store.create_key(account.id, &new, now())?;
        doubt(&changes, &config);
        tell(&store, &key, None, self.json)
    }
}

/// Says what is odd about a change that was made.
fn doubt(changes: &Changes, config: &Config) {
    for doubt in changes.doubts(config) {
        terminal::note(&format!("warning: {doubt}"));
    }
}

fn set(settings: &Settings<'_>, which: &Which, terms: &Terms) -> Result<(), Failure> {
    let changes = terms.read(now())?;
    if changes.is_empty() {
        let said = "nothing to change: name a limit, such as --rpm 60 or --rpm none";
        return Err(Failure::said(said));
    }
    let config = settings.books()?;
    let store = open_existing(&config)?;
    let key = which.find(&store)?;
    let mut limits = key.limits.clone();
    changes.apply(&mut limits);
    changes.check(&limits, settings)?;
    store.change_key(&Author::operator(now()), key.account, &key.id, |terms| {
        changes.apply(&mut terms.limits);
        if let Some(budget) = changes.budget {
            terms.budget = budget;
        }
    })?;
    doubt(&changes, &config);
    let key = which.find(&store)?;
    print_record(&store, &key, which.json)
}

fn rotate(settings: &Settings<'_>, which: &Which, overlap: &str) -> Result<(), Failure> {
    let seconds =
        quantity::plain_duration(overlap).and_then(|time| i64::try_from(time.as_secs()).ok());
    let seconds = seconds.ok_or_else(|| {
        Failure::said("--overlap must be 0, or a time with its unit, such as 12h or 7d")
    })?;
    let store = settings.store()?;
    let old = which.find(&store)?;
    let key = store.rotate_key(old.account, &old.id, seconds, now())?;
    tell(&store, &key, Some(&old.id), which.json)?;
    if seconds == 0 {
        terminal::note(&format!("the key {} no longer works", old.id));
    } else {
        terminal::note(&format!("the key {} works for {overlap} more", old.id));
    }
    Ok(())
}

fn revoke(settings: &Settings<'_>, which: &Which) -> Result<(), Failure> {
    let store = settings.store()?;
    let key = which.find(&store)?;
    store.revoke_key(key.account, &key.id, now())?;
    if which.json {
        print_record(&store, &which.find(&store)?, true)?;
    } else {
        terminal::note(&format!("key {} is revoked", key.id));
    }
    let keys = store.list_keys(key.account)?;
    let others = keys
        .iter()
        .filter(|one| one.lineage == key.lineage && one.works_at(now()));
    for other in others {
        let id = &other.id;
        let said = format!("key {id} of the same rotation still works: `vane key revoke {id}`");
        terminal::note(&said);
    }
    Ok(())
}

/// Prints a secret, the only time that it can be.
fn tell(
    store: &Store,
    key: &vane_ledger::Key,
    replaces: Option<&str>,
    json: bool,
) -> Result<(), Failure> {
    if !json {
        terminal::print(&format!("{}\n", key.expose()))?;
        terminal::note("this is the only time that the key is shown");
        return Ok(());
    }
    let mut told = as_json(store, &find_key(store, key.id())?)?;
    told["key"] = key.expose().into();
    if let Some(old) = replaces {
        told["replaces"] = json!(old);
    }
    terminal::print_json(&told)
}

impl Which {
    fn find(&self, store: &Store) -> Result<KeyRecord, Failure> {
        let key = find_key(store, &self.id)?;
        let account = self.account.as_deref().map(|name| account(store, name));
        match account.transpose()? {
            Some(account) if account.id != key.account => Err(no_key(&key.id)),
            _ => Ok(key),
        }
    }
}
