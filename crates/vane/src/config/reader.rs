//! What reading found so far, and the variables that it asks for.
//!
//! The variables that were asked for are the known ones, so no list of them can go stale.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::environment::Environment;
use super::nearest::did_you_mean;
use super::node::Table;
use super::problem::{Place, Problem, Warning};
use super::section::Section;

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

impl<'e> Reader<'e> {
    pub(super) fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            findings: RefCell::default(),
        }
    }

    /// The table at the root of the file.
    pub(super) fn root(&self, values: Table) -> Section<'_> {
        Section::new(self, String::new(), Place::Nowhere, values)
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
pub(crate) fn variable_name(path: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    format!("VANE_{}", path.chars().map(letter).collect::<String>())
}
