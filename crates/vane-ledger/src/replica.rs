//! One process's part of the ledger: money in memory, made durable by a journal.
//!
//! Before a call is sent to anyone, money for it is held against a lease that this process has
//! taken of the account's balance, and of the key's budget where it has one: in memory, without a
//! query. When the call has ended, its settlement is one record of the journal, and what it says
//! may be told once its [`Ticket`] resolves. One thread takes leases, another brings the journal
//! into the store. What dies with the process is found in the journal at the next start: calls that
//! were running settle by their last word ([`Replica::opened`]), leases go back.

mod desk;
mod entered;
mod funds;
mod hold;
mod lender;
mod lifeline;
mod place;
mod purse;
mod recall;
mod record;
mod recovery;
mod renewal;
mod scribe;
mod tally;
#[cfg(test)]
mod tests;
mod unwritten;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use vane_catalog::Money;

use crate::account::AccountId;
use crate::book::{Act, Op, Settlement};
use crate::clock::Clock;
use crate::error::LedgerError;
use crate::journal::{
    Durability, Journal, JournalError, Lock, Position, Refused, Settings as JournalSettings,
};
use crate::secret::Purpose;
use crate::store::{Life, Store};

use entered::Entered;
use funds::Funds;
use lender::Lender;
use lifeline::Lifeline;
use place::{Place, Places};
pub use record::{OPENED, SETTLED};
use scribe::Scribe;
use tally::Tally;
use unwritten::{Sent, Unwritten};

pub use hold::Hold;
pub use purse::{Short, Spent};
pub use tally::Figures;
pub use unwritten::Settling;

/// How a process keeps its part of the ledger.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the journal is kept, if not beside the database; nothing else may be there. Where
    /// several processes share a database, it is the journal that makes each an instance.
    pub journal: Option<PathBuf>,
    pub durability: Durability,
    pub sizes: JournalSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            journal: None,
            durability: Durability::Crash,
            sizes: JournalSettings::default(),
        }
    }
}

impl Settings {
    /// The folder of the journal of a process at the database of this address, which need not be
    /// there; none at one in memory.
    #[must_use]
    pub fn folder(&self, url: &str) -> Option<PathBuf> {
        let usual = || Some(place::beside(&Store::file_at(url)?));
        self.journal.clone().or_else(usual)
    }
}

/// Why a process cannot take part in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("a record of the journal cannot be understood; did another version write it?")]
    Unreadable,
    #[error(
        "the database {} is in use by process {pid}; stop that process first",
        path.display()
    )]
    InUse { path: PathBuf, pid: String },
    #[error(
        "the journal {} has what calls cost that the database may lack: name it again (`journal`); \
         to give that up, move the folder away",
        folder.display()
    )]
    OtherJournal { folder: PathBuf },
    #[error("a thread of the ledger cannot start: {0}")]
    Thread(std::io::Error),
}

/// Who pays for a call.
#[derive(Clone, Copy, Debug)]
pub struct Payer<'a> {
    pub account: AccountId,
    /// Whether the account cannot spend what it does not have.
    pub prepaid: bool,
    pub key: &'a str,
    /// The budget of the key, where it has one.
    pub budget: Option<Money>,
}

impl Payer<'_> {
    /// Whether anything limits what the call may cost.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.prepaid || self.budget.is_some()
    }
}

impl ReplicaError {
    /// Whether what was to be entered is at fault, so that no later try ends otherwise.
    fn is_of_the_record(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_of_the_rows(),
            Self::Unreadable => true,
            Self::Journal(_) | Self::InUse { .. } | Self::OtherJournal { .. } | Self::Thread(_) => {
                false
            }
        }
    }
}

/// Shared by all calls of the process. Dropping it ingests what is written and returns its leases.
pub struct Replica {
    instance: i64,
    durability: Durability,
    clock: Clock,
    journal: Arc<Journal>,
    funds: Arc<Funds>,
    lifeline: Arc<Lifeline>,
    lender: Lender,
    scribe: Scribe,
    /// Settlements that the journal did not take, until it does.
    unwritten: Arc<Unwritten>,
    tally: Arc<Tally>,
    ingested: watch::Receiver<u64>,
    /// A settlement is to outlive this machine, and so its journal.
    entered: Option<Entered>,
    /// After all that writes there.
    _places: Places,
}

impl Replica {
    /// Begins a new life of the instance: what the last one left is settled before this returns.
    pub fn open(store: &Store, settings: &Settings, clock: Clock) -> Result<Self, ReplicaError> {
        let place = Place::of(store, settings)?;
        // First: to begin the life of a process that runs would end it.
        let database = place::lock(store)?;
        let lock = Lock::take(place.folder())?;
        let asked = store.is_shared().then(Instant::now);
        let life = match asked {
            Some(_) => store.begin_of(&place.name()?, clock.now())?,
            None => place.begin(store, clock.now())?,
        };
        let journal = lock.open(
            name_of(store, life.instance)?,
            u64::try_from(life.epoch).unwrap_or_default(),
            Position::new(life.ingested),
            &place.sizes(settings),
        )?;
        let places = Places {
            _place: place,
            _database: database,
        };
        let lifeline = Lifeline::new(asked);
        let durability = settings.durability;
        Self::over(store, journal, places, life, lifeline, durability, clock)
    }

    fn over(
        store: &Store,
        journal: Journal,
        places: Places,
        life: Life,
        lifeline: Lifeline,
        durability: Durability,
        clock: Clock,
    ) -> Result<Self, ReplicaError> {
        let lifeline = Arc::new(lifeline);
        let journal = Arc::new(journal);
        let funds = Arc::new(Funds::default());
        let unwritten = Arc::new(Unwritten::new(&funds, &journal));
        let tally = Arc::new(Tally::new(store.strays()?));
        let shared = scribe::Shared {
            journal: Arc::clone(&journal),
            funds: Arc::clone(&funds),
            unwritten: Arc::clone(&unwritten),
            tally: Arc::clone(&tally),
            lifeline: Arc::clone(&lifeline),
        };
        let (scribe, ingested) = Scribe::start(store, shared, life, &clock)?;
        let lender = Lender::start(store, &funds, &lifeline, life, &clock)?;
        let outlives = durability == Durability::Power && store.is_shared();
        let entered = outlives.then(|| Entered::new(ingested.clone(), scribe.hurry().clone()));
        Ok(Self {
            instance: life.instance,
            durability,
            clock,
            journal,
            funds,
            lifeline,
            lender,
            scribe,
            unwritten,
            tally,
            ingested,
            entered,
            _places: places,
        })
    }

    /// Whose system accounts the operations of this process are posted to.
    #[must_use]
    pub const fn instance(&self) -> i64 {
        self.instance
    }

    /// Sets `amount` aside for a call: from memory, or once it has been lent. A store that is away
    /// matters only to who needs more than is lent.
    ///
    /// # Errors
    /// When the balance or the budget lacks it, or nothing can be lent at present. Whoever pays:
    /// when nothing can be recorded, since no answer could be given.
    pub async fn hold(&self, payer: Payer<'_>, amount: Money) -> Result<Hold, Short> {
        if let Some(refused) = self.journal.refuses() {
            return Err(Short::Away(refused.to_string()));
        }
        if !payer.is_limited() || amount == Money::ZERO {
            return Ok(Hold::unlimited());
        }
        if let Some(short) = self.lifeline.refuses() {
            return Err(short);
        }
        let purse = self.funds.purse(payer);
        match purse.hold(amount, payer.budget, &self.lender).await {
            // It was retired meanwhile, and another takes its place.
            Err(Short::Away(_)) if !self.funds.has(&purse) => {
                let purse = self.funds.purse(payer);
                purse.hold(amount, payer.budget, &self.lender).await
            }
            held => held,
        }
    }

    /// How much of the key's budget is spent, where it has one and asked for money here.
    #[must_use]
    pub fn spent(&self, payer: Payer<'_>) -> Option<Spent> {
        payer.budget?;
        self.funds.known(payer)?.spent(self.clock.now())
    }

    /// What is to be settled should this process die: the call's last word replaces the one before.
    /// Nobody waits for it; one that cannot be written is a call that nobody pays for.
    pub fn opened(&self, hold: &Hold, settlement: Settlement) {
        let settlement = Settlement {
            hold: hold.told(),
            ..settlement
        };
        let call = settlement.call.clone();
        let payload = record::opened(&call, &self.op(settlement));
        let _unpaid = self.journal.send(OPENED, &payload);
    }

    /// Ends a call: `cost` is what its attempts come to. It may be told when the ticket resolves.
    ///
    /// # Errors
    /// When it cannot be written now. Then the call costs its customer nothing, and that is written
    /// as soon as it can be: what it would pay for must not be given.
    pub fn settle(
        &self,
        hold: Hold,
        settlement: Settlement,
        cost: Money,
    ) -> Result<Settling, Refused> {
        let pays = settlement.pays_max.map_or(cost, |most| cost.min(most));
        let account = settlement.account;
        let told = hold.told();
        let settlement = Settlement {
            hold: told,
            ..settlement
        };
        let op = self.op(settlement);
        let payload = record::settled(&op);
        let taken = match self.durability {
            Durability::Crash => self.journal.put(SETTLED, &payload),
            power => self.journal.submit(SETTLED, &payload, power),
        };
        match taken {
            Ok(ticket) => {
                let charge = hold.post(pays);
                self.funds.settled(account, charge.paid);
                let sent = Sent::new(op, account, charge);
                Ok(Settling::new(
                    ticket,
                    sent,
                    &self.unwritten,
                    self.entered.clone(),
                ))
            }
            Err(refused) => {
                self.unwritten.keep(op);
                Err(refused)
            }
        }
    }

    fn op(&self, settlement: Settlement) -> Op {
        Op {
            id: settlement.call.clone(),
            at: self.clock.now(),
            instance: self.instance,
            act: Act::Settle(settlement),
        }
    }

    /// What the account has, all settlements of this process counted; nothing while no call of it
    /// has asked for money here.
    #[must_use]
    pub fn balance(&self, account: AccountId) -> Option<Money> {
        self.funds.balance(account)
    }

    /// Waits until all that was settled before is in the store, for who reads from there.
    ///
    /// # Errors
    /// When the store has not taken it within `patience`.
    pub async fn caught_up(&self, patience: Duration) -> Result<(), Short> {
        let behind = || Short::Away("the store is behind: try again in a moment".to_owned());
        let caught = async {
            let flushed = self.journal.flush();
            let flushed = flushed
                .await
                .map_err(|error| Short::Away(error.to_string()))?;
            self.scribe.hurry().now();
            let mut ingested = self.ingested.clone();
            let reached = ingested
                .wait_for(|number| *number >= flushed.number())
                .await;
            reached.map(drop).map_err(|_| behind())
        };
        tokio::time::timeout(patience, caught)
            .await
            .unwrap_or_else(|_| Err(behind()))
    }

    /// Why nothing can be recorded at present, or the store takes nothing of it, if that is so.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let refused = self.journal.refuses().map(|refused| refused.to_string());
        let refused = refused.or_else(|| self.scribe.trouble());
        refused.or_else(|| Some(self.lifeline.refuses()?.to_string()))
    }

    /// How much is on its way, and what did not arrive.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let ingested = *self.ingested.borrow();
        Figures {
            waiting: u64::try_from(self.journal.waiting()).unwrap_or(u64::MAX),
            not_ingested: self.journal.synced().number().saturating_sub(ingested),
            holds: self.funds.holds(),
            strays: self.tally.strays(),
            lost: self.tally.lost(),
        }
    }
}

/// What a journal is marked with, so that it is not taken for that of another database.
fn name_of(store: &Store, instance: i64) -> Result<[u8; 16], LedgerError> {
    let mut name = [0; 16];
    let secret = store.derive(Purpose::Fingerprint)?;
    for (at, byte) in name
        .iter_mut()
        .zip(secret.iter().take(8).copied().chain(instance.to_le_bytes()))
    {
        *at = byte;
    }
    Ok(name)
}
