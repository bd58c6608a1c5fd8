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
    /// A device that this build can use, where one answers: of CUDA, or else of Metal. Or else the processors.
    #[default]
    Auto,
    Cpu,
    /// The first CUDA device.
    Cuda,
    /// The Metal device that the system prefers.
    Metal,
}

impl Device {
    pub const ALL: [Device; 4] = [Device::Auto, Device::Cpu, Device::Cuda, Device::Metal];

    /// What it is called by whoever chooses one.
    pub const fn name(self) -> &'static str {
        match self {
            Device::Auto => "auto",
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
            Device::Metal => "metal",
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
            Device::Metal => cfg!(feature = "metal"),
        }
    }

    /// Which one it is on this machine, never `Auto`; or why there is none.
    pub fn resolve(self) -> Result<Self, Fault> {
        match self {
            Device::Cpu => Ok(Device::Cpu),
            Device::Cuda => cuda_answers().map(|()| Device::Cuda),
            Device::Metal => metal_answers().map(|()| Device::Metal),
            Device::Auto => {
                let metal = || metal_answers().map(|()| Device::Metal);
                let found = cuda_answers().map(|()| Device::Cuda).or_else(|_| metal());
                Ok(found.unwrap_or(Device::Cpu))
            }
        }
    }
}

#[cfg(feature = "cuda")]
fn cuda_answers() -> Result<(), Fault> {
    gpu::cuda::answers()
}

#[cfg(not(feature = "cuda"))]
fn cuda_answers() -> Result<(), Fault> {
    Err(absent(Device::Cuda))
}

#[cfg(feature = "metal")]
fn metal_answers() -> Result<(), Fault> {
    gpu::metal::answers()
}

#[cfg(not(feature = "metal"))]
fn metal_answers() -> Result<(), Fault> {
    Err(absent(Device::Metal))
}

#[cfg(not(all(feature = "cuda", feature = "metal")))]
fn absent(device: Device) -> Fault {
    let name = device.name();
    let what = format!("{name}: this build cannot use it; one of `--features {name}` can");
    Fault::Unsupported(what)
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
        Device::Cuda => Err(absent(Device::Cuda)),
        #[cfg(feature = "metal")]
        Device::Metal => ready_on(gpu::metal::open()?, model, options),
        #[cfg(not(feature = "metal"))]
        Device::Metal => Err(absent(Device::Metal)),
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
        assert_eq!(Device::named("vulkan"), None);
        assert_eq!(Device::Cpu.resolve().unwrap(), Device::Cpu);
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_build_without_cuda_says_so_and_chooses_the_processors() {
        assert!(!Device::Cuda.is_built_in());
        let refused = Device::Cuda.resolve().unwrap_err().to_string();
        assert!(refused.contains("--features cuda"), "{refused}");
        #[cfg(not(all(feature = "metal", target_os = "macos")))]
        assert_eq!(Device::Auto.resolve().unwrap(), Device::Cpu);
    }

    #[test]
    #[cfg(not(feature = "metal"))]
    fn a_build_without_metal_says_so() {
        assert!(!Device::Metal.is_built_in());
        let refused = Device::Metal.resolve().unwrap_err().to_string();
        assert!(refused.contains("--features metal"), "{refused}");
    }

    #[test]
    #[cfg(all(feature = "metal", not(target_os = "macos")))]
    fn a_build_with_metal_says_that_it_needs_macos_and_chooses_another() {
        assert!(Device::Metal.is_built_in());
        let refused = Device::Metal.resolve().unwrap_err().to_string();
        assert!(refused.contains("needs macOS"), "{refused}");
        let options = Options {
            device: Device::Metal,
            ..Options::default()
        };
        let refused = ready(&model(), &options).map(|_| ());
        assert!(matches!(refused, Err(Fault::Unsupported(_))), "{refused:?}");
        assert_ne!(Device::Auto.resolve().unwrap(), Device::Metal);
    }

    #[test]
    #[cfg(all(feature = "test-metal", target_os = "macos"))]
    fn these_tests_run_on_a_metal_device() {
        assert_eq!(Device::Metal.resolve().unwrap(), Device::Metal);
        let options = Options {
            device: Device::Metal,
            ..Options::default()
        };
        let engine = Engine::start(model(), options).unwrap();
        assert!(engine.place().starts_with("Metal, "), "{}", engine.place());
    }

    #[test]
    #[cfg(feature = "test-cuda")]
    fn these_tests_run_on_a_cuda_device() {
        assert_eq!(Device::Auto.resolve().unwrap(), Device::Cuda);
        let engine = Engine::start(model(), Options::default()).unwrap();
        assert!(engine.place().starts_with("CUDA, "), "{}", engine.place());
    }

    #[test]
    #[cfg(any(
        feature = "test-cuda",
        all(feature = "test-metal", target_os = "macos")
    ))]
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
