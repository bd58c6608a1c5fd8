//! Who calls: exactly one credential, checked from memory.

use crate::gateway::Gateway;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use std::sync::Arc;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};
use vane_ledger::{Caller, Recall, Right};

/// Finds the caller of a request by its `Authorization: Bearer` or `x-api-key`. With
/// `auth = "off"`, which only a loopback address allows, everybody is the first account.
///
/// # Errors
/// If there is no credential, more than one, or one that is not good.
pub async fn authenticate(
    gateway: &Arc<Gateway>,
    headers: &HeaderMap,
) -> Result<Arc<Caller>, Fault> {
    if let Some(caller) = gateway.open_caller() {
        return Ok(caller);
    }
    let presented = credential(headers)?;
    let now = gateway.clock.now();
    let caller = match gateway.ring.recall(presented, now) {
        Recall::Known(caller) => caller,
        Recall::Unseen(key) => {
            let ring = gateway.ring.clone();
            let asked = tokio::task::spawn_blocking(move || ring.ask(&key, now)).await;
            asked.map_err(|_| {
                Fault::new(Kind::Internal, Blame::Us, "the key could not be checked")
            })?
        }
    };
    caller.map_err(|denied| unauthenticated(denied.to_string()))
}

/// Lets a caller go on who has a right.
///
/// # Errors
/// With the name of the right that is missing.
pub fn must(caller: &Caller, right: Right) -> Result<(), Fault> {
    if caller.may(right) {
        return Ok(());
    }
    let right = right.as_str();
    let message = match &caller.acting {
        Some(acting) => format!(
            "the role `{}` lacks the right `{right}`; ask an owner or admin of the account",
            acting.role.as_str()
        ),
        None => format!(
            "this needs the right `{right}`, and the key acts for nobody; use a key that acts for a \
             member: `vane key create --member EMAIL` makes one"
        ),
    };
    Err(Fault::new(Kind::Forbidden, Blame::Caller, message))
}

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The one credential of a request. The same one in both headers is one, and an empty one is none.
fn credential(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut found: Option<&str> = None;
    let values = headers
        .get_all(AUTHORIZATION)
        .iter()
        .chain(headers.get_all(X_API_KEY));
    for value in values {
        let text = value.to_str().unwrap_or_default().trim();
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ if text.eq_ignore_ascii_case("bearer") => "",
            _ => text,
        };
        match found {
            // Libraries send the header of a key that is set to nothing.
            _ if token.is_empty() => {}
            Some(other) if other != token => {
                return Err(unauthenticated(
                    "the request has two different credentials: send one, as \
                     `Authorization: Bearer` or as `x-api-key`",
                ));
            }
            _ => found = Some(token),
        }
    }
    found.ok_or_else(|| {
        unauthenticated(
            "a key is required: send `Authorization: Bearer sk-vane-...` or `x-api-key`; \
             `vane key create` makes one",
        )
    })
}

fn unauthenticated(message: impl Into<String>) -> Fault {
    Fault::new(Kind::Unauthenticated, Blame::Caller, message).with_code("invalid_api_key")
}
