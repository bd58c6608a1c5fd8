//! YAML as a tree of the letters that were written, each with its line.
//!
//! A scalar stays text: `0.00000015` never becomes a float, so a price is exact. The file is
//! someone else's: its size, its depth and its nodes are bounded, the copies that its aliases make
//! included, and reading never recurses. Faults name a line and repeat nothing of the file, which
//! holds secrets.

mod builder;
#[cfg(test)]
mod tests;

use saphyr_parser::{Event, Parser};

use builder::Builder;

/// The largest file, in bytes.
const BYTES_MAX: usize = 4 << 20;
/// How deep lists and tables may stand in each other.
const DEPTH_MAX: usize = 64;
/// Scalars, lists and tables, copies of aliases included.
const NODES_MAX: usize = 100_000;
/// Keys of one table.
const KEYS_MAX: usize = 1_000;

/// A node and the line on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Yaml {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Text(String),
    List(Vec<Yaml>),
    Table(Vec<(String, Yaml)>),
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct YamlFault {
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

impl Yaml {
    /// The value of a key of this table, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let pairs = self.table();
        let found = pairs.iter().find(|(name, _)| name == key);
        found
            .map(|(_, node)| node)
            .filter(|node| node.value != Value::Null)
    }

    /// The pairs of a table; none of anything else.
    pub(crate) fn table(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Table(pairs) => pairs,
            Value::Null | Value::Text(_) | Value::List(_) => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Text(_) | Value::Table(_) => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Table(_) => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        self.text()
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Yaml, YamlFault> {
    if text.len() > BYTES_MAX {
        return Err(YamlFault {
            line: 1,
            what: "the file is larger than 4 MiB",
        });
    }
    let mut parser = Parser::new_from_str(text);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| YamlFault {
            line: error.marker().line(),
            what: "this is no YAML: the fault is here or just before",
        })?;
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, _) => {
                builder.scalar(line, &text, style, anchor)?;
            }
            Event::SequenceStart(anchor, _) => builder.open_list(line, anchor)?,
            Event::MappingStart(anchor, _) => builder.open_table(line, anchor)?,
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            Event::Alias(anchor) => builder.alias(line, anchor)?,
            Event::DocumentStart(_) => builder.document(line)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    Ok(builder.finish())
}
