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
        method: "reported".into(),
        fault: String::new(),
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

/// Whose money a lease is, and which key's alone.
type Lender = (AccountId, Option<String>);

struct Play {
    dice: Dice,
    at: i64,
    made: u64,
    accounts: Vec<AccountId>,
    leases: Vec<String>,
    lenders: BTreeMap<String, Lender>,
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
                let lender = (lease.account, lease.key.clone());
                self.lenders.insert(op.id.clone(), lender);
                self.leases.push(op.id.clone());
            }
            (Act::Settle(settlement), _) => self.calls.push(settlement.call.clone()),
            // Mostly what is still open; what was returned is held against now and then.
            (Act::ReturnLease { lease }, _) if self.dice.below(3) > 0 => {
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
        let act = match self.dice.below(17) {
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
            3..6 => self.lease(),
            6 => Act::ReturnLease {
                lease: self.lease_id(),
            },
            7..9 => Act::Renew {
                lease: self.lease_id(),
                by: match self.dice.below(2) {
                    0 => self.dice.money(),
                    _ => Money::from_pico(self.dice.money().pico().saturating_neg()),
                },
                until: self.at + 100,
            },
            9..16 => self.settle(),
            _ => self.budget(),
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

    fn budget(&mut self) -> Act {
        let amount = Money::from_pico(self.dice.money().pico().saturating_mul(4));
        let period = [Period::Day, Period::Week, Period::Month]
            [usize::try_from(self.dice.below(3)).unwrap()];
        Act::SetBudget {
            key: format!("key{}", self.dice.below(2)),
            budget: (self.dice.below(6) > 0).then_some((amount, period)),
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

    fn settle(&mut self) -> Act {
        let lease = self.lease_id();
        let lender = self.lenders.get(&lease).cloned();
        let lender = lender.filter(|_| self.dice.below(20) > 0);
        let (account, key) = lender.unwrap_or_else(|| (self.account(), None));
        let amount = Money::from_pico(self.dice.money().pico() / 8);
        let known = (self.dice.below(20) == 0).then(|| Self::of(&mut self.dice, &self.calls));
        Act::Settle(Settlement {
            call: known.unwrap_or_else(|| format!("c{}", self.made)),
            account,
            key: key.unwrap_or_else(|| self.key()),
            hold: (self.dice.below(10) > 0).then_some(Hold { lease, amount }),
            model: format!("m{}", self.dice.below(2)),
            status: Status::Done,
            attempts: self.attempts(),
            pays_max: (self.dice.below(4) == 0).then(|| self.dice.money()),
            reported: (self.dice.below(4) == 0).then(|| self.dice.money()),
        })
    }

    fn attempts(&mut self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        for _ in 0..self.dice.below(3) {
            let mut made = attempt(
                1 + self.dice.below(40),
                i64::try_from(self.dice.below(9)).unwrap(),
            );
            match self.dice.below(30) {
                0 => made.lines.clear(),
                1 => made.outcome = Ended::FailedUnbilled,
                2 => made.quantity_max = 10,
                3 => made.lines[0].price = self.dice.money(),
                4 => made.lines[0].quantity = 0,
                _ => {}
            }
            attempts.push(made);
        }
        attempts
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
        model.apply(&[credit]).remove(0).unwrap();
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
        lenders: BTreeMap::new(),
        calls: Vec::new(),
        lots: Vec::new(),
    };
    let mut books: Vec<_> = system_books().collect();
    books.extend(play.accounts.iter().map(|id| (BookKind::Customer, id.0)));
    while play.made < steps {
        let size = 1 + play.dice.below(12);
        let ops: Vec<Op> = (0..size).map(|_| play.step()).collect();
        let kept = store.apply(&ops).unwrap();
        for ((op, kept), outcome) in ops.iter().zip(kept).zip(model.apply(&ops)) {
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
        "Renewed",
        "Returned",
        "Settled",
        "BudgetSet",
        "Repeated",
        "NoSuchAccount",
        "NoSuchLease",
        "NoSuchCredit",
        "NotPositive",
        "TooLarge",
        "Balance",
        "Budget",
        "LeaseOver",
        "TooEarly",
        "Quantity",
        "BilledUnbilled",
    ] {
        assert!(tally.contains_key(name), "{name}: {tally:?}");
    }
    assert!(tally["Settled"] > 2_000, "{tally:?}");
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

/// A call of the account `a` that cost 0.3 dollars and for which 0.2 were held.
pub(crate) fn settlement(call: &str, account: AccountId) -> Settlement {
    Settlement {
        call: call.into(),
        account,
        key: "key".into(),
        hold: Some(Hold {
            lease: "lease".into(),
            amount: usd("0.2"),
        }),
        model: "m".into(),
        status: Status::Done,
        attempts: vec![attempt(100_000, 3_000_000)],
        pays_max: None,
        reported: None,
    }
}

pub(crate) fn lease(account: AccountId, amount: &str) -> Act {
    Act::Lease(Lease {
        account,
        key: None,
        epoch: 1,
        amount: usd(amount),
        until: START + 60,
    })
}

fn settled(charged: &str, lost: &str, balance: &str) -> Result<Outcome, Refusal> {
    let [charged, lost, balance] = [charged, lost, balance].map(usd);
    Ok(Outcome::Settled {
        charged,
        lost,
        balance,
    })
}

/// What is said to settlements of an account that has a dollar, after what `before` does.
fn said(before: &[Op], settlements: Vec<Settlement>) -> Vec<Result<Outcome, Refusal>> {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    assert_eq!(account, AccountId(1));
    let acts = settlements.into_iter().enumerate();
    let settle = acts.map(|(n, one)| op(format!("settle-{n}"), Act::Settle(one)));
    let ops: Vec<Op> = before.iter().cloned().chain(settle).collect();
    let outcomes = store.apply(&ops).unwrap();
    store.audit().unwrap().unwrap();
    outcomes.into_iter().skip(before.len()).collect()
}

#[test]
fn what_a_call_costs_beyond_its_hold_is_the_operators_loss() {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    let settle = op("settle", Act::Settle(settlement("call", account)));
    let ops = [op("lease", lease(account, "0.5")), settle.clone(), settle];
    let outcomes = store.apply(&ops).unwrap();
    assert_eq!(outcomes[1], settled("0.2", "0.1", "0.8"));
    assert_eq!(outcomes[2], Err(Refusal::Repeated));
    let book = store.balance(account).unwrap();
    assert_eq!((book.posted, book.held), (usd("0.8"), usd("0.3")));
    let loss = store.book(BookKind::OperatorLoss, 0).unwrap().unwrap();
    assert_eq!(loss.posted, usd("-0.1"));
    store.audit().unwrap().unwrap();
}

#[test]
fn m6_a_settlement_after_its_lease_was_returned_is_paid_from_what_is_free() {
    let a = AccountId(1);
    let returned = Act::ReturnLease {
        lease: "lease".into(),
    };
    let elsewhere = |amount| {
        [
            op("lease", lease(a, "0.5")),
            op("return", returned.clone()),
            op("elsewhere", lease(a, amount)),
        ]
    };
    let late = || vec![settlement("call", a)];
    assert_eq!(
        said(&elsewhere("0.5"), late()),
        [settled("0.2", "0.1", "0.8")]
    );
    assert_eq!(
        said(&elsewhere("0.9"), late()),
        [settled("0.1", "0.2", "0.9")]
    );
    assert_eq!(said(&elsewhere("1"), late()), [settled("0", "0.3", "1")]);
    assert_eq!(
        said(&[], late()),
        [settled("0.2", "0.1", "0.8")],
        "no lease"
    );
}

#[test]
fn what_its_lease_lacks_of_a_hold_is_paid_as_if_late() {
    let a = AccountId(1);
    let before = [op("lease", lease(a, "0.3")), op("other", lease(a, "0.65"))];
    let calls = vec![settlement("one", a), settlement("two", a)];
    let expected = [
        settled("0.2", "0.1", "0.8"),
        settled("0.15", "0.15", "0.65"),
    ];
    assert_eq!(said(&before, calls), expected);
}

#[test]
fn nobody_pays_more_than_was_delivered() {
    let a = AccountId(1);
    let most = |amount| Settlement {
        pays_max: Some(usd(amount)),
        ..settlement("call", a)
    };
    let before = [op("lease", lease(a, "0.5"))];
    assert_eq!(
        said(&before, vec![most("0.05")]),
        [settled("0.05", "0.25", "0.95")]
    );
    assert_eq!(said(&before, vec![most("0")]), [settled("0", "0.3", "1")]);
    let store = memory();
    let metered = crate::account(&store, "metered");
    let call = Settlement {
        account: metered,
        hold: None,
        ..most("0.25")
    };
    let outcomes = store.apply(&[op("settle", Act::Settle(call))]).unwrap();
    assert_eq!(outcomes, [settled("0.25", "0.05", "-0.25")]);
    store.audit().unwrap().unwrap();
}

#[test]
fn a_renewed_lease_keeps_what_is_spent_of_it() {
    let store = memory();
    let account = prepaid(&store, "team", "1");
    let renew = |id: &str, by: &str| {
        let act = Act::Renew {
            lease: "lease".into(),
            by: usd(by),
            until: START + 120,
        };
        op(id, act)
    };
    let ops = [
        op("lease", lease(account, "0.5")),
        op("settle", Act::Settle(settlement("call", account))),
        renew("more", "0.4"),
        renew("too-much", "0.2"),
        renew("less", "-5"),
        renew("longer", "0"),
    ];
    let outcomes = store.apply(&ops).unwrap();
    let missing = usd("0.1");
    assert_eq!(outcomes[2], Ok(Outcome::Renewed(usd("0.9"))));
    assert_eq!(outcomes[3], Err(Refusal::Balance { missing }));
    assert_eq!(outcomes[4], Ok(Outcome::Renewed(usd("0.2"))));
    assert_eq!(outcomes[5], Ok(Outcome::Renewed(usd("0.2"))));
    assert_eq!(store.balance(account).unwrap().held, Money::ZERO);
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
    let budget = |budget| Act::SetBudget {
        key: "key".into(),
        budget,
    };
    let call = Settlement {
        hold: Some(Hold {
            lease: "first".into(),
            amount: usd("2"),
        }),
        attempts: vec![attempt(1_000_000, 2_000_000)],
        ..settlement("call", account)
    };
    let tomorrow = Period::Day.end(START);
    let outcomes = store
        .apply(&[
            op("budget", budget(Some((usd("3"), Period::Day)))),
            lease("first", START),
            op("settle", Act::Settle(call)),
            lease("second", tomorrow - 1),
            lease("third", tomorrow),
            lease("fourth", tomorrow),
            op("no-budget", budget(None)),
            lease("fifth", tomorrow),
        ])
        .unwrap();
    let refused = Refusal::Budget {
        missing: usd("1"),
        resets_at: tomorrow,
    };
    assert_eq!(outcomes[3], Err(refused));
    assert_eq!(outcomes[4], Ok(Outcome::Leased));
    assert!(matches!(outcomes[5], Err(Refusal::Budget { .. })));
    assert_eq!(outcomes[7], Ok(Outcome::Leased));
}
