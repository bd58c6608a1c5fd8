//! Whole answers of Mistral.

mod encode;

use super::message::Reading;
use super::wire::Chunk;
use crate::event::Sink;
use crate::exchange::{Asked, Seen};
use crate::fault::Fault;
use serde_json::value::RawValue;
use std::ops::Range;

pub(crate) use encode::encode;

pub(crate) fn decode(body: &[u8], asked: &Asked, sink: &mut dyn Sink) -> Result<Seen, Fault> {
    let (chunk, text) = read(body)?;
    if !chunk.is_error() && chunk.choices.as_ref().is_none_or(Vec::is_empty) {
        return Err(Fault::protocol("the upstream's answer has no choices"));
    }
    let mut reading = Reading::new(asked.clone());
    reading.chunk(&chunk, text, sink)?;
    reading.end(sink)?;
    Ok(Seen {
        usage: chunk.usage.and_then(|usage| range(text, usage)),
        usage_only: false,
        last: true,
        ..Seen::default()
    })
}

/// Reads an answer or a chunk; what is none says what it was instead.
pub(super) fn read(data: &[u8]) -> Result<(Chunk<'_>, &str), Fault> {
    let text = std::str::from_utf8(data)
        .map_err(|_| Fault::protocol("the upstream's answer is not UTF-8"))?;
    let error = match serde_json::from_str(text) {
        Ok(chunk) => return Ok((chunk, text)),
        Err(error) => error,
    };
    Err(Fault::protocol(match text.trim_start().chars().next() {
        None => "the upstream answered with nothing".to_owned(),
        Some('<') => "the upstream answered with HTML".to_owned(),
        Some(_) => format!("the upstream's answer is not what Mistral promises: {error}"),
    }))
}

/// Where an object borrowed from `text` stands in it.
pub(super) fn range(text: &str, raw: &RawValue) -> Option<Range<usize>> {
    let start = raw.get().as_ptr().addr() - text.as_ptr().addr();
    let is_object = raw.get().starts_with('{');
    is_object.then(|| start..start + raw.get().len())
}
