//! The one body that drives all dialects: enums and matches, no trait.
//!
//! Eight functions are a dialect: decode and encode a call, decode and encode a whole answer,
//! decode and encode a stream, decode and encode an error. This file is where they are chosen.

use crate::answer::Answer;
use crate::call::{Call, Chat, Format, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::event::{Event, Sink};
use crate::fault::Fault;
use crate::frame::sse::Frame;
use crate::json::{Object, Path, Raw};
use crate::notes::Notes;
use crate::quirk::Quirk;
use crate::seal::Seal;
use crate::{
    anthropic_messages, mistral_chat, mistral_fim, openai_chat, openai_completions,
    openai_responses,
};

pub use crate::exchange::{Asked, Cut, Encoded, Reply, Seen, Target};

/// More tools than any provider takes: each is written, named and looked up for each try.
const TOOLS_MAX: usize = 4_096;

/// Decodes a request body.
///
/// # Errors
/// A fault that names the field.
pub fn decode_call(dialect: Dialect, body: &[u8], seal: &dyn Seal) -> Result<Call, Fault> {
    let call = decoded(dialect, body, seal)?;
    if let Call::Chat(chat) = &call {
        let count = tools_in(&chat.tools);
        if count > TOOLS_MAX {
            let why = format!("{count} tools are more than the {TOOLS_MAX} that a call may have");
            return Err(Fault::invalid("tools", why));
        }
    }
    Ok(call)
}

fn tools_in(tools: &[Tool]) -> usize {
    let count = |tool: &Tool| match tool {
        Tool::Namespace { tools, .. } => tools_in(tools) + 1,
        Tool::Function(_) | Tool::Custom(_) | Tool::Hosted { .. } => 1,
    };
    tools.iter().map(count).sum()
}

fn decoded(dialect: Dialect, body: &[u8], seal: &dyn Seal) -> Result<Call, Fault> {
    match dialect {
        Dialect::OpenaiChat => openai_chat::request::decode(body, seal),
        Dialect::OpenaiCompletions => openai_completions::request::decode(body),
        Dialect::OpenaiResponses => openai_responses::request::decode(body, seal),
        Dialect::AnthropicMessages => anthropic_messages::request::decode(body, seal),
        Dialect::MistralChat => mistral_chat::request::decode(body, seal),
        Dialect::MistralFim => mistral_fim::request::decode(body),
        Dialect::OpenaiEmbeddings => crate::openai_embeddings::request::decode(body),
        Dialect::MistralEmbeddings => crate::mistral_embeddings::request::decode(body),
        Dialect::LlamaInfill => Err(unspoken(dialect)),
    }
}

/// Encodes a call for `target`; what cannot be carried goes into `notes`.
///
/// # Errors
/// If the dialect cannot ask for this at all.
pub fn encode_call(
    dialect: Dialect,
    call: &Call,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    if let Call::Chat(chat) = call {
        can_choose(dialect, chat)?;
        can_warm(dialect, chat)?;
    }
    let told = told_schema(dialect, call, target);
    match (dialect, told.as_ref().unwrap_or(call)) {
        (Dialect::OpenaiChat, Call::Chat(chat)) => {
            openai_chat::request::encode(chat, target, notes)
        }
        (Dialect::OpenaiResponses, Call::Chat(chat)) => {
            openai_responses::request::encode(chat, target, notes)
        }
        (Dialect::AnthropicMessages, Call::Chat(chat)) => {
            anthropic_messages::request::encode(chat, target, notes)
        }
        (Dialect::MistralChat, Call::Chat(chat)) => {
            mistral_chat::request::encode(chat, target, notes)
        }
        (Dialect::OpenaiCompletions, Call::Fill(fill)) => {
            openai_completions::request::encode(fill, target, notes)
        }
        (Dialect::MistralFim, Call::Fill(fill)) => {
            mistral_fim::request::encode(fill, target, notes)
        }
        (Dialect::OpenaiEmbeddings, Call::Embed(embed)) => {
            crate::openai_embeddings::request::encode(embed, target, notes)
        }
        (Dialect::MistralEmbeddings, Call::Embed(embed)) => {
            crate::mistral_embeddings::request::encode(embed, target, notes)
        }
        (_, Call::Chat(_) | Call::Fill(_) | Call::Embed(_)) => Err(unspoken(dialect)),
    }
}

/// A call that must use a tool which only another dialect has cannot be answered: without the tool
/// the model would make something up.
fn can_choose(dialect: Dialect, chat: &Chat) -> Result<(), Fault> {
    let Some(ToolChoice::Named { name, .. }) = &chat.tool_choice else {
        return Ok(());
    };
    let is_foreign = |tool: &Tool| match tool {
        Tool::Hosted {
            dialect: own, raw, ..
        } => *own != dialect && tool_name(raw).is_some_and(|hosted| hosted == *name),
        Tool::Function(_) | Tool::Custom(_) | Tool::Namespace { .. } => false,
    };
    if !chat.tools.iter().any(is_foreign) {
        return Ok(());
    }
    Err(Fault::unsupported(
        "tool_choice",
        format!("the tool `{name}` runs at providers of its own dialect only, and must be called"),
    ))
}

/// No output at all only warms a prompt cache, and only Anthropic does that: elsewhere the least that
/// may be asked for is an answer that nobody wants and somebody pays.
fn can_warm(dialect: Dialect, chat: &Chat) -> Result<(), Fault> {
    if dialect == Dialect::AnthropicMessages || chat.sampling.max_output != Some(0) {
        return Ok(());
    }
    Err(Fault::unsupported(
        "max_tokens",
        "a limit of no output at all only warms a prompt cache, which this provider cannot do",
    ))
}

/// The call with its schema in words, where the field says no more than that the answer is JSON. The
/// model would know nothing of the schema, and who is asked for JSON often refuses a prompt that does
/// not speak of it.
fn told_schema(dialect: Dialect, call: &Call, target: &Target<'_>) -> Option<Call> {
    let is_asked = match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::MistralChat => {
            target.quirks.has(Quirk::NoJsonSchema)
        }
        Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::AnthropicMessages
        | Dialect::MistralFim
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => false,
    };
    match call {
        Call::Chat(chat) if is_asked => {
            let Format::JsonSchema { schema, .. } = &chat.format else {
                return None;
            };
            let mut told = chat.clone();
            let words = format!("Answer with JSON of this schema: {}", schema.get());
            told.instruct(&words);
            Some(Call::Chat(told))
        }
        Call::Chat(_) | Call::Fill(_) | Call::Embed(_) => None,
    }
}

fn tool_name(raw: &Raw) -> Option<String> {
    let mut tool = Object::read(raw.raw(), &Path::Root).ok()?;
    tool.get("name", &Path::Root).ok()?
}

/// Decodes a whole answer to events; says where its usage object stands. Embeddings have no
/// events: see their own modules.
///
/// # Errors
/// A protocol fault if the body is not what the dialect promises, or the fault that a body with
/// status 200 declares (T18).
pub fn decode_answer(
    dialect: Dialect,
    body: &[u8],
    asked: &Asked,
    sink: &mut dyn Sink,
) -> Result<Seen, Fault> {
    match dialect {
        Dialect::OpenaiChat => openai_chat::response::decode(body, asked, sink),
        Dialect::OpenaiCompletions => openai_completions::response::decode(body, sink),
        Dialect::OpenaiResponses => openai_responses::response::decode(body, asked, sink),
        Dialect::AnthropicMessages => anthropic_messages::response::decode(body, asked, sink),
        Dialect::MistralChat => mistral_chat::response::decode(body, asked, sink),
        Dialect::MistralFim => mistral_fim::response::decode(body, sink),
        Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings | Dialect::LlamaInfill => {
            Err(unspoken(dialect))
        }
    }
}

/// Encodes a whole answer; `cost` is the exact decimal text of `usage.cost`.
#[must_use]
pub fn encode_answer(
    dialect: Dialect,
    answer: &Answer,
    reply: &Reply,
    cost: Option<&str>,
) -> Vec<u8> {
    match dialect {
        Dialect::OpenaiChat => openai_chat::response::encode(answer, reply, cost),
        Dialect::OpenaiCompletions => openai_completions::response::encode(answer, reply, cost),
        Dialect::OpenaiResponses => openai_responses::response::encode(answer, reply, cost),
        Dialect::AnthropicMessages => anthropic_messages::response::encode(answer, reply, cost),
        Dialect::MistralChat => mistral_chat::response::encode(answer, reply, cost),
        Dialect::MistralFim => mistral_fim::response::encode(answer, reply, cost),
        Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings | Dialect::LlamaInfill => Vec::new(),
    }
}

/// Decodes a streamed answer, frame by frame.
#[derive(Debug)]
pub enum Decoder {
    OpenaiChat(openai_chat::stream::Decoder),
    OpenaiCompletions(openai_completions::stream::Decoder),
    OpenaiResponses(openai_responses::stream::Decoder),
    AnthropicMessages(anthropic_messages::stream::Decoder),
    MistralChat(mistral_chat::stream::Decoder),
    MistralFim(mistral_fim::stream::Decoder),
}

impl Decoder {
    /// # Errors
    /// If the dialect has no streams.
    pub fn new(dialect: Dialect, asked: Asked) -> Result<Self, Fault> {
        Ok(match dialect {
            Dialect::OpenaiChat => Self::OpenaiChat(openai_chat::stream::Decoder::new(asked)),
            Dialect::OpenaiCompletions => {
                Self::OpenaiCompletions(openai_completions::stream::Decoder::default())
            }
            Dialect::OpenaiResponses => {
                Self::OpenaiResponses(openai_responses::stream::Decoder::new(asked))
            }
            Dialect::AnthropicMessages => {
                Self::AnthropicMessages(anthropic_messages::stream::Decoder::new(asked))
            }
            Dialect::MistralChat => Self::MistralChat(mistral_chat::stream::Decoder::new(asked)),
            Dialect::MistralFim => Self::MistralFim(mistral_fim::stream::Decoder::default()),
            Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings | Dialect::LlamaInfill => {
                return Err(unspoken(dialect));
            }
        })
    }

    /// Decodes one frame.
    ///
    /// # Errors
    /// If the frame declares an error or breaks the dialect.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<Seen, Fault> {
        match self {
            Self::OpenaiChat(decoder) => decoder.push(frame, sink),
            Self::OpenaiCompletions(decoder) => decoder.push(frame, sink),
            Self::OpenaiResponses(decoder) => decoder.push(frame, sink),
            Self::AnthropicMessages(decoder) => decoder.push(frame, sink),
            Self::MistralChat(decoder) => decoder.push(frame, sink),
            Self::MistralFim(decoder) => decoder.push(frame, sink),
        }
    }

    /// Whether the upstream said why it ended, though its last frame may be still to come.
    #[must_use]
    pub const fn has_stop(&self) -> bool {
        match self {
            Self::OpenaiChat(decoder) => decoder.has_stop(),
            Self::OpenaiCompletions(decoder) => decoder.has_stop(),
            Self::MistralChat(decoder) | Self::MistralFim(decoder) => decoder.has_stop(),
            // These say it in the frame that ends the answer; the event is enough.
            Self::OpenaiResponses(_) | Self::AnthropicMessages(_) => false,
        }
    }

    /// Whether the counts that came last are those of the whole answer, before its last frame: they
    /// came with its stop.
    #[must_use]
    pub const fn has_last_counts(&self) -> bool {
        match self {
            Self::AnthropicMessages(decoder) => decoder.has_last_counts(),
            // There, what was counted before the event of the stop may lack something.
            Self::OpenaiChat(_)
            | Self::OpenaiCompletions(_)
            | Self::OpenaiResponses(_)
            | Self::MistralChat(_)
            | Self::MistralFim(_) => false,
        }
    }

    /// The bytes ended: completes the events.
    ///
    /// # Errors
    /// If the answer was cut before the dialect said it was complete.
    pub fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        match self {
            Self::OpenaiChat(decoder) => decoder.finish(sink),
            Self::OpenaiCompletions(decoder) => decoder.finish(sink),
            Self::OpenaiResponses(decoder) => decoder.finish(sink),
            Self::AnthropicMessages(decoder) => decoder.finish(sink),
            Self::MistralChat(decoder) => decoder.finish(sink),
            Self::MistralFim(decoder) => decoder.finish(sink),
        }
    }
}

/// Encodes a streamed answer, event by event.
pub enum Encoder {
    OpenaiChat(openai_chat::stream::Encoder),
    OpenaiCompletions(openai_completions::stream::Encoder),
    OpenaiResponses(openai_responses::stream::Encoder),
    AnthropicMessages(anthropic_messages::stream::Encoder),
    MistralChat(mistral_chat::stream::Encoder),
    MistralFim(mistral_fim::stream::Encoder),
}

impl Encoder {
    /// # Errors
    /// If the dialect has no streams.
    pub fn new(dialect: Dialect, reply: Reply) -> Result<Self, Fault> {
        Ok(match dialect {
            Dialect::OpenaiChat => Self::OpenaiChat(openai_chat::stream::Encoder::new(reply)),
            Dialect::OpenaiCompletions => {
                Self::OpenaiCompletions(openai_completions::stream::Encoder::new(reply))
            }
            Dialect::OpenaiResponses => {
                Self::OpenaiResponses(openai_responses::stream::Encoder::new(reply))
            }
            Dialect::AnthropicMessages => {
                Self::AnthropicMessages(anthropic_messages::stream::Encoder::new(reply))
            }
            Dialect::MistralChat => Self::MistralChat(mistral_chat::stream::Encoder::new(reply)),
            Dialect::MistralFim => Self::MistralFim(mistral_fim::stream::Encoder::new(reply)),
            Dialect::OpenaiEmbeddings | Dialect::MistralEmbeddings | Dialect::LlamaInfill => {
                return Err(unspoken(dialect));
            }
        })
    }

    /// Appends the frames of one event. Usage and Finish are kept for [`Encoder::finish`].
    pub fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self {
            Self::OpenaiChat(encoder) => encoder.push(event, out),
            Self::OpenaiCompletions(encoder) => encoder.push(event, out),
            Self::OpenaiResponses(encoder) => encoder.push(event, out),
            Self::AnthropicMessages(encoder) => encoder.push(event, out),
            Self::MistralChat(encoder) => encoder.push(event, out),
            Self::MistralFim(encoder) => encoder.push(event, out),
        }
    }

    /// Appends the last frames: finish, usage with `cost`, the dialect's end.
    pub fn finish(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        match self {
            Self::OpenaiChat(encoder) => encoder.finish(cost, out),
            Self::OpenaiCompletions(encoder) => encoder.finish(cost, out),
            Self::OpenaiResponses(encoder) => encoder.finish(cost, out),
            Self::AnthropicMessages(encoder) => encoder.finish(cost, out),
            Self::MistralChat(encoder) => encoder.finish(cost, out),
            Self::MistralFim(encoder) => encoder.finish(cost, out),
        }
    }

    /// Appends the frames that tell of a failure after content; never a clean stop.
    pub fn fault(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        match self {
            Self::OpenaiResponses(encoder) => encoder.fault(fault, out),
            Self::AnthropicMessages(encoder) => {
                anthropic_messages::error::in_stream(fault, encoder.id(), out);
            }
            Self::MistralChat(_) | Self::MistralFim(_) => {
                mistral_chat::error::in_stream(fault, out)
            }
            Self::OpenaiChat(_) | Self::OpenaiCompletions(_) => {
                openai_chat::error::in_stream(fault, out);
            }
        }
    }
}

/// Appends a failure inside a stream that was forwarded byte for byte: the frames after which it
/// ends, and never a clean stop.
pub fn encode_stream_fault(dialect: Dialect, fault: &Fault, id: &str, out: &mut Vec<u8>) {
    match dialect {
        Dialect::OpenaiResponses => openai_responses::error::in_stream(fault, id, out),
        Dialect::AnthropicMessages => anthropic_messages::error::in_stream(fault, id, out),
        Dialect::MistralChat | Dialect::MistralFim => mistral_chat::error::in_stream(fault, out),
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => openai_chat::error::in_stream(fault, out),
    }
}

/// Appends the end of a stream that was forwarded byte for byte and is ended before its upstream
/// ends it: the stop that says that the answer reached its limit. Nothing for dialects without
/// one: Responses repeats the whole answer at its end, which nobody keeps on that path.
pub fn encode_stream_cut(dialect: Dialect, cut: &Cut<'_>, out: &mut Vec<u8>) {
    match dialect {
        Dialect::OpenaiChat => openai_chat::stream::cut(cut, out),
        Dialect::OpenaiCompletions => openai_completions::stream::cut(cut, out),
        Dialect::AnthropicMessages => anthropic_messages::stream::cut(cut, out),
        Dialect::MistralChat | Dialect::MistralFim => mistral_chat::stream::cut(cut, out),
        Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::MistralEmbeddings
        | Dialect::LlamaInfill => {}
    }
}

/// Reads an upstream's error answer.
#[must_use]
pub fn decode_error(dialect: Dialect, status: u16, body: &[u8]) -> Fault {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::error::decode(status, body),
        Dialect::MistralChat | Dialect::MistralFim | Dialect::MistralEmbeddings => {
            mistral_chat::error::decode(status, body)
        }
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::LlamaInfill => openai_chat::error::decode(status, body),
    }
}

/// Whether an upstream's error body tells of the fault as clients of the dialect know it.
#[must_use]
pub fn is_own_error(dialect: Dialect, fault: &Fault, body: &[u8]) -> bool {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::error::is_own(fault, body),
        // Mistral has several shapes itself.
        Dialect::MistralChat | Dialect::MistralFim | Dialect::MistralEmbeddings => {
            serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
        }
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::LlamaInfill => openai_chat::error::is_envelope(body),
    }
}

/// The status and body that tell a caller of `dialect` about a fault.
#[must_use]
pub fn encode_error(dialect: Dialect, fault: &Fault, id: &str) -> (u16, Vec<u8>) {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::error::encode(fault, id),
        Dialect::MistralChat | Dialect::MistralFim | Dialect::MistralEmbeddings => {
            mistral_chat::error::encode(fault)
        }
        Dialect::OpenaiChat
        | Dialect::OpenaiCompletions
        | Dialect::OpenaiResponses
        | Dialect::OpenaiEmbeddings
        | Dialect::LlamaInfill => openai_chat::error::encode(fault),
    }
}

fn unspoken(dialect: Dialect) -> Fault {
    Fault::unsupported(
        "",
        format!("this cannot be asked in the dialect {}", dialect.name()),
    )
}
