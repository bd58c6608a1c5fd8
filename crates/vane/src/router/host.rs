//! Which host a request is for, and whether this server is it.
//!
//! A page that lets its own name point at this machine (DNS rebinding) sends that name as `host`.
//! So names are compared with those that the operator configured; addresses and `localhost` are
//! no names that a stranger can point anywhere. Invariant: a request for another host gets no
//! answer that no key protects.

use crate::config::Config;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use std::net::{Ipv4Addr, Ipv6Addr};
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

/// Refuses a request that is not for this server; `is_told_to_anyone` says that the route answers
/// without a key and is worth something.
///
/// # Errors
/// If the host is missing, said twice or differently, or is none of this server's names.
pub(super) fn check(config: &Config, head: &Parts, is_told_to_anyone: bool) -> Result<(), Fault> {
    let host = host(head)?;
    // Off loopback without names, a key decides: containers and proxies use any name.
    let names_matter =
        !config.hosts.is_empty() || config.listen.ip().is_loopback() || is_told_to_anyone;
    if names_matter && !is_ours(&config.hosts, host) {
        let shown: String = host.chars().take(100).collect();
        let message = format!(
            "this server does not answer to the host `{shown}`: add it to `hosts` in the configuration"
        );
        return Err(Fault::new(Kind::Misdirected, Blame::Caller, message));
    }
    if config.auth || is_from_here(&config.hosts, head) {
        return Ok(());
    }
    let message = "without keys (`auth = \"off\"`) pages of other origins are not answered";
    Err(Fault::new(Kind::Forbidden, Blame::Caller, message))
}

/// The host that the request names, without its port.
fn host(head: &Parts) -> Result<&str, Fault> {
    let wrong = |message: &str| Fault::invalid("host", message);
    let mut headers = head.headers.get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(value), None) => Some(
            value
                .to_str()
                .map_err(|_| wrong("the header `host` is no text"))?,
        ),
        (None, _) => None,
        (Some(_), Some(_)) => return Err(wrong("the header `host` stands twice")),
    };
    // An authority in the request line or as a pseudo header is what counts, but what checks
    // stand before Vane may have looked at the other one.
    let said = match (head.uri.authority(), header) {
        (Some(authority), Some(header)) if !header.eq_ignore_ascii_case(authority.as_str()) => {
            return Err(wrong("the request names two hosts"));
        }
        (Some(authority), _) => authority.as_str(),
        (None, Some(header)) => header,
        (None, None) => "",
    };
    name_of(said.trim()).ok_or_else(|| wrong("the request names no host"))
}

/// The host of `host[:port]`, with an IPv6 address out of its brackets.
fn name_of(authority: &str) -> Option<&str> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => match authority.find(':') {
            Some(at) => authority.split_at(at),
            None => (authority, ""),
        },
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let has_port = rest.is_empty() || (rest.starts_with(':') && port.parse::<u16>().is_ok());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (has_port && !host.is_empty() && host.chars().all(plain)).then_some(host)
}

/// Whether a host is an address, `localhost`, or one of the configured names.
fn is_ours(hosts: &[String], host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_address = host.parse::<Ipv4Addr>().is_ok() || host.parse::<Ipv6Addr>().is_ok();
    let last = host.rsplit('.').next().unwrap_or(host);
    is_address
        || last.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
}

/// Whether no page sent this, or one of this server's own.
fn is_from_here(hosts: &[String], head: &Parts) -> bool {
    head.headers.get_all(ORIGIN).iter().all(|origin| {
        let origin = origin.to_str().ok();
        let authority = origin.and_then(|origin| origin.split_once("://"));
        authority
            .and_then(|(_, authority)| name_of(authority))
            .is_some_and(|host| is_ours(hosts, host))
    })
}

#[cfg(test)]
mod tests {
    use super::{is_ours, name_of};

    #[test]
    fn s12_hosts_are_read_without_ports_and_nothing_else_is_guessed() {
        for (said, host) in [
            ("vane.example.com", Some("vane.example.com")),
            ("localhost:8787", Some("localhost")),
            ("[::1]:8787", Some("::1")),
            ("[::1]", Some("::1")),
            ("127.0.0.1:", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]8787", None),
            ("a@localhost", None),
            ("localhost:99999", None),
            ("localhost:8787:1", None),
            ("a b", None),
            ("a/b", None),
            ("", None),
        ] {
            assert_eq!(name_of(said), host, "{said:?}");
        }
    }

    #[test]
    fn s12_only_names_can_be_pointed_elsewhere() {
        let hosts = ["vane.example.com".to_owned()];
        for ours in [
            "127.0.0.1",
            "10.1.2.3",
            "::1",
            "2001:db8::1",
            "localhost",
            "LocalHost.",
            "app.localhost",
            "VANE.example.com",
        ] {
            assert!(is_ours(&hosts, ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "vane.example.com.evil.example",
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "notlocalhost",
            "0x7f000001",
            "2130706433",
            "",
        ] {
            assert!(!is_ours(&hosts, foreign), "{foreign}");
        }
    }
}
