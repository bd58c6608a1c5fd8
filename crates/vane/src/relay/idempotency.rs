//! `Idempotency-Key`: who asks again is given the first answer, and neither runs nor pays again.
//!
//! The use of a key is durable before money is held, and its answer before the last byte of it is
//! told. A call that was refused, failed, or was left gives its key back, so that a repeat runs.
//! Calls without the header pass by.

mod answer;
mod kept;

pub(super) use kept::Kept;

use super::inbound::Inbound;
use super::reply::{Body, Response};
use crate::config::Config;
use crate::gateway::Gateway;
use http::header::{HeaderMap, HeaderName};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Caller, Claim, LedgerError, Repeatable, Room, Store, Use};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_NAME: &str = "Idempotency-Key";
const KEY_CHARS_MAX: usize = 255;
/// Longer answers are not kept.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How a call is asked for.
pub(crate) enum Asked {
    /// Without a key.
    Freely,
    First(Once),
    /// And this is what `call` was answered.
    Again {
        call: String,
        answer: Response,
    },
}

/// A key in the hand of the call that runs. Dropped, it is given back.
pub(crate) struct Once(Option<(Store, Use)>);

/// What became of a call with a key.
enum Ending {
    Failed,
    TooLarge,
    Answered(Vec<u8>),
}

/// Uses the key of a request, if it has one.
///
/// # Errors
/// When the key is none, is in use, or stands for something else.
pub(crate) async fn claim(
    gateway: &Arc<Gateway>,
    caller: &Caller,
    inbound: &Inbound,
    query: &str,
) -> Result<Asked, Fault> {
    let Some(key) = key(&inbound.headers)? else {
        return Ok(Asked::Freely);
    };
    let (key, query, account) = (key.to_owned(), query.to_owned(), caller.account_id);
    let (door, body, call) = (
        inbound.door,
        inbound.body.clone(),
        inbound.request_id.clone(),
    );
    let limits = &gateway.state().config.limits;
    let within = |most: usize| i64::try_from(most).unwrap_or(i64::MAX);
    let room = Room {
        uses_max: within(limits.idempotency_keys_max),
        bytes_max: within(limits.idempotency_bytes_max),
    };
    let (store, instance) = (gateway.store.clone(), gateway.replica.instance());
    let at = gateway.clock.now();
    let running_since = at.saturating_sub(longest(&gateway.state().config));
    let claimed = spawn_blocking(move || {
        let dialect = door.dialect.name().as_bytes();
        let claim = store.claim(&Repeatable {
            account,
            key: &key,
            request: &[dialect, door.route.as_bytes(), query.as_bytes(), &body],
            call: &call,
            instance,
            at,
            running_since,
            room,
        });
        // Made here: should the client leave meanwhile, it is dropped here, and gives the key back.
        claim.map(|claim| told(store, claim))
    });
    let claimed = claimed.await.map_err(|error| unread(&error))?;
    claimed.map_err(|error| unread(&error))?
}

/// Whether the call runs, and what a repeat is told.
fn told(store: Store, claim: Claim) -> Result<Asked, Fault> {
    let (message, retry_after) = match claim {
        Claim::First(mine) => return Ok(Asked::First(Once(Some((store, mine))))),
        Claim::Answered { call, answer } => {
            let answer = answer::read(&call, &answer);
            let answer = answer.ok_or_else(|| unread(&LedgerError::NotSealed))?;
            return Ok(Asked::Again { call, answer });
        }
        Claim::InFlight => {
            let message =
                "the call with this Idempotency-Key is still running: ask again in a moment";
            (message.to_owned(), Some(Duration::from_secs(1)))
        }
        Claim::OfAnother => {
            let message = "this Idempotency-Key was used for another request within the last \
                24 hours: send another key";
            (message.to_owned(), None)
        }
        Claim::NotKept { call } => {
            let message = format!(
                "the call with this Idempotency-Key was answered, and is billed, as {call}; its answer \
                 is not kept, being too large or one of too many: send another key to run it again"
            );
            (message, None)
        }
        Claim::Full => return Err(full()),
    };
    let fault = Fault::new(Kind::Conflict, Blame::Caller, message).with_param(KEY_NAME);
    Err(Fault {
        retry_after,
        ..fault
    })
}

/// No key gives way to another: its call might be run, and billed, again.
fn full() -> Fault {
    let message = "the account has used as many Idempotency-Keys within 24 hours as it may \
        (`limits.idempotency_keys_max`): send requests without one, or wait for the first to end";
    let fault = Fault::new(Kind::RateLimited, Blame::Caller, message).with_param(KEY_NAME);
    Fault {
        retry_after: Some(Duration::from_secs(600)),
        ..fault
    }
}

impl Once {
    /// Keeps the answer before it is given; a stream while it is.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) async fn keep(self, answered: Result<Response, Fault>) -> Result<Response, Fault> {
        let is_answer = |response: &Response| response.status() == http::StatusCode::OK;
        if !answered.as_ref().is_ok_and(is_answer) {
            drop(self.end(Ending::Failed).await);
            return answered;
        }
        let (parts, body) = answered?.into_parts();
        let body = match body {
            Body::Whole(bytes) => {
                drop(self.end(ending(&parts.headers, &bytes)).await);
                Body::Whole(bytes)
            }
            Body::Stream(streaming) => {
                Body::Kept(Box::new(Kept::new(streaming, self, &parts.headers)))
            }
            other @ (Body::Kept(_) | Body::Heard(_)) => other,
        };
        Ok(Response::from_parts(parts, body))
    }

    /// Says what became of the call: durable when the handle resolves, or a panic was reported.
    fn end(mut self, ending: Ending) -> JoinHandle<()> {
        let claimed = self.0.take();
        spawn_blocking(move || {
            let Some((store, of)) = claimed else { return };
            let ended = match &ending {
                Ending::Failed => store.release(&of),
                Ending::TooLarge => store.keep_answer(&of, None),
                Ending::Answered(answer) => store.keep_answer(&of, Some(answer)),
            };
            if let Err(error) = ended {
                tracing::error!(%error, "the end of a call could not be kept with its idempotency \
                    key: a repeat is told that it still runs");
            }
        })
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        // Without a runtime this process ends, and the next one gives the key back.
        if self.0.is_some() && Handle::try_current().is_ok() {
            drop(Self(self.0.take()).end(Ending::Failed));
        }
    }
}

fn ending(headers: &HeaderMap, body: &[u8]) -> Ending {
    match body.len() <= ANSWER_BYTES_MAX {
        true => Ending::Answered(answer::written(headers, body)),
        false => Ending::TooLarge,
    }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let is_visible = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = value.to_str().ok().filter(is_visible);
    match key.filter(|key| (1..=KEY_CHARS_MAX).contains(&key.len())) {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        _ => {
            let message = "`Idempotency-Key` must be one key of 1 to 255 visible ASCII characters";
            Err(Fault::invalid(KEY_NAME, message))
        }
    }
}

/// Seconds after which no call is running any more.
fn longest(config: &Config) -> i64 {
    let timeouts = &config.timeouts;
    let attempts = u32::try_from(config.retries.attempts_max).unwrap_or(u32::MAX);
    let heads = timeouts.upstream_head.saturating_mul(attempts);
    i64::try_from(timeouts.stream.saturating_add(heads).as_secs()).unwrap_or(i64::MAX)
}

fn unread(error: &dyn std::error::Error) -> Fault {
    let message =
        format!("the Idempotency-Key cannot be looked up: {error}; try again in a moment");
    let fault = Fault::new(Kind::Unavailable, Blame::Us, message);
    Fault {
        retry_after: Some(Duration::from_secs(2)),
        ..fault
    }
}
