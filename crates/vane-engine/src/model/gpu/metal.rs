//! Metal, which only macOS has. What compiles everywhere is here: who is asked for a device, and what is missing.

#[cfg(target_os = "macos")]
mod driver;

use super::Gpu;
use crate::Fault;

/// What the kernels' words mean, and the kernels.
#[cfg(target_os = "macos")]
const SOURCE: &str = concat!(include_str!("metal.h"), include_str!("kernels.c"));

/// What a system has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "no system has them all")]
enum Found {
    OtherSystem,
    NoDevice,
    /// A device that is older than Metal 3, by which kernels are given addresses.
    Old,
    Device,
}

/// Whether there is a device that can be used.
pub(crate) fn answers() -> Result<(), Fault> {
    missing(find()).map_or(Ok(()), |what| Err(refused(what)))
}

/// The device that the system prefers.
pub(crate) fn open() -> Result<Gpu, Fault> {
    answers()?;
    open_found()
}

#[cfg(target_os = "macos")]
use driver::{find, open as open_found};

#[cfg(not(target_os = "macos"))]
fn find() -> Found {
    Found::OtherSystem
}

#[cfg(not(target_os = "macos"))]
fn open_found() -> Result<Gpu, Fault> {
    Err(refused("there is none"))
}

fn missing(found: Found) -> Option<&'static str> {
    match found {
        Found::Device => None,
        Found::OtherSystem => Some("it needs macOS, and this is another system"),
        Found::NoDevice => Some("the system knows no device"),
        Found::Old => Some("the device, or the system, is older than Metal 3 (macOS 13)"),
    }
}

fn refused(what: &str) -> Fault {
    Fault::Unsupported(format!("Metal: {what}"))
}

/// The pages on which so many bytes lie: where they begin, and how many bytes they have.
#[cfg(any(target_os = "macos", test))]
fn pages(address: usize, len: usize, page: usize) -> (usize, usize) {
    let into = address % page;
    (address - into, (into + len).next_multiple_of(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let rows = [
            (Found::OtherSystem, "macOS"),
            (Found::NoDevice, "no device"),
            (Found::Old, "Metal 3"),
        ];
        for (found, what) in rows {
            let refused = missing(found).unwrap();
            assert!(refused.contains(what), "{refused}");
        }
        assert_eq!(missing(Found::Device), None);
    }

    #[test]
    fn pages_are_whole_and_have_all_bytes() {
        let page = 1 << 14;
        for (address, len) in [(3 * page, 5), (3 * page + 32, page), (3 * page - 1, 2)] {
            let (start, bytes) = pages(address, len, page);
            assert_eq!((start % page, bytes % page), (0, 0));
            assert!(start <= address && address - start < page);
            let end = start + bytes;
            assert!(end >= address + len && end - (address + len) < page);
        }
    }
}
