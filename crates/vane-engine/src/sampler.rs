//! Which token comes next, of the numbers that the model gives to each.
//!
//! In this order: penalties, temperature, `top_k`, `top_p`, `min_p`, one draw. Likelihoods that are told are
//! the model's own, before all of that. Equal seeds draw equally.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "likelihoods are single precision, and a draw uses the upper bits of a number"
)]

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::Fault;
use crate::grammar::Mask;

/// How freely tokens are drawn. The default draws nothing: the likeliest comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Zero takes the likeliest.
    pub temperature: f32,
    pub top_p: f32,
    /// Zero is no limit.
    pub top_k: usize,
    pub min_p: f32,
    /// Divides (above zero) or multiplies (below) what stands in the prompt or the answer.
    pub repetition_penalty: f32,
    /// Subtracted of what stands in the answer.
    pub presence_penalty: f32,
    /// Subtracted as often as it stands in the answer.
    pub frequency_penalty: f32,
    /// Drawn where none is given.
    pub seed: Option<u64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            seed: None,
        }
    }
}

impl Sampling {
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let limits = [
            ("temperature", self.temperature, 0.0, 100.0),
            ("top_p", self.top_p, 0.0, 1.0),
            ("min_p", self.min_p, 0.0, 1.0),
            ("repetition_penalty", self.repetition_penalty, 0.01, 100.0),
            ("presence_penalty", self.presence_penalty, -100.0, 100.0),
            ("frequency_penalty", self.frequency_penalty, -100.0, 100.0),
        ];
        for (name, is, least, most) in limits {
            if !(least..=most).contains(&is) {
                return Err(Fault::Refused(format!(
                    "{name} is {is}, of {least} to {most}"
                )));
            }
        }
        Ok(())
    }
}

/// What draws the tokens of one sequence.
#[derive(Debug)]
pub(crate) struct Sampler {
    sampling: Sampling,
    random: Random,
    /// What stands in the prompt or the answer; filled only where it is asked for.
    seen: HashSet<u32>,
    answered: HashMap<u32, u32>,
}

impl Sampler {
    pub(crate) fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let seed = sampling
            .seed
            .unwrap_or_else(|| RandomState::new().hash_one(prompt));
        let repeats = sampling.repetition_penalty.to_bits() != 1.0_f32.to_bits();
        Self {
            seen: if repeats {
                prompt.iter().copied().collect()
            } else {
                HashSet::new()
            },
            sampling,
            random: Random(seed),
            answered: HashMap::new(),
        }
    }

    /// The next token, one of the mask; never the banned one.
    pub(crate) fn choose(
        &mut self,
        logits: &[f32],
        banned: Option<u32>,
        mask: Option<&Mask>,
    ) -> u32 {
        let mut logits: Vec<f32> = logits
            .iter()
            .map(|logit| {
                if logit.is_nan() {
                    f32::NEG_INFINITY
                } else {
                    *logit
                }
            })
            .collect();
        if let Some(logit) = banned.and_then(|banned| logits.get_mut(banned as usize)) {
            *logit = f32::NEG_INFINITY;
        }
        self.penalise(&mut logits);
        let token = match mask {
            Some(mask) => self.of(mask.tokens(), &logits),
            None => self.of(0.., &logits),
        };
        *self.answered.entry(token).or_default() += 1;
        if self.sampling.repetition_penalty.to_bits() != 1.0_f32.to_bits() {
            self.seen.insert(token);
        }
        token
    }

    fn penalise(&self, logits: &mut [f32]) {
        let factor = self.sampling.repetition_penalty;
        for token in &self.seen {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit = if *logit > 0.0 {
                    *logit / factor
                } else {
                    *logit * factor
                };
            }
        }
        let (presence, frequency) = (
            self.sampling.presence_penalty,
            self.sampling.frequency_penalty,
        );
        for (token, times) in &self.answered {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit -= presence + frequency * *times as f32;
            }
        }
    }

    fn of(&mut self, tokens: impl Iterator<Item = u32>, logits: &[f32]) -> u32 {
        let logit = |token: u32| logits.get(token as usize).map(|logit| (token, *logit));
        let candidates = tokens.map_while(logit);
        if self.sampling.temperature > 0.0 {
            self.draw(candidates.collect())
        } else {
            likeliest(candidates)
        }
    }

    fn draw(&mut self, mut candidates: Vec<(u32, f32)>) -> u32 {
        let sampling = &self.sampling;
        let order = |left: &(u32, f32), right: &(u32, f32)| {
            right.1.total_cmp(&left.1).then(left.0.cmp(&right.0))
        };
        if sampling.top_k > 0 && sampling.top_k < candidates.len() {
            candidates.select_nth_unstable_by(sampling.top_k - 1, order);
            candidates.truncate(sampling.top_k);
        }
        candidates.sort_unstable_by(order);
        let most = candidates.first().map_or(0.0, |(_, logit)| *logit);
        let mut sum = 0.0;
        for (_, logit) in &mut candidates {
            *logit = ((*logit - most) / sampling.temperature).exp();
            sum += *logit;
        }
        // The likeliest weighs one, so that `min_p` is a limit as it stands.
        let mut before = 0.0;
        candidates.retain(|(_, weight)| {
            let inside = before == 0.0 || before < sampling.top_p * sum;
            before += weight;
            inside && *weight >= sampling.min_p
        });
        let sum: f32 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut left = self.random.next() * sum;
        for (token, weight) in &candidates {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        // Nothing has any weight: the first is as good as another.
        candidates.first().map_or(0, |(token, _)| *token)
    }
}

/// The first of the largest.
fn likeliest(mut candidates: impl Iterator<Item = (u32, f32)>) -> u32 {
    let first = candidates.next().unwrap_or_default();
    let best = candidates.fold(
        first,
        |best, next| if next.1 > best.1 { next } else { best },
    );
    best.0
}

/// Logarithms of likelihoods: those of the `many` likeliest, and of one token.
pub(crate) fn likelihoods(logits: &[f32], token: u32, many: usize) -> (f32, Vec<(u32, f32)>) {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    let log = |logit: f32| logit - most - sum.ln();
    let mut top: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
    top.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    top.truncate(many);
    for (_, logit) in &mut top {
        *logit = log(*logit);
    }
    (
        logits
            .get(token as usize)
            .map_or(f32::NEG_INFINITY, |logit| log(*logit)),
        top,
    )
}

/// SplitMix64: small, and good enough for dice.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// From zero to below one.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens that a thousand draws give, each with its part.
    fn parts(sampling: &Sampling, logits: &[f32]) -> Vec<f32> {
        let sampling = Sampling {
            seed: Some(7),
            ..sampling.clone()
        };
        let mut sampler = Sampler::new(sampling, &[]);
        let mut parts = vec![0.0; logits.len()];
        for _ in 0..1000 {
            parts[sampler.choose(logits, None, None) as usize] += 0.001;
        }
        parts
    }

    fn hot() -> Sampling {
        Sampling {
            temperature: 1.0,
            ..Sampling::default()
        }
    }

    /// Of weights 8, 4, 2, 1, 1.
    fn logits() -> Vec<f32> {
        [8.0_f32, 4.0, 2.0, 1.0, 1.0]
            .iter()
            .map(|weight| weight.ln())
            .collect()
    }

    #[test]
    fn draws_come_in_their_proportions() {
        let rows = [
            (hot(), [0.5, 0.25, 0.125, 0.0625, 0.0625]),
            (
                Sampling { top_k: 2, ..hot() },
                [0.667, 0.333, 0.0, 0.0, 0.0],
            ),
            (
                Sampling {
                    top_p: 0.5,
                    ..hot()
                },
                [1.0, 0.0, 0.0, 0.0, 0.0],
            ),
            (
                Sampling {
                    top_p: 0.6,
                    ..hot()
                },
                [0.667, 0.333, 0.0, 0.0, 0.0],
            ),
            (
                Sampling {
                    top_p: 0.0,
                    ..hot()
                },
                [1.0, 0.0, 0.0, 0.0, 0.0],
            ),
            (
                Sampling {
                    min_p: 0.2,
                    ..hot()
                },
                [0.571, 0.286, 0.143, 0.0, 0.0],
            ),
            (
                Sampling {
                    temperature: 0.5,
                    ..hot()
                },
                [0.744, 0.186, 0.047, 0.012, 0.012],
            ),
            (
                Sampling {
                    temperature: 0.0,
                    ..hot()
                },
                [1.0, 0.0, 0.0, 0.0, 0.0],
            ),
        ];
        for (sampling, expected) in rows {
            let parts = parts(&sampling, &logits());
            for (part, expected) in parts.iter().zip(expected) {
                assert!((part - expected).abs() < 0.04, "{sampling:?}: {parts:?}");
            }
        }
    }

    #[test]
    fn equal_seeds_draw_equally_and_others_do_not() {
        let draw = |seed| {
            let mut sampler = Sampler::new(
                Sampling {
                    seed: Some(seed),
                    ..hot()
                },
                &[],
            );
            (0..50)
                .map(|_| sampler.choose(&logits(), None, None))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn what_was_said_is_penalised() {
        let rows = [
            (
                Sampling {
                    repetition_penalty: 2.0,
                    ..Sampling::default()
                },
                [1, 0, 0, 0],
            ),
            (
                Sampling {
                    presence_penalty: 1.5,
                    ..Sampling::default()
                },
                [0, 1, 0, 0],
            ),
            (
                Sampling {
                    frequency_penalty: 0.6,
                    ..Sampling::default()
                },
                [0, 0, 1, 0],
            ),
        ];
        for (sampling, expected) in rows {
            let mut sampler = Sampler::new(sampling.clone(), &[0]);
            let told: Vec<u32> = (0..4)
                .map(|_| sampler.choose(&[3.0, 2.0, -9.0], None, None))
                .collect();
            assert_eq!(told, expected, "{sampling:?}");
        }
    }

    #[test]
    fn the_banned_and_what_is_no_number_are_never_drawn() {
        for sampling in [hot(), Sampling::default()] {
            let mut sampler = Sampler::new(
                Sampling {
                    seed: Some(3),
                    ..sampling
                },
                &[],
            );
            for _ in 0..100 {
                assert_eq!(sampler.choose(&[9.0, 1.0, f32::NAN], Some(0), None), 1);
            }
            assert_eq!(sampler.choose(&[f32::NAN; 3], None, None), 0);
        }
    }

    #[test]
    fn likelihoods_sum_to_one() {
        let (one, top) = likelihoods(&logits(), 1, 5);
        assert!((one.exp() - 0.25).abs() < 1e-6);
        assert!((top.iter().map(|(_, log)| log.exp()).sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(top[0].0, 0);
    }

    #[test]
    fn impossible_settings_are_refused() {
        let rows = [
            Sampling {
                temperature: -1.0,
                ..hot()
            },
            Sampling {
                temperature: f32::NAN,
                ..hot()
            },
            Sampling {
                top_p: 1.1,
                ..hot()
            },
            Sampling {
                repetition_penalty: 0.0,
                ..hot()
            },
        ];
        for sampling in rows {
            assert!(sampling.check().is_err(), "{sampling:?}");
        }
        assert!(hot().check().is_ok());
    }
}
