//! Random holds against a balance that is a number: made, extended, joined, posted and dropped.
//!
//! The generator is seeded: a failure names its step and comes again.

use vane_catalog::Money;
use vane_ledger::book::{Attempt, Ended, Settlement, Status};
use vane_ledger::replica::Settings;
use vane_ledger::{AccountId, Clock, Hold, Payer, Replica, Short};

use crate::Folder;
use crate::books::{START, attempt, prepaid, usd};

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

    fn micro(&mut self, below: u64) -> i64 {
        i64::try_from(self.below(below)).unwrap() + 1
    }
}

fn micro(micro: i64) -> Money {
    Money::from_pico(micro * 1_000_000)
}

/// A replica, and what its holds must come to, in micro-dollars.
struct Play {
    replica: Replica,
    payer: AccountId,
    /// What nobody holds.
    free: i64,
    held: Vec<(Hold, i64)>,
    charged: i64,
    calls: u32,
}

impl Play {
    fn payer(&self) -> Payer<'static> {
        Payer {
            account: self.payer,
            prepaid: true,
            key: "key",
            budget: None,
        }
    }

    /// Never granted where there is not enough. A refusal may be as old as a few milliseconds.
    async fn hold(&mut self, amount: i64) -> Option<Hold> {
        match self.replica.hold(self.payer(), micro(amount)).await {
            Ok(hold) => {
                assert!(amount <= self.free, "{amount} of {}", self.free);
                self.free -= amount;
                Some(hold)
            }
            Err(short) => {
                let least = micro(amount - self.free);
                let is_enough =
                    |short| matches!(short, Short::Balance { missing } if missing >= least);
                assert!(is_enough(short), "{amount} of {}", self.free);
                None
            }
        }
    }

    /// From memory where that has it, or else by another hold.
    async fn extend(&mut self, nth: usize, by: i64) {
        let (hold, _) = &mut self.held[nth];
        if hold.extend(micro(by)) {
            assert!(by <= self.free, "{by} of {}", self.free);
            self.free -= by;
        } else if let Some(more) = self.hold(by).await {
            assert!(self.held[nth].0.join(more));
        } else {
            return;
        }
        self.held[nth].1 += by;
    }

    async fn settle(&mut self, nth: usize, cost: i64) {
        let (hold, amount) = self.held.swap_remove(nth);
        self.calls += 1;
        let settlement = Settlement {
            call: format!("req_{}", self.calls),
            account: self.payer,
            key: "key".into(),
            hold: None,
            model: "lab-m".into(),
            status: Status::Stopped,
            attempts: vec![Attempt {
                outcome: Ended::Interrupted,
                ..attempt(cost.unsigned_abs(), 1_000_000)
            }],
            pays_max: None,
            reported: None,
            stream: false,
            took_ms: 0,
        };
        let settling = self.replica.settle(hold, settlement, micro(cost)).unwrap();
        settling.await.unwrap();
        let paid = cost.min(amount);
        self.free += amount - paid;
        self.charged += paid;
    }
}

#[tokio::test]
async fn m5_holds_that_are_extended_never_exceed_the_balance() {
    let folder = Folder::new();
    let store = folder.store();
    let payer = prepaid(&store, "payer", "0.02");
    let replica = Replica::open(&store, &Settings::default(), Clock::manual(START)).unwrap();
    let mut dice = Dice(7);
    let mut play = Play {
        replica,
        payer,
        free: 20_000,
        held: Vec::new(),
        charged: 0,
        calls: 0,
    };
    for step in 0..2_000 {
        let nth = usize::try_from(dice.below(8)).unwrap();
        match (dice.below(8), nth < play.held.len()) {
            (0..=2, false) => {
                let amount = dice.micro(4_000);
                if let Some(hold) = play.hold(amount).await {
                    play.held.push((hold, amount));
                }
            }
            (0..=5, true) => play.extend(nth, dice.micro(2_000)).await,
            (6, true) => play.settle(nth, dice.micro(300)).await,
            (7, true) => play.free += play.held.swap_remove(nth).1,
            _ => {}
        }
        for (hold, amount) in &play.held {
            assert_eq!(hold.limit(), Some(micro(*amount)), "step {step}");
        }
        let open = u64::try_from(play.held.len()).unwrap();
        assert_eq!(play.replica.figures().holds, open, "step {step}");
    }
    assert!(play.charged > 10_000, "{}", play.charged);
    play.held.clear();
    drop(play.replica);
    let book = store.balance(payer).unwrap();
    let rest = usd("0.02").checked_sub(micro(play.charged));
    assert_eq!((Some(book.posted), book.held), (rest, Money::ZERO));
    let audited = store.audit().unwrap();
    assert!(audited.is_ok(), "{audited:?}");
}
