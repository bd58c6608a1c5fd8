//! The key of a provider: tried there, kept, put to work, and taken away.
//!
//! Invariant: a key that its provider refuses is not kept; what is said of a failure never repeats
//! the key. The address that is asked is the catalogue's or the operator's variable's, nothing of
//! the form. What is kept or taken away is at work here when the form is answered, and in every
//! other process within a second.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request};
use vane_dialect::fault::{Blame, Kind};
use vane_dialect::{Dialect, Fault};

use super::{Asked, need};
use crate::config::{Config, Secret};
use crate::form::Form;
use crate::gateway::State;
use crate::upstream::{Parts, Pool, Provider};

const PATIENCE: Duration = Duration::from_secs(15);

/// What became of a key that was to be kept.
pub(super) enum Kept {
    Yes,
    No {
        why: String,
        /// Nobody knows whether it is good: it may be kept untested.
        is_untestable: bool,
    },
}

impl Kept {
    fn no(why: impl Into<String>) -> Self {
        Self::No {
            why: why.into(),
            is_untestable: false,
        }
    }
}

/// What a provider said to a key.
enum Tried {
    Takes,
    Refuses(u16),
    /// It cannot be asked, and why.
    Unknown(String),
}

/// Keeps the key of a form in place of the one that is kept, if any is.
pub(super) async fn keep(asked: &Asked<'_>, form: &Form) -> Result<Kept, Fault> {
    let (id, key) = (form.text("provider"), form.text("key"));
    let config = asked.gateway.state().config.clone();
    let is_open = config.keyless.iter().any(|provider| provider.id == id)
        || config.kept_keys().any(|(kept, _)| kept == id);
    if !is_open {
        return Ok(Kept::no(
            "choose a provider that has no key by the configuration",
        ));
    }
    let Some(config) = with_key(config, id, key) else {
        return Ok(Kept::no(
            "the key is empty, or holds a space or a letter that no header can carry",
        ));
    };
    let state = State::new(config).inspect_err(|error| {
        tracing::warn!(%error, "a provider could not be switched on");
    });
    let state = state.ok();
    let offers = state.as_ref().map(|state| &state.offers);
    let found = offers.and_then(|offers| offers.providers.iter().find(|known| known.id == id));
    let Some(provider) = found else {
        return Ok(Kept::no("this provider cannot be switched on"));
    };
    match tried(asked.pool, provider, key).await {
        Tried::Takes => {}
        Tried::Refuses(status) => {
            return Ok(Kept::no(format!(
                "the provider refuses this key (status {status}); it is not kept"
            )));
        }
        Tried::Unknown(_) if form.text("untested") == "yes" => {}
        Tried::Unknown(why) => {
            return Ok(Kept::No {
                why: format!("whether the key is good could not be learned: {why}; it is not kept"),
                is_untestable: true,
            });
        }
    }
    let (provider, secret, now) = (id.to_owned(), key.to_owned(), asked.now());
    let kept = need(asked.gateway, move |store| {
        store.keep_provider_key(&provider, &secret, now)
    });
    kept.await?;
    put_to_work(asked).await?;
    Ok(Kept::Yes)
}

/// Takes the key of a provider away. False where none is kept.
pub(super) async fn drop(asked: &Asked<'_>, provider: &str) -> Result<bool, Fault> {
    let provider = provider.to_owned();
    let dropped = need(asked.gateway, move |store| {
        store.drop_provider_key(&provider)
    })
    .await?;
    put_to_work(asked).await?;
    Ok(dropped)
}

async fn put_to_work(asked: &Asked<'_>) -> Result<(), Fault> {
    let gateway = asked.gateway.clone();
    let done = tokio::task::spawn_blocking(move || gateway.follow_kept_keys()).await;
    match done {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(later(&error)),
        Err(error) => Err(later(&error)),
    }
}

fn later(error: &dyn std::fmt::Display) -> Fault {
    tracing::warn!(%error, "a key of a provider is kept and not at work");
    let message = "the change is kept, and not at work here yet; it is tried again within seconds";
    Fault::new(Kind::Unavailable, Blame::Us, message)
}

/// The provider with this key, for trying it; others that are kept do not matter for that.
fn with_key(config: Config, id: &str, key: &str) -> Option<Config> {
    let fits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| config.with_kept_keys(vec![(id.to_owned(), Secret(key.to_owned()))]))
}

/// Asks the provider for its models, which costs nothing. That it tells them proves the key only if
/// it does not tell them to who has another one, which nobody gave out.
async fn tried(pool: &Pool, provider: &Provider, key: &str) -> Tried {
    let path = provider.speaks.iter();
    let path = path.filter_map(|(_, uri)| models_path(uri.path())).next();
    let Some((uri, path)) = provider.speaks.first().map(|(_, uri)| uri).zip(path) else {
        return Tried::Unknown("it has no list of models".to_owned());
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    let Ok(uri) = http::Uri::from_parts(parts) else {
        return Tried::Unknown("its address is none".to_owned());
    };
    let told = match listed(pool, provider, &uri, provider.headers.clone()).await {
        Ok(200) => listed(pool, provider, &uri, with_another(&provider.headers, key)).await,
        Ok(status @ (401 | 403)) => return Tried::Refuses(status),
        Ok(status) => return Tried::Unknown(format!("it answered with the status {status}")),
        Err(why) => return Tried::Unknown(why),
    };
    match told {
        Ok(200) => Tried::Unknown("it tells its models to everybody, with any key".to_owned()),
        Ok(_) => Tried::Takes,
        Err(why) => Tried::Unknown(why),
    }
}

/// The status of the list of models, or why there is none.
async fn listed(
    pool: &Pool,
    provider: &Provider,
    uri: &http::Uri,
    headers: HeaderMap,
) -> Result<u16, String> {
    let mut request = Request::new(Parts::default());
    *request.method_mut() = Method::GET;
    request.uri_mut().clone_from(uri);
    *request.headers_mut() = headers;
    let mut dialects = provider.speaks.iter().map(|(dialect, _)| *dialect);
    if dialects.any(|dialect| dialect == Dialect::AnthropicMessages) {
        let version = HeaderValue::from_static("2023-06-01");
        request.headers_mut().insert("anthropic-version", version);
    }
    let asked = tokio::time::timeout(PATIENCE, pool.send(request, provider.h2c)).await;
    match asked.map(|answer| answer.map(|answer| answer.status().as_u16())) {
        Ok(Ok(status)) => Ok(status),
        Ok(Err(why)) => Err(format!("it {why}")),
        Err(_) => Err("it did not answer in time".to_owned()),
    }
}

/// The same headers with a key as long that is no key.
fn with_another(headers: &HeaderMap, key: &str) -> HeaderMap {
    let another = "x".repeat(key.len());
    let other = |value: &HeaderValue| {
        let said = value.to_str().ok().filter(|said| said.contains(key));
        said.and_then(|said| HeaderValue::from_str(&said.replace(key, &another)).ok())
    };
    let value = |value: &HeaderValue| other(value).unwrap_or_else(|| value.clone());
    let headers = headers.iter();
    headers
        .map(|(name, said)| (name.clone(), value(said)))
        .collect()
}

/// Where the models are listed beside a route that takes calls.
fn models_path(path: &str) -> Option<String> {
    let ends = [
        "/chat/completions",
        "/fim/completions",
        "/completions",
        "/messages",
        "/responses",
        "/embeddings",
    ];
    let before = ends.iter().find_map(|end| path.strip_suffix(end))?;
    Some(format!("{before}/models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_beside_the_calls() {
        for (path, models) in [
            ("/v1/chat/completions", Some("/v1/models")),
            ("/v1/messages", Some("/v1/models")),
            ("/openai/v1/responses", Some("/openai/v1/models")),
            ("/v1/fim/completions", Some("/v1/models")),
            ("/infill", None),
        ] {
            assert_eq!(models_path(path).as_deref(), models);
        }
    }

    #[test]
    fn the_credential_alone_is_another() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("authorization", "Bearer k-1"), ("accept", "*/*")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let other = with_another(&headers, "k-1");
        assert_eq!(
            (&other["authorization"], &other["accept"]),
            (&HeaderValue::from_static("Bearer xxx"), &headers["accept"])
        );
    }
}
