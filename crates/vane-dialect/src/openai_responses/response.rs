//! Whole answers, and the response object at the end of a stream.

use super::draft::Draft;
use super::error;
use super::output::Output;
use super::wire::{self, Fields};
use crate::answer::Answer;
use crate::event::{Sink, Stop};
use crate::exchange::{Asked, Reply, Seen};
use crate::fault::Fault;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::Range;

#[derive(Deserialize, Default)]
pub(super) struct ResponseWire<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    incomplete_details: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct IncompleteWire<'a> {
    #[serde(borrow, default)]
    reason: Option<&'a RawValue>,
}

/// How a response object says that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    Incomplete,
    Failed,
}

impl ResponseWire<'_> {
    pub(super) fn start(&self, output: &mut Output, sink: &mut dyn Sink) {
        let id = wire::text(self.id).unwrap_or_default();
        let model = wire::text(self.model).unwrap_or_default();
        let created = wire::seconds(self.created_at);
        output.sequence.start(&id, &model, created, sink);
    }

    /// Gives on whatever no frame told before, the usage, and the stop.
    pub(super) fn end(
        &self,
        ended: Ended,
        output: &mut Output,
        sink: &mut dyn Sink,
    ) -> Result<(), Fault> {
        if ended == Ended::Failed {
            self.usage(output, sink);
            return Err(self.error.map_or_else(
                || Fault::protocol("the upstream's answer failed without saying why"),
                error::declared,
            ));
        }
        self.start(output, sink);
        output.rest(self.output.as_deref().unwrap_or_default(), sink)?;
        self.usage(output, sink);
        let stop = match ended {
            Ended::Incomplete => self.incomplete(),
            Ended::Completed | Ended::Failed if output.refused => Stop::Refusal,
            Ended::Completed | Ended::Failed if output.sequence.has_tools() => Stop::ToolUse,
            Ended::Completed | Ended::Failed => Stop::End,
        };
        output.sequence.finish(stop, sink)
    }

    fn usage(&self, output: &mut Output, sink: &mut dyn Sink) {
        if let Some(raw) = self.usage {
            let mut usage = wire::read_usage(raw, output.units);
            usage.served = wire::served(wire::text(self.service_tier).as_deref());
            output.sequence.usage(usage, sink);
        }
    }

    fn incomplete(&self) -> Stop {
        let details: IncompleteWire<'_> = self
            .incomplete_details
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        match wire::text(details.reason).as_deref() {
            Some("max_output_tokens") => Stop::MaxOutput,
            Some("content_filter") => Stop::Refusal,
            Some(other) => Stop::Other(other.to_owned()),
            None => Stop::Other("incomplete".to_owned()),
        }
    }

    /// Where the usage object stands in `data`, which this was read from.
    pub(super) fn usage_at(&self, data: &str) -> Option<Range<usize>> {
        let raw = self.usage?.get();
        let start = raw.as_ptr().addr().checked_sub(data.as_ptr().addr())?;
        raw.starts_with('{').then(|| start..start + raw.len())
    }
}

/// What the upstream sent, as text that may be JSON.
pub(super) fn readable(data: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(data)
        .map_err(|_| Fault::protocol("the upstream's answer is not UTF-8"))?;
    match text.trim_start().chars().next() {
        None => Err(Fault::protocol("the upstream's answer is empty")),
        Some('<') => Err(Fault::protocol(
            "the upstream answered with HTML instead of JSON",
        )),
        Some(_) => Ok(text),
    }
}

pub(crate) fn decode(body: &[u8], asked: &Asked, sink: &mut dyn Sink) -> Result<Seen, Fault> {
    let text = readable(body)?;
    let response: ResponseWire<'_> = serde_json::from_str(text)
        .map_err(|error| Fault::protocol(format!("the upstream's answer is malformed: {error}")))?;
    let mut output = Output::new(asked.clone());
    let status = wire::text(response.status);
    let ended = match (status.as_deref(), response.error, &response.output) {
        (Some("failed"), ..) => Ended::Failed,
        (None, Some(error), _) => return Err(error::declared(error)),
        (Some("incomplete"), ..) => Ended::Incomplete,
        (Some("completed"), ..) | (None, None, Some(_)) => Ended::Completed,
        (Some(other), ..) => {
            return Err(Fault::protocol(format!(
                "the upstream's answer ended with status `{other}`"
            )));
        }
        (None, None, None) => {
            return Err(Fault::protocol(
                "the upstream's answer is not a response object",
            ));
        }
    };
    response.end(ended, &mut output, sink)?;
    Ok(Seen {
        usage: response.usage_at(text),
        usage_only: false,
        last: true,
        ..Seen::default()
    })
}

pub(crate) fn encode(answer: &Answer, reply: &Reply, cost: Option<&str>) -> Vec<u8> {
    let mut draft = Draft::new(reply.clone());
    answer.replay(&mut draft);
    let mut out = Vec::with_capacity(2048);
    draft.write_ended(cost, &mut out);
    out
}

/// The answer of `POST /v1/responses/input_tokens`.
#[must_use]
pub fn input_tokens_answer(count: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut fields = Fields::open(&mut out);
    fields.text("object", "response.input_tokens");
    fields.value("input_tokens", &count);
    fields.close();
    out
}
