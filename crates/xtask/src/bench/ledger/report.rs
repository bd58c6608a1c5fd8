//! The medians of pairs, as a table for people and as JSON for programs.

use serde_json::{Map, Value, json};

use super::variant::Variant;
use crate::bench::report::{median, rounded};
use crate::bench::workload::Workload;

/// What one run came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// CPU time of a call, all that it causes counted.
    pub(crate) cpu_us: f64,
    pub(crate) first_p50_ms: f64,
    pub(crate) first_p99_ms: f64,
    pub(crate) last_p50_ms: f64,
    pub(crate) last_p99_ms: f64,
    /// Calls that were answered and are in the database, a second.
    pub(crate) per_second: f64,
    /// By how much the database grew.
    pub(crate) bytes_per_call: f64,
}

/// The same without and with books, one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pair {
    pub(crate) off: Figures,
    pub(crate) on: Figures,
    /// CPU time of the bare proxy, where that is the measure.
    pub(crate) proxy_us: Option<f64>,
}

/// The most that books may cost: CPU time in per cent, milliseconds to the first byte of a stream
/// (nothing, as near as this can tell) and to the last byte of any answer.
const ADDED_MAX: f64 = 25.0;
const ADDED_FIRST_MS_MAX: f64 = 0.1;
const ADDED_LAST_MS_MAX: f64 = 1.0;
/// And what a call may cost in all where power may fail, as a ratio to the bare proxy.
const PROXY_RATIO_MAX: f64 = 4.0;

/// One variant under one workload: medians over all rounds.
#[derive(Debug)]
pub(crate) struct Row {
    variant: &'static str,
    workload: &'static str,
    streamed: bool,
    is_default: bool,
    off: Figures,
    on: Figures,
    /// Medians of what was added in each pair.
    added_percent: f64,
    added: Figures,
    proxy_ratio: Option<f64>,
}

impl Row {
    pub(crate) fn of(variant: &'static Variant, workload: &Workload, pairs: &[Pair]) -> Self {
        let differ = |pair: &Pair| pair.on.zip(pair.off, |on, off| on - off);
        let ratios = pairs
            .iter()
            .filter_map(|pair| Some(pair.on.cpu_us / pair.proxy_us?));
        let ratios: Vec<f64> = ratios.collect();
        let percent = |pair: &Pair| 100.0 * (pair.on.cpu_us / pair.off.cpu_us - 1.0);
        Self {
            variant: variant.name,
            workload: workload.name,
            streamed: workload.streamed,
            is_default: variant.is_default(),
            off: Figures::medians(pairs, |pair| pair.off),
            on: Figures::medians(pairs, |pair| pair.on),
            added_percent: median(pairs.iter().map(percent).collect()),
            added: Figures::medians(pairs, differ),
            proxy_ratio: (!ratios.is_empty()).then(|| median(ratios)),
        }
    }

    /// What is asked of this row, and whether it holds.
    fn verdicts(&self) -> Vec<(String, bool)> {
        let mut verdicts = Vec::new();
        if self.is_default {
            verdicts.push((
                format!("CPU <= +{ADDED_MAX} %"),
                self.added_percent <= ADDED_MAX,
            ));
            let held = self.added.last_p50_ms <= ADDED_LAST_MS_MAX;
            verdicts.push((format!("last byte <= +{ADDED_LAST_MS_MAX} ms"), held));
        }
        if self.is_default && self.streamed {
            let held = self.added.first_p50_ms <= ADDED_FIRST_MS_MAX;
            verdicts.push((format!("first byte <= +{ADDED_FIRST_MS_MAX} ms"), held));
        }
        if let Some(ratio) = self.proxy_ratio {
            let asked = format!("{ratio:.2} of nginx, <= {PROXY_RATIO_MAX}");
            verdicts.push((asked, ratio <= PROXY_RATIO_MAX));
        }
        verdicts
    }

    fn line(&self) -> String {
        let verdicts = self.verdicts().into_iter().map(|(asked, held)| {
            let verdict = if held { "holds" } else { "BROKEN" };
            format!("{asked} {verdict}")
        });
        let verdicts: Vec<String> = verdicts.collect();
        let Self { off, on, added, .. } = self;
        format!(
            "{:<2} {:>7.1} {:>7.1} {:>7.1} {:>10.3} {:>8.3} {:>10.3} {:>8.3} {:>8.0} {:>7.0}  {}",
            self.workload,
            off.cpu_us,
            on.cpu_us,
            self.added_percent,
            added.first_p50_ms,
            added.first_p99_ms,
            added.last_p50_ms,
            added.last_p99_ms,
            on.per_second,
            on.bytes_per_call,
            verdicts.join(", ")
        )
    }
}

impl Figures {
    fn zip(self, other: Self, join: fn(f64, f64) -> f64) -> Self {
        Self {
            cpu_us: join(self.cpu_us, other.cpu_us),
            first_p50_ms: join(self.first_p50_ms, other.first_p50_ms),
            first_p99_ms: join(self.first_p99_ms, other.first_p99_ms),
            last_p50_ms: join(self.last_p50_ms, other.last_p50_ms),
            last_p99_ms: join(self.last_p99_ms, other.last_p99_ms),
            per_second: join(self.per_second, other.per_second),
            bytes_per_call: join(self.bytes_per_call, other.bytes_per_call),
        }
    }

    fn medians(pairs: &[Pair], of: impl Fn(&Pair) -> Self) -> Self {
        let median =
            |part: fn(&Self) -> f64| median(pairs.iter().map(|pair| part(&of(pair))).collect());
        Self {
            cpu_us: median(|it| it.cpu_us),
            first_p50_ms: median(|it| it.first_p50_ms),
            first_p99_ms: median(|it| it.first_p99_ms),
            last_p50_ms: median(|it| it.last_p50_ms),
            last_p99_ms: median(|it| it.last_p99_ms),
            per_second: median(|it| it.per_second),
            bytes_per_call: median(|it| it.bytes_per_call),
        }
    }

    fn json(&self) -> Value {
        let milliseconds = |value: f64| rounded(value, 1000.0);
        json!({
            "us_per_request": rounded(self.cpu_us, 10.0),
            "first_byte_ms": {"p50": milliseconds(self.first_p50_ms), "p99": milliseconds(self.first_p99_ms)},
            "last_byte_ms": {"p50": milliseconds(self.last_p50_ms), "p99": milliseconds(self.last_p99_ms)},
            "per_second": rounded(self.per_second, 1.0),
            "database_bytes": rounded(self.bytes_per_call, 1.0),
        })
    }
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let mut variants = Map::new();
    for row in rows {
        let figures = json!({
            "off": row.off.json(),
            "on": row.on.json(),
            "added_percent": rounded(row.added_percent, 10.0),
            "ratio_to_nginx": row.proxy_ratio.map(|ratio| rounded(ratio, 100.0)),
            "holds": row.verdicts().iter().all(|(_, held)| *held),
        });
        let of = variants.entry(row.variant).or_insert_with(|| json!({}));
        of[row.workload] = figures;
    }
    Value::Object(variants)
}

pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![format!(
        "{:<2} {:>7} {:>7} {:>7} {:>10} {:>8} {:>10} {:>8} {:>8} {:>7}",
        "",
        "off us",
        "on us",
        "added %",
        "first +p50",
        "+p99 ms",
        "last +p50",
        "+p99 ms",
        "calls/s",
        "B/call"
    )];
    let mut variant = "";
    for row in rows {
        if row.variant != variant {
            variant = row.variant;
            lines.push(variant.to_owned());
        }
        lines.push(row.line());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::ledger::variant::VARIANTS;
    use crate::bench::workload::WORKLOADS;

    fn row(variant: &str, workload: &str, pairs: &[Pair]) -> Row {
        let variant = VARIANTS.iter().find(|it| it.name.starts_with(variant));
        let workload = WORKLOADS.iter().find(|it| it.name == workload);
        Row::of(variant.unwrap(), workload.unwrap(), pairs)
    }

    fn pair(off_us: f64, on_us: f64, added_ms: f64) -> Pair {
        let figures = |cpu_us, later| Figures {
            cpu_us,
            first_p50_ms: 1.0 + later / 10.0,
            last_p50_ms: 2.0 + later,
            ..Figures::default()
        };
        Pair {
            off: figures(off_us, 0.0),
            on: figures(on_us, added_ms),
            proxy_us: None,
        }
    }

    #[test]
    fn what_is_added_is_the_median_of_pairs_and_no_pair_of_medians() {
        // The medians alone, 40 and 44, would say 10 %.
        let pairs = [
            pair(40.0, 44.0, 0.1),
            pair(20.0, 26.0, 0.2),
            pair(50.0, 60.0, 0.9),
        ];
        let row = row("crash", "A", &pairs);
        assert!((row.added_percent - 20.0).abs() < 1e-9, "{row:?}");
        assert!((row.off.cpu_us - 40.0).abs() < 1e-9 && (row.on.cpu_us - 44.0).abs() < 1e-9);
        assert!((row.added.last_p50_ms - 0.2).abs() < 1e-9);
    }

    #[test]
    fn each_bar_is_judged_by_itself() {
        let said = |workload, on_us, added_ms| {
            row("crash", workload, &[pair(40.0, on_us, added_ms)]).line()
        };
        let fine = said("C", 50.0, 0.9);
        assert_eq!(fine.matches("holds").count(), 3, "{fine}");
        assert!(said("C", 50.1, 0.9).contains("CPU <= +25 % BROKEN"));
        let late = said("C", 50.0, 1.1);
        assert!(late.contains("last byte <= +1 ms BROKEN"), "{late}");
        assert!(late.contains("first byte <= +0.1 ms BROKEN"), "{late}");
        // The first byte of what does not stream is settled like its last.
        assert!(!said("A", 50.0, 1.1).contains("first byte"));
    }

    #[test]
    fn power_is_judged_by_the_proxy_alone() {
        let with = |proxy_us| {
            let pair = Pair {
                proxy_us: Some(proxy_us),
                ..pair(40.0, 80.0, 9.0)
            };
            row("power", "A", &[pair])
        };
        let line = with(20.0).line();
        assert!(
            line.ends_with("4.00 of nginx, <= 4 holds") && !line.contains("CPU"),
            "{line}"
        );
        assert!(with(19.0).line().ends_with("BROKEN"));
        assert_eq!(
            json(&[with(20.0)])["power, one prepaid account, budget"]["A"]["ratio_to_nginx"],
            4.0
        );
    }

    #[test]
    fn a_table_names_each_variant_once() {
        let rows = [
            row("crash, one metered", "A", &[pair(40.0, 44.0, 0.1)]),
            row("crash, one metered", "C", &[pair(40.0, 44.0, 0.1)]),
            row("power", "C", &[pair(40.0, 44.0, 0.1)]),
        ];
        let table = table(&rows);
        assert_eq!(table.matches("one metered account").count(), 1, "{table}");
        assert_eq!(table.lines().count(), 6);
        assert_eq!(
            json(&rows)["crash, one metered account"]["C"]["added_percent"],
            10.0
        );
    }
}
