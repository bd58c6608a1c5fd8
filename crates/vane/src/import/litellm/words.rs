//! Words that LiteLLM writes: values in variables, numbers, names that a file may hold.

use crate::import::yaml::Yaml;

/// A value, or the variable that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Variable(String),
    /// As it stands in the file: it may be a secret.
    Literal(String),
}

impl Said {
    pub(super) fn of(node: Option<&Yaml>) -> Self {
        match node.and_then(Yaml::text) {
            None | Some("") => Self::Nothing,
            Some(text) => match text.strip_prefix("os.environ/") {
                Some(name) => Self::Variable(name.trim().to_owned()),
                None => Self::Literal(text.to_owned()),
            },
        }
    }
}

/// Whether a name can stand after `env:`.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whole seconds or hundreds, as `600` or `600.0`.
pub(super) fn whole(node: &Yaml) -> Option<u64> {
    let text = node.text()?;
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    rest.bytes()
        .all(|b| b == b'0')
        .then(|| whole.parse().ok())?
}

/// A text as a part of the id of a provider: small letters, digits and `. _ -`.
pub(super) fn id_of(text: &str) -> String {
    let letter = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '_' => c,
        _ => '-',
    };
    let id: String = text.chars().map(letter).collect();
    id.trim_matches('-').to_owned()
}

/// Whether a row may have it as its `id`.
pub(super) fn is_model_id(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    (1..=96).contains(&name.len()) && name.bytes().all(letter)
}
