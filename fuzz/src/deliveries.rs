//! Deliveries to the webhook of payments: the header in the first line, then the body.

use vane::payments::{is_believed, meaning};
use vane_catalog::Money;
use vane_ledger::book::Pay;

/// Nobody knows the secret, so nothing is believed; of what any event says no money is below zero.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (header, body) = text.split_once('\n').unwrap_or(("", &text));
    for secret in ["", "whsec_that_nobody_knows"] {
        assert!(!is_believed(
            secret,
            Some(header),
            body.as_bytes(),
            1_700_000_000
        ));
    }
    for key in ["sk_test_x", "rk_live_x"] {
        match meaning(body.as_bytes(), key) {
            Some(Pay::Paid { total, .. }) => assert!(total >= Money::ZERO),
            Some(Pay::Claim(claim)) => assert!(claim.due >= Money::ZERO && claim.stage >= 0),
            Some(Pay::End { .. }) | None => {}
            Some(other) => panic!("an event asks for {other:?}"),
        }
    }
}
