//! The medians of a run, as a table for people and as JSON for programs.
//!
//! Latencies are what the gateway adds to the direct path of the same round, to a chunk of a paced
//! stream and else to a whole answer; they may come out below zero where the machine was busier
//! without it.

use serde_json::{Map, Value, json};

use super::cell::Cell;
use super::workload::{Bar, Workload};

/// One workload's medians over all rounds.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    what: &'static str,
    must: Bar,
    /// Everything of the gateway that is not compared.
    gateway: Cell,
    proxy_us: f64,
    ratio: f64,
    added_p50_ms: f64,
    added_p99_ms: f64,
    /// How long a chunk was under way: directly, through the proxy, through the gateway.
    chunks: [Chunk; 3],
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    p50_ms: f64,
    p99_ms: f64,
}

/// What the gateway may add to a chunk's way, of 99 in a hundred.
const CHUNK_ADDED_P99_MS_MAX: f64 = 2.0;

impl Row {
    /// Takes the cells of each round in the order direct, proxy, gateway.
    pub(crate) fn of(workload: &Workload, rounds: &[[Cell; 3]]) -> Self {
        let median = |value: fn(&[Cell; 3]) -> f64| median(rounds.iter().map(value).collect());
        Self {
            name: workload.name,
            what: workload.what,
            must: workload.must,
            gateway: Cell {
                units: median(|[_, _, gateway]| gateway.units),
                cpu_us: median(|[_, _, gateway]| gateway.cpu_us),
                p50_ms: median(|[_, _, gateway]| gateway.p50_ms),
                p99_ms: median(|[_, _, gateway]| gateway.p99_ms),
                chunk_p50_ms: median(|[_, _, gateway]| gateway.chunk_p50_ms),
                chunk_p99_ms: median(|[_, _, gateway]| gateway.chunk_p99_ms),
                per_second: median(|[_, _, gateway]| gateway.per_second),
                peak_mb: median(|[_, _, gateway]| gateway.peak_mb),
                idle_mb: median(|[_, _, gateway]| gateway.idle_mb),
                start_s: median(|[_, _, gateway]| gateway.start_s),
            },
            proxy_us: median(|[_, proxy, _]| proxy.cpu_us),
            ratio: median(|[_, proxy, gateway]| gateway.cpu_us / proxy.cpu_us),
            added_p50_ms: median(|[direct, _, gateway]| gateway.waited().0 - direct.waited().0),
            added_p99_ms: median(|[direct, _, gateway]| gateway.waited().1 - direct.waited().1),
            chunks: [
                Chunk {
                    p50_ms: median(|[direct, _, _]| direct.chunk_p50_ms),
                    p99_ms: median(|[direct, _, _]| direct.chunk_p99_ms),
                },
                Chunk {
                    p50_ms: median(|[_, proxy, _]| proxy.chunk_p50_ms),
                    p99_ms: median(|[_, proxy, _]| proxy.chunk_p99_ms),
                },
                Chunk {
                    p50_ms: median(|[_, _, gateway]| gateway.chunk_p50_ms),
                    p99_ms: median(|[_, _, gateway]| gateway.chunk_p99_ms),
                },
            ],
        }
    }

    /// What is said of the chunks of a paced stream; nothing where none was timed.
    fn chunk_lines(&self, peer: &str) -> Vec<String> {
        let [direct, proxy, gateway] = self.chunks;
        if gateway.p99_ms == 0.0 {
            return Vec::new();
        }
        let line = |way: &str, chunk: Chunk| {
            let Chunk { p50_ms, p99_ms } = chunk;
            format!(
                "{:<5} a chunk was under way p50 {p50_ms:.3} ms, p99 {p99_ms:.3} ms {way}",
                self.name
            )
        };
        let added = gateway.p99_ms - direct.p99_ms;
        let verdict = if added <= CHUNK_ADDED_P99_MS_MAX {
            "holds"
        } else {
            "BROKEN"
        };
        vec![
            line("directly", direct),
            line(&format!("through {peer}"), proxy),
            line("through the gateway", gateway),
            format!(
                "{:<5} the gateway added {:.3} ms at p50 and {added:.3} ms at p99, <= \
                 {CHUNK_ADDED_P99_MS_MAX} {verdict}",
                self.name,
                gateway.p50_ms - direct.p50_ms
            ),
        ]
    }

    /// The ratio that the bar speaks of, and the bar; nothing when its other workload did not run.
    fn judged(&self, rows: &[Self]) -> Option<(f64, f64)> {
        match self.must {
            Bar::Proxy(most) => Some((self.ratio, most)),
            Bar::Own(other, most) => {
                let other = rows.iter().find(|row| row.name == other)?;
                Some((self.gateway.cpu_us / other.gateway.cpu_us, most))
            }
        }
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn json(rows: &[Row]) -> Value {
    let workloads = rows.iter().map(|row| {
        let mut figures = json!({
            "us_per_request": rounded(row.gateway.cpu_us, 10.0),
            "ratio_to_nginx": rounded(row.ratio, 100.0),
            "p50_ms": rounded(row.added_p50_ms, 1000.0),
            "p99_ms": rounded(row.added_p99_ms, 1000.0),
            "rss_mb": rounded(row.gateway.peak_mb, 10.0),
        });
        let [direct, proxy, gateway] = row.chunks;
        if gateway.p99_ms > 0.0 {
            let chunk = |chunk: Chunk| {
                json!({"p50_ms": rounded(chunk.p50_ms, 1000.0),
                    "p99_ms": rounded(chunk.p99_ms, 1000.0)})
            };
            figures["chunk"] = json!({"direct": chunk(direct), "nginx": chunk(proxy),
                "gateway": chunk(gateway)});
        }
        (row.name.to_owned(), figures)
    });
    Value::Object(workloads.collect::<Map<_, _>>())
}

pub(crate) fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

pub(crate) fn table(rows: &[Row], peer: &str) -> String {
    let mut lines = vec![format!(
        "{:<5} {:>8} {:>8} {:>6} {:>22} {:>8} {:>8} {:>9} {:>7} {:>7} {:>7}",
        "",
        "CPU us",
        peer,
        "ratio",
        "must",
        "+p50 ms",
        "+p99 ms",
        "/s",
        "peak MB",
        "idle MB",
        "start s"
    )];
    for row in rows {
        let must = row.judged(rows).map_or_else(String::new, |(ratio, most)| {
            let own = match row.must {
                Bar::Proxy(_) => String::new(),
                Bar::Own(other, _) => format!("{ratio:.2} of {other}, "),
            };
            let verdict = if ratio <= most { "holds" } else { "BROKEN" };
            format!("{own}<= {most} {verdict}")
        });
        let Cell {
            cpu_us,
            per_second,
            peak_mb,
            idle_mb,
            start_s,
            ..
        } = row.gateway;
        lines.push(format!(
            "{:<5} {cpu_us:>8.1} {:>8.1} {:>6.2} {must:>22} {:>8.3} {:>8.3} {per_second:>9.0} \
             {peak_mb:>7.1} {idle_mb:>7.1} {start_s:>7.3}",
            row.name, row.proxy_us, row.ratio, row.added_p50_ms, row.added_p99_ms
        ));
    }
    lines.push(String::new());
    lines.extend(rows.iter().flat_map(|row| row.chunk_lines(peer)));
    lines.extend(
        rows.iter()
            .map(|row| format!("{:<5} {}", row.name, row.what)),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::workload::WORKLOADS;

    fn cell(cpu_us: f64, p50_ms: f64) -> Cell {
        Cell {
            cpu_us,
            p50_ms,
            p99_ms: 2.0 * p50_ms,
            peak_mb: 12.34,
            ..Cell::default()
        }
    }

    fn row(name: &str, proxy_us: f64, gateway_us: [f64; 3]) -> Row {
        let workload = WORKLOADS
            .iter()
            .find(|workload| workload.name == name)
            .unwrap();
        let round = |us: f64| [cell(0.0, 0.06), cell(proxy_us, 0.1), cell(us, 0.2)];
        Row::of(workload, &gateway_us.map(round))
    }

    #[test]
    fn the_json_has_one_shape() {
        let figures = json(&[row("A", 16.0, [32.0, 24.0, 400.0])]);
        let expected = json!({"A": {
            "us_per_request": 32.0,
            "ratio_to_nginx": 2.0,
            "p50_ms": 0.14,
            "p99_ms": 0.28,
            "rss_mb": 12.3,
        }});
        assert_eq!(figures, expected);
    }

    #[test]
    fn r11_chunks_that_were_timed_are_judged_by_what_the_gateway_adds() {
        let workload = WORKLOADS.iter().find(|workload| workload.name == "F");
        let under_way = |p50_ms: f64, p99_ms: f64| Cell {
            chunk_p50_ms: p50_ms,
            chunk_p99_ms: p99_ms,
            ..cell(10.0, 1.0)
        };
        let said = |gateway_p99: f64| {
            let round = [
                under_way(0.1, 1.0),
                under_way(0.2, 2.0),
                under_way(0.3, gateway_p99),
            ];
            let rows = [Row::of(workload.unwrap(), &[round])];
            (table(&rows, "nginx"), json(&rows)["F"]["chunk"].clone())
        };
        let (fine, figures) = said(2.9);
        assert!(fine.contains("   0.200    1.900 "), "{fine}");
        assert!(
            fine.contains("added 0.200 ms at p50 and 1.900 ms at p99, <= 2 holds"),
            "{fine}"
        );
        assert!(
            fine.contains("p50 0.200 ms, p99 2.000 ms through nginx"),
            "{fine}"
        );
        assert_eq!(figures["gateway"], json!({"p50_ms": 0.3, "p99_ms": 2.9}));
        assert!(said(3.1).0.contains("BROKEN"));
    }

    #[test]
    fn a_translation_is_judged_by_the_gateways_own_cost() {
        let rows = [row("A", 10.0, [20.0; 3]), row("D", 10.0, [30.0; 3])];
        assert_eq!(rows[0].judged(&rows), Some((2.0, 2.8)));
        assert_eq!(rows[1].judged(&rows), Some((1.5, 1.4)));
        assert_eq!(rows[1].judged(&rows[1..]), None, "nothing to compare with");
        let table = table(&rows, "nginx");
        assert!(table.contains("<= 2.8 holds"), "{table}");
        assert!(table.contains("1.50 of A, <= 1.4 BROKEN"), "{table}");
    }
}
