//! The hub that weights come from, or a mirror of it, over HTTP.
//!
//! Invariant: the token is told to the hub's own scheme, host and port and to nobody whom it
//! redirects to; nothing goes from TLS to no TLS.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use serde::Deserialize;

use super::digest::Digest;
use super::name::{Name, is_inside};
use super::pick::Listed;
use super::trouble::Trouble;
use crate::config::{Config, Secret};
use crate::upstream::{Body, Parts, Pool};

const REDIRECTS_MAX: usize = 10;
const LIST_BYTES_MAX: usize = 32 << 20;
const FILES_MAX: usize = 10_000;
/// A person waits: who asks for more is told to them.
const LATER_MAX: Duration = Duration::from_secs(60);
const SAID_CHARS_MAX: usize = 200;

/// How long is waited for what does not come.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Failures after each other without a byte between them.
    pub tries: u32,
    /// Before the second try; twice as long before each further one.
    pub pause: Duration,
    /// Until a head, and between two reads.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 6,
            pause: Duration::from_secs(1),
            silence: Duration::from_secs(60),
        }
    }
}

pub struct Hub {
    address: String,
    home: Uri,
    token: Option<Secret>,
    pool: Pool,
    pub(super) patience: Patience,
}

/// Why a request came to nothing.
pub(super) enum Setback {
    /// It may go better next time, after this long if the server said so.
    Passing {
        why: String,
        after: Option<Duration>,
    },
    Final(Trouble),
}

impl From<Trouble> for Setback {
    fn from(trouble: Trouble) -> Self {
        Self::Final(trouble)
    }
}

/// An answer that is one, with what was said of the file before a redirect led elsewhere.
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    pub(super) host: String,
    pub(super) digest: Option<Digest>,
}

/// The files of a revision.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) files: Vec<Listed>,
}

impl Hub {
    /// # Errors
    /// If the address of the configuration is none, or a file of it cannot be read.
    pub fn new(config: &Config, patience: Patience) -> anyhow::Result<Self> {
        let address = config.weights.hub.clone();
        Ok(Self {
            home: address.parse()?,
            address,
            token: config.weights.token.clone(),
            pool: Pool::new(config, std::sync::Arc::default())?,
            patience,
        })
    }

    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn file(&self, name: &Name, commit: &str, path: &str) -> Result<Uri, Trouble> {
        let model = name.model();
        let at = format!(
            "{}/{model}/resolve/{commit}/{}",
            self.address,
            escaped(path, true)
        );
        address(&at)
    }

    /// What a revision has.
    pub(super) async fn list(&self, name: &Name) -> Result<Listing, Setback> {
        let revision = escaped(name.revision.as_deref().unwrap_or("main"), false);
        let model = name.model();
        let at = format!(
            "{}/api/models/{model}/revision/{revision}?blobs=true",
            self.address
        );
        let mut answer = self.get(&address(&at)?, &HeaderMap::new(), &model).await?;
        let host = answer.host;
        let nonsense = |what: &str| {
            Setback::Final(Trouble::NoHub {
                host: host.clone(),
                what: what.to_owned(),
            })
        };
        let mut body = Vec::new();
        while let Some(data) = self.read(answer.response.body_mut()).await? {
            body.extend_from_slice(&data);
            if body.len() > LIST_BYTES_MAX {
                return Err(nonsense("its list of files has no end"));
            }
        }
        let said: Said = serde_json::from_slice(&body)
            .map_err(|_| nonsense("its list of files is not JSON with `sha` and `siblings`"))?;
        let is_commit = |sha: &str| {
            (7..=64).contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if !is_commit(&said.sha) || said.siblings.len() > FILES_MAX {
            return Err(nonsense(
                "its list of files has no commit, or too many files",
            ));
        }
        let files = said.siblings.into_iter();
        // A name that leads out of its folder is no file that anybody needs.
        let files = files.filter(|file| is_inside(&file.rfilename));
        Ok(Listing {
            commit: said.sha,
            files: files.map(Listed::from).collect(),
        })
    }

    /// Asks until an answer is there that is no redirect.
    pub(super) async fn get(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        what: &str,
    ) -> Result<Answer, Setback> {
        let (mut uri, mut digest) = (uri.clone(), None);
        for _ in 0..REDIRECTS_MAX {
            let response = self.send(&uri, headers).await?;
            digest = digest.or_else(|| linked(response.headers()));
            let host = host(&uri);
            let status = response.status();
            if status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE {
                return Ok(Answer {
                    response,
                    host,
                    digest,
                });
            }
            if !status.is_redirection() {
                return Err(self.refusal(response, host, what).await);
            }
            uri = led(&uri, response.headers()).ok_or_else(|| {
                Setback::Final(Trouble::Refused {
                    host,
                    status: status.as_u16(),
                    what: what.to_owned(),
                    said: ", which leads nowhere that may be followed".to_owned(),
                })
            })?;
        }
        Err(Setback::Final(Trouble::NoHub {
            host: host(&uri),
            what: "it redirects without end".to_owned(),
        }))
    }

    async fn send(&self, uri: &Uri, headers: &HeaderMap) -> Result<Response<Body>, Setback> {
        let mut request = Request::new(Parts::default());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        let fixed = [
            (header::USER_AGENT, "vane"),
            // What is resumed and compared is the file and not a packed form of it.
            (header::ACCEPT_ENCODING, "identity"),
        ];
        for (name, value) in fixed {
            let value = HeaderValue::from_static(value);
            request.headers_mut().insert(name, value);
        }
        if let Some(token) = &self.token
            && is_same(uri, &self.home)
            && let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.0))
        {
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let sent = self.pool.send(request, false);
        let why = match tokio::time::timeout(self.patience.silence, sent).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(why)) => format!("{} {why}", host(uri)),
            Err(_) => format!("{} does not answer", host(uri)),
        };
        Err(Setback::Passing { why, after: None })
    }

    /// The next bytes of an answer.
    pub(super) async fn read(&self, body: &mut Body) -> Result<Option<bytes::Bytes>, Setback> {
        let passing = |why: String| Setback::Passing { why, after: None };
        match tokio::time::timeout(self.patience.silence, body.data()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(data))) => Ok(Some(data)),
            Ok(Some(Err(why))) => Err(passing(why)),
            Err(_) => Err(passing("nothing more came".to_owned())),
        }
    }

    async fn refusal(&self, mut answer: Response<Body>, host: String, what: &str) -> Setback {
        let status = answer.status().as_u16();
        let after = answer.headers().get(header::RETRY_AFTER);
        let after = after.and_then(|said| said.to_str().ok()?.trim().parse().ok());
        let after = after.map(Duration::from_secs);
        if matches!(status, 408 | 425 | 429 | 500..=599) {
            if let Some(seconds) = after.filter(|after| *after > LATER_MAX) {
                let seconds = seconds.as_secs();
                return Setback::Final(Trouble::Later { host, seconds });
            }
            let why = format!("{host} answered {status}");
            return Setback::Passing { why, after };
        }
        let said = self.said(&mut answer).await;
        let what = what.to_owned();
        Setback::Final(match status {
            401 => Trouble::Unknown { host, what, said },
            403 => Trouble::Forbidden { host, what, said },
            404 | 410 => Trouble::Absent { host, what, said },
            _ => Trouble::Refused {
                host,
                status,
                what,
                said,
            },
        })
    }

    /// What the hub says of why, in a few words; nothing where a page says it.
    async fn said(&self, answer: &mut Response<Body>) -> String {
        let in_head = answer.headers().get("x-error-message");
        let in_head = in_head.and_then(|said| said.to_str().ok().map(str::to_owned));
        let mut said = in_head;
        if said.is_none()
            && let Ok(Some(data)) = self.read(answer.body_mut()).await
        {
            let body: Option<serde_json::Value> = serde_json::from_slice(&data).ok();
            said = body.and_then(|body| body.get("error")?.as_str().map(str::to_owned));
        }
        let token = self.token.as_ref().map_or("", |token| token.0.as_str());
        let said = said.filter(|said| token.is_empty() || !said.contains(token));
        said.map_or_else(String::new, |said| {
            format!(
                ": {}",
                said.chars().take(SAID_CHARS_MAX).collect::<String>()
            )
        })
    }
}

#[derive(Deserialize)]
struct Said {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    size: Option<u64>,
}

impl From<Sibling> for Listed {
    fn from(said: Sibling) -> Self {
        let (large, bytes) = said.lfs.map_or((None, None), |lfs| (lfs.sha256, lfs.size));
        let digest = large.or(said.blob_id);
        Self {
            path: said.rfilename,
            bytes: bytes.or(said.size),
            digest: digest.as_deref().and_then(Digest::parse),
        }
    }
}

pub(super) fn address(said: &str) -> Result<Uri, Trouble> {
    let uri = said.parse::<Uri>().ok();
    let uri = uri.filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
    });
    uri.ok_or_else(|| Trouble::NoAddress(format!("{said:?} is no address")))
}

pub(super) fn host(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default().to_owned()
}

/// What the file is that a redirect leads to.
fn linked(headers: &HeaderMap) -> Option<Digest> {
    let etag = headers.get(HeaderName::from_static("x-linked-etag"))?;
    Digest::parse(
        etag.to_str()
            .ok()?
            .trim_start_matches("W/")
            .trim_matches('"'),
    )
}

fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    })
}

fn is_same(one: &Uri, other: &Uri) -> bool {
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    (one.scheme(), host(one), port(one)) == (other.scheme(), host(other), port(other))
}

/// Where a redirect leads.
fn led(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let to = headers.get(header::LOCATION)?.to_str().ok()?.trim();
    let to = to.split('#').next()?;
    let scheme = from.scheme_str()?;
    let whole = if to.contains("://") {
        to.to_owned()
    } else if let Some(rest) = to.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if to.starts_with('/') {
        format!("{scheme}://{}{to}", from.authority()?)
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{scheme}://{}{folder}/{to}", from.authority()?)
    };
    let to = address(&whole).ok()?;
    (scheme == "http" || to.scheme_str() == Some("https")).then_some(to)
}

fn escaped(path: &str, keeps_slash: bool) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if keeps_slash => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
