//! What bounds signing in and up: how often a network may try, how often an address of mail may be
//! tried, and how much work all of it is at a time.
//!
//! Counted in spans of the clock, over all replicas where limits are shared. Who holds a session is
//! not touched by any of it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

use super::password::Passwords;
use crate::limits::{Shared, Together, network, network_of};

/// Tries of a network in five minutes.
const TRIES_MAX: u32 = 20;
const TRIES_SPAN: i64 = 300;
/// The same of all networks that one site may have: of IPv6, 65,536.
const TRIES_OF_SITE_MAX: u32 = 200;
const SITE_BITS: u32 = 48;
/// Tries of one address of mail, from anywhere, in a quarter of an hour.
const TRIES_OF_ONE_MAX: u32 = 10;
const TRIES_OF_ONE_SPAN: i64 = 900;
/// Who signs up without a link, from one home in a day. Of IPv6, a home has 256 networks.
const SIGN_UPS_MAX: u32 = 3;
const HOME_BITS: u32 = 56;
const DAY: i64 = 86_400;

pub struct Gate {
    pub(super) passwords: Passwords,
    tries: Together<IpAddr>,
    tries_of_site: Together<IpAddr>,
    tries_of_one: Together<String>,
    sign_ups: Together<IpAddr>,
}

impl Gate {
    #[must_use]
    pub fn new(shared: Option<&Arc<Shared>>) -> Self {
        Self {
            passwords: Passwords::default(),
            tries: Together::new("tries", TRIES_SPAN, shared.cloned()),
            tries_of_site: Together::new("tries-of-site", TRIES_SPAN, shared.cloned()),
            tries_of_one: Together::new("tries-of-one", TRIES_OF_ONE_SPAN, shared.cloned()),
            sign_ups: Together::new("sign-ups", DAY, shared.cloned()),
        }
    }

    /// Lets a network try once more.
    pub(super) async fn may_try(&self, address: IpAddr, now: i64) -> Result<(), Fault> {
        let may = self.tries.enter(network(address), TRIES_MAX, now).await;
        passed(may, TRIES_SPAN)?;
        // Last, so that one network alone does not keep its neighbours out.
        let site = network_of(address, SITE_BITS);
        let may = self.tries_of_site.enter(site, TRIES_OF_SITE_MAX, now).await;
        passed(may, TRIES_SPAN)
    }

    /// Lets the password of one address of mail be tried once more, whether it has one or not.
    pub(super) async fn may_try_one(&self, email: &str, now: i64) -> Result<(), Fault> {
        let one: String = email.to_lowercase().chars().take(254).collect();
        let may = self.tries_of_one.enter(one, TRIES_OF_ONE_MAX, now).await;
        passed(may, TRIES_OF_ONE_SPAN)
    }

    /// Lets a home sign one more up.
    pub(super) async fn may_sign_up(&self, address: IpAddr, now: i64) -> Result<(), Fault> {
        let home = network_of(address, HOME_BITS);
        let may = self.sign_ups.enter(home, SIGN_UPS_MAX, now).await;
        passed(may, DAY)
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

    #[tokio::test]
    async fn s16_tries_end_for_a_network_and_for_an_address_of_mail() {
        let gate = Gate::new(None);
        let here = IpAddr::from([10, 0, 0, 1]);
        let mut tries = 0;
        while gate.may_try(here, 0).await.is_ok() {
            tries += 1;
        }
        assert_eq!(tries, 20);
        assert!(gate.may_try(IpAddr::from([10, 0, 0, 2]), 0).await.is_ok());
        let mut tries = 0;
        while gate.may_try_one("Ann@example.com", 0).await.is_ok() {
            tries += 1;
        }
        assert_eq!(tries, 10);
        assert!(gate.may_try_one("ann@EXAMPLE.com", 0).await.is_err());
    }

    #[tokio::test]
    async fn s16_the_many_networks_of_a_home_or_a_site_are_bounded_together() {
        let gate = Gate::new(None);
        let at = |site: u16, network: u16| {
            let address = [0x2001, 0xdb8, site, network, 0, 0, 0, 1];
            IpAddr::from(address)
        };
        let (mut came, mut tried) = (0, 0);
        for network in 0..256 {
            came += u32::from(gate.may_sign_up(at(1, network), 0).await.is_ok());
            tried += u32::from(gate.may_try(at(1, network), 0).await.is_ok());
        }
        assert_eq!((came, tried), (3, 200));
        assert!(gate.may_sign_up(at(1, 256), 0).await.is_ok());
        assert!(gate.may_try(at(2, 0), 0).await.is_ok());
        // One network that goes on takes no more of its site than its own share.
        let mut tried = 0;
        for _ in 0..1_000 {
            tried += u32::from(gate.may_try(at(3, 1), 0).await.is_ok());
        }
        assert_eq!(tried, 20);
        assert!(gate.may_try(at(3, 2), 0).await.is_ok());
    }
}
