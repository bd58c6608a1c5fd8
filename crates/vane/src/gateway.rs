//! The long-lived parts of a running gateway.

use crate::chronicle::Chronicle;
use crate::config::{Config, Secret};
use crate::limits::{Arrivals, Shared, Traffic};
use crate::local::Fleet;
use crate::people::Gate;
use crate::playground::{self, Guests, Runs};
use crate::relay::Bodies;
use crate::server::Ids;
use crate::site::{Gallery, Shelf};
use crate::telemetry::Telemetry;
use crate::tokens::Tokenizers;
use crate::upstream::Offers;
use arc_swap::ArcSwap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, Mutex, PoisonError};
use vane_catalog::Catalog;
use vane_ledger::replica::Settings;
use vane_ledger::{AccountId, Caller, Clock, KeyRing, Limits, Purpose, Replica, Sealer, Store};

/// Each costs a reading of its body and a hash.
const DELIVERIES_PER_SECOND: u32 = 100;
/// More is a script that has run away.
const CHANGES_PER_MINUTE: u32 = 120;
/// Each costs a request to the provider of payments.
const TOP_UPS_PER_MINUTE: u32 = 30;

pub struct Gateway {
    /// What a reload replaces, all at once.
    state: ArcSwap<State>,
    /// Held by who replaces it: what is new depends on what is there.
    renewal: Mutex<()>,
    /// The models that run on this machine.
    pub fleet: Arc<Fleet>,
    pub store: Store,
    pub ring: Arc<KeyRing>,
    pub replica: Replica,
    pub sealer: Arc<Sealer>,
    pub clock: Clock,
    pub telemetry: Telemetry,
    pub traffic: Traffic,
    /// What is held of the bodies of requests.
    pub bodies: Arc<Bodies>,
    /// Deliveries to the webhook by address, and top-ups by account.
    pub deliveries: Arrivals<IpAddr>,
    pub top_ups: Arrivals<AccountId>,
    /// What bounds signing in.
    pub people: Gate,
    /// Changes of an account and its keys by its members.
    pub changes: Arrivals<AccountId>,
    pub guests: Guests,
    /// The seal of runs that may be kept as examples.
    pub runs: Runs,
    /// Runs that the operator shows.
    pub gallery: Gallery,
    /// What offers did, for pages.
    pub chronicle: Chronicle,
    /// No new calls are taken: the process is about to stop.
    pub draining: AtomicBool,
    /// The drain's time is over: what still runs ends through no fault of its client's.
    pub cut: AtomicBool,
    /// Whoever stops the process does not want to wait for the drain.
    pub hurry: tokio::sync::watch::Sender<bool>,
    /// Retries that may still be made, in hundredths; every call pays a little in.
    pub retry_budget: AtomicI64,
    ids: Ids,
    /// The first account, for when authentication is off.
    open_caller: Option<Arc<Caller>>,
}

/// The parts that follow from the configuration.
pub struct State {
    pub config: Config,
    pub catalog: Catalog,
    pub offers: Offers,
    pub tokenizers: Arc<Tokenizers>,
    /// Pages that were written from these.
    pub shelf: Shelf,
}

impl State {
    /// With the keys of providers that are kept in the database.
    ///
    /// # Errors
    /// With the reason why the configuration cannot be put to work, or a key not be read.
    pub fn with_kept_keys(config: Config, store: &Store) -> anyhow::Result<Self> {
        let keys = store.provider_keys()?.into_iter();
        let keys = keys.map(|(id, key)| (id, Secret(key))).collect();
        Self::new(config.with_kept_keys(keys))
    }

    /// # Errors
    /// With the reason why the configuration cannot be put to work.
    pub fn new(config: Config) -> anyhow::Result<Self> {
        let catalog = crate::config::catalog(&config)?;
        let offers = Offers::new(&config, &catalog)?;
        Ok(Self {
            tokenizers: Arc::new(Tokenizers::new(&config.weights, &config.local)),
            config,
            catalog,
            offers,
            shelf: Shelf::default(),
        })
    }
}

impl Gateway {
    /// # Errors
    /// If the keys cannot be read, or what the last process left cannot be settled.
    pub fn new(
        state: State,
        store: Store,
        clock: Clock,
        telemetry: Telemetry,
    ) -> anyhow::Result<Self> {
        let ring = Arc::new(KeyRing::open(&store)?);
        let accounts = store.list_accounts()?.into_iter();
        let theirs = accounts.filter(|account| account.name != playground::GUEST);
        // The one that was made first, so that no name of a later one moves the calls to it.
        let first = theirs.min_by_key(|account| account.id);
        let open_caller = first.map(|account| {
            Arc::new(Caller {
                key_id: "open".to_owned(),
                key_name: "open".to_owned(),
                account_id: account.id,
                account_name: account.name,
                kind: account.kind,
                budget: None,
                frozen: false,
                limits: Limits::default(),
                acting: None,
            })
        });
        let journal = Settings {
            journal: state.config.journal.clone(),
            durability: state.config.durability,
            ..Settings::default()
        };
        let replica = Replica::open(&store, &journal, clock.clone())?;
        let sealer = Arc::new(store.sealer(Purpose::Seal)?);
        let shared = match &state.config.shared_limits {
            Some(limits) => Some(Arc::new(Shared::start(
                limits,
                &state.config.outbound,
                &clock,
            )?)),
            None => None,
        };
        let traffic = Traffic::new(state.config.limits.concurrent_per_key_max, shared.clone());
        Ok(Self {
            fleet: Arc::new(Fleet::new(&state.config)),
            state: ArcSwap::from_pointee(state),
            renewal: Mutex::new(()),
            guests: Guests::new(&store, shared.as_ref())?,
            runs: Runs::new(&store)?,
            gallery: Gallery::default(),
            chronicle: Chronicle::default(),
            store,
            ring,
            replica,
            sealer,
            clock,
            telemetry,
            traffic,
            deliveries: Arrivals::new(DELIVERIES_PER_SECOND, 1),
            top_ups: Arrivals::new(TOP_UPS_PER_MINUTE, 60),
            people: Gate::new(shared.as_ref()),
            changes: Arrivals::new(CHANGES_PER_MINUTE, 60),
            draining: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            hurry: tokio::sync::watch::Sender::new(false),
            bodies: Arc::default(),
            retry_budget: AtomicI64::new(crate::relay::RETRY_BUDGET_START),
            ids: Ids::default(),
            open_caller,
        })
    }

    /// The configuration and what follows from it, as of now. A call keeps the one it began with.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Who calls when authentication is off; `None` while it is on.
    #[must_use]
    pub fn open_caller(&self) -> Option<Arc<Caller>> {
        (!self.state.load().config.auth)
            .then(|| self.open_caller.clone())
            .flatten()
    }

    /// A new request id.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.ids.next(self.clock.now())
    }

    /// Takes note of what offers did since the last time.
    pub fn take_note(&self) {
        let offers = &self.state.load().offers;
        let now = self.clock.now();
        self.chronicle.refresh(offers, &self.store, now);
    }

    /// Replaces the configuration for calls that begin from now on.
    pub fn replace(&self, mut state: State) {
        // Of offers that are no more this is the last word.
        self.take_note();
        state.offers.follow(&self.state.load().offers);
        self.fleet.follow(&state.config);
        self.state.store(Arc::new(state));
    }

    /// The same with another file, and the keys of providers that are kept now. Blocks.
    ///
    /// # Errors
    /// With the reason why it cannot be put to work; nothing has changed then.
    pub fn reload(&self, config: Config) -> anyhow::Result<()> {
        let _one_at_a_time = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(State::with_kept_keys(config, &self.store)?);
        Ok(())
    }

    /// Puts the keys of providers to work that are kept now, whoever kept them. Blocks.
    ///
    /// # Errors
    /// The same.
    pub fn follow_kept_keys(&self) -> anyhow::Result<()> {
        let _one_at_a_time = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        let keys = self.store.provider_keys()?.into_iter();
        let keys = keys.map(|(id, key)| (id, Secret(key))).collect();
        let config = state.config.clone().with_kept_keys(keys);
        if config.kept_keys().eq(state.config.kept_keys()) {
            return Ok(());
        }
        self.replace(State::new(config)?);
        let state = self.state();
        let kept: Vec<&str> = state.config.kept_keys().map(|(id, _)| id).collect();
        tracing::info!(
            ?kept,
            "keys of providers that the database keeps were read anew"
        );
        Ok(())
    }
}
