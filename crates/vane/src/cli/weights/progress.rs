//! How a pull is told: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::super::terminal;
use crate::weights::{Step, size};

const BAR_CELLS: u64 = 30;
/// A terminal is written to no more often.
const FRAME: Duration = Duration::from_millis(100);

pub(super) struct Progress {
    on_terminal: bool,
    path: String,
    began: Instant,
    /// What was here when it began.
    kept: u64,
    shown: Option<Instant>,
    tenth: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            on_terminal: io::stderr().is_terminal(),
            path: String::new(),
            began: Instant::now(),
            kept: 0,
            shown: None,
            tenth: 0,
        }
    }

    pub(super) fn tell(&mut self, step: &Step<'_>) {
        match step {
            Step::Waits => terminal::note("another pull of this model is running; waiting for it"),
            Step::Begins { path, kept, bytes } => self.begin(path, *kept, *bytes),
            Step::Came { done, bytes } => self.came(*done, *bytes),
            Step::Again { why, pause } => {
                self.end_line();
                let pause = pause.as_secs_f32();
                terminal::note(&format!("{why}; trying again in {pause:.0} s"));
            }
            Step::Checks { path } => {
                self.end_line();
                terminal::note(&format!("checking {path}"));
            }
        }
    }

    fn begin(&mut self, path: &str, kept: u64, bytes: Option<u64>) {
        path.clone_into(&mut self.path);
        (self.kept, self.began, self.tenth) = (kept, Instant::now(), 0);
        let of = bytes.map_or_else(String::new, |bytes| format!(", {}", size(bytes)));
        let rest = match kept {
            0 => String::new(),
            kept => format!(", {} of it are here", size(kept)),
        };
        terminal::note(&format!("{path}{of}{rest}"));
    }

    fn came(&mut self, done: u64, bytes: Option<u64>) {
        let all = bytes.unwrap_or(done).max(1);
        let came = done.saturating_sub(self.kept);
        let millis = u64::try_from(self.began.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let pace = came.saturating_mul(1000) / millis;
        let left = all.saturating_sub(done) / pace.max(1);
        let numbers = format!("{} of {}, {}/s", size(done), size(all), size(pace));
        if self.on_terminal {
            let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= FRAME);
            if !is_due && done < all {
                return;
            }
            self.shown = Some(Instant::now());
            let full = u128::from(done) * u128::from(BAR_CELLS) / u128::from(all);
            let full = usize::try_from(full).unwrap_or_default();
            let bar = "#".repeat(full) + &"-".repeat(30_usize.saturating_sub(full));
            let time = format!("{}:{:02} left", left / 60, left % 60);
            let _ = write!(io::stderr().lock(), "\r\u{1b}[2K[{bar}] {numbers}, {time}");
            return;
        }
        let tenth = u64::try_from(u128::from(done) * 10 / u128::from(all)).unwrap_or_default();
        if tenth > self.tenth {
            self.tenth = tenth;
            terminal::note(&format!("{}: {}0 %, {numbers}", self.path, tenth));
        }
    }

    fn end_line(&mut self) {
        if self.on_terminal && self.shown.take().is_some() {
            let _ = writeln!(io::stderr().lock());
        }
    }
}
