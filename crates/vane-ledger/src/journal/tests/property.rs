//! Random submits, faults, kills and cuts of power, against what was promised.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::INSTANCE;
use super::stepped::{Stepped, open, poll};
use crate::journal::disk::model::Model;
use crate::journal::queue::Queue;
use crate::journal::record::{Durability, Position};
use crate::journal::ticket::Ticket;

#[derive(Clone, Debug)]
enum Step {
    /// Sizes of payloads, and whether each is promised for `Power`.
    Append(Vec<(u8, bool)>),
    /// The same, while the next write or sync is under way.
    Meanwhile(Vec<(u8, bool)>, bool),
    /// Nobody waits for it.
    Send(u8),
    Answer,
    /// A sync, and what else time brings.
    Later,
    Flush,
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
        4 => (prop::collection::vec((any::<u8>(), any::<bool>()), 1..6), any::<bool>())
            .prop_map(|(records, during)| Step::Meanwhile(records, during)),
        4 => any::<u8>().prop_map(Step::Send),
        6 => Just(Step::Answer),
        2 => Just(Step::Later),
        1 => Just(Step::Flush),
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

/// Everything ever submitted, by serial, and what has to be answered.
#[derive(Default)]
struct Callers {
    submitted: BTreeMap<u64, Vec<u8>>,
    tickets: Vec<(u64, Durability, Ticket)>,
}

impl Callers {
    fn payload(&mut self, size: u8) -> (u64, Vec<u8>) {
        let serial = self.submitted.len() as u64;
        let bytes = payload(serial, size);
        self.submitted.insert(serial, bytes.clone());
        (serial, bytes)
    }
}

/// Shared with what happens meanwhile.
type Shared = Arc<Mutex<Callers>>;

fn submit(callers: &Shared, queue: &Queue, records: &[(u8, bool)]) {
    for (size, power) in records {
        let durability = match power {
            true => Durability::Power,
            false => Durability::Crash,
        };
        let (serial, bytes) = callers.lock().unwrap().payload(*size);
        if let Ok(ticket) = queue.submit(7, &bytes, durability) {
            let mut callers = callers.lock().unwrap();
            callers.tickets.push((serial, durability, ticket));
        }
    }
}

#[derive(Default)]
struct World {
    disk: Model,
    epoch: u64,
    callers: Shared,
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
    fn open(&mut self) -> Stepped {
        self.callers.lock().unwrap().tickets.clear();
        self.epoch += 1;
        let opened = open(&self.disk, self.epoch, INSTANCE, self.position).unwrap();
        if self.epoch.is_multiple_of(2) {
            opened.idle();
        }
        opened
    }

    fn heal(&self) {
        let mut state = self.disk.state();
        state.full = false;
        state.sync_fails = false;
        state.short_writes = false;
        state.write_fails_after = None;
        (state.on_write, state.on_sync) = (None, None);
    }

    /// Notes what was promised by now, in the order of the numbers.
    fn note(&mut self) {
        let mut tickets = std::mem::take(&mut self.callers.lock().unwrap().tickets);
        tickets.sort_by_key(|(serial, ..)| *serial);
        let mut last = None;
        for (serial, durability, mut ticket) in tickets {
            match poll(&mut ticket) {
                None => {
                    let mut callers = self.callers.lock().unwrap();
                    callers.tickets.push((serial, durability, ticket));
                }
                Some(Err(_)) => {}
                Some(Ok(position)) => {
                    assert!(last < Some(position), "numbers follow the order of submits");
                    last = Some(position);
                    match durability {
                        Durability::Crash => self.crash.push(serial),
                        Durability::Power => self.power.push(serial),
                    }
                }
            }
        }
    }

    /// Everybody is answered once the keeper has nothing to do.
    fn answer(&mut self, journal: &Stepped) {
        journal.idle();
        self.note();
        assert!(self.callers.lock().unwrap().tickets.is_empty());
    }

    fn meanwhile(&self, journal: &Stepped, records: Vec<(u8, bool)>, syncing: bool) {
        let (callers, queue) = (Arc::clone(&self.callers), Arc::downgrade(&journal.queue));
        let act = Box::new(move || {
            if let Some(queue) = queue.upgrade() {
                submit(&callers, &queue, &records);
            }
        });
        let state = &mut *self.disk.state();
        let hook = match syncing {
            true => &mut state.on_sync,
            false => &mut state.on_write,
        };
        *hook = Some(act);
    }

    fn ingest(&mut self, journal: &Stepped) {
        let batch = journal.replay(self.position).batch().unwrap();
        self.ingested
            .extend(batch.records.iter().map(|record| serial(&record.payload)));
        self.position = batch.end;
        let disk = &journal.keeper.maker.disk;
        journal.queue.shelf.drop_until(batch.end, disk).unwrap();
    }

    /// What the store would hold if it ingested all that is there.
    fn check(&mut self, journal: &Stepped) {
        let mut all = self.ingested.clone();
        for record in journal.replay(self.position) {
            let record = record.unwrap();
            let number = serial(&record.payload);
            let submitted = &self.callers.lock().unwrap().submitted;
            assert_eq!(submitted[&number], record.payload, "invented");
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
        let mut journal = self.open();
        for step in steps {
            self.note();
            match step {
                Step::Append(records) => submit(&self.callers, &journal.queue, &records),
                Step::Answer => self.answer(&journal),
                Step::Meanwhile(records, during) => self.meanwhile(&journal, records, during),
                Step::Send(size) => {
                    let (_, bytes) = self.callers.lock().unwrap().payload(size);
                    let _taken = journal.queue.send(8, &bytes);
                }
                Step::Later => journal.later(),
                Step::Flush => self.flush(&journal),
                Step::Mend => {
                    self.heal();
                    journal.later();
                    assert!(journal.trouble().is_none());
                }
                Step::FailWrite(after) => self.disk.state().write_fails_after = Some(after),
                Step::FailSync => self.disk.state().sync_fails = true,
                Step::Full => self.disk.state().full = true,
                Step::ShortWrites => self.disk.state().short_writes = true,
                Step::Ingest => self.ingest(&journal),
                Step::Kill => {
                    self.heal();
                    journal = self.open();
                    self.check(&journal);
                }
                Step::Power(kept, torn, holes) => {
                    self.heal();
                    self.disk.cut(kept, torn, holes);
                    self.crash.clear();
                    journal = self.open();
                    self.check(&journal);
                    let before: Vec<_> =
                        journal.replay(self.position).map(Result::unwrap).collect();
                    let again = self.open();
                    let after: Vec<_> = again.replay(self.position).map(Result::unwrap).collect();
                    assert_eq!(before, after, "a second recovery differs");
                    journal = again;
                }
            }
        }
        self.heal();
        self.answer(&journal);
        journal = self.open();
        self.check(&journal);
    }

    /// After it, readers have all that was taken, or there is trouble.
    fn flush(&self, journal: &Stepped) {
        let mut flushed = journal.queue.flush();
        journal.idle();
        if let Ok(position) = poll(&mut flushed).expect("nobody answers it") {
            assert!(journal.queue.shelf.synced() >= position.number());
            assert!(!journal.queue.state().waits());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..Default::default() })]
    #[test]
    fn what_was_promised_is_there_once_and_in_order(steps in prop::collection::vec(step(), 1..40)) {
        World::default().run(steps);
    }
}
