//! Why weights did not come, told so that a person knows what to do next.
//!
//! Invariant: nothing here repeats the token of the hub.

use std::io;
use std::path::{Path, PathBuf};

use super::name::Misnamed;
use super::pick::Choice;
use super::shelf::Missing;
use super::size::size;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Misnamed(#[from] Misnamed),
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("{name} is just being pulled: wait for that, or end it first")]
    Held { name: String },
    #[error("{0}")]
    NoAddress(String),
    #[error(
        "{host}: {why}; check the network, `[outbound]` for a proxy, and `weights.hub` for a mirror"
    )]
    Unreachable { host: String, why: String },
    #[error(
        "{host} does not show {what} to who did not say who they are (401{said}): check the name, \
         or set HF_TOKEN to a token of an account that may see it"
    )]
    Unknown {
        host: String,
        what: String,
        said: String,
    },
    #[error(
        "{host} does not let this caller have {what} (403{said}): accept the model's terms on its \
         page there with the account of HF_TOKEN, then pull again"
    )]
    Forbidden {
        host: String,
        what: String,
        said: String,
    },
    #[error(
        "{host} has no {what} (404{said}): check the name, the revision after `@` and the file after `:`"
    )]
    Absent {
        host: String,
        what: String,
        said: String,
    },
    #[error(
        "{host} asks to come back in {seconds} s (429, 503): pull again then; what came is kept"
    )]
    Later { host: String, seconds: u64 },
    #[error("{host} answered {status} for {what}{said}")]
    Refused {
        host: String,
        status: u16,
        what: String,
        said: String,
    },
    #[error(
        "{what} broke off {tries} times without a byte more, last: {why}; what came is kept, and the same command goes on from there"
    )]
    Broken {
        what: String,
        tries: u32,
        why: String,
    },
    #[error("{host} does not say what a hub says: {what}; is `weights.hub` right?")]
    NoHub { host: String, what: String },
    #[error(
        "{file} is {told} bytes by what {host} sends and {listed} by its list: nothing was kept; pull again, or from another mirror"
    )]
    Length {
        host: String,
        file: String,
        told: u64,
        listed: u64,
    },
    #[error(
        "{host} sends more of {file} than it said: nothing was kept; pull again, or from another mirror"
    )]
    Flood { host: String, file: String },
    #[error(
        "{file} is not what it should be: its {kind} is {found} and must be {wanted}; it was thrown away. Pull again, or from another mirror"
    )]
    Corrupt {
        file: String,
        kind: &'static str,
        found: String,
        wanted: String,
    },
    #[error("{} are needed and {} are free in {}: make room, or set `weights.folder` to another disk", size(*.needed), size(*.free), .folder.display())]
    NoRoom {
        needed: u64,
        free: u64,
        folder: PathBuf,
    },
    #[error("{0}")]
    Several(Box<Choice>),
    #[error("{name} has no file like {file:?}; it has {}", .there.join(", "))]
    NoSuchFile {
        name: String,
        file: String,
        there: Vec<String>,
    },
    #[error(
        "{name} has neither a GGUF file nor safetensors with config.json: nothing here runs it"
    )]
    NoWeights { name: String },
    #[error("{file} cannot be run here, and no more of it was loaded: {why}")]
    NotRun { file: String, why: String },
    #[error("{}: {why}", .path.display())]
    File { path: PathBuf, why: io::Error },
}

impl Trouble {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |why| Self::File { path, why }
    }
}
