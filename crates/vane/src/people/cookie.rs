//! Cookies: the one of a session, and the one that a link's token is moved to.
//!
//! Invariant: no script reads them, no other site's form sends them, and where this server is
//! reached by TLS they are bound to this very host and never sent without.

use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};
use vane_ledger::Token;

use crate::config::Config;

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    Session,
    /// A link that was opened and not used yet.
    Link,
}

/// A link that was opened must be used within the hour, or opened again.
const LINK_SECONDS: i64 = 3_600;

impl Cookie {
    fn name(self, config: &Config) -> &'static str {
        match (self, is_secure(config)) {
            (Self::Session, true) => "__Host-vane",
            (Self::Session, false) => "vane",
            (Self::Link, true) => "__Host-vane-link",
            (Self::Link, false) => "vane-link",
        }
    }

    /// The token that a request brings.
    #[must_use]
    pub fn read(self, config: &Config, headers: &HeaderMap) -> Option<Token> {
        let name = self.name(config);
        let lines = headers.get_all(COOKIE).iter();
        let mut pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(said, _)| *said == name)?;
        Token::parse(value)
    }

    pub(super) fn set(self, config: &Config, token: &Token) -> Option<HeaderValue> {
        let seconds = match self {
            Self::Session => config.people.session_days.saturating_mul(86_400),
            Self::Link => LINK_SECONDS,
        };
        self.line(config, token.expose(), seconds)
    }

    /// Takes it from the browser.
    pub(super) fn gone(self, config: &Config) -> Option<HeaderValue> {
        self.line(config, "", 0)
    }

    fn line(self, config: &Config, value: &str, seconds: i64) -> Option<HeaderValue> {
        let name = self.name(config);
        let secure = if is_secure(config) { "; Secure" } else { "" };
        let line =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        let mut line = HeaderValue::from_str(&line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }
}

fn is_secure(config: &Config) -> bool {
    config.origin().starts_with("https://")
}
