//! Random operations against the model and a database: equal outcomes, equal balances.
//!
//! Equal balances include the heads of the hash chains, so every entry is equal too. The
//! generator is seeded: a failure names its step and comes again. 20,000 operations; a million
//! with `VANE_TEST_LONG=1`.

use std::collections::BTreeMap;

use vane_catalog::Money;
use vane_ledger::AccountId;
use vane_ledger::book::{
    Act, Attempt, Book, BookKind, Checkout, CheckoutState, Claim, Ended, Hold, Lease, Model, Op,
    Outcome, Pay, Period, Settlement, Source, Status, Times,
};

use crate::books::{START, attempt, cash, op, prepaid, usd};
use crate::memory;
use crate::removal::remove;

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

    /// A few milliseconds.
    fn small(&mut self) -> u32 {
        u32::try_from(self.below(400)).unwrap()
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
    /// When they were settled.
    settled_at: Vec<i64>,
    lots: Vec<String>,
    /// What checkouts come to.
    asked: BTreeMap<String, Money>,
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
            (Act::Settle(settlement), _) => {
                self.calls.push(settlement.call.clone());
                self.settled_at.push(op.at);
            }
            // Mostly what is still open; what was returned is held against now and then.
            (Act::ReturnLease { lease }, _) if self.dice.below(3) > 0 => {
                self.leases.retain(|open| open != lease);
            }
            (Act::Grant { .. }, Outcome::Credited(_)) => self.lots.push(op.id.clone()),
            (Act::Pay(Pay::Ask(checkout)), _) => {
                let total = checkout.amount.checked_add(checkout.fee);
                self.asked.insert(checkout.id.clone(), total.unwrap());
            }
            _ => {}
        }
    }

    /// Now and then, a time before which receipts may go: that of no call that is asked for again.
    fn forgotten(&mut self) -> Option<(i64, usize)> {
        if self.dice.below(60) > 0 {
            return None;
        }
        let known = self.settled_at.len().checked_sub(150)?;
        let most = 1 + usize::try_from(self.dice.below(100)).unwrap();
        Some((self.settled_at[known], most))
    }

    fn step(&mut self) -> Op {
        self.made += 1;
        self.at += match self.dice.below(100) {
            0 => 40_000,
            1..4 => 3_000,
            _ => i64::try_from(self.dice.below(20)).unwrap(),
        };
        let act = self.act();
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

    fn act(&mut self) -> Act {
        match self.dice.below(19) {
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
            16 => Act::Pay(self.pay()),
            17 => Act::Freeze {
                account: self.account(),
                reason: (self.dice.below(3) == 0).then(|| "looked at".into()),
            },
            _ => self.budget(),
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

    fn pay(&mut self) -> Pay {
        let n = self.dice.below(12);
        let (checkout, payment) = (format!("k{n}"), format!("pi{n}"));
        let (external, provider) = (format!("cs{n}"), "payments".to_owned());
        match self.dice.below(6) {
            0 => Pay::Ask(Checkout {
                id: checkout,
                account: self.account(),
                provider,
                amount: self.dice.money(),
                fee: Money::from_pico(5),
                asked_at: self.at,
                external: None,
                url: None,
                state: CheckoutState::Open,
            }),
            1 => Pay::Begin {
                checkout,
                external,
                url: "https://pay".into(),
            },
            2 => Pay::End {
                checkout,
                state: CheckoutState::Expired,
            },
            3 => Pay::Paid {
                total: match self.asked.get(&checkout) {
                    Some(total) if self.dice.below(8) > 0 => *total,
                    _ => self.dice.money(),
                },
                checkout,
                external,
                payment,
            },
            4 => Pay::Claim(Claim {
                provider,
                payment,
                id: format!("du{}", self.dice.below(2)),
                stage: i64::try_from(self.dice.below(3)).unwrap(),
                due: Money::from_pico(i64::try_from(self.dice.below(1_000)).unwrap()),
            }),
            _ => Pay::Square { provider, payment },
        }
    }

    fn settle(&mut self) -> Act {
        let lease = self.lease_id();
        let lender = self.lenders.get(&lease).cloned();
        let lender = lender.filter(|_| self.dice.below(20) > 0);
        let (account, key) = lender.unwrap_or_else(|| (self.account(), None));
        let amount = Money::from_pico(self.dice.money().pico() / 8);
        let (status, attempts) = self.attempts();
        let ended = attempts.iter().map(|one| one.times.end_ms()).max();
        let known = (self.dice.below(20) == 0).then(|| Self::of(&mut self.dice, &self.calls));
        Act::Settle(Settlement {
            call: known.unwrap_or_else(|| format!("c{}", self.made)),
            account,
            key: key.unwrap_or_else(|| self.key()),
            hold: (self.dice.below(10) > 0).then_some(Hold { lease, amount }),
            model: format!("m{}", self.dice.below(2)),
            status,
            attempts,
            pays_max: (self.dice.below(4) == 0).then(|| self.dice.money()),
            reported: (self.dice.below(4) == 0).then(|| self.dice.money()),
            stream: self.dice.below(2) == 0,
            took_ms: ended.unwrap_or_default() + self.dice.small(),
        })
    }

    /// One that ended as the call does, after some that failed.
    fn attempts(&mut self) -> (Status, Vec<Attempt>) {
        let mut last = attempt(
            1 + self.dice.below(40),
            i64::try_from(self.dice.below(9)).unwrap(),
        );
        let (status, outcome) = match self.dice.below(12) {
            // Refused, unless it cost nothing.
            0 => (Status::Failed, Ended::FailedUnbilled),
            1 => (Status::Failed, Ended::FailedBilled),
            2 => (Status::ClientGone, Ended::Interrupted),
            3 => (Status::Stopped, Ended::Interrupted),
            _ => (Status::Done, Ended::Done),
        };
        last.outcome = outcome;
        match self.dice.below(30) {
            0 => last.lines.clear(),
            1 => last.quantity_max = 10,
            2 => last.lines[0].price = self.dice.money(),
            3 => last.lines[0].quantity = 0,
            _ => {}
        }
        let failed = Attempt {
            outcome: Ended::FailedUnbilled,
            lines: Vec::new(),
            ..attempt(1, 1)
        };
        let before = usize::try_from(self.dice.below(3)).unwrap();
        let mut attempts = vec![failed; before];
        attempts.push(last);
        self.timed(&mut attempts);
        (status, attempts)
    }

    /// One after another, the last of them with an answer.
    fn timed(&mut self, attempts: &mut [Attempt]) {
        let mut now = 0;
        for attempt in &mut *attempts {
            now += self.dice.small();
            let took_ms = self.dice.small();
            attempt.times = Times {
                began_ms: now,
                first_content_ms: None,
                took_ms,
            };
            attempt.dropped = ["", "top_k,seed"][usize::from(took_ms == 0)].into();
            now += took_ms;
        }
        if let Some(last) = attempts.last_mut() {
            let took_ms = last.times.took_ms;
            last.times.first_content_ms = (took_ms > 20).then_some(took_ms / 2);
        }
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
        settled_at: Vec::new(),
        lots: Vec::new(),
        asked: BTreeMap::new(),
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
        // What is removed changes nothing of what the model knows.
        if let Some((before, most)) = play.forgotten() {
            let chunks = remove(&store, before, most);
            *tally.entry("Removed".into()).or_default() += u64::try_from(chunks).unwrap();
            store.audit().unwrap().unwrap();
        }
        for (kind, owner) in &books {
            let kept: Option<Book> = store.book(*kind, *owner).unwrap();
            let reckoned = model.balance(kind.of(*owner)).cloned();
            assert!(
                crate::same_book(kept.as_ref(), reckoned.as_ref()),
                "seed {seed}, step {}: {kept:?} is not {reckoned:?} after {ops:?}",
                play.made
            );
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
    println!(
        "measured: {} random operations as the model has them: {tally:?}",
        seeds * 4_000
    );
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
        "Noted",
        "Squared",
        "NoSuchCheckout",
        "NotAsked",
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
    assert!(tally["Removed"] > 50, "{tally:?}");
}
