//! Streams: what an upstream sent -> its events -> what each client reads, streamed and whole.

use crate::layout::lay_out;
use crate::told::{collect, read_stream, read_whole, tell_stream, tell_whole};
use std::fmt::Write as _;
use std::fs;
use std::iter;
use vane_dialect::{Dialect, Event, Fault};
use vane_testkit::golden;

pub(crate) const HOME: &str = "tests/golden/streams";

pub(crate) struct Case {
    pub(crate) upstream: Dialect,
    pub(crate) name: &'static str,
    clients: &'static [Dialect],
    /// There is a whole answer with the same content.
    pub(crate) twin: bool,
}

impl Case {
    pub(crate) fn stem(&self) -> String {
        format!("{HOME}/{}/{}", self.upstream.name(), self.name)
    }

    pub(crate) fn stream(&self) -> Vec<u8> {
        fs::read(format!("{}.sse", self.stem())).unwrap()
    }

    pub(crate) fn whole(&self) -> Vec<u8> {
        fs::read(format!("{}.json", self.stem())).unwrap()
    }
}

const fn case(upstream: Dialect, name: &'static str, clients: &'static [Dialect]) -> Case {
    Case {
        upstream,
        name,
        clients,
        twin: true,
    }
}

const fn untwinned(upstream: Dialect, name: &'static str, clients: &'static [Dialect]) -> Case {
    Case {
        upstream,
        name,
        clients,
        twin: false,
    }
}

use Dialect::{
    AnthropicMessages, MistralChat, MistralFim, OpenaiChat, OpenaiCompletions, OpenaiResponses,
};

const CHATS: &[Dialect] = &[OpenaiChat, OpenaiResponses, AnthropicMessages, MistralChat];
const NONE: &[Dialect] = &[];

pub(crate) const CASES: &[Case] = &[
    case(OpenaiChat, "openai_text", CHATS),
    case(OpenaiChat, "openai_parallel_tools", CHATS),
    case(OpenaiChat, "openai_refusal", CHATS),
    case(
        OpenaiChat,
        "openai_custom_tool",
        &[AnthropicMessages, OpenaiResponses],
    ),
    case(OpenaiChat, "deepseek_reasoning", CHATS),
    case(OpenaiChat, "openrouter", &[AnthropicMessages]),
    case(OpenaiChat, "groq", &[AnthropicMessages, OpenaiResponses]),
    case(OpenaiChat, "gemini_tool", CHATS),
    case(OpenaiChat, "gemini_signed", CHATS),
    case(OpenaiChat, "gemini_signed_text", CHATS),
    case(
        OpenaiChat,
        "t1_t2_whole_tool_and_empty_list",
        &[AnthropicMessages, OpenaiResponses],
    ),
    case(OpenaiChat, "moonshot_usage_in_choice", NONE),
    case(OpenaiChat, "t17_unknown_finish", CHATS),
    case(OpenaiChat, "content_filter", CHATS),
    untwinned(OpenaiChat, "done_without_finish", &[AnthropicMessages]),
    untwinned(OpenaiChat, "cut", CHATS),
    case(OpenaiChat, "t18_error_first", NONE),
    untwinned(OpenaiChat, "error_midway", CHATS),
    case(OpenaiChat, "t18_html", NONE),
    case(OpenaiChat, "t14_loose_frames", NONE),
    case(AnthropicMessages, "text_and_caches", CHATS),
    case(AnthropicMessages, "thinking_and_tools", CHATS),
    case(AnthropicMessages, "redacted_thinking", CHATS),
    case(
        AnthropicMessages,
        "web_search",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(AnthropicMessages, "refusal", &[OpenaiChat, OpenaiResponses]),
    case(
        AnthropicMessages,
        "stop_sequence",
        &[OpenaiChat, OpenaiResponses],
    ),
    case(
        AnthropicMessages,
        "t19_counts_only_at_the_start",
        &[OpenaiChat],
    ),
    untwinned(AnthropicMessages, "error_midway", &[OpenaiChat]),
    untwinned(AnthropicMessages, "cut", NONE),
    case(OpenaiResponses, "text", CHATS),
    case(OpenaiResponses, "reasoning_and_calls", CHATS),
    case(OpenaiResponses, "t1_only_done_items", &[OpenaiChat]),
    case(
        OpenaiResponses,
        "incomplete",
        &[OpenaiChat, AnthropicMessages],
    ),
    untwinned(OpenaiResponses, "failed_midway", &[AnthropicMessages]),
    case(OpenaiResponses, "t18_failed_first", NONE),
    case(
        OpenaiResponses,
        "custom_and_namespace",
        &[OpenaiChat, AnthropicMessages],
    ),
    case(OpenaiResponses, "web_search", &[OpenaiChat]),
    case(OpenaiResponses, "refusal", &[OpenaiChat, AnthropicMessages]),
    case(MistralChat, "text_usage_on_last", CHATS),
    case(MistralChat, "two_tools_in_one_delta", CHATS),
    case(MistralChat, "reasoning", CHATS),
    case(
        MistralChat,
        "model_length",
        &[OpenaiChat, AnthropicMessages, OpenaiResponses],
    ),
    untwinned(MistralChat, "error_midway", NONE),
    case(MistralFim, "fill", &[OpenaiCompletions, MistralFim]),
    case(OpenaiCompletions, "fill", &[MistralFim, OpenaiCompletions]),
];

#[test]
fn streams_are_told_as_last_reviewed() {
    for case in CASES {
        let stem = case.stem();
        let stream = case.stream();
        let (events, fault) = read_stream(case.upstream, iter::once(stream.as_slice()));
        golden::check(
            format!("{stem}.events.snap"),
            &listed(&events, fault.as_ref()),
        );
        for door in case.clients {
            let streamed = tell_stream(*door, &events, fault.as_ref());
            golden::check(format!("{stem}.{}.snap", door.name()), &streamed);
            if case.twin {
                let answer = collect(&read_whole(case.upstream, &case.whole()).unwrap());
                let whole = lay_out(&tell_whole(*door, &answer)) + "\n";
                golden::check(format!("{stem}.{}.whole.snap", door.name()), &whole);
            }
        }
    }
}

fn listed(events: &[Event<'static>], fault: Option<&Fault>) -> String {
    let mut text = String::new();
    for event in events {
        writeln!(text, "{event:?}").unwrap();
    }
    if let Some(fault) = fault {
        writeln!(
            text,
            "fault: {:?}, blame {:?}, code {:?}: {fault}",
            fault.kind, fault.blame, fault.code
        )
        .unwrap();
    }
    text
}

/// A file that no case names would look reviewed and test nothing.
#[test]
fn every_stream_file_belongs_to_a_case() {
    for upstream in fs::read_dir(HOME).unwrap() {
        for file in fs::read_dir(upstream.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let path = file.to_str().unwrap();
            let found = CASES.iter().find_map(|case| {
                let end = path.strip_prefix(&format!("{}.", case.stem()))?;
                Some((case, end))
            });
            let (case, end) = found.unwrap_or_else(|| panic!("{path} belongs to no case"));
            let of_client = case.clients.iter().any(|door| {
                end == format!("{}.snap", door.name())
                    || end == format!("{}.whole.snap", door.name())
            });
            let known =
                of_client || end == "sse" || end == "events.snap" || (end == "json" && case.twin);
            assert!(known, "{path} belongs to no client of its case");
        }
    }
}
