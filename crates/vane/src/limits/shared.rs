//! Limits that all replicas share, through a server that speaks the protocol of Valkey and Redis.
//!
//! What a replica lets through was counted at the server before: it draws a little ahead, in slices,
//! and serves from them without asking. While the server is away each replica holds its own share of
//! every limit, and for [`BELIEVED_AFTER`] after its return, until the server has seen a whole minute.
//! A thread of its own talks to the server; no call ever waits longer than `limits.shared_wait`.

mod address;
mod draw;
mod line;
pub mod resp;
mod script;
mod seats;

pub(super) use draw::{Draw, Fit};
pub(super) use seats::Seats;

use super::lane::Lane;
use crate::config::{Outbound, SharedLimits};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use vane_ledger::Clock;

/// What a window counts at the server leaves it after this long.
const BELIEVED_AFTER: Duration = Duration::from_secs(63);
/// Questions that wait to be sent: those of so many keys at once.
const QUESTIONS_MAX: usize = 1 << 16;

pub struct Shared {
    state: Arc<State>,
    questions: mpsc::Sender<Question>,
    wait: Duration,
}

/// What the thread and the calls both know.
struct State {
    clock: Clock,
    replicas_min: u64,
    is_connected: AtomicBool,
    /// Milliseconds of [`Clock::elapsed`] from which on the server's word counts.
    believed_from_ms: AtomicU64,
    /// How often the server was lost: what was drawn before is worth nothing.
    losses: AtomicU64,
    replicas: AtomicU64,
    asked: AtomicU64,
    unheard: AtomicU64,
    /// Why the server is away.
    trouble: Mutex<String>,
}

/// How limits hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Shared,
    Apart(Apart),
}

/// By a share of each limit for each replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Apart {
    pub(super) replicas: u64,
    /// The server is there and is told what passes.
    pub(super) tells: bool,
}

/// One process, which is asked by nobody what it lets through.
pub(super) const ALONE: Apart = Apart {
    replicas: 1,
    tells: false,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Requests,
    Tokens,
    Places,
}

pub(super) enum Question {
    Draw {
        lane: Arc<Lane>,
        about: Subject,
    },
    /// How many came in a span of time that has this name.
    Count {
        key: String,
        span_seconds: i64,
        /// Gone without a word where there is no answer.
        tell: Option<oneshot::Sender<u64>>,
    },
}

/// What the script of a limit per minute says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    granted: u64,
    remaining: u64,
    resets: Duration,
    wait: Duration,
    second: u64,
}

/// The server answered something else than it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonsense;

/// How shared limits stand, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFigures {
    pub is_shared: bool,
    pub replicas: u64,
    pub asked: u64,
    pub unheard: u64,
    /// What limits hold by now, in words.
    pub said: String,
}

impl Shared {
    /// Starts the thread, and waits a moment for the server; one that is away is only warned of.
    ///
    /// # Errors
    /// If there can be no thread, or a certificate authority cannot be read.
    pub fn start(
        limits: &SharedLimits,
        outbound: &Outbound,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let state = Arc::new(State {
            clock: clock.clone(),
            replicas_min: u64::from(limits.replicas),
            is_connected: AtomicBool::new(false),
            believed_from_ms: AtomicU64::new(u64::MAX),
            losses: AtomicU64::new(0),
            replicas: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            unheard: AtomicU64::new(0),
            trouble: Mutex::default(),
        });
        let (tell, told) = std::sync::mpsc::channel();
        line::start(limits, outbound, state.clone(), asked, tell)?;
        // Whatever came of it stands in the state.
        let _ = told.recv_timeout(limits.start);
        Ok(Self {
            state,
            questions,
            wait: limits.wait,
        })
    }

    pub(super) fn mode(&self, now: Duration) -> Mode {
        self.state.mode(now)
    }

    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    pub(super) fn losses(&self) -> u64 {
        self.state.losses.load(Relaxed)
    }

    /// How limits hold for a call that has waited long enough.
    pub(super) fn unheard(&self) -> Apart {
        self.state.unheard.fetch_add(1, Relaxed);
        self.state.apart()
    }

    pub(super) fn is_told(&self) -> bool {
        self.state.is_connected.load(Relaxed)
    }

    pub(super) fn now(&self) -> Duration {
        self.state.clock.elapsed()
    }

    pub(super) fn ask(&self, lane: &Arc<Lane>, about: Subject) {
        let question = Question::Draw {
            lane: lane.clone(),
            about,
        };
        if self.questions.try_send(question).is_err() {
            lane.unasked(about);
        }
    }

    /// Counts one more of a name at the server, and says how many that makes; nothing where the
    /// server says nothing in time.
    pub(super) async fn count(&self, key: String, span_seconds: i64) -> Option<u64> {
        let (tell, told) = oneshot::channel();
        let question = Question::Count {
            key,
            span_seconds,
            tell: Some(tell),
        };
        self.questions.try_send(question).ok()?;
        timeout(self.wait, told).await.ok()?.ok()
    }

    #[must_use]
    pub fn figures(&self) -> SharedFigures {
        let state = &self.state;
        let replicas = state.replicas();
        let is_shared = self.mode(state.clock.elapsed()) == Mode::Shared;
        let said = match (is_shared, state.is_connected.load(Relaxed)) {
            (true, _) => "shared".to_owned(),
            (false, true) => format!("by 1/{replicas} each, until a minute was counted together"),
            (false, false) => format!("by 1/{replicas} each: {}", state.trouble()),
        };
        SharedFigures {
            is_shared,
            replicas,
            asked: state.asked.load(Relaxed),
            unheard: state.unheard.load(Relaxed),
            said,
        }
    }
}

impl State {
    fn mode(&self, now: Duration) -> Mode {
        if millis(now) >= self.believed_from_ms.load(Relaxed) {
            return Mode::Shared;
        }
        Mode::Apart(self.apart())
    }

    fn apart(&self) -> Apart {
        Apart {
            replicas: self.replicas(),
            tells: self.is_connected.load(Relaxed),
        }
    }

    /// As many as were alive when the server was heard of last, and as the configuration says at
    /// least.
    fn replicas(&self) -> u64 {
        self.replicas.load(Relaxed).max(self.replicas_min).max(1)
    }

    fn trouble(&self) -> String {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server is there. At the first start it is believed at once: this process has let
    /// nothing through that it was not told of.
    fn found(&self) {
        let from = match self.losses() {
            0 => Duration::ZERO,
            _ => self.clock.elapsed() + BELIEVED_AFTER,
        };
        self.is_connected.store(true, Relaxed);
        self.believed_from_ms.store(millis(from), Relaxed);
        if self.losses() > 0 {
            let replicas = self.replicas();
            tracing::info!(replicas, "the server of shared limits is back");
        }
    }

    /// The server is away; said once until it is back.
    fn lost(&self, why: &str) {
        let was_connected = self.is_connected.swap(false, Relaxed);
        self.believed_from_ms.store(u64::MAX, Relaxed);
        why.clone_into(&mut self.trouble.lock().unwrap_or_else(PoisonError::into_inner));
        if was_connected || self.losses() == 0 {
            self.losses.fetch_add(1, Relaxed);
            let replicas = self.replicas();
            tracing::warn!(
                why,
                replicas,
                "the server of shared limits is away: each replica serves its part of every limit"
            );
        }
    }

    fn losses(&self) -> u64 {
        self.losses.load(Relaxed)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Verdict {
    /// Reads the five integers of the script.
    fn read(said: &[i64]) -> Result<Self, Nonsense> {
        let [granted, remaining, resets, wait, second] = *said else {
            return Err(Nonsense);
        };
        let count = |said: i64| u64::try_from(said).map_err(|_| Nonsense);
        let seconds = |said: i64| {
            let time = Duration::from_secs(count(said)?);
            if time <= BELIEVED_AFTER {
                Ok(time)
            } else {
                Err(Nonsense)
            }
        };
        Ok(Self {
            granted: count(granted)?,
            remaining: count(remaining)?,
            resets: seconds(resets)?,
            wait: seconds(wait)?,
            second: count(second)?,
        })
    }
}
