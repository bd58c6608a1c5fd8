//! One model and its children, one after the other: the first call begins one, later calls are
//! connected to it.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::UnixStream;
use tokio::sync::watch;

use super::child::Event;
use super::life::{Life, State};
use super::terms::{Kept, Terms};
use crate::config::{Engine, Local};

/// A call waits that long for a pause to end, rather than be turned away.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct Runner {
    local: Local,
    engine: Engine,
    /// The newest, whatever stood in the configuration at its beginning.
    terms: Arc<Kept>,
    state: watch::Sender<State>,
    /// To the thread that watches the child, while there is one.
    watcher: Mutex<Option<Sender<Event>>>,
}

impl Runner {
    pub(super) fn new(local: Local, engine: Engine) -> Self {
        Self {
            terms: Arc::new(Kept::new(Terms::of(&local, &engine))),
            local,
            engine,
            state: watch::Sender::new(State::Resting),
            watcher: Mutex::default(),
        }
    }

    /// Whether a child of these would be the same: what its keeper alone heeds is of no account.
    pub(super) fn runs_as(&self, local: &Local, engine: &Engine) -> bool {
        self.local.id == local.id
            && self.local.orders == local.orders
            && self.engine.program == engine.program
            && self.engine.libraries == engine.libraries
    }

    /// Goes on by these, with the child that there is.
    pub(super) fn follow(&self, local: &Local, engine: &Engine) {
        self.terms.set(Terms::of(local, engine));
    }

    /// Another one has taken its place. What its child answers may go on for so long.
    pub(super) fn retire(&self, drain: Duration) {
        // Who waits for its child goes to the other one rather than begin it again.
        self.state.send_replace(State::Retired);
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = watcher.take() {
            // Fails where the child has ended already.
            let _ = watcher.send(Event::Retire(drain));
        }
    }

    pub(super) fn process(&self) -> Option<u32> {
        match &*self.state.borrow() {
            State::Up { process, .. } => Some(*process),
            State::Resting
            | State::Starting
            | State::Ending
            | State::Retired
            | State::Failed { .. } => None,
        }
    }

    /// How long a call waits for a child to be up.
    pub(super) fn wait(&self) -> Duration {
        self.terms.get().wait
    }

    /// Waits for a child to be up, and connects to it, whose process is told. `None` where another
    /// runner has taken the place of this one.
    pub(super) async fn connected(&self) -> Result<Option<(UnixStream, u32)>, String> {
        let mut states = self.state.subscribe();
        // One failure to start is the call's answer; it does not wait for another.
        let mut begun = false;
        loop {
            let state = states.borrow_and_update().clone();
            match state {
                State::Resting => {
                    self.begin();
                    begun = true;
                }
                State::Starting => begun = true,
                State::Ending => {}
                State::Retired => return Ok(None),
                State::Failed { until, why, .. } => {
                    let pause = until.saturating_duration_since(Instant::now());
                    if begun || pause > PATIENCE {
                        return Err(why);
                    }
                    tokio::time::sleep(pause).await;
                    self.begin();
                    begun = true;
                }
                // One that cannot be reached has just ended, which its watcher will tell.
                State::Up { socket, process } => {
                    if let Ok(stream) = UnixStream::connect(&socket).await {
                        return Ok(Some((stream, process)));
                    }
                }
            }
            states.changed().await.map_err(|error| error.to_string())?;
        }
    }

    /// Starts a child where there is none and none has just failed.
    pub(super) fn begin(&self) {
        let mut failures = 0;
        let begun = self.state.send_if_modified(|state| {
            match state {
                State::Starting | State::Up { .. } | State::Ending | State::Retired => {
                    return false;
                }
                State::Failed { until, .. } if *until > Instant::now() => return false,
                State::Failed { times, .. } => failures = *times,
                State::Resting => {}
            }
            *state = State::Starting;
            true
        });
        if !begun {
            return;
        }
        let (sender, events) = channel();
        let life = Life {
            local: self.local.clone(),
            engine: self.engine.clone(),
            terms: self.terms.clone(),
            state: self.state.clone(),
            failures,
        };
        let heard = sender.clone();
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        let thread = std::thread::Builder::new().name("local".into());
        let thread = thread.spawn(move || life.live(heard, &events));
        if let Err(error) = thread {
            State::failed(error.to_string(), failures).follow(&self.state);
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let watcher = self
            .watcher
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = watcher.take() {
            // Fails where the child has ended already.
            let _ = watcher.send(Event::Stop);
        }
    }
}
