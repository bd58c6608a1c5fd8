//! What dialects and their caller tell each other beside calls and events.
//!
//! An encoder of requests is told of its [`Target`] and tells what its answer's decoder must know
//! ([`Asked`]); a decoder tells what it has [`Seen`]; an encoder of answers is told of the
//! [`Reply`].

use crate::block::State;
use crate::call::Call;
use crate::dialect::Dialect;
use crate::notes::Notes;
use crate::quirk::{Quirk, Quirks};
use crate::seal::Seal;
use crate::usage::Usage;
use std::ops::Range;
use std::sync::Arc;

/// Where a call goes: what an encoder may know of the offer.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// The model's name at the provider.
    pub model: &'a str,
    pub provider: &'a str,
    pub quirks: Quirks,
    /// The model's own limit of output tokens: most providers refuse a larger one, and some
    /// dialects demand one.
    pub max_output: Option<u64>,
    /// Opens reasoning state that the client carried for us.
    pub seal: &'a dyn Seal,
}

impl Target<'_> {
    /// As much of the output that was asked for in `field` as the model has.
    pub(crate) fn output(&self, asked: u64, field: &str, notes: &mut Notes) -> u64 {
        match self.max_output {
            Some(limit) if asked > limit => {
                notes.drop(field);
                limit
            }
            Some(_) | None => asked,
        }
    }
}

impl Target<'_> {
    /// Whether custom tools are taken as what they are.
    pub(crate) const fn takes_all_tools(&self) -> bool {
        self.quirks.has(Quirk::OpenaiOwn) && !self.quirks.has(Quirk::FunctionsOnly)
    }
}

/// The tags around what was thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// `<think>`: Perplexity's, and open models'.
    Think,
    /// `<thought>`: Google's.
    Thought,
}

impl Tags {
    pub(crate) const fn open(self) -> &'static str {
        match self {
            Self::Think => "<think>",
            Self::Thought => "<thought>",
        }
    }

    pub(crate) const fn close(self) -> &'static str {
        match self {
            Self::Think => "</think>",
            Self::Thought => "</thought>",
        }
    }
}

/// What an answer's decoder may know of the call it answers.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Our id of the answer, where the upstream gives it none: what else an answer must name,
    /// such as its calls, is named after it.
    pub answer_id: String,
    /// The text that the client prefilled: decoders of dialects that repeat it take it off.
    pub prefill: Option<String>,
    /// The tags between which reasoning stands at the start of the content.
    pub tags: Option<Tags>,
    /// The tools that were sent under another name: (sent, namespace or nothing, name).
    pub renamed: Vec<(String, String, String)>,
    /// Custom tools that were sent as one-string functions, by name.
    pub custom: Vec<String>,
    /// Tool ids that were replaced for this provider: (sent, the client's).
    pub ids: Vec<(String, String)>,
}

impl Asked {
    /// Whether an answer names tools otherwise than its client does.
    #[must_use]
    pub const fn renames(&self) -> bool {
        !self.renamed.is_empty() || !self.custom.is_empty()
    }

    /// The client's namespace and name of a tool by the name it was sent under.
    pub(crate) fn tool<'t>(&'t self, sent: &'t str) -> (Option<&'t str>, &'t str) {
        match self.renamed.iter().find(|(other, ..)| other == sent) {
            Some((_, namespace, name)) => {
                let namespace = Some(namespace.as_str());
                (namespace.filter(|space| !space.is_empty()), name)
            }
            None => (None, sent),
        }
    }
}

/// What an answer's encoder may know of the call and of us.
#[derive(Clone)]
pub struct Reply {
    pub call: Arc<Call>,
    /// Our id of the call, where the upstream gave the answer none.
    pub id: String,
    /// Unix seconds, where the upstream gave none.
    pub now: u64,
    /// The provider whose state is sealed.
    pub provider: String,
    pub seal: Arc<dyn Seal>,
}

impl Reply {
    /// The seal under which reasoning, and the state it belongs to, comes back to us. Without
    /// state it carries the text alone, for clients that return only what is sealed.
    pub(crate) fn seal(&self, door: Dialect, state: Option<&State>, text: &str) -> String {
        let state = State {
            provider: Some(self.provider.clone()),
            ..state.map_or_else(|| State::native(door, ""), State::clone)
        };
        self.seal.seal(&state, text)
    }
}

/// An encoded request and what its answer's decoder must know.
#[derive(Debug, Default)]
pub struct Encoded {
    pub body: Vec<u8>,
    pub asked: Asked,
    /// The beta of Anthropic's that the body leans on: it is refused unless a header names it.
    pub beta: Option<&'static str>,
}

/// How a stream that was forwarded so far is ended before its upstream ends it.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    /// What its frames say of id, model and time.
    pub id: &'a str,
    pub model: &'a str,
    pub created: u64,
    /// The block that is open.
    pub open: Option<u32>,
    pub usage: &'a Usage,
    /// The exact decimal text of `usage.cost`.
    pub cost: Option<&'a str>,
    /// Whether the client is shown counts, where it is asked.
    pub shows_usage: bool,
}

/// What a decoder saw in one frame, for the byte path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Where the usage object stands in the frame's data.
    pub usage: Option<Range<usize>>,
    /// The frame has nothing but usage (`choices: []`).
    pub usage_only: bool,
    /// The dialect's last frame (`[DONE]`, `message_stop`).
    pub last: bool,
    /// Bytes of output of other answers than the first: of them there are no events.
    pub others_bytes: u64,
    /// What the frame's data must say otherwise for strict clients to read it, in its order.
    pub amends: Vec<Amend>,
    /// A frame that is missing before this one.
    pub before: String,
}

/// Text that takes the place of a range of a frame's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amend {
    pub range: Range<usize>,
    pub text: String,
}
