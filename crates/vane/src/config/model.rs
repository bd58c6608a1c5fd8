//! `models = [...]` of a provider: models that an operator adds or prices.

use super::Model;
use super::node::{Node, Value};
use super::read::{Read, boolean, integer, text};
use super::section::{Reader, Section};

/// Tokens of a context: more is a slip of the keyboard.
const TOKENS_MAX: u64 = 1_000_000_000;

/// Every row, or its problems. `priced` says that prices may come from elsewhere.
pub(super) fn read(section: &mut Section<'_>, priced: bool) -> Vec<Model> {
    let (reader, path) = (section.reader, section.path_of("models"));
    let rows = section.from_file("models", |node| match &node.value {
        Value::List(rows) => Ok(rows.clone()),
        other => Err(format!("must be a list, not {}", other.kind())),
    });
    let rows = rows.unwrap_or_default();
    let models: Vec<Model> = rows
        .into_iter()
        .filter_map(|row| model(reader, &path, row, priced))
        .collect();
    for (at, model) in models.iter().enumerate() {
        if models[..at].iter().any(|earlier| earlier.id == model.id) {
            section.problem("models", format!("has {:?} twice", model.id));
        }
    }
    models
}

fn model(reader: &Reader<'_>, path: &str, row: Node, priced: bool) -> Option<Model> {
    let mut section = match row.value {
        Value::Table(values) => reader.section_at(path.to_owned(), row.place, values),
        Value::Text(id) if priced => {
            return Some(Model {
                upstream: id.clone(),
                id,
                ..Model::default()
            });
        }
        other => {
            let what = format!(
                "must be tables such as {{ id = \"...\" }}, not {}",
                other.kind()
            );
            reader.problem(row.place, path, what);
            return None;
        }
    };
    if !section.has_in_file("id") {
        section.problem("", "needs an `id` in every row");
    }
    let id = section.from_file("id", text);
    let mut misread = false;
    let mut price = |key| {
        let given = section.has_in_file(key);
        let price = section.from_file(key, decimal);
        misread |= given && price.is_none();
        price
    };
    let (input, output) = (price("input"), price("output"));
    let (cache_read, cache_write) = (price("cache_read"), price("cache_write"));
    let upstream = section.from_file("upstream", text);
    let mut flag = |key| section.from_file(key, boolean).unwrap_or(false);
    let mut model = Model {
        free: flag("free"),
        fim: flag("fim"),
        tools: flag("tools"),
        vision: flag("vision"),
        reasoning: flag("reasoning"),
        embeddings: flag("embeddings"),
        input,
        output,
        cache_read,
        cache_write,
        ..Model::default()
    };
    model.context_window = section.from_file("context_window", integer(1..=TOKENS_MAX));
    model.max_output = section.from_file("max_output", integer(1..=TOKENS_MAX));
    if let Some(what) = price_fault(&model, priced).filter(|_| !misread) {
        section.problem(
            "",
            format!("{what} (model {:?})", id.as_deref().unwrap_or("?")),
        );
    }
    section.finish();
    let id = id?;
    Some(Model {
        upstream: upstream.unwrap_or_else(|| id.clone()),
        id,
        ..model
    })
}

/// An unpriced model is never free by accident.
fn price_fault(model: &Model, priced: bool) -> Option<&'static str> {
    let zero = |price: &Option<String>| {
        price
            .as_deref()
            .is_none_or(|price| price.bytes().all(|b| matches!(b, b'0' | b'.')))
    };
    let costs = !(zero(&model.input) && zero(&model.output));
    match (&model.input, &model.output) {
        (Some(_), Some(_)) if costs && model.free => Some("says `free = true` beside a price"),
        (Some(_), Some(_)) if !costs && !model.free => {
            Some("is priced at zero: say `free = true` if that is meant")
        }
        (None, Some(_)) | (Some(_), None) => Some("needs `input` and `output`, or neither"),
        (None, None) if !model.free && !priced => {
            Some("has no price: set `input` and `output`, or `free = true`")
        }
        _ => None,
    }
}

/// USD per million tokens. A float is refused: it has been rounded before anyone could look.
fn decimal(node: &Node) -> Read<String> {
    let wrong = "must be a price in USD per million tokens, as text such as \"0.30\"";
    let Value::Text(said) = &node.value else {
        return Err(wrong.to_owned());
    };
    let (whole, fraction) = said.split_once('.').unwrap_or((said, "0"));
    let digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if digits(whole, 6) && digits(fraction, 6) {
        Ok(said.clone())
    } else {
        Err(wrong.to_owned())
    }
}
