//! Why a call may not begin now, and when it may.

use super::headers::seconds_up;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many calls run as may. `own`: by the key's own limit, not by that of every key.
    Running {
        max: usize,
        own: bool,
    },
    Requests {
        limit: u64,
        wait: Duration,
    },
    Tokens {
        limit: u64,
        wait: Duration,
    },
    /// The call alone is more than a minute's limit: waiting does not help.
    TooLarge {
        limit: u64,
        tokens: u64,
    },
}

/// A place may come free at any moment.
const PLACE_WAIT: Duration = Duration::from_secs(1);

impl Refusal {
    /// How long the caller must wait; nothing for a call that fits at no time.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        match self {
            Self::Running { .. } => PLACE_WAIT,
            Self::Requests { wait, .. } | Self::Tokens { wait, .. } => *wait,
            Self::TooLarge { .. } => Duration::ZERO,
        }
    }

    #[must_use]
    pub fn fault(self) -> Fault {
        let (message, retry_after) = match self {
            Self::Running { max, own } => {
                let raise = if own {
                    "the key's concurrency"
                } else {
                    "`limits.concurrent_per_key_max`"
                };
                let message = format!(
                    "{max} calls of this key are running already: let one finish, or raise {raise}"
                );
                (message, Some(PLACE_WAIT))
            }
            Self::Requests { limit, wait } => {
                let seconds = seconds_up(wait);
                let message =
                    format!("this key may make {limit} calls a minute: try again in {seconds} s");
                (message, Some(wait))
            }
            Self::Tokens { limit, wait } => {
                let seconds = seconds_up(wait);
                let message = format!(
                    "this key may use {limit} tokens a minute, and this call could use more than \
                     is left: try again in {seconds} s, or ask for less output"
                );
                (message, Some(wait))
            }
            Self::TooLarge { limit, tokens } => {
                let message = format!(
                    "this call could use {tokens} tokens, and this key may use {limit} a minute: \
                     send a shorter prompt, ask for less output, or have the limit raised"
                );
                (message, None)
            }
        };
        let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
        Fault {
            retry_after,
            ..fault
        }
    }
}
