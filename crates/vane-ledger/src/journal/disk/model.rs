//! A disk that forgets what was not synced, and fails when told to.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard};

type Names = BTreeMap<String, usize>;

#[derive(Clone)]
enum Op {
    Write(usize, usize, Vec<u8>),
    Cut(usize, usize),
    Names(Names),
}

#[derive(Default)]
pub(crate) struct State {
    names: Names,
    durable_names: Names,
    live: Vec<Vec<u8>>,
    durable: Vec<Vec<u8>>,
    ops: Vec<Op>,
    pub(crate) full: bool,
    /// The next write puts this many bytes and the one after fails.
    pub(crate) write_fails_after: Option<usize>,
    pub(crate) sync_fails: bool,
    pub(crate) short_writes: bool,
    /// What others do while the next write, or the next sync, is under way.
    pub(crate) on_write: Option<Meanwhile>,
    pub(crate) on_sync: Option<Meanwhile>,
}

type Meanwhile = Box<dyn FnOnce() + Send>;

#[derive(Clone, Default)]
pub(crate) struct Model(Arc<Mutex<State>>);

pub(crate) struct Open(Model, usize);

impl State {
    /// Without what was to be done meanwhile: that happens once.
    fn copied(&self) -> Self {
        Self {
            names: self.names.clone(),
            durable_names: self.durable_names.clone(),
            live: self.live.clone(),
            durable: self.durable.clone(),
            ops: self.ops.clone(),
            on_write: None,
            on_sync: None,
            ..*self
        }
    }
}

impl Model {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Another disk that is as this one was at an instant at which `meanwhile` was true.
    pub(crate) fn copied(&self, meanwhile: impl FnOnce()) -> Self {
        let state = self.state();
        meanwhile();
        Self(Arc::new(Mutex::new(state.copied())))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    fn renamed(&self, change: impl FnOnce(&mut Names) -> Option<()>) -> Result<()> {
        let mut state = self.state();
        change(&mut state.names).ok_or(ErrorKind::NotFound)?;
        let names = state.names.clone();
        state.ops.push(Op::Names(names));
        Ok(())
    }

    pub(super) fn create(&self, name: &str, bytes: u64) -> Result<Open> {
        let bytes = usize::try_from(bytes).unwrap();
        let mut state = self.state();
        if state.full {
            return Err(Error::from(ErrorKind::StorageFull));
        }
        let file = state.live.len();
        state.live.push(vec![0; bytes]);
        state.durable.push(Vec::new());
        state.ops.push(Op::Cut(file, bytes));
        drop(state);
        self.renamed(|names| {
            names.insert(name.to_owned(), file);
            Some(())
        })?;
        Ok(Open(self.clone(), file))
    }

    pub(super) fn open(&self, name: &str) -> Result<Open> {
        let file = *self.state().names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Open(self.clone(), file))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.renamed(|names| {
            let file = names.remove(from)?;
            names.insert(to.to_owned(), file);
            Some(())
        })
    }

    pub(super) fn remove(&self, name: &str) -> Result<()> {
        self.renamed(|names| names.remove(name).map(drop))
    }

    pub(super) fn sync_names(&self) -> Result<()> {
        let mut state = self.state();
        state.ops.retain(|op| !matches!(op, Op::Names(_)));
        state.durable_names = state.names.clone();
        Ok(())
    }

    /// Power is lost: of what was not synced, the first `kept` operations have happened and
    /// `torn` bytes of the next. With `holes`, of the kept ones those with a 0 bit have not.
    pub(crate) fn cut(&self, kept: usize, torn: usize, holes: u64) {
        let state = &mut *self.state();
        for (at, op) in std::mem::take(&mut state.ops).into_iter().enumerate() {
            let written = if at < kept { usize::MAX } else { torn };
            let hole = holes >> (at % 64) & 1 == 0;
            match op {
                Op::Write(file, offset, bytes) if !hole => {
                    let bytes = &bytes[..written.min(bytes.len())];
                    put(&mut state.durable[file], offset, bytes);
                }
                Op::Cut(file, bytes) => state.durable[file].resize(bytes, 0),
                Op::Names(names) if at < kept => state.durable_names = names,
                Op::Write(..) | Op::Names(_) => {}
            }
            if at >= kept {
                break;
            }
        }
        state.live.clone_from(&state.durable);
        state.names.clone_from(&state.durable_names);
    }

    /// The disk as a process finds it after this one was killed now; this one goes on unseen.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state();
        Self(Arc::new(Mutex::new(State {
            names: state.names.clone(),
            durable_names: state.durable_names.clone(),
            live: state.live.clone(),
            durable: state.durable.clone(),
            ops: state.ops.clone(),
            full: state.full,
            ..State::default()
        })))
    }

    /// Flips a bit on the disk.
    pub(crate) fn damage(&self, name: &str, at: usize) {
        let state = &mut *self.state();
        state.live[state.names[name]][at] ^= 1;
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset.saturating_add(bytes.len());
    file.resize(file.len().max(end), 0);
    file[offset..end].copy_from_slice(bytes);
}

impl Open {
    pub(super) fn write(&self, bytes: &[u8], at: u64) -> Result<usize> {
        let meanwhile = self.0.state().on_write.take();
        meanwhile.into_iter().for_each(|act| act());
        let mut state = self.0.state();
        let count = match state.write_fails_after {
            Some(0) => return Err(Error::from(ErrorKind::Other)),
            Some(count) => {
                state.write_fails_after = Some(0);
                count.min(bytes.len())
            }
            None if state.short_writes => bytes.len().div_ceil(2),
            None => bytes.len(),
        };
        let at = usize::try_from(at).unwrap();
        let bytes = bytes[..count].to_vec();
        put(&mut state.live[self.1], at, &bytes);
        state.ops.push(Op::Write(self.1, at, bytes));
        Ok(count)
    }

    pub(super) fn read(&self, bytes: &mut [u8], at: u64) -> usize {
        let state = self.0.state();
        let at = usize::try_from(at).unwrap();
        let rest = state.live[self.1].get(at..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        count
    }

    pub(super) fn cut(&self, bytes: u64) {
        let bytes = usize::try_from(bytes).unwrap();
        let mut state = self.0.state();
        state.live[self.1].resize(bytes, 0);
        state.ops.push(Op::Cut(self.1, bytes));
    }

    /// What others write meanwhile is not in it.
    pub(super) fn sync(&self) -> Result<()> {
        let end = self.sync_now();
        let meanwhile = self.0.state().on_sync.take();
        meanwhile.into_iter().for_each(|act| act());
        end
    }

    /// A failed sync marks pages clean that never reach the disk, as kernels do.
    fn sync_now(&self) -> Result<()> {
        let state = &mut *self.0.state();
        let mine =
            |op: &Op| matches!(op, Op::Write(file, ..) | Op::Cut(file, _) if *file == self.1);
        let ops: Vec<Op> = state.ops.extract_if(.., |op| mine(op)).collect();
        if state.sync_fails {
            return Err(Error::from(ErrorKind::Other));
        }
        for op in ops {
            match op {
                Op::Write(file, offset, bytes) => put(&mut state.durable[file], offset, &bytes),
                Op::Cut(file, bytes) => state.durable[file].resize(bytes, 0),
                Op::Names(_) => {}
            }
        }
        Ok(())
    }
}
