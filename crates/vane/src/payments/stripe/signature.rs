//! Whether Stripe said it: the signature over a webhook's body and the time at which it was sent.
//!
//! The header has one `t` and, while secrets are rotated, several `v1`: each an HMAC-SHA256 over
//! the text of `t`, a dot and the body. Without a secret nothing is believed.

use aws_lc_rs::{constant_time, hmac};

/// A delivery is this old at most, and no younger than that. Stripe signs each retry anew.
const TOLERANCE_SECONDS: u64 = 300;
/// Stripe sends one signature for each secret that is valid; a header of thousands is an attack.
const SIGNATURES_MAX: usize = 16;

/// Why a delivery is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::payments) enum Forged {
    #[error("there is no webhook secret to check it with")]
    NoSecret,
    #[error("it has no `stripe-signature`, or one that cannot be read")]
    Unsigned,
    #[error("it was signed with another secret, or was changed since")]
    Wrong,
    #[error("it was signed more than five minutes away from now: is the clock right?")]
    Late,
}

/// # Errors
/// If the body was not signed with this secret, or too long ago.
pub(in crate::payments) fn verify(
    secret: &str,
    header: Option<&str>,
    body: &[u8],
    now: i64,
) -> Result<(), Forged> {
    if secret.is_empty() {
        return Err(Forged::NoSecret);
    }
    let (sent_at, signatures) = header.and_then(read).ok_or(Forged::Unsigned)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(sent_at.as_bytes());
    signing.update(b".");
    signing.update(body);
    let ours = signing.sign();
    let is_ours =
        |theirs: &[u8; 32]| constant_time::verify_slices_are_equal(ours.as_ref(), theirs).is_ok();
    if !signatures.iter().any(is_ours) {
        return Err(Forged::Wrong);
    }
    // Only now: what is not signed learns nothing of our clock.
    let sent_at: i64 = sent_at.parse().map_err(|_| Forged::Unsigned)?;
    match now.abs_diff(sent_at) <= TOLERANCE_SECONDS {
        true => Ok(()),
        false => Err(Forged::Late),
    }
}

/// The text of the time and the signatures of a header.
fn read(header: &str) -> Option<(&str, Vec<[u8; 32]>)> {
    let (mut sent_at, mut signatures) = (None, Vec::new());
    for item in header.split(',') {
        let (name, value) = item.trim().split_once('=')?;
        match name {
            "t" if sent_at.replace(value).is_some() => return None,
            "v1" if signatures.len() == SIGNATURES_MAX => return None,
            "v1" => signatures.extend(bytes_of(value)),
            _ => {}
        }
    }
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let sent_at = sent_at.filter(digits)?;
    (!signatures.is_empty()).then_some((sent_at, signatures))
}

fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;
    // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const SIGNED: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    fn check(header: &str, body: &[u8], now: i64, expected: Result<(), Forged>) {
        let said = verify("whsec_test", Some(header), body, now);
        assert_eq!(said, expected, "{header}");
    }

    #[test]
    fn s10_only_what_was_signed_lately_with_our_secret_is_believed() {
        let good = format!("t={NOW},v1={SIGNED}");
        let other = "0".repeat(64);
        check(&good, BODY, NOW, Ok(()));
        check(&good, BODY, NOW + 300, Ok(()));
        check(&good, BODY, NOW - 300, Ok(()));
        check(
            &format!("t={NOW}, v0=x, v1={other}, v1={SIGNED}"),
            BODY,
            NOW,
            Ok(()),
        );
        check(&good, BODY, NOW + 301, Err(Forged::Late));
        check(&good, BODY, NOW - 301, Err(Forged::Late));
        check(&good, br#"{"id":"evt_2"}"#, NOW, Err(Forged::Wrong));
        check(
            &format!("t={},v1={SIGNED}", NOW + 1),
            BODY,
            NOW,
            Err(Forged::Wrong),
        );
        check(
            &format!("t={NOW},v1={other}"),
            BODY,
            NOW,
            Err(Forged::Wrong),
        );
        for unsigned in [
            String::new(),
            format!("t={NOW}"),
            format!("v1={SIGNED}"),
            format!("t=,v1={SIGNED}"),
            format!("t=-1,v1={SIGNED}"),
            format!("t={NOW},t={NOW},v1={SIGNED}"),
            format!("t={NOW},v0={SIGNED}"),
            format!("t={NOW},v1={}", &SIGNED[1..]),
            format!("t={NOW},v1=\u{e9}{}", &SIGNED[2..]),
            format!("t={NOW}{}", format!(",v1={other}").repeat(17)),
        ] {
            check(&unsigned, BODY, NOW, Err(Forged::Unsigned));
        }
        assert_eq!(verify("whsec_test", None, BODY, NOW), Err(Forged::Unsigned));
        assert_eq!(verify("other", Some(&good), BODY, NOW), Err(Forged::Wrong));
        assert_eq!(verify("", Some(&good), BODY, NOW), Err(Forged::NoSecret));
    }
}
