//! The body of a streamed answer: what the client's connection pulls on.
//!
//! It begins with a live stream, or, when the head had to be sent early, with the attempts that
//! are still looking for one. It keeps silent connections alive, enforces deadlines and ends the
//! record: at the last frame, at a fault, or when it is dropped because the client left.

use super::super::decode::RawCall;
use super::super::dispatch::{Reached, Walk};
use super::super::settle::{Outcome, Record};
use super::super::slice::{Paid, Slices, Spent};
use super::super::whole;
use super::live::{LiveStream, Step, stalled};
use crate::config::Timeouts;
use crate::gateway::State;
use bytes::Bytes;
use http::header::USER_AGENT;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use vane_dialect::codec::{self, Encoder};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault};
use vane_ledger::Settling;
use vane_ledger::journal::{DiskError, Position};

type Reaching = Pin<Box<dyn Future<Output = (Result<Reached, Fault>, Record)> + Send>>;

pub struct Streaming {
    /// Of the walk only this is kept once there is content: its body may be large.
    state: Arc<State>,
    door: Dialect,
    ping: &'static [u8],
    request_id: String,
    stage: Stage,
    record: Record,
    /// When bytes last came from the upstream.
    heard: Instant,
    /// When bytes last went to the client.
    told: Instant,
    began: Instant,
    /// One timer for keep-alive and all deadlines; it is looked at, not reset, for every chunk.
    timer: Pin<Box<Sleep>>,
    /// Where the answer is paid for as it comes.
    slices: Option<Slices>,
    /// How the call ends, if nothing breaks.
    outcome: Outcome,
    /// The answer is whole and settled.
    done: bool,
}

enum Stage {
    Reaching(Arc<Walk>, Reaching),
    Live(Box<LiveStream>),
    /// Only these bytes are left, to be told once the call is settled.
    Settling(Settling, Bytes),
    /// Only these bytes are left.
    Rest(Bytes),
    Over,
}

impl Streaming {
    pub(in super::super) fn live(walk: &Walk, live: LiveStream, mut record: Record) -> Self {
        record.first_content();
        Self::new(walk, Stage::Live(Box::new(live)), record)
    }

    pub(in super::super) fn reaching(
        walk: &Arc<Walk>,
        reaching: impl Future<Output = (Result<Reached, Fault>, Record)> + Send + 'static,
    ) -> Self {
        let stage = Stage::Reaching(walk.clone(), Box::pin(reaching));
        Self::new(walk, stage, Record::none())
    }

    /// An answer that is whole already.
    pub(in super::super) fn settling(walk: &Walk, bytes: Bytes, record: Record) -> Self {
        let mut streaming = Self::new(walk, Stage::Over, record);
        streaming.settle(bytes);
        streaming
    }

    /// An answer that tells of a failure, and of nothing else.
    pub(in super::super) fn failed(walk: &Walk, fault: &Fault, mut record: Record) -> Self {
        record.end(Outcome::Refused, 200, Some(fault));
        let stage = Stage::Rest(unbegun(walk, fault).into());
        Self::new(walk, stage, Record::none())
    }

    fn new(walk: &Walk, stage: Stage, record: Record) -> Self {
        let now = Instant::now();
        let first = deadline(&walk.state.config.timeouts, now, now, now);
        let timer = Box::pin(tokio::time::sleep_until(first));
        Self {
            state: walk.state.clone(),
            door: walk.call.dialect(),
            ping: ping(&walk.call),
            request_id: walk.call.request_id.clone(),
            stage,
            record,
            heard: now,
            told: now,
            began: now,
            timer,
            slices: walk.plan.slice.map(Slices::new),
            outcome: Outcome::Done,
            done: false,
        }
    }

    /// Once all was told: whether that was the whole answer, settled.
    pub(in super::super) fn ended(&self) -> Option<bool> {
        matches!(self.stage, Stage::Over).then_some(self.done)
    }

    pub(in super::super) fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let polled = match &mut self.stage {
                Stage::Over => return Poll::Ready(None),
                Stage::Rest(bytes) => {
                    let bytes = std::mem::take(bytes);
                    self.stage = Stage::Over;
                    return Poll::Ready(Some(bytes).filter(|bytes| !bytes.is_empty()));
                }
                Stage::Reaching(walk, reaching) => match reaching.as_mut().poll(cx) {
                    Poll::Ready((reached, record)) => {
                        let walk = walk.clone();
                        self.reached(&walk, reached, record);
                        continue;
                    }
                    Poll::Pending => Poll::Pending,
                },
                Stage::Live(live) => {
                    match poll_paid(&mut self.slices, cx, live, &mut self.record) {
                        Paid::Soon => Poll::Pending,
                        Paid::No(spent) => {
                            self.stop(spent);
                            continue;
                        }
                        // The last frame is told only when the call is settled.
                        Paid::Yes if live.is_whole() => {
                            self.finish();
                            continue;
                        }
                        Paid::Yes => {
                            if let Some(bytes) = live.take_out() {
                                self.told = Instant::now();
                                return Poll::Ready(Some(bytes));
                            }
                            live.poll_step(cx)
                        }
                    }
                }
                Stage::Settling(settling, bytes) => {
                    let settled = ready!(Pin::new(settling).poll(cx));
                    let bytes = std::mem::take(bytes);
                    self.settled(settled, bytes);
                    continue;
                }
            };
            match polled {
                Poll::Ready(Ok(Step::More)) => {
                    self.heard = Instant::now();
                    // Behind a slow reader there is always more, and the timer is never looked at.
                    if let Some(fault) = self.overdue(self.heard) {
                        self.fail(&fault);
                    }
                }
                Poll::Ready(Ok(Step::End)) => self.finish(),
                Poll::Ready(Err(fault)) => self.fail(&fault),
                Poll::Pending => match self.poll_timer(cx) {
                    Poll::Ready(Ok(ping)) => return Poll::Ready(Some(ping)),
                    Poll::Ready(Err(fault)) => self.fail(&fault),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// All that was given has been taken by the client's socket.
    pub(in super::super) fn delivered(&mut self) {
        if let Stage::Live(live) = &self.stage
            && live.has_given_all()
        {
            self.record.told(&live.meter);
        }
    }

    fn reached(&mut self, walk: &Walk, reached: Result<Reached, Fault>, record: Record) {
        self.record = record;
        self.heard = Instant::now();
        match reached {
            Ok(Reached::Stream(live)) => {
                self.record.first_content();
                self.stage = Stage::Live(live);
            }
            Ok(Reached::Whole(answer)) => match answer.stream_bytes(walk, &mut self.record) {
                Ok(bytes) => self.settle(bytes),
                Err(fault) => {
                    self.record.undelivered();
                    self.fail(&fault);
                }
            },
            Err(fault) => self.fail(&fault),
        }
    }

    /// The answer is whole. Its settlement comes before its last bytes.
    fn finish(&mut self) {
        let Stage::Live(mut live) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        live.finish(&mut self.record);
        let bytes = live.take_out().unwrap_or_default();
        live.drain();
        self.settle(bytes);
    }

    /// There is no more money for the answer: it ends here, and its upstream is closed.
    fn stop(&mut self, spent: Spent) {
        let Stage::Live(mut live) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        let paid = self.slices.as_ref().map_or(u64::MAX, Slices::reach);
        live.cut(spent.name(), paid, &mut self.record);
        self.outcome = Outcome::Stopped;
        let bytes = live.take_out().unwrap_or_default();
        drop(live);
        self.settle(bytes);
    }

    /// Settles an answer that ends with these bytes.
    fn settle(&mut self, bytes: Bytes) {
        if self.slices.is_some() {
            self.record.cover();
        }
        match self.record.settle(self.outcome) {
            Ok(Some(settling)) => self.stage = Stage::Settling(settling, bytes),
            Ok(None) => self.settled(Ok(Position::START), bytes),
            Err(fault) => self.unsettled(&fault),
        }
    }

    fn settled(&mut self, settled: Result<Position, DiskError>, bytes: Bytes) {
        match settled {
            Ok(_) => {
                self.record.end(self.outcome, 200, None);
                self.done = self.outcome == Outcome::Done;
                self.stage = Stage::Rest(bytes);
            }
            Err(error) => self.unsettled(&whole::unrecorded(&error)),
        }
    }

    /// The end of an answer that cannot be recorded is not told.
    fn unsettled(&mut self, fault: &Fault) {
        self.stage = Stage::Over;
        self.fail(fault);
    }

    fn fail(&mut self, fault: &Fault) {
        let (door, id) = (self.door, &self.request_id);
        let bytes = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Live(mut live) => {
                let _ = self.record.meter(&live.meter);
                live.choice.offer.bench(live.trials, fault);
                live.fail(fault, door, id);
                live.take_out().unwrap_or_default()
            }
            Stage::Reaching(walk, _) => unbegun(&walk, fault).into(),
            Stage::Settling(..) | Stage::Rest(_) | Stage::Over => {
                let mut bytes = Vec::new();
                codec::encode_stream_fault(door, fault, id, &mut bytes);
                bytes.into()
            }
        };
        self.record.end(Outcome::Broken, 200, Some(fault));
        self.stage = Stage::Rest(bytes);
    }

    fn overdue(&self, now: Instant) -> Option<Fault> {
        let limit = self.state.config.timeouts.stream;
        (now - self.began >= limit).then(|| {
            let message = format!("the stream took longer than {limit:?}");
            Fault::new(Kind::Timeout, Blame::Upstream, message)
        })
    }

    /// Called when there is nothing to read: a keep-alive, a deadline, or neither yet.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Fault>> {
        let timeouts = &self.state.config.timeouts;
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if let Some(fault) = self.overdue(now) {
                return Poll::Ready(Err(fault));
            }
            // While attempts are still looking, they have deadlines of their own.
            if matches!(self.stage, Stage::Live(_)) && now - self.heard >= timeouts.idle {
                return Poll::Ready(Err(stalled(timeouts.idle)));
            }
            let silent = now - self.told >= timeouts.keep_alive;
            if silent {
                self.told = now;
            }
            let next = deadline(timeouts, self.told, self.heard, self.began);
            self.timer.as_mut().reset(next);
            if silent {
                return Poll::Ready(Ok(Bytes::from_static(self.ping)));
            }
        }
        Poll::Pending
    }
}

/// A failure where nothing of an answer was told yet: some clients demand its beginning even then.
fn unbegun(walk: &Walk, fault: &Fault) -> Vec<u8> {
    let (door, id) = (walk.call.dialect(), &walk.call.request_id);
    let mut bytes = Vec::new();
    match whole::reply(walk, "").and_then(|reply| Encoder::new(door, reply)) {
        Ok(mut encoder) => encoder.fault(fault, &mut bytes),
        Err(_) => codec::encode_stream_fault(door, fault, id, &mut bytes),
    }
    bytes
}

/// Whether what has come may be told.
fn poll_paid(
    slices: &mut Option<Slices>,
    cx: &mut Context<'_>,
    live: &mut LiveStream,
    record: &mut Record,
) -> Paid {
    let Some(slices) = slices.as_mut().filter(|slices| slices.is_due(&live.meter)) else {
        return Paid::Yes;
    };
    let mut paid = slices.poll_paid(cx, &live.meter, record);
    if matches!(paid, Paid::No(_)) && live.has_stopped() {
        slices.end();
        paid = Paid::Yes;
    }
    live.pay(slices.reach());
    paid
}

/// When the timer is looked at next: at the earliest of all that may be due.
fn deadline(timeouts: &Timeouts, told: Instant, heard: Instant, began: Instant) -> Instant {
    let keep_alive = told + timeouts.keep_alive;
    keep_alive
        .min(heard + timeouts.idle)
        .min(began + timeouts.stream)
        .max(Instant::now() + TICK)
}

/// The timer never spins: deadlines are met to this precision.
const TICK: Duration = Duration::from_millis(1);

/// What keeps this client's stream alive. OpenAI's SDK for Go takes the blank line after a comment
/// for an event without data and fails: for it the comment is one of the next frame. Others read
/// blocks between blank lines, and would throw that frame away with its comment.
fn ping(call: &RawCall) -> &'static [u8] {
    let agent = call.headers.get(USER_AGENT);
    let is_go = agent.is_some_and(|agent| agent.as_bytes().starts_with(b"OpenAI/Go"));
    match call.dialect() {
        Dialect::AnthropicMessages => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
        _ if is_go => b": ping\n",
        _ => b": ping\n\n",
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        match &self.stage {
            Stage::Live(live) => {
                let _ = self.record.meter(&live.meter);
                // A client that closes after the stop and the counts has its whole answer.
                if live.is_told() {
                    self.record.end(Outcome::Done, 200, None);
                }
            }
            Stage::Settling(..) => self.record.end(self.outcome, 200, None),
            Stage::Reaching(..) | Stage::Rest(_) | Stage::Over => {}
        }
    }
}
