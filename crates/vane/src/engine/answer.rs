//! Answers as JSON: whole, or as the events of a stream.
//!
//! Invariant: what is told is whole characters, and the last event of a stream that ended well is
//! `[DONE]`.

use serde_json::{Value as Json, json};
use vane_engine::{Fault, Finish, Piece, TokenLikelihood, ToolCall, Usage};

use super::ask::{Ask, Shape, Unread};

/// What an answer says around its text.
#[derive(Debug)]
pub(super) struct Telling {
    shape: Shape,
    id: String,
    model: String,
    created: i64,
    include_usage: bool,
    /// Calls of tools that were told.
    calls: usize,
}

/// What a whole answer is made of.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) text: String,
    pub(super) thought: String,
    pub(super) likelihoods: Vec<TokenLikelihood>,
    pub(super) calls: Vec<ToolCall>,
}

impl Telling {
    pub(super) fn of(ask: &Ask, number: u64, created: i64) -> Self {
        let kind = match ask.shape {
            Shape::Chat => "chatcmpl",
            Shape::Completion => "cmpl",
        };
        Self {
            shape: ask.shape,
            id: format!("{kind}-{number:016x}"),
            model: ask.model.clone(),
            created,
            include_usage: ask.include_usage,
            calls: 0,
        }
    }

    /// A whole answer.
    pub(super) fn whole(&self, said: &Gathered, finish: Finish, usage: Usage) -> Json {
        let Gathered {
            text,
            thought,
            likelihoods,
            calls,
        } = said;
        let logprobs = self.logprobs(likelihoods);
        let (object, choice) = match self.shape {
            Shape::Chat => {
                let mut message = json!({"role": "assistant", "content": text});
                if !thought.is_empty() {
                    message["reasoning_content"] = thought.as_str().into();
                }
                if !calls.is_empty() {
                    message["tool_calls"] = calls.iter().map(call).collect();
                }
                (
                    "chat.completion",
                    json!({"index": 0, "message": message, "logprobs": logprobs,
                        "finish_reason": reason(finish)}),
                )
            }
            Shape::Completion => (
                "text_completion",
                json!({"index": 0, "text": text, "logprobs": logprobs,
                    "finish_reason": reason(finish)}),
            ),
        };
        json!({"id": self.id, "object": object, "created": self.created, "model": self.model,
            "choices": [choice], "usage": counts(usage)})
    }

    /// Appends the events that tell a piece.
    pub(super) fn tell(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Call(made) => {
                let mut told = call(made);
                told["index"] = self.calls.into();
                self.calls += 1;
                let delta = json!({"role": "assistant", "tool_calls": [told]});
                let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
                self.event(&choice, out);
            }
            Piece::Thought(text) => {
                let delta = json!({"role": "assistant", "reasoning_content": text});
                let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
                self.event(&choice, out);
            }
            Piece::Text { text, likelihoods } => self.chunk(text, likelihoods, None, out),
            Piece::End { finish, usage } => {
                self.chunk("", &[], Some(*finish), out);
                if self.include_usage {
                    let chunk = json!({"id": self.id, "object": self.object(),
                        "created": self.created, "model": self.model, "choices": [],
                        "usage": counts(*usage)});
                    event(&chunk, out);
                }
                out.extend_from_slice(b"data: [DONE]\n\n");
            }
        }
    }

    fn chunk(
        &self,
        text: &str,
        likelihoods: &[TokenLikelihood],
        finish: Option<Finish>,
        out: &mut Vec<u8>,
    ) {
        let (logprobs, reason) = (self.logprobs(likelihoods), finish.map(reason));
        let choice = match self.shape {
            Shape::Chat if finish.is_some() => {
                json!({"index": 0, "delta": {}, "logprobs": logprobs, "finish_reason": reason})
            }
            Shape::Chat => json!({"index": 0, "delta": {"role": "assistant", "content": text},
                "logprobs": logprobs, "finish_reason": reason}),
            Shape::Completion => json!({"index": 0, "text": text, "logprobs": logprobs,
                "finish_reason": reason}),
        };
        self.event(&choice, out);
    }

    fn event(&self, choice: &Json, out: &mut Vec<u8>) {
        let chunk = json!({"id": self.id, "object": self.object(), "created": self.created,
            "model": self.model, "choices": [choice]});
        event(&chunk, out);
    }

    fn object(&self) -> &'static str {
        match self.shape {
            Shape::Chat => "chat.completion.chunk",
            Shape::Completion => "text_completion",
        }
    }

    fn logprobs(&self, likelihoods: &[TokenLikelihood]) -> Json {
        if likelihoods.is_empty() {
            return Json::Null;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |bytes: &[u8], logarithm: f32| json!({"token": text(bytes), "logprob": logarithm, "bytes": bytes});
        match self.shape {
            Shape::Chat => {
                let tokens = likelihoods.iter().map(|likelihood| {
                    let mut token = one(&likelihood.bytes, likelihood.logarithm);
                    let others = likelihood.others.iter();
                    let others = others.map(|(_, bytes, logarithm)| one(bytes, *logarithm));
                    token["top_logprobs"] = others.collect();
                    token
                });
                json!({"content": tokens.collect::<Vec<Json>>()})
            }
            Shape::Completion => {
                let tokens = likelihoods.iter().map(|likelihood| text(&likelihood.bytes));
                let logarithms = likelihoods.iter().map(|likelihood| likelihood.logarithm);
                let others = likelihoods.iter().map(|likelihood| {
                    let others = likelihood.others.iter();
                    let others = others.map(|(_, bytes, is)| (text(bytes), json!(is)));
                    Json::Object(others.collect())
                });
                json!({"tokens": tokens.collect::<Vec<_>>(),
                    "token_logprobs": logarithms.collect::<Vec<_>>(),
                    "top_logprobs": others.collect::<Vec<_>>()})
            }
        }
    }
}

fn call(call: &ToolCall) -> Json {
    json!({"id": call.id, "type": "function",
        "function": {"name": call.name, "arguments": call.arguments}})
}

fn reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length | Finish::Context => "length",
        Finish::Calls => "tool_calls",
    }
}

fn counts(usage: Usage) -> Json {
    let Usage {
        prompt_tokens,
        reused_tokens,
        output_tokens,
        thought_tokens,
    } = usage;
    json!({"prompt_tokens": prompt_tokens, "completion_tokens": output_tokens,
        "total_tokens": prompt_tokens + output_tokens,
        "prompt_tokens_details": {"cached_tokens": reused_tokens},
        "completion_tokens_details": {"reasoning_tokens": thought_tokens}})
}

/// Appends the event after which a stream that broke ends.
pub(super) fn broken(fault: &Fault, out: &mut Vec<u8>) {
    event(&refusal(fault).1, out);
}

fn event(json: &Json, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(json.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// The status and body of a request that the engine did not take.
pub(super) fn refusal(fault: &Fault) -> (u16, Json) {
    let (status, kind, code) = match fault {
        Fault::PromptTooLong { .. } | Fault::TooLarge { .. } => {
            (400, "invalid_request_error", "context_length_exceeded")
        }
        Fault::Refused(_) | Fault::Unsupported(_) => {
            (400, "invalid_request_error", "invalid_request")
        }
        Fault::Busy => (503, "overloaded_error", "busy"),
        // Of an engine that runs, the others are its end. The list may grow.
        _ => (500, "server_error", "engine_stopped"),
    };
    let error = json!({"message": fault.to_string(), "type": kind, "param": null, "code": code});
    (status, json!({"error": error}))
}

pub(super) fn unread(unread: &Unread) -> (u16, Json) {
    let error = json!({"message": unread.message, "type": "invalid_request_error",
        "param": unread.param, "code": "invalid_request"});
    (400, json!({"error": error}))
}
