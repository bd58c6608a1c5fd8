//! Standard output and standard error.
//!
//! A reader that closes the pipe early, as `head` does, is no failure: the command ends there, unless
//! it has more to do than to print.

use std::io::{self, ErrorKind, IsTerminal, Write};

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use vane_catalog::Date;

use super::Failure;
use crate::config::Environment;
use crate::telemetry::Aside;

/// Whether a terminal is told nothing but text.
static PLAIN: AtomicBool = AtomicBool::new(false);

/// Heeds what was said of terminals: by `NO_COLOR`, and by those that are no more than a printer.
pub(super) fn heed(environment: &Environment) {
    let plain = environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
    PLAIN.store(plain, Relaxed);
}

/// Writes to standard output, at once.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Closed),
        written => written.map_err(Failure::Output),
    }
}

/// What was printed on the way to something else, such as a verdict: whether it was read decides
/// nothing.
pub(super) fn read_or_not(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(Failure::Closed) => Ok(()),
        printed => printed,
    }
}

pub(super) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{value}\n"))
}

/// Says something about the work to standard error, dimmed on a terminal.
pub(super) fn note(text: &str) {
    let mut out = io::stderr().lock();
    // Nobody is left to be told that standard error is gone.
    let _ = if out.is_terminal() && !PLAIN.load(Relaxed) {
        writeln!(out, "\u{1b}[2m{}\u{1b}[0m", printable(text))
    } else {
        writeln!(out, "{}", printable(text))
    };
}

/// The same of a server, which whoever reads standard error must not hold up.
pub(super) fn note_to(aside: &mut Aside, text: &str) {
    let _ = aside.write_all(format!("{}\n", printable(text)).as_bytes());
}

/// What a person reads first: on standard error, since standard output may be a log.
pub(super) fn greet(text: &str) {
    let _ = write!(io::stderr().lock(), "{text}");
}

/// The line that says why a command failed.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "vane: {}", printable(text));
}

/// Text that others wrote must not steer the terminal.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if steers(c) { '\u{fffd}' } else { c })
        .collect()
}

/// A second as people read it, in UTC.
pub(super) fn moment(at: i64) -> String {
    let (day, second) = (Date::of(at), at.rem_euclid(86_400));
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{day} {hour:02}:{minute:02}:{:02}", second % 60)
}

/// Rows in columns, each as wide as its widest cell.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        printable(line.trim_end()) + "\n"
    };
    rows.iter().map(line).collect()
}

/// Sends what the program says of itself the way of the access log, from the level of `filter` on.
pub(super) fn log_to(aside: Aside, filter: &str) {
    // The configuration was checked: the filter parses.
    let filter = tracing_subscriber::EnvFilter::new(filter);
    // A second server in one process keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(move || aside.clone())
        .try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let shown = table(&[row("ID", "NAME"), row("1", "équipe"), row("12", "")]);
        assert_eq!(shown, "ID  NAME\n1   équipe\n12\n");
    }

    #[test]
    fn a_moment_is_a_day_and_a_time() {
        assert_eq!(moment(1_796_000_461), "2026-11-30 01:01:01");
        assert_eq!(moment(0), "1970-01-01 00:00:00");
    }

    #[test]
    fn an_answer_cannot_steer_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[31mb\n\tc\r"),
            "a\u{fffd}[31mb\n\tc\u{fffd}"
        );
    }
}
