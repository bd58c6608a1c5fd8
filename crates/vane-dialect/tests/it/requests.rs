//! Requests: what a client sent -> what each provider is asked.

use crate::layout::lay_out;
use crate::offers::{
    ANTHROPIC, COMPLETIONS, DEEPSEEK, EMBEDDINGS, FIM, GOOGLE, GROQ, MINIMAX, MINIMAX_RESPONSES,
    MISTRAL, MISTRAL_EMBEDDINGS, OPENAI, Offer, RESPONSES,
};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use vane_dialect::codec::{self, Asked};
use vane_dialect::seal::Plain;
use vane_dialect::{Call, Dialect, Notes};
use vane_testkit::golden;

const HOME: &str = "tests/golden/requests";

struct Case {
    door: Dialect,
    name: &'static str,
    offers: &'static [Offer],
}

const fn case(door: Dialect, name: &'static str, offers: &'static [Offer]) -> Case {
    Case { door, name, offers }
}

const ALL: &[Offer] = &[OPENAI, DEEPSEEK, RESPONSES, ANTHROPIC, MISTRAL];
const FILLS: &[Offer] = &[COMPLETIONS, FIM];
const EMBEDS: &[Offer] = &[EMBEDDINGS, MISTRAL_EMBEDDINGS];

const CASES: &[Case] = {
    use Dialect::{
        AnthropicMessages, MistralChat, MistralEmbeddings, MistralFim, OpenaiChat,
        OpenaiCompletions, OpenaiEmbeddings, OpenaiResponses,
    };
    &[
        case(OpenaiChat, "text", ALL),
        case(
            OpenaiChat,
            "tool_loop",
            &[OPENAI, RESPONSES, ANTHROPIC, MISTRAL, GOOGLE],
        ),
        case(
            OpenaiChat,
            "signed_tool_loop",
            &[GOOGLE, OPENAI, RESPONSES, ANTHROPIC, MISTRAL],
        ),
        case(OpenaiChat, "reasoning_history", ALL),
        case(OpenaiChat, "parts", ALL),
        case(
            OpenaiChat,
            "every_setting",
            &[OPENAI, DEEPSEEK, RESPONSES, ANTHROPIC, MISTRAL, GROQ],
        ),
        case(OpenaiChat, "system_midway", ALL),
        case(
            OpenaiChat,
            "two_systems_lead",
            &[MINIMAX, MINIMAX_RESPONSES],
        ),
        case(OpenaiChat, "custom_and_allowed", ALL),
        case(OpenaiChat, "flat_tools", ALL),
        case(OpenaiChat, "mistral_fields", ALL),
        case(OpenaiChat, "old_functions", ALL),
        case(
            OpenaiChat,
            "blank_corners",
            &[OPENAI, RESPONSES, ANTHROPIC, MISTRAL],
        ),
        case(OpenaiChat, "openai_only_fields", ALL),
        case(OpenaiChat, "wrong_type", &[OPENAI]),
        case(
            AnthropicMessages,
            "claude_code",
            &[ANTHROPIC, OPENAI, DEEPSEEK, RESPONSES, MISTRAL],
        ),
        case(AnthropicMessages, "claude_code_next", ALL),
        case(
            AnthropicMessages,
            "claude_code_system_midway",
            &[MINIMAX, MINIMAX_RESPONSES],
        ),
        case(AnthropicMessages, "sealed_reasoning", ALL),
        case(AnthropicMessages, "signed_tool_loop", &[GOOGLE, OPENAI]),
        case(
            AnthropicMessages,
            "tool_result_images",
            &[ANTHROPIC, OPENAI, RESPONSES, MISTRAL],
        ),
        case(AnthropicMessages, "prefill", ALL),
        case(
            AnthropicMessages,
            "documents",
            &[ANTHROPIC, OPENAI, RESPONSES, MISTRAL],
        ),
        case(
            AnthropicMessages,
            "hosted_tools",
            &[ANTHROPIC, OPENAI, RESPONSES, MISTRAL],
        ),
        case(
            AnthropicMessages,
            "every_setting",
            &[ANTHROPIC, OPENAI, RESPONSES, MISTRAL],
        ),
        case(AnthropicMessages, "corners", ALL),
        case(AnthropicMessages, "hosted_choice", ALL),
        case(OpenaiResponses, "codex", ALL),
        case(OpenaiResponses, "codex_next", ALL),
        case(
            OpenaiResponses,
            "plain",
            &[RESPONSES, OPENAI, ANTHROPIC, MISTRAL],
        ),
        case(
            OpenaiResponses,
            "parts",
            &[RESPONSES, OPENAI, ANTHROPIC, MISTRAL],
        ),
        case(OpenaiResponses, "stateful", &[RESPONSES, ANTHROPIC]),
        case(OpenaiResponses, "items", ALL),
        case(MistralChat, "reasoning", ALL),
        case(MistralChat, "corners", ALL),
        case(MistralChat, "prefix", ALL),
        case(
            MistralChat,
            "parts_and_tools",
            &[MISTRAL, OPENAI, RESPONSES, ANTHROPIC],
        ),
        case(
            MistralChat,
            "every_setting",
            &[MISTRAL, OPENAI, RESPONSES, ANTHROPIC],
        ),
        case(OpenaiCompletions, "fill", FILLS),
        case(OpenaiCompletions, "bare", FILLS),
        case(OpenaiCompletions, "tokens", FILLS),
        case(MistralFim, "editor", FILLS),
        case(MistralFim, "no_suffix", FILLS),
        case(OpenaiEmbeddings, "sdk", EMBEDS),
        case(OpenaiEmbeddings, "tokens", EMBEDS),
        case(MistralEmbeddings, "packed", EMBEDS),
    ]
};

#[test]
fn requests_are_asked_as_last_reviewed() {
    for case in CASES {
        let stem = format!("{HOME}/{}/{}", case.door.name(), case.name);
        let body = fs::read(format!("{stem}.json")).unwrap();
        for offer in case.offers {
            let snapshot = match codec::decode_call(case.door, &body, &Plain) {
                Ok(call) => asked(&call, offer),
                Err(fault) => format!("refused at the door: {:?}: {fault}\n", fault.kind),
            };
            golden::check(format!("{stem}.{}.snap", offer.name), &snapshot);
        }
    }
}

/// What goes to the provider, what was dropped, and what the answer's decoder must know.
fn asked(call: &Call, offer: &Offer) -> String {
    let mut notes = Notes::default();
    let encoded = match codec::encode_call(offer.dialect, call, &offer.target(), &mut notes) {
        Ok(encoded) => encoded,
        Err(fault) => return format!("refused: {:?}: {fault}\n", fault.kind),
    };
    let mut text = String::new();
    if !notes.is_empty() {
        writeln!(text, "dropped: {}", notes.dropped().join(", ")).unwrap();
    }
    remembered(&mut text, &encoded.asked);
    text + &lay_out(std::str::from_utf8(&encoded.body).unwrap()) + "\n"
}

fn remembered(text: &mut String, asked: &Asked) {
    if let Some(prefill) = &asked.prefill {
        writeln!(text, "prefill: {prefill:?}").unwrap();
    }
    for (sent, namespace, name) in &asked.renamed {
        match namespace.as_str() {
            "" => writeln!(text, "renamed: {sent} is {name}").unwrap(),
            _ => writeln!(text, "namespaced: {sent} is {name} of {namespace}").unwrap(),
        }
    }
    for name in &asked.custom {
        writeln!(text, "custom: {name}").unwrap();
    }
    for (sent, theirs) in &asked.ids {
        writeln!(text, "id: {sent} is {theirs}").unwrap();
    }
}

/// A file that no case names would look reviewed and test nothing.
#[test]
fn every_request_file_belongs_to_a_case() {
    for door in fs::read_dir(HOME).unwrap() {
        for file in fs::read_dir(door.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            assert!(is_of_a_case(&file), "{} belongs to no case", file.display());
        }
    }
}

fn is_of_a_case(file: &Path) -> bool {
    let path = file.to_str().unwrap();
    CASES.iter().any(|case| {
        let stem = format!("{HOME}/{}/{}.", case.door.name(), case.name);
        let Some(end) = path.strip_prefix(&stem) else {
            return false;
        };
        end == "json"
            || case
                .offers
                .iter()
                .any(|offer| end == format!("{}.snap", offer.name))
    })
}
