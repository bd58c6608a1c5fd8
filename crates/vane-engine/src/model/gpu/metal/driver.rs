//! The device, by the system's own framework: its memory is the processors' too.
//!
//! What is asked for is written down, and runs some kernels at a time, one after the other. Whoever reads or writes
//! memory waits until nothing runs. Kernels find memory by its address: the device is told of all that there is.
#![allow(
    unsafe_code,
    reason = "a foreign framework, and kernels that are given addresses"
)]

use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::ProtocolObject;
use objc2_foundation::{NSError, NSString};
use objc2_metal::{
    MTLBarrierScope, MTLBuffer, MTLCommandBuffer, MTLCommandBufferStatus, MTLCommandEncoder,
    MTLCommandQueue, MTLCompileOptions, MTLComputeCommandEncoder, MTLComputePipelineState,
    MTLCreateSystemDefaultDevice, MTLDevice, MTLDispatchType, MTLGPUFamily, MTLLanguageVersion,
    MTLLibrary, MTLResource, MTLResourceOptions, MTLResourceUsage, MTLSize,
};

use super::super::device::{Buffer, Driver, Given, Gpu, THREADS};
use super::super::kernels::Kernel;
use super::{Found, SOURCE, pages};
use crate::Fault;
use crate::map::Map;
use crate::weights::Tensor;

/// Kernels that run without a word in between, about those of one layer: the system ends what keeps a device
/// for seconds.
const LAUNCHES: usize = 16;

type Device = Retained<ProtocolObject<dyn MTLDevice>>;
type Commands = Retained<ProtocolObject<dyn MTLCommandBuffer>>;
type Encoder = Retained<ProtocolObject<dyn MTLComputeCommandEncoder>>;
type Pipeline = Retained<ProtocolObject<dyn MTLComputePipelineState>>;
type Block = Retained<ProtocolObject<dyn MTLBuffer>>;

// Without this framework, a program without windows is told of no device.
#[link(name = "CoreGraphics", kind = "framework")]
unsafe extern "C" {}

/// A Metal device, and the kernels that were compiled for it.
struct Metal {
    device: Device,
    pipelines: Vec<(Kernel, Pipeline)>,
    work: Arc<Mutex<Work>>,
}

/// What is asked of the device.
struct Work {
    queue: Retained<ProtocolObject<dyn MTLCommandQueue>>,
    written: Option<Written>,
    /// What the device was given, in its order, and may not have done yet.
    running: Vec<Commands>,
    /// Why something of it failed. Then nothing is told any more but this.
    failed: Option<String>,
    /// All memory that kernels may find.
    blocks: Vec<Block>,
}

/// What is written down, and was not given to the device yet.
struct Written {
    commands: Commands,
    encoder: Encoder,
    launches: usize,
}

// SAFETY: objects of Metal belong to no thread, and one thread at a time uses these: a lock is around them.
unsafe impl Send for Work {}

/// Memory, of the device or of a file.
struct Room {
    block: Block,
    /// Where its first byte is in the block.
    into: usize,
    work: Arc<Mutex<Work>>,
    /// The file lives for as long as the device may read it.
    _file: Option<Arc<Map>>,
}

// SAFETY: objects of Metal belong to no thread; bytes are written by who has the only reference, and no kernel
// runs then.
unsafe impl Send for Room {}
// SAFETY: as above.
unsafe impl Sync for Room {}

pub(super) fn find() -> Found {
    match MTLCreateSystemDefaultDevice() {
        None => Found::NoDevice,
        Some(device) if !device.supportsFamily(MTLGPUFamily::Metal3) => Found::Old,
        Some(_) => Found::Device,
    }
}

pub(super) fn open() -> Result<Gpu, Fault> {
    autoreleasepool(|_| {
        let device = MTLCreateSystemDefaultDevice().ok_or_else(|| refused("a device"))?;
        let queue = device.newCommandQueue().ok_or_else(|| refused("a queue"))?;
        let work = Work {
            queue,
            written: None,
            running: Vec::new(),
            failed: None,
            blocks: Vec::new(),
        };
        Ok(Gpu::new(Metal {
            pipelines: compiled(&device)?,
            work: Arc::new(Mutex::new(work)),
            device,
        }))
    })
}

fn compiled(device: &ProtocolObject<dyn MTLDevice>) -> Result<Vec<(Kernel, Pipeline)>, Fault> {
    let wrong = |what: String| Fault::Device(format!("its kernels: {what}"));
    let options = MTLCompileOptions::new();
    options.setLanguageVersion(MTLLanguageVersion::Version3_0);
    // What replaces it is of macOS 15. What the kernels say of fused additions stands in `metal.h`.
    #[allow(deprecated, reason = "older systems know nothing else")]
    options.setFastMathEnabled(false);
    let source = NSString::from_str(SOURCE);
    let library = device.newLibraryWithSource_options_error(&source, Some(&options));
    let library = library.map_err(|error| wrong(said(&error)))?;
    let load = |kernel: Kernel| {
        let name = kernel.name();
        let function = library.newFunctionWithName(&NSString::from_str(name));
        let function = function.ok_or_else(|| wrong(format!("no {name}")))?;
        let pipeline = device.newComputePipelineStateWithFunction_error(&function);
        let pipeline = pipeline.map_err(|error| wrong(format!("{name}: {}", said(&error))))?;
        if pipeline.maxTotalThreadsPerThreadgroup() < THREADS as usize {
            return Err(wrong(format!("{name} has too few threads")));
        }
        Ok((kernel, pipeline))
    };
    Kernel::all().map(load).collect()
}

impl Metal {
    /// Memory that kernels may find from now on.
    fn known(&self, block: Block, into: usize, file: Option<Arc<Map>>) -> Room {
        let mut work = lock(&self.work);
        // What is written down does not know of it.
        work.give();
        work.blocks.push(block.clone());
        Room {
            block,
            into,
            work: Arc::clone(&self.work),
            _file: file,
        }
    }
}

impl Driver for Metal {
    fn name(&self) -> Result<String, Fault> {
        Ok(format!("Metal, {}", self.device.name()))
    }

    fn free_bytes(&self) -> Result<u64, Fault> {
        let taken = u64::try_from(self.device.currentAllocatedSize()).unwrap_or(u64::MAX);
        let most = self.device.recommendedMaxWorkingSetSize();
        Ok(most.saturating_sub(taken))
    }

    fn room(&self, bytes: usize) -> Result<Box<dyn Buffer>, Fault> {
        let shared = MTLResourceOptions::StorageModeShared;
        let block = self.device.newBufferWithLength_options(bytes, shared);
        let block = block.ok_or_else(|| refused(&format!("{bytes} bytes")))?;
        Ok(Box::new(self.known(block, 0, None)))
    }

    fn in_place(&self, tensor: &Tensor) -> Option<Box<dyn Buffer>> {
        let (file, bytes) = (tensor.file(), tensor.bytes());
        let address = bytes.as_ptr().addr();
        // Kernels read up to four bytes at once, and only a mapping ends with a page.
        if !file.is_of_pages() || !address.is_multiple_of(4) {
            return None;
        }
        let (start, len) = pages(address, bytes.len(), rustix::param::page_size());
        let first = NonNull::new(bytes.as_ptr().with_addr(start).cast_mut())?;
        let shared = MTLResourceOptions::StorageModeShared;
        // SAFETY: whole pages of a mapping, which lives on beside the block; kernels only read weights.
        let block = unsafe {
            self.device
                .newBufferWithBytesNoCopy_length_options_deallocator(
                    first.cast(),
                    len,
                    shared,
                    None,
                )
        };
        // One that the device cannot have where it is will be copied.
        let file = Some(Arc::clone(file));
        Some(Box::new(self.known(block?, address - start, file)))
    }

    unsafe fn launch(
        &self,
        kernel: Kernel,
        groups: (u32, u32, u32),
        arguments: &Given,
    ) -> Result<(), Fault> {
        let known = self.pipelines.iter().find(|(known, _)| *known == kernel);
        let (_, pipeline) = known.ok_or_else(|| Fault::Device(format!("no {kernel:?}")))?;
        let (x, y, z) = groups;
        let groups = MTLSize {
            width: x as usize,
            height: y as usize,
            depth: z as usize,
        };
        let threads = MTLSize {
            width: THREADS as usize,
            height: 1,
            depth: 1,
        };
        let mut work = lock(&self.work);
        autoreleasepool(|_| {
            let written = work.written()?;
            let encoder = &written.encoder;
            encoder.setComputePipelineState(pipeline);
            // SAFETY: so many bytes are there, of which the kernel takes its own; the caller says that they
            // are for it, and that what it finds by them is there.
            unsafe {
                encoder.setBytes_length_atIndex(
                    NonNull::from(arguments).cast(),
                    size_of::<Given>(),
                    0,
                );
            }
            encoder.dispatchThreadgroups_threadsPerThreadgroup(groups, threads);
            // The next one begins when this one is done, and sees what it wrote.
            encoder.memoryBarrierWithScope(MTLBarrierScope::Buffers);
            written.launches += 1;
            if written.launches == LAUNCHES {
                work.give();
            }
            Ok(())
        })
    }
}

impl Work {
    /// What is being written down, or a new page.
    fn written(&mut self) -> Result<&mut Written, Fault> {
        if self.written.is_none() {
            let commands = self.queue.commandBuffer();
            let commands = commands.ok_or_else(|| refused("commands"))?;
            let concurrent = MTLDispatchType::Concurrent;
            let encoder = commands.computeCommandEncoderWithDispatchType(concurrent);
            let encoder = encoder.ok_or_else(|| refused("an encoder"))?;
            let blocks = self.blocks.iter();
            let mut known: Vec<NonNull<ProtocolObject<dyn MTLResource>>> = blocks
                .map(|block| NonNull::from(ProtocolObject::from_ref(&**block)))
                .collect();
            if let Some(first) = NonNull::new(known.as_mut_ptr()).filter(|_| !known.is_empty()) {
                let usage = MTLResourceUsage::Read | MTLResourceUsage::Write;
                // SAFETY: so many blocks are there, and each is one.
                unsafe { encoder.useResources_count_usage(first, known.len(), usage) };
            }
            self.written = Some(Written {
                commands,
                encoder,
                launches: 0,
            });
        }
        self.written.as_mut().ok_or_else(|| refused("commands"))
    }

    /// Gives the device what is written down.
    fn give(&mut self) {
        if let Some(written) = self.written.take() {
            written.encoder.endEncoding();
            written.commands.commit();
            self.running.push(written.commands);
        }
    }

    /// Waits until all is done that was asked for.
    fn finish(&mut self) -> Result<(), Fault> {
        autoreleasepool(|_| {
            self.give();
            for commands in self.running.drain(..) {
                commands.waitUntilCompleted();
                if commands.status() != MTLCommandBufferStatus::Completed {
                    let why = commands.error().map(|error| said(&error));
                    let why = why.unwrap_or_else(|| "it does not say why".to_owned());
                    self.failed.get_or_insert(why);
                }
            }
            match &self.failed {
                None => Ok(()),
                Some(why) => Err(Fault::Device(why.clone())),
            }
        })
    }
}

impl Room {
    fn bytes(&self) -> *mut u8 {
        // SAFETY: the first byte lies in the block.
        unsafe { self.block.contents().cast::<u8>().as_ptr().add(self.into) }
    }
}

impl Buffer for Room {
    fn address(&self) -> u64 {
        let into = u64::try_from(self.into).unwrap_or(u64::MAX);
        self.block.gpuAddress().saturating_add(into)
    }

    unsafe fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        lock(&self.work).finish()?;
        // SAFETY: there is room for so many, which nobody reads now: nothing runs.
        unsafe {
            self.bytes()
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
        Ok(())
    }

    unsafe fn read(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        lock(&self.work).finish()?;
        // SAFETY: there are so many, which nobody writes now: nothing runs.
        unsafe {
            self.bytes()
                .copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len())
        };
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut work = lock(&self.work);
        // A kernel may still look there. That one failed is told to who reads.
        let _ = work.finish();
        work.blocks.retain(|block| *block != self.block);
    }
}

fn lock(work: &Mutex<Work>) -> MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

fn said(error: &NSError) -> String {
    error.localizedDescription().to_string()
}

fn refused(what: &str) -> Fault {
    Fault::Device(format!("it does not give {what}"))
}
