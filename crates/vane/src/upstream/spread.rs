//! How many figures were of which size: a fixed histogram with four buckets to each doubling.
//!
//! Invariants: a figure's bucket is the same in every process and every version, for the counts of
//! all are added up in the database; what is told of a spread lies in the bucket in which it was
//! measured, so it is right to within a quarter.

/// The last one has whatever is larger than all others hold: a minute in milliseconds and more.
pub(super) const BUCKETS: usize = 61;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread([u32; BUCKETS]);

/// The bucket that a figure belongs to.
#[must_use]
pub(super) fn bucket(figure: u64) -> usize {
    match figure.checked_ilog2() {
        None | Some(0 | 1) => usize::try_from(figure).unwrap_or(0),
        Some(doublings @ 2..16) => {
            let doublings = doublings as usize;
            let quarter = (figure >> (doublings - 2)) & 3;
            4 * (doublings - 1) + usize::try_from(quarter).unwrap_or(0)
        }
        Some(_) => BUCKETS - 1,
    }
}

/// The smallest figure of a bucket.
fn least(bucket: usize) -> u64 {
    match bucket as u64 {
        few @ 0..4 => few,
        bucket => (4 + bucket % 4) << (bucket / 4 - 1),
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Spread {
    /// Counts that belong to a bucket; one that is not known belongs to none.
    pub fn add(&mut self, bucket: usize, count: u32) {
        if let Some(kept) = self.0.get_mut(bucket) {
            *kept = kept.saturating_add(count);
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.counts() {
            self.add(bucket, count);
        }
    }

    /// Buckets that hold anything.
    pub fn counts(&self) -> impl Iterator<Item = (usize, u32)> {
        let all = self.0.iter().copied().enumerate();
        all.filter(|(_, count)| *count > 0)
    }

    /// The figure that so many of a hundred do not exceed, taking those of one bucket to be evenly
    /// spread in it. Nothing where nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.counts().map(|(_, count)| u64::from(count)).sum();
        let mut rank = (all * percent).div_ceil(100).max(1);
        for (bucket, count) in self.counts() {
            let count = u64::from(count);
            if rank <= count {
                let width = match bucket {
                    bucket if bucket == BUCKETS - 1 => 0,
                    bucket => least(bucket + 1) - least(bucket),
                };
                return Some(least(bucket) + width * (2 * rank - 1) / (2 * count));
            }
            rank -= count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(figures: &[u64]) -> Spread {
        let mut spread = Spread::default();
        for figure in figures {
            spread.add(bucket(*figure), 1);
        }
        spread
    }

    #[test]
    fn each_figure_lies_in_its_bucket_and_buckets_are_narrow() {
        for figure in (0..70_000).chain([u64::MAX]) {
            let at = bucket(figure);
            assert!(least(at) <= figure, "{figure} in {at}");
            if at + 1 == BUCKETS {
                assert!(figure >= 65_536, "{figure} in {at}");
                continue;
            }
            assert!(figure < least(at + 1), "{figure} in {at}");
            let width = least(at + 1) - least(at);
            assert!(width == 1 || width * 4 <= least(at), "{at} is {width} wide");
        }
    }

    /// The place of a figure stands in databases: it must never change.
    #[test]
    fn places_are_what_they_were() {
        for (figure, place) in [
            (0, 0),
            (1, 1),
            (7, 7),
            (8, 8),
            (9, 8),
            (100, 22),
            (1_000, 35),
            (65_535, 59),
            (65_536, 60),
        ] {
            assert_eq!(bucket(figure), place, "{figure}");
        }
    }

    #[test]
    fn percentiles_lie_where_the_figures_do() {
        let figures: Vec<u64> = (1..=1_000).map(|n| n * n % 4_999).collect();
        let mut sorted = figures.clone();
        sorted.sort_unstable();
        let spread = spread(&figures);
        for percent in [1, 50, 95, 99, 100] {
            let exact = sorted[usize::try_from(percent * 10 - 1).unwrap()];
            let told = spread.percentile(percent).unwrap();
            assert_eq!(bucket(told), bucket(exact), "p{percent}: {told}, {exact}");
        }
    }

    #[test]
    fn of_nothing_nothing_is_told() {
        assert_eq!(Spread::default().percentile(50), None);
        let one = spread(&[3]);
        assert_eq!((one.percentile(50), one.percentile(95)), (Some(3), Some(3)));
        assert_eq!(spread(&[1 << 40]).percentile(50), Some(65_536));
    }

    #[test]
    fn counts_add_up_and_never_wrap() {
        let mut sum = spread(&[5, 5, 900]);
        sum.merge(&spread(&[5, 70_000]));
        let counts: Vec<_> = sum.counts().collect();
        assert_eq!(counts, [(5, 3), (bucket(900), 1), (BUCKETS - 1, 1)]);
        sum.add(5, u32::MAX);
        sum.add(BUCKETS, 1);
        assert_eq!(sum.counts().next(), Some((5, u32::MAX)));
    }
}
