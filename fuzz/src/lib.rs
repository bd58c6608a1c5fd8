//! What must hold of any bytes: the bodies of the fuzz targets.
//!
//! Each target is a plain function over bytes that panics when a promise is broken. libFuzzer
//! drives them with coverage, and no sanitizer is needed, so a stable toolchain will do:
//! `cargo fuzz run --features libfuzzer --sanitizer none TARGET fuzz/corpus/TARGET SEEDS...`.
//! `fuzz/smoke` drives them with seeds and mutations of its own, without libFuzzer. An input that
//! breaks a promise becomes a test of the crate at fault before it is mended.

mod answers;
mod calls;
mod configs;
mod deliveries;
mod events;
mod faults;
mod frames;
mod heads;
mod names;
mod pages;
mod replies;
mod schemas;
pub mod splits;
mod weights;

use vane_dialect::Dialect;

/// A target by the name that its seeds, its corpus and `cargo fuzz run` use.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Folders of the golden files whose inputs are seeds of this target too.
    pub golden: &'static [&'static str],
}

const fn target(name: &'static str, run: fn(&[u8]), golden: &'static [&'static str]) -> Target {
    Target { name, run, golden }
}

pub const TARGETS: &[Target] = &[
    target(
        "head_scan",
        heads::check,
        &["requests/openai_chat", "requests/anthropic_messages"],
    ),
    target(
        "sse_split",
        frames::check,
        &["streams/openai_chat", "streams/anthropic_messages"],
    ),
    target("config", configs::check, &[]),
    target("litellm_config", configs::litellm, &[]),
    target("key_parse", names::key, &[]),
    target("catalog_names", names::model, &[]),
    target("resp_reply", replies::check, &[]),
    target("payment_delivery", deliveries::check, &[]),
    target("form_body", pages::form, &[]),
    target("page_query", pages::query, &[]),
    target("cookie_line", pages::cookie, &[]),
    target("docs_markdown", pages::document, &[]),
    target("weights_gguf", weights::gguf, &[]),
    target("weights_safetensors", weights::safetensors, &[]),
    target("model_config", weights::config, &[]),
    target("tokenizer_file", weights::tokenizer, &[]),
    target("json_schema", schemas::schema, &[]),
    target("stop_texts", schemas::stops, &[]),
    target(
        "call_openai_chat",
        |b| calls::check(Dialect::OpenaiChat, b),
        &["requests/openai_chat"],
    ),
    target(
        "call_openai_completions",
        |b| calls::check(Dialect::OpenaiCompletions, b),
        &["requests/openai_completions"],
    ),
    target(
        "call_openai_responses",
        |b| calls::check(Dialect::OpenaiResponses, b),
        &["requests/openai_responses"],
    ),
    target(
        "call_openai_embeddings",
        |b| calls::check(Dialect::OpenaiEmbeddings, b),
        &["requests/openai_embeddings"],
    ),
    target(
        "call_anthropic_messages",
        |b| calls::check(Dialect::AnthropicMessages, b),
        &["requests/anthropic_messages"],
    ),
    target(
        "call_mistral_chat",
        |b| calls::check(Dialect::MistralChat, b),
        &["requests/mistral_chat"],
    ),
    target(
        "call_mistral_fim",
        |b| calls::check(Dialect::MistralFim, b),
        &["requests/mistral_fim"],
    ),
    target(
        "call_mistral_embeddings",
        |b| calls::check(Dialect::MistralEmbeddings, b),
        &["requests/mistral_embeddings"],
    ),
    target(
        "answer_openai_chat",
        |b| answers::whole(Dialect::OpenaiChat, b),
        &["streams/openai_chat"],
    ),
    target(
        "answer_openai_completions",
        |b| answers::whole(Dialect::OpenaiCompletions, b),
        &["streams/openai_completions"],
    ),
    target(
        "answer_openai_responses",
        |b| answers::whole(Dialect::OpenaiResponses, b),
        &["streams/openai_responses"],
    ),
    target(
        "answer_anthropic_messages",
        |b| answers::whole(Dialect::AnthropicMessages, b),
        &["streams/anthropic_messages"],
    ),
    target(
        "answer_mistral_chat",
        |b| answers::whole(Dialect::MistralChat, b),
        &["streams/mistral_chat"],
    ),
    target(
        "answer_mistral_fim",
        |b| answers::whole(Dialect::MistralFim, b),
        &["streams/mistral_fim"],
    ),
    target("answer_embeddings", answers::embeddings, &[]),
    target(
        "stream_openai_chat",
        |b| answers::streamed(Dialect::OpenaiChat, b),
        &["streams/openai_chat"],
    ),
    target(
        "stream_openai_completions",
        |b| answers::streamed(Dialect::OpenaiCompletions, b),
        &["streams/openai_completions"],
    ),
    target(
        "stream_openai_responses",
        |b| answers::streamed(Dialect::OpenaiResponses, b),
        &["streams/openai_responses"],
    ),
    target(
        "stream_anthropic_messages",
        |b| answers::streamed(Dialect::AnthropicMessages, b),
        &["streams/anthropic_messages"],
    ),
    target(
        "stream_mistral_chat",
        |b| answers::streamed(Dialect::MistralChat, b),
        &["streams/mistral_chat"],
    ),
    target(
        "stream_mistral_fim",
        |b| answers::streamed(Dialect::MistralFim, b),
        &["streams/mistral_fim"],
    ),
    target(
        "error_openai_chat",
        |b| faults::check(Dialect::OpenaiChat, b),
        &[],
    ),
    target(
        "error_anthropic_messages",
        |b| faults::check(Dialect::AnthropicMessages, b),
        &[],
    ),
    target(
        "error_mistral_chat",
        |b| faults::check(Dialect::MistralChat, b),
        &[],
    ),
];

/// Runs the target of this name; what libFuzzer's binaries call.
///
/// # Panics
/// If a promise is broken, or no target has the name.
pub fn run(name: &str, bytes: &[u8]) {
    match TARGETS.iter().find(|target| target.name == name) {
        Some(target) => (target.run)(bytes),
        None => panic!("no fuzz target {name}"),
    }
}
