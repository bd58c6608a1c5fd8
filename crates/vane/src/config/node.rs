//! Values with the place where they stand: what a file or a variable said, before it means
//! anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    /// A variable: whatever the key takes, spelled as text.
    Variable(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no key takes: a float, a date, a number too large.
    Other(&'static str),
}

/// Keys in their own order do not matter; problems are sorted by place in the end.
pub(super) type Table = BTreeMap<String, (Place, Node)>;

impl Value {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Variable(_) => "text",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Reads TOML. Of a broken file every broken line is reported, with the first fault on it.
pub(super) fn parse(path: &str, text: &str) -> (Table, Vec<Problem>) {
    let source = Source {
        path: path.into(),
        text,
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<(usize, &str)> = errors
        .iter()
        .map(|error| (error.span().map_or(0, |span| span.start), error.message()))
        .collect();
    faults.sort_unstable();
    let line = |offset: usize| {
        text.get(..offset)
            .map_or(0, |text| text.matches('\n').count())
    };
    faults.dedup_by_key(|(offset, _)| line(*offset));
    let problems = faults.into_iter().map(|(offset, message)| Problem {
        place: source.place(offset),
        key: String::new(),
        what: message.to_owned(),
    });
    (source.table(table.get_ref()), problems.collect())
}

struct Source<'t> {
    path: Arc<str>,
    text: &'t str,
}

impl Source<'_> {
    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place::File {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let pairs = table.iter().map(|(key, value)| {
            let place = self.place(key.span().start);
            (key.get_ref().to_string(), (place, self.node(value)))
        });
        pairs.collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Node {
        let read = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
                .map_or(Value::Other("a number too large"), Value::Integer),
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Float(_) => Value::Other("a number with a point"),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node {
            value: read,
            place: self.place(value.span().start),
        }
    }
}
