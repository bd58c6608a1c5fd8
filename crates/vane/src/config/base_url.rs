//! Base URLs of providers.
//!
//! Invariant: one that was accepted has a host, no trailing slash, no credentials, no query, and
//! is not Vane's own address, which would answer itself until something broke.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

use super::read::Read;

/// What is refused as an upstream.
pub(super) struct Own<'c> {
    pub(super) listen: SocketAddr,
    pub(super) hosts: &'c [String],
}

/// The URL is not repeated in errors: it may hold a password.
pub(super) fn read(said: &str, own: &Own<'_>) -> Read<String> {
    let wrong = || "must be a URL such as \"https://api.example.com/v1\"".to_owned();
    let trimmed = said.trim().trim_end_matches('/');
    let uri: Uri = trimmed.parse().map_err(|_| wrong())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong());
    };
    if !matches!(scheme, "http" | "https") || authority.host().is_empty() {
        return Err(wrong());
    }
    if authority.as_str().contains('@') {
        return Err("must not hold credentials: write them as `api_key` or `headers`".to_owned());
    }
    if uri.query().is_some() || trimmed.contains('#') {
        return Err("must end with its path: paths of dialects are appended to it".to_owned());
    }
    let port = authority
        .port_u16()
        .unwrap_or(if scheme == "https" { 443 } else { 80 });
    if own.is(authority.host(), port) {
        return Err("is Vane's own address: it would call itself without end".to_owned());
    }
    Ok(trimmed.to_owned())
}

impl Own<'_> {
    fn is(&self, host: &str, port: u16) -> bool {
        if port != self.listen.port() {
            return false;
        }
        let host = host.trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(address) => {
                let here = address.is_loopback() || address.is_unspecified();
                address == self.listen.ip() || (here && self.hears_loopback(address))
            }
            Err(_) => {
                let named = self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
                named || (host.eq_ignore_ascii_case("localhost") && self.is_local())
            }
        }
    }

    /// Another loopback address than the one listened on is another server's.
    fn hears_loopback(&self, address: IpAddr) -> bool {
        self.listen.ip().is_unspecified()
            || (address.is_unspecified() && self.listen.ip().is_loopback())
    }

    fn is_local(&self) -> bool {
        self.listen.ip().is_loopback() || self.listen.ip().is_unspecified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(listen: &str, url: &str) -> Read<String> {
        let hosts = ["vane.example.com".to_owned()];
        read(
            url,
            &Own {
                listen: listen.parse().unwrap(),
                hosts: &hosts,
            },
        )
    }

    #[test]
    fn its_own_address_is_refused_with_the_reason() {
        for (listen, url, own) in [
            ("127.0.0.1:8787", "http://127.0.0.1:8787/v1", true),
            ("127.0.0.1:8787", "http://localhost:8787", true),
            ("127.0.0.1:8787", "http://LOCALHOST:8787", true),
            ("127.0.0.1:8787", "http://0.0.0.0:8787", true),
            ("[::1]:8787", "http://[::1]:8787/v1", true),
            ("0.0.0.0:8787", "http://127.0.0.9:8787/v1", true),
            ("[::]:8787", "http://[::1]:8787/v1", true),
            ("0.0.0.0:443", "https://vane.example.com/v1", true),
            ("127.0.0.1:8787", "http://127.0.0.1:8788/v1", false),
            ("127.0.0.1:8787", "http://127.0.0.2:8787/v1", false),
            ("127.0.0.1:8787", "http://10.0.0.5:8787/v1", false),
        ] {
            let read = read_at(listen, url);
            assert_eq!(
                read.is_err_and(|what| what.contains("own address")),
                own,
                "{listen} {url}"
            );
        }
    }

    #[test]
    fn only_plain_http_addresses_are_taken() {
        assert_eq!(
            read_at("127.0.0.1:1", "https://a.b/v1//").unwrap(),
            "https://a.b/v1"
        );
        for url in [
            "",
            "a.b/v1",
            "ftp://a.b",
            "https://",
            "https:///v1",
            "http://a b",
            "/v1",
        ] {
            assert!(read_at("127.0.0.1:1", url).is_err(), "{url}");
        }
        for url in ["https://me:hunter2@a.b/v1", "https://a.b/v1?key=hunter2"] {
            let what = read_at("127.0.0.1:1", url).unwrap_err();
            assert!(!what.contains("hunter2"), "{what}");
        }
    }
}
