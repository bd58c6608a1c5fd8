//! Which server a deployment asks, and for what.
//!
//! LiteLLM's `provider/model` is read by the catalogue's prefixes and LiteLLM's own; a bare name
//! only where the catalogue knows whose model it is.

use vane_catalog::{Catalog, Provider};

use super::words::{Said, id_of};

/// Prefixes of LiteLLM's that the catalogue does not have -> providers.
const PREFIXES: [(&str, &str); 5] = [
    ("cohere_chat", "cohere"),
    ("custom_openai", "openai"),
    ("ollama_chat", "ollama"),
    ("openai_like", "openai"),
    ("text-completion-openai", "openai"),
];

/// What stands behind some addresses and is no part of a base URL.
const PATHS: [&str; 5] = [
    "/chat/completions",
    "/fim/completions",
    "/completions",
    "/embeddings",
    "/v1/messages",
];

/// Where a deployment goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The id of the catalogue's provider; `None` for a server that speaks as OpenAI does.
    pub(super) provider: Option<String>,
    /// What its provider would be called without one of the catalogue.
    pub(super) own_id: String,
    pub(super) base_url: Base,
    /// What the provider calls the model.
    pub(super) upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// The catalogue's.
    Usual,
    Url(String),
    /// In this variable of LiteLLM's.
    Variable(String),
}

/// The target of `model`, or why there is none.
pub(super) fn read(
    catalog: &Catalog,
    model: &str,
    custom: Option<&str>,
    base: &Said,
) -> Result<Target, String> {
    let (provider, upstream) = provider(catalog, model, custom)?;
    if !provider.is_callable() {
        return Err(format!(
            "{}: its dialect is not one that Vane asks in",
            provider.name
        ));
    }
    let upstream = upstream.strip_prefix("responses/").unwrap_or(upstream);
    let base_url = base_url(&provider.id, model, base)?;
    let elsewhere = match &base_url {
        Base::Usual => false,
        Base::Url(url) => provider.id == "openai" && !url.starts_with("https://api.openai.com"),
        Base::Variable(_) => provider.id == "openai",
    };
    let usual =
        matches!(&base_url, Base::Url(url) if Some(url.as_str()) == provider.base_url.as_deref());
    let own_id = match &base_url {
        Base::Url(url) if elsewhere => id_of(host(url)),
        Base::Variable(name) if elsewhere => id_of(name),
        Base::Url(_) | Base::Variable(_) | Base::Usual => provider.id.to_string(),
    };
    if matches!(base_url, Base::Usual) && provider.base_url.is_none() {
        return Err(format!("{} without an `api_base`", provider.name));
    }
    Ok(Target {
        provider: (!elsewhere).then(|| provider.id.to_string()),
        own_id,
        base_url: if usual { Base::Usual } else { base_url },
        upstream: upstream.to_owned(),
    })
}

fn provider<'c, 'm>(
    catalog: &'c Catalog,
    model: &'m str,
    custom: Option<&str>,
) -> Result<(&'c Provider, &'m str), String> {
    let of_prefix = |prefix: &str| {
        let own = PREFIXES.iter().find(|(known, _)| *known == prefix);
        let mut providers = catalog.providers().iter();
        providers.find(|row| match own {
            Some((_, id)) => row.id == *id,
            None => row.prefixes.iter().any(|known| known == prefix),
        })
    };
    if let Some(custom) = custom {
        let rest = model.strip_prefix(custom).and_then(|m| m.strip_prefix('/'));
        return of_prefix(custom)
            .map(|row| (row.as_ref(), rest.unwrap_or(model)))
            .ok_or_else(|| format!("the provider {custom:?} is not in the catalogue"));
    }
    if let Some((prefix, rest)) = model.split_once('/')
        && let Some(row) = of_prefix(prefix)
    {
        return Ok((row, rest));
    }
    // A bare name is the model's maker's own.
    let makers = catalog.resolve(model).and_then(|found| {
        let mut offers = found.offers.into_iter();
        offers.find(|offer| !offer.id.contains('/'))
    });
    let row = makers.and_then(|offer| catalog.provider(&offer.provider));
    row.map(|row| (row.as_ref(), model))
        .ok_or_else(|| match model.split_once('/') {
            Some((prefix, _)) => format!("the provider {prefix:?} is not in the catalogue"),
            None => "a model without a provider that the catalogue does not know".to_owned(),
        })
}

/// The base URL as Vane takes it. What is not certain is an error; no address is repeated in one.
fn base_url(provider: &str, model: &str, base: &Said) -> Result<Base, String> {
    let url = match base {
        Said::Nothing => return Ok(Base::Usual),
        Said::Variable(name) => return Ok(Base::Variable(name.clone())),
        Said::Literal(url) => url.trim().trim_end_matches('/'),
    };
    if provider == "google" {
        return Err("an `api_base` of Gemini's own dialect, which Vane does not ask in".to_owned());
    }
    let parsed = url.parse::<http::Uri>().ok();
    let scheme = parsed.as_ref().and_then(http::Uri::scheme_str);
    let has_host = parsed
        .as_ref()
        .and_then(http::Uri::host)
        .is_some_and(|host| !host.is_empty());
    if url.contains(['@', '?', '#']) || !has_host || !matches!(scheme, Some("http" | "https")) {
        return Err("an `api_base` that is no plain URL".to_owned());
    }
    let here = host(url).rsplit_once(':').is_some_and(|(host, port)| {
        let loopback =
            host.starts_with("127.") || ["localhost", "0.0.0.0", "[::1]", "[::]"].contains(&host);
        port == "8787" && loopback
    });
    if here {
        return Err(
            "an `api_base` that is Vane's own address, unless `listen` says another".to_owned(),
        );
    }
    let path = PATHS.iter().find_map(|path| url.strip_suffix(path));
    let url = path.unwrap_or(url);
    Ok(Base::Url(match provider {
        "azure" => azure(url, model)?,
        "ollama" if !url.ends_with("/v1") => format!("{url}/v1"),
        _ => url.to_owned(),
    }))
}

/// Azure's address of the dialect that takes deployments by their name.
fn azure(url: &str, model: &str) -> Result<String, String> {
    let at = url.find("/openai");
    let (root, is_openai) = (at.map_or(url, |at| &url[..at]), at.is_some());
    let bare = host(root).len() + "https://".len() == root.len();
    if (model.starts_with("azure_ai/") && !is_openai) || !bare {
        return Err("an `api_base` of Azure that is not that of an OpenAI resource".to_owned());
    }
    Ok(format!("{root}/openai/v1"))
}

/// Host and port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
