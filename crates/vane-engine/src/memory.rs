//! How much memory this process may still use, as far as the system says.

use std::fs;

/// Bytes that are free, or that the system would free. `None` where it does not say.
pub fn free_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| available(&text));
    let group = group_bytes();
    match (machine, group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (one, other) => one.or(other),
    }
}

/// The line `MemAvailable: 123 kB`.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

/// What the control group of a container leaves. Pages of files count as used there, and are given
/// back when memory is short, so that only what cannot be given back is subtracted.
fn group_bytes() -> Option<u64> {
    let read = |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok();
    let max: u64 = read("memory.max")?.trim().parse().ok()?;
    let stat = read("memory.stat")?;
    let anonymous = stat.lines().find_map(|line| line.strip_prefix("anon "))?;
    Some(max.saturating_sub(anonymous.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read() {
        let text = "MemTotal:       100 kB\nMemFree: 1 kB\nMemAvailable:     12 kB\n";
        assert_eq!(available(text), Some(12 * 1024));
        assert_eq!(available("MemTotal: 100 kB\n"), None);
    }
}
