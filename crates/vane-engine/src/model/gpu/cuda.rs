//! CUDA, by its driver and NVRTC.
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
    CudaContext, CudaFunction, CudaSlice, CudaStream, DevicePtr, DeviceRepr, DriverError,
    LaunchConfig, PushKernelArg,
};
use cudarc::nvrtc::{Ptx, result, sys};

use super::device::{Buffer, Driver, Given, Gpu, THREADS};
use super::kernels::Kernel;
use crate::Fault;
use crate::weights::Tensor;

/// What the kernels' words mean, and the kernels.
const SOURCE: &str = concat!(include_str!("cuda.h"), include_str!("kernels.c"));

/// A CUDA device, and the kernels that were compiled for it.
struct Cuda {
    stream: Arc<CudaStream>,
    kernels: Vec<(Kernel, CudaFunction)>,
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

/// The first device. Which one that is, `CUDA_VISIBLE_DEVICES` says.
pub(crate) fn open() -> Result<Gpu, Fault> {
    answers()?;
    let context = CudaContext::new(0).map_err(failed)?;
    // SAFETY: there is one stream, on which everything waits for what was asked before.
    unsafe { context.disable_event_tracking() };
    let kind = context.compute_capability().map_err(failed)?;
    let module = context.load_module(compiled(kind)?).map_err(failed)?;
    let load = |kernel: Kernel| {
        let function = module.load_function(kernel.name()).map_err(failed)?;
        Ok((kernel, function))
    };
    Ok(Gpu::new(Cuda {
        kernels: Kernel::all().map(load).collect::<Result<_, Fault>>()?,
        stream: context.default_stream(),
    }))
}

impl Driver for Cuda {
    fn name(&self) -> Result<String, Fault> {
        let name = self.stream.context().name().map_err(failed)?;
        Ok(format!("CUDA, {name}"))
    }

    fn free_bytes(&self) -> Result<u64, Fault> {
        let (free, _) = self.stream.context().mem_get_info().map_err(failed)?;
        Ok(u64::try_from(free).unwrap_or(u64::MAX))
    }

    fn room(&self, bytes: usize) -> Result<Box<dyn Buffer>, Fault> {
        // SAFETY: any bits are a byte, and kernels read what was written before.
        let room = unsafe { self.stream.alloc::<u8>(bytes) }.map_err(failed)?;
        Ok(Box::new(room))
    }

    /// Its memory is its own.
    fn in_place(&self, _: &Tensor) -> Option<Box<dyn Buffer>> {
        None
    }

    unsafe fn launch(
        &self,
        kernel: Kernel,
        groups: (u32, u32, u32),
        arguments: &Given,
    ) -> Result<(), Fault> {
        let known = self.kernels.iter().find(|(known, _)| *known == kernel);
        let (_, function) = known.ok_or_else(|| Fault::Device(format!("no {kernel:?}")))?;
        let shape = LaunchConfig {
            grid_dim: groups,
            block_dim: (THREADS, 1, 1),
            shared_mem_bytes: 0,
        };
        let mut launch = self.stream.launch_builder(function);
        // SAFETY: the caller says so.
        let launched = unsafe { launch.arg(arguments).launch(shape) };
        launched.map(|_| ()).map_err(failed)
    }
}

// SAFETY: the driver takes of it what its kernel says that it is given.
unsafe impl DeviceRepr for Given {}

impl Buffer for CudaSlice<u8> {
    fn address(&self) -> u64 {
        self.device_ptr(self.stream()).0
    }

    unsafe fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let stream = Arc::clone(self.stream());
        // What is not pinned is taken before the call returns.
        stream.memcpy_htod(bytes, self).map_err(failed)
    }

    unsafe fn read(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        let view = self.slice(..bytes.len());
        self.stream().memcpy_dtoh(&view, bytes).map_err(failed)?;
        self.stream().synchronize().map_err(failed)
    }
}

/// The kernels, as code for a device of this kind. As PTX, a driver that is older than NVRTC would refuse them.
fn compiled((major, minor): (i32, i32)) -> Result<Ptx, Fault> {
    let wrong = |what: String| Fault::Device(format!("its kernels: {what}"));
    let source = CString::new(SOURCE).map_err(|error| wrong(error.to_string()))?;
    let program = result::create_program(&source, Some(c"kernels.c"));
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

fn failed(error: DriverError) -> Fault {
    Fault::Device(error.to_string())
}
