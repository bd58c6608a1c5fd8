//! The reader of one table of the configuration.
//!
//! Getters take values out. A value that is wrong becomes a [`Problem`] and reading goes on, so
//! that one run reports everything. What nobody took is an unknown key; the keys that were asked
//! for are the known ones, so no list of them can go stale.

use super::nearest::did_you_mean;
use super::node::{Node, Table, Value};
use super::problem::{Place, UNKNOWN};
use super::reader::{Reader, variable_name};

/// One table, and the variables that win over it.
pub(super) struct Section<'r> {
    pub(super) reader: &'r Reader<'r>,
    /// Dotted, as problems name it; empty at the root.
    path: String,
    pub(super) place: Place,
    values: Table,
    asked: Vec<&'static str>,
}

impl<'r> Section<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, path: String, place: Place, values: Table) -> Self {
        Self {
            reader,
            path,
            place,
            values,
            asked: Vec::new(),
        }
    }

    /// The table below `key`; an empty one if there is none, so that its variables still count.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'r> {
        self.asked.push(key);
        let path = self.path_of(key);
        let (place, values) = match self.values.remove(key) {
            None => (Place::Nowhere, Table::new()),
            Some((
                place,
                Node {
                    value: Value::Table(values),
                    ..
                },
            )) => (place, values),
            Some((_, node)) => {
                let what = format!("must be a table, not {}", node.value.kind());
                self.reader.problem(node.place, &path, what);
                (Place::Nowhere, Table::new())
            }
        };
        Section::new(self.reader, path, place, values)
    }

    /// What the file says for a key that is too large for a variable.
    pub(super) fn take_from_file<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node) -> Result<T, String>,
    ) -> Option<T> {
        self.asked.push(key);
        let (_, node) = self.values.remove(key)?;
        self.read(key, &node, read)
    }

    /// The value of `key`: its variable's, else the file's, else none.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node) -> Result<T, String>,
    ) -> Option<T> {
        self.asked.push(key);
        let in_file = self.values.remove(key).map(|(_, node)| node);
        let name = variable_name(&self.path_of(key));
        let in_environment = self.reader.variable(&name).map(|text| Node {
            value: Value::Variable(text.trim().to_owned()),
            place: Place::Variable(name),
        });
        let node = in_environment.or(in_file)?;
        self.read(key, &node, read)
    }

    fn read<T>(
        &self,
        key: &str,
        node: &Node,
        read: impl FnOnce(&Node) -> Result<T, String>,
    ) -> Option<T> {
        match read(node) {
            Ok(value) => Some(value),
            Err(what) => {
                self.reader
                    .problem(node.place.clone(), self.path_of(key), what);
                None
            }
        }
    }

    /// A problem of this section as a whole, or of a key that is missing.
    pub(super) fn problem(&self, key: &str, what: impl Into<String>) {
        self.reader
            .problem(self.place.clone(), self.path_of(key), what);
    }

    pub(super) fn warn(&self, key: &str, what: impl Into<String>) {
        self.reader
            .warn(self.place.clone(), self.path_of(key), what);
    }

    /// Whether a key is given at all, rightly or wrongly.
    pub(super) fn has(&self, key: &str) -> bool {
        let name = variable_name(&self.path_of(key));
        self.values.contains_key(key) || self.reader.variable(&name).is_some()
    }

    /// Whether the file gives a key that has no variable.
    pub(super) fn has_in_file(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    /// Reports what nobody asked for.
    pub(super) fn finish(self) {
        for (key, (place, _)) in &self.values {
            let near = did_you_mean(key, self.asked.iter().copied());
            let what = format!("{UNKNOWN}{near}");
            self.reader.problem(place.clone(), self.path_of(key), what);
        }
    }
}
