//! Where a model computes: which devices can be asked for, and what is made ready on them.

use super::{Options, cache_for, crew};
use crate::cache::Cache;
#[cfg(feature = "gpu")]
use crate::model::gpu::{self, Gpu};
use crate::model::{Forward, Pass};
use crate::{Fault, Model, memory};

/// Where a model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// A CUDA device where this build can use one and one answers, or else the processors.
    #[default]
    Auto,
    Cpu,
    /// The first CUDA device.
    Cuda,
}

impl Device {
    pub const ALL: [Device; 3] = [Device::Auto, Device::Cpu, Device::Cuda];

    /// What it is called by whoever chooses one.
    pub const fn name(self) -> &'static str {
        match self {
            Device::Auto => "auto",
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|device| device.name() == name)
    }

    /// Whether this build knows it.
    pub const fn is_built_in(self) -> bool {
        match self {
            Device::Auto | Device::Cpu => true,
            Device::Cuda => cfg!(feature = "cuda"),
        }
    }

    /// Which one it is on this machine, never `Auto`; or why there is none.
    pub fn resolve(self) -> Result<Self, Fault> {
        match self {
            Device::Cpu => Ok(Device::Cpu),
            Device::Cuda => cuda_answers().map(|()| Device::Cuda),
            Device::Auto => Ok(cuda_answers().map_or(Device::Cpu, |()| Device::Cuda)),
        }
    }
}

#[cfg(feature = "cuda")]
fn cuda_answers() -> Result<(), Fault> {
    gpu::cuda::answers()
}

#[cfg(not(feature = "cuda"))]
fn cuda_answers() -> Result<(), Fault> {
    Err(absent())
}

#[cfg(not(feature = "cuda"))]
fn absent() -> Fault {
    let what = "CUDA: this build cannot use it; one of `--features cuda` can";
    Fault::Unsupported(what.to_owned())
}

/// What computes is called, itself, and the keys and values that there is memory for.
pub(super) type Ready = (String, Pass, Cache);

pub(super) fn ready(model: &Model, options: &Options) -> Result<Ready, Fault> {
    match options.device.resolve()? {
        Device::Auto | Device::Cpu => {
            let cache = cache_for(model, options, memory::free_bytes())?;
            let pass = Pass::Cpu(Box::new(Forward::new(crew(options))));
            Ok(("CPU".to_owned(), pass, cache))
        }
        #[cfg(feature = "cuda")]
        Device::Cuda => ready_on(gpu::cuda::open()?, model, options),
        #[cfg(not(feature = "cuda"))]
        Device::Cuda => Err(absent()),
    }
}

#[cfg(feature = "gpu")]
fn ready_on(gpu: Gpu, model: &Model, options: &Options) -> Result<Ready, Fault> {
    let name = gpu.name()?;
    let bounds = gpu::Bounds {
        // All that read share these; all others go on by one each.
        steps: options.chunk_tokens.max(1) + options.sequences_max,
        sequences: options.sequences_max,
        context: options.context_of(model),
    };
    let room = gpu::room_bytes(model.shape(), bounds);
    let free = gpu.free_bytes()?.saturating_sub(room);
    if free < model.weight_bytes() {
        return Err(Fault::TooLarge {
            what: format!("the weights, and room for a pass, on {name}"),
            needs_mib: model.weight_bytes().saturating_add(room).div_ceil(1 << 20),
            free_mib: free.saturating_add(room) >> 20,
        });
    }
    let cache = cache_for(model, options, Some(free))?.elsewhere();
    let pass = gpu::Forward::new(model, &cache, gpu, bounds)?;
    Ok((name, Pass::Gpu(Box::new(pass)), cache))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Prompt, Request};

    fn model() -> Model {
        let bytes = include_bytes!("../../../../weights/vane-tiny.gguf");
        Model::of_program("vane-tiny", bytes).unwrap()
    }

    #[test]
    fn a_device_that_fails_is_told_to_whom_it_failed_and_stops_the_engine() {
        let (model, options) = (model(), Options::default());
        let cache = cache_for(&model, &options, None).unwrap();
        let ready = ("broken".to_owned(), Pass::Broken("it is too hot"), cache);
        let engine = Engine::start_on(model, options, ready).unwrap();
        let mut pieces = engine
            .submit(Request::new(Prompt::Tokens(vec![5])))
            .unwrap();
        let told = pieces.next().unwrap();
        assert!(
            matches!(&told, Err(Fault::Device(why)) if why == "it is too hot"),
            "{told:?}"
        );
        assert!(pieces.next().is_none());
        // Who comes now is told that it is over, sooner or later.
        let after = Request::new(Prompt::Tokens(vec![5]));
        let told = engine.submit(after).map(|mut pieces| pieces.next());
        assert!(
            matches!(told, Err(Fault::Stopped) | Ok(Some(Err(Fault::Stopped)))),
            "{told:?}"
        );
    }

    #[test]
    fn names_of_devices_are_read_as_they_are_written() {
        for device in Device::ALL {
            assert_eq!(Device::named(device.name()), Some(device));
        }
        assert_eq!(Device::named("metal"), None);
        assert_eq!(Device::Cpu.resolve().unwrap(), Device::Cpu);
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_build_without_cuda_says_so_and_chooses_the_processors() {
        assert!(!Device::Cuda.is_built_in());
        let refused = Device::Cuda.resolve().unwrap_err().to_string();
        assert!(refused.contains("--features cuda"), "{refused}");
        assert_eq!(Device::Auto.resolve().unwrap(), Device::Cpu);
    }

    #[test]
    #[cfg(feature = "test-cuda")]
    fn these_tests_run_on_a_cuda_device() {
        assert_eq!(Device::Auto.resolve().unwrap(), Device::Cuda);
        let engine = Engine::start(model(), Options::default()).unwrap();
        assert!(engine.place().starts_with("CUDA, "), "{}", engine.place());
    }

    #[test]
    #[cfg(feature = "test-cuda")]
    fn weights_that_exceed_the_memory_of_a_device_are_refused() {
        let options = Options {
            // A pass of so many tokens needs more than any device has.
            chunk_tokens: 1 << 36,
            ..Options::default()
        };
        let refused = ready(&model(), &options).map(|_| ());
        assert!(
            matches!(refused, Err(Fault::TooLarge { .. })),
            "{refused:?}"
        );
    }
}
