//! What the lender does when calls return money while it looks.

use std::sync::Arc;

use super::{NOW, Scene, micro};
use crate::clock::Clock;
use crate::replica::funds::Funds;
use crate::replica::lender::Desk;
use crate::replica::lifeline::Lifeline;
use crate::replica::purse::Wanted;

#[test]
fn m5_what_came_back_before_the_lender_looked_needs_no_lease_of_nothing() {
    let scene = Scene::new();
    let life = scene.store.begin(1, NOW).unwrap();
    let funds = Arc::new(Funds::default());
    let lifeline = Arc::new(Lifeline::new(None));
    let mut desk = Desk::new(&scene.store, &funds, &lifeline, life, &Clock::manual(NOW));
    let purse = funds.purse(scene.payer());
    let all = micro(100_000_000);
    let wants = |amount| Wanted {
        all: amount,
        largest: amount,
    };
    // One call holds all that there is; another waits for some, and the first ends.
    desk.lend(&purse, wants(all), false).unwrap();
    assert!(purse.extend(all));
    desk.lend(&purse, wants(micro(1)), false).unwrap_err();
    purse.release(all);
    desk.lend(&purse, wants(micro(1)), false).unwrap();
}
