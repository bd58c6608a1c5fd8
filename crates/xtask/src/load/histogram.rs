//! Latencies in buckets whose width is under a thousandth of their value.
//!
//! Values are nanoseconds. A bucket is named by the position of the highest bit and the bits that
//! follow it, so recording is a shift and an addition, and a run of any length has one size.

/// Bits kept below the highest: 1024 buckets for each power of two.
const PRECISION: u32 = 10;
const BUCKETS: usize = (65 - PRECISION as usize) << PRECISION;

#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
        }
    }

    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    /// The value that so many thousandths of all values do not exceed; 0 when none was recorded.
    pub(crate) fn quantile(&self, thousandths: u64) -> u64 {
        let rank = (self.total * thousandths).div_ceil(1000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_bound(index);
            }
        }
        0
    }
}

fn bucket(value: u64) -> usize {
    let highest = 63 - (value | 1).leading_zeros();
    let shift = highest.saturating_sub(PRECISION);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shift leaves eleven bits"
    )]
    let leading = (value >> shift) as usize;
    ((shift as usize) << PRECISION) + leading
}

/// The largest value of a bucket.
fn upper_bound(index: usize) -> u64 {
    let shift = (index >> PRECISION).saturating_sub(1);
    let value = (index - (shift << PRECISION)) as u64;
    ((value + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_a_bucket_narrower_than_a_thousandth() {
        for value in (0..62).flat_map(|bit| [1_u64 << bit, (1 << bit) + 1, (1 << bit) * 3 / 2]) {
            let bound = upper_bound(bucket(value));
            assert!(bound >= value, "{value} is past its bucket's end {bound}");
            assert!(bound - value <= value / 1000, "{value} is far from {bound}");
        }
    }

    #[test]
    fn buckets_follow_one_another_without_a_gap() {
        for index in 0..5000 {
            assert_eq!(bucket(upper_bound(index)), index);
            assert_eq!(bucket(upper_bound(index) + 1), index + 1);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(500), 0);
        (1..=100).for_each(|value| histogram.record(value));
        assert_eq!(histogram.quantile(500), 50);
        assert_eq!(histogram.quantile(990), 99);
        assert_eq!(histogram.quantile(1000), 100);
    }
}
