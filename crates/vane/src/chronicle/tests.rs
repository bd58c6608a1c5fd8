//! What is read, what is written later, and what goes.

use vane_ledger::{Each, Figure, OfferCount, Store};

use super::*;
use crate::upstream::Measured;

/// The beginning of an hour, far from that of a day.
const NOW: i64 = 1_796_040_000;

fn store() -> Store {
    Store::open("sqlite::memory:").unwrap()
}

fn asked(at: i64, count: i64) -> OfferCount {
    OfferCount {
        begun: begun(at, HOUR),
        offer: "lab/m".to_owned(),
        figure: Figure::Asked,
        bucket: 0,
        count,
    }
}

/// Attempts of a month, as pages are told.
fn told(chronicle: &Chronicle, now: i64) -> u64 {
    let past = chronicle.past();
    let course = past.of("lab/m");
    let sums = course.map(|course| course.over(Span::Month, now));
    let measured = sums.and_then(|sums| Measured::of(&sums));
    measured.map_or(0, |measured| measured.asked)
}

#[test]
fn what_others_write_shows_at_once_and_what_they_write_late_within_the_hour() {
    let (store, chronicle, none) = (store(), Chronicle::default(), Offers::default());
    chronicle.refresh(&none, &store, NOW);
    let before = chronicle.past().version;
    let late = [asked(NOW - 5 * HOUR, 100), asked(NOW - 9 * DAY, 1_000)];
    store.add_offer_counts(&late).unwrap();
    store
        .add_offer_counts(&[asked(NOW, 1), asked(NOW - HOUR, 10)])
        .unwrap();
    chronicle.refresh(&none, &store, NOW + 60);
    assert_eq!(told(&chronicle, NOW), 11);
    assert_eq!(chronicle.past().version, before + 1);
    // Nothing else is known: pages stay as they were written.
    chronicle.refresh(&none, &store, NOW + 120);
    assert_eq!(chronicle.past().version, before + 1);
    chronicle.refresh(&none, &store, NOW + HOUR);
    assert_eq!(told(&chronicle, NOW + HOUR), 1_111);
}

#[test]
fn what_is_older_than_ninety_days_goes() {
    let (store, chronicle) = (store(), Chronicle::default());
    let kept = asked(NOW - 89 * DAY, 1);
    store
        .add_offer_counts(&[asked(NOW - 91 * DAY, 1), kept.clone()])
        .unwrap();
    chronicle.refresh(&Offers::default(), &store, NOW);
    assert_eq!(store.offer_counts(0, NOW, Each::Hour).unwrap(), [kept]);
}

#[test]
fn what_is_not_written_for_a_week_is_given_up() {
    let mut notes = Notes::default();
    for days in [8, 6] {
        let hour = (begun(NOW, HOUR) - days * DAY, "lab/m".to_owned());
        notes.unwritten.insert(hour, Sums::default());
    }
    notes.gather(&Offers::default(), NOW);
    let left: Vec<i64> = notes.unwritten.keys().map(|(hour, _)| *hour).collect();
    assert_eq!(left, [begun(NOW, HOUR) - 6 * DAY]);
}
