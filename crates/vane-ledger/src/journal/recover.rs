//! Opens what a crash has left: verifies every segment, cuts a torn tail, refuses what is missing,
//! foreign or damaged. Doing it twice changes nothing the second time.

use std::io;
use std::sync::Arc;

use super::appender::Appender;
use super::disk::Disk;
use super::error::{DiskError, JournalError};
use super::frame::Frames;
use super::header::{self, DRAFT, Header};
use super::maker::Maker;
use super::record::Position;
use super::scan::{self, Ending};
use super::shelf::{Segment, Shelf};
use super::window::Window;

pub(super) struct Opening {
    pub(super) maker: Maker,
    pub(super) ingested: Position,
}

impl Opening {
    /// What no later record proves to have been synced is written again into a new segment: a
    /// sync that failed before the crash may have marked it clean, and a second one proves nothing.
    /// Where that cannot be made now, the appender is in trouble from the start. Where all is
    /// proven, nothing is written: the keeper makes the first segment.
    pub(super) fn recover(self) -> Result<Appender, JournalError> {
        let mut headers = self.headers()?;
        let newest = headers.last().map_or(0, |last| last.number);
        let spare = headers.pop_if(|last| last.base == 0);
        let shelf = Shelf::default();
        let mut tail = Frames::default();
        let mut next = self.ingested.number().saturating_add(1);
        if let Some(first) = headers.first().filter(|first| first.base > next) {
            return Err(JournalError::Gap {
                file: header::name(first.number),
                from: next,
                until: first.base.saturating_sub(1),
            });
        }
        for (at, found) in headers.iter().enumerate() {
            let stop = headers.get(at.saturating_add(1)).map(|after| after.base);
            let segment = self.verify(found, stop, &mut next, &mut tail)?;
            shelf.push(segment);
        }
        let end = next.saturating_sub(1);
        if end < self.ingested.number() {
            return Err(JournalError::Behind {
                ingested: self.ingested.number(),
                end,
            });
        }
        let mut segment = newest;
        if let Some(spare) = spare {
            self.remove_unused(&spare, next)?;
            segment = newest.saturating_sub(1);
        }
        let unproven = u64::try_from(tail.len()).unwrap_or(u64::MAX);
        let synced = end.saturating_sub(unproven);
        shelf.reached(synced);
        let mut appender = Appender {
            shelf: Arc::new(shelf),
            segment_bytes: self.maker.segment_bytes,
            file: None,
            segment,
            end: 0,
            next,
            synced,
            syncing: Frames::default(),
            tail,
            spare: None,
            full: false,
            trouble: None,
        };
        if appender.has_unsynced() {
            let (number, base) = (segment.saturating_add(1), synced.saturating_add(1));
            let made = self.maker.make(number, base, &appender.tail.bytes);
            appender.renewed(made);
        }
        Ok(appender)
    }

    fn headers(&self) -> Result<Vec<Header>, JournalError> {
        let disk = &self.maker.disk;
        let listed = disk.names();
        let listed = listed.map_err(|cause| DiskError::new("list", "the journal", cause))?;
        let mut headers: Vec<Header> = Vec::new();
        for name in listed {
            if name == DRAFT {
                let removed = disk.remove(DRAFT);
                removed.map_err(|cause| DiskError::new("remove", DRAFT, cause))?;
            }
            let Some(number) = header::number(&name) else {
                continue;
            };
            let found = read_header(disk, &name)?;
            self.fits(&name, number, headers.last(), &found)?;
            headers.push(found);
        }
        let given = self.maker.epoch;
        match headers.last() {
            Some(last) if last.epoch >= given => Err(JournalError::StaleEpoch {
                last: last.epoch,
                given,
            }),
            _ => {
                header::settle_bases(headers.iter_mut());
                Ok(headers)
            }
        }
    }

    fn fits(
        &self,
        name: &str,
        number: u64,
        before: Option<&Header>,
        found: &Header,
    ) -> Result<(), JournalError> {
        let file = name.to_owned();
        if found.instance != self.maker.instance {
            return Err(JournalError::Foreign { file });
        }
        let damaged = |why| JournalError::Damaged {
            file: file.clone(),
            offset: 0,
            why,
        };
        if found.number != number {
            return Err(damaged("its name is not the one that its header says"));
        }
        let Some(before) = before else {
            return Ok(());
        };
        if number != before.number.saturating_add(1) {
            return Err(damaged("the file before it is missing"));
        }
        if found.epoch < before.epoch || (found.base != 0 && found.base < before.base) {
            return Err(damaged("it is older than the file before it"));
        }
        Ok(())
    }

    fn verify(
        &self,
        found: &Header,
        stop: Option<u64>,
        next: &mut u64,
        tail: &mut Frames,
    ) -> Result<Segment, JournalError> {
        let name = header::name(found.number);
        let failed = |doing, cause| DiskError::new(doing, &name, cause);
        let file = self.maker.disk.open(&name, true);
        let mut window = Window::new(file.map_err(|cause| failed("open", cause))?);
        let extent = scan::walk(&mut window, found.base, stop, |_| {});
        let extent = extent.map_err(|cause| failed("read", cause))?;
        if let Ending::Damaged(why) = extent.ending {
            return Err(JournalError::Damaged {
                file: name,
                offset: extent.end,
                why,
            });
        }
        if stop.is_none() {
            // Blocks that were only reserved: a full disk may need them for the next segment.
            let cut = window.file.cut(extent.end);
            cut.map_err(|cause| failed("cut", cause))?;
            let unproven = unproven(&mut window, found.base, extent.next);
            *tail = unproven.map_err(|cause| failed("read", cause))?;
        }
        *next = extent.next;
        Ok(Segment {
            number: found.number,
            base: found.base,
            bytes: extent.end,
        })
    }

    /// A segment that was made ahead of time, or whose first record is torn.
    fn remove_unused(&self, spare: &Header, next: u64) -> Result<(), JournalError> {
        let name = header::name(spare.number);
        let failed = |doing, cause| DiskError::new(doing, &name, cause);
        let disk = &self.maker.disk;
        let file = disk.open(&name, false);
        let mut window = Window::new(file.map_err(|cause| failed("open", cause))?);
        let extent = scan::walk(&mut window, next, None, |_| {});
        let extent = extent.map_err(|cause| failed("read", cause))?;
        if let Ending::Damaged(why) = extent.ending {
            return Err(JournalError::Damaged {
                file: name,
                offset: extent.end,
                why,
            });
        }
        let removed = disk.remove(&name);
        removed.map_err(|cause| failed("remove", cause))?;
        Ok(())
    }
}

/// The frames after the last that some frame of this segment says was synced.
fn unproven(window: &mut Window, base: u64, next: u64) -> io::Result<Frames> {
    let mut proven = base.saturating_sub(1);
    scan::walk(window, base, Some(next), |head| {
        proven = proven.max(head.synced)
    })?;
    let from = scan::walk(window, base, Some(proven.saturating_add(1)), |_| {})?.end;
    let mut tail = Frames::default();
    let mut at = from;
    while let Some((head, frame)) = window.frame(at)?
        && head.number < next
    {
        at = at.saturating_add(u64::try_from(head.bytes()).unwrap_or(u64::MAX));
        tail.keep(frame);
    }
    Ok(tail)
}

/// A base that the header leaves open is that of the first record; 0 where there is none.
pub(super) fn read_header(disk: &Disk, name: &str) -> Result<Header, JournalError> {
    let read = disk.open(name, false).and_then(|file| {
        let mut window = Window::new(file);
        let header = window.slice(0, header::BYTES).map(Header::decode)?;
        let first = window.frame(u64::try_from(header::BYTES).unwrap_or_default())?;
        Ok((header, first.map_or(0, |(head, _)| head.number)))
    });
    let (header, first) = read.map_err(|cause| DiskError::new("read", name, cause))?;
    let mut header = header.map_err(|why| JournalError::Damaged {
        file: name.to_owned(),
        offset: 0,
        why,
    })?;
    if header.base == 0 {
        header.base = first;
    }
    Ok(header)
}
