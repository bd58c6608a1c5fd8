//! Where a request comes from, and how often one address may deliver.

use super::Route;
use crate::config::Network;
use crate::gateway::Gateway;
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

/// The address a request comes from; `None` if that is not known: a proxy stands between that nobody
/// said to trust, or one of ours passed on a hop that is no address.
pub(super) fn address(proxies: &[Network], peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    let lines = headers.get_all("x-forwarded-for");
    if lines.iter().next().is_none() {
        return (!headers.contains_key("forwarded")).then_some(peer);
    }
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    if !trusted(peer) {
        return None;
    }
    // Some proxies add to the line they got, others add a line: both put what they saw last.
    let hops = lines
        .iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for hop in hops {
        // The last one that is no proxy of ours counts: what stands before it can be made up. What
        // cannot be read may be that one, so nothing before it counts either.
        let address = hop_address(hop)?;
        if !trusted(address) {
            return Some(address);
        }
    }
    None
}

/// The address of one hop; some proxies write the port behind it.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bare = hop
        .strip_prefix('[')
        .and_then(|hop| hop.strip_suffix(']'))
        .unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| hop.parse::<SocketAddr>().ok().map(|hop| hop.ip()));
    address.map(|address| address.to_canonical())
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

    /// Who is believed to ask when a request comes with these lines of `x-forwarded-for`.
    fn client_of(proxies: &[&str], peer: &str, lines: &[&str]) -> Option<String> {
        let proxies: Vec<Network> = proxies
            .iter()
            .map(|network| {
                let (address, prefix) = network.split_once('/').unwrap();
                Network {
                    address: address.parse().unwrap(),
                    prefix: prefix.parse().unwrap(),
                }
            })
            .collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
        }
        let found = address(&proxies, peer.parse().unwrap(), &headers);
        found.map(|ip| ip.to_string())
    }

    #[test]
    fn r7_only_trusted_proxies_are_believed() {
        let check = |proxies: &[&str], lines: &[&str], expected: Option<&str>| {
            let found = client_of(proxies, "127.0.0.1", lines);
            assert_eq!(found.as_deref(), expected, "{lines:?}");
        };
        let ours = &["127.0.0.0/8"];
        check(&[], &[], Some("127.0.0.1"));
        // A proxy on the same machine that nobody named: the client is not this machine.
        check(&[], &["203.0.113.9"], None);
        check(ours, &["203.0.113.9"], Some("203.0.113.9"));
        // What the client wrote itself stands first and is not believed.
        let line = "127.0.0.1, 203.0.113.9, 127.0.0.2";
        check(ours, &[line], Some("203.0.113.9"));
        check(ours, &["nonsense"], None);
        check(ours, &["127.0.0.2"], None);
    }

    #[test]
    fn s16_a_line_that_a_client_sends_beside_the_proxys_is_not_believed() {
        let check = |lines: &[&str], expected: Option<&str>| {
            let found = client_of(&["127.0.0.0/8"], "127.0.0.1", lines);
            assert_eq!(found.as_deref(), expected, "{lines:?}");
        };
        check(&["198.51.100.1", "203.0.113.9"], Some("203.0.113.9"));
        check(
            &["198.51.100.1, 198.51.100.2", "203.0.113.9, 127.0.0.2"],
            Some("203.0.113.9"),
        );
        check(&["203.0.113.9", "127.0.0.2"], Some("203.0.113.9"));
        check(&["nonsense", "203.0.113.9"], Some("203.0.113.9"));
        check(&["203.0.113.9", ""], None);
    }

    #[test]
    fn s16_a_hop_with_a_port_is_not_passed_over_for_what_the_client_wrote() {
        let check = |line: &str, expected: Option<&str>| {
            let found = client_of(&["10.0.0.0/8"], "10.0.0.1", &[line]);
            assert_eq!(found.as_deref(), expected, "{line}");
        };
        check("198.51.100.1, 203.0.113.9:51234", Some("203.0.113.9"));
        check("198.51.100.1, [2001:db8::9]:51234", Some("2001:db8::9"));
        check("198.51.100.1, [2001:db8::9]", Some("2001:db8::9"));
        check("203.0.113.9, 10.0.0.2:51234", Some("203.0.113.9"));
        // What cannot be read may be the client, and what stands before it its own words.
        for hop in ["unknown", "unix:", "", "203.0.113.9:x", "_hidden"] {
            check(&format!("198.51.100.1, {hop}"), None);
        }
    }

    #[test]
    fn s16_addresses_of_ipv4_in_ipv6_are_those_of_ipv4() {
        let check = |proxies: &[&str], peer, line, expected: Option<&str>| {
            let found = client_of(proxies, peer, &[line]);
            assert_eq!(found.as_deref(), expected, "{proxies:?} {peer} {line}");
        };
        let peer = "::ffff:10.0.0.1";
        check(&["10.0.0.0/8"], peer, "203.0.113.9", Some("203.0.113.9"));
        check(
            &["10.0.0.0/8"],
            peer,
            "203.0.113.9, ::ffff:10.0.0.2",
            Some("203.0.113.9"),
        );
        check(
            &["10.0.0.0/8"],
            "10.0.0.1",
            "::ffff:203.0.113.9",
            Some("203.0.113.9"),
        );
    }
}
