//! Ids of calls that another model made and the next provider of a conversation refuses.
//!
//! Looked for in the bytes of the body: only those that hold such an id need be written anew.

use super::decode::RawCall;
use super::plan::Choice;
use memchr::memmem;
use vane_dialect::anthropic_messages::{self, request};
use vane_dialect::head::Word;
use vane_dialect::quirk::Quirk;
use vane_dialect::{Dialect, ids};

/// Whether a call holds an id that its provider refuses.
pub(super) fn has_ids(call: &RawCall, choice: &Choice) -> bool {
    let own = choice.offer.quirks.has(Quirk::OpenaiOwn);
    let (word, key) = match choice.dialect {
        Dialect::AnthropicMessages if is_anthropic(choice) => (Word::ToolUseId, "\"tool_use_id\""),
        Dialect::OpenaiChat if own => (Word::ToolCallId, "\"tool_call_id\""),
        Dialect::OpenaiResponses if own => (Word::CallId, "\"call_id\""),
        _ => return false,
    };
    call.head.times(word) > 0
        && values(call.head.body(), key).any(|id| match choice.dialect {
            Dialect::AnthropicMessages => !request::is_legal_id(id),
            dialect => id.len() > ids::bytes_max(dialect),
        })
}

fn is_anthropic(choice: &Choice) -> bool {
    anthropic_messages::is_anthropic(&choice.offer.provider.id)
}

/// The strings behind a key, wherever it stands, up to their first quote or escape. The key is one in
/// its quotes: within a string they are escaped, so that it is not found there.
fn values<'a>(body: &'a [u8], key: &'a str) -> impl Iterator<Item = &'a str> {
    let ends = memmem::find_iter(body, key).map(move |at| at + key.len());
    ends.filter_map(move |end| {
        let rest = body.get(end..)?.trim_ascii_start().strip_prefix(b":")?;
        let rest = rest.trim_ascii_start().strip_prefix(b"\"")?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        std::str::from_utf8(rest.get(..end)?).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::values;

    #[test]
    fn values_of_a_key_are_found_and_those_in_texts_are_not() {
        let body = br#"{"id":"a","x":"\"id\":\"b\"","y":[{"id" : "c.d"},{"id":null,"z":"id"}]}"#;
        let found: Vec<&str> = values(body, "\"id\"").collect();
        assert_eq!(found, ["a", "c.d"]);
    }
}
