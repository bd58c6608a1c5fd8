//! Offers that can be called now: the catalogue's facts beside a provider that is on.

use super::breaker::Trial;
use super::{Breaker, Provider, Seen, Standing};
use crate::config::Config;
use crate::local;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use vane_catalog::{Capability, Catalog};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::quirk::{Quirk, Quirks};
use vane_dialect::{Dialect, Fault, json::Raw};

pub struct Offer {
    pub facts: Arc<vane_catalog::Offer>,
    pub provider: Arc<Provider>,
    pub quirks: Quirks,
    pub breaker: Breaker,
    pub tally: Tally,
    /// What it was seen to do; goes on when the configuration is replaced.
    pub seen: Arc<Seen>,
    /// The model's name at the provider as JSON text, ready to be spliced in.
    pub model_json: String,
}

/// A call at an offer, which its breaker and its provider's hear the end of.
#[derive(Debug, Clone, Copy)]
pub struct Trials {
    offer: Trial,
    provider: Trial,
}

/// What was served by one offer since the start, for `/metrics`.
#[derive(Debug, Default)]
pub struct Tally {
    pub attempts: AtomicU64,
    pub faults: AtomicU64,
    pub input_tokens: AtomicU64,
    pub output_tokens: AtomicU64,
    pub cost_pico: AtomicU64,
    /// Uses of hosted tools that no price covered.
    pub unpriced_uses: AtomicU64,
    pub first_content_ms: AtomicU64,
    pub first_contents: AtomicU64,
    /// When the offer failed last, in milliseconds of its breaker's age, above the place of the
    /// kind in `Kind::ALL`, from one on; 0 is never.
    last_fault: AtomicU64,
}

/// Bits that the place of a kind takes.
const KIND_BITS: u32 = 8;

/// Every offer that can be called now, by the catalogue's offer id.
#[derive(Default)]
pub struct Offers {
    by_id: HashMap<String, Arc<Offer>>,
    pub providers: Vec<Arc<Provider>>,
}

impl Offers {
    /// # Errors
    /// If a provider's address or headers cannot be used.
    pub fn new(config: &Config, catalog: &Catalog) -> anyhow::Result<Self> {
        let mut offers = Self::default();
        for row in &config.providers {
            let known = catalog.provider(&row.id).map(AsRef::as_ref);
            let provider = Arc::new(Provider::new(row, known)?);
            offers.providers.push(provider.clone());
            for facts in catalog
                .offers()
                .iter()
                .filter(|offer| offer.provider == row.id)
            {
                let mut quirks = known.map_or(Quirks::default(), |k: &vane_catalog::Provider| {
                    k.quirks_of(&facts.upstream)
                });
                if known.is_some() && !facts.can(Capability::Reasoning) {
                    quirks = quirks.with(Quirk::NoReasoning);
                }
                let provider = match row.id.as_str() {
                    // Each model is a process of its own, with faults of its own.
                    local::PROVIDER => Arc::new(Provider::of_model(row, known, &facts.upstream)?),
                    _ => provider.clone(),
                };
                let offer = Offer {
                    facts: facts.clone(),
                    provider,
                    quirks: quirks.union(row.quirks.iter().copied().collect()),
                    breaker: Breaker::default(),
                    tally: Tally::default(),
                    seen: Arc::default(),
                    model_json: Raw::of(&facts.upstream).get().to_owned(),
                };
                offers.by_id.insert(facts.id.to_string(), Arc::new(offer));
            }
        }
        Ok(offers)
    }

    /// Goes on with what the offers of before were seen to do.
    pub fn follow(&mut self, before: &Self) {
        for (id, offer) in &mut self.by_id {
            if let (Some(offer), Some(before)) = (Arc::get_mut(offer), before.get(id)) {
                offer.seen = before.seen.clone();
            }
        }
    }

    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Offer>> {
        self.by_id.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Offer>> {
        self.by_id.values()
    }
}

impl Offer {
    #[must_use]
    pub fn begin(&self) -> Trials {
        Trials {
            offer: self.breaker.begin(),
            provider: self.provider.breaker.begin(),
        }
    }

    pub fn succeeded(&self, trials: Trials) {
        self.breaker.succeeded(trials.offer);
        self.provider.breaker.succeeded(trials.provider);
    }

    /// Benches what the fault speaks against, before content or after it.
    pub fn bench(&self, trials: Trials, fault: &Fault) {
        match fault.blame {
            Blame::Caller | Blame::Model | Blame::Us => return,
            Blame::ProviderKey => {
                let breaker = &self.provider.breaker;
                breaker.failed(trials.provider, fault.retry_after);
            }
            Blame::Upstream => self.breaker.failed(trials.offer, fault.retry_after),
        }
        self.failed(fault.kind);
    }

    /// How long it is put behind others still; 0 where it is not.
    #[must_use]
    pub fn benched_ms(&self) -> u64 {
        let wait = |standing| match standing {
            Standing::Open { for_ms } => for_ms,
            Standing::Closed | Standing::HalfOpen => 0,
        };
        wait(self.breaker.standing()).max(wait(self.provider.breaker.standing()))
    }

    /// Notes a failure of the upstream's or the credential's.
    fn failed(&self, kind: Kind) {
        self.tally.faults.fetch_add(1, Relaxed);
        let place = Kind::ALL.iter().position(|one| *one == kind);
        let place = place.map_or(0, |place| place as u64 + 1);
        let at = self.breaker.now_ms() << KIND_BITS | place;
        self.tally.last_fault.store(at, Relaxed);
    }

    /// The kind of the last failure, and how long ago it was.
    #[must_use]
    pub fn last_fault(&self) -> Option<(Kind, Duration)> {
        let noted = self.tally.last_fault.load(Relaxed);
        let place = usize::try_from(noted & ((1 << KIND_BITS) - 1)).ok()?;
        let kind = Kind::ALL.get(place.checked_sub(1)?)?;
        let ago = self.breaker.now_ms().saturating_sub(noted >> KIND_BITS);
        Some((*kind, Duration::from_millis(ago)))
    }

    /// Whether the offer can be asked in `dialect`.
    #[must_use]
    pub fn speaks(&self, dialect: Dialect) -> bool {
        let allowed = !self.facts.responses_only || dialect == Dialect::OpenaiResponses;
        allowed && self.provider.address(dialect).is_some()
    }
}
