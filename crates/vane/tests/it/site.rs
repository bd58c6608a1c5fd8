//! A place for the binary to serve: a database with accounts of every kind, fakes, and what of
//! its books a test looks at.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Period, Receipt, Source};
use vane_ledger::{AccountId, AccountKind, Clock, Secret, Store};
use vane_testkit::{FakeUpstream, Settings};

use crate::door::{DOORS, UPSTREAMS};
use crate::serving::Serving;
use crate::world::{Folder, PROVIDER_KEY, configuration, named};

#[expect(
    clippy::disallowed_methods,
    reason = "the length of a test is no setting of the product"
)]
pub(crate) fn long() -> bool {
    std::env::var_os("VANE_TEST_LONG").is_some()
}

/// What the books of a binary are written at: it asks the system for the time, and a row of another
/// month would not be its own.
pub(crate) fn now() -> i64 {
    Clock::System.now()
}

/// Splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = usize::try_from((z ^ (z >> 31)) >> 1).unwrap();
        drawn % n
    }

    /// A request at some door: its path and its body.
    pub(crate) fn request(&mut self, text: &str) -> (&'static str, Value) {
        let stream = self.below(4) > 0;
        let gap = |model: &str| {
            json!({"model": model, "prompt": text, "suffix": "end", "max_tokens": 2_000,
                "stream": stream})
        };
        let fim = ["codestral-m", "lab-m"][self.below(2)];
        match self.below(7) {
            0 => ("/v1/fim/completions", gap(fim)),
            1 => ("/v1/completions", gap(fim)),
            2 => (
                "/v1/embeddings",
                json!({"model": "lab-e", "input": text, "encoding_format": "float"}),
            ),
            _ => {
                let door = DOORS[self.below(4)];
                let body = door.request(UPSTREAMS[self.below(4)], text, stream);
                (door.path(), body)
            }
        }
    }
}

/// A key and who pays for it.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub(crate) key_id: String,
    pub(crate) key: String,
}

/// A database, two fakes, and a configuration for the binary.
pub(crate) struct Site {
    pub(crate) folder: Folder,
    pub(crate) fake: FakeUpstream,
    _second: FakeUpstream,
    pub(crate) store: Store,
    pub(crate) team: AccountId,
    pub(crate) prepaid: AccountId,
}

/// What the prepaid account begins with.
pub(crate) const OPENING: Money = Money::from_pico(200_000_000_000_000);

impl Site {
    pub(crate) async fn new() -> Self {
        let folder = Folder::new();
        let database = format!("sqlite:{}", folder.0.join("vane.db").display());
        Self::of(folder, &database, None).await
    }

    /// On a database that several processes may serve.
    #[cfg(feature = "test-postgres")]
    pub(crate) async fn shared(database: &str) -> Self {
        let secret = "000102030405060708090a0b0c0d0e0f".repeat(2);
        Self::of(Folder::new(), database, Some(&secret)).await
    }

    /// A folder for a process more.
    #[cfg(feature = "test-postgres")]
    pub(crate) fn place(&self) -> Folder {
        let folder = Folder::new();
        let name = "vane.toml";
        std::fs::copy(self.folder.0.join(name), folder.0.join(name)).unwrap();
        folder
    }

    async fn of(folder: Folder, database: &str, secret: Option<&str>) -> Self {
        let settings = Settings {
            key: Some(PROVIDER_KEY.to_owned()),
            ..Settings::default()
        };
        let fake = FakeUpstream::with(settings.clone()).await.unwrap();
        let second = FakeUpstream::with(settings).await.unwrap();
        let mut text = configuration(&fake, &second).replace("sqlite::memory:", database);
        let store = match secret {
            Some(secret) => {
                text = format!("secret = \"{secret}\"\n{text}");
                Store::open_with(database, Secret::from_hex(secret, "a test").unwrap())
            }
            None => Store::open(database),
        };
        let store = store.unwrap();
        std::fs::write(folder.0.join("vane.toml"), text).unwrap();
        let team = store.create_account("team", AccountKind::Metered, now());
        let grant = |account| Op {
            id: "opening".into(),
            at: now(),
            instance: 0,
            act: Act::Grant {
                account,
                amount: OPENING,
                source: Source::Cash,
                reason: "paid".into(),
            },
        };
        let prepaid = store.create_credited("payer", grant, now()).unwrap().id;
        Self {
            folder,
            fake,
            _second: second,
            store,
            team: team.unwrap().id,
            prepaid,
        }
    }

    /// Keys for so many clients: metered, prepaid, and of both some with a budget.
    pub(crate) fn payers(&self, count: usize) -> Vec<Payer> {
        let payer = |n: usize| {
            let account = [self.team, self.prepaid][n % 2];
            let key = self
                .store
                .create_key(account, &named(&format!("key {n}")), now());
            let key = key.unwrap();
            if n % 4 > 1 {
                self.budget(key.id());
            }
            Payer {
                key_id: key.id().to_owned(),
                key: key.expose().to_owned(),
            }
        };
        (0..count).map(payer).collect()
    }

    fn budget(&self, key: &str) {
        let budget = Some((Money::parse("10").unwrap(), Period::Month));
        let op = Op {
            id: format!("budget {key}"),
            at: now(),
            instance: 0,
            act: Act::SetBudget {
                key: key.to_owned(),
                budget,
            },
        };
        self.store.apply(&[op]).unwrap().remove(0).unwrap();
    }

    pub(crate) fn serve(&self) -> Serving {
        Serving::again(&self.folder)
    }

    /// Receipts after those of `known`, by account; the newest become known.
    pub(crate) fn receipts(&self, known: &mut BTreeMap<i64, i64>) -> Vec<Receipt> {
        let mut all = Vec::new();
        for account in [self.team, self.prepaid] {
            let known = known.entry(account.0).or_default();
            let (mut before, last) = (None, *known);
            loop {
                let page = self.store.receipts(account, before, 1_000).unwrap();
                let new: Vec<Receipt> = page.into_iter().filter(|one| one.n > last).collect();
                let Some(oldest) = new.last() else { break };
                before = Some(oldest.n);
                *known = (*known).max(new[0].n);
                all.extend(new);
            }
        }
        all
    }

    /// Nothing is held, open or kept aside, and all of it adds up to `charged`, by account.
    #[track_caller]
    pub(crate) fn settled(&self, charged: &BTreeMap<i64, Money>) {
        for instance in 1..=3 {
            assert_eq!(self.store.open_calls(instance).unwrap(), []);
            assert_eq!(self.store.open_leases(instance).unwrap(), []);
        }
        assert_eq!(self.store.strays().unwrap(), 0);
        for (account, opening) in [(self.team, Money::ZERO), (self.prepaid, OPENING)] {
            let book = self.store.balance(account).unwrap();
            let paid = charged.get(&account.0).copied().unwrap_or_default();
            assert_eq!(book.held, Money::ZERO);
            assert_eq!(Some(book.posted), opening.checked_sub(paid));
        }
        let audited = self.store.audit().unwrap();
        assert!(audited.is_ok(), "{audited:?}");
    }
}

/// Adds what receipts charge, by account.
pub(crate) fn charge(charged: &mut BTreeMap<i64, Money>, receipts: &[Receipt]) {
    for receipt in receipts {
        let sum = charged.entry(receipt.settlement.account.0).or_default();
        *sum = sum.checked_add(receipt.charged).unwrap();
    }
}
