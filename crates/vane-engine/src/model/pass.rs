//! Who computes a pass: this machine's processors, or a device of its own memory. The scheduler does not
//! know which.

#[cfg(feature = "gpu")]
use super::gpu;
use super::{Forward, Model, Step};
use crate::Fault;
use crate::cache::Cache;

pub(crate) enum Pass {
    Cpu(Box<Forward>),
    #[cfg(feature = "gpu")]
    Gpu(Box<gpu::Forward>),
    /// A device that fails, for this reason.
    #[cfg(test)]
    Broken(&'static str),
}

impl Pass {
    /// For each step that asks, in their order, a number for each token that may come next. Only a device
    /// can fail, and does nothing more then.
    pub(crate) fn run(
        &mut self,
        model: &Model,
        cache: &mut Cache,
        steps: &[Step<'_>],
    ) -> Result<Vec<Vec<f32>>, Fault> {
        match self {
            Pass::Cpu(forward) => Ok(forward.run(model, cache, steps)),
            #[cfg(feature = "gpu")]
            Pass::Gpu(forward) => forward.run(model, steps),
            #[cfg(test)]
            Pass::Broken(why) => Err(Fault::Device((*why).to_owned())),
        }
    }
}
