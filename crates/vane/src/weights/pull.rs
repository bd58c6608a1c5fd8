//! Weights from the hub, or from any address, onto the shelf.
//!
//! First what is there is looked at ([`survey`]), so that a person can be told before anything is
//! loaded; then files come, are checked, and are linked all together ([`pull`]).
//!
//! Invariant: whoever writes into a model's folder holds its lock.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use http::Uri;
use vane_engine::Model;

use super::digest::{Digest, sha256_hex};
use super::fetch::{Fetch, Step, Tell, Wanted};
use super::hub::{self, Hub, Setback};
use super::name::Name;
use super::pick::pick;
use super::room;
use super::shelf::{Shelf, shard};
use super::trouble::Trouble;

/// What weights are asked for by.
#[derive(Debug, Clone)]
pub enum Source {
    Hub(Name),
    /// A GGUF file anywhere, and what it is called here.
    Address(Uri, Name),
}

/// What would come.
#[derive(Debug)]
pub struct Survey {
    /// The model, with its file where that was chosen.
    pub name: Name,
    pub commit: String,
    pub files: Vec<Wanted>,
}

/// What came.
#[derive(Debug)]
pub struct Pulled {
    /// What the engine opens.
    pub path: PathBuf,
    pub files: Vec<Put>,
}

#[derive(Debug)]
pub struct Put {
    pub path: String,
    pub bytes: u64,
    pub digest: String,
    /// It was not here before.
    pub came: bool,
}

impl Source {
    /// A name, the address of a page or file of the hub, or that of a GGUF file elsewhere.
    ///
    /// # Errors
    /// If it is none of these.
    pub fn parse(said: &str, hub: &str) -> Result<Self, Trouble> {
        let said = said.trim();
        if !said.contains("://") {
            return Ok(Self::Hub(said.parse()?));
        }
        let plain = said.split(['?', '#']).next().unwrap_or_default();
        if let Some(path) = plain
            .strip_prefix(hub)
            .and_then(|path| path.strip_prefix('/'))
        {
            return of_page(path).map(Self::Hub);
        }
        let uri = hub::address(said)?;
        let stem = uri.path().rsplit('/').next().unwrap_or_default();
        let Some(stem) = stem.strip_suffix(".gguf") else {
            let why = "by address only .gguf files are pulled; safetensors are several files: \
                       name their repository";
            return Err(Trouble::NoAddress(format!("{plain}: {why}")));
        };
        if shard(&format!("{stem}.gguf")).is_some_and(|shard| shard.of > 1) {
            let why = "is one part of several; name the repository instead";
            return Err(Trouble::NoAddress(format!("{plain} {why}")));
        }
        let name = format!("{}/{}", part(uri.host().unwrap_or_default()), part(stem));
        Ok(Self::Address(uri, name.parse()?))
    }
}

/// What stands in an address where `ORG/REPO` is expected.
fn part(said: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let said: String = said.chars().map(letter).collect();
    let words: Vec<&str> = said.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").trim_matches('.').to_owned()
}

/// `ORG/REPO`, perhaps with `/resolve/REVISION/FILE` as links to files have it.
fn of_page(path: &str) -> Result<Name, Trouble> {
    let parts: Vec<&str> = path.trim_end_matches('/').splitn(5, '/').collect();
    let said = match parts.as_slice() {
        [org, repo] => format!("{org}/{repo}"),
        [org, repo, "tree", revision] => format!("{org}/{repo}@{revision}"),
        [org, repo, "resolve" | "blob", revision, file] => {
            format!("{org}/{repo}@{revision}:{file}")
        }
        _ => path.to_owned(),
    };
    Ok(said.parse()?)
}

/// Looks at what a source has. `sha256` is what a file by address must be.
///
/// # Errors
/// If it cannot be seen, or is nothing that can be run, or more than one model.
pub async fn survey(
    hub: &Hub,
    source: &Source,
    sha256: Option<&str>,
    tell: Tell<'_>,
) -> Result<Survey, Trouble> {
    match source {
        Source::Address(uri, name) => Ok(Survey {
            name: name.clone(),
            commit: sha256_hex(uri.to_string().as_bytes())[..40].to_owned(),
            files: vec![Wanted {
                path: uri.path().rsplit('/').next().unwrap_or_default().to_owned(),
                bytes: None,
                uri: uri.clone(),
                digest: sha256.map(|hex| Digest::Sha256(hex.to_ascii_lowercase())),
            }],
        }),
        Source::Hub(name) => {
            let listing = patiently(hub, name, tell).await?;
            let wanted = |file: super::pick::Listed| {
                Ok(Wanted {
                    uri: hub.file(name, &listing.commit, &file.path)?,
                    path: file.path,
                    bytes: file.bytes,
                    digest: file.digest,
                })
            };
            let files = pick(name, &listing.files)?.into_iter().map(wanted);
            Ok(Survey {
                name: name.clone(),
                files: files.collect::<Result<_, Trouble>>()?,
                commit: listing.commit,
            })
        }
    }
}

async fn patiently(hub: &Hub, name: &Name, tell: Tell<'_>) -> Result<hub::Listing, Trouble> {
    let mut pause = hub.patience.pause;
    for _ in 1..hub.patience.tries {
        match hub.list(name).await {
            Ok(listing) => return Ok(listing),
            Err(Setback::Final(trouble)) => return Err(trouble),
            Err(Setback::Passing { why, after }) => {
                let pause = after.unwrap_or(pause);
                tell(Step::Again { why: &why, pause });
                tokio::time::sleep(pause).await;
            }
        }
        pause *= 2;
    }
    match hub.list(name).await {
        Ok(listing) => Ok(listing),
        Err(Setback::Final(trouble)) => Err(trouble),
        Err(Setback::Passing { why, .. }) => Err(Trouble::Unreachable {
            host: hub.address().to_owned(),
            why,
        }),
    }
}

impl Survey {
    /// Of all files, where the hub says so.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Brings what was looked at, as far as it is not here.
///
/// # Errors
/// If a file does not come whole and right. What came stays, and the next pull goes on from it.
pub async fn pull(
    shelf: &Shelf,
    hub: &Hub,
    survey: &Survey,
    tell: Tell<'_>,
) -> Result<Pulled, Trouble> {
    let folder = shelf.folder().join(survey.name.folder());
    let blobs = folder.join("blobs");
    fs::create_dir_all(&blobs).map_err(Trouble::file(&blobs))?;
    let _lock = locked(&folder, tell).await?;
    let missing = survey
        .files
        .iter()
        .filter(|file| present(&folder, &survey.commit, file).is_none());
    let missing = missing.map(|file| {
        let kept = Fetch::new(hub, file, &blobs).kept();
        file.bytes.unwrap_or_default().saturating_sub(kept)
    });
    room::must_have(&blobs, missing.sum())?;
    let mut files = Vec::new();
    for file in &survey.files {
        let here = present(&folder, &survey.commit, file);
        let came = here.is_none();
        let digest = match here {
            Some(digest) => digest,
            None => Fetch::new(hub, file, &blobs).run(tell).await?,
        };
        let blob = blobs.join(digest.hex());
        must_run(file, &blob)?;
        files.push(Put {
            path: file.path.clone(),
            bytes: fs::metadata(&blob).map_err(Trouble::file(&blob))?.len(),
            digest: digest.hex().to_owned(),
            came,
        });
    }
    link(&folder, survey, &files)?;
    let snapshot = folder.join("snapshots").join(&survey.commit);
    let first = files.iter().find(|file| file.path.ends_with(".gguf"));
    let path = first.map_or_else(|| snapshot.clone(), |file| snapshot.join(&file.path));
    Ok(Pulled { path, files })
}

/// The configuration comes before the weights, which are not loaded where it says that nothing here
/// runs them.
fn must_run(file: &Wanted, blob: &Path) -> Result<(), Trouble> {
    if file.path != "config.json" {
        return Ok(());
    }
    let config = fs::read(blob).map_err(Trouble::file(blob))?;
    match Model::refusal_of_config(&config) {
        None => Ok(()),
        Some(why) => Err(Trouble::NotRun {
            file: file.path.clone(),
            why,
        }),
    }
}

/// The blob of a file, if it is here. One that nothing was said of is known by its link.
fn present(folder: &Path, commit: &str, file: &Wanted) -> Option<Digest> {
    let digest = match &file.digest {
        Some(digest) => digest.clone(),
        None => {
            let link = folder.join("snapshots").join(commit).join(&file.path);
            let blob = fs::canonicalize(link).ok()?;
            Digest::parse(blob.file_name()?.to_str()?)?
        }
    };
    let blob = fs::metadata(folder.join("blobs").join(digest.hex())).ok()?;
    let is_whole = file.bytes.is_none_or(|bytes| bytes == blob.len());
    is_whole.then_some(digest)
}

/// Held until it is dropped; the system lets go of it when the process ends.
async fn locked(folder: &Path, tell: Tell<'_>) -> Result<File, Trouble> {
    let path = folder.join("vane.lock");
    let file = File::create(&path).map_err(Trouble::file(&path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(fs::TryLockError::WouldBlock) => tell(Step::Waits),
        Err(fs::TryLockError::Error(why)) => return Err(Trouble::file(&path)(why)),
    }
    let waited = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    let waited = waited.unwrap_or_else(|broken| Err(io::Error::other(broken)));
    waited.map_err(Trouble::file(&path))
}

/// Links all files into the snapshot, then says what the revision stands at.
fn link(folder: &Path, survey: &Survey, files: &[Put]) -> Result<(), Trouble> {
    let snapshot = folder.join("snapshots").join(&survey.commit);
    for file in files {
        let link = snapshot.join(&file.path);
        let parent = link.parent().unwrap_or(&snapshot);
        fs::create_dir_all(parent).map_err(Trouble::file(parent))?;
        let up = "../".repeat(2 + file.path.matches('/').count());
        let target = format!("{up}blobs/{}", file.digest);
        let draft = folder.join("vane.link");
        let _ = fs::remove_file(&draft);
        let linked = std::os::unix::fs::symlink(target, &draft);
        linked
            .and_then(|()| fs::rename(&draft, &link))
            .map_err(Trouble::file(&link))?;
    }
    let revision = survey.name.revision.as_deref().unwrap_or("main");
    if revision == survey.commit {
        return Ok(());
    }
    let path = folder.join("refs").join(revision);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(Trouble::file(parent))?;
    let draft = folder.join("vane.ref");
    let written = fs::write(&draft, &survey.commit);
    written
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(Trouble::file(&path))
}
