//! What bounds signing in and up: how often a network may try, how often an address of mail may be
//! tried, and how much work all of it is at a time.
//!
//! Counted in memory of this process, in spans of the clock. Who holds a session is not touched by
//! any of it.

use std::net::IpAddr;
use std::time::Duration;

use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

use super::password::Passwords;
use crate::limits::{Arrivals, network};

/// Tries of a network in five minutes.
const TRIES_MAX: u32 = 20;
const TRIES_SPAN: i64 = 300;
/// Tries of one address of mail, from anywhere, in a quarter of an hour.
const TRIES_OF_ONE_MAX: u32 = 10;
const TRIES_OF_ONE_SPAN: i64 = 900;
/// Who signs up without a link, from one network in a day.
const SIGN_UPS_MAX: u32 = 3;
const DAY: i64 = 86_400;

pub struct Gate {
    pub(super) passwords: Passwords,
    tries: Arrivals<IpAddr>,
    tries_of_one: Arrivals<String>,
    sign_ups: Arrivals<IpAddr>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            passwords: Passwords::default(),
            tries: Arrivals::new(TRIES_MAX, TRIES_SPAN),
            tries_of_one: Arrivals::new(TRIES_OF_ONE_MAX, TRIES_OF_ONE_SPAN),
            sign_ups: Arrivals::new(SIGN_UPS_MAX, DAY),
        }
    }
}

impl Gate {
    /// Lets a network try once more.
    pub(super) fn may_try(&self, address: IpAddr, now: i64) -> Result<(), Fault> {
        passed(self.tries.enter(network(address), now), TRIES_SPAN)
    }

    /// Lets the password of one address of mail be tried once more, whether it has one or not.
    pub(super) fn may_try_one(&self, email: &str, now: i64) -> Result<(), Fault> {
        let one: String = email.to_lowercase().chars().take(254).collect();
        passed(self.tries_of_one.enter(one, now), TRIES_OF_ONE_SPAN)
    }

    /// Lets a network sign one more up.
    pub(super) fn may_sign_up(&self, address: IpAddr, now: i64) -> Result<(), Fault> {
        passed(self.sign_ups.enter(network(address), now), DAY)
    }
}

fn passed(may: bool, span: i64) -> Result<(), Fault> {
    match may {
        true => Ok(()),
        false => Err(too_often(span)),
    }
}

pub(super) fn too_often(span: i64) -> Fault {
    let wait = Duration::from_secs(span.unsigned_abs());
    let message = "too many tries at once: wait a while, then try again";
    let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
    Fault {
        retry_after: Some(wait),
        ..fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_tries_end_for_a_network_and_for_an_address_of_mail() {
        let gate = Gate::default();
        let here = IpAddr::from([10, 0, 0, 1]);
        let tries = (0..99).filter(|_| gate.may_try(here, 0).is_ok()).count();
        assert_eq!(tries, 20);
        assert!(gate.may_try(IpAddr::from([10, 0, 0, 2]), 0).is_ok());
        let one = |email| {
            (0..99)
                .filter(|_| gate.may_try_one(email, 0).is_ok())
                .count()
        };
        assert_eq!((one("Ann@example.com"), one("ann@EXAMPLE.com")), (10, 0));
    }
}
