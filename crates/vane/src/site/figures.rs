//! How pages write numbers, prices and addresses.
//!
//! Invariant: a price is written by the catalogue's own functions, so that no page rounds in a
//! way of its own; an address is escaped before it stands in a page.

use std::fmt::Write;

use vane_catalog::{Money, Offer, Rate};

/// `131072` is `131k`, as price lists write it.
pub(crate) fn short(tokens: u64) -> String {
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}k", tokens / 1_000),
        _ if tokens % 1_000_000 < 100_000 => format!("{}M", tokens / 1_000_000),
        _ => format!("{}.{}M", tokens / 1_000_000, tokens % 1_000_000 / 100_000),
    }
}

/// `131072` is `131,072`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The price per million tokens of an offer: free is said, never shown as zero.
pub(crate) fn price(offer: &Offer, rate: Rate) -> String {
    match offer.free {
        true => "free".to_owned(),
        false => rate.display_price(),
    }
}

/// An amount as a bill shows it: four decimals, and two from ten dollars on.
pub(crate) fn amount(money: Money) -> String {
    const TEN: i64 = 10_000_000_000_000;
    const CENT: i64 = 10_000_000_000;
    if money == Money::ZERO {
        return "$0".to_owned();
    }
    if money.pico() < TEN {
        return money.display_cost().replace('-', "\u{2212}");
    }
    let cents = u64::try_from(money.pico().saturating_add(CENT / 2) / CENT).unwrap_or_default();
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// An amount with all its digits, as the API writes it: `5` is `$5`, the sign before the dollar.
pub(crate) fn dollars(usd: &str) -> String {
    match usd.strip_prefix('-') {
        Some(rest) => format!("\u{2212}${rest}"),
        None => format!("${usd}"),
    }
}

/// `840 ms`, `1.84 s`, `61 s`.
pub(crate) fn lasting(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => {
            let seconds = format!("{}.{:02}", ms / 1_000, ms % 1_000 / 10);
            let seconds = seconds.trim_end_matches('0').trim_end_matches('.');
            format!("{seconds} s")
        }
        _ => format!("{} s", grouped(ms / 1_000)),
    }
}

/// A path of this site, with what an id may hold escaped and its slashes kept.
pub(crate) fn href(folder: &str, id: &str) -> String {
    let mut out = String::with_capacity(folder.len() + id.len());
    out.push_str(folder);
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b':'
            | b'@' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The value of a field in a query.
pub(crate) fn query_value(text: &str) -> String {
    href("", text).replace('/', "%2F").replace('@', "%40")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_like_a_price_list() {
        for (tokens, shown) in [
            (512, "512"),
            (32_000, "32k"),
            (131_072, "131k"),
            (1_048_576, "1M"),
            (1_050_000, "1M"),
            (1_250_000, "1.2M"),
            (2_000_000, "2M"),
        ] {
            assert_eq!(short(tokens), shown);
        }
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (262_144, "262,144"),
        ] {
            assert_eq!(grouped(number), shown);
        }
    }

    #[test]
    fn the_sign_of_an_amount_stands_before_the_dollar() {
        for (usd, exact, shown) in [
            ("5", "$5", "$5.0000"),
            ("-0.000279", "\u{2212}$0.000279", "\u{2212}$0.0003"),
        ] {
            assert_eq!(dollars(usd), exact);
            assert_eq!(amount(Money::parse(usd).unwrap()), shown);
        }
    }

    #[test]
    fn amounts_get_cents_when_they_are_large() {
        for (usd, shown) in [
            ("0", "$0"),
            ("0.00075", "$0.0008"),
            ("9.99", "$9.9900"),
            ("10", "$10.00"),
            ("1234.565", "$1,234.57"),
        ] {
            assert_eq!(amount(Money::parse(usd).unwrap()), shown);
        }
    }

    #[test]
    fn times_are_read_in_the_unit_that_fits() {
        for (ms, shown) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (1_849, "1.84 s"),
            (10_500, "10.5 s"),
            (61_999, "61 s"),
            (3_600_000, "3,600 s"),
        ] {
            assert_eq!(lasting(ms), shown);
        }
    }

    #[test]
    fn s15_an_id_cannot_leave_its_address() {
        assert_eq!(
            href("/models/", "a/b<c>\"d?e#f"),
            "/models/a/b%3Cc%3E%22d%3Fe%23f"
        );
        assert_eq!(query_value("a/b&c=d"), "a%2Fb%26c%3Dd");
    }
}
