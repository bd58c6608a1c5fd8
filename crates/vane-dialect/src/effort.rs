//! Reasoning efforts: which of them a model takes, and which comes nearest to what was asked.

use crate::call::Effort;
use crate::quirk::{Quirk, Quirks};

/// Whether the model takes the effort. All that take any take `high`.
#[must_use]
pub const fn takes(quirks: Quirks, effort: Effort) -> bool {
    let refusal = match effort {
        Effort::None => Quirk::NoNoneEffort,
        Effort::Minimal => Quirk::NoMinimalEffort,
        Effort::Low => Quirk::NoLowEffort,
        Effort::Medium => Quirk::NoMediumEffort,
        Effort::High => return true,
        Effort::Xhigh => Quirk::NoXhighEffort,
        Effort::Max => Quirk::NoMaxEffort,
    };
    !quirks.has(refusal)
}

/// The effort that the model takes and that is fewest steps away; of two, the cheaper one.
#[must_use]
pub fn nearest(quirks: Quirks, asked: Effort) -> Effort {
    let taken = Effort::ALL
        .into_iter()
        .filter(|effort| takes(quirks, *effort));
    let steps = |effort: Effort| (effort as u8).abs_diff(asked as u8);
    taken
        .min_by_key(|effort| (steps(*effort), *effort))
        .unwrap_or(asked)
}

/// Whether a model reasons that is sent this effort, or none.
#[must_use]
pub fn reasons(quirks: Quirks, sent: Option<Effort>) -> bool {
    let unasked = quirks.has(Quirk::ReasonsUnasked);
    sent.map_or(unasked, |effort| effort != Effort::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_that_is_not_taken_becomes_the_nearest_that_is() {
        use Quirk::{
            NoLowEffort, NoMaxEffort, NoMediumEffort, NoMinimalEffort, NoNoneEffort, NoXhighEffort,
        };
        let mistral: &[Quirk] = &[
            NoMinimalEffort,
            NoLowEffort,
            NoMediumEffort,
            NoXhighEffort,
            NoMaxEffort,
        ];
        let gpt_5: &[Quirk] = &[NoNoneEffort, NoXhighEffort, NoMaxEffort];
        let gpt_5_1: &[Quirk] = &[NoMinimalEffort, NoXhighEffort, NoMaxEffort];
        let claude_4_6: &[Quirk] = &[NoXhighEffort];
        for (quirks, asked, sent) in [
            (mistral, "none", "none"),
            (mistral, "minimal", "none"),
            (mistral, "low", "none"),
            (mistral, "medium", "high"),
            (mistral, "max", "high"),
            (gpt_5, "none", "minimal"),
            (gpt_5, "medium", "medium"),
            (gpt_5, "max", "high"),
            (gpt_5_1, "minimal", "none"),
            (gpt_5_1, "xhigh", "high"),
            (claude_4_6, "xhigh", "high"),
            (claude_4_6, "max", "max"),
            (&[], "max", "max"),
        ] {
            let quirks = quirks.iter().copied().collect();
            let asked = Effort::from_name(asked).unwrap();
            assert_eq!(nearest(quirks, asked).name(), sent, "{asked:?}");
        }
    }
}
