//! The life of one child, as the thread sees it that watches over it: loading, up, asked after now
//! and then, ended.
//!
//! Invariant: when the thread ends, so has the child, and the state says why there is none.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::child::{Child, Event};
use super::terms::Kept;
use crate::config::{Engine, Local};
use crate::engine::Word;

/// After a child failed for the first time; each time in a row twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_LONGEST: Duration = Duration::from_secs(60);
/// One that was up for so long has not failed in a row.
const STEADY: Duration = Duration::from_secs(60);
/// How long one that was let go may take to end.
const LAST_WORDS: Duration = Duration::from_secs(7);
/// How often one is asked how it is, unless its time to rest is shorter.
const ASKED_EVERY: Duration = Duration::from_secs(10);
const ASKED_EVERY_LEAST: Duration = Duration::from_millis(50);

/// How it stands with a model.
#[derive(Debug, Clone)]
pub(super) enum State {
    Resting,
    Starting,
    /// One is let go: calls wait until it is gone, so that there are never two.
    Ending,
    /// Another one has taken its place, for good.
    Retired,
    Up {
        socket: PathBuf,
        process: u32,
    },
    /// The last child failed, and so many in a row.
    Failed {
        why: String,
        times: u32,
        until: Instant,
    },
}

impl State {
    /// After `before` failures in a row.
    pub(super) fn failed(why: String, before: u32) -> Self {
        let pause = PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(before.min(16)));
        Self::Failed {
            why,
            times: before.saturating_add(1),
            until: Instant::now() + pause.min(PAUSE_LONGEST),
        }
    }

    /// Becomes the state, unless that is the last one.
    pub(super) fn follow(self, before: &watch::Sender<Self>) {
        before.send_if_modified(|state| {
            let goes_on = !matches!(state, Self::Retired);
            if goes_on {
                *state = self;
            }
            goes_on
        });
    }
}

/// What a life is lived by.
pub(super) struct Life {
    pub(super) local: Local,
    pub(super) engine: Engine,
    pub(super) terms: Arc<Kept>,
    pub(super) state: watch::Sender<State>,
    /// In a row, before it.
    pub(super) failures: u32,
}

/// Why there is no child any more.
enum End {
    /// It was let go.
    Rest,
    Failure(String),
}

impl Life {
    pub(super) fn live(self, heard: Sender<Event>, events: &Receiver<Event>) {
        let model = &*self.local.id;
        let mut up_since = None;
        let end = match Child::start(&self.engine, &self.local.orders, heard) {
            Ok(child) => self.watch(child, events, &mut up_since),
            Err(error) => End::Failure(format!("its process cannot be started: {error}")),
        };
        let state = match end {
            End::Rest => {
                tracing::info!(model, "a local model was unloaded");
                State::Resting
            }
            End::Failure(why) => {
                let steady = up_since.is_some_and(|up: Instant| up.elapsed() >= STEADY);
                let failures = if steady { 0 } else { self.failures };
                tracing::warn!(model, failures, why, "a local model ended");
                State::failed(why, failures)
            }
        };
        state.follow(&self.state);
    }

    fn watch(&self, child: Child, events: &Receiver<Event>, up_since: &mut Option<Instant>) -> End {
        if let Err(end) = self.load(events) {
            return match end {
                End::Failure(why) => End::Failure(why),
                End::Rest => dismiss(child, events),
            };
        }
        *up_since = Some(Instant::now());
        tracing::info!(model = %self.local.id, process = child.id(), "a local model is up");
        let up = State::Up {
            socket: child.socket().to_owned(),
            process: child.id(),
        };
        up.follow(&self.state);
        loop {
            match events.recv_timeout(self.asked_every()) {
                Ok(Event::Said(_)) => {}
                Ok(Event::Stop) => return dismiss(child, events),
                Ok(Event::Retire(drain)) => return retire(child, events, drain),
                Ok(Event::Gone) | Err(RecvTimeoutError::Disconnected) => {
                    return End::Failure(format!("its process ended: {}", child.ended()));
                }
                Err(RecvTimeoutError::Timeout) => match self.ask_after(&child) {
                    Ok(false) => {}
                    Ok(true) => {
                        State::Ending.follow(&self.state);
                        return dismiss(child, events);
                    }
                    Err(why) => return End::Failure(why),
                },
            }
        }
    }

    /// Until it is up. As long as it says that it goes on, it may take its time.
    fn load(&self, events: &Receiver<Event>) -> Result<(), End> {
        loop {
            let deadline = self.terms.get().deadline;
            let why = match events.recv_timeout(deadline) {
                Ok(Event::Said(Word::Ready)) => return Ok(()),
                Ok(Event::Said(Word::Opening { .. } | Word::Is(_))) => continue,
                Ok(Event::Said(Word::Fell(why))) => {
                    let model = &*self.local.id;
                    tracing::info!(
                        model,
                        why,
                        "no device for a local model; it runs on the CPU"
                    );
                    continue;
                }
                Ok(Event::Said(Word::Refused(why))) => format!("its model cannot be run: {why}"),
                // Nobody has asked it anything yet.
                Ok(Event::Stop | Event::Retire(_)) => return Err(End::Rest),
                Ok(Event::Gone) | Err(RecvTimeoutError::Disconnected) => {
                    "its process ended before its model was loaded".to_owned()
                }
                Err(RecvTimeoutError::Timeout) => {
                    format!("its process said nothing for {deadline:?} while it loaded")
                }
            };
            return Err(End::Failure(why));
        }
    }

    /// Whether nobody has asked it anything for so long that it may rest.
    fn ask_after(&self, child: &Child) -> Result<bool, String> {
        let terms = self.terms.get();
        let health = child.health(terms.deadline);
        let health = health.map_err(|error| format!("its process does not answer: {error}"))?;
        Ok(Duration::from_millis(health.quiet_ms) >= terms.idle)
    }

    fn asked_every(&self) -> Duration {
        let part = self.terms.get().idle / 4;
        part.clamp(ASKED_EVERY_LEAST, ASKED_EVERY)
    }
}

/// Lets a child end with its answers, or makes it.
fn retire(mut child: Child, events: &Receiver<Event>, drain: Duration) -> End {
    let until = Instant::now() + drain;
    let mut waits = child.retire().is_ok();
    while waits {
        let left = until.saturating_duration_since(Instant::now());
        match events.recv_timeout(left) {
            Ok(Event::Said(_) | Event::Retire(_)) => {}
            Ok(Event::Gone) => return End::Rest,
            Ok(Event::Stop) | Err(_) => waits = false,
        }
    }
    dismiss(child, events)
}

/// Lets a child end by itself, or makes it.
fn dismiss(mut child: Child, events: &Receiver<Event>) -> End {
    child.dismiss();
    let until = Instant::now() + LAST_WORDS;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match events.recv_timeout(left) {
            Ok(Event::Said(_) | Event::Stop | Event::Retire(_)) => {}
            // Whatever it does not do in time is done to it, when it is dropped.
            Ok(Event::Gone) | Err(_) => return End::Rest,
        }
    }
}
