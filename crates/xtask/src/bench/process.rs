//! A program of the benchmark: started with its output in a file, stopped when it is dropped.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a program may take to stop before it is killed.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// Lifts the soft limit of descriptors, then becomes the program: the process id stays the same.
const WITH_DESCRIPTORS: &str = r#"ulimit -n "$(ulimit -Hn)"; exec "$0" "$@""#;

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

/// A command that may open as many descriptors as the system allows.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", WITH_DESCRIPTORS])
        .arg(program)
        .stdin(Stdio::null());
    command
}

/// The most descriptors that a program may open.
pub(crate) fn descriptors_max() -> Result<usize> {
    let limit = Command::new("sh").args(["-c", "ulimit -Hn"]).output()?;
    let limit = String::from_utf8(limit.stdout)?;
    match limit.trim() {
        "unlimited" => Ok(usize::MAX),
        number => number.parse().context("ulimit -Hn"),
    }
}

/// A port that nothing listens on at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Process {
    pub(crate) fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let file = File::create(&log)?;
        let child = command
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        Ok(Self { child, log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// An error with the program's last words when it has ended by itself.
    pub(crate) fn still_runs(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{status}: {}", self.last_words());
        }
        Ok(())
    }

    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

impl Drop for Process {
    /// Asks first: a proxy that is killed leaves its workers behind.
    fn drop(&mut self) {
        let ask = format!("kill -TERM {}", self.child.id());
        let _ = Command::new("sh")
            .args(["-c", &ask])
            .stderr(Stdio::null())
            .status();
        let start = Instant::now();
        while start.elapsed() < STOP_TIME_MAX {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_its_last_words_and_is_gone_after_its_drop() {
        let log = std::env::temp_dir().join(format!("xtask-process-{}", std::process::id()));
        let mut shell = command(Path::new("sh"));
        shell.args(["-c", "echo ready; exec tail -f /dev/null"]);
        let mut process = Process::start(shell, log.clone()).unwrap();
        while process.last_words() != "ready" {}
        process.still_runs().unwrap();
        let folder = format!("/proc/{}", process.id());
        drop(process);
        assert!(!Path::new(&folder).exists());
        std::fs::remove_file(log).unwrap();
    }
}
