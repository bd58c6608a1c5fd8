//! What offers did as the database keeps it: one number for each figure and size of an hour.

use std::collections::{BTreeMap, HashMap};

use vane_ledger::{Each, Figure, LedgerError, OfferCount, Store};

use super::course::{Course, DAY, DAYS, HOUR, begun};
use crate::upstream::{Spread, Sums};

/// Rows of older hours go.
const KEPT_DAYS: i64 = 90;

pub(super) fn add(store: &Store, hours: &BTreeMap<(i64, String), Sums>) -> Result<(), LedgerError> {
    let counts = hours
        .iter()
        .flat_map(|((hour, id), sums)| counts(*hour, id, sums));
    store.add_offer_counts(&counts.collect::<Vec<_>>())
}

/// Everything that pages tell: hours from yesterday on, and days before that.
pub(super) fn read(store: &Store, now: i64) -> Result<HashMap<String, Course>, LedgerError> {
    let today = begun(now, DAY);
    let yesterday = today - DAY;
    let mut courses: HashMap<String, Course> = HashMap::new();
    let days = store.offer_counts(today - (DAYS - 1) * DAY, yesterday, Each::Day)?;
    for (day, id, sums) in sums(&days) {
        courses.entry(id).or_default().set_day(day, sums);
    }
    for (hour, id, sums) in sums(&store.offer_counts(yesterday, i64::MAX, Each::Hour)?) {
        courses.entry(id).or_default().set_hour(hour, sums);
    }
    Ok(courses)
}

/// The same of this hour and the last one: others write to no older ones, while all is well.
pub(super) fn read_lately(
    store: &Store,
    courses: &mut HashMap<String, Course>,
    now: i64,
) -> Result<(), LedgerError> {
    let counts = store.offer_counts(begun(now, HOUR) - HOUR, i64::MAX, Each::Hour)?;
    for (hour, id, sums) in sums(&counts) {
        courses.entry(id).or_default().set_hour(hour, sums);
    }
    Ok(())
}

pub(super) fn forget(store: &Store, now: i64) -> Result<(), LedgerError> {
    let gone = store.forget_offer_counts(begun(now, DAY) - KEPT_DAYS * DAY)?;
    if gone > 0 {
        tracing::debug!(rows = gone, "what offers did 90 days ago is forgotten");
    }
    Ok(())
}

fn counts(hour: i64, id: &str, sums: &Sums) -> impl Iterator<Item = OfferCount> {
    let once = [
        (Figure::Asked, sums.asked),
        (Figure::Answered, sums.answered),
        (Figure::Failed, sums.failed),
    ];
    let once = once.map(|(figure, count)| (figure, 0, count));
    let by_size = |figure, spread: &Spread| -> Vec<(Figure, usize, u64)> {
        let counts = spread.counts();
        counts
            .map(|(size, count)| (figure, size, u64::from(count)))
            .collect()
    };
    let all = once.into_iter();
    let all = all.chain(by_size(Figure::First, &sums.first));
    let all = all.chain(by_size(Figure::Pace, &sums.pace));
    let id = id.to_owned();
    all.filter(|(_, _, count)| *count > 0)
        .map(move |(figure, bucket, count)| OfferCount {
            begun: hour,
            offer: id.clone(),
            figure,
            bucket: i64::try_from(bucket).unwrap_or_default(),
            count: i64::try_from(count).unwrap_or(i64::MAX),
        })
}

/// Sums by hour or day and offer.
fn sums(counts: &[OfferCount]) -> Vec<(i64, String, Sums)> {
    let same = |a: &OfferCount, b: &OfferCount| a.begun == b.begun && a.offer == b.offer;
    let mut all = Vec::new();
    for chunk in counts.chunk_by(same) {
        let mut sums = Sums::default();
        for one in chunk {
            let count = u64::try_from(one.count).unwrap_or_default();
            let size = usize::try_from(one.bucket).unwrap_or(usize::MAX);
            let by_size = u32::try_from(count).unwrap_or(u32::MAX);
            match one.figure {
                Figure::Asked => sums.asked = count,
                Figure::Answered => sums.answered = count,
                Figure::Failed => sums.failed = count,
                Figure::First => sums.first.add(size, by_size),
                Figure::Pace => sums.pace.add(size, by_size),
            }
        }
        if let Some(first) = chunk.first() {
            all.push((first.begun, first.offer.clone(), sums));
        }
    }
    all
}
