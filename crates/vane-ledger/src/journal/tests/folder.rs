//! The journal as its users have it, on a real file system.

use std::time::Duration;

use super::{Folder, INSTANCE, block_on};
use crate::journal::{Durability, Journal, JournalError, Position, Refused, Settings, inspect};

fn small() -> Settings {
    Settings {
        segment_bytes: 4096,
        queue_bytes: 4096,
        backlog_bytes: 16 << 10,
    }
}

fn open(folder: &Folder, epoch: u64, ingested: Position) -> Result<Journal, JournalError> {
    Journal::open(&folder.0, INSTANCE, epoch, ingested, &small())
}

#[test]
fn a_second_process_is_told_who_holds_the_journal() {
    let folder = Folder::new("lock");
    let first = open(&folder, 1, Position::START).unwrap();
    let Err(JournalError::InUse { pid, .. }) = open(&folder, 2, Position::START) else {
        panic!("two writers");
    };
    assert_eq!(pid, std::process::id().to_string());
    drop(first);
    open(&folder, 2, Position::START).unwrap();
}

#[test]
fn records_are_ingested_in_batches_and_their_segments_go() {
    let folder = Folder::new("ingest");
    let journal = open(&folder, 1, Position::START).unwrap();
    for number in 1..=20_u64 {
        let ticket = journal.submit(3, &[1; 500], Durability::Power).unwrap();
        assert_eq!(block_on(ticket).unwrap().number(), number);
    }
    journal.send(4, b"nobody waits").unwrap();
    let end = journal.wait(Position::new(20), Duration::from_mins(1));
    assert_eq!(end.number(), 21);
    let batch = journal.replay(Position::new(5)).batch().unwrap();
    assert_eq!((batch.records.len(), batch.end.number()), (16, 21));
    assert!(matches!(
        journal.ingested(Position::new(22)),
        Err(JournalError::NotYet(22))
    ));
    journal.ingested(batch.end).unwrap();
    let told = inspect(&folder.0).unwrap();
    assert_eq!(told.segments.len(), 1, "only the one that is written");
    assert!(told.damage.is_none());
    assert!(matches!(
        journal.replay(Position::START).batch(),
        Err(JournalError::Gone(0))
    ));
    drop(journal);
    let behind = open(&folder, 2, Position::new(99)).err().unwrap();
    assert!(matches!(
        behind,
        JournalError::Behind {
            ingested: 99,
            end: 21
        }
    ));
}

#[test]
fn a_backlog_that_nobody_ingests_is_refused_and_taken_again_after_ingestion() {
    let folder = Folder::new("backlog");
    let journal = open(&folder, 1, Position::START).unwrap();
    let submit = || journal.submit(3, &[1; 500], Durability::Power);
    let mut last = Position::START;
    let refused = loop {
        match submit() {
            Ok(ticket) => last = block_on(ticket).unwrap(),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refused::BacklogFull), "{refused}");
    journal.ingested(last).unwrap();
    block_on(submit().unwrap()).unwrap();
    let large = journal.send(3, &[0; 4096]);
    assert!(matches!(large, Err(Refused::TooLarge { max: 4004, .. })));
}
