//! Whether a request comes from a page of this server.
//!
//! People are known by their browser, which sends what it has for this server wherever the page
//! comes from that makes it ask. Browsers say so with every POST: by `Origin`, and newer ones by
//! `Sec-Fetch-Site`. Invariant: what a page of another origin sends is refused before anything is
//! looked at; so is what no page sent.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;

use crate::config::Config;

/// Whether the page is of the host that the request was sent to, which is checked for every
/// request, or of the address at which the operator says that others reach this server.
pub(crate) fn is_own(config: &Config, head: &Parts) -> bool {
    let said = (
        at_most_once(&head.headers, ORIGIN.as_str()),
        at_most_once(&head.headers, "sec-fetch-site"),
    );
    let (Some(origin), Some(site)) = said else {
        return false;
    };
    (origin.is_some() || site.is_some())
        && origin.is_none_or(|origin| is_here(config, head, origin))
        && site.is_none_or(|site| site == "same-origin")
}

/// A header that need not be there; nothing if it stands twice or is no text.
fn at_most_once<'h>(headers: &'h HeaderMap, name: &str) -> Option<Option<&'h str>> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Some(None),
        (Some(one), None) => one.to_str().ok().map(Some),
        (Some(_), Some(_)) => None,
    }
}

fn is_here(config: &Config, head: &Parts, origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    // HTTP/2 names the host in the address.
    let host = match head.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => head.headers.get(HOST).and_then(|host| host.to_str().ok()),
    };
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        || origin.eq_ignore_ascii_case(&config.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    const HERE: &str = "http://vane.internal:8787";
    const SITE: &str = "https://vane.example.com";

    #[test]
    fn s15_only_pages_of_this_server_are_answered() {
        let environment: Environment = [("VANE_SITE_URL", SITE)].into_iter().collect();
        let config = Config::load(None, &environment).unwrap().0;
        for (origins, sites, ours) in [
            (&[HERE][..], &[][..], true),
            (&["http://Vane.internal:8787"], &[], true),
            (&[HERE], &["same-origin"], true),
            (&[SITE], &["same-origin"], true),
            (&[], &["same-origin"], true),
            (&[], &[], false),
            (&["null"], &["same-origin"], false),
            (&["http://vane.internal"], &[], false),
            (&["http://vane.internal:8788"], &[], false),
            (&["http://vane.internal:8787.evil.example"], &[], false),
            (&["https://vane.example.com.evil.example"], &[], false),
            (&["http://vane.example.com"], &[], false),
            (&["http://evil.example"], &["same-origin"], false),
            (&[HERE], &["same-site"], false),
            (&[HERE], &["cross-site"], false),
            (&[], &["none"], false),
            (&[HERE, HERE], &[], false),
            (&[HERE], &["same-origin", "same-origin"], false),
        ] {
            // As HTTP/1.1 and HTTP/2 name the host.
            for (uri, host) in [
                ("/login", Some("vane.internal:8787")),
                ("http://vane.internal:8787/login", None),
            ] {
                let mut request = http::Request::post(uri);
                for (name, values) in [("origin", origins), ("sec-fetch-site", sites)] {
                    for value in values {
                        request = request.header(name, *value);
                    }
                }
                if let Some(host) = host {
                    request = request.header(HOST, host);
                }
                let head = request.body(()).unwrap().into_parts().0;
                assert_eq!(is_own(&config, &head), ours, "{origins:?} {sites:?} {uri}");
            }
        }
    }
}
