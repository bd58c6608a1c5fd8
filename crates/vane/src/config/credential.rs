//! The key of a provider, how it is sent, and headers beside it.

use vane_catalog::Provider as Row;

use super::node::Value;
use super::read::{one_of, text};
use super::reader::Reader;
use super::section::Section;
use super::{Auth, Secret, secret};

const AUTHS: [(&str, Auth); 4] = [
    ("bearer", Auth::Bearer),
    ("x-api-key", Auth::XApiKey),
    ("api-key", Auth::ApiKey),
    ("none", Auth::None),
];

/// How the key is sent, where the row decides it, and the key. A key for a provider that usually
/// takes none goes as a bearer.
pub(super) fn key(
    section: &mut Section<'_>,
    known: Option<&Row>,
) -> (Option<Auth>, Option<Secret>) {
    let auth = section.take("auth", one_of(&AUTHS));
    let given = section.has("api_key");
    let mut key = secret::take(section, "api_key");
    if !given {
        key = known
            .and_then(|known| usual(section.reader, known))
            .map(Secret);
    }
    let usually_none = known.is_some_and(|known| known.auth == vane_catalog::Auth::None);
    match (&key, auth) {
        (Some(_), Some(Auth::None)) if given => {
            section.problem("api_key", "would not be sent: `auth` is \"none\"");
        }
        (Some(key), _) if is_quoted(&key.0) => {
            section.problem(
                "api_key",
                "begins and ends with a quotation mark: leave them out",
            );
        }
        (Some(key), _) if !secret::fits_a_header(&key.0) => {
            section.problem(
                "api_key",
                "holds a space or a letter that no header can carry",
            );
        }
        (None, _) if !given && needs_key(auth, known) => {
            let names = known.map_or(String::new(), |known| known.key_env.join(" or "));
            let how = if names.is_empty() {
                String::new()
            } else {
                format!("; set {names}")
            };
            section.problem("api_key", format!("is missing{how}"));
        }
        (Some(_), None) if usually_none => return (Some(Auth::Bearer), key),
        _ => {}
    }
    (auth, key)
}

/// Docker's `--env-file` takes the marks that a shell would take off.
fn is_quoted(key: &str) -> bool {
    let mut marks = ['"', '\''].into_iter();
    key.len() > 1 && marks.any(|mark| key.starts_with(mark) && key.ends_with(mark))
}

/// The key in the variable that usually holds it.
pub(super) fn usual(reader: &Reader<'_>, known: &Row) -> Option<String> {
    let key = known
        .key_env
        .iter()
        .find_map(|name| reader.environment.get(name))?;
    Some(key.trim().to_owned())
}

/// An unknown provider may be a server that asks for no key; one that says how the key is sent
/// has one.
fn needs_key(auth: Option<Auth>, known: Option<&Row>) -> bool {
    match auth {
        Some(auth) => auth != Auth::None,
        None => known.is_some_and(|known| known.auth != vane_catalog::Auth::None),
    }
}

/// Fixed headers. Their values may be secrets, so they are written like one.
pub(super) fn headers(section: &mut Section<'_>) -> Vec<(String, String)> {
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
