//! The whole journal, its keeper's thread included, over a disk that fails under many callers.

use std::fs::File;
use std::thread;

use super::{INSTANCE, block_on};
use crate::journal::disk::{Disk, model::Model};
use crate::journal::maker::Maker;
use crate::journal::record::{Durability, Position};
use crate::journal::{Journal, Refused, Settings};

fn open(disk: &Model) -> Journal {
    let settings = Settings {
        segment_bytes: 4096,
        ..Settings::default()
    };
    let maker = Maker {
        disk: Disk::Model(disk.clone()),
        instance: INSTANCE,
        epoch: 1,
        segment_bytes: settings.segment_bytes,
    };
    let lock = File::open("/dev/null").unwrap();
    Journal::start(maker, lock, Position::START, &settings).unwrap()
}

fn heal(disk: &Model) {
    let mut state = disk.state();
    state.write_fails_after = None;
    state.sync_fails = false;
    state.full = false;
}

fn wound(disk: &Model, tries: u64) {
    let mut state = disk.state();
    match tries {
        50 => state.write_fails_after = Some(30),
        100 => state.sync_fails = true,
        150 => state.full = true,
        _ => {}
    }
}

/// What its tickets said, of 200 records that each had to be kept; `leader` harms the disk.
fn caller(journal: &Journal, disk: &Model, name: u64, leader: bool) -> Vec<(u64, u64)> {
    let mut kept = Vec::new();
    let mut tries = 0_u64;
    while kept.len() < 200 {
        tries += 1;
        if leader {
            wound(disk, tries);
        }
        let durability = match tries % 8 {
            0 => Durability::Power,
            _ => Durability::Crash,
        };
        let payload = name << 32 | tries;
        match journal.submit(1, &payload.to_le_bytes(), durability) {
            Ok(ticket) => {
                let end = block_on(ticket);
                kept.extend(end.map(|position| (position.number(), payload)));
            }
            Err(Refused::Faulted(_)) => {
                heal(disk);
                thread::yield_now();
            }
            Err(refused) => panic!("{refused}"),
        }
    }
    kept
}

#[test]
fn a_disk_that_fails_under_many_callers_answers_all_and_keeps_what_it_said() {
    let disk = Model::default();
    let journal = open(&disk);
    let kept: Vec<_> = thread::scope(|scope| {
        let (journal, disk) = (&journal, &disk);
        let start = |name| scope.spawn(move || caller(journal, disk, name, name == 0));
        let running: Vec<_> = (0..4).map(start).collect();
        let told = running.into_iter().map(|caller| caller.join().unwrap());
        told.flatten().collect()
    });
    heal(&disk);
    while block_on(journal.flush()).is_err() {
        thread::yield_now();
    }
    let found: Vec<_> = journal
        .replay(Position::START)
        .map(Result::unwrap)
        .collect();
    assert!(found.is_sorted_by(|a, b| a.position < b.position));
    for (number, payload) in kept {
        let at = found.binary_search_by_key(&number, |record| record.position.number());
        assert_eq!(found[at.unwrap()].payload, payload.to_le_bytes());
    }
}

#[test]
fn a_journal_that_is_dropped_in_trouble_ends() {
    let disk = Model::default();
    disk.state().full = true;
    let journal = open(&disk);
    // Told at once, or by the ticket: the keeper may not have met it yet.
    let refused = match journal.submit(1, b"none", Durability::Crash) {
        Ok(ticket) => block_on(ticket).is_err(),
        Err(refused) => matches!(refused, Refused::Faulted(_)),
    };
    assert!(refused);
    drop(journal);
}
