//! `dialect` and `speaks`: what a provider speaks and where.

use vane_catalog::Provider as Row;
use vane_dialect::Dialect;

use super::nearest::did_you_mean;
use super::node::{Node, Value};
use super::read::{Read, one_of, text};
use super::section::Section;

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

/// The paths of a row; none where the catalogue's are to be taken.
pub(super) fn read(section: &mut Section<'_>, known: Option<&Row>) -> Vec<(Dialect, String)> {
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
        (false, false) if known.is_none() => section.problem(
            "dialect",
            "is missing: \"openai\", \"anthropic\", \"mistral\", or `speaks` with paths",
        ),
        (false, false) if known.is_some_and(|known| !known.is_callable()) => {
            section.problem("id", "is a provider whose dialect Vane does not speak yet");
        }
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
