//! What the keeper does, and what becomes of it when the disk fails right then.

use super::INSTANCE;
use super::stepped::{Stepped, open, poll};
use crate::journal::JournalError;
use crate::journal::disk::{Disk, model::Model};
use crate::journal::inspect::inspect_disk;
use crate::journal::keeper::Chore;
use crate::journal::record::{Durability, Position};
use crate::journal::ticket::Ticket;

const SECOND: &str = "00000000000000000002.journal";
/// Seven records of it fill a segment.
const LARGE: [u8; 500] = [7; 500];

fn opened(disk: &Model, epoch: u64) -> Stepped {
    let journal = open(disk, epoch, INSTANCE, Position::START).unwrap();
    journal.idle();
    journal
}

fn submit(journal: &Stepped) -> Ticket {
    journal.queue.submit(1, &LARGE, Durability::Crash).unwrap()
}

/// Fills the first segment, with no keeper at work.
fn fill(journal: &Stepped) {
    for _ in 0..7 {
        let mut ticket = submit(journal);
        assert!(poll(&mut ticket).unwrap().is_ok());
    }
}

fn count(journal: &Stepped) -> usize {
    journal.payloads().len()
}

#[test]
fn nothing_is_written_to_open_an_empty_folder() {
    let disk = Model::default();
    let journal = open(&disk, 1, INSTANCE, Position::START).unwrap();
    assert!(Disk::Model(disk.clone()).names().unwrap().is_empty());
    // What comes before there is a segment waits for it.
    let mut early = submit(&journal);
    assert!(poll(&mut early).is_none());
    assert_eq!(journal.idle(), [Chore::Renew, Chore::Write]);
    assert!(poll(&mut early).unwrap().is_ok());
}

#[test]
fn rolling_waits_for_a_sync_and_turns_to_a_segment_made_before() {
    let disk = Model::default();
    let journal = opened(&disk, 1);
    fill(&journal);
    assert_eq!(journal.idle(), [Chore::Spare]);
    let mut over = submit(&journal);
    let mut after = journal
        .queue
        .submit(1, b"small", Durability::Crash)
        .unwrap();
    assert!(poll(&mut over).is_none());
    assert!(poll(&mut after).is_none(), "it may not overtake");
    // With the spare at hand the disk need not give anything.
    disk.state().full = true;
    assert_eq!(journal.idle(), [Chore::Sync, Chore::Renew, Chore::Write]);
    assert_eq!(poll(&mut over).unwrap().unwrap(), Position::new(8));
    assert_eq!(poll(&mut after).unwrap().unwrap(), Position::new(9));
    let killed = open(&disk.copy(), 2, INSTANCE, Position::START).unwrap();
    assert!(killed.trouble().is_some(), "nowhere to prove it");
    disk.state().full = false;
    let killed = open(&disk.copy(), 2, INSTANCE, Position::START).unwrap();
    assert_eq!(count(&killed), 9);
}

#[test]
fn a_sync_that_fails_in_a_roll_answers_who_waits_for_the_roll() {
    let disk = Model::default();
    let mut journal = opened(&disk, 1);
    fill(&journal);
    let mut over = submit(&journal);
    disk.state().sync_fails = true;
    assert_eq!(journal.idle(), [Chore::Sync]);
    assert!(poll(&mut over).unwrap().is_err());
    disk.state().sync_fails = false;
    journal.later();
    assert!(journal.put(&LARGE, Durability::Power));
    assert_eq!(count(&journal), 8);
}

#[test]
fn a_segment_that_cannot_be_made_in_a_roll_is_trouble_and_one_made_ahead_is_none() {
    let disk = Model::default();
    let mut journal = opened(&disk, 1);
    fill(&journal);
    disk.state().full = true;
    assert_eq!(journal.idle(), [Chore::Spare]);
    assert!(journal.trouble().is_none());
    let mut over = submit(&journal);
    assert_eq!(journal.idle(), [Chore::Sync, Chore::Renew]);
    assert!(poll(&mut over).unwrap().is_err());
    assert_eq!(journal.trouble().unwrap().file.as_ref(), SECOND);
    journal.later();
    assert!(journal.trouble().is_some());
    disk.state().full = false;
    journal.later();
    assert!(journal.put(&LARGE, Durability::Power));
    assert_eq!(count(&journal), 8);
    assert_eq!(count(&opened(&disk, 2)), 8);
}

#[test]
fn a_spare_that_cannot_be_made_leaves_nothing_and_is_tried_again() {
    let disk = Model::default();
    let mut journal = opened(&disk, 1);
    fill(&journal);
    let _synced = journal.queue.flush();
    journal.keeper.work(Chore::Sync, journal.now);
    disk.state().sync_fails = true;
    assert_eq!(journal.idle(), [Chore::Spare]);
    let names = Disk::Model(disk.clone()).names().unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    disk.state().sync_fails = false;
    journal.later();
    assert_eq!(Disk::Model(disk).names().unwrap().len(), 2);
}

#[test]
fn the_first_write_into_a_spare_may_fail() {
    let disk = Model::default();
    let journal = opened(&disk, 1);
    fill(&journal);
    journal.idle();
    let mut over = submit(&journal);
    for chore in [Chore::Sync, Chore::Renew] {
        journal.keeper.work(chore, journal.now);
    }
    disk.state().write_fails_after = Some(40);
    journal.keeper.work(Chore::Write, journal.now);
    assert!(poll(&mut over).unwrap().is_err());
    disk.state().write_fails_after = None;
    // The second segment holds a torn frame, the third goes on after the first.
    assert_eq!(journal.idle(), [Chore::Renew]);
    assert!(journal.put(&LARGE, Durability::Power));
    assert_eq!(count(&journal), 8);
    let told = inspect_disk(&Disk::Model(disk.clone())).unwrap();
    assert!(told.damage.is_none(), "{:?}", told.damage);
    assert_eq!(told.segments.len(), 3);
    assert_eq!(count(&opened(&disk, 2)), 8);
}

#[test]
fn trouble_gives_the_space_of_the_spare_back() {
    let disk = Model::default();
    let mut journal = opened(&disk, 1);
    fill(&journal);
    journal.idle();
    let names = || Disk::Model(disk.clone()).names().unwrap();
    assert_eq!(names().len(), 2);
    disk.state().sync_fails = true;
    assert!(!journal.put(b"some", Durability::Power));
    disk.state().full = true;
    journal.later();
    assert_eq!(names().len(), 1);
    disk.state().full = false;
    disk.state().sync_fails = false;
    journal.later();
    assert_eq!(count(&journal), 7);
}

#[test]
fn a_start_finds_a_spare_unused_begun_or_torn() {
    let disk = Model::default();
    let journal = opened(&disk, 1);
    fill(&journal);
    journal.idle();
    let told = inspect_disk(&Disk::Model(disk.clone())).unwrap();
    assert_eq!(told.segments.len(), 1, "nothing is in the spare");
    assert_eq!(count(&opened(&disk.copy(), 2)), 7);
    assert!(journal.put(&LARGE, Durability::Crash));
    assert_eq!(count(&opened(&disk.copy(), 2)), 8);
    let torn = disk.copy();
    torn.cut(0, 100, u64::MAX);
    assert_eq!(count(&opened(&torn, 2)), 7);
    // And once its only predecessor was ingested and removed.
    let all = Position::new(7);
    journal
        .queue
        .shelf
        .drop_until(all, &journal.keeper.maker.disk)
        .unwrap();
    disk.cut(0, 0, 0);
    let after = open(&disk, 2, INSTANCE, all).unwrap();
    after.idle();
    assert!(after.put(b"eighth", Durability::Power));
    let found: Vec<_> = after.replay(all).map(Result::unwrap).collect();
    assert_eq!((found.len(), found[0].position), (1, Position::new(8)));
}

#[test]
fn a_bad_first_record_of_a_spare_that_was_synced_stops_the_start() {
    let disk = Model::default();
    let journal = opened(&disk, 1);
    fill(&journal);
    journal.idle();
    for _ in 0..2 {
        assert!(journal.put(&LARGE, Durability::Power));
    }
    disk.damage(SECOND, 64 + 28);
    let refused = open(&disk, 2, INSTANCE, Position::START).err().unwrap();
    let JournalError::Damaged { file, offset, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!((file.as_str(), offset), (SECOND, 64));
    let told = inspect_disk(&Disk::Model(disk)).unwrap();
    assert!(matches!(
        told.damage,
        Some(JournalError::Damaged { offset: 64, .. })
    ));
}
