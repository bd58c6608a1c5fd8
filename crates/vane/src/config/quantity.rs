//! Sizes and durations as people write them: `32MiB`, `300ms`, `30d`.

use std::time::Duration;

/// Bytes: `65536`, `64KiB`, `32MiB`, `1GiB`, `1TiB`, or thousands as `kB`, `MB`, `GB`, `TB`.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(bytes)
}

/// Time: `5` and `5s` are seconds; `300ms`, `60min`, `2h`, `30d`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "min" | "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

/// A time with its unit: of a number alone, people and programs think differently.
pub(crate) fn plain_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    (number == 0 || !unit.is_empty())
        .then(|| duration(text))
        .flatten()
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("65536", Some(65_536)),
            ("64KiB", Some(65_536)),
            (" 32 MiB ", Some(33_554_432)),
            ("1GB", Some(1_000_000_000)),
            ("2TB", Some(2_000_000_000_000)),
            ("16TiB", Some(17_592_186_044_416)),
            ("32mib", None),
            ("MiB", None),
            ("-1", None),
            ("1.5GiB", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("5", Some(5_000)),
            ("5s", Some(5_000)),
            ("300ms", Some(300)),
            ("60min", Some(3_600_000)),
            ("2h", Some(7_200_000)),
            ("30d", Some(2_592_000_000)),
            ("5 weeks", None),
            ("", None),
            ("-5s", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}
