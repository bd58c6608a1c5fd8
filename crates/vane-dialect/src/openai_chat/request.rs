//! Chat requests: the union door in, every provider of the dialect out.

mod decode;
mod encode;
mod grammar;
mod message_in;
mod message_out;
mod part_in;
mod part_out;
mod sampling;
mod tool_in;
mod tool_out;

pub(crate) use decode::decode;
pub(crate) use decode::{extras, sampling, stream};
pub(crate) use encode::{Body, encode};

/// Extras of members of parts begin with this: like those of calls, tools and choices they cannot go
/// back where they stood, and are kept only so that an encoder notes them.
const OF_PART: &str = "content.";
const OF_CALL: &str = "tool_calls.";
const OF_TOOL: &str = "tools.";
const OF_CHOICE: &str = "tool_choice.";

/// Whether an extra stood within the body's own members.
fn is_nested(name: &str) -> bool {
    let within = [
        OF_PART,
        OF_CALL,
        OF_TOOL,
        OF_CHOICE,
        // How a stream is padded concerns only the stream that the client itself gets.
        "stream_options.",
    ];
    within.iter().any(|of| name.starts_with(of))
}
