//! The access log: one JSON line per call, written in batches by a thread of its own.
//!
//! A call only appends to a buffer in memory, and so does what the program says of itself
//! meanwhile. If the reader of the log stalls, lines beyond the buffer are dropped and counted rather
//! than calls, or the stop, being held up.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vane_catalog::Money;
use vane_dialect::usage::Units;
use vane_dialect::{Usage, json};

/// What is logged of a call.
pub struct Line<'a> {
    pub unix: i64,
    pub request_id: &'a str,
    pub route: &'a str,
    pub status: Status,
    pub account: Option<&'a str>,
    pub key: Option<&'a str>,
    pub model: &'a str,
    pub offer: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub stream: bool,
    pub attempts: usize,
    pub usage: Usage,
    pub counted: Option<&'static str>,
    pub cost: Option<Money>,
    /// What the provider says that it cost.
    pub reported_cost: Option<Money>,
    /// What was used and is not in the cost.
    pub unpriced: Units,
    pub first_content: Option<Duration>,
    pub took: Duration,
    pub dropped: &'a [String],
    /// Attempts before the last, and why each failed.
    pub failed: &'a [String],
    pub fault: Option<&'a str>,
    /// The call whose answer this one was given.
    pub replayed: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
pub struct Status {
    pub code: u16,
    pub outcome: &'static str,
}

/// Lines wait here at most until this much memory is full.
const BUFFER_BYTES_MAX: usize = 4 << 20;
/// Room of this size is kept for the lines to come.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(50);

/// At the end, so long is waited for lines that were not written yet.
const LAST: Duration = Duration::from_secs(1);

pub struct AccessLog(Option<Arc<Shared>>);

/// What else is said goes the same way.
#[derive(Clone)]
pub struct Aside(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    filled: Condvar,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<u8>,
    lost: u64,
    closed: bool,
    /// All of it was written.
    done: bool,
}

impl Default for AccessLog {
    /// A log that goes nowhere.
    fn default() -> Self {
        Self(None)
    }
}

impl AccessLog {
    /// Starts a log that writes to `out` until the last clone of it is gone.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(mut out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = shared.clone();
        std::thread::Builder::new()
            .name("access-log".into())
            .spawn(move || {
                let mut batch = Vec::new();
                while writer.next_batch(&mut batch) {
                    let _ = out.write_all(&batch).and_then(|()| out.flush());
                    batch.clear();
                    batch.shrink_to(KEPT_BYTES_MAX);
                    writer.gather();
                }
                writer.lock().done = true;
                writer.filled.notify_all();
            })?;
        Ok(Self(Some(shared)))
    }

    #[must_use]
    pub fn aside(&self) -> Aside {
        Aside(self.0.clone())
    }

    pub(super) fn write(&self, line: &Line<'_>) {
        if let Some(shared) = &self.0 {
            shared.say(|lines| append(lines, line));
        }
    }
}

impl Write for Aside {
    /// Takes a line whole, or drops and counts it.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if let Some(shared) = &self.0 {
            shared.say(|lines| lines.extend_from_slice(line));
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        let Some(shared) = &self.0 else { return };
        let mut buffer = shared.lock();
        buffer.closed = true;
        shared.filled.notify_all();
        let written = shared
            .filled
            .wait_timeout_while(buffer, LAST, |buffer| !buffer.done);
        drop(written);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, append: impl FnOnce(&mut Vec<u8>)) {
        let mut buffer = self.lock();
        if buffer.lines.len() > BUFFER_BYTES_MAX {
            buffer.lost += 1;
            return;
        }
        let was_empty = buffer.lines.is_empty();
        append(&mut buffer.lines);
        drop(buffer);
        if was_empty {
            self.filled.notify_all();
        }
    }

    /// Lets lines come together, while there is time.
    fn gather(&self) {
        let waited = self
            .filled
            .wait_timeout_while(self.lock(), GATHER, |buffer| !buffer.closed);
        drop(waited);
    }

    /// Swaps what has gathered with `batch`, which is empty, so that lines are written where
    /// there is room already; `false` when the log is closed and empty.
    fn next_batch(&self, batch: &mut Vec<u8>) -> bool {
        let mut buffer = self.lock();
        while buffer.lines.is_empty() {
            if buffer.closed {
                return false;
            }
            buffer = self
                .filled
                .wait(buffer)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(batch, &mut buffer.lines);
        if buffer.lost > 0 {
            batch.extend_from_slice(format!("{{\"lines_lost\":{}}}\n", buffer.lost).as_bytes());
            buffer.lost = 0;
        }
        true
    }
}

fn append(out: &mut Vec<u8>, line: &Line<'_>) {
    let number = |out: &mut Vec<u8>, name: &str, value: u64| {
        out.extend_from_slice(name.as_bytes());
        json::number(out, value);
    };
    let text = |out: &mut Vec<u8>, name: &str, value: &str| {
        out.extend_from_slice(name.as_bytes());
        json::string(out, value);
    };
    let some = |out: &mut Vec<u8>, name: &str, value: Option<&str>| {
        if let Some(value) = value {
            text(out, name, value);
        }
    };
    number(out, "{\"time\":", line.unix.unsigned_abs());
    text(out, ",\"id\":", line.request_id);
    text(out, ",\"route\":", line.route);
    number(out, ",\"status\":", u64::from(line.status.code));
    text(out, ",\"outcome\":", line.status.outcome);
    some(out, ",\"account\":", line.account);
    some(out, ",\"key\":", line.key);
    text(out, ",\"model\":", line.model);
    some(out, ",\"offer\":", line.offer);
    some(out, ",\"provider\":", line.provider);
    out.extend_from_slice(if line.stream {
        b",\"stream\":true"
    } else {
        b",\"stream\":false"
    });
    number(out, ",\"attempts\":", line.attempts as u64);
    if let Some(counted) = line.counted {
        number(out, ",\"input\":", line.usage.input_total());
        number(out, ",\"cache_read\":", line.usage.cache_read);
        number(out, ",\"output\":", line.usage.output);
        text(out, ",\"counted\":", counted);
    }
    if let Some(cost) = line.cost {
        let _ = write!(out, ",\"cost\":{cost}");
    }
    if let Some(cost) = line.reported_cost {
        let _ = write!(out, ",\"reported_cost\":{cost}");
    }
    units(out, ",\"uses\":", line.usage.units);
    units(out, ",\"unpriced\":", line.unpriced);
    if let Some(first) = line.first_content {
        number(out, ",\"first_content_ms\":", millis(first));
    }
    number(out, ",\"took_ms\":", millis(line.took));
    if !line.dropped.is_empty() {
        text(out, ",\"dropped\":", &line.dropped.join(","));
    }
    for (at, failed) in line.failed.iter().enumerate() {
        text(out, if at == 0 { ",\"failed\":[" } else { "," }, failed);
    }
    if !line.failed.is_empty() {
        out.push(b']');
    }
    some(out, ",\"fault\":", line.fault);
    some(out, ",\"replayed\":", line.replayed);
    out.extend_from_slice(b"}\n");
}

/// An object of the units that were used; nothing if none were.
fn units(out: &mut Vec<u8>, name: &str, units: Units) {
    for (at, (unit, count)) in units.iter().enumerate() {
        out.extend_from_slice(if at == 0 { name } else { "," }.as_bytes());
        out.extend_from_slice(if at == 0 { b"{\"" } else { b"\"" });
        out.extend_from_slice(unit.name().as_bytes());
        out.extend_from_slice(b"\":");
        json::number(out, count);
    }
    if !units.is_empty() {
        out.push(b'}');
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes nothing until it is let go.
    #[derive(Clone, Default)]
    struct Stalled {
        gate: Arc<Mutex<()>>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            drop(self.gate.lock());
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_says_something_is_not_held_up_by_who_does_not_listen() {
        let out = Stalled::default();
        let gate = out.gate.lock().unwrap();
        let log = AccessLog::start(out.clone()).unwrap();
        let mut aside = log.aside();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..4 * BUFFER_BYTES_MAX / line.len() {
            aside.write_all(&line).unwrap();
        }
        drop(gate);
        drop(log);
        let written = out.written.lock().unwrap();
        let text = std::str::from_utf8(&written).unwrap();
        assert!(text.len() < 3 * BUFFER_BYTES_MAX, "{}", text.len());
        assert!(text.contains("{\"lines_lost\":"), "what was lost is told");
    }

    #[test]
    fn s6_a_line_is_one_json_object_whatever_the_model_is_called() {
        let line = Line {
            unix: 1,
            request_id: "req_1",
            route: "/v1/chat/completions",
            status: Status {
                code: 404,
                outcome: "refused",
            },
            account: Some("a\"b"),
            key: Some("k"),
            model: "evil\n{\"x\":1}",
            offer: None,
            provider: None,
            stream: false,
            attempts: 0,
            usage: Usage::default(),
            counted: None,
            cost: None,
            reported_cost: None,
            unpriced: Units::default(),
            first_content: None,
            took: Duration::from_millis(3),
            dropped: &[],
            failed: &[],
            fault: Some("no \u{1b}[31m model"),
            replayed: None,
        };
        let mut out = Vec::new();
        append(&mut out, &line);
        assert_eq!(memchr::memchr_iter(b'\n', &out).count(), 1);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["model"], "evil\n{\"x\":1}");
        assert_eq!(value["took_ms"], 3);
    }
}
