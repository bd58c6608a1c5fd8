//! What did not map, and what must be set.

use super::Imported;

/// Why something of the file is not in the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A literal secret: it stays where it is.
    Secret,
    /// A model without a price.
    Unpriced,
    /// A provider or an address that Vane cannot call.
    Provider,
    /// Vane does it, and not in its configuration.
    Elsewhere,
    /// Vane has no such setting.
    Absent,
    /// It can be read in more than one way, or in none.
    Unclear,
}

impl Why {
    pub const ALL: [Self; 6] = [
        Self::Secret,
        Self::Unpriced,
        Self::Provider,
        Self::Elsewhere,
        Self::Absent,
        Self::Unclear,
    ];

    /// The word for it in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Unpriced => "unpriced",
            Self::Provider => "provider",
            Self::Elsewhere => "elsewhere",
            Self::Absent => "absent",
            Self::Unclear => "unclear",
        }
    }

    /// The heading over its rows.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Secret => "secrets that stand in the file, which are never copied",
            Self::Unpriced => {
                "models without a price: LiteLLM counts them as nothing, Vane wants it said"
            }
            Self::Provider => "what Vane cannot call",
            Self::Elsewhere => "what Vane does in another place",
            Self::Absent => "what Vane has no setting for",
            Self::Unclear => "what could not be read for certain",
        }
    }
}

/// One thing that did not map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub why: Why,
    pub line: usize,
    /// `model_list[2].litellm_params.rpm`.
    pub place: String,
    pub what: String,
}

/// A variable of the environment that the result needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub what: String,
}

#[derive(Debug, Default)]
pub(super) struct Report {
    left: Vec<Left>,
    variables: Vec<Variable>,
}

impl Report {
    pub(super) fn left(
        &mut self,
        why: Why,
        line: usize,
        place: impl Into<String>,
        what: impl Into<String>,
    ) {
        self.left.push(Left {
            why,
            line,
            place: place.into(),
            what: what.into(),
        });
    }

    /// A variable that must be set; said once, by whoever needed it first.
    pub(super) fn needs(&mut self, name: &str, what: impl Into<String>) {
        if !self.variables.iter().any(|known| known.name == name) {
            self.variables.push(Variable {
                name: name.to_owned(),
                what: what.into(),
            });
        }
    }

    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|known| known.name == name)
    }

    pub(super) fn finish(mut self, configuration: String, names: Option<Vec<String>>) -> Imported {
        self.left.sort_by_key(|left| left.line);
        Imported {
            configuration,
            names,
            left: self.left,
            variables: self.variables,
        }
    }
}
