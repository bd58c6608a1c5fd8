//! What one key has running and used of late.
//!
//! A lane always counts what this process lets through, in its windows and its number of running
//! calls. Alone, these decide. Where limits are shared they decide only while the server is away; then
//! a call needs a draw of each limit per minute, and a seat.

use super::headers::{Quota, Standing};
use super::refusal::Refusal;
use super::shared::{Apart, Draw, Fit, Mode, Nonsense, Seats, Shared, Subject, Verdict};
use super::window::Window;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use vane_ledger::Limits;

pub(super) struct Lane {
    key: Box<str>,
    shared: Option<Arc<Shared>>,
    running: AtomicUsize,
    /// There once a key with a limit of its own has called.
    recent: Mutex<Option<Box<Recent>>>,
    /// The server said something.
    heard: Notify,
}

#[derive(Default)]
struct Recent {
    requests: Window,
    tokens: Window,
    requests_drawn: Draw,
    tokens_drawn: Draw,
    seats: Seats,
    /// Draws and seats are of the time before so many losses of the server.
    losses: u64,
}

/// What a call asks for.
#[derive(Clone, Copy)]
pub(super) struct Wish<'c> {
    pub(super) limits: &'c Limits,
    pub(super) running_max: usize,
    pub(super) tokens: u64,
    pub(super) now: Duration,
}

pub(super) type Entered = (Standing, Result<Place, Refusal>);

/// A running call's place; leaving it makes room, and gives back what was reserved and never used.
#[must_use]
pub struct Place {
    lane: Arc<Lane>,
    reserved: Option<Reserved>,
    /// Other replicas want to know that it is free.
    is_shared: bool,
}

/// Tokens that were counted before the call began, and the second they count in, here and where
/// they were drawn from the server.
#[derive(Debug, Clone, Copy)]
struct Reserved {
    tokens: u64,
    second: u64,
    drawn: Option<u64>,
}

/// A call that waits for the server's word: what it was told when it asked for each.
struct Waiting {
    lane: Arc<Lane>,
    requests: Option<u64>,
    tokens: Option<u64>,
    place: Option<u64>,
}

impl Lane {
    pub(super) fn new(key: &str, shared: Option<Arc<Shared>>) -> Self {
        Self {
            key: key.into(),
            shared,
            running: AtomicUsize::new(0),
            recent: Mutex::default(),
            heard: Notify::new(),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether nothing would be lost with the lane, if nobody else has it.
    pub(super) fn is_unused(&self, now: Duration) -> bool {
        let unused =
            |recent: &mut Box<Recent>| recent.requests.is_empty(now) && recent.tokens.is_empty(now);
        self.recent().as_mut().is_none_or(unused)
    }

    /// Lets a call in by what this process counts, of each limit its part.
    pub(super) fn alone(self: &Arc<Self>, wish: &Wish<'_>, apart: Apart) -> Entered {
        let limits = wish.limits;
        let place = self.run(limits, wish.running_max, apart.replicas);
        let is_shared = self.shared.is_some() && limits.concurrency.is_some();
        if !is_limited(limits) && !is_shared {
            return (Standing::default(), place);
        }
        let mut locked = self.recent();
        let recent = locked.get_or_insert_default();
        if let Some(shared) = &self.shared {
            recent.renew(shared.losses());
            recent
                .seats
                .holds(limits.concurrency.map_or(0, |max| max.get().into()));
        }
        let counted = match &place {
            Ok(_) => recent.count(wish, apart),
            Err(refusal) => Err(*refusal),
        };
        let standing = recent.standing(limits, apart.replicas, wish.now);
        let questions = if apart.tells {
            self.questions(recent, wish.now)
        } else {
            NONE
        };
        // Before a refused place is dropped, which takes the same lock.
        drop(locked);
        self.ask(questions);
        let place = place.and_then(|mut place| {
            place.reserved = counted?;
            Ok(place)
        });
        (standing, place)
    }

    /// Lets a call in by what all replicas count. It waits for the server where it must, for a
    /// bounded time.
    pub(super) async fn together(self: &Arc<Self>, wish: Wish<'_>, shared: &Shared) -> Entered {
        let mut waiting = Waiting {
            lane: self.clone(),
            requests: None,
            tokens: None,
            place: None,
        };
        if let Some(entered) = self.try_together(&wish, shared, None) {
            return entered;
        }
        let over = tokio::time::sleep(shared.wait());
        tokio::pin!(over);
        loop {
            let heard = self.heard.notified();
            tokio::pin!(heard);
            // From here on no word is missed, so none that comes while we look is.
            heard.as_mut().enable();
            if let Some(entered) = self.try_together(&wish, shared, Some(&mut waiting)) {
                return entered;
            }
            tokio::select! {
                () = heard => {}
                () = &mut over => return self.alone(&wish, shared.unheard()),
            }
        }
    }

    /// Nothing if only the server knows; it is asked then, if the call waits for it.
    fn try_together(
        self: &Arc<Self>,
        wish: &Wish<'_>,
        shared: &Shared,
        waiting: Option<&mut Waiting>,
    ) -> Option<Entered> {
        if let Mode::Apart(apart) = shared.mode(wish.now) {
            return Some(self.alone(wish, apart));
        }
        let mut locked = self.recent();
        let recent = locked.get_or_insert_default();
        recent.renew(shared.losses());
        let since = waiting.as_ref().and_then(|waiting| waiting.place);
        let entered = match recent.fit(wish, &self.running, since) {
            Err(refusal) => Some(Err(refusal)),
            Ok(missing) if missing == NONE => Some(self.draw(recent, wish)),
            Ok(missing) => {
                if let Some(waiting) = waiting {
                    recent.want(missing, wish.tokens, waiting);
                }
                None
            }
        };
        let standing = recent.standing_together(wish);
        let questions = self.questions(recent, wish.now);
        drop(locked);
        self.ask(questions);
        entered.map(|place| (standing, place))
    }

    /// Takes what was found to be there.
    fn draw(self: &Arc<Self>, recent: &mut Recent, wish: &Wish<'_>) -> Result<Place, Refusal> {
        let limits = wish.limits;
        let mut place = self.run(limits, wish.running_max, 1)?;
        if limits.requests_per_minute.is_some() {
            recent.requests_drawn.take(1);
            recent.requests.add(1, wish.now);
        }
        if limits.tokens_per_minute.is_some() {
            place.reserved = Some(Reserved {
                tokens: wish.tokens,
                drawn: Some(recent.tokens_drawn.take(wish.tokens)),
                second: recent.tokens.add(wish.tokens, wish.now),
            });
        }
        Ok(place)
    }

    /// One more running call, if not so many run already. Only a key's own limit is shared.
    fn run(
        self: &Arc<Self>,
        limits: &Limits,
        running_max: usize,
        replicas: u64,
    ) -> Result<Place, Refusal> {
        let own = limits.concurrency.map(|max| max.get() as usize);
        let max = own.map_or(running_max, |max| {
            let max = part(u64::try_from(max).unwrap_or(u64::MAX), replicas);
            usize::try_from(max).unwrap_or(usize::MAX)
        });
        let one_more = |running| (running < max).then_some(running + 1);
        match self.running.fetch_update(Relaxed, Relaxed, one_more) {
            Ok(_) => Ok(Place {
                lane: self.clone(),
                reserved: None,
                is_shared: own.is_some() && self.shared.is_some(),
            }),
            Err(_) => Err(Refusal::Running {
                max: own.unwrap_or(running_max),
                own: own.is_some(),
            }),
        }
    }

    fn recent(&self) -> MutexGuard<'_, Option<Box<Recent>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the lane and the server have to say to each other.
impl Lane {
    /// What must be asked now, by subject.
    fn questions(&self, recent: &mut Recent, now: Duration) -> Missing {
        [
            recent.requests_drawn.begins_to_ask(now),
            recent.tokens_drawn.begins_to_ask(now),
            recent.seats.begins_to_ask(&self.running),
        ]
    }

    /// Not while the lane is locked.
    fn ask(self: &Arc<Self>, questions: Missing) {
        let Some(shared) = &self.shared else { return };
        let subjects = [Subject::Requests, Subject::Tokens, Subject::Places];
        for (about, is_asked) in subjects.into_iter().zip(questions) {
            if is_asked {
                shared.ask(self, about);
            }
        }
    }

    /// The question that is to be sent now, in the numbers of its script.
    pub(super) fn question(&self, about: Subject, now: Duration) -> Vec<u64> {
        let mut locked = self.recent();
        let recent = locked.get_or_insert_default();
        match about {
            Subject::Requests => recent.requests_drawn.question(now),
            Subject::Tokens => recent.tokens_drawn.question(now),
            Subject::Places => recent.seats.question(&self.running),
        }
    }

    pub(super) fn counted(
        self: &Arc<Self>,
        about: Subject,
        window: &Verdict,
        now: Duration,
    ) -> Result<(), Nonsense> {
        self.told(now, |recent| match about {
            Subject::Tokens => recent.tokens_drawn.answered(window),
            Subject::Requests | Subject::Places => recent.requests_drawn.answered(window),
        })
    }

    pub(super) fn seated(self: &Arc<Self>, places: u64, now: Duration) {
        self.told(now, |recent| recent.seats.answered(places));
    }

    pub(super) fn unanswered(&self, about: Subject) {
        self.unasked(about);
        self.heard.notify_waiters();
    }

    /// The question could not be asked; who waits for it goes on waiting for another one.
    pub(super) fn unasked(&self, about: Subject) {
        if let Some(recent) = &mut *self.recent() {
            match about {
                Subject::Requests => recent.requests_drawn.unanswered(),
                Subject::Tokens => recent.tokens_drawn.unanswered(),
                Subject::Places => recent.seats.unanswered(),
            }
        }
    }

    fn told<T>(self: &Arc<Self>, now: Duration, tell: impl FnOnce(&mut Recent) -> T) -> T {
        let mut locked = self.recent();
        let recent = locked.get_or_insert_default();
        let told = tell(recent);
        let questions = self.questions(recent, now);
        drop(locked);
        self.ask(questions);
        self.heard.notify_waiters();
        told
    }

    /// Something of what the server knows has changed.
    fn changed(self: &Arc<Self>, change: impl FnOnce(&mut Recent)) {
        let mut locked = self.recent();
        let Some(recent) = &mut *locked else { return };
        change(recent);
        // What is late by a second is told with the next question.
        let questions = match &self.shared {
            Some(shared) if shared.is_told() => self.questions(recent, shared.now()),
            _ => NONE,
        };
        drop(locked);
        self.ask(questions);
    }
}

/// Which of requests, tokens and places.
type Missing = [bool; 3];
const NONE: Missing = [false; 3];

/// A replica's part of a limit: at least one, so that nobody is locked out.
pub(super) fn part(limit: u64, replicas: u64) -> u64 {
    (limit / replicas.max(1)).max(1)
}

const fn is_limited(limits: &Limits) -> bool {
    limits.requests_per_minute.is_some() || limits.tokens_per_minute.is_some()
}

fn requests_max(limits: &Limits) -> Option<u64> {
    limits.requests_per_minute.map(|limit| limit.get().into())
}

fn tokens_max(limits: &Limits) -> Option<u64> {
    limits.tokens_per_minute.map(|limit| limit.get().into())
}

impl Recent {
    /// After a loss of the server, what was drawn and taken before is worth nothing.
    fn renew(&mut self, losses: u64) {
        if self.losses != losses {
            self.losses = losses;
            self.requests_drawn.renew();
            self.tokens_drawn.renew();
            self.seats.renew();
        }
    }

    /// A call waits for what is missing.
    fn want(&mut self, missing: Missing, tokens: u64, waiting: &mut Waiting) {
        let [requests, used, places] = missing;
        if requests {
            self.requests_drawn.want(1, &mut waiting.requests);
        }
        if used {
            self.tokens_drawn.want(tokens, &mut waiting.tokens);
        }
        if places && waiting.place.is_none() {
            waiting.place = Some(self.seats.wait());
        }
    }

    /// Counts one call and its tokens if both fit this replica's part, else neither.
    fn count(&mut self, wish: &Wish<'_>, apart: Apart) -> Result<Option<Reserved>, Refusal> {
        let Apart { replicas, tells } = apart;
        let &Wish {
            limits,
            tokens,
            now,
            ..
        } = wish;
        let tokens_max = tokens_max(limits);
        fits_at_all(tokens_max, tokens)?;
        let requests = requests_max(limits).map(|limit| Refusal::Requests {
            limit,
            wait: self.requests.wait(part(limit, replicas), 1, now),
        });
        let used = tokens_max.map(|limit| Refusal::Tokens {
            limit,
            // One call that is larger than the part may come where nothing else has.
            wait: self
                .tokens
                .wait(part(limit, replicas).max(tokens), tokens, now),
        });
        longest(requests, used)?;
        if let Some(limit) = requests_max(limits) {
            self.requests.add(1, now);
            if tells {
                self.requests_drawn.holds(limit);
                self.requests_drawn.used(1, now);
            }
        }
        Ok(tokens_max.map(|limit| {
            if tells {
                self.tokens_drawn.holds(limit);
                self.tokens_drawn.used(tokens, now);
            }
            Reserved {
                tokens,
                second: self.tokens.add(tokens, now),
                drawn: None,
            }
        }))
    }

    /// What a call needs and is not there, or why it may not begin.
    fn fit(
        &mut self,
        wish: &Wish<'_>,
        running: &AtomicUsize,
        since: Option<u64>,
    ) -> Result<Missing, Refusal> {
        let &Wish {
            limits,
            tokens,
            now,
            ..
        } = wish;
        let places = match limits.concurrency {
            None => false,
            Some(max) => {
                let limit = u64::from(max.get());
                let fits = self.seats.fits(limit, running);
                let heard = since.is_some_and(|since| self.seats.heard(since));
                if !fits && (heard || self.seats.are_full(running)) {
                    let (max, own) = (max.get() as usize, true);
                    return Err(Refusal::Running { max, own });
                }
                !fits
            }
        };
        fits_at_all(tokens_max(limits), tokens)?;
        let mut missing = [false, false, places];
        let mut refusals = [None, None];
        if let Some(limit) = requests_max(limits) {
            match self.requests_drawn.fit(limit, 1, now) {
                Fit::Now => {}
                Fit::Later(wait) => refusals[0] = Some(Refusal::Requests { limit, wait }),
                Fit::Unknown => missing[0] = true,
            }
        }
        if let Some(limit) = tokens_max(limits) {
            match self.tokens_drawn.fit(limit, tokens, now) {
                Fit::Now => {}
                Fit::Later(wait) => refusals[1] = Some(Refusal::Tokens { limit, wait }),
                Fit::Unknown => missing[1] = true,
            }
        }
        let [requests, used] = refusals;
        longest(requests, used)?;
        Ok(missing)
    }

    fn standing(&mut self, limits: &Limits, replicas: u64, now: Duration) -> Standing {
        let quota = |window: &mut Window, limit: u64| Quota {
            limit,
            ..window.quota(part(limit, replicas), now)
        };
        Standing {
            requests: requests_max(limits).map(|limit| quota(&mut self.requests, limit)),
            tokens: tokens_max(limits).map(|limit| quota(&mut self.tokens, limit)),
        }
    }

    fn standing_together(&self, wish: &Wish<'_>) -> Standing {
        let quota = |draw: &Draw, limit: u64| {
            let (remaining, resets_in) = draw.remaining(wish.now);
            Quota {
                limit,
                remaining: remaining.min(limit),
                resets_in,
            }
        };
        Standing {
            requests: requests_max(wish.limits).map(|limit| quota(&self.requests_drawn, limit)),
            tokens: tokens_max(wish.limits).map(|limit| quota(&self.tokens_drawn, limit)),
        }
    }
}

fn fits_at_all(limit: Option<u64>, tokens: u64) -> Result<(), Refusal> {
    match limit.filter(|limit| tokens > *limit) {
        Some(limit) => Err(Refusal::TooLarge { limit, tokens }),
        None => Ok(()),
    }
}

/// Of two refusals the one that lasts longer: who waits for it meets no other.
fn longest(one: Option<Refusal>, other: Option<Refusal>) -> Result<(), Refusal> {
    let longest = one.into_iter().chain(other).max_by_key(Refusal::wait);
    match longest.filter(|refusal| !refusal.wait().is_zero()) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

impl Place {
    /// The call used so many tokens. What was reserved beyond them is free at once; what it used
    /// beyond its reservation counts from now on, so that it holds back the calls after it.
    pub fn used(&mut self, tokens: u64, now: Duration) {
        let Some(reserved) = self.reserved.take() else {
            return;
        };
        self.lane.changed(|recent| {
            if tokens > reserved.tokens {
                recent.tokens.add(tokens - reserved.tokens, now);
                recent.tokens_drawn.used(tokens - reserved.tokens, now);
            } else {
                recent.give_back(reserved, reserved.tokens - tokens, now);
            }
        });
    }

    /// Nobody counted what the call used: what was reserved counts as that.
    pub fn used_as_reserved(&mut self) {
        self.reserved = None;
    }
}

impl Recent {
    fn give_back(&mut self, reserved: Reserved, less: u64, now: Duration) {
        self.tokens.take_back(less, reserved.second);
        if let Some(second) = reserved.drawn {
            self.tokens_drawn.unused(less, second, now);
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reserved = &self.reserved;
        f.debug_struct("Place")
            .field("reserved", reserved)
            .finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lane.running.fetch_sub(1, Relaxed);
        let reserved = self.reserved.take();
        if reserved.is_none() && !self.is_shared {
            return;
        }
        self.lane.changed(|recent| {
            if let Some(reserved) = reserved {
                // Its second is as good as now: what is drawn lasts no longer here.
                recent.give_back(reserved, reserved.tokens, Duration::ZERO);
            }
        });
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.place.is_some() {
            self.lane.changed(|recent| recent.seats.left());
        }
    }
}
