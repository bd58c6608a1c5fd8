//! Request ids: unique over processes, ordered by time, told to the caller and to the log.

use aws_lc_rs::rand;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Makes ids of one process.
#[derive(Debug)]
pub struct Ids {
    /// Random per process, so that replicas do not meet.
    process: u64,
    next: AtomicU64,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Default for Ids {
    fn default() -> Self {
        let mut bytes = [0; 8];
        // Without randomness ids are still unique within the process.
        let _ = rand::fill(&mut bytes);
        Self {
            process: u64::from_ne_bytes(bytes),
            next: AtomicU64::new(0),
        }
    }
}

impl Ids {
    /// A new id: seconds, process, number.
    #[must_use]
    pub fn next(&self, unix: i64) -> String {
        let number = self.next.fetch_add(1, Relaxed);
        let mut id = String::with_capacity(4 + 7 + 8 + 8);
        id.push_str("req_");
        push(&mut id, unix.unsigned_abs(), 7);
        push(&mut id, self.process, 8);
        push(&mut id, number, 8);
        id
    }
}

fn push(id: &mut String, value: u64, digits: u32) {
    for digit in (0..digits).rev() {
        let at = usize::try_from(value >> (digit * 5) & 31).unwrap_or_default();
        id.push(char::from(ALPHABET[at]));
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn ids_are_unique_and_sort_by_time() {
        let ids = Ids::default();
        let first = ids.next(1_790_000_000);
        let second = ids.next(1_790_000_000);
        let later = ids.next(1_790_000_001);
        assert!(first < second && second < later);
        assert_eq!(first.len(), 27);
        assert_ne!(Ids::default().next(0), Ids::default().next(0));
    }
}
