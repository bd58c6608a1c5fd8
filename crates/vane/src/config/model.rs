//! `models = [...]` of a provider: models that an operator adds or prices.
//!
//! Whether a model is priced is for the catalogue to say, which may know its price already.

use vane_catalog::{ByContext, Fee, PerUse, Rate, UsePrice};
use vane_dialect::usage::Unit;

use super::Model;
use super::node::{Node, Value};
use super::read::{Read, boolean, integer, text};
use super::reader::Reader;
use super::section::Section;

/// Tokens of a context: more is a slip of the keyboard.
const TOKENS_MAX: u64 = 1_000_000_000;

/// Every row that has no problem.
pub(super) fn read(section: &mut Section<'_>) -> Vec<Model> {
    let (reader, path) = (section.reader, section.path_of("models"));
    let rows = section.take_from_file("models", |node| match &node.value {
        Value::List(rows) => Ok(rows.clone()),
        other => Err(format!("must be a list, not {}", other.kind())),
    });
    let mut models: Vec<Model> = Vec::new();
    for row in rows.unwrap_or_default() {
        let place = row.place.clone();
        let Some(model) = model(reader, &path, row) else {
            continue;
        };
        if models.iter().any(|earlier| earlier.id == model.id) {
            reader.problem(place, &path, format!("has the model {:?} twice", model.id));
        }
        models.push(model);
    }
    models
}

/// What a model costs, of a section that says more than that.
pub(super) fn priced(section: &mut Section<'_>) -> Model {
    let free = section.take_from_file("free", boolean).unwrap_or(false);
    let (input, output) = (
        section.take_from_file("input", price),
        section.take_from_file("output", price),
    );
    if !free && (input.is_none() || output.is_none()) {
        let what = "has no price: say `free = true`, or give `input` and `output`";
        section.problem("", what);
    }
    Model {
        free,
        input,
        output,
        ..Model::default()
    }
}

fn model(reader: &Reader<'_>, path: &str, row: Node) -> Option<Model> {
    let mut section = match row.value {
        Value::Table(values) => Section::new(reader, path.to_owned(), row.place, values),
        Value::Text(id) => {
            return Some(Model {
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
    let problems_before = reader.problem_count();
    if !section.has_in_file("id") {
        section.problem("", "needs an `id` in every row");
    }
    let id = section.take_from_file("id", text);
    let mut price = |key| section.take_from_file(key, price);
    let (input, output) = (price("input"), price("output"));
    let (cache_read, cache_write) = (price("cache_read"), price("cache_write"));
    let mut flag = |key| section.take_from_file(key, boolean).unwrap_or(false);
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
    model.chat = section.take_from_file("chat", boolean);
    model.upstream = section.take_from_file("upstream", text).unwrap_or_default();
    model.like = section.take_from_file("like", text);
    model.per_use = section
        .take_from_file("per_use", per_use)
        .unwrap_or_default();
    model.context_window = section.take_from_file("context_window", integer(1..=TOKENS_MAX));
    model.max_output = section.take_from_file("max_output", integer(1..=TOKENS_MAX));
    model.id = id.unwrap_or_default();
    section.finish();
    // Half a row would be blamed again for the half that could not be read.
    (reader.problem_count() == problems_before).then_some(model)
}

/// `{ web_search = "0.01", request = { low = "0.005", medium = "0.008", high = "0.012" } }`.
fn per_use(node: &Node) -> Read<PerUse> {
    let Value::Table(fees) = &node.value else {
        return Err(format!("must be a table, not {}", node.value.kind()));
    };
    let fee = |(name, (_, node)): (&String, &(_, Node))| {
        let unit = Unit::from_name(name).ok_or_else(|| {
            let known = Unit::ALL.map(Unit::name);
            format!("{name:?} is no unit: {}", known.join(", "))
        })?;
        Ok((unit, fee(node).map_err(|what| format!("{name}: {what}"))?))
    };
    fees.iter().map(fee).collect()
}

fn fee(node: &Node) -> Read<Fee> {
    let Value::Table(contexts) = &node.value else {
        return use_price(node).map(Fee::Flat);
    };
    let of = |context: &str| match contexts.get(context) {
        Some((_, node)) => use_price(node),
        None => Err(format!(
            "needs `{context}` beside the other contexts of a search"
        )),
    };
    let fees = ByContext {
        low: of("low")?,
        medium: of("medium")?,
        high: of("high")?,
    };
    match contexts.len() {
        3 => Ok(Fee::BySearchContext(fees)),
        _ => Err("has `low`, `medium` and `high`, and nothing else".to_owned()),
    }
}

fn use_price(node: &Node) -> Read<UsePrice> {
    let wrong = "must be USD for one use with up to twelve decimals, as text such as \"0.01\"";
    match &node.value {
        Value::Text(said) => UsePrice::parse(said).map_err(|_| wrong.to_owned()),
        _ => Err(wrong.to_owned()),
    }
}

/// USD per million tokens. A float is refused: it was rounded before anyone could look.
fn price(node: &Node) -> Read<String> {
    match &node.value {
        Value::Text(said) if Rate::parse_per_million(said).is_ok() => Ok(said.clone()),
        _ => Err("must be USD per million tokens with up to six decimals, \
                  as text such as \"0.30\""
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::problems;

    #[test]
    fn prices_of_uses_are_read_and_every_wrong_one_is_said() {
        let model = |fees: &str| {
            format!(
                "[[provider]]\nid = \"lab\"\ndialect = \"openai\"\nbase_url = \"http://127.0.0.1:1\"\napi_key = \"k\"\n\
                 models = [{{ id = \"m\", input = \"1\", output = \"2\", per_use = {fees} }}]\n"
            )
        };
        let all = r#"{ web_search = "0.01", request = { low = "0.005", medium = "0.008", high = "0.012" } }"#;
        assert_eq!(problems("fees", &model(all), &[]), Vec::<String>::new());
        for (fees, said) in [
            (r#""0.01""#, "must be a table"),
            (
                r#"{ searches = "0.01" }"#,
                "is no unit: request, web_search",
            ),
            ("{ web_search = 0.01 }", "must be USD for one use"),
            (r#"{ image = "-1" }"#, "must be USD for one use"),
            (r#"{ request = { low = "1" } }"#, "needs `medium`"),
        ] {
            let found = problems("fees", &model(fees), &[]).join("\n");
            assert!(
                found.contains("per_use") && found.contains(said),
                "{fees}: {found}"
            );
        }
    }
}
