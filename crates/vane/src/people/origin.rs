//! Whether a form comes from a page of this server.
//!
//! Browsers say so with every POST: by `Origin`, and newer ones by `Sec-Fetch-Site`. A request
//! that has neither comes from no browser that could be tricked into sending it, but also from none
//! that ever needs a form; so it is refused.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Whether the page that sent a request is of the host that it was sent to.
#[must_use]
pub fn from_here(headers: &HeaderMap) -> bool {
    let said = |name: &str| {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Some(None),
            (Some(one), None) => one.to_str().ok().map(Some),
            (Some(_), Some(_)) => None,
        }
    };
    let (Some(origin), Some(site)) = (said(ORIGIN.as_str()), said("sec-fetch-site")) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_ours = |origin: &str| {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some_and(|said| host.is_some_and(|host| host.eq_ignore_ascii_case(said)))
    };
    match (origin, site) {
        (None, None) => false,
        (origin, site) => {
            origin.is_none_or(is_ours) && site.is_none_or(|site| site == "same-origin")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_only_pages_of_this_server_send_forms() {
        for (lines, ours) in [
            (&[("origin", "http://vane.example:8787")][..], true),
            (&[("origin", "https://Vane.example:8787")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (
                &[
                    ("origin", "http://vane.example:8787"),
                    ("sec-fetch-site", "same-origin"),
                ],
                true,
            ),
            (&[], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://vane.example")], false),
            (
                &[("origin", "http://vane.example:8787.evil.example")],
                false,
            ),
            (&[("origin", "http://evil.example")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[
                    ("origin", "http://evil.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "http://vane.example:8787"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (
                &[
                    ("origin", "http://vane.example:8787"),
                    ("origin", "http://vane.example:8787"),
                ],
                false,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "vane.example:8787".parse().unwrap());
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(from_here(&headers), ours, "{lines:?}");
        }
    }
}
