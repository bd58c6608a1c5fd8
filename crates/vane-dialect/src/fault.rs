//! Fault: any failure on the way of a call: what it is, who is to blame, what to do next.
//!
//! Every dialect decodes its providers' error bodies to a Fault and encodes a Fault as its own
//! error body. The kind decides the status, whether another offer is tried, and what is benched.

use crate::dialect::Dialect;
use std::fmt;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub blame: Blame,
    /// Says the cause and the next step, to a person.
    pub message: String,
    /// The request field at fault (`messages[2].content`).
    pub param: Option<String>,
    /// A native code worth keeping (`rate_limited`, `1300`).
    pub code: Option<String>,
    pub retry_after: Option<Duration>,
    /// What the upstream said, byte for byte, for a caller of the same dialect.
    pub upstream: Option<Box<Upstream>>,
}

/// An upstream's own error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    pub status: u16,
    pub dialect: Dialect,
    pub body: Vec<u8>,
}

/// What went wrong. One kind, one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed or asks for what cannot be.
    Invalid,
    /// The prompt does not fit the model's context.
    ContextLength,
    /// A model or feature that exists but cannot do what is asked.
    Unsupported,
    /// No or a wrong credential.
    Unauthenticated,
    /// The credential may not do this.
    Forbidden,
    /// No such model or route.
    NotFound,
    /// The method is not allowed on this route.
    Method,
    /// The request is for another host.
    Misdirected,
    /// The body is over the limit.
    TooLarge,
    /// The body's media or content encoding is not understood.
    MediaType,
    /// The same request is in flight, or differs from one with the same idempotency key.
    Conflict,
    /// Too many requests or tokens in a time.
    RateLimited,
    /// No money: an empty balance, a spent budget or plan.
    NoFunds,
    /// Refused by a content filter before any answer.
    ContentFilter,
    /// The upstream has no capacity now.
    Overloaded,
    /// The upstream failed (5xx, a refused connection).
    Upstream,
    /// The upstream broke its own protocol: HTML, bad JSON, a cut stream.
    Protocol,
    /// A deadline passed.
    Timeout,
    /// Vane cannot take the call now (draining, no offer configured).
    Unavailable,
    /// A request went through this gateway already.
    Loop,
    /// A defect of Vane.
    Internal,
}

impl Kind {
    pub const ALL: [Self; 21] = [
        Self::Invalid,
        Self::ContextLength,
        Self::Unsupported,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Method,
        Self::Misdirected,
        Self::TooLarge,
        Self::MediaType,
        Self::Conflict,
        Self::RateLimited,
        Self::NoFunds,
        Self::ContentFilter,
        Self::Overloaded,
        Self::Upstream,
        Self::Protocol,
        Self::Timeout,
        Self::Unavailable,
        Self::Loop,
        Self::Internal,
    ];
}

/// Who caused it. Blame decides consequences: a caller's fault benches nothing and is not tried
/// elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    Caller,
    /// The provider's capacity or health.
    Upstream,
    /// The model wrote what is no answer: asked again it may do better, and its offer is in order.
    Model,
    /// Our credential at the provider: rejected, or out of credit.
    ProviderKey,
    Us,
}

impl Fault {
    #[must_use]
    pub fn new(kind: Kind, blame: Blame, message: impl Into<String>) -> Self {
        Self {
            kind,
            blame,
            message: message.into(),
            param: None,
            code: None,
            retry_after: None,
            upstream: None,
        }
    }

    /// The caller's request is wrong at `param`.
    #[must_use]
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        let param = param.into();
        let fault = Self::new(Kind::Invalid, Blame::Caller, message);
        if param.is_empty() {
            fault
        } else {
            Self {
                param: Some(param),
                ..fault
            }
        }
    }

    /// The upstream said something that its dialect does not allow.
    #[must_use]
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(Kind::Protocol, Blame::Upstream, message)
    }

    /// What is asked cannot be carried to the dialect or model that would have to serve it.
    #[must_use]
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Unsupported,
            ..Self::invalid(param, message)
        }
    }

    /// A fault by the status of an upstream's error answer; the dialect fills in what its body
    /// says. Statuses without a meaning of their own count as upstream failures.
    #[must_use]
    pub fn from_status(status: u16, message: impl Into<String>) -> Self {
        let (kind, blame) = match status {
            400 | 405 | 409 | 411 | 414 | 415 | 422 => (Kind::Invalid, Blame::Caller),
            401 => (Kind::Unauthenticated, Blame::ProviderKey),
            402 => (Kind::NoFunds, Blame::ProviderKey),
            403 => (Kind::Forbidden, Blame::ProviderKey),
            404 | 410 => (Kind::NotFound, Blame::Upstream),
            408 | 504 | 524 => (Kind::Timeout, Blame::Upstream),
            413 => (Kind::TooLarge, Blame::Caller),
            429 => (Kind::RateLimited, Blame::Upstream),
            503 | 529 => (Kind::Overloaded, Blame::Upstream),
            _ => (Kind::Upstream, Blame::Upstream),
        };
        Self::new(kind, blame, message)
    }

    #[must_use]
    pub fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }

    #[must_use]
    pub fn with_param(self, param: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..self
        }
    }

    /// Whether another offer, or the same one a moment later, may do better.
    #[must_use]
    pub const fn worth_another_try(&self) -> bool {
        !matches!(self.blame, Blame::Caller)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.param {
            Some(param) => write!(f, " (at {param})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}
