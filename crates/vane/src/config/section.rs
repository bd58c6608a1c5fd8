//! The reader of one table of the configuration.
//!
//! Getters take values out. A value that is wrong becomes a [`Problem`] and reading goes on, so
//! that one run reports everything. What nobody took is an unknown key; the keys that were asked
//! for are the known ones, so no list of them can go stale.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::environment::Environment;
use super::nearest::did_you_mean;
use super::node::{Node, Table, Value};
use super::problem::{Place, Problem, Warning};

/// What reading found so far, shared by all sections.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
    /// Every variable that a getter asked for.
    variables: BTreeSet<String>,
}

pub(super) struct Reader<'e> {
    pub(super) environment: &'e Environment,
    findings: RefCell<Findings>,
}

/// One table, and the variables that win over it.
pub(super) struct Section<'r> {
    pub(super) reader: &'r Reader<'r>,
    /// Dotted, as problems name it; empty at the root.
    path: String,
    pub(super) place: Place,
    values: Table,
    asked: Vec<&'static str>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            findings: RefCell::default(),
        }
    }

    pub(super) fn root(&self, values: Table) -> Section<'_> {
        self.section_at(String::new(), Place::Nowhere, values)
    }

    pub(super) fn section_at(&self, path: String, place: Place, values: Table) -> Section<'_> {
        Section {
            reader: self,
            path,
            place,
            values,
            asked: Vec::new(),
        }
    }

    pub(super) fn problem(&self, place: Place, key: impl Into<String>, what: impl Into<String>) {
        let problem = Problem {
            place,
            key: key.into(),
            what: what.into(),
        };
        self.findings.borrow_mut().problems.push(problem);
    }

    pub(super) fn warn(&self, place: Place, key: impl Into<String>, what: impl Into<String>) {
        let problem = Problem {
            place,
            key: key.into(),
            what: what.into(),
        };
        self.findings.borrow_mut().warnings.push(Warning(problem));
    }

    pub(super) fn problem_count(&self) -> usize {
        self.findings.borrow().problems.len()
    }

    /// The value of a variable of ours, which from now on is a known one.
    pub(super) fn variable(&self, name: &str) -> Option<&'e str> {
        self.findings.borrow_mut().variables.insert(name.to_owned());
        self.environment.get(name)
    }

    /// Everything found. Variables that begin like ours and that nobody asked for are warned of:
    /// another program's may begin so too, so they are no reason to stop.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Warning>) {
        let mut findings = self.findings.into_inner();
        for name in self.environment.names("VANE_") {
            if !findings.variables.contains(name) {
                let known = findings.variables.iter().map(String::as_str);
                let what = format!("is not a variable of Vane{}", did_you_mean(name, known));
                let place = Place::Nowhere;
                findings.warnings.push(Warning(Problem {
                    place,
                    key: name.to_owned(),
                    what,
                }));
            }
        }
        (findings.problems, findings.warnings)
    }
}

/// `VANE_` and the path in capitals: `limits.body_bytes_max` is `VANE_LIMITS_BODY_BYTES_MAX`.
pub(super) fn variable_name(path: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    format!("VANE_{}", path.chars().map(letter).collect::<String>())
}

impl<'r> Section<'r> {
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
        self.reader.section_at(path, place, values)
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
            let what = format!("is not a key of the configuration{near}");
            self.reader.problem(place.clone(), self.path_of(key), what);
        }
    }
}
