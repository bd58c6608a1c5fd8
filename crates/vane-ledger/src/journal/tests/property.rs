//! Random submits, faults, kills and cuts of power, against what was promised.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::INSTANCE;
use crate::journal::appender::Appender;
use crate::journal::disk::{Disk, model::Model};
use crate::journal::frame::Frames;
use crate::journal::record::Position;
use crate::journal::recover::Opening;
use crate::journal::replay::Replay;

#[derive(Clone, Debug)]
enum Step {
    /// Sizes of payloads, and whether each is promised for `Power`.
    Append(Vec<(u8, bool)>),
    Sync,
    Mend,
    FailWrite(usize),
    FailSync,
    Full,
    ShortWrites,
    Ingest,
    Kill,
    Power(usize, usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let holes = prop_oneof![2 => Just(u64::MAX), 1 => any::<u64>()];
    prop_oneof![
        8 => prop::collection::vec((any::<u8>(), any::<bool>()), 1..12).prop_map(Step::Append),
        2 => Just(Step::Sync),
        3 => Just(Step::Mend),
        1 => (0_usize..600).prop_map(Step::FailWrite),
        1 => Just(Step::FailSync),
        1 => Just(Step::Full),
        1 => Just(Step::ShortWrites),
        2 => Just(Step::Ingest),
        1 => Just(Step::Kill),
        2 => (0_usize..12, 0_usize..600, holes).prop_map(|(a, b, c)| Step::Power(a, b, c)),
    ]
}

#[derive(Default)]
struct World {
    disk: Model,
    epoch: u64,
    serial: u64,
    /// Everything ever submitted, by serial.
    submitted: BTreeMap<u64, Vec<u8>>,
    crash: Vec<u64>,
    power: Vec<u64>,
    ingested: Vec<u64>,
    position: Position,
}

fn payload(serial: u64, size: u8) -> Vec<u8> {
    let mut bytes = serial.to_le_bytes().to_vec();
    bytes.resize(8 + usize::from(size), size);
    bytes
}

fn serial(payload: &[u8]) -> u64 {
    u64::from_le_bytes(payload[..8].try_into().unwrap())
}

impl World {
    fn open(&mut self) -> Appender {
        self.epoch += 1;
        let disk = Disk::Model(self.disk.clone());
        let opening = Opening {
            disk,
            instance: INSTANCE,
            epoch: self.epoch,
            ingested: self.position,
            segment_bytes: 4096,
        };
        opening.recover().unwrap()
    }

    fn heal(&self) {
        let mut state = self.disk.state();
        state.full = false;
        state.sync_fails = false;
        state.short_writes = false;
        state.write_fails_after = None;
    }

    fn append(&mut self, appender: &mut Appender, records: &[(u8, bool)]) {
        let mut batch = Frames::default();
        let first = self.serial;
        for (size, power) in records {
            let bytes = payload(self.serial, *size);
            batch.push(7, &bytes, *power);
            self.submitted.insert(self.serial, bytes);
            self.serial += 1;
        }
        let number = appender.next;
        let written = appender.append(&mut batch) as u64;
        if batch.any_power() {
            appender.sync();
        }
        for (at, (_, power)) in (0..written).zip(records) {
            if !power {
                self.crash.push(first + at);
            } else if number + at <= appender.synced {
                self.power.push(first + at);
            }
        }
    }

    fn replay(&self, appender: &Appender) -> Replay {
        let disk = Disk::Model(self.disk.clone());
        Replay::new(appender.shelf.clone(), disk, self.position)
    }

    fn ingest(&mut self, appender: &Appender) {
        let batch = self.replay(appender).batch().unwrap();
        self.ingested
            .extend(batch.records.iter().map(|record| serial(&record.payload)));
        self.position = batch.end;
        appender
            .shelf
            .drop_until(batch.end, &appender.disk)
            .unwrap();
    }

    /// What the store would hold if it ingested all that is there.
    fn check(&mut self, appender: &Appender) {
        let mut all = self.ingested.clone();
        for record in self.replay(appender) {
            let record = record.unwrap();
            let number = serial(&record.payload);
            assert_eq!(self.submitted[&number], record.payload, "invented");
            all.push(number);
        }
        assert!(
            all.is_sorted_by(|a, b| a < b),
            "twice or out of order: {all:?}"
        );
        for promised in self.power.iter().chain(&self.crash) {
            assert!(
                all.binary_search(promised).is_ok(),
                "lost {promised} of {all:?}"
            );
        }
        // All of it is on the disk now: recovery has synced it.
        self.power.append(&mut self.crash);
    }

    fn run(&mut self, steps: Vec<Step>) {
        let mut appender = self.open();
        for step in steps {
            match step {
                Step::Append(records) => self.append(&mut appender, &records),
                Step::Sync => appender.sync(),
                Step::Mend => {
                    self.heal();
                    if appender.trouble.is_some() {
                        appender.mend();
                        assert!(appender.trouble.is_none());
                    }
                }
                Step::FailWrite(after) => self.disk.state().write_fails_after = Some(after),
                Step::FailSync => self.disk.state().sync_fails = true,
                Step::Full => self.disk.state().full = true,
                Step::ShortWrites => self.disk.state().short_writes = true,
                Step::Ingest => self.ingest(&appender),
                Step::Kill => {
                    self.heal();
                    appender = self.open();
                    self.check(&appender);
                }
                Step::Power(kept, torn, holes) => {
                    self.heal();
                    self.disk.cut(kept, torn, holes);
                    self.crash.clear();
                    appender = self.open();
                    self.check(&appender);
                    let before: Vec<_> = self.replay(&appender).map(Result::unwrap).collect();
                    let again = self.open();
                    let after: Vec<_> = self.replay(&again).map(Result::unwrap).collect();
                    assert_eq!(before, after, "a second recovery differs");
                    appender = again;
                }
            }
        }
        self.heal();
        appender = self.open();
        self.check(&appender);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..Default::default() })]
    #[test]
    fn what_was_promised_is_there_once_and_in_order(steps in prop::collection::vec(step(), 1..40)) {
        World::default().run(steps);
    }
}
