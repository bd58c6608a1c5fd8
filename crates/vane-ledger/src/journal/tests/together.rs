//! Many write at once: in turn on one thread, where each order can be told, and on many.

use std::sync::{Arc, Mutex};
use std::thread;

use super::stepped::{Stepped, open, poll};
use super::{Folder, INSTANCE, block_on};
use crate::journal::disk::model::Model;
use crate::journal::keeper::Chore;
use crate::journal::pace::Rest;
use crate::journal::record::{Durability, Position};
use crate::journal::ticket::Ticket;
use crate::journal::{Journal, Refused, Settings};

fn opened(disk: &Model) -> Stepped {
    let journal = open(disk, 1, INSTANCE, Position::START).unwrap();
    journal.idle();
    journal
}

/// The tickets of what was submitted while something else was under way.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Vec<Ticket>>>);

impl Meanwhile {
    fn submit(
        &self,
        journal: &Stepped,
        records: &'static [(&'static [u8], Durability)],
    ) -> Box<dyn FnOnce() + Send> {
        let (tickets, queue) = (Arc::clone(&self.0), Arc::clone(&journal.queue));
        Box::new(move || {
            for (payload, durability) in records {
                let ticket = queue.submit(1, payload, *durability).unwrap();
                tickets.lock().unwrap().push(ticket);
            }
        })
    }

    /// Where they stand: `None` is still open, an error is `Some(None)`.
    fn ends(&self) -> Vec<Option<Option<u64>>> {
        let mut tickets = self.0.lock().unwrap();
        let number = |end: Result<Position, _>| end.ok().map(Position::number);
        tickets
            .iter_mut()
            .map(|ticket| poll(ticket).map(number))
            .collect()
    }
}

use Durability::{Crash, Power};

#[test]
fn who_submits_writes_and_takes_along_what_came_meanwhile() {
    let disk = Model::default();
    let journal = opened(&disk);
    let meanwhile = Meanwhile::default();
    let others = meanwhile.submit(&journal, &[(b"second", Crash), (b"third", Crash)]);
    disk.state().on_write = Some(others);
    let mut first = journal.queue.submit(1, b"first", Crash).unwrap();
    assert_eq!(poll(&mut first).unwrap().unwrap(), Position::new(1));
    assert_eq!(meanwhile.ends(), [Some(Some(2)), Some(Some(3))]);
    // Nothing was synced and no keeper did anything; a killed process leaves them all.
    let after = open(&disk, 2, INSTANCE, Position::START).unwrap();
    assert_eq!(after.payloads(), [&b"first"[..], b"second", b"third"]);
}

#[test]
fn what_several_put_is_written_by_the_first_who_wants_it_written() {
    let disk = Model::default();
    let journal = opened(&disk);
    let mut put: Vec<Ticket> = [b"first", b"other"]
        .map(|payload| journal.queue.put(1, payload).unwrap())
        .into();
    assert!(put.iter_mut().all(|ticket| poll(ticket).is_none()));
    let found = |epoch| {
        open(&disk.copy(), epoch, INSTANCE, Position::START)
            .unwrap()
            .payloads()
    };
    assert!(found(2).is_empty());
    journal.queue.write_waiting();
    assert!(put.iter_mut().all(|ticket| poll(ticket).unwrap().is_ok()));
    assert_eq!(found(3), [b"first", b"other"]);
}

#[test]
fn what_nobody_waits_for_goes_with_the_next_or_at_once_where_the_keeper_rests_long() {
    let disk = Model::default();
    let journal = opened(&disk);
    journal.queue.send(1, b"alone").unwrap();
    let found = |epoch| {
        open(&disk.copy(), epoch, INSTANCE, Position::START)
            .unwrap()
            .payloads()
    };
    assert_eq!(found(2), [b"alone"]);
    journal.queue.state().pace.rest = Rest::Ticking;
    journal.queue.send(1, b"waits").unwrap();
    assert_eq!(found(3), [b"alone"]);
    let _written = journal.queue.submit(1, b"comes", Crash).unwrap();
    assert_eq!(found(4), [b"alone", b"waits", b"comes"]);
}

#[test]
fn a_write_that_fails_in_a_callers_thread_fails_all_that_shared_it() {
    let disk = Model::default();
    let journal = opened(&disk);
    assert!(journal.put(b"safe", Power));
    let meanwhile = Meanwhile::default();
    disk.state().write_fails_after = Some(10);
    disk.state().on_write =
        Some(meanwhile.submit(&journal, &[(b"queued", Crash), (b"too", Power)]));
    let mut failed = journal.queue.submit(1, b"failed", Crash).unwrap();
    assert!(poll(&mut failed).unwrap().is_err());
    assert_eq!(meanwhile.ends(), [Some(None), Some(None)]);
    let refused = journal.queue.submit(1, b"refused", Crash);
    assert!(matches!(refused, Err(Refused::Faulted(_))));
    let mut flushed = journal.queue.flush();
    assert!(poll(&mut flushed).unwrap().is_err());
    disk.state().write_fails_after = None;
    assert_eq!(journal.idle(), [Chore::Renew]);
    assert!(journal.put(b"mended", Power));
    assert_eq!(journal.payloads(), [&b"safe"[..], b"mended"]);
    let after = open(&disk, 2, INSTANCE, Position::START).unwrap();
    assert_eq!(after.payloads(), [&b"safe"[..], b"mended"]);
}

#[test]
fn a_sync_that_fails_takes_back_power_and_keeps_what_callers_wrote_meanwhile() {
    let disk = Model::default();
    let mut journal = opened(&disk);
    let meanwhile = Meanwhile::default();
    let mut before = journal.queue.submit(1, b"before", Crash).unwrap();
    let mut power = journal.queue.submit(1, b"power", Power).unwrap();
    let others = meanwhile.submit(&journal, &[(b"later power", Power), (b"meanwhile", Crash)]);
    disk.state().on_sync = Some(others);
    disk.state().sync_fails = true;
    assert!(poll(&mut power).is_none(), "resolved before any sync");
    journal.idle();
    assert!(poll(&mut before).unwrap().is_ok());
    assert!(poll(&mut power).unwrap().is_err());
    assert_eq!(meanwhile.ends(), [Some(None), Some(Some(4))]);
    assert!(matches!(
        journal.queue.send(1, b"refused"),
        Err(Refused::Faulted(_))
    ));
    disk.state().sync_fails = false;
    journal.later();
    assert_eq!(journal.payloads(), [&b"before"[..], b"meanwhile"]);
    disk.cut(0, 0, 0);
    let after = open(&disk, 2, INSTANCE, Position::START).unwrap();
    assert_eq!(after.payloads(), [&b"before"[..], b"meanwhile"]);
}

#[test]
fn a_write_that_fails_during_a_sync_waits_for_its_end_which_may_be_good() {
    let disk = Model::default();
    let mut journal = opened(&disk);
    let meanwhile = Meanwhile::default();
    let mut power = journal.queue.submit(1, b"power", Power).unwrap();
    let (others, failing) = (
        meanwhile.submit(&journal, &[(b"failed", Crash)]),
        disk.clone(),
    );
    let (seen, open_tickets) = (meanwhile.clone(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&open_tickets);
    disk.state().on_sync = Some(Box::new(move || {
        failing.state().write_fails_after = Some(0);
        others();
        failing.state().write_fails_after = None;
        *told.lock().unwrap() = seen.ends();
    }));
    journal.idle();
    assert_eq!(
        *open_tickets.lock().unwrap(),
        [None],
        "the sync was under way"
    );
    assert_eq!(poll(&mut power).unwrap().unwrap(), Position::new(1));
    assert_eq!(meanwhile.ends(), [Some(None)]);
    journal.later();
    assert!(journal.trouble().is_none());
    assert_eq!(journal.payloads(), [b"power"]);
}

#[test]
fn powers_share_a_sync_that_began_after_them() {
    let disk = Model::default();
    let journal = opened(&disk);
    let meanwhile = Meanwhile::default();
    let mut first = journal.queue.submit(1, b"first", Power).unwrap();
    let mut second = journal.queue.submit(1, b"second", Power).unwrap();
    disk.state().on_sync =
        Some(meanwhile.submit(&journal, &[(b"crash", Crash), (b"third", Power)]));
    journal.keeper.work(Chore::Write, journal.now);
    journal.keeper.work(Chore::Sync, journal.now);
    assert!(poll(&mut first).unwrap().is_ok() && poll(&mut second).unwrap().is_ok());
    assert_eq!(
        meanwhile.ends(),
        [Some(Some(3)), None],
        "it is not in that sync"
    );
    assert_eq!(journal.queue.shelf.synced(), 2, "nor is what was written");
    assert_eq!(journal.idle(), [Chore::Write, Chore::Sync]);
    assert_eq!(meanwhile.ends(), [Some(Some(3)), Some(Some(4))]);
}

const THREADS: u64 = 8;
const EACH: u64 = 300;

/// Every thread's records stand once, in its order, at the numbers that its tickets say.
fn check(journal: &Journal, told: &[Vec<Option<u64>>]) {
    let mut next = vec![0; told.len()];
    for record in journal.replay(Position::START).map(Result::unwrap) {
        let (thread, serial) = record.payload.split_first_chunk::<8>().unwrap();
        let thread = usize::try_from(u64::from_le_bytes(*thread)).unwrap();
        let serial = u64::from_le_bytes(serial[..8].try_into().unwrap());
        assert_eq!(serial, next[thread], "lost, doubled or out of order");
        next[thread] += 1;
        if let Some(number) = told[thread][usize::try_from(serial).unwrap()] {
            assert_eq!(number, record.position.number());
        }
    }
    let taken: Vec<_> = told.iter().map(|told| told.len() as u64).collect();
    assert_eq!(next, taken);
}

/// Sends and submits until it is refused or has done `EACH`: what its tickets said.
fn caller(journal: &Journal, thread: u64) -> Vec<Option<u64>> {
    let mut told = Vec::new();
    for serial in 0..EACH {
        let payload = [thread.to_le_bytes(), serial.to_le_bytes()].concat();
        let durability = match (serial + thread) % 16 {
            0 => Power,
            _ => Crash,
        };
        if serial % 3 == 0 {
            journal.send(1, &payload).unwrap();
            told.push(None);
        } else {
            let ticket = journal.submit(1, &payload, durability).unwrap();
            told.push(Some(block_on(ticket).unwrap().number()));
        }
    }
    told
}

fn settings() -> Settings {
    Settings {
        // Many rolls, so that callers write while it rolls.
        segment_bytes: 4096,
        ..Settings::default()
    }
}

#[test]
fn many_threads_lose_and_double_nothing_while_segments_roll() {
    let folder = Folder::new("together");
    let journal = Journal::open(&folder.0, INSTANCE, 1, Position::START, &settings()).unwrap();
    let told: Vec<_> = thread::scope(|scope| {
        let journal = &journal;
        let start = |thread| scope.spawn(move || caller(journal, thread));
        let running: Vec<_> = (0..THREADS).map(start).collect();
        running
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    let all = block_on(journal.flush()).unwrap();
    assert_eq!(all.number(), THREADS * EACH);
    check(&journal, &told);
}

#[test]
fn the_last_of_many_callers_drops_it_and_nothing_is_lost() {
    let folder = Folder::new("drop");
    let journal = Journal::open(&folder.0, INSTANCE, 1, Position::START, &settings()).unwrap();
    let journal = Arc::new(journal);
    let callers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let journal = Arc::clone(&journal);
            thread::spawn(move || caller(&journal, thread))
        })
        .collect();
    drop(journal);
    let told: Vec<_> = callers
        .into_iter()
        .map(|caller| caller.join().unwrap())
        .collect();
    let again = Journal::open(&folder.0, INSTANCE, 2, Position::START, &settings()).unwrap();
    check(&again, &told);
}

#[test]
fn closing_while_others_submit_answers_every_ticket_that_was_given() {
    let folder = Folder::new("close");
    let journal = Journal::open(&folder.0, INSTANCE, 1, Position::START, &settings()).unwrap();
    let taken: u64 = thread::scope(|scope| {
        let callers = [Crash, Power].map(|durability| {
            let queue = Arc::clone(&journal.queue);
            scope.spawn(move || {
                let mut taken = 0;
                loop {
                    match queue.submit(1, b"some", durability) {
                        Ok(ticket) => block_on(ticket).map(|_| taken += 1).unwrap(),
                        Err(refused) => {
                            assert!(matches!(refused, Refused::Closed));
                            return taken;
                        }
                    }
                }
            })
        });
        block_on(journal.submit(1, b"some", Power).unwrap()).unwrap();
        drop(journal);
        callers.map(|caller| caller.join().unwrap()).iter().sum()
    });
    let again = Journal::open(&folder.0, INSTANCE, 2, Position::START, &settings()).unwrap();
    assert_eq!(again.replay(Position::START).count() as u64, taken + 1);
}
