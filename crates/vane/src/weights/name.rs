//! What people call weights: `ORG/REPO`, `ORG/REPO@REVISION`, `ORG/REPO:FILE`.
//!
//! Invariant: no part of a name leads out of the folder that it is looked up in.

use std::fmt;
use std::str::FromStr;

/// The longest name of an organisation or repository that the hub gives out.
const PART_MAX: usize = 96;
const PATH_MAX: usize = 400;

/// Weights, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub org: String,
    pub repo: String,
    /// A branch, a tag or a commit; `main` where nothing is said.
    pub revision: Option<String>,
    /// A file, or a part of its name that no other file has, such as `Q4_K_M`.
    pub file: Option<String>,
}

/// Why a text names no weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no weights: write ORG/REPO, ORG/REPO@REVISION or ORG/REPO:FILE")]
pub struct Misnamed(pub String);

impl FromStr for Name {
    type Err = Misnamed;

    fn from_str(said: &str) -> Result<Self, Misnamed> {
        let misnamed = || Misnamed(said.to_owned());
        let (rest, file) = match said.split_once(':') {
            Some((rest, file)) => (rest, Some(file)),
            None => (said, None),
        };
        let (rest, revision) = match rest.split_once('@') {
            Some((rest, revision)) => (rest, Some(revision)),
            None => (rest, None),
        };
        let (org, repo) = rest.split_once('/').ok_or_else(misnamed)?;
        let paths = [file, revision].into_iter().flatten();
        if !is_part(org) || !is_part(repo) || !paths.clone().all(is_inside) {
            return Err(misnamed());
        }
        Ok(Self {
            org: org.to_owned(),
            repo: repo.to_owned(),
            revision: revision.map(str::to_owned),
            file: file.map(str::to_owned),
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.org, self.repo)?;
        if let Some(revision) = &self.revision {
            write!(f, "@{revision}")?;
        }
        match &self.file {
            Some(file) => write!(f, ":{file}"),
            None => Ok(()),
        }
    }
}

impl Name {
    /// `ORG/REPO` alone.
    #[must_use]
    pub fn model(&self) -> String {
        format!("{}/{}", self.org, self.repo)
    }

    /// The same model's file of this name.
    #[must_use]
    pub fn with_file(&self, file: &str) -> Self {
        Self {
            file: Some(file.to_owned()),
            ..self.clone()
        }
    }

    /// The folder of the model, as the hub's own cache calls it.
    pub(super) fn folder(&self) -> String {
        format!("models--{}--{}", self.org, self.repo)
    }

    /// The model that a folder of the hub's cache is of.
    pub(super) fn of_folder(folder: &str) -> Option<Self> {
        let (org, repo) = folder.strip_prefix("models--")?.split_once("--")?;
        format!("{org}/{repo}").parse().ok()
    }
}

/// Whether this is a name of an organisation or a repository. Two dashes part them in folders.
fn is_part(said: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=PART_MAX).contains(&said.len())
        && said.chars().all(letter)
        && !said.starts_with(['.', '-'])
        && !said.ends_with(['.', '-'])
        && !said.contains("--")
        && !said.contains("..")
}

/// Whether a path stays in the folder that it is put into.
pub(super) fn is_inside(path: &str) -> bool {
    let plain = |part: &str| {
        let letter = |c: char| !c.is_control() && !matches!(c, '\\' | ':' | '@' | '"');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(letter)
    };
    path.len() <= PATH_MAX && path.split('/').all(plain)
}
