//! Secrets: `env:NAME`, `file:PATH`, or the secret itself.
//!
//! No text made here repeats one. A relative path starts at the working directory.

use super::Secret;
use super::environment::Environment;
use super::node::Value;
use super::read::{Read, text};
use super::section::Section;

/// The secret under `key`. Written out in a file it is warned of: files are copied and committed.
pub(super) fn take(section: &mut Section<'_>, key: &'static str) -> Option<Secret> {
    let (reader, path) = (section.reader, section.path_of(key));
    section.take(key, |node| {
        let said = text(node)?;
        let secret = resolve(&said, reader.environment)?;
        let written_out = matches!(&node.value, Value::Text(text) if *text == secret);
        if written_out {
            let what = "is written out; `env:NAME` or `file:PATH` keeps it out of the file";
            reader.warn(node.place.clone(), path, what);
        }
        Ok(Secret(secret))
    })
}

pub(super) fn resolve(said: &str, environment: &Environment) -> Read<String> {
    if let Some(name) = said.strip_prefix("env:") {
        let value = environment.get(name).map(|value| value.trim().to_owned());
        return value.ok_or_else(|| format!("names the variable {name}, which is not set"));
    }
    let Some(path) = said.strip_prefix("file:") else {
        return Ok(said.trim().to_owned());
    };
    let content = std::fs::read_to_string(path)
        .map_err(|error| format!("names the file {path}, which cannot be read: {error}"))?;
    match content.trim() {
        "" => Err(format!("names the file {path}, which is empty")),
        secret => Ok(secret.to_owned()),
    }
}

/// A secret that travels in a header must be visible ASCII, or every call would fail.
pub(super) fn fits_a_header(secret: &str) -> bool {
    secret.bytes().all(|byte| byte.is_ascii_graphic())
}
