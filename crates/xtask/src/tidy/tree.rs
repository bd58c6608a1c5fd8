//! The files that git tracks or would track, read once for all rules.
//!
//! Only text is kept: a file that is not UTF-8 is data, and no rule speaks of it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// One text file; the path is relative to the root, with `/` between its parts.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<Source>,
    /// Every path, text or not: what a link may point to.
    pub(crate) paths: Vec<String>,
}

/// One place that breaks a rule; the line counts from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root)
            .output()
            .context("git lists the files that tidy reads")?;
        ensure!(
            listed.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        let listed = String::from_utf8(listed.stdout).context("a file name is not UTF-8")?;
        let exists = |path: &&str| !path.is_empty() && root.join(path).is_file();
        let paths: Vec<String> = listed
            .split('\0')
            .filter(exists)
            .map(String::from)
            .collect();
        let text = |path: &String| {
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(Source {
                path: path.clone(),
                text,
            })
        };
        Ok(Self {
            files: paths.iter().filter_map(text).collect(),
            paths,
        })
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.files.iter().filter(|file| file.extension() == "rs")
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).into(),
            text: (*text).into(),
        };
        let files: Vec<Source> = files.iter().map(source).collect();
        Self {
            paths: files.iter().map(|file| file.path.clone()).collect(),
            files,
        }
    }
}

impl Source {
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// What follows the last dot of the name; empty for scripts such as `test`.
    pub(crate) fn extension(&self) -> &str {
        self.name()
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    pub(crate) fn breach(&self, line: usize, what: impl Into<String>) -> Breach {
        Breach {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}
