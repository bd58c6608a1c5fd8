//! A whole answer: read, decoded, priced, and given back in the caller's dialect.

use super::dispatch::{Asked, Walk};
use super::gather::Gather;
use super::meter::Meter;
use super::packing::{Packing, gunzip};
use super::plan::Choice;
use super::reply::{Response, json};
use super::settle::{Outcome, Record};
use super::splice;
use super::stream::Streaming;
use crate::upstream::Body as UpstreamBody;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Display;
use std::time::Duration;
use vane_dialect::codec::{self, Encoder, Reply};
use vane_dialect::dialect::Task;
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Answer, Event, Fault, Notes, Sink};

pub(super) struct WholeAnswer {
    choice: Choice,
    notes: Notes,
    meter: Meter,
    content: Content,
}

enum Content {
    /// Bytes of the caller's dialect; where their usage object stands.
    Forward {
        body: Bytes,
        usage: Option<std::ops::Range<usize>>,
    },
    Translate(Box<Answer>),
    /// Encoded already, but for the cost.
    Embeddings(Box<super::embed::Vectors>),
}

/// Reads a whole answer.
///
/// # Errors
/// If it is too long or too slow, or not what its dialect promises.
pub(super) async fn read(walk: &Walk, asked: Asked) -> Result<WholeAnswer, Fault> {
    let body = body(walk, asked.response, &asked.choice).await?;
    let mut meter = Meter::default();
    let dialect = asked.choice.dialect;
    // A whole answer to a call that streams is replayed as one, and one that names tools
    // otherwise is worded anew: its bytes are of no use.
    let forwards = walk.call.dialect() == dialect && !walk.call.stream && !asked.asked.renames();
    let (content, usage) = if forwards {
        let seen = codec::decode_answer(dialect, &body, &asked.asked, &mut meter)?;
        meter.output_bytes += seen.others_bytes;
        let content = match seen.amends.as_slice() {
            [] => Content::Forward {
                body: body.clone(),
                usage: seen.usage.clone(),
            },
            amends => Content::Forward {
                body: splice::amended(&body, 0, amends),
                usage: seen.usage.as_ref().map(|usage| {
                    let start = splice::moved(amends, usage.start);
                    start..start + usage.len()
                }),
            },
        };
        (content, seen.usage)
    } else {
        let mut both = Both {
            meter: &mut meter,
            answer: Answer::default(),
        };
        let seen = codec::decode_answer(dialect, &body, &asked.asked, &mut both)?;
        (Content::Translate(Box::new(both.answer)), seen.usage)
    };
    let usage = usage.and_then(|range| body.get(range));
    meter.read_reported(asked.choice.offer.quirks, usage);
    Ok(WholeAnswer {
        choice: asked.choice,
        notes: asked.notes,
        meter,
        content,
    })
}

/// Reads the bytes of a whole answer, decompressed if the upstream insisted.
pub(super) async fn body(
    walk: &Walk,
    response: http::Response<UpstreamBody>,
    choice: &Choice,
) -> Result<Bytes, Fault> {
    let gzip = match Packing::of(response.headers()) {
        Packing::Plain => false,
        Packing::Gzip => true,
        Packing::Zstd | Packing::Other => {
            return Err(Fault::protocol(
                "the upstream compressed its answer in a way it was not asked for",
            ));
        }
    };
    let max = walk.state.config.limits.answer_bytes_max;
    let too_long = || match walk.call.dialect().task() {
        Task::Embed => too_many_vectors(max),
        Task::Chat | Task::Fill => too_long(max),
    };
    let body = response.into_body();
    let bytes = collect(body, max, walk.state.config.timeouts.idle).await?;
    let bytes = bytes.ok_or_else(too_long)?;
    let mask = &choice.offer.provider.mask;
    if !gzip {
        return Ok(mask.bytes(bytes));
    }
    let mut plain = Vec::new();
    match gunzip(&bytes, max, &mut plain) {
        Ok(()) if plain.len() <= max => Ok(mask.bytes(plain.into())),
        Ok(()) => Err(too_long()),
        Err(error) => Err(Fault::protocol(format!(
            "the upstream's gzip is broken: {error}"
        ))),
    }
}

/// All of an answer; `None` where that is more than `max` bytes.
async fn collect(
    mut body: UpstreamBody,
    max: usize,
    idle: Duration,
) -> Result<Option<Bytes>, Fault> {
    let mut gather = Gather::new(max);
    while let Some(data) = next(&mut body, idle).await? {
        if gather.push(data).is_err() {
            return Ok(None);
        }
    }
    Ok(Some(gather.finish()))
}

/// The next bytes of an answer; `None` at its end.
pub(super) async fn next(body: &mut UpstreamBody, idle: Duration) -> Result<Option<Bytes>, Fault> {
    match tokio::time::timeout(idle, body.data()).await {
        Err(_) => {
            let message = format!("the upstream sent nothing for {idle:?}");
            Err(Fault::new(Kind::Timeout, Blame::Upstream, message))
        }
        Ok(None) => Ok(None),
        Ok(Some(Err(error))) => Err(Fault::protocol(format!(
            "the upstream's answer was cut: {error}"
        ))),
        Ok(Some(Ok(data))) => Ok(Some(data)),
    }
}

pub(super) fn too_long(max: usize) -> Fault {
    Fault::protocol(format!(
        "the upstream's answer is over the limit of {max} bytes"
    ))
}

/// So many vectors were asked for in one call: whoever is asked again is paid again.
fn too_many_vectors(max: usize) -> Fault {
    let message = format!(
        "the vectors of this call are more than the {max} bytes that `limits.answer_bytes_max` lets \
         an answer have: embed fewer texts in one call, or ask for `encoding_format: base64`"
    );
    Fault::new(Kind::TooLarge, Blame::Caller, message)
}

impl WholeAnswer {
    pub(super) fn embeddings(asked: (Choice, Notes), vectors: super::embed::Vectors) -> Self {
        let (choice, notes) = asked;
        let mut meter = Meter::default();
        meter.usage = vectors.usage();
        meter.content = true;
        Self {
            choice,
            notes,
            meter,
            content: Content::Embeddings(Box::new(vectors)),
        }
    }

    /// The response to a call that did not stream.
    pub(super) async fn into_response(self, walk: &Walk, record: &mut Record) -> Response {
        record.first_content();
        let cost = record.meter(&self.meter).map(|cost| cost.to_string());
        let body = match &self.content {
            Content::Forward { body, usage } => match (usage, &cost) {
                (Some(usage), Some(cost)) => splice::with_cost(body, usage.clone(), cost),
                _ => body.clone(),
            },
            Content::Translate(answer) => match reply(walk, &self.choice.offer.provider.id) {
                Ok(reply) => {
                    codec::encode_answer(walk.call.dialect(), answer, &reply, cost.as_deref())
                        .into()
                }
                Err(fault) => return self.broken(walk, record, &fault),
            },
            Content::Embeddings(vectors) => match vectors.encode(cost.as_deref()) {
                Ok(body) => body.into(),
                Err(fault) => return self.broken(walk, record, &fault),
            },
        };
        if let Err(fault) = settled(record).await {
            return self.broken(walk, record, &fault);
        }
        let mut response = json(200, body);
        let headers = response.headers_mut();
        identify(headers, &self.choice, &self.notes);
        name(headers, MODEL, &walk.call.model);
        if let Some(cost) = &cost {
            name(headers, COST, cost);
        }
        record.end(Outcome::Done, 200, None);
        response
    }

    fn broken(&self, walk: &Walk, record: &mut Record, fault: &Fault) -> Response {
        let response = crate::rescue::rescue(walk.call.dialect(), fault, &walk.call.request_id);
        record.undelivered();
        record.end(Outcome::Broken, response.status().as_u16(), Some(fault));
        response
    }

    /// The response to a call that wanted a stream and got an upstream that does not.
    pub(super) fn into_stream(self, walk: &Walk, mut record: Record) -> Response {
        let mut response = super::stream::head(&walk.call);
        identify(response.headers_mut(), &self.choice, &self.notes);
        let bytes = match self.stream_bytes(walk, &mut record) {
            Ok(bytes) => bytes,
            Err(fault) => return self.broken(walk, &mut record, &fault),
        };
        let streaming = Streaming::settling(walk, bytes, record);
        *response.body_mut() = super::reply::Body::Stream(Box::new(streaming));
        response
    }

    /// The whole answer as the frames of a stream.
    ///
    /// # Errors
    /// If what was asked has no stream but that of its own upstream.
    pub(super) fn stream_bytes(&self, walk: &Walk, record: &mut Record) -> Result<Bytes, Fault> {
        record.first_content();
        let cost = record.meter(&self.meter).map(|cost| cost.to_string());
        let mut frames = Vec::new();
        let reply = reply(walk, &self.choice.offer.provider.id)?;
        let mut encoder = Encoder::new(walk.call.dialect(), reply)?;
        if let Content::Translate(answer) = &self.content {
            answer.replay(&mut Encoding {
                encoder: &mut encoder,
                frames: &mut frames,
            });
            encoder.finish(cost.as_deref(), &mut frames);
        }
        Ok(frames.into())
    }
}

/// Waits until what a whole answer cost is settled.
async fn settled(record: &mut Record) -> Result<(), Fault> {
    match record.settle(Outcome::Done)? {
        None => Ok(()),
        Some(ticket) => ticket.await.map(drop).map_err(|error| unrecorded(&error)),
    }
}

/// A settlement was not written as durably as it must be.
pub(super) fn unrecorded(why: &dyn Display) -> Fault {
    let message = format!("the call cannot be recorded at present: {why}; try again in a moment");
    Fault {
        retry_after: Some(Duration::from_secs(2)),
        ..Fault::new(Kind::Unavailable, Blame::Us, message)
    }
}

/// What an encoder of answers may know of the call.
pub(super) fn reply(walk: &Walk, provider: &str) -> Result<Reply, Fault> {
    Ok(Reply {
        call: walk.call.blocks(walk.seal.as_ref())?,
        id: walk.call.request_id.clone(),
        now: u64::try_from(walk.gateway.clock.now()).unwrap_or_default(),
        provider: provider.to_owned(),
        seal: walk.seal.clone(),
    })
}

pub(super) const MODEL: HeaderName = HeaderName::from_static("vane-model");
const COST: HeaderName = HeaderName::from_static("vane-cost");
const PROVIDER: HeaderName = HeaderName::from_static("vane-provider");
const DROPPED: HeaderName = HeaderName::from_static("vane-dropped");

/// Says who answered and what could not be carried there.
pub(super) fn identify(headers: &mut HeaderMap, choice: &Choice, notes: &Notes) {
    name(headers, PROVIDER, &choice.offer.provider.id);
    if !notes.is_empty() {
        name(headers, DROPPED, &notes.dropped().join(","));
    }
}

/// Sets a header to a text that may hold anything.
pub(super) fn name(headers: &mut HeaderMap, header: HeaderName, text: &str) {
    let clean = |text: &str| -> String {
        text.chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '_'
                }
            })
            .collect()
    };
    let value = HeaderValue::from_str(text).or_else(|_| HeaderValue::from_str(&clean(text)));
    if let Ok(value) = value {
        headers.insert(header, value);
    }
}

struct Both<'a> {
    meter: &'a mut Meter,
    answer: Answer,
}

impl Sink for Both<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.meter.hear(&event);
        self.answer.event(event);
    }
}

struct Encoding<'a> {
    encoder: &'a mut Encoder,
    frames: &'a mut Vec<u8>,
}

impl Sink for Encoding<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.encoder.push(&event, self.frames);
    }
}
