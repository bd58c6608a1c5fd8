//! A device's memory, and kernels that are started on it: what is alike on all of them.
//!
//! What only one kind of device knows is a `Driver`, with a file of its own beside this one. Everything happens
//! in the order in which it is asked for.
#![allow(
    unsafe_code,
    reason = "kernels are given addresses; numbers are seen as bytes"
)]

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::kernels::Kernel;
use crate::Fault;
use crate::weights::Tensor;

/// Of a group, as the kernels have it.
pub(super) const THREADS: u32 = 128;

/// One kind of device.
pub(super) trait Driver: Send + Sync {
    /// What it is called, its kind first.
    fn name(&self) -> Result<String, Fault>;

    fn free_bytes(&self) -> Result<u64, Fault>;

    /// Memory of so many bytes, at least one, which are what was there before.
    fn room(&self, bytes: usize) -> Result<Box<dyn Buffer>, Fault>;

    /// A tensor where it lies in its file, if kernels can read it there.
    fn in_place(&self, tensor: &Tensor) -> Option<Box<dyn Buffer>>;

    /// # Safety
    /// The arguments are those of this kernel, and all that it reads and writes for a grid of so many groups is
    /// in memory of this device.
    unsafe fn launch(
        &self,
        kernel: Kernel,
        groups: (u32, u32, u32),
        arguments: &Given,
    ) -> Result<(), Fault>;
}

/// Memory of a device.
pub(super) trait Buffer: Send + Sync {
    /// Where a kernel finds it that is started next.
    fn address(&self) -> u64;

    /// Into the first places, after all that was asked for before.
    ///
    /// # Safety
    /// It has room for so many.
    unsafe fn write(&mut self, bytes: &[u8]) -> Result<(), Fault>;

    /// The first so many, after all that was asked for before.
    ///
    /// # Safety
    /// It has so many.
    unsafe fn read(&self, bytes: &mut [u8]) -> Result<(), Fault>;
}

/// The arguments of any kernel, as C lays them out, and room behind them.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Given([MaybeUninit<u64>; 16]);

impl Given {
    pub(super) fn new<A: Copy>(arguments: A) -> Self {
        const { assert!(size_of::<A>() <= size_of::<Self>() && align_of::<A>() <= align_of::<Self>()) };
        let mut given = Self([MaybeUninit::uninit(); 16]);
        // SAFETY: it is as large and as aligned, and may be filled with anything.
        unsafe { given.0.as_mut_ptr().cast::<A>().write(arguments) };
        given
    }
}

/// What can lie in a device's memory.
///
/// # Safety
/// Any bits are one, and all of its bits are said.
pub(super) unsafe trait Number: Copy + Default {}
// SAFETY: integers and floats are that.
unsafe impl Number for u8 {}
// SAFETY: as above.
unsafe impl Number for i8 {}
// SAFETY: as above.
unsafe impl Number for u32 {}
// SAFETY: as above.
unsafe impl Number for f32 {}

fn bytes_of<T: Number>(numbers: &[T]) -> &[u8] {
    // SAFETY: all bits of a number are said, and bytes may lie anywhere.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

fn bytes_of_mut<T: Number>(numbers: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and any bits are a number.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), size_of_val(numbers)) }
}

/// Numbers in a device's memory.
pub(super) struct Memory<T> {
    buffer: Box<dyn Buffer>,
    len: usize,
    kind: PhantomData<T>,
}

impl<T> Memory<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn address(&self) -> u64 {
        self.buffer.address()
    }
}

/// So many numbers are there.
pub(super) fn fits<T>(memory: &Memory<T>, len: usize) -> Result<(), Fault> {
    if memory.len >= len {
        return Ok(());
    }
    let what = format!("{len} numbers where {} have room", memory.len);
    Err(Fault::Device(what))
}

/// A device, whichever it is, and the kernels that were compiled for it.
pub(crate) struct Gpu(Box<dyn Driver>);

impl Gpu {
    pub(super) fn new(driver: impl Driver + 'static) -> Self {
        Self(Box::new(driver))
    }

    pub(crate) fn name(&self) -> Result<String, Fault> {
        self.0.name()
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, Fault> {
        self.0.free_bytes()
    }

    /// Room for so many numbers, which are what was there before.
    pub(super) fn room<T: Number>(&self, len: usize) -> Result<Memory<T>, Fault> {
        let bytes = len.max(1).saturating_mul(size_of::<T>());
        Ok(Memory {
            buffer: self.0.room(bytes)?,
            len,
            kind: PhantomData,
        })
    }

    pub(super) fn upload<T: Number>(&self, numbers: &[T]) -> Result<Memory<T>, Fault> {
        let mut to = self.room(numbers.len())?;
        self.write(numbers, &mut to)?;
        Ok(to)
    }

    /// The bytes of a tensor, where they are if the device can read them there.
    pub(super) fn weights(&self, tensor: &Tensor) -> Result<Memory<u8>, Fault> {
        let bytes = tensor.bytes();
        let in_place = self.0.in_place(tensor).map(|buffer| Memory {
            buffer,
            len: bytes.len(),
            kind: PhantomData,
        });
        in_place.map_or_else(|| self.upload(bytes), Ok)
    }

    /// Into the first places.
    pub(super) fn write<T: Number>(&self, numbers: &[T], to: &mut Memory<T>) -> Result<(), Fault> {
        fits(to, numbers.len())?;
        // SAFETY: it has room for so many numbers.
        unsafe { to.buffer.write(bytes_of(numbers)) }
    }

    /// The first so many, after all that was asked for before.
    pub(super) fn read<T: Number>(&self, from: &Memory<T>, len: usize) -> Result<Vec<T>, Fault> {
        fits(from, len)?;
        let mut numbers = vec![T::default(); len];
        // SAFETY: it has so many numbers.
        unsafe { from.buffer.read(bytes_of_mut(&mut numbers))? };
        Ok(numbers)
    }

    /// # Safety
    /// As [`Driver::launch`] has it.
    pub(super) unsafe fn launch<A: Copy>(
        &self,
        kernel: Kernel,
        groups: (u32, u32, u32),
        arguments: A,
    ) -> Result<(), Fault> {
        let (x, y, z) = groups;
        if [x, y, z].iter().any(|many| [0, u32::MAX].contains(many)) {
            return Err(Fault::Device(format!("{kernel:?} of {groups:?} groups")));
        }
        // SAFETY: the caller says so.
        unsafe { self.0.launch(kernel, groups, &Given::new(arguments)) }
    }
}
