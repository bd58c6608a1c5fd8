//! What is on a shelf: telling it, checking it, taking it off.
//!
//! Invariant: a blob is removed only after nothing links to it, and never while it is being pulled.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::digest::Digest;
use super::name::Name;
use super::shelf::{Missing, Shelf, choose, files, first_shards, has_safetensors, shard};
use super::trouble::Trouble;

/// One model of one revision.
#[derive(Debug, Clone)]
pub struct Shelved {
    /// With its file, if it is one of GGUF.
    pub name: Name,
    pub commit: String,
    /// Branches and tags that stand there.
    pub branches: Vec<String>,
    pub bytes: u64,
}

/// One file that was compared with its name.
#[derive(Debug, Clone)]
pub struct Checked {
    pub name: Name,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Wrong {
        found: String,
        wanted: String,
    },
    /// Nothing says what it should be.
    Unnamed,
    Unreadable(String),
}

impl Shelf {
    /// Everything that can be run, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Shelved> {
        let mut all = Vec::new();
        for (model, folder) in self.models() {
            let branches = branches(&folder.join("refs"));
            for snapshot in folders(&folder.join("snapshots")) {
                let commit = file_name(&snapshot);
                let stand = branches.iter().filter(|(_, at)| *at == commit);
                let branches: Vec<String> = stand.map(|(branch, _)| branch.clone()).collect();
                let found = files(&snapshot);
                let shelved = |file: Option<&str>, bytes| Shelved {
                    name: Name {
                        file: file.map(str::to_owned),
                        ..model.clone()
                    },
                    commit: commit.clone(),
                    branches: branches.clone(),
                    bytes,
                };
                let models = first_shards(&found);
                if models.is_empty() && has_safetensors(&found) {
                    let all_files: Vec<&str> = found.iter().map(String::as_str).collect();
                    all.push(shelved(None, bytes(&snapshot, &all_files)));
                }
                for first in models {
                    let parts = parts(&found, first);
                    all.push(shelved(Some(first), bytes(&snapshot, &parts)));
                }
            }
        }
        all
    }

    /// Bytes of files that were begun and not ended, by model.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(Name, u64)> {
        let of = |(name, folder): (Name, PathBuf)| {
            let parts = fs::read_dir(folder.join("blobs"))
                .into_iter()
                .flatten()
                .flatten();
            let parts =
                parts.filter(|part| part.path().extension().is_some_and(|end| end == "part"));
            let bytes = parts
                .filter_map(|part| part.metadata().ok())
                .map(|part| part.len());
            Some((name, bytes.sum())).filter(|(_, bytes)| *bytes > 0)
        };
        self.models().into_iter().filter_map(of).collect()
    }

    fn models(&self) -> Vec<(Name, PathBuf)> {
        let mut all: Vec<_> = folders(self.folder())
            .into_iter()
            .filter_map(|folder| Some((Name::of_folder(&file_name(&folder))?, folder)))
            .collect();
        all.sort_by_key(|(name, _)| name.to_string());
        all
    }

    /// Reads files anew and compares them with what they are called by, all of them or those of one
    /// name. Each is told as it is done.
    ///
    /// # Errors
    /// If nothing of this name is here.
    pub fn verify(
        &self,
        name: Option<&Name>,
        tell: &mut dyn FnMut(Checked),
    ) -> Result<(), Missing> {
        let snapshots: Vec<(Name, PathBuf)> = match name {
            Some(name) => {
                let snapshot = self.snapshot(name);
                let path = snapshot.ok_or_else(|| Missing::NotPulled {
                    name: name.to_string(),
                    folder: self.folder().to_owned(),
                })?;
                vec![(name.clone(), path)]
            }
            None => {
                let of = |(name, folder): (Name, PathBuf)| {
                    let snapshots = folders(&folder.join("snapshots")).into_iter();
                    snapshots.map(move |snapshot| (name.clone(), snapshot))
                };
                self.models().into_iter().flat_map(of).collect()
            }
        };
        for (name, snapshot) in snapshots {
            let found = files(&snapshot);
            let wanted = match &name.file {
                None => found.iter().map(String::as_str).collect(),
                Some(file) => chosen(&name, &found, file)?,
            };
            for file in wanted {
                tell(Checked {
                    name: name.with_file(file),
                    verdict: verdict(&snapshot.join(file)),
                });
            }
        }
        Ok(())
    }

    /// Takes off a model, one of its revisions, or one of its files. Says how many bytes that freed.
    ///
    /// # Errors
    /// If it is not here, is just being pulled, or cannot be removed.
    pub fn remove(&self, name: &Name) -> Result<u64, Trouble> {
        let folder = self.folder().join(name.folder());
        let missing = || {
            Trouble::Missing(Missing::NotPulled {
                name: name.to_string(),
                folder: self.folder().to_owned(),
            })
        };
        if !folder.is_dir() {
            return Err(missing());
        }
        let lock = folder.join("vane.lock");
        let held = File::create(&lock).map_err(Trouble::file(&lock))?;
        if held.try_lock().is_err() {
            return Err(Trouble::Held { name: name.model() });
        }
        let before = held_bytes(&folder);
        if name.revision.is_none() && name.file.is_none() {
            fs::remove_dir_all(&folder).map_err(Trouble::file(&folder))?;
            return Ok(before);
        }
        let snapshot = self.snapshot(name).ok_or_else(missing)?;
        if let Some(file) = &name.file {
            let found = files(&snapshot);
            for part in chosen(name, &found, file).map_err(Trouble::Missing)? {
                let link = snapshot.join(part);
                fs::remove_file(&link).map_err(Trouble::file(&link))?;
            }
        } else {
            let commit = file_name(&snapshot);
            fs::remove_dir_all(&snapshot).map_err(Trouble::file(&snapshot))?;
            for (branch, at) in branches(&folder.join("refs")) {
                if at == commit {
                    let _ = fs::remove_file(folder.join("refs").join(branch));
                }
            }
        }
        sweep(&folder)?;
        let left = held_bytes(&folder);
        if !self
            .list()
            .iter()
            .any(|other| other.name.model() == name.model())
        {
            fs::remove_dir_all(&folder).map_err(Trouble::file(&folder))?;
            return Ok(before);
        }
        Ok(before.saturating_sub(left))
    }
}

/// The file that is meant, with all its parts.
fn chosen<'f>(name: &Name, found: &'f [String], file: &str) -> Result<Vec<&'f str>, Missing> {
    let models = first_shards(found);
    let first = choose(&models, file).ok_or_else(|| Missing::NoSuchFile {
        name: name.model(),
        file: file.to_owned(),
        there: models.iter().map(|file| (*file).to_owned()).collect(),
    })?;
    Ok(parts(found, first))
}

fn parts<'f>(found: &'f [String], first: &str) -> Vec<&'f str> {
    let found = found.iter().map(String::as_str);
    match shard(first) {
        None => found.filter(|file| *file == first).collect(),
        Some(whole) => found
            .filter(|file| {
                shard(file).is_some_and(|part| part.stem == whole.stem && part.of == whole.of)
            })
            .collect(),
    }
}

fn verdict(path: &Path) -> Verdict {
    let Ok(blob) = fs::canonicalize(path) else {
        return Verdict::Unreadable("its link leads nowhere".to_owned());
    };
    let Some(wanted) = Digest::parse(&file_name(&blob)) else {
        return Verdict::Unnamed;
    };
    match wanted.of_file(&blob) {
        Ok(found) if found == wanted => Verdict::Right,
        Ok(found) => Verdict::Wrong {
            found: found.hex().to_owned(),
            wanted: wanted.hex().to_owned(),
        },
        Err(why) => Verdict::Unreadable(why.to_string()),
    }
}

/// Notes all blobs that files of a folder are, however deep.
fn link_all(folder: PathBuf, linked: &mut BTreeSet<String>) {
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if let Ok(blob) = fs::canonicalize(path) {
                linked.insert(file_name(&blob));
            }
        }
    }
}

/// Removes blobs that nothing links to. What is not ended has an extension, and stays.
fn sweep(folder: &Path) -> Result<(), Trouble> {
    let mut linked = BTreeSet::new();
    for snapshot in folders(&folder.join("snapshots")) {
        link_all(snapshot, &mut linked);
    }
    for entry in fs::read_dir(folder.join("blobs"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_none() && !linked.contains(&file_name(&path)) {
            fs::remove_file(&path).map_err(Trouble::file(&path))?;
        }
    }
    Ok(())
}

fn held_bytes(folder: &Path) -> u64 {
    let blobs = fs::read_dir(folder.join("blobs"))
        .into_iter()
        .flatten()
        .flatten();
    blobs
        .filter_map(|blob| Some(blob.metadata().ok()?.len()))
        .sum()
}

fn bytes(snapshot: &Path, files: &[&str]) -> u64 {
    let sizes = files
        .iter()
        .filter_map(|file| fs::metadata(snapshot.join(file)).ok());
    sizes.map(|file| file.len()).sum()
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// What each branch stands at. Branches may have slashes in their names.
fn branches(refs: &Path) -> Vec<(String, String)> {
    let read = |branch: String| {
        let at = fs::read_to_string(refs.join(&branch)).ok()?;
        Some((branch, at.trim().to_owned()))
    };
    files(refs).into_iter().filter_map(read).collect()
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::Folder;

    #[test]
    fn remove_keeps_blobs_of_deep_files_of_other_revisions() {
        let folder = Folder::new("sweep");
        let deep = folder.0.join("snapshots/kept/a/b/c/d/e");
        let blobs = folder.0.join("blobs");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(&blobs).unwrap();
        for name in ["linked", "forgotten"] {
            fs::write(blobs.join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(blobs.join("linked"), deep.join("weight.bin")).unwrap();
        sweep(&folder.0).unwrap();
        assert!(blobs.join("linked").exists() && !blobs.join("forgotten").exists());
    }
}
