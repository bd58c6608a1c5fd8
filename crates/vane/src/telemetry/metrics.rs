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
    let clean = |text: &str| text.replace(['"', '\\', '\n'], "_");
    format!(
        "offer=\"{}\",provider=\"{}\"",
        clean(&offer.facts.id),
        clean(&offer.provider.id)
    )
}

fn plain(counter: &AtomicU64) -> String {
    counter.load(Relaxed).to_string()
}

/// A count of small units as a decimal of the large one, without a float.
fn thousandths(counter: &AtomicU64, digits: u32) -> String {
    let count = counter.load(Relaxed);
    let unit = 10_u64.pow(digits);
    format!(
        "{}.{:0width$}",
        count / unit,
        count % unit,
        width = digits as usize
    )
}
