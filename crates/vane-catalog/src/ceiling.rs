//! The most that a call can cost: what is held before its first upstream byte.
//!
//! Invariant: no usage within the bound, served in any way that was asked for and in any region,
//! costs more at that instant than the ceiling.

use vane_dialect::usage::{Region, Served, Tier, Units};

use crate::cost::Unpriced;
use crate::money::Money;
use crate::rate::Rate;
use crate::rates::Rates;
use crate::standing::Standing;

/// The most tokens that a call may use, and how it may be served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    pub input_tokens_max: u64,
    pub output_tokens_max: u64,
    pub asked: Asked,
    /// The most uses of what is billed by the piece.
    pub uses_max: Units,
}

/// Whether the request may come to be served at a dearer tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asked {
    /// The request names no tier and no speed: it is served at standard rates or cheaper.
    #[default]
    Standard,
    /// The request names a tier or a speed: the dearest that is priced may hold.
    Dearer,
}

impl Rates {
    /// The dearest that a call within the bound can come to.
    ///
    /// # Errors
    /// When that is more than money can hold.
    pub fn ceiling(&self, bound: Bound, at: i64) -> Result<Money, Unpriced> {
        let mut dearest = Money::ZERO;
        for served in self.ways_to_be_served(bound.asked) {
            for input_tokens in self.lengths_to_try(bound.input_tokens_max) {
                let standing = self.standing(input_tokens, served, at)?;
                let input = dearest_input(&standing).amount(bound.input_tokens_max);
                let output = dearest_output(&standing).amount(bound.output_tokens_max);
                let sum = input
                    .zip(output)
                    .and_then(|(input, output)| input.checked_add(output));
                dearest = dearest.max(sum.ok_or(Unpriced::TooLarge)?);
            }
        }
        let uses = self.per_use.ceiling(bound.uses_max)?;
        dearest.checked_add(uses).ok_or(Unpriced::TooLarge)
    }

    /// The dearest that one token of output can come to, of a call within the bound: by so much a
    /// ceiling rises at most with each.
    ///
    /// # Errors
    /// When the offer has no price for a way to be served.
    pub fn output_ceiling(&self, bound: Bound, at: i64) -> Result<Rate, Unpriced> {
        let mut dearest = Rate::ZERO;
        for served in self.ways_to_be_served(bound.asked) {
            for input_tokens in self.lengths_to_try(bound.input_tokens_max) {
                let standing = self.standing(input_tokens, served, at)?;
                dearest = dearest.max(dearest_output(&standing));
            }
        }
        Ok(dearest)
    }

    /// Every tier and speed that is priced and was asked for, in every region that is priced.
    fn ways_to_be_served(&self, asked: Asked) -> impl Iterator<Item = Served> {
        let dearer = asked == Asked::Dearer;
        let tiers = &self.service_tiers;
        let ways = [
            (Tier::Standard, false, true),
            (Tier::Batch, false, self.prices_batches()),
            (Tier::Flex, false, tiers.flex.is_some()),
            (Tier::Priority, false, dearer && tiers.priority.is_some()),
            (Tier::Standard, true, dearer && tiers.ultrafast.is_some()),
        ];
        let regions: &[Region] = match self.regional_multiplier.is_empty() {
            true => &[Region::Global],
            false => &[Region::Global, Region::Us, Region::Eu],
        };
        let possible = ways.into_iter().filter(|(_, _, possible)| *possible);
        possible.flat_map(move |(tier, fast, _)| {
            regions.iter().map(move |region| Served {
                tier,
                region: *region,
                fast,
                ..Served::default()
            })
        })
    }

    /// Input lengths at which other rates begin, up to the most there can be.
    fn lengths_to_try(&self, input_tokens_max: u64) -> impl Iterator<Item = u64> {
        let service = &self.service_tiers;
        let named = [&service.flex, &service.priority, &service.ultrafast];
        let of_services = named.into_iter().flatten().flat_map(|tier| &tier.tiers);
        let thresholds = self
            .tiers
            .iter()
            .chain(of_services)
            .map(|tier| tier.above_input_tokens);
        let lengths = thresholds.map(|tokens| tokens.saturating_add(1));
        std::iter::once(0)
            .chain(lengths)
            .filter(move |tokens| *tokens <= input_tokens_max)
    }
}

fn dearest_input(standing: &Standing) -> Rate {
    let cached = standing
        .cache_read
        .max(standing.cache_write)
        .max(standing.cache_write_1h);
    standing.input.max(cached)
}

fn dearest_output(standing: &Standing) -> Rate {
    standing
        .reasoning
        .map_or(standing.output, |rate| rate.max(standing.output))
}
