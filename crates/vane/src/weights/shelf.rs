//! The folder that weights are kept in: `models--ORG--REPO/{blobs,refs,snapshots}`.
//!
//! A snapshot is a folder of links into `blobs`, named by a commit; `refs` has what branches stood at.

use std::fs;
use std::path::{Path, PathBuf};

use super::name::Name;

/// How deep below a snapshot files are looked for.
const DEPTH_MAX: usize = 3;
/// More files than any model has.
const FILES_MAX: usize = 10_000;

/// A folder of weights.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

/// Why a name leads to no weights.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    #[error(
        "nothing is at this path: mend it, or get weights with `vane weights pull ORG/REPO` and \
         name them ORG/REPO"
    )]
    NoPath,
    #[error("{name} is not in {}: `vane weights pull {name}` gets it", .folder.display())]
    NotPulled { name: String, folder: PathBuf },
    #[error("{name} is here, and no file of it is called {file:?}: there is {}", .there.join(", "))]
    NoSuchFile {
        name: String,
        file: String,
        there: Vec<String>,
    },
    #[error("{name} has more than one file; name one of {}", .files.iter().map(|file| format!("{name}:{file}")).collect::<Vec<_>>().join(", "))]
    Several { name: String, files: Vec<String> },
    #[error("{name} has neither a GGUF file nor safetensors with config.json")]
    NoWeights { name: String },
}

impl Shelf {
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the engine opens: a GGUF file, of split ones the first, or a folder of safetensors. What
    /// is there as a path is meant as one.
    ///
    /// # Errors
    /// If nothing is there: as a path, or of this name.
    pub fn resolve(&self, said: &str) -> Result<PathBuf, Missing> {
        let path = Path::new(said);
        if path.exists() {
            return Ok(path.to_owned());
        }
        match said.parse::<Name>() {
            Ok(name) if !ends_like_a_file(&name) || self.snapshot(&name).is_some() => {
                self.find(&name)
            }
            // Whoever mistyped a path is not helped by how that would be pulled.
            Ok(_) | Err(_) => Err(Missing::NoPath),
        }
    }

    /// The same of a name.
    ///
    /// # Errors
    /// If nothing of this name is here, or more than one file.
    pub fn find(&self, name: &Name) -> Result<PathBuf, Missing> {
        let snapshot = self.snapshot(name).ok_or_else(|| Missing::NotPulled {
            name: name.to_string(),
            folder: self.folder.clone(),
        })?;
        let files = files(&snapshot);
        let weights = first_shards(&files);
        let bare = Name {
            file: None,
            ..name.clone()
        };
        let bare = bare.to_string();
        if let Some(file) = &name.file {
            let chosen = choose(&weights, file).ok_or_else(|| Missing::NoSuchFile {
                name: bare,
                file: file.clone(),
                there: weights.iter().map(|file| (*file).to_owned()).collect(),
            })?;
            return Ok(snapshot.join(chosen));
        }
        match weights.as_slice() {
            [one] => Ok(snapshot.join(one)),
            [] if has_safetensors(&files) => Ok(snapshot),
            [] => Err(Missing::NoWeights { name: bare }),
            several => Err(Missing::Several {
                name: bare,
                files: several.iter().map(|file| (*file).to_owned()).collect(),
            }),
        }
    }

    /// The folder of the revision that is meant.
    pub(super) fn snapshot(&self, name: &Name) -> Option<PathBuf> {
        let folder = self.folder.join(name.folder());
        let snapshots = folder.join("snapshots");
        let revision = name.revision.as_deref().unwrap_or("main");
        let commit = fs::read_to_string(folder.join("refs").join(revision));
        let commit = commit.map_or_else(|_| revision.to_owned(), |said| said.trim().to_owned());
        // What stands in a file is no path of ours before it was looked at.
        let found = snapshots.join(Some(commit).filter(|commit| super::name::is_inside(commit))?);
        if found.is_dir() {
            return Some(found);
        }
        let only = |mut all: fs::ReadDir| match (all.next(), all.next()) {
            (Some(Ok(one)), None) => Some(one.path()),
            _ => None,
        };
        fs::read_dir(snapshots)
            .ok()
            .filter(|_| name.revision.is_none())
            .and_then(only)
    }
}

/// Whether its last part ends as files of weights and tokenizers do, and repositories hardly ever.
fn ends_like_a_file(name: &Name) -> bool {
    let ending = Path::new(&name.repo).extension();
    let ending = ending.and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["gguf", "json", "model"].contains(&ending))
}

/// The file of a GGUF model that is meant: by its path, its name, or a part that only it has.
pub(super) fn choose<'f>(files: &[&'f str], said: &str) -> Option<&'f str> {
    let is_named = |file: &&&str| **file == said || file.ends_with(&format!("/{said}"));
    if let Some(file) = files.iter().find(is_named) {
        return Some(file);
    }
    let said = said.to_ascii_lowercase();
    let mut like = files
        .iter()
        .filter(|file| file.to_ascii_lowercase().contains(&said));
    match (like.next(), like.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// The GGUF files, of split ones the first.
pub(super) fn first_shards<S: AsRef<str>>(files: &[S]) -> Vec<&str> {
    let files = files.iter().map(AsRef::as_ref);
    files
        .filter(|file| file.ends_with(".gguf") && !is_beside(file))
        .filter(|file| shard(file).is_none_or(|shard| shard.number == 1))
        .collect()
}

/// What repositories have beside models in files of the same kind: how pictures are read, and what
/// a converter measured.
fn is_beside(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
    let stem = name.trim_end_matches(".gguf");
    let is_measured = stem.starts_with("imatrix") || stem.ends_with("imatrix");
    is_measured || stem.contains("mmproj")
}

/// A part of a model that is split over files: `STEM-00001-of-00003.gguf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard<'f> {
    pub(super) stem: &'f str,
    pub(super) number: u32,
    pub(super) of: u32,
}

pub(super) fn shard(file: &str) -> Option<Shard<'_>> {
    let (rest, of) = file.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (stem, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(number) || !digits(of) {
        return None;
    }
    let (number, of) = (number.parse().ok()?, of.parse().ok()?);
    Some(Shard { stem, number, of })
}

pub(super) fn has_safetensors<S: AsRef<str>>(files: &[S]) -> bool {
    let mut names = files.iter().map(AsRef::as_ref);
    names.clone().any(|file| file == "config.json")
        && names.any(|file| !file.contains('/') && file.ends_with(".safetensors"))
}

/// The files of a snapshot that are there, by their paths in it, in order.
pub(super) fn files(snapshot: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![(snapshot.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if path.is_file()
                && found.len() < FILES_MAX
                && let Ok(inner) = path.strip_prefix(snapshot)
            {
                found.push(inner.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
