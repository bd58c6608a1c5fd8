//! A written page: compressed once, sent as it is to who takes gzip, unpacked for who does not.
//!
//! Invariants: every sheet carries the same strict headers; a page loads nothing from elsewhere,
//! stands in no frame, and runs no script but ours, where it says so.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LINK, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};

use crate::relay::{Body, Response};

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The same for a page that runs scripts of this server, which ask this server.
const SCRIPTED: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// How long browsers and caches may keep a page without asking: prices change by the day.
const FRESH: &str = "public, max-age=60";
/// A page of this moment is true of no other.
const NEVER: &str = "no-store";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(super) const MARKDOWN: &str = "text/markdown; charset=utf-8";
pub(super) const PLAIN: &str = "text/plain; charset=utf-8";
pub(super) const XML: &str = "application/xml; charset=utf-8";
pub(super) const ATOM: &str = "application/atom+xml; charset=utf-8";
pub(super) const JSON: &str = "application/json";

#[derive(Debug, Clone)]
pub(super) struct Sheet {
    status: StatusCode,
    kind: &'static str,
    gzip: Bytes,
    tag: HeaderValue,
    cache: &'static str,
    policy: &'static str,
    /// Where the same page is as Markdown, or the page of a Markdown file.
    link: Option<HeaderValue>,
}

/// How hard to compress: pages that are kept once and well, others at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressing {
    Kept,
    Once,
}

impl Sheet {
    pub(super) fn new(
        kind: &'static str,
        text: &[u8],
        pressing: Pressing,
    ) -> std::io::Result<Self> {
        let level = match pressing {
            Pressing::Kept => Compression::best(),
            Pressing::Once => Compression::fast(),
        };
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), level);
        encoder.write_all(text)?;
        let tag = format!("W/\"{}\"", digest(text));
        Ok(Self {
            status: StatusCode::OK,
            kind,
            gzip: encoder.finish()?.into(),
            tag: HeaderValue::from_str(&tag).map_err(std::io::Error::other)?,
            cache: FRESH,
            policy: POLICY,
            link: None,
        })
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// For this answer only.
    pub(super) fn of_now(self) -> Self {
        Self {
            cache: NEVER,
            ..self
        }
    }

    pub(super) fn for_ever(self) -> Self {
        Self {
            cache: FOR_EVER,
            ..self
        }
    }

    /// A page that our own scripts improve.
    pub(super) fn scripted(self) -> Self {
        Self {
            policy: SCRIPTED,
            ..self
        }
    }

    /// Names the same page in another form.
    pub(super) fn beside(self, address: &str, relation: &str) -> Self {
        let link = HeaderValue::from_str(&format!("<{address}>; {relation}")).ok();
        Self { link, ..self }
    }

    pub(super) fn size(&self) -> usize {
        self.gzip.len()
    }

    /// The answer to a request with these headers.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked
            .get(IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok());
        let own = self.tag.to_str().unwrap_or_default();
        let is_known = known.is_some_and(|tags| {
            tags.split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag == own)
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(self.cache));
        strict(headers);
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(self.policy),
        );
        if is_known && self.status == StatusCode::OK {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if let Some(link) = &self.link {
            headers.insert(LINK, link.clone());
        }
        let body = match takes_gzip(asked) {
            true => {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                self.gzip.clone()
            }
            false => self.unpacked(),
        };
        *response.body_mut() = Body::Whole(body);
        response
    }

    fn unpacked(&self) -> Bytes {
        let mut text = Vec::with_capacity(self.gzip.len() * 6);
        // What this process packed itself unpacks.
        let _ = GzDecoder::new(self.gzip.as_ref()).read_to_end(&mut text);
        text.into()
    }
}

/// The headers of every page: no script, no frame, nothing from elsewhere.
pub(crate) fn strict(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER, HeaderValue::from_static("same-origin"));
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    let all = asked.get_all(ACCEPT_ENCODING).iter();
    let mut said = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    said.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        let refused = weight.starts_with('0') && weight.bytes().all(|b| matches!(b, b'0' | b'.'));
        matches!(name.trim(), "gzip" | "x-gzip" | "*") && !refused
    })
}

/// The first digits of the SHA-256 of a content.
pub(super) fn digest(content: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let digits = hash.as_ref().iter().take(8);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_heeded() {
        for (said, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(said));
            assert_eq!(takes_gzip(&headers), takes, "{said}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
