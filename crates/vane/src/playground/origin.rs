//! Whether a page of this server asks.
//!
//! Visitors are known by their browser, which sends what it has for this server wherever the page
//! comes from that makes it ask. Invariant: what a page of another origin sends is refused before
//! anything is looked at; so is what no page sent, which can use a key.

use crate::config::Config;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) fn check(config: &Config, head: &Parts) -> Result<(), Fault> {
    let site = head.headers.get(FETCH_SITE).map(|value| value.as_bytes());
    let is_here = site.is_none_or(|site| site == b"same-origin");
    let mut origins = head.headers.get_all(ORIGIN).iter();
    let is_ours = match (origins.next(), origins.next()) {
        (Some(origin), None) => origin
            .to_str()
            .is_ok_and(|origin| is_own(config, head, origin)),
        _ => false,
    };
    if is_here && is_ours {
        return Ok(());
    }
    let message = "the playground answers pages of this server only: programs call /v1 with a key";
    Err(Fault::new(Kind::Forbidden, Blame::Caller, message).with_code("cross_site"))
}

/// The address that the request was sent to, whose host is checked for every request, or the one
/// that the operator says others reach this server at.
fn is_own(config: &Config, head: &Parts, origin: &str) -> bool {
    let header = || head.headers.get(HOST)?.to_str().ok();
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    let Some((_, said)) = origin.split_once("://") else {
        return false;
    };
    let host = authority.or_else(header).unwrap_or_default();
    said.eq_ignore_ascii_case(host) || origin.eq_ignore_ascii_case(&config.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    #[test]
    fn s15_only_pages_of_this_server_are_answered() {
        let variables = [("VANE_SITE_URL", "https://vane.example.com")];
        let environment: Environment = variables.into_iter().collect();
        let config = Config::load(None, &environment).unwrap().0;
        let none: Option<&str> = None;
        for (origin, site, is_ours) in [
            (Some("http://localhost:8787"), none, true),
            (Some("http://localhost:8787"), Some("same-origin"), true),
            (Some("https://vane.example.com"), Some("same-origin"), true),
            (Some("http://localhost:8787"), Some("cross-site"), false),
            (Some("http://localhost:8787"), Some("same-site"), false),
            (Some("http://localhost:8788"), none, false),
            (Some("http://localhost"), none, false),
            (Some("https://vane.example.com.evil.example"), none, false),
            (Some("null"), Some("same-origin"), false),
            (None, Some("same-origin"), false),
            (None, None, false),
        ] {
            let mut request = http::Request::post("/playground").header("host", "localhost:8787");
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let head = request.body(()).unwrap().into_parts().0;
            assert_eq!(
                check(&config, &head).is_ok(),
                is_ours,
                "{origin:?} {site:?}"
            );
        }
    }
}
