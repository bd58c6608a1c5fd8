//! Which rates hold for one answer: how long its input was, how it was served, where and when.
//!
//! Each statement lies over the one below it, field by field: base, long context, service tier,
//! the tier's own long context; a batch or an off-peak hour in place of a tier. Invariant: what
//! is not priced is an error, except that flex and batch, which are discounts, fall back to the
//! standard rates.

use vane_dialect::usage::{Region, Served, Tier};

use crate::cost::Unpriced;
use crate::rate::{Factor, Rate};
use crate::rates::{LongContext, Rates, RegionName, ServiceTier, long_context};

/// The one rate of each bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub input: Rate,
    pub cache_read: Rate,
    pub cache_write: Rate,
    pub cache_write_1h: Rate,
    pub output: Rate,
    /// The rate of reasoning, where it is not that of other output.
    pub reasoning: Option<Rate>,
}

impl Rates {
    /// The rates of an answer with this much input, served like this, at this instant.
    ///
    /// # Errors
    /// When the answer was served in a way that these rates do not price.
    pub fn standing(
        &self,
        input_tokens: u64,
        served: Served,
        at: i64,
    ) -> Result<Standing, Unpriced> {
        let mut layers = Layers::base(self);
        let long = long_context(&self.tiers, input_tokens);
        layers.lay_long(long);
        match self.service(served)? {
            Some(service) => layers.lay_service(service, input_tokens),
            None if served.tier == Tier::Batch && self.prices_batches() => {
                layers.lay_batch(self, long);
            }
            None => layers.lay_off_peak(self, at),
        }
        layers.close(self.factor(served.region))
    }

    pub(crate) fn prices_batches(&self) -> bool {
        self.batch_input.is_some() || self.batch_output.is_some()
    }

    /// The service tier that the answer names. A tier that costs more must be priced.
    fn service(&self, served: Served) -> Result<Option<&ServiceTier>, Unpriced> {
        let tiers = &self.service_tiers;
        match served.tier {
            _ if served.fast => tiers.ultrafast.as_ref().map(Some).ok_or(Unpriced::Fast),
            Tier::Priority => tiers.priority.as_ref().map(Some).ok_or(Unpriced::Priority),
            Tier::Flex => Ok(tiers.flex.as_ref()),
            Tier::Standard | Tier::Batch | Tier::Waived => Ok(None),
        }
    }

    fn factor(&self, region: Region) -> Factor {
        let name = match region {
            Region::Global => return Factor::ONE,
            Region::Us => RegionName::Us,
            Region::Eu => RegionName::Eu,
        };
        let factors = &self.regional_multiplier;
        factors
            .get(&name)
            .or_else(|| factors.get(&RegionName::Regional))
            .copied()
            .unwrap_or(Factor::ONE)
    }
}

/// Rates while statements are being laid over them: what is still missing is not yet decided.
struct Layers {
    input: Rate,
    output: Rate,
    cache_read: Option<Rate>,
    cache_write: Option<Rate>,
    cache_write_1h: Option<Rate>,
    reasoning: Option<Rate>,
}

impl Layers {
    fn base(rates: &Rates) -> Self {
        Self {
            input: rates.input,
            output: rates.output,
            cache_read: rates.cache_read,
            cache_write: rates.cache_write_5m.or(rates.cache_write),
            cache_write_1h: rates.cache_write_1h,
            // A reasoning rate equal to the output rate moves with it in every layer.
            reasoning: rates.reasoning.filter(|rate| *rate != rates.output),
        }
    }

    fn lay_long(&mut self, long: Option<&LongContext>) {
        let Some(long) = long else { return };
        self.lay(long.input, long.output, long.cache_read);
        self.cache_write = long
            .cache_write_5m
            .or(long.cache_write)
            .or(self.cache_write);
        self.cache_write_1h = long.cache_write_1h.or(self.cache_write_1h);
    }

    fn lay_service(&mut self, service: &ServiceTier, input_tokens: u64) {
        self.lay(service.input, service.output, service.cache_read);
        self.cache_write = service.cache_write.or(self.cache_write);
        self.lay_long(long_context(&service.tiers, input_tokens));
    }

    fn lay_batch(&mut self, rates: &Rates, long: Option<&LongContext>) {
        self.lay(
            rates.batch_input,
            rates.batch_output,
            rates.batch_cache_read,
        );
        if let Some(long) = long {
            self.lay(long.batch_input, long.batch_output, long.batch_cache_read);
        }
    }

    fn lay_off_peak(&mut self, rates: &Rates, at: i64) {
        if let Some(hours) = rates.off_peak.as_ref().filter(|hours| hours.holds_at(at)) {
            self.lay(Some(hours.input), Some(hours.output), hours.cache_read);
        }
    }

    fn lay(&mut self, input: Option<Rate>, output: Option<Rate>, cache_read: Option<Rate>) {
        self.input = input.unwrap_or(self.input);
        self.output = output.unwrap_or(self.output);
        self.cache_read = cache_read.or(self.cache_read);
    }

    fn close(self, factor: Factor) -> Result<Standing, Unpriced> {
        let scaled = |rate: Rate| rate.times_half_up(factor).ok_or(Unpriced::TooLarge);
        let write = self.cache_write.unwrap_or(self.input);
        Ok(Standing {
            input: scaled(self.input)?,
            cache_read: scaled(self.cache_read.unwrap_or(self.input))?,
            cache_write: scaled(write)?,
            cache_write_1h: scaled(self.cache_write_1h.unwrap_or(write))?,
            output: scaled(self.output)?,
            reasoning: self.reasoning.map(scaled).transpose()?,
        })
    }
}
