//! How many unseen keys may be asked of the database in one second.
//!
//! A refused question is no harm for long: the watch finds a new key within its next look.

use std::sync::{Mutex, PoisonError};

pub(super) const QUESTIONS_PER_SECOND: u32 = 200;

#[derive(Default)]
pub(super) struct Allowance(Mutex<Window>);

#[derive(Default)]
struct Window {
    second: i64,
    taken: u32,
}

impl Allowance {
    pub(super) fn take(&self, now: i64) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != now {
            *window = Window {
                second: now,
                taken: 0,
            };
        }
        let granted = window.taken < QUESTIONS_PER_SECOND;
        window.taken = window.taken.saturating_add(1);
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_granted_so_many_a_second() {
        let allowance = Allowance::default();
        let granted = |now| (0..10_000).filter(|_| allowance.take(now)).count();
        assert_eq!(granted(7), QUESTIONS_PER_SECOND as usize);
        assert_eq!(granted(7), 0);
        assert_eq!(granted(8), QUESTIONS_PER_SECOND as usize);
    }
}
