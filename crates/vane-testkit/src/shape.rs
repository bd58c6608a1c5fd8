//! The ways in which the same answer looks different on the wire.
//!
//! Content is never changed here: any two shapes of one answer carry the same text, reasoning and
//! tool calls, which is what a decoder is tested for.

use serde::Deserialize;

/// Variations of a dialect that real providers show. The default is the dialect's usual form.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    pub tools: Option<Tools>,
    /// T2: `tool_calls: []` beside text.
    pub empty_tool_calls: bool,
    pub usage: UsageAt,
    /// A padding field `p` of varying length on each chunk.
    pub padding: bool,
    /// Tool calls without `type`.
    pub untyped_calls: bool,
    /// Tool arguments as a JSON object instead of JSON text.
    pub object_arguments: bool,
    /// No finish reason; a responses stream ends without its terminal event.
    pub no_finish: bool,
    /// T17: a block, item or part type that no one knows.
    pub unknown_block: bool,
    /// The chat field that carries reasoning at an OpenAI-style provider.
    pub reasoning_field: Option<String>,
    /// The finish chunk also carries the last piece of text.
    pub text_on_finish: bool,
    /// No `data: [DONE]`, or no `message_stop`, at the end.
    pub no_done: bool,
}

/// How streamed tool calls are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tools {
    /// T1: id, name and all arguments in one chunk.
    Whole,
    /// Start first, then pieces of the arguments, one call after the other.
    Pieces,
    /// T3: every call is opened, then their pieces and those of the text take turns.
    Interleaved,
    /// T1: arguments only in the final `done` event (responses); elsewhere like `Whole`.
    FinalOnly,
}

/// Which chunk carries usage in a chat stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageAt {
    /// As the dialect does: OpenAI when `include_usage` asks, Mistral on the finish chunk.
    #[default]
    Usual,
    /// An own last chunk with `choices: []`, asked or not.
    OwnChunk,
    OnFinish,
    Never,
}

/// Where the bytes of a body are cut into writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// One write for each frame.
    #[default]
    Frames,
    EveryByte,
    /// At these offsets of the whole body.
    At(Vec<usize>),
    /// At places drawn from this seed.
    Random(u64),
}

/// How server-sent events are written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lines {
    pub crlf: bool,
    /// `data:{` instead of `data: {`.
    pub no_space: bool,
    /// A comment line before each event.
    pub comments: bool,
    /// The last event has no blank line after it.
    pub no_final_blank: bool,
}
