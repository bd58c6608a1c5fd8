//! What Linux tells about a process under `/proc`.
//!
//! CPU time is read twice: `stat` counts threads that have ended but only in hundredths of a
//! second, `schedstat` counts nanoseconds but only of threads that live. Neither says too much, so
//! the larger one is nearer to the truth.

use std::time::Duration;

use anyhow::{Context, Result};

/// Ticks of `stat`, the same on every Linux that user programs see.
const TICKS_PER_SECOND: u64 = 100;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) now_kb: u64,
    pub(crate) peak_kb: u64,
}

/// The fields of `/proc/PID/stat` that are used here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    cpu_ticks: u64,
}

/// A process and all that descend from it.
fn family(root: u32) -> Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").context("/proc")?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process may end while the folder is read.
        if let Ok(Stat { parent, .. }) = stat(pid) {
            parents.push((pid, parent));
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    Ok(family)
}

/// User and system time of a process and its descendants.
pub(crate) fn cpu_time(root: u32) -> Result<Duration> {
    let times = of_family(root, |pid| {
        let coarse = Duration::from_millis(stat(pid)?.cpu_ticks * 1000 / TICKS_PER_SECOND);
        Ok(coarse.max(threads_time(pid)))
    })?;
    Ok(times.iter().sum())
}

pub(crate) fn memory(root: u32) -> Result<Memory> {
    let memories = of_family(root, |pid| parse_memory(&read(pid, "status")?))?;
    Ok(Memory {
        now_kb: memories.iter().map(|memory| memory.now_kb).sum(),
        peak_kb: memories.iter().map(|memory| memory.peak_kb).sum(),
    })
}

/// Open descriptors of a process and its descendants.
pub(crate) fn descriptors(root: u32) -> Result<usize> {
    let open = of_family(root, |pid| {
        Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
    })?;
    Ok(open.iter().sum())
}

/// Reads of each member of a family; a descendant that has just ended is left out.
fn of_family<T>(root: u32, read: impl Fn(u32) -> Result<T>) -> Result<Vec<T>> {
    let mut values = vec![read(root)?];
    values.extend(
        family(root)?
            .into_iter()
            .skip(1)
            .filter_map(|pid| read(pid).ok()),
    );
    Ok(values)
}

/// Nanoseconds on a core of all threads that live; zero where the kernel does not count them.
fn threads_time(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let times = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(times.sum())
}

fn stat(pid: u32) -> Result<Stat> {
    parse_stat(&read(pid, "stat")?)
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).context(path)
}

/// The name in parentheses may hold spaces and parentheses, so fields count from its last one.
fn parse_stat(text: &str) -> Result<Stat> {
    let (_, fields) = text.rsplit_once(')').context("stat without a name")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |index: usize| fields.get(index).context("stat is short");
    Ok(Stat {
        parent: field(1)?.parse()?,
        cpu_ticks: field(11)?.parse::<u64>()? + field(12)?.parse::<u64>()?,
    })
}

fn parse_memory(text: &str) -> Result<Memory> {
    let row = |name: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.with_context(|| format!("`{name}` in status"))?;
        Ok(value.trim().trim_end_matches("kB").trim().parse()?)
    };
    Ok(Memory {
        now_kb: row("VmRSS:")?,
        peak_kb: row("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_shifts_no_field() {
        let text = "42 (a) b (c) S 7 42 42 0 -1 4194304 99 0 0 0 150 50 3 4 20 0 1 0 100 1 2";
        assert_eq!(
            parse_stat(text).unwrap(),
            Stat {
                parent: 7,
                cpu_ticks: 200
            }
        );
        assert!(parse_stat("42 (short) S 7").is_err());
    }

    #[test]
    fn memory_is_read_in_kilobytes() {
        let text = "Name:\tvane\nVmHWM:\t   52340 kB\nVmRSS:\t   13000 kB\nThreads:\t4\n";
        assert_eq!(
            parse_memory(text).unwrap(),
            Memory {
                now_kb: 13_000,
                peak_kb: 52_340
            }
        );
        assert!(parse_memory("Name:\tkernel-thread\n").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_family_and_uses_time_and_memory() {
        let me = std::process::id();
        assert_eq!(family(me).unwrap().first(), Some(&me));
        assert!(memory(me).unwrap().now_kb > 0);
        assert!(descriptors(me).unwrap() >= 3);
        let before = cpu_time(me).unwrap();
        while cpu_time(me).unwrap() == before {}
    }
}
