//! A provider that is on: where its dialects are answered and with what credential.

use super::{Breaker, Mask};
use crate::config::{self, Auth, Secret};
use crate::local;
use anyhow::{Context, bail};
use http::Uri;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use vane_dialect::Dialect;

/// Marks requests of ours, so that one that comes back in is a loop.
pub const HOP: HeaderName = HeaderName::from_static("vane-hop");

pub struct Provider {
    pub id: String,
    /// Every dialect it speaks, and the address it answers it at.
    pub speaks: Vec<(Dialect, Uri)>,
    /// Its credential, its fixed headers and those of any request of ours, ready to send.
    pub headers: HeaderMap,
    pub h2c: bool,
    /// Of the credential: an authentication or credit fault benches all its offers.
    pub breaker: Breaker,
    base_url: String,
    /// What it says goes through this before anybody reads it.
    pub mask: Mask,
}

impl Provider {
    pub(super) fn new(
        row: &config::Provider,
        known: Option<&vane_catalog::Provider>,
    ) -> anyhow::Result<Self> {
        let mut paths: Vec<(Dialect, String)> = row.speaks.clone();
        if paths.is_empty() {
            let rows = known.map_or(&[][..], |known| &known.speaks);
            paths = rows
                .iter()
                .map(|(dialect, path)| (*dialect, path.to_string()))
                .collect();
        }
        let speaks = paths
            .into_iter()
            .map(|(dialect, path)| {
                let url = format!("{}{path}", row.base_url);
                let uri = url
                    .parse()
                    .with_context(|| format!("provider {}: {url}", row.id))?;
                Ok((dialect, uri))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let auth = row
            .auth
            .unwrap_or_else(|| known.map_or(Auth::Bearer, |known| known.auth.into()));
        Ok(Self {
            id: row.id.clone(),
            speaks,
            headers: headers(row, auth)?,
            h2c: row.h2c,
            breaker: Breaker::default(),
            base_url: row.base_url.clone(),
            mask: Mask::new(secrets(row)),
        })
    }

    /// The process of this machine that runs a model.
    pub(super) fn of_model(
        row: &config::Provider,
        known: Option<&vane_catalog::Provider>,
        model: &str,
    ) -> anyhow::Result<Self> {
        let base_url = format!("{}://{model}", local::SCHEME);
        let row = config::Provider {
            base_url,
            ..row.clone()
        };
        Self::new(&row, known)
    }

    /// Whether it is a process of this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.id == local::PROVIDER
    }

    /// Where `dialect` is answered, if the provider speaks it.
    #[must_use]
    pub fn address(&self, dialect: Dialect) -> Option<&Uri> {
        self.speaks
            .iter()
            .find(|(spoken, _)| *spoken == dialect)
            .map(|(_, uri)| uri)
    }

    /// The address as it is below `/beta`, which stands where a version would.
    #[must_use]
    pub fn beta_address(&self, address: &Uri) -> Option<Uri> {
        let base = self.base_url.trim_end_matches("/v1");
        let address = address.to_string();
        let path = address.strip_prefix(&self.base_url)?;
        if base.ends_with("/beta") {
            return address.parse().ok();
        }
        format!("{base}/beta{path}").parse().ok()
    }

    /// The address of a side endpoint, such as counting tokens.
    ///
    /// # Errors
    /// If the path makes no address.
    pub fn side_address(&self, path: &str) -> anyhow::Result<Uri> {
        Ok(format!("{}{path}", self.base_url).parse()?)
    }
}

/// The values that must not be told: the key, and whatever a fixed header proves us with.
fn secrets(row: &config::Provider) -> impl Iterator<Item = &str> {
    let proves = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["auth", "key", "secret", "token"]
            .iter()
            .any(|word| name.contains(word))
    };
    let headers = row.headers.iter().filter(move |(name, _)| proves(name));
    let values = headers.map(|(_, value)| value.strip_prefix("Bearer ").unwrap_or(value));
    row.api_key
        .iter()
        .map(|Secret(key)| key.as_str())
        .chain(values)
}

fn headers(row: &config::Provider, auth: Auth) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &row.headers {
        let wrong = || format!("provider {}: header {name}", row.id);
        let name: HeaderName = name.parse().with_context(wrong)?;
        headers.insert(name, HeaderValue::from_str(value).with_context(wrong)?);
    }
    let json = HeaderValue::from_static("application/json");
    headers.insert(CONTENT_TYPE, json.clone());
    headers.insert(ACCEPT, json);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let agent = concat!("vane/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(HOP, HeaderValue::from_static("1"));
    let Some(key) = &row.api_key else {
        return Ok(headers);
    };
    let (name, text) = match auth {
        Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.0)),
        Auth::XApiKey => (HeaderName::from_static("x-api-key"), key.0.clone()),
        Auth::ApiKey => (HeaderName::from_static("api-key"), key.0.clone()),
        Auth::None => return Ok(headers),
    };
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        bail!(
            "provider {}: the key has characters that no header can carry",
            row.id
        );
    };
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

impl From<vane_catalog::Auth> for Auth {
    fn from(auth: vane_catalog::Auth) -> Self {
        match auth {
            vane_catalog::Auth::Bearer => Self::Bearer,
            vane_catalog::Auth::XApiKey => Self::XApiKey,
            vane_catalog::Auth::ApiKey => Self::ApiKey,
            vane_catalog::Auth::None => Self::None,
        }
    }
}
