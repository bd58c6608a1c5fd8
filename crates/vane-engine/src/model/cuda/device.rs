//! The device itself: opening it, its memory, and starting kernels.
//!
//! There is one stream, so that everything happens in the order in which it was asked for. The driver's
//! library and NVRTC are loaded when a device is asked for: a build needs neither.
#![allow(
    unsafe_code,
    reason = "foreign libraries, and kernels that are given addresses"
)]

use std::ffi::CString;
use std::sync::Arc;

use cudarc::driver::{
    CudaContext, CudaFunction, CudaModule, CudaSlice, CudaStream, DeviceRepr, DriverError,
    LaunchConfig, PushKernelArg,
};
use cudarc::nvrtc::{Ptx, result, sys};

use crate::Fault;
use crate::weights::format::Format;

/// Of a group, as the kernels have it.
pub(super) const THREADS: u32 = 128;

const SOURCE: &str = include_str!("kernels.cu");

/// A CUDA device, and the kernels that were compiled for it.
pub(crate) struct Gpu {
    stream: Arc<CudaStream>,
    pub(super) kernels: Kernels,
}

pub(super) struct Kernels {
    pub(super) norm: CudaFunction,
    pub(super) quantise: CudaFunction,
    multiply: Vec<CudaFunction>,
    pub(super) gate: CudaFunction,
    pub(super) turn: CudaFunction,
    pub(super) attend: CudaFunction,
    pub(super) merge: CudaFunction,
}

/// Whether there is a device, and what it takes to use one.
pub(crate) fn answers() -> Result<(), Fault> {
    // SAFETY: they are the libraries of these names that the system finds; what they do while they are
    // loaded is theirs.
    let (driver, compiler) = unsafe {
        (
            cudarc::driver::sys::is_culib_present(),
            sys::is_culib_present(),
        )
    };
    let count = || CudaContext::device_count().map_err(|error| error.to_string());
    let missing = |what| Fault::Unsupported(format!("CUDA: {what}"));
    found(driver, compiler, count).map_err(missing)
}

/// What is missing of the libraries and the devices that the driver counts.
pub(super) fn found(
    driver: bool,
    compiler: bool,
    count: impl FnOnce() -> Result<i32, String>,
) -> Result<(), String> {
    if !driver {
        return Err("the driver's library (libcuda.so.1) cannot be loaded".to_owned());
    }
    if !compiler {
        let what = "NVRTC (libnvrtc.so, of the CUDA toolkit) cannot be loaded";
        return Err(what.to_owned());
    }
    match count() {
        Ok(0) => Err("the driver knows no device".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("the driver answers {error}")),
    }
}

impl Gpu {
    /// The first device. Which one that is, `CUDA_VISIBLE_DEVICES` says.
    pub(crate) fn open() -> Result<Self, Fault> {
        answers()?;
        let context = CudaContext::new(0).map_err(failed)?;
        // SAFETY: there is one stream, on which everything waits for what was asked before.
        unsafe { context.disable_event_tracking() };
        let kind = context.compute_capability().map_err(failed)?;
        let image = compiled(kind)?;
        let module = context.load_module(image).map_err(failed)?;
        Ok(Self {
            kernels: Kernels::of(&module)?,
            stream: context.default_stream(),
        })
    }

    pub(crate) fn name(&self) -> Result<String, Fault> {
        self.stream.context().name().map_err(failed)
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, Fault> {
        let (free, _) = self.stream.context().mem_get_info().map_err(failed)?;
        Ok(u64::try_from(free).unwrap_or(u64::MAX))
    }

    /// Room for so many numbers, which are what was there before.
    pub(super) fn room<T: DeviceRepr>(&self, len: usize) -> Result<CudaSlice<T>, Fault> {
        // SAFETY: any bits are a number, and kernels read what was written before.
        unsafe { self.stream.alloc(len.max(1)) }.map_err(failed)
    }

    pub(super) fn upload<T: DeviceRepr>(&self, numbers: &[T]) -> Result<CudaSlice<T>, Fault> {
        let mut to = self.room(numbers.len())?;
        self.write(numbers, &mut to)?;
        Ok(to)
    }

    /// Into the first places.
    pub(super) fn write<T: DeviceRepr>(
        &self,
        numbers: &[T],
        to: &mut CudaSlice<T>,
    ) -> Result<(), Fault> {
        fits(to, numbers.len())?;
        // What is not pinned is taken before the call returns.
        self.stream.memcpy_htod(numbers, to).map_err(failed)
    }

    /// The first so many, after all that was asked for before.
    pub(super) fn read<T: DeviceRepr + Default + Clone>(
        &self,
        from: &CudaSlice<T>,
        len: usize,
    ) -> Result<Vec<T>, Fault> {
        fits(from, len)?;
        let mut numbers = vec![T::default(); len];
        let view = from.slice(..len);
        self.stream
            .memcpy_dtoh(&view, &mut numbers)
            .map_err(failed)?;
        self.stream.synchronize().map_err(failed)?;
        Ok(numbers)
    }

    pub(super) fn stream(&self) -> &CudaStream {
        &self.stream
    }

    /// # Safety
    /// The arguments are those of this kernel, and as long as what it reads and writes for a grid of so
    /// many groups.
    pub(super) unsafe fn launch<A: DeviceRepr>(
        &self,
        kernel: &CudaFunction,
        groups: (u32, u32, u32),
        arguments: &A,
    ) -> Result<(), Fault> {
        let shape = LaunchConfig {
            grid_dim: groups,
            block_dim: (THREADS, 1, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: the caller says so.
        let launched = unsafe {
            self.stream
                .launch_builder(kernel)
                .arg(arguments)
                .launch(shape)
        };
        launched.map(|_| ()).map_err(failed)
    }
}

/// The kernels, as code for a device of this kind. As PTX, a driver that is older than NVRTC would refuse them.
fn compiled((major, minor): (i32, i32)) -> Result<Ptx, Fault> {
    let wrong = |what: String| Fault::Device(format!("its kernels: {what}"));
    let source = CString::new(SOURCE).map_err(|error| wrong(error.to_string()))?;
    let program = result::create_program(&source, Some(c"kernels.cu"));
    let program = program.map_err(|error| wrong(error.to_string()))?;
    let options = [
        // What the CPU does not fuse is not fused.
        "--fmad=false".to_owned(),
        format!("--gpu-architecture=sm_{major}{minor}"),
    ];
    // SAFETY: the program is the one of above, its source lives on, and code has as many bytes as NVRTC says.
    let code = unsafe {
        let made = result::compile_program(program, &options).and_then(|()| {
            let mut size = 0;
            sys::nvrtcGetCUBINSize(program, &raw mut size).result()?;
            let mut code = vec![0_u8; size];
            sys::nvrtcGetCUBIN(program, code.as_mut_ptr().cast()).result()?;
            Ok(code)
        });
        let said = made.map_err(|error| {
            let log = result::get_program_log(program).unwrap_or_default();
            let log: Vec<u8> = log.iter().flat_map(|letter| letter.to_ne_bytes()).collect();
            wrong(format!("{error} {}", String::from_utf8_lossy(&log)))
        });
        // What it made is here, and that it cannot be let go of is nobody's news.
        let _ = result::destroy_program(program);
        said
    };
    code.map(Ptx::from_binary)
}

impl Kernels {
    fn of(module: &Arc<CudaModule>) -> Result<Self, Fault> {
        let load = |name: &str| {
            module
                .load_function(&format!("vane_{name}"))
                .map_err(failed)
        };
        let multiply = Format::ALL.map(|format| load(multiply(format)));
        Ok(Self {
            norm: load("norm")?,
            quantise: load("quantise")?,
            multiply: multiply.into_iter().collect::<Result<_, _>>()?,
            gate: load("gate")?,
            turn: load("turn")?,
            attend: load("attend")?,
            merge: load("merge")?,
        })
    }

    pub(super) fn multiply(&self, format: Format) -> &CudaFunction {
        // `Format::ALL` has them in their order.
        &self.multiply[format as usize]
    }
}

const fn multiply(format: Format) -> &'static str {
    match format {
        Format::F32 => "multiply_f32",
        Format::F16 => "multiply_f16",
        Format::Bf16 => "multiply_bf16",
        Format::Q8_0 => "multiply_q8_0",
        Format::Q4_0 => "multiply_q4_0",
        Format::Q4_1 => "multiply_q4_1",
        Format::Q4K => "multiply_q4_k",
        Format::Q5K => "multiply_q5_k",
        Format::Q6K => "multiply_q6_k",
    }
}

/// So many numbers are there.
pub(super) fn fits<T>(memory: &CudaSlice<T>, len: usize) -> Result<(), Fault> {
    if memory.len() >= len {
        return Ok(());
    }
    let what = format!("{len} numbers where {} have room", memory.len());
    Err(Fault::Device(what))
}

fn failed(error: DriverError) -> Fault {
    Fault::Device(error.to_string())
}
