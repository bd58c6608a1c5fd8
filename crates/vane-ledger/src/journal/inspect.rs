//! Describes a journal without touching it: what is readable, and where it first is not.

use std::collections::BTreeMap;
use std::path::Path;

use super::disk::Disk;
use super::error::{DiskError, JournalError};
use super::header::{self, Header};
use super::recover::read_header;
use super::scan::{self, Ending};
use super::window::Window;

#[derive(Debug, Default)]
pub struct Inspection {
    pub segments: Vec<SegmentReport>,
    /// The first place that is damaged. A torn end is none: it is cut at the next start.
    pub damage: Option<JournalError>,
}

#[derive(Debug)]
pub struct SegmentReport {
    pub file: String,
    pub instance: [u8; 16],
    pub epoch: u64,
    /// The number of its first record.
    pub base: u64,
    /// The number after its last readable record.
    pub next: u64,
    /// The byte after its last readable record.
    pub bytes: u64,
    pub records: BTreeMap<u8, u64>,
    /// Records that were taken back.
    pub void: u64,
    pub torn: bool,
}

/// May be asked while another process writes; what it is writing may then read as torn.
pub fn inspect(folder: &Path) -> Result<Inspection, JournalError> {
    inspect_disk(&Disk::Folder(folder.to_owned()))
}

pub(super) fn inspect_disk(disk: &Disk) -> Result<Inspection, JournalError> {
    let names = disk.names();
    let mut names = names.map_err(|cause| DiskError::new("list", "the journal", cause))?;
    names.retain(|name| header::number(name).is_some());
    let mut headers: Vec<_> = names.iter().map(|name| read_header(disk, name)).collect();
    header::settle_bases(headers.iter_mut().flatten());
    let bases: Vec<_> = headers
        .iter()
        .map(|read| read.as_ref().ok().map(|found| found.base))
        .collect();
    let mut inspection = Inspection::default();
    let mut expected: Option<Header> = None;
    for (at, (file, read)) in names.into_iter().zip(headers).enumerate() {
        // In a segment that is not begun nothing counts on what stands before it.
        let stop = bases.get(at.saturating_add(1)).copied().flatten();
        let stop = stop.filter(|base| *base != 0);
        let read = read.map(|found| Header {
            base: begin(&found, inspection.segments.last()),
            ..found
        });
        match read.and_then(|found| describe(disk, file, &found, stop).map(|told| (found, told))) {
            Ok((found, (segment, damage))) => {
                let missing = gap(expected.as_ref(), &found, &segment.file);
                inspection.damage = inspection.damage.take().or(missing).or(damage);
                let is_spare = bases.get(at) == Some(&Some(0)) && !segment.torn;
                if !is_spare {
                    inspection.segments.push(segment);
                }
                expected = Some(found);
            }
            Err(damage) => {
                inspection.damage.get_or_insert(damage);
            }
        }
    }
    Ok(inspection)
}

/// Where a segment begins, or would.
fn begin(found: &Header, before: Option<&SegmentReport>) -> u64 {
    match found.base {
        0 => before.map_or(1, |before| before.next),
        base => base,
    }
}

fn gap(before: Option<&Header>, found: &Header, file: &str) -> Option<JournalError> {
    let before = before?;
    let follows = found.number == before.number.saturating_add(1)
        && found.instance == before.instance
        && found.epoch >= before.epoch;
    (!follows).then(|| JournalError::Damaged {
        file: file.to_owned(),
        offset: 0,
        why: "it does not follow the file before it",
    })
}

fn describe(
    disk: &Disk,
    file: String,
    found: &Header,
    stop: Option<u64>,
) -> Result<(SegmentReport, Option<JournalError>), JournalError> {
    let failed = |cause| DiskError::new("read", &file, cause);
    let mut window = Window::new(disk.open(&file, false).map_err(failed)?);
    let mut records = BTreeMap::new();
    let mut void = 0_u64;
    let extent = scan::walk(&mut window, found.base, stop, |head| {
        let count = if head.void {
            &mut void
        } else {
            records.entry(head.kind).or_default()
        };
        *count = count.saturating_add(1);
    });
    let extent = extent.map_err(failed)?;
    let damage = match extent.ending {
        Ending::Damaged(why) => Some(JournalError::Damaged {
            file: file.clone(),
            offset: extent.end,
            why,
        }),
        Ending::Whole | Ending::Torn => None,
    };
    let segment = SegmentReport {
        file,
        instance: found.instance,
        epoch: found.epoch,
        base: found.base,
        next: extent.next,
        bytes: extent.end,
        records,
        void,
        torn: extent.ending == Ending::Torn,
    };
    Ok((segment, damage))
}
