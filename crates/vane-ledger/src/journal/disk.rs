//! All that the journal asks of a disk, so that tests can put one under it that fails and forgets.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

#[cfg(test)]
pub(super) mod model;

#[derive(Clone)]
pub(super) enum Disk {
    Folder(PathBuf),
    #[cfg(test)]
    Model(model::Model),
}

pub(super) enum Handle {
    File(File),
    #[cfg(test)]
    Model(model::Open),
}

impl Disk {
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = match self {
            Self::Folder(path) => std::fs::read_dir(path)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<_>>>()?,
            #[cfg(test)]
            Self::Model(model) => model.names(),
        };
        names.sort();
        Ok(names)
    }

    /// A file of zeros whose blocks are the disk's to give no longer.
    pub(super) fn create(&self, name: &str, bytes: u64) -> io::Result<Handle> {
        match self {
            Self::Folder(path) => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create(true)
                    .truncate(true)
                    .mode(0o600)
                    .open(path.join(name))?;
                allocate(&file, bytes)?;
                Ok(Handle::File(file))
            }
            #[cfg(test)]
            Self::Model(model) => model.create(name, bytes).map(Handle::Model),
        }
    }

    pub(super) fn open(&self, name: &str, write: bool) -> io::Result<Handle> {
        match self {
            Self::Folder(path) => OpenOptions::new()
                .read(true)
                .write(write)
                .open(path.join(name))
                .map(Handle::File),
            #[cfg(test)]
            Self::Model(model) => model.open(name).map(Handle::Model),
        }
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        match self {
            Self::Folder(path) => std::fs::rename(path.join(from), path.join(to)),
            #[cfg(test)]
            Self::Model(model) => model.rename(from, to),
        }
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match self {
            Self::Folder(path) => std::fs::remove_file(path.join(name)),
            #[cfg(test)]
            Self::Model(model) => model.remove(name),
        }
    }

    /// Makes names durable, as `Handle::sync` does contents.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        match self {
            Self::Folder(path) => File::open(path)?.sync_all(),
            #[cfg(test)]
            Self::Model(model) => model.sync_names(),
        }
    }
}

impl Handle {
    pub(super) fn write_all(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self {
                Self::File(file) => file.write_at(bytes, at),
                #[cfg(test)]
                Self::Model(file) => file.write(bytes, at),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }

    pub(super) fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read_at(bytes, at),
            #[cfg(test)]
            Self::Model(file) => Ok(file.read(bytes, at)),
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::File(file) => file.sync_data(),
            #[cfg(test)]
            Self::Model(file) => file.sync(),
        }
    }

    /// Gives back the blocks behind `bytes`.
    pub(super) fn cut(&self, bytes: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.set_len(bytes),
            #[cfg(test)]
            Self::Model(file) => {
                file.cut(bytes);
                Ok(())
            }
        }
    }
}

fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // A file system that cannot promise blocks gives them when they are written.
        Err(Errno::OPNOTSUPP) => {
            let zeros = vec![0; 1 << 16];
            let mut at = 0_u64;
            while at < bytes {
                let rest = usize::try_from(bytes.saturating_sub(at)).unwrap_or(usize::MAX);
                let piece = zeros.get(..rest.min(zeros.len())).unwrap_or_default();
                file.write_all_at(piece, at)?;
                at = at.saturating_add(1 << 16);
            }
            Ok(())
        }
        other => Ok(other?),
    }
}
