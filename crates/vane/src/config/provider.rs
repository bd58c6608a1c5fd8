//! Providers: rows of the file, and those that a variable switches on.
//!
//! Both are read by the same code: a provider without a row is an empty row.

use vane_dialect::Dialect;
use vane_dialect::quirk::Quirk;

use super::base_url::{self, Own};
use super::known::KnownProvider;
use super::nearest::did_you_mean;
use super::node::{Node, Table, Value};
use super::problem::Place;
use super::read::{Read, boolean, list, one_of, text};
use super::section::{Section, variable_name};
use super::{Auth, Provider, Secret, model, secret};

type Paths = &'static [(Dialect, &'static str)];

/// What `dialect = "..."` stands for.
const SHORTHANDS: [(&str, Paths); 3] = [
    (
        "openai",
        &[
            (Dialect::OpenaiChat, "/chat/completions"),
            (Dialect::OpenaiCompletions, "/completions"),
            (Dialect::OpenaiEmbeddings, "/embeddings"),
        ],
    ),
    ("anthropic", &[(Dialect::AnthropicMessages, "/v1/messages")]),
    (
        "mistral",
        &[
            (Dialect::MistralChat, "/chat/completions"),
            (Dialect::MistralFim, "/fim/completions"),
            (Dialect::MistralEmbeddings, "/embeddings"),
        ],
    ),
];

const AUTHS: [(&str, Auth); 4] = [
    ("bearer", Auth::Bearer),
    ("x-api-key", Auth::XApiKey),
    ("api-key", Auth::ApiKey),
    ("none", Auth::None),
];

/// Every provider that is on: the file's rows in their order, then those of the environment.
pub(super) fn read(
    root: &mut Section<'_>,
    known: &[KnownProvider<'_>],
    own: &Own<'_>,
) -> Vec<Provider> {
    let rows = root.take_from_file("provider", |node| match &node.value {
        Value::List(rows) => Ok(rows.clone()),
        _ => Err("must be written as [[provider]], once for each".to_owned()),
    });
    let mut asked: Vec<String> = Vec::new();
    let mut providers = Vec::new();
    for row in rows.unwrap_or_default() {
        let Some((id, mut section)) = identified(root, row) else {
            continue;
        };
        if asked.contains(&id) {
            section.problem("id", "stands in another [[provider]] already");
        }
        let known = known.iter().find(|known| known.id == id);
        providers.extend(provider(&mut section, &id, known, own));
        section.finish();
        asked.push(id);
    }
    for known in known
        .iter()
        .filter(|known| !asked.iter().any(|id| id == known.id))
    {
        if is_switched_on(root, known) {
            let mut section =
                root.reader
                    .section_at(known.id.to_owned(), Place::Nowhere, Table::new());
            providers.extend(provider(&mut section, known.id, Some(known), own));
        }
    }
    providers
}

/// A row and its id, which names its problems and its variables.
fn identified<'r>(root: &Section<'r>, row: Node) -> Option<(String, Section<'r>)> {
    let Value::Table(mut values) = row.value else {
        root.reader
            .problem(row.place, "provider", "must be written as [[provider]]");
        return None;
    };
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let (place, what) = match values.remove("id") {
        None => (row.place, "needs an `id`"),
        Some((
            _,
            Node {
                value: Value::Text(id),
                ..
            },
        )) if !id.is_empty() && id.chars().all(letter) => {
            let section = root.reader.section_at(id.clone(), row.place, values);
            return Some((id, section));
        }
        Some((place, _)) => (
            place,
            "needs an `id` of small letters, digits, and any of . _ -, such as \"lab\"",
        ),
    };
    root.reader.problem(place, "provider", what);
    None
}

/// Whether variables alone switch a catalogue provider on. What is half set is warned of.
fn is_switched_on(root: &Section<'_>, known: &KnownProvider<'_>) -> bool {
    let reader = root.reader;
    let (at, base_url) = ours(root, known, "base_url");
    let (_, own_key) = ours(root, known, "api_key");
    let usual_key = known
        .key_env
        .iter()
        .find(|name| reader.environment.get(name).is_some());
    let has_key = own_key || usual_key.is_some();
    if !known.callable || !(has_key || base_url) {
        return false;
    }
    let what = if !has_key && known.auth != Auth::None {
        let key = known.key_env.first().map_or("its key", |name| name);
        format!("is set, but {key} is not: {} stays off", known.id)
    } else if !base_url && known.base_url.is_none() {
        format!(
            "is not set: {} stays off, because its address is yours alone",
            known.id
        )
    } else {
        return true;
    };
    reader.warn(Place::Nowhere, at, what);
    false
}

/// The variable of ours for a key of a provider, and whether it is set.
fn ours(root: &Section<'_>, known: &KnownProvider<'_>, key: &str) -> (String, bool) {
    let name = variable_name(&format!("{}.{key}", known.id));
    let set = root.reader.variable(&name).is_some();
    (name, set)
}

fn provider(
    section: &mut Section<'_>,
    id: &str,
    known: Option<&KnownProvider<'_>>,
    own: &Own<'_>,
) -> Option<Provider> {
    if known.is_some_and(|known| !known.callable) {
        section.problem("id", "is a provider whose dialect Vane does not speak yet");
    }
    let speaks = speaks(section, known.is_none());
    let has_base_url = section.has("base_url");
    let base_url = section.take("base_url", |node| base_url::read(&text(node)?, own));
    let usual = known
        .and_then(|known| known.base_url)
        .filter(|_| !has_base_url);
    if !has_base_url && usual.is_none() {
        section.problem("base_url", "is missing, and the catalogue has none");
    }
    let auth = section.take("auth", one_of(&AUTHS));
    let (auth, api_key) = key(section, known, auth);
    let h2c = section.take("h2c", boolean).unwrap_or(false);
    let base_url = base_url.or(usual.map(str::to_owned));
    if h2c
        && base_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https:"))
    {
        section.problem("h2c", "is HTTP/2 without TLS, and `base_url` is https");
    }
    Some(Provider {
        id: id.to_owned(),
        speaks,
        auth,
        api_key,
        quirks: section
            .take_from_file("quirks", list(quirk))
            .unwrap_or_default(),
        headers: headers(section),
        models: model::read(section),
        h2c,
        base_url: base_url?,
    })
}

/// The paths of a row; of an unknown provider there must be some.
fn speaks(section: &mut Section<'_>, needed: bool) -> Vec<(Dialect, String)> {
    let (has_dialect, has_speaks) = (section.has("dialect"), section.has_in_file("speaks"));
    let shorthand = section.take("dialect", one_of(&SHORTHANDS));
    let spoken = section.take_from_file("speaks", |node| match &node.value {
        Value::Table(paths) => paths
            .iter()
            .map(|(name, (_, path))| spoken(name, path))
            .collect(),
        other => Err(format!(
            "must be a table of dialects and paths, not {}",
            other.kind()
        )),
    });
    match (has_dialect, has_speaks) {
        (true, true) => section.problem("speaks", "stands beside `dialect`: one of them is enough"),
        (false, false) if needed => section.problem(
            "dialect",
            "is missing: \"openai\", \"anthropic\", \"mistral\", or `speaks` with paths",
        ),
        _ => {}
    }
    let of_shorthand = shorthand.unwrap_or_default().iter();
    spoken.unwrap_or_else(|| {
        of_shorthand
            .map(|(dialect, path)| (*dialect, (*path).to_owned()))
            .collect()
    })
}

fn spoken(name: &str, path: &Node) -> Read<(Dialect, String)> {
    let known = Dialect::ALL.iter().map(|dialect| dialect.name());
    let dialect = Dialect::from_name(name).ok_or_else(|| {
        format!(
            "names no dialect with `{name}`{}",
            did_you_mean(name, known)
        )
    })?;
    let path = text(path).map_err(|what| format!("has a path that {what} (`{name}`)"))?;
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok((dialect, path))
    } else {
        Err(format!(
            "must have paths that begin with a slash (`{name}`)"
        ))
    }
}

/// The key and how it is sent. A key for a provider that usually takes none goes as a bearer.
fn key(
    section: &mut Section<'_>,
    known: Option<&KnownProvider<'_>>,
    auth: Option<Auth>,
) -> (Option<Auth>, Option<Secret>) {
    let given = section.has("api_key");
    let key = secret::take(section, "api_key");
    let reader = section.reader;
    let usual = || {
        let names = &known?.key_env;
        names.iter().find_map(|name| reader.environment.get(name))
    };
    let key = if given {
        key
    } else {
        usual().map(|key| Secret(key.trim().to_owned()))
    };
    let kind = auth.or(known.map(|known| known.auth));
    match &key {
        Some(key) if !secret::fits_a_header(&key.0) => {
            section.problem(
                "api_key",
                "holds a space or a letter that no header can carry",
            );
        }
        None if !given && needs_key(auth, known) => {
            let names = known.map_or(String::new(), |known| known.key_env.join(" or "));
            let how = if names.is_empty() {
                String::new()
            } else {
                format!("; set {names}")
            };
            section.problem("api_key", format!("is missing{how}"));
        }
        _ => {}
    }
    let bearer = key.is_some() && auth.is_none() && kind == Some(Auth::None);
    (if bearer { Some(Auth::Bearer) } else { auth }, key)
}

/// An unknown provider may be a server that asks for no key; one that says how the key is sent
/// has one.
fn needs_key(auth: Option<Auth>, known: Option<&KnownProvider<'_>>) -> bool {
    let kind = auth.or(known.map(|known| known.auth));
    kind.is_some_and(|kind| kind != Auth::None)
}

fn quirk(node: &Node) -> Read<Quirk> {
    let name = text(node)?;
    let known = Quirk::ALL.iter().map(|quirk| quirk.name());
    Quirk::from_name(&name)
        .ok_or_else(|| format!("names no quirk with `{name}`{}", did_you_mean(&name, known)))
}

/// Fixed headers. Their values may be secrets, so they are written like one.
fn headers(section: &mut Section<'_>) -> Vec<(String, String)> {
    let environment = section.reader.environment;
    let headers = section.take_from_file("headers", |node| match &node.value {
        Value::Table(headers) => headers
            .iter()
            .map(|(name, (_, value))| {
                let about = |what| format!("has a header {name:?} that {what}");
                let value = text(value).and_then(|said| secret::resolve(&said, environment));
                let value = value.map_err(about)?;
                let fits = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
                    && http::HeaderValue::from_str(&value).is_ok();
                fits.then(|| (name.to_ascii_lowercase(), value))
                    .ok_or_else(|| about("no request can carry".to_owned()))
            })
            .collect(),
        other => Err(format!(
            "must be a table of names and values, not {}",
            other.kind()
        )),
    });
    headers.unwrap_or_default()
}

/// Headers may hold secrets: their names are shown.
impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Provider")
            .field("id", &self.id)
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .field("speaks", &self.speaks)
            .field("auth", &self.auth)
            .field("quirks", &self.quirks)
            .field("headers", &headers)
            .field("models", &self.models)
            .field("h2c", &self.h2c)
            .finish()
    }
}
