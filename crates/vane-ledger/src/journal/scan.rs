//! Reads one segment from its first record to its end, and judges how it ends.
//!
//! A bad frame in the last segment is torn unless a later frame says that it had been synced: after
//! a loss of power, good frames may stand behind a bad one that nobody was promised.

use std::io;

use super::frame::{HEAD, Head};
use super::header;
use super::window::Window;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    Torn,
    Damaged(&'static str),
}

#[derive(Debug)]
pub(super) struct Extent {
    /// The number after the last record.
    pub(super) next: u64,
    /// The byte after the last record.
    pub(super) end: u64,
    pub(super) ending: Ending,
}

/// `stop` is the base of the next segment, if there is one.
pub(super) fn walk(
    window: &mut Window,
    base: u64,
    stop: Option<u64>,
    mut see: impl FnMut(&Head),
) -> io::Result<Extent> {
    let mut extent = Extent {
        next: base,
        end: u64::try_from(header::BYTES).unwrap_or_default(),
        ending: Ending::Whole,
    };
    while stop != Some(extent.next) {
        match window.frame(extent.end)? {
            Some((head, _)) if head.number == extent.next => {
                see(&head);
                extent.next = extent.next.saturating_add(1);
                let bytes = u64::try_from(head.bytes()).unwrap_or(u64::MAX);
                extent.end = extent.end.saturating_add(bytes);
            }
            _ => {
                extent.ending = match stop {
                    Some(_) => Ending::Damaged("a record that the next file counts on is bad"),
                    None => judge(window, &extent)?,
                };
                break;
            }
        }
    }
    Ok(extent)
}

fn judge(window: &mut Window, extent: &Extent) -> io::Result<Ending> {
    const STEP: usize = 64 << 10;
    let mut at = extent.end;
    let mut ending = Ending::Whole;
    loop {
        let bytes = window.slice(at, STEP.saturating_add(HEAD))?;
        if bytes.is_empty() {
            return Ok(ending);
        }
        if bytes.iter().any(|byte| *byte != 0) {
            ending = Ending::Torn;
            let proofs: Vec<u64> = bytes
                .windows(HEAD)
                .enumerate()
                .filter(|(_, bytes)| {
                    Head::read(bytes)
                        .is_some_and(|head| head.number > extent.next && head.synced >= extent.next)
                })
                .filter_map(|(skip, _)| at.checked_add(u64::try_from(skip).ok()?))
                .collect();
            for proof in proofs {
                if window.frame(proof)?.is_some() {
                    return Ok(Ending::Damaged("a bad record stands before good ones"));
                }
            }
        }
        at = at.saturating_add(u64::try_from(STEP).unwrap_or(u64::MAX));
    }
}
