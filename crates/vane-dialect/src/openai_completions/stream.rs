//! Streamed completions: every chunk is a small whole answer.

use crate::call::Call;
use crate::event::{Event, Opening, Sink, Stop};
use crate::exchange::{Cut, Reply, Seen};
use crate::fault::Fault;
use crate::frame::sse::{self, Frame};
use crate::json;
use crate::openai_chat::{response, stream, usage};
use crate::usage::Usage;

#[derive(Debug, Default)]
pub struct Decoder {
    chat: stream::Decoder,
}

impl Decoder {
    pub(crate) const fn has_stop(&self) -> bool {
        self.chat.has_stop()
    }

    pub(crate) fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn Sink) -> Result<Seen, Fault> {
        self.chat.push(frame, sink)
    }

    pub(crate) fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Fault> {
        self.chat.finish(sink)
    }
}

/// The end of a forwarded stream that its upstream did not end.
pub(crate) fn cut(cut: &Cut<'_>, out: &mut Vec<u8>) {
    let choice = br#""text":"","logprobs":null,"#;
    stream::cut_at("text_completion", choice, cut, out);
}

pub struct Encoder {
    reply: Reply,
    /// The chunk up to its choices: the same on every chunk.
    head: Vec<u8>,
    include_usage: bool,
    /// The open block is text; nothing else has a place in this shape.
    in_text: bool,
    usage: Usage,
    stop: Stop,
}

impl Encoder {
    #[must_use]
    pub fn new(reply: Reply) -> Self {
        Self {
            include_usage: match &*reply.call {
                Call::Fill(fill) => fill.stream.include_usage,
                Call::Chat(_) | Call::Embed(_) => false,
            },
            reply,
            head: Vec::new(),
            in_text: false,
            usage: Usage::default(),
            stop: Stop::End,
        }
    }

    pub(crate) fn push(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Start { id, model, created } => {
                self.head = response::head("text_completion", id, model, *created, &self.reply);
            }
            Event::Open { opening, .. } => self.in_text = matches!(opening, Opening::Text),
            Event::Delta { text, .. } if self.in_text => {
                self.choice(text, None, out);
                out.extend_from_slice(if self.include_usage {
                    b",\"usage\":null}\n\n"
                } else {
                    b"}\n\n"
                });
            }
            Event::Usage(usage) => self.usage = *usage,
            Event::Finish(stop) => self.stop = stop.clone(),
            Event::Delta { .. }
            | Event::State { .. }
            | Event::Cite { .. }
            | Event::Close { .. } => {}
        }
    }

    pub(crate) fn finish(&mut self, cost: Option<&str>, out: &mut Vec<u8>) {
        let reason = response::finish_reason(&self.stop, false, false);
        self.choice("", Some(reason), out);
        out.extend_from_slice(b",\"usage\":");
        // A client that asked for the usage chunk adds up what it sees: it must see it once.
        if self.include_usage {
            out.extend_from_slice(b"null}\n\ndata: ");
            out.extend_from_slice(&self.head);
            out.extend_from_slice(br#""choices":[],"usage":"#);
        }
        usage::write(out, &self.usage, cost);
        out.extend_from_slice(b"}\n\n");
        sse::write(out, b"[DONE]");
    }

    fn choice(&self, text: &str, reason: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#""choices":[{"text":"#);
        json::string(out, text);
        out.extend_from_slice(br#","index":0,"logprobs":null,"finish_reason":"#);
        json::value(out, &reason);
        out.extend_from_slice(b"}]");
    }
}
