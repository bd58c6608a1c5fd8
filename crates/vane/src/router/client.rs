//! Where a request comes from, and how often one address may deliver.

use super::Route;
use crate::config::Network;
use crate::gateway::Gateway;
use http::HeaderMap;
use std::net::IpAddr;
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

/// The address a request comes from; `None` if a proxy stands between that nobody said to trust.
pub(super) fn address(proxies: &[Network], peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let Some(forwarded) = headers.get("x-forwarded-for") else {
        return (!headers.contains_key("forwarded")).then_some(peer);
    };
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return None;
    }
    // The last one that is no proxy of ours: what stands before it can be made up.
    let hops = forwarded.to_str().ok()?.split(',').rev();
    hops.filter_map(|hop| hop.trim().parse().ok())
        .find(|hop| !trusted(*hop))
}

/// Whether a delivery to the webhook may be looked at; one without an address counts with others.
pub(super) fn may_deliver(
    gateway: &Gateway,
    route: Route,
    peer: IpAddr,
    headers: &HeaderMap,
) -> bool {
    if !matches!(route, Route::Webhook(_)) {
        return true;
    }
    let proxies = &gateway.state().config.trusted_proxies;
    let client = address(proxies, peer, headers).unwrap_or(peer);
    gateway.deliveries.enter(client, gateway.clock.now())
}

pub(super) fn too_often() -> Fault {
    let message = "too many deliveries at once: send them again";
    let fault = Fault::new(Kind::RateLimited, Blame::Caller, message);
    Fault {
        retry_after: Some(Duration::from_secs(1)),
        ..fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn r7_only_trusted_proxies_are_believed() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let proxies = [Network {
            address: IpAddr::from([127, 0, 0, 0]),
            prefix: 8,
        }];
        let check = |proxies: &[Network], forwarded: Option<&'static str>, expected| {
            let mut headers = HeaderMap::new();
            if let Some(forwarded) = forwarded {
                headers.insert("x-forwarded-for", HeaderValue::from_static(forwarded));
            }
            let found = address(proxies, local, &headers).map(|ip| ip.to_string());
            assert_eq!(found.as_deref(), expected, "{forwarded:?}");
        };
        check(&[], None, Some("127.0.0.1"));
        // A proxy on the same machine that nobody named: the client is not this machine.
        check(&[], Some("203.0.113.9"), None);
        check(&proxies, Some("203.0.113.9"), Some("203.0.113.9"));
        // What the client wrote itself stands first and is not believed.
        check(
            &proxies,
            Some("127.0.0.1, 203.0.113.9, 127.0.0.2"),
            Some("203.0.113.9"),
        );
        check(&proxies, Some("nonsense"), None);
    }
}
