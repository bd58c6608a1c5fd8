//! `/metrics` in Prometheus' text format.

use super::CLASSES;
use crate::gateway::Gateway;
use crate::upstream::{Offer, Standing};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Renders every metric. Offers that served nothing are left out.
#[must_use]
pub fn render(gateway: &Gateway) -> String {
    let mut out = String::with_capacity(4096);
    let telemetry = &gateway.telemetry;
    head(
        &mut out,
        "vane_calls_total",
        "counter",
        "Calls that ended, by how.",
    );
    for (class, count) in CLASSES.iter().zip(&telemetry.ended) {
        let _ = writeln!(
            out,
            "vane_calls_total{{end=\"{class}\"}} {}",
            count.load(Relaxed)
        );
    }
    head(
        &mut out,
        "vane_calls_running",
        "gauge",
        "Calls that began and have not ended.",
    );
    let _ = writeln!(out, "vane_calls_running {}", telemetry.running());
    head(
        &mut out,
        "vane_call_seconds_total",
        "counter",
        "Time that calls took, summed.",
    );
    let _ = writeln!(
        out,
        "vane_call_seconds_total {}",
        thousandths(&telemetry.took_us, 6)
    );
    ledger(&mut out, gateway);
    limits(&mut out, gateway);
    let state = gateway.state();
    let mut offers: Vec<_> = state
        .offers
        .iter()
        .filter(|offer| offer.tally.attempts.load(Relaxed) > 0)
        .collect();
    offers.sort_by_key(|offer| offer.facts.id.to_string());
    for (name, help, counter) in COUNTERS {
        head(&mut out, name, "counter", help);
        for offer in &offers {
            let _ = writeln!(out, "{name}{{{}}} {}", labels(offer), counter(offer));
        }
    }
    head(
        &mut out,
        "vane_offer_benched",
        "gauge",
        "1 while the offer is benched after failures.",
    );
    for offer in &offers {
        let benched = u8::from(offer.breaker.standing() != Standing::Closed);
        let _ = writeln!(out, "vane_offer_benched{{{}}} {benched}", labels(offer));
    }
    out
}

/// How this process's part of the ledger stands.
fn ledger(out: &mut String, gateway: &Gateway) {
    let figures = gateway.replica.figures();
    for (name, kind, help, value) in [
        (
            "vane_ledger_records_waiting",
            "gauge",
            "Records that wait to be written to the journal.",
            figures.waiting.to_string(),
        ),
        (
            "vane_ledger_records_not_ingested",
            "gauge",
            "Records of the journal that are not in the database.",
            figures.not_ingested.to_string(),
        ),
        (
            "vane_ledger_holds",
            "gauge",
            "Calls that money is held for.",
            figures.holds.to_string(),
        ),
        (
            "vane_ledger_strays",
            "gauge",
            "Records that the database could not take and keeps for people to look at.",
            figures.strays.to_string(),
        ),
        (
            "vane_ledger_lost_usd_total",
            "counter",
            "US dollars that calls cost the operator and no customer.",
            decimal(figures.lost.pico().unsigned_abs(), 12),
        ),
    ] {
        head(out, name, kind, help);
        let _ = writeln!(out, "{name} {value}");
    }
}

/// How limits are shared, where they are.
fn limits(out: &mut String, gateway: &Gateway) {
    let Some(shared) = gateway.traffic.shared() else {
        return;
    };
    for (name, kind, help, value) in [
        (
            "vane_limits_shared",
            "gauge",
            "1 while limits hold over all replicas, 0 while each serves its part.",
            u64::from(shared.is_shared),
        ),
        (
            "vane_limits_replicas",
            "gauge",
            "Replicas that share the limits, as known last.",
            shared.replicas,
        ),
        (
            "vane_limits_questions_total",
            "counter",
            "Questions to the server of shared limits.",
            shared.asked,
        ),
        (
            "vane_limits_unheard_total",
            "counter",
            "Calls that the server did not answer in time, decided by this replica's part.",
            shared.unheard,
        ),
    ] {
        head(out, name, kind, help);
        let _ = writeln!(out, "{name} {value}");
    }
}

type Counter = fn(&Offer) -> String;

const COUNTERS: [(&str, &str, Counter); 7] = [
    ("vane_attempts_total", "Attempts at an offer.", |o| {
        plain(&o.tally.attempts)
    }),
    ("vane_faults_total", "Attempts that failed.", |o| {
        plain(&o.tally.faults)
    }),
    ("vane_input_tokens_total", "Input tokens.", |o| {
        plain(&o.tally.input_tokens)
    }),
    ("vane_output_tokens_total", "Output tokens.", |o| {
        plain(&o.tally.output_tokens)
    }),
    ("vane_cost_usd_total", "Cost in US dollars.", |o| {
        thousandths(&o.tally.cost_pico, 12)
    }),
    (
        "vane_unpriced_uses_total",
        "Uses of hosted tools that have no price and are in no cost.",
        |o| plain(&o.tally.unpriced_uses),
    ),
    (
        "vane_first_content_seconds_total",
        "Time to the first content, summed.",
        |o| thousandths(&o.tally.first_content_ms, 3),
    ),
];

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn labels(offer: &Offer) -> String {
    format!(
        "offer=\"{}\",provider=\"{}\"",
        escaped(&offer.facts.id),
        escaped(&offer.provider.id)
    )
}

/// A label's value as the format has it: two that differ stay two series.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

fn plain(counter: &AtomicU64) -> String {
    counter.load(Relaxed).to_string()
}

/// A count of small units as a decimal of the large one, without a float.
fn thousandths(counter: &AtomicU64, digits: u32) -> String {
    decimal(counter.load(Relaxed), digits)
}

fn decimal(count: u64, digits: u32) -> String {
    let unit = 10_u64.pow(digits);
    format!(
        "{}.{:0width$}",
        count / unit,
        count % unit,
        width = digits as usize
    )
}

#[cfg(test)]
mod tests {
    use super::{escaped, thousandths};
    use std::sync::atomic::AtomicU64;

    #[test]
    fn labels_are_escaped_and_not_merged() {
        assert_eq!(escaped("openai/gpt-5"), "openai/gpt-5");
        assert_eq!(escaped("a\"b\\c\nd"), r#"a\"b\\c\nd"#);
        assert_ne!(escaped("a\""), escaped("a_"));
    }

    #[test]
    fn sums_keep_their_digits() {
        for (count, digits, shown) in [
            (0, 3, "0.000"),
            (1_234, 3, "1.234"),
            (5, 12, "0.000000000005"),
            (2_000_000_000_000, 12, "2.000000000000"),
        ] {
            assert_eq!(thousandths(&AtomicU64::new(count), digits), shown);
        }
    }
}
