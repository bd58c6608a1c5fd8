//! `/setup/provider`: the key of a provider, tried there before it is kept.
//!
//! Invariant: a key that its provider refuses is not kept; what the page says of a failure never
//! repeats the key. The address that is asked is the catalogue's or the operator's variable's,
//! nothing of the form.

use std::time::Duration;

use askama::Template;
use http::{Method, Request, StatusCode};
use vane_dialect::Fault;

use super::must_operate;
use crate::config::{Config, Secret};
use crate::form::Form;
use crate::gateway::State;
use crate::people::visitor::Visitor;
use crate::people::{Asked, need, reply};
use crate::relay::Response;
use crate::site::Frame;
use crate::upstream::{Parts, Pool, Provider};

const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Template)]
#[template(path = "setup-provider.html")]
struct ProviderPage {
    frame: Frame,
    csrf: String,
    wrong: Option<String>,
    /// Whether it may be kept without a test.
    is_untestable: bool,
    /// Providers without a key: id and name.
    choices: Vec<(String, String)>,
    chosen: String,
    /// Those that are on.
    on: Vec<String>,
}

/// What a provider said to a key.
enum Tried {
    Takes,
    Refuses(u16),
    /// It cannot be asked, and why.
    Unknown(String),
}

pub(in crate::people) async fn answer(
    asked: &Asked<'_>,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    must_operate(visitor)?;
    match &asked.form {
        None => shown(asked, visitor, None, "", false),
        Some(form) => save(asked, visitor, form).await,
    }
}

async fn save(asked: &Asked<'_>, visitor: &Visitor, form: &Form) -> Result<Response, Fault> {
    let (id, key) = (form.text("provider"), form.text("key"));
    let again = |wrong: &str, untestable| shown(asked, visitor, Some(wrong), id, untestable);
    let config = asked.gateway.state().config.clone();
    if !config.keyless.iter().any(|provider| provider.id == id) {
        return again("choose a provider that has no key yet", false);
    }
    let Some(config) = with_key(config, id, key) else {
        return again(
            "the key is empty, or holds a space or a letter that no header can carry",
            false,
        );
    };
    let state = match State::new(config) {
        Ok(state) => state,
        Err(error) => {
            tracing::warn!(%error, "a provider could not be switched on");
            return again("this provider cannot be switched on", false);
        }
    };
    let found = state
        .offers
        .providers
        .iter()
        .find(|provider| provider.id == id);
    let Some(provider) = found else {
        return again("this provider cannot be switched on", false);
    };
    match tried(asked.pool, provider).await {
        Tried::Takes => {}
        Tried::Refuses(status) => {
            let said = format!("the provider refuses this key (status {status}); it is not kept");
            return again(&said, false);
        }
        Tried::Unknown(_) if form.text("untested") == "yes" => {}
        Tried::Unknown(why) => {
            let said =
                format!("whether the key is good could not be learned: {why}; it is not kept");
            return again(&said, true);
        }
    }
    let (kept, secret, now) = (id.to_owned(), key.to_owned(), asked.now());
    need(asked.gateway, move |store| {
        store.keep_provider_key(&kept, &secret, now)
    })
    .await?;
    asked.gateway.replace(state);
    Ok(reply::elsewhere("/setup/key"))
}

fn with_key(config: Config, id: &str, key: &str) -> Option<Config> {
    let fits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| config.with_kept_keys(vec![(id.to_owned(), Secret(key.to_owned()))]))
}

/// Asks the provider for its models, which costs nothing and needs the key.
async fn tried(pool: &Pool, provider: &Provider) -> Tried {
    let path = provider
        .speaks
        .iter()
        .find_map(|(_, uri)| models_path(uri.path()));
    let Some((uri, path)) = provider.speaks.first().map(|(_, uri)| uri).zip(path) else {
        return Tried::Unknown("it has no list of models".to_owned());
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    let Ok(uri) = http::Uri::from_parts(parts) else {
        return Tried::Unknown("its address is none".to_owned());
    };
    let mut request = Request::new(Parts::default());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    request.headers_mut().clone_from(&provider.headers);
    if provider
        .speaks
        .iter()
        .any(|(dialect, _)| *dialect == vane_dialect::Dialect::AnthropicMessages)
    {
        let version = http::HeaderValue::from_static("2023-06-01");
        request.headers_mut().insert("anthropic-version", version);
    }
    let asked = tokio::time::timeout(PATIENCE, pool.send(request, provider.h2c)).await;
    match asked.map(|answer| answer.map(|answer| answer.status().as_u16())) {
        Ok(Ok(200)) => Tried::Takes,
        Ok(Ok(status @ (401 | 403))) => Tried::Refuses(status),
        Ok(Ok(status)) => Tried::Unknown(format!("it answered with the status {status}")),
        Ok(Err(why)) => Tried::Unknown(format!("it {why}")),
        Err(_) => Tried::Unknown("it did not answer in time".to_owned()),
    }
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

fn shown(
    asked: &Asked<'_>,
    visitor: &Visitor,
    wrong: Option<&str>,
    chosen: &str,
    is_untestable: bool,
) -> Result<Response, Fault> {
    let state = asked.gateway.state();
    let name = |id: &str| {
        let known = state.catalog.provider(id);
        known.map_or_else(|| id.to_owned(), |known| known.name.to_string())
    };
    let mut choices: Vec<(String, String)> = state
        .config
        .keyless
        .iter()
        .map(|provider| (provider.id.clone(), name(&provider.id)))
        .collect();
    choices.sort_by(|one, other| one.1.cmp(&other.1));
    let page = ProviderPage {
        frame: Frame::private("A provider"),
        csrf: visitor.csrf.clone(),
        wrong: wrong.map(reply::sentence),
        is_untestable,
        choices,
        chosen: match chosen {
            "" => "mistral".to_owned(),
            chosen => chosen.to_owned(),
        },
        on: state
            .config
            .providers
            .iter()
            .map(|provider| name(&provider.id))
            .collect(),
    };
    let status = match wrong {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    reply::page(status, &page)
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
}
