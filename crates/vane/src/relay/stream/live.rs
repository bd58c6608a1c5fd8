//! One upstream's stream, from its head on.

use super::super::dispatch::{Asked, Walk};
use super::super::encode;
use super::super::meter::{Basis, Begun, Meter};
use super::super::plan::{self, Choice};
use super::super::receipt;
use super::super::reply::Response;
use super::super::settle::Record;
use super::super::splice;
use super::super::whole;
use crate::config::Timeouts;
use crate::upstream::{Body as UpstreamBody, Trials};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::task::{Context, Poll, ready};
use vane_dialect::codec::{self, Cut, Decoder, Encoder, Seen};
use vane_dialect::frame::sse::{Frame, Splitter};
use vane_dialect::{Dialect, Event, Fault, Notes, Sink, Stop};

pub(in super::super) struct LiveStream {
    pub(super) choice: Choice,
    pub(super) trials: Trials,
    notes: Notes,
    upstream: UpstreamBody,
    splitter: Splitter,
    /// Bytes of all frames so far, and the most of them.
    taken: usize,
    most: usize,
    decoder: Decoder,
    pub(super) meter: Meter,
    way: Way,
    out: VecDeque<Bytes>,
    /// The client asked for counts, in a dialect where it must.
    shows_usage: bool,
    /// Tokens that may have been written by the frames that are told.
    paid: u64,
    /// Frames have come that are not paid for.
    paused: bool,
    /// The dialect's last frame was seen: what comes after it is not for the client.
    last_seen: bool,
    /// What went wrong behind content that the client has yet to get.
    broken: Option<Fault>,
    /// When the call began: the instant whose rates price it.
    priced_at: i64,
    basis: Basis,
}

/// How answer bytes reach the client.
enum Way {
    /// As they are. `hide_usage`: the client did not ask for the usage chunk.
    Forward { hide_usage: bool, usage_seen: bool },
    Translate {
        encoder: Box<Encoder>,
        buffer: Vec<u8>,
    },
}

/// What came of reading on.
pub(super) enum Step {
    /// Bytes for the client may have come.
    More,
    /// The answer is whole.
    End,
}

impl LiveStream {
    pub(in super::super) fn new(walk: &Walk, asked: Asked) -> Result<Self, Fault> {
        let door = walk.call.dialect();
        let encoded = asked.response.headers().get(http::header::CONTENT_ENCODING);
        if encoded.is_some_and(|value| value != "identity") {
            return Err(Fault::protocol(
                "the upstream compressed a stream though asked not to",
            ));
        }
        let way = if door == asked.choice.dialect && !asked.asked.renames() {
            let hide_usage = encode::hides_usage(&walk.call);
            Way::Forward {
                hide_usage,
                usage_seen: false,
            }
        } else {
            let reply = whole::reply(walk, &asked.choice.offer.provider.id)?;
            let encoder = Box::new(Encoder::new(door, reply)?);
            Way::Translate {
                encoder,
                buffer: Vec::new(),
            }
        };
        let basis = receipt::basis(&walk.call, &walk.plan, &asked.choice)?;
        let limits = &walk.state.config.limits;
        let mut meter = Meter::default();
        // How it began is said again where it is cut.
        meter.begun = walk.plan.slice.map(|_| Begun::default());
        Ok(Self {
            decoder: Decoder::new(asked.choice.dialect, asked.asked)?,
            choice: asked.choice,
            trials: asked.trials,
            notes: asked.notes,
            upstream: asked.response.into_body(),
            splitter: Splitter::new(limits.frame_bytes_max),
            taken: 0,
            most: limits.answer_bytes_max.saturating_mul(FRAMED),
            meter,
            shows_usage: walk.call.include_usage,
            paid: walk.plan.slice.map_or(u64::MAX, |slice| slice.reach()),
            paused: false,
            way,
            out: VecDeque::new(),
            last_seen: false,
            broken: None,
            priced_at: walk.began,
            basis,
        })
    }

    /// Reads until there is content, so that a failure before it can be tried elsewhere.
    pub(in super::super) async fn prime(&mut self, timeouts: &Timeouts) -> Result<(), Fault> {
        while !self.meter.content && self.meter.stop.is_none() && !self.last_seen {
            let step = std::future::poll_fn(|cx| self.poll_step(cx));
            match tokio::time::timeout(timeouts.idle, step).await {
                Ok(Ok(Step::More)) => {}
                Ok(Ok(Step::End)) => return Ok(()),
                // Past the point of no return, whatever else came with the content.
                Ok(Err(fault)) if self.meter.content => {
                    self.broken = Some(fault);
                    return Ok(());
                }
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(stalled(timeouts.idle)),
            }
        }
        Ok(())
    }

    pub(in super::super) fn head(&self, walk: &Walk) -> Response {
        let mut response = super::head(&walk.call);
        whole::identify(response.headers_mut(), &self.choice, &self.notes);
        response
    }

    /// The next bytes that are ready for the client, joined if there are several.
    pub(super) fn take_out(&mut self) -> Option<Bytes> {
        let first = self.out.pop_front()?;
        if self.out.is_empty() {
            return Some(first);
        }
        let mut joined = BytesMut::from(first);
        self.out
            .drain(..)
            .for_each(|bytes| joined.extend_from_slice(&bytes));
        Some(joined.freeze())
    }

    /// Reads what the upstream has and decodes it.
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, Fault>> {
        let step = ready!(self.poll_read(cx));
        Poll::Ready(step.map_err(|fault| self.choice.offer.provider.mask.fault(fault)))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, Fault>> {
        if let Some(fault) = self.broken.take() {
            return Poll::Ready(Err(fault));
        }
        if std::mem::take(&mut self.paused) {
            return Poll::Ready(self.read_on().map(|()| Step::More));
        }
        let chunk = match ready!(self.upstream.poll_data(cx)) {
            Some(Ok(chunk)) => chunk,
            Some(Err(_)) if self.last_seen => return Poll::Ready(Ok(Step::End)),
            Some(Err(error)) => {
                return Poll::Ready(Err(Fault::protocol(format!(
                    "the upstream's stream broke: {error}"
                ))));
            }
            None => return Poll::Ready(self.ended().map(|()| Step::End)),
        };
        if self.last_seen {
            return Poll::Ready(Ok(Step::More));
        }
        Poll::Ready(self.take(chunk).map(|()| Step::More))
    }

    /// Frames up to so many tokens may be told.
    pub(super) const fn pay(&mut self, tokens: u64) {
        self.paid = tokens;
    }

    fn take(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.splitter.push(chunk).map_err(|long| {
            Fault::protocol(format!(
                "the upstream sent a frame of more than {} bytes",
                long.limit
            ))
        })?;
        self.read_on()
    }

    /// Reads the frames that have come, as far as they are paid for.
    fn read_on(&mut self) -> Result<(), Fault> {
        let mut run = None;
        let taken = self.frames(&mut run);
        // What was whole before a fault is still the client's.
        self.forward(run);
        self.splitter.release();
        self.flush_translated();
        taken
    }

    /// Decodes whole frames; consecutive ones that need no edit go out as one slice, `run`.
    fn frames(&mut self, run: &mut Option<std::ops::Range<usize>>) -> Result<(), Fault> {
        while let Some(range) = self.splitter.next_frame() {
            self.count(range.len())?;
            let said = self.splitter.buffer().slice(range.clone());
            let bytes = self.choice.offer.provider.mask.bytes(said.clone());
            let is_masked = bytes.as_ptr() != said.as_ptr();
            let frame = Frame::parse(&bytes);
            if frame.data.is_none() {
                self.forward(run.take());
                continue;
            }
            let seen = self.decode(&frame)?;
            self.meter.is_counted = self.decoder.has_last_counts();
            self.meter.output_bytes += seen.others_bytes;
            let data = frame.data.as_deref().unwrap_or_default();
            let usage = seen.usage.clone().and_then(|range| data.get(range));
            self.meter.read_reported(self.choice.offer.quirks, usage);
            match self.preceded(&frame, &bytes, &seen) {
                Edit::Keep if is_masked => {
                    self.forward(run.take());
                    self.out.push_back(bytes);
                }
                Edit::Keep => match run {
                    Some(run) => run.end = range.end,
                    None => *run = Some(range),
                },
                Edit::Replace(edited) => {
                    self.forward(run.take());
                    self.out.extend(edited);
                }
            }
            if seen.last {
                self.last_seen = true;
                break;
            }
            if self.meter.tokens_at_most() >= self.paid {
                self.paused = true;
                break;
            }
        }
        Ok(())
    }

    /// Takes a frame of so many bytes into the account: translations keep what has come, so that an
    /// answer without an end would fill the memory.
    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.taken = self.taken.saturating_add(bytes);
        match self.taken > self.most {
            true => Err(whole::too_long(self.most)),
            false => Ok(()),
        }
    }

    fn decode(&mut self, frame: &Frame<'_>) -> Result<Seen, Fault> {
        match &mut self.way {
            Way::Forward { .. } => self.decoder.push(frame, &mut self.meter),
            Way::Translate { encoder, buffer } => {
                let meter = &mut self.meter;
                self.decoder.push(
                    frame,
                    &mut Both {
                        meter,
                        encoder,
                        buffer,
                    },
                )
            }
        }
    }

    /// What becomes of a frame on the byte path, and of one that is missing before it.
    fn preceded(&mut self, frame: &Frame<'_>, bytes: &Bytes, seen: &Seen) -> Edit {
        let edit = self.edited(frame, bytes, seen);
        if seen.before.is_empty() {
            return edit;
        }
        let frame = match edit {
            Edit::Keep => bytes.clone(),
            Edit::Replace(Some(edited)) => edited,
            Edit::Replace(None) => return edit,
        };
        let mut both = BytesMut::from(seen.before.as_bytes());
        both.extend_from_slice(&frame);
        Edit::Replace(Some(both.freeze()))
    }

    fn edited(&mut self, frame: &Frame<'_>, bytes: &Bytes, seen: &Seen) -> Edit {
        let Way::Forward {
            hide_usage,
            usage_seen,
        } = &mut self.way
        else {
            return Edit::Replace(None);
        };
        if seen.usage_only && *hide_usage {
            return Edit::Replace(None);
        }
        // Counts that only begin (Anthropic's `message_start`) are not yet a cost.
        let final_counts = frame.event != b"message_start";
        let place = seen
            .usage
            .as_ref()
            .zip(frame.data_at)
            .filter(|_| final_counts);
        let amended = match frame.data_at {
            Some(at) if !seen.amends.is_empty() => Some(splice::amended(bytes, at, &seen.amends)),
            _ => None,
        };
        if place.is_none() && (!seen.last || *usage_seen) {
            return Edit::unpriced(amended);
        }
        *usage_seen = true;
        let Some(cost) = self.cost() else {
            return Edit::unpriced(amended);
        };
        let bytes = amended.as_ref().unwrap_or(bytes);
        let edited = match place {
            Some((usage, at)) => {
                let start = at + splice::moved(&seen.amends, usage.start);
                splice::with_cost(bytes, start..start + usage.len(), &cost)
            }
            None => {
                // No blank line: to the SDK for Go one after a comment alone is an event without data.
                let mut out = BytesMut::from(format!(": vane-cost={cost}\n").as_bytes());
                out.extend_from_slice(bytes);
                out.freeze()
            }
        };
        Edit::Replace(Some(edited))
    }

    fn cost(&self) -> Option<String> {
        let counts = self.meter.counts(&self.basis);
        let offer = &self.choice.offer;
        // It is said where the answer is settled.
        let cost = plan::cost(offer, &counts.usage, self.priced_at, |_| {});
        Some(cost.ok()?.total.to_string())
    }

    fn forward(&mut self, run: Option<std::ops::Range<usize>>) {
        if let Some(run) = run {
            self.out.push_back(self.splitter.buffer().slice(run));
        }
    }

    fn flush_translated(&mut self) {
        if let Way::Translate { buffer, .. } = &mut self.way
            && !buffer.is_empty()
        {
            self.out.push_back(std::mem::take(buffer).into());
        }
    }

    /// The upstream closed its stream.
    fn ended(&mut self) -> Result<(), Fault> {
        let rest = self.splitter.rest();
        if !self.last_seen && rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
            // A last frame without its blank line.
            self.take(Bytes::from_static(b"\n\n"))?;
        }
        match &mut self.way {
            Way::Forward { .. } => self.decoder.finish(&mut self.meter),
            Way::Translate { encoder, buffer } => {
                let meter = &mut self.meter;
                self.decoder.finish(&mut Both {
                    meter,
                    encoder,
                    buffer,
                })
            }
        }
    }

    /// The answer is whole: writes the last frames of a translation, with the cost.
    pub(super) fn finish(&mut self, record: &mut Record) {
        let cost = record.meter(&self.meter).map(|cost| cost.to_string());
        if let Way::Translate { encoder, buffer } = &mut self.way {
            encoder.finish(cost.as_deref(), buffer);
        }
        self.flush_translated();
    }

    /// Ends the answer here, as one that reached its limit: for `why` there is no more of it.
    pub(super) fn cut(&mut self, why: &str, paid: u64, record: &mut Record) {
        self.basis.output_max = self.basis.output_max.min(paid);
        record.paid(paid);
        let cost = record.meter(&self.meter).map(|cost| cost.to_string());
        let usage = self.meter.counts(&self.basis).usage;
        let open = self.meter.open.take();
        self.flush_translated();
        let mut end = format!(": vane-stopped={why}\n").into_bytes();
        match &mut self.way {
            Way::Forward { .. } => {
                let begun = self.meter.begun.take().unwrap_or_default();
                let cut = Cut {
                    id: &begun.id,
                    model: &begun.model,
                    created: begun.created,
                    open,
                    usage: &usage,
                    cost: cost.as_deref(),
                    shows_usage: self.shows_usage,
                };
                codec::encode_stream_cut(self.choice.dialect, &cut, &mut end);
            }
            Way::Translate { encoder, .. } => {
                if let Some(index) = open {
                    encoder.push(&Event::Close { index }, &mut end);
                }
                encoder.push(&Event::Usage(usage), &mut end);
                encoder.push(&Event::Finish(Stop::MaxOutput), &mut end);
                encoder.finish(cost.as_deref(), &mut end);
            }
        }
        self.out.push_back(end.into());
    }

    /// The answer broke: tells the client so in its own dialect.
    pub(super) fn fail(&mut self, fault: &Fault, door: Dialect, request_id: &str) {
        match &mut self.way {
            Way::Forward { .. } => {
                let mut bytes = Vec::new();
                codec::encode_stream_fault(door, fault, request_id, &mut bytes);
                self.out.push_back(bytes.into());
            }
            Way::Translate { encoder, buffer } => encoder.fault(fault, buffer),
        }
        self.flush_translated();
    }

    /// Whether all that came of the answer was given away.
    pub(super) fn has_given_all(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether nothing is missing of the answer but the upstream's closing.
    pub(super) const fn is_whole(&self) -> bool {
        self.last_seen
    }

    /// Whether the upstream said why it ended, though frames may be left.
    pub(super) const fn has_stopped(&self) -> bool {
        self.last_seen || self.meter.stop.is_some() || self.decoder.has_stop()
    }

    /// Whether the client has all it came for: the stop and its counts.
    pub(super) fn is_told(&self) -> bool {
        let is_counted = self.last_seen || self.meter.usage.is_some();
        self.out.is_empty() && self.has_stopped() && is_counted
    }
}

impl LiveStream {
    /// Reads the upstream's closing off the connection, so that it can be used again.
    pub(super) fn drain(self) {
        if self.upstream.is_end() {
            return;
        }
        let mut upstream = self.upstream;
        tokio::spawn(async move {
            let closing = async { while upstream.data().await.is_some_and(|data| data.is_ok()) {} };
            let _ = tokio::time::timeout(CLOSING, closing).await;
        });
    }
}

/// A stream may have so many times the bytes of a whole answer: every token has a frame around it.
const FRAMED: usize = 4;

/// How long an upstream may take to close a stream whose last frame it sent.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) fn stalled(idle: std::time::Duration) -> Fault {
    use vane_dialect::fault::{Blame, Kind};
    Fault::new(
        Kind::Timeout,
        Blame::Upstream,
        format!("the upstream sent nothing for {idle:?}"),
    )
}

enum Edit {
    Keep,
    /// This instead; `None`: nothing.
    Replace(Option<Bytes>),
}

impl Edit {
    /// Of a frame that no cost goes into.
    fn unpriced(amended: Option<Bytes>) -> Self {
        amended.map_or(Self::Keep, |amended| Self::Replace(Some(amended)))
    }
}

/// Hears events for the meter and passes them to the encoder.
struct Both<'a> {
    meter: &'a mut Meter,
    encoder: &'a mut Encoder,
    buffer: &'a mut Vec<u8>,
}

impl Sink for Both<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.meter.hear(&event);
        self.encoder.push(&event, self.buffer);
    }
}
