//! A pass to one receipt: sealed, told with the answer, over soon.
//!
//! All guests are one account, so being a guest must not open a guest's receipt. Invariant: a pass
//! opens the receipt of the run that it came with, and no other.

use vane_ledger::{AccountId, Sealer};

const SECONDS: i64 = 15 * 60;
const BOUND_TO: &[u8] = b"playground";

pub(super) fn seal(sealer: &Sealer, account: AccountId, call: &str, now: i64) -> Option<String> {
    let until = now.saturating_add(SECONDS);
    let plain = format!("{until} {account} {call}");
    sealer.seal(plain.as_bytes(), BOUND_TO).ok()
}

/// The account and the call of a pass that is still good.
pub(super) fn open(sealer: &Sealer, pass: &str, now: i64) -> Option<(AccountId, String)> {
    let plain = String::from_utf8(sealer.open(pass, BOUND_TO).ok()?).ok()?;
    let mut parts = plain.splitn(3, ' ');
    let until: i64 = parts.next()?.parse().ok()?;
    let account: i64 = parts.next()?.parse().ok()?;
    let call = parts.next()?.to_owned();
    (now < until).then_some((AccountId(account), call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_ledger::{Purpose, Secret};

    #[test]
    fn a_pass_is_good_for_one_run_and_a_while() {
        let secret = Secret::from_hex(&"5a".repeat(32), "a test").unwrap();
        let sealer = secret.sealer(Purpose::Pass).unwrap();
        let pass = seal(&sealer, AccountId(7), "a call", 1_000).unwrap();
        let opened = Some((AccountId(7), "a call".to_owned()));
        assert_eq!(open(&sealer, &pass, 1_000 + SECONDS - 1), opened);
        assert_eq!(open(&sealer, &pass, 1_000 + SECONDS), None);
        let other = secret.sealer(Purpose::Seal).unwrap();
        assert_eq!(open(&other, &pass, 1_000), None);
        assert_eq!(open(&sealer, "junk", 1_000), None);
    }
}
