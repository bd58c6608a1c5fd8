//! Single faults, one by one.

use super::INSTANCE;
use super::stepped::{Stepped, open as open_after};
use crate::journal::disk::{Disk, model::Model};
use crate::journal::error::JournalError;
use crate::journal::inspect::inspect_disk;
use crate::journal::record::{Durability, Position};

fn open(disk: &Model, epoch: u64, instance: [u8; 16]) -> Result<Stepped, JournalError> {
    let opened = open_after(disk, epoch, instance, Position::START)?;
    opened.idle();
    Ok(opened)
}

fn put(journal: &mut Stepped, payload: &[u8], power: bool) -> bool {
    let durability = match power {
        true => Durability::Power,
        false => Durability::Crash,
    };
    journal.put(payload, durability)
}

fn payloads(journal: &Stepped) -> Vec<Vec<u8>> {
    journal.payloads()
}

fn mend(journal: &mut Stepped) {
    journal.later();
    assert!(journal.trouble().is_none());
}

#[test]
fn a_bad_checksum_before_what_was_synced_stops_the_start_with_its_place() {
    let disk = Model::default();
    let mut journal = open(&disk, 1, INSTANCE).unwrap();
    for payload in [b"first", b"again", b"third"] {
        assert!(put(&mut journal, payload, true));
    }
    // The second frame begins at 64 + 28 + 5.
    disk.damage("00000000000000000001.journal", 97 + 28);
    let refused = open(&disk, 2, INSTANCE).err().unwrap();
    let JournalError::Damaged { file, offset, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(
        (file.as_str(), offset),
        ("00000000000000000001.journal", 97)
    );
    let told = inspect_disk(&Disk::Model(disk)).unwrap();
    assert!(matches!(
        told.damage,
        Some(JournalError::Damaged { offset: 97, .. })
    ));
    assert_eq!(told.segments[0].records[&1], 1);
}

#[test]
fn a_torn_last_record_is_cut() {
    let disk = Model::default();
    let mut journal = open(&disk, 1, INSTANCE).unwrap();
    assert!(put(&mut journal, b"whole", true));
    assert!(put(&mut journal, b"torn", false));
    disk.cut(0, 30, u64::MAX);
    assert!(inspect_disk(&Disk::Model(disk.clone())).unwrap().segments[0].torn);
    assert_eq!(payloads(&open(&disk, 2, INSTANCE).unwrap()), [b"whole"]);
}

#[test]
fn foreign_stale_and_missing_segments_are_refused() {
    let disk = Model::default();
    for epoch in 1..4 {
        let mut journal = open(&disk, epoch, INSTANCE).unwrap();
        assert!(put(&mut journal, b"some", true));
    }
    let refused = |epoch, instance| open(&disk, epoch, instance).err().unwrap();
    assert!(matches!(refused(9, [0; 16]), JournalError::Foreign { .. }));
    assert!(matches!(
        refused(3, INSTANCE),
        JournalError::StaleEpoch { last: 3, .. }
    ));
    Disk::Model(disk.clone())
        .remove("00000000000000000002.journal")
        .unwrap();
    assert!(matches!(refused(9, INSTANCE), JournalError::Damaged { .. }));
    Disk::Model(disk.clone())
        .remove("00000000000000000001.journal")
        .unwrap();
    assert!(matches!(
        refused(9, INSTANCE),
        JournalError::Gap {
            from: 1,
            until: 1,
            ..
        }
    ));
}

#[test]
fn after_a_failed_sync_what_was_promised_power_is_void_and_the_rest_is_written_again() {
    let disk = Model::default();
    let mut journal = open(&disk, 1, INSTANCE).unwrap();
    assert!(put(&mut journal, b"crash", false));
    disk.state().sync_fails = true;
    assert!(!put(&mut journal, b"power", true));
    assert!(!put(&mut journal, b"later", false), "it stands still");
    disk.state().sync_fails = false;
    mend(&mut journal);
    assert!(put(&mut journal, b"after", true));
    disk.cut(0, 0, 0);
    assert_eq!(
        payloads(&open(&disk, 2, INSTANCE).unwrap()),
        [b"crash", b"after"]
    );
}

#[test]
fn a_full_disk_is_met_when_a_segment_is_made_and_left_when_space_is_back() {
    let disk = Model::default();
    disk.state().full = true;
    let mut journal = open(&disk, 1, INSTANCE).unwrap();
    assert!(!put(&mut journal, b"none", false));
    disk.state().full = false;
    mend(&mut journal);
    disk.state().full = true;
    let mut kept = 0;
    while put(&mut journal, &[0; 500], false) {
        kept += 1;
    }
    assert_eq!(kept, (4096 - 64) / 528);
    disk.state().full = false;
    mend(&mut journal);
    assert!(put(&mut journal, &[0; 500], true));
    assert_eq!(payloads(&journal).len(), kept + 1);
}
