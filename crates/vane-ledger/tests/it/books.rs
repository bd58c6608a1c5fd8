//! Random operations against the model and a database: equal outcomes, equal balances.
//!
//! Equal balances include the heads of the hash chains, so every entry is equal too. The
//! generator is seeded: a failure names its step and comes again. 20,000 operations; a million
//! with `VANE_TEST_LONG=1`.

use std::collections::BTreeMap;

use vane_catalog::Money;
use vane_ledger::book::{
    Act, Attempt, Book, BookKind, Ended, Hold, Lease, Line, Model, Op, Outcome, Period, Refusal,
    Settlement, Source, Status,
};
use vane_ledger::{AccountId, Store};

use crate::memory;

pub(crate) const START: i64 = 1_796_000_000;

pub(crate) fn op(id: impl Into<String>, act: Act) -> Op {
    Op {
        id: id.into(),
        at: START,
        instance: 0,
        act,
    }
}

pub(crate) fn usd(text: &str) -> Money {
    Money::parse(text).unwrap()
}

pub(crate) fn prepaid(store: &Store, name: &str, amount: &str) -> AccountId {
    let amount = usd(amount);
    let credit = |account| op(format!("open-{name}"), cash(account, amount));
    store.create_credited(name, credit, START).unwrap().id
}

pub(crate) fn cash(account: AccountId, amount: Money) -> Act {
    Act::Grant {
        account,
        amount,
        source: Source::Cash,
        reason: "paid".into(),
    }
}

pub(crate) fn attempt(quantity: u64, price: i64) -> Attempt {
    Attempt {
        provider: "lab".into(),
        model: "lab-m".into(),
        rate_version: "2026-01-01".into(),
        outcome: Ended::Done,
        estimated: false,
        quantity_max: 1_000_000,
        lines: vec![Line {
            bucket: "output".into(),
            quantity,
            price: Money::from_pico(price),
        }],
    }
}

/// Splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    /// Mostly small; sometimes nothing, negative, or more than can be.
    fn money(&mut self) -> Money {
        Money::from_pico(match self.below(200) {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => -1,
            3 => 0,
            _ => i64::try_from(self.below(1_000)).unwrap(),
        })
    }
}

struct Play {
    dice: Dice,
    at: i64,
    made: u64,
    accounts: Vec<AccountId>,
    leases: Vec<String>,
    /// The keys of leases that have one.
    keys: BTreeMap<String, String>,
    calls: Vec<String>,
    lots: Vec<String>,
}

/// Outcomes by their name, refusals by theirs.
type Tally = BTreeMap<String, u64>;

impl Play {
    /// An id of before, mostly a late one.
    fn of(dice: &mut Dice, ids: &[String]) -> String {
        let span = if dice.below(20) == 0 { 100 } else { 4 };
        let back = usize::try_from(dice.below(span)).unwrap();
        let late = ids.len().checked_sub(back + 1).and_then(|n| ids.get(n));
        late.cloned().unwrap_or_else(|| "nobody".into())
    }

    fn lease_id(&mut self) -> String {
        Self::of(&mut self.dice, &self.leases)
    }

    fn call(&mut self) -> String {
        Self::of(&mut self.dice, &self.calls)
    }

    fn lease(&mut self) -> Act {
        Act::Lease(Lease {
            account: self.account(),
            key: (self.dice.below(3) > 0).then(|| self.key()),
            epoch: 1,
            amount: self.dice.money(),
            until: self.at + i64::try_from(self.dice.below(20_000)).unwrap(),
        })
    }

    fn account(&mut self) -> AccountId {
        if self.dice.below(50) == 0 {
            return AccountId(99);
        }
        let n = self.dice.below(self.accounts.len() as u64);
        self.accounts[usize::try_from(n).unwrap()]
    }

    fn key(&mut self) -> String {
        format!("key{}", self.dice.below(4))
    }

    /// What came to be is asked for again later.
    fn learn(&mut self, op: &Op, outcome: &Outcome) {
        match (&op.act, outcome) {
            (Act::Lease(lease), Outcome::Leased) => {
                let key = lease.key.clone();
                self.keys.extend(key.map(|key| (op.id.clone(), key)));
                self.leases.push(op.id.clone());
            }
            (Act::Hold(hold), Outcome::Held) => self.calls.push(hold.call.clone()),
            // Mostly what is still open; what has ended is asked for again now and then.
            (Act::Settle(Settlement { call, .. }) | Act::Release { call }, _)
                if self.dice.below(8) > 0 =>
            {
                self.calls.retain(|open| open != call);
            }
            (Act::ReturnLease { lease }, _) if self.dice.below(8) > 0 => {
                self.leases.retain(|open| open != lease);
            }
            (Act::Grant { .. }, Outcome::Credited(_)) => self.lots.push(op.id.clone()),
            _ => {}
        }
    }

    fn step(&mut self) -> Op {
        self.made += 1;
        self.at += match self.dice.below(100) {
            0 => 40_000,
            1..4 => 3_000,
            _ => i64::try_from(self.dice.below(20)).unwrap(),
        };
        let act = match self.dice.below(16) {
            0 => self.grant(),
            1 => Act::Refund {
                account: self.account(),
                amount: self.dice.money(),
                reason: "asked for".into(),
            },
            2 => Act::ExpireCredit {
                account: self.account(),
                lot: Self::of(&mut self.dice, &self.lots),
            },
            3 | 4 => self.lease(),
            5 => Act::ReturnLease {
                lease: self.lease_id(),
            },
            6..9 => Act::Hold(self.hold()),
            9 => Act::Extend {
                call: self.call(),
                by: self.dice.money(),
            },
            10..13 => self.settle(),
            13 => Act::Release { call: self.call() },
            14 => Act::Expire { call: self.call() },
            _ => Act::SetBudget {
                key: format!("key{}", self.dice.below(2)),
                amount: Money::from_pico(self.dice.money().pico().saturating_mul(4)),
                period: [Period::Day, Period::Week, Period::Month]
                    [usize::try_from(self.dice.below(3)).unwrap()],
            },
        };
        let id = if self.dice.below(50) == 0 {
            self.lease_id()
        } else {
            format!("o{}", self.made)
        };
        Op {
            id,
            at: self.at,
            instance: i64::try_from(self.dice.below(2)).unwrap(),
            act,
        }
    }

    fn grant(&mut self) -> Act {
        let source = match self.dice.below(3) {
            0 => Source::Cash,
            1 => Source::TopUp {
                provider: "payments".into(),
                external: format!("p{}", self.dice.below(200)),
            },
            _ => Source::Promotion {
                expires_at: self.at + i64::try_from(self.dice.below(400)).unwrap(),
            },
        };
        Act::Grant {
            account: self.account(),
            amount: self.dice.money(),
            source,
            reason: "granted".into(),
        }
    }

    fn hold(&mut self) -> Hold {
        let lease = self.lease_id();
        let own = self.keys.get(&lease).cloned();
        let other = self.dice.below(20) == 0;
        Hold {
            call: format!("c{}", self.made),
            key: own.filter(|_| !other).unwrap_or_else(|| self.key()),
            lease,
            amount: Money::from_pico(self.dice.money().pico() / 8),
        }
    }

    fn settle(&mut self) -> Act {
        let in_memory = (self.dice.below(2) == 0).then(|| self.hold());
        let call = in_memory.as_ref().map(|hold| hold.call.clone());
        let mut attempts = Vec::new();
        for _ in 0..self.dice.below(3) {
            let mut made = attempt(
                self.dice.below(40),
                i64::try_from(self.dice.below(9)).unwrap(),
            );
            match self.dice.below(20) {
                0 => made.lines.clear(),
                1 => made.outcome = Ended::FailedUnbilled,
                2 => made.quantity_max = 10,
                3 => made.lines[0].price = self.dice.money(),
                _ => {}
            }
            attempts.push(made);
        }
        Act::Settle(Settlement {
            call: call.unwrap_or_else(|| self.call()),
            hold: in_memory,
            model: format!("m{}", self.dice.below(2)),
            status: Status::Done,
            attempts,
        })
    }
}

fn system_books() -> impl Iterator<Item = (BookKind, i64)> {
    let systems = BookKind::ALL
        .into_iter()
        .filter(|kind| *kind != BookKind::Customer);
    systems.flat_map(|kind| [(kind, 0), (kind, 1)])
}

/// Plays `steps` operations on both, in batches, and compares after each batch.
fn play(seed: u64, steps: u64, tally: &mut Tally) {
    let store = memory();
    let mut model = Model::default();
    let mut accounts = Vec::new();
    for name in ["one", "two"] {
        let id = prepaid(&store, name, "0.000000005");
        model.open(id, true);
        let credit = op(format!("open-{name}"), cash(id, usd("0.000000005")));
        model.apply(&credit).unwrap();
        accounts.push(id);
    }
    for name in ["three", "four"] {
        let id = crate::account(&store, name);
        model.open(id, false);
        accounts.push(id);
    }
    let mut play = Play {
        dice: Dice(seed),
        at: START,
        made: 0,
        accounts,
        leases: Vec::new(),
        keys: BTreeMap::new(),
        calls: Vec::new(),
        lots: Vec::new(),
    };
    let mut books: Vec<_> = system_books().collect();
    books.extend(play.accounts.iter().map(|id| (BookKind::Customer, id.0)));
    while play.made < steps {
        let size = 1 + play.dice.below(4);
        let ops: Vec<Op> = (0..size).map(|_| play.step()).collect();
        let kept = store.apply(&ops).unwrap();
        for (op, kept) in ops.iter().zip(kept) {
            let outcome = model.apply(op);
            if let Ok(outcome) = &outcome {
                play.learn(op, outcome);
            }
            let said = match &outcome {
                Ok(outcome) => format!("{outcome:?}"),
                Err(refusal) => format!("{refusal:?}"),
            };
            let name: String = said.chars().take_while(|c| c.is_alphabetic()).collect();
            *tally.entry(name).or_default() += 1;
            assert_eq!(kept, outcome, "seed {seed}, step {}: {op:?}", play.made);
        }
        for (kind, owner) in &books {
            let kept: Option<Book> = store.book(*kind, *owner).unwrap();
            let reckoned = model.balance(kind.of(*owner)).cloned();
            assert_eq!(kept, reckoned, "seed {seed}, step {}: {ops:?}", play.made);
        }
    }
    store.audit().unwrap().unwrap();
}

#[test]
fn the_database_and_the_model_agree_on_random_operations() {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests chooses how long"
    )]
    let long = std::env::var_os("VANE_TEST_LONG").is_some();
    // Many short books rather than a long one, which the model searches ever more slowly.
    let seeds = if long { 250 } else { 5 };
    let mut tally = Tally::new();
    for seed in 1..=seeds {
        play(seed, 4_000, &mut tally);
    }
    println!("{tally:?}");
    // What never happened was not compared.
    for name in [
        "Credited",
        "CreditedBefore",
        "CreditExpired",
        "Leased",
        "Returned",
        "Held",
        "Extended",
        "Settled",
        "Released",
        "Expired",
        "BudgetSet",
        "Repeated",
        "NoSuchAccount",
        "NoSuchLease",
        "NoSuchHold",
        "NoSuchCredit",
        "NotPositive",
        "TooLarge",
        "Balance",
        "Budget",
        "LeaseSpent",
        "LeaseOver",
        "LeaseOfAnotherKey",
        "HoldEnded",
        "TooEarly",
        "Quantity",
        "BilledUnbilled",
    ] {
        assert!(tally.contains_key(name), "{name}: {tally:?}");
    }
    assert!(tally["Settled"] > 500 && tally["Held"] > 500, "{tally:?}");
}

#[test]
fn what_no_table_takes_is_refused_without_its_batch() {
    let store = memory();
    let account = prepaid(&store, "team", "5");
    let grant = |id: &str| op(id, cash(account, usd("1")));
    let elsewhere = Op {
        instance: -1,
        ..grant("elsewhere")
    };
    let ops = [grant(""), grant(&"x".repeat(65)), elsewhere, grant("good")];
    let outcomes = store.apply(&ops).unwrap();
    let (last, bad) = outcomes.split_last().unwrap();
    assert!(
        bad.iter().all(|said| *said == Err(Refusal::Malformed)),
        "{bad:?}"
    );
    assert_eq!(*last, Ok(Outcome::Credited(usd("6"))));
}

#[test]
fn m5_leases_of_a_balance_never_exceed_it() {
    let store = memory();
    let account = prepaid(&store, "team", "5");
    let ask = |n: u32| {
        let lease = Lease {
            account,
            key: None,
            epoch: 1,
            amount: usd("0.1"),
            until: START + 60,
        };
        op(format!("lease-{n}"), Act::Lease(lease))
    };
    let granted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (store, ask) = (&store, &ask);
                scope.spawn(move || {
                    let mine = (0..250).map(|n| ask(thread * 250 + n));
                    let outcomes = mine.flat_map(|op| store.apply(&[op]).unwrap());
                    outcomes.filter(Result::is_ok).count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(granted, 50);
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("5"), usd("5")));
    store.audit().unwrap().unwrap();
}

#[test]
fn what_a_call_costs_beyond_its_hold_is_the_operators_loss() {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    let lease = Lease {
        account,
        key: None,
        epoch: 1,
        amount: usd("0.5"),
        until: START + 60,
    };
    let settlement = Settlement {
        call: "call".into(),
        hold: Some(Hold {
            call: "call".into(),
            lease: "lease".into(),
            key: "key".into(),
            amount: usd("0.2"),
        }),
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(100_000, 3_000_000)],
    };
    let settle = op("settle", Act::Settle(settlement));
    let outcomes = store
        .apply(&[op("lease", Act::Lease(lease)), settle.clone(), settle])
        .unwrap();
    let (charged, lost) = (usd("0.2"), usd("0.1"));
    assert_eq!(outcomes[1], Ok(Outcome::Settled { charged, lost }));
    assert_eq!(outcomes[2], Err(Refusal::Repeated));
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("0.8"), usd("0.3")));
    let loss = store.book(BookKind::OperatorLoss, 0).unwrap().unwrap();
    assert_eq!(loss.posted, usd("-0.1"));
    store.audit().unwrap().unwrap();
}

#[test]
fn a_spent_budget_lends_again_in_its_next_period() {
    let store = memory();
    let account = crate::account(&store, "team");
    let lease = |id: &str, at| Op {
        at,
        ..op(
            id,
            Act::Lease(Lease {
                account,
                key: Some("key".into()),
                epoch: 1,
                amount: usd("2"),
                until: at + 60,
            }),
        )
    };
    let budget = Act::SetBudget {
        key: "key".into(),
        amount: usd("3"),
        period: Period::Day,
    };
    let settlement = Settlement {
        call: "call".into(),
        hold: Some(Hold {
            call: "call".into(),
            lease: "first".into(),
            key: "key".into(),
            amount: usd("2"),
        }),
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(1_000_000, 2_000_000)],
    };
    let tomorrow = Period::Day.end(START);
    let outcomes = store
        .apply(&[
            op("budget", budget),
            lease("first", START),
            op("settle", Act::Settle(settlement)),
            lease("second", tomorrow - 1),
            lease("third", tomorrow),
        ])
        .unwrap();
    let refused = Refusal::Budget {
        missing: usd("1"),
        resets_at: tomorrow,
    };
    assert_eq!(outcomes[3], Err(refused));
    assert_eq!(outcomes[4], Ok(Outcome::Leased));
}
