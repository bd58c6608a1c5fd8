//! One model, running for many requests at once.
//!
//! An engine is a thread that owns the cache and the sequences, and shares each pass among its crew. All
//! others talk to it: [`Engine::submit`] from any thread, and each [`Pieces`] to whoever reads it. A
//! reader that is slow stops its own sequence and nothing else; one that leaves cancels it.

mod calls;
mod device;
mod outbox;
mod request;
mod scheduler;
mod sequence;
mod stops;
mod thoughts;
mod writing;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::cache::{BLOCK, Cache, Precision};
use crate::kernel::{Crew, Instructions};
pub use crate::sampler::Sampling;
use crate::{Fault, Model};
pub use calls::{ToolChoice, Tools};
pub use device::Device;
pub use outbox::Pieces;
use outbox::{Closing, Outbox};
use request::Job;
pub use request::{Finish, Piece, Request, TokenLikelihood, Usage};
use scheduler::Scheduler;
pub use stops::Stops;

/// Tokens for which there must be memory, or nothing useful can be asked.
const CONTEXT_MIN: usize = 512;

/// How an engine runs.
#[derive(Debug, Clone)]
pub struct Options {
    pub device: Device,
    /// One less than the machine has, so that others are not made to wait.
    pub threads: usize,
    pub instructions: Instructions,
    pub precision: Precision,
    /// For weights, keys and values together. `None`: as far as memory is free.
    pub memory_bytes: Option<u64>,
    /// Memory for keys and values. `None`: for all sequences in full, as far as there is memory.
    pub cache_bytes: Option<u64>,
    /// Sequences that run at once; others wait.
    pub sequences_max: usize,
    pub waiting_max: usize,
    /// Tokens of a prompt and its answer together, where that is to be less than the model's own.
    pub context_max: Option<usize>,
    /// Tokens of prompts in one pass: a cancel waits for one pass at most.
    pub chunk_tokens: usize,
    /// Of a request that does not say.
    pub max_tokens: usize,
    /// Pieces that wait for a slow reader before its sequence does.
    pub pieces_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            device: Device::default(),
            threads: cores.saturating_sub(1).max(1),
            instructions: Instructions::detect(),
            precision: Precision::default(),
            memory_bytes: None,
            cache_bytes: None,
            sequences_max: 8,
            waiting_max: 256,
            context_max: None,
            chunk_tokens: 64,
            max_tokens: 4096,
            pieces_max: 64,
        }
    }
}

impl Options {
    /// Tokens of a prompt and its answer together.
    fn context_of(&self, model: &Model) -> usize {
        let most = self.context_max.unwrap_or(usize::MAX);
        model.context().min(most)
    }

    /// Memory for keys and values where so much is free: for all sequences in full, as far as the weights
    /// leave it.
    fn cache_bytes_of(&self, model: &Model, free_bytes: Option<u64>) -> u64 {
        let block = Cache::block_bytes(model.shape(), self.precision);
        let all = blocks(self.context_of(model)).saturating_mul(block);
        let all = all.saturating_mul(u64::try_from(self.sequences_max).unwrap_or(1));
        let free = free_bytes.map_or(all, |free| {
            // Weights that are mapped count as free, because the system can drop them.
            free.saturating_sub(model.weight_bytes()) / 4 * 3
        });
        let most = self.memory_bytes.unwrap_or(u64::MAX);
        let left = most.saturating_sub(model.weight_bytes());
        all.min(free).min(left)
    }
}

/// What an engine has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub running: usize,
    pub waiting: usize,
    /// Blocks of 32 tokens that sequences use, and those that there are.
    pub blocks_used: usize,
    pub blocks_max: usize,
}

/// What is said to the thread.
enum Word {
    Submit(Box<Job>),
    /// Somebody has read or left.
    Wake,
    Load(Sender<Load>),
    Stop,
}

/// A running model. Dropping it ends all its sequences.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    options: Options,
    /// What computes.
    place: String,
    blocks_max: usize,
    inbox: Sender<Word>,
    /// Those that were submitted and do not run yet.
    waiting: Arc<Mutex<usize>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts a model. Refuses where there is no memory for one short sequence, or not the device that is
    /// asked for.
    pub fn start(model: Model, options: Options) -> Result<Self, Fault> {
        let ready = device::ready(&model, &options)?;
        Self::start_on(model, options, ready)
    }

    fn start_on(
        model: Model,
        options: Options,
        (place, pass, cache): device::Ready,
    ) -> Result<Self, Fault> {
        let blocks_max = cache.blocks_max();
        let (inbox, words): (_, Receiver<Word>) = channel();
        let (model, waiting) = (Arc::new(model), Arc::new(Mutex::new(0)));
        let scheduler = Scheduler::new(
            Arc::clone(&model),
            options.clone(),
            (pass, cache),
            words,
            Arc::clone(&waiting),
        );
        let thread = thread::Builder::new().name("vane-engine".to_owned());
        let thread = thread
            .spawn(move || scheduler.run())
            .map_err(|error| Fault::Unreadable {
                path: "a thread".to_owned(),
                source: error,
            })?;
        Ok(Self {
            model,
            options,
            place,
            blocks_max,
            inbox,
            waiting,
            thread: Some(thread),
        })
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What computes: `CPU`, or `CUDA` and the device's name.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Takes a request, or says why not. Its answer is read from what is returned.
    pub fn submit(&self, request: Request) -> Result<Pieces, Fault> {
        let outbox = Arc::new(Outbox::new(self.options.pieces_max));
        let job = Job::new(
            &self.model,
            &self.options,
            self.blocks_max.saturating_mul(BLOCK),
            request,
            Closing(Arc::clone(&outbox)),
        )?;
        let blocks = job.tokens_max().div_ceil(BLOCK);
        if blocks > self.blocks_max {
            let shape = self.model.shape();
            let block = Cache::block_bytes(shape, self.options.precision);
            let mib = |blocks: usize| {
                block.saturating_mul(u64::try_from(blocks).unwrap_or(u64::MAX)) >> 20
            };
            return Err(Fault::TooLarge {
                what: format!("a sequence of {} tokens", job.tokens_max()),
                needs_mib: mib(blocks),
                free_mib: mib(self.blocks_max),
            });
        }
        {
            let mut waiting = lock(&self.waiting);
            if *waiting >= self.options.waiting_max {
                return Err(Fault::Busy);
            }
            *waiting += 1;
        }
        self.inbox
            .send(Word::Submit(Box::new(job)))
            .map_err(|_| Fault::Stopped)?;
        Ok(Pieces::new(outbox, self.inbox.clone()))
    }

    /// What it has in hand, after everything that was said to it before.
    pub fn load(&self) -> Result<Load, Fault> {
        let (answer, load) = channel();
        self.inbox
            .send(Word::Load(answer))
            .map_err(|_| Fault::Stopped)?;
        load.recv().map_err(|_| Fault::Stopped)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Either fails only if the thread is gone already.
        let _ = self.inbox.send(Word::Stop);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What a panic left behind is a count or a queue, whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cache_for(model: &Model, options: &Options, free_bytes: Option<u64>) -> Result<Cache, Fault> {
    let shape = model.shape();
    let block = Cache::block_bytes(shape, options.precision);
    let bytes = options
        .cache_bytes
        .unwrap_or_else(|| options.cache_bytes_of(model, free_bytes));
    let context = options.context_of(model);
    let least = blocks(CONTEXT_MIN.min(context)).saturating_mul(block);
    if bytes < least {
        return Err(Fault::TooLarge {
            what: "keys and values of one short sequence".to_owned(),
            needs_mib: least.div_ceil(1 << 20),
            free_mib: bytes >> 20,
        });
    }
    Ok(Cache::new(shape, options.precision, bytes))
}

/// Blocks that hold so many tokens.
fn blocks(tokens: usize) -> u64 {
    u64::try_from(tokens.div_ceil(BLOCK)).unwrap_or(u64::MAX)
}

fn crew(options: &Options) -> Crew {
    Crew {
        threads: options.threads,
        instructions: options.instructions,
    }
}
