//! `[receipts]`: how long they are kept.
//!
//! Invariant: whatever is set, receipts of the running month stay.

use super::Receipts;
use super::read::integer;
use super::section::Section;

/// Longer than any month, by a day for clocks that differ.
pub(crate) const KEEP_DAYS_MIN: i64 = 32;
const KEEP_DAYS_MAX: u64 = 36_500;

impl Receipts {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let days = section.take(
            "keep_days",
            integer(KEEP_DAYS_MIN.unsigned_abs()..=KEEP_DAYS_MAX),
        );
        section.finish();
        Self {
            keep_days: days.and_then(|days| i64::try_from(days).ok()),
        }
    }

    /// Receipts of calls that were settled before go; `None` where all are kept.
    pub(crate) fn kept_since(&self, now: i64) -> Option<i64> {
        let seconds = self.keep_days?.saturating_mul(86_400);
        Some(now.saturating_sub(seconds))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{good, problems};

    #[test]
    fn receipts_are_kept_for_ever_unless_it_is_said_and_for_a_month_whatever_is_said() {
        let kept = good("kept", "", &[]).receipts;
        assert_eq!((kept.keep_days, kept.kept_since(7)), (None, None));
        let kept = good("kept-days", "[receipts]\nkeep_days = 400\n", &[]).receipts;
        assert_eq!(kept.kept_since(400 * 86_400 + 7), Some(7));
        for days in ["31", "0", "-1", "36501", "\"400d\""] {
            let text = format!("[receipts]\nkeep_days = {days}\n");
            let said = problems("kept-wrong", &text, &[]);
            assert!(
                said.len() == 1 && said[0].contains("receipts.keep_days"),
                "{said:?}"
            );
        }
    }
}
