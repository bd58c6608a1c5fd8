//! A file as memory, read-only and private: weights are paged in as they are used and shared by
//! all processes that run them.
//!
//! Invariant: the mapping lives as long as its `Map`, is never written, and its length is the file's
//! at the time of opening. Somebody who shortens the file under a running engine ends its process
//! (SIGBUS): the engine is a child process for such reasons.
#![allow(unsafe_code, reason = "a mapping is a pointer from the system")]

use std::ffi::c_void;
use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use crate::Fault;

/// The bytes of one file.
#[derive(Debug)]
pub(crate) struct Map {
    start: NonNull<u8>,
    len: usize,
    /// They are the program's own, and no mapping of ours.
    of_program: bool,
}

// SAFETY: the bytes are only ever read, from any thread, and unmapped once, by the last owner.
unsafe impl Send for Map {}
// SAFETY: as above: there is no way to write through a `Map`.
unsafe impl Sync for Map {}

impl Map {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let unreadable = |source| Fault::unreadable(path, source);
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Fault::malformed(path, "not a file"));
        }
        let len = usize::try_from(metadata.len())
            .map_err(|_| Fault::malformed(path, "larger than the address space"))?;
        if len == 0 {
            return Err(Fault::malformed(path, "empty"));
        }
        let (read, private) = (ProtFlags::READ, MapFlags::PRIVATE);
        // SAFETY: the system chooses the address, so that no memory of ours is replaced.
        let start = unsafe { mmap(std::ptr::null_mut(), len, read, private, &file, 0) };
        let start = start.map_err(|error| unreadable(error.into()))?;
        let start = NonNull::new(start.cast())
            .ok_or_else(|| Fault::malformed(path, "mapped at address zero"))?;
        Ok(Self {
            start,
            len,
            of_program: false,
        })
    }

    /// A file that is part of the program, which the system has mapped.
    pub(crate) fn of_program(bytes: &'static [u8]) -> Self {
        Self {
            start: NonNull::from(bytes).cast(),
            len: bytes.len(),
            of_program: true,
        }
    }
}

#[cfg(all(feature = "metal", target_os = "macos"))]
impl Map {
    /// Whole pages of a file, to the end of the last of them.
    pub(crate) fn is_of_pages(&self) -> bool {
        !self.of_program
    }
}

#[cfg(test)]
impl Map {
    /// As if a file had held them.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vane-engine-map-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        let map = Self::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        map
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` and `len` are what the system mapped, readable until `drop`, or bytes
        // that live as long as the program.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if self.of_program {
            return;
        }
        let start: *mut c_void = self.start.as_ptr().cast();
        // SAFETY: mapped by `open` with this length, and borrowed by nobody any more. That it
        // fails is impossible for such a range, and there would be nothing to do about it.
        let _ = unsafe { munmap(start, self.len) };
    }
}
