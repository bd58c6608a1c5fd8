//! What offers did by hour: added up, read by hour and by day, forgotten.

use vane_ledger::{Each, Figure, OfferCount};

use crate::memory;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn count(begun: i64, offer: &str, figure: Figure, bucket: i64, count: i64) -> OfferCount {
    OfferCount {
        begun,
        offer: offer.to_owned(),
        figure,
        bucket,
        count,
    }
}

#[test]
fn counts_of_all_who_count_are_added_up_by_hour_and_by_day() {
    let store = memory();
    let first = [
        count(DAY, "lab/m", Figure::Asked, 0, 3),
        count(DAY, "lab/m", Figure::First, 22, 2),
        count(DAY + HOUR, "lab/m", Figure::Asked, 0, 1),
    ];
    let second = [
        count(DAY, "lab/m", Figure::First, 22, 5),
        count(DAY, "lab/m", Figure::First, 23, 1),
        count(2 * DAY, "spare/m", Figure::Failed, 0, 9),
    ];
    store.add_offer_counts(&first).unwrap();
    store.add_offer_counts(&second).unwrap();
    store.add_offer_counts(&[]).unwrap();
    let hours = store.offer_counts(DAY, 2 * DAY, Each::Hour).unwrap();
    assert_eq!(
        hours,
        [
            count(DAY, "lab/m", Figure::Asked, 0, 3),
            count(DAY, "lab/m", Figure::First, 22, 7),
            count(DAY, "lab/m", Figure::First, 23, 1),
            count(DAY + HOUR, "lab/m", Figure::Asked, 0, 1),
        ]
    );
    let days = store.offer_counts(0, 3 * DAY, Each::Day).unwrap();
    assert_eq!(
        days,
        [
            count(DAY, "lab/m", Figure::Asked, 0, 4),
            count(DAY, "lab/m", Figure::First, 22, 7),
            count(DAY, "lab/m", Figure::First, 23, 1),
            count(2 * DAY, "spare/m", Figure::Failed, 0, 9),
        ]
    );
}

#[test]
fn many_counts_at_once_are_all_there_also_where_one_comes_twice() {
    let store = memory();
    let mut many: Vec<OfferCount> = (0..333)
        .map(|bucket| count(DAY, "lab/m", Figure::Pace, bucket, 1))
        .collect();
    many.push(many[7].clone());
    store.add_offer_counts(&many).unwrap();
    let kept = store.offer_counts(DAY, DAY + 1, Each::Hour).unwrap();
    let sum: i64 = kept.iter().map(|one| one.count).sum();
    assert_eq!((kept.len(), sum, kept[7].count), (333, 334, 2));
}

#[test]
fn what_cannot_be_kept_keeps_nothing_of_its_batch() {
    let store = memory();
    let sound = count(DAY, "lab/m", Figure::Asked, 0, 1);
    let unsound = count(DAY, "lab/n", Figure::Asked, 0, 0);
    store.add_offer_counts(&[sound, unsound]).unwrap_err();
    assert_eq!(store.offer_counts(0, i64::MAX, Each::Hour).unwrap(), []);
}

#[test]
fn old_hours_are_forgotten() {
    let store = memory();
    let hours: Vec<OfferCount> = (0..5)
        .map(|hour| count(hour * HOUR, "lab/m", Figure::Asked, 0, 1))
        .collect();
    store.add_offer_counts(&hours).unwrap();
    assert_eq!(store.forget_offer_counts(3 * HOUR).unwrap(), 3);
    let kept = store.offer_counts(0, i64::MAX, Each::Hour).unwrap();
    assert_eq!(kept, hours[3..]);
}
