//! Runs Mistral-architecture weights on this machine: chat and fill-in-the-middle, streamed,
//! cancellable, several sequences at once.
//!
//! [`Model::open`] maps GGUF or safetensors files and their tokenizer. An [`Engine`] runs one model on
//! threads of its own: [`Engine::submit`] takes a [`Request`] and gives a [`Pieces`], from which the
//! answer is read as it comes and which cancels it when it is dropped.
//!
//! The crate stands alone: no sockets, no runtime, no configuration. Files are attacker input; nothing in one may
//! crash the process. Unsafe code is in `map`, `kernel/x86`, the calls of the latter, and `model/gpu`, and nowhere else.

mod cache;
mod engine;
mod fault;
mod grammar;
mod kernel;
mod map;
mod memory;
mod model;
mod sampler;
mod shape;
mod tokenizer;
mod weights;

pub use cache::Precision;
pub use engine::{
    Device, Engine, Finish, Load, Options, Piece, Pieces, Request, Sampling, Stops,
    TokenLikelihood, ToolChoice, Tools, Usage,
};
pub use fault::Fault;
pub use grammar::{Grammar, Walk};
pub use kernel::Instructions;
pub use memory::free_bytes;
pub use model::{Model, Outline, Progress};
pub use tokenizer::{
    Effort, Message, Part, Prompt, Role, Setting, Tokenizer, Tool, ToolCall, Version,
};
pub use weights::format::Format;
