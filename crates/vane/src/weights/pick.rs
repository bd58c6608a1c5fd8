//! Which files of a repository a model needs: one GGUF file with all its parts, or the safetensors
//! with their configuration and tokenizer.

use std::fmt;

use super::digest::Digest;
use super::name::Name;
use super::shelf::{choose, first_shards, has_safetensors, shard};
use super::size::size;
use super::trouble::Trouble;

/// A file of a repository, as the hub lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) bytes: Option<u64>,
    pub(super) digest: Option<Digest>,
}

/// Models that stand beside each other in one repository.
#[derive(Debug, Clone)]
pub struct Choice {
    pub name: Name,
    /// Files, and the bytes of all their parts.
    pub files: Vec<(String, Option<u64>)>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has more than one model; name one:", self.name)?;
        for (file, bytes) in &self.files {
            let bytes = bytes.map_or_else(String::new, size);
            write!(f, "\n  {}  {bytes}", self.name.with_file(file))?;
        }
        Ok(())
    }
}

/// What beside the weights an engine reads, or what says how a model wants to be asked.
const BESIDE: [&str; 9] = [
    "config.json",
    "generation_config.json",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "tekken.json",
    "special_tokens_map.json",
    "chat_template.jinja",
];

/// The files that are needed, weights last.
pub(super) fn pick(name: &Name, files: &[Listed]) -> Result<Vec<Listed>, Trouble> {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let models = first_shards(&paths);
    let chosen = match (&name.file, models.as_slice()) {
        (Some(file), _) => Some(choose(&models, file).ok_or_else(|| no_such(name, file, &models))?),
        (None, [one]) => Some(*one),
        (None, []) => None,
        (None, many) => {
            let of = |file: &&str| ((*file).to_owned(), bytes(&parts(file, files)));
            let name = name.clone();
            return Err(Trouble::Several(Box::new(Choice {
                name,
                files: many.iter().map(of).collect(),
            })));
        }
    };
    if let Some(first) = chosen {
        let parts = parts(first, files);
        let wanted = shard(first).map_or(1, |shard| shard.of);
        if u32::try_from(parts.len()) != Ok(wanted) {
            let what = format!("{} of {wanted} parts of {first}", parts.len());
            return Err(no_such(name, &what, &models));
        }
        return Ok(parts);
    }
    if !has_safetensors(&paths) {
        let name = name.to_string();
        return Err(Trouble::NoWeights { name });
    }
    Ok(folder(files))
}

fn no_such(name: &Name, file: &str, models: &[&str]) -> Trouble {
    Trouble::NoSuchFile {
        name: name.model(),
        file: file.to_owned(),
        there: models.iter().map(|file| (*file).to_owned()).collect(),
    }
}

/// A file, and those that it is split over.
fn parts(first: &str, files: &[Listed]) -> Vec<Listed> {
    let Some(whole) = shard(first) else {
        let found = files.iter().find(|file| file.path == first);
        return found.cloned().into_iter().collect();
    };
    let is_part = |file: &&Listed| {
        shard(&file.path).is_some_and(|part| part.stem == whole.stem && part.of == whole.of)
    };
    let mut parts: Vec<Listed> = files.iter().filter(is_part).cloned().collect();
    parts.sort_by(|one, other| one.path.cmp(&other.path));
    parts
}

/// Many repositories have their weights twice, also as Mistral's own code reads them.
fn folder(files: &[Listed]) -> Vec<Listed> {
    let weights = |file: &&Listed| !file.path.contains('/') && file.path.ends_with(".safetensors");
    let has_model = files
        .iter()
        .filter(weights)
        .any(|file| file.path.starts_with("model"));
    let wanted = |file: &&Listed| !has_model || file.path.starts_with("model");
    let beside = files.iter().filter(|file| {
        BESIDE.contains(&file.path.as_str()) || file.path.starts_with("tokenizer.model.v")
    });
    let weights = files.iter().filter(weights).filter(wanted);
    beside.chain(weights).cloned().collect()
}

/// Of all together, where each is known.
pub(super) fn bytes(files: &[Listed]) -> Option<u64> {
    files.iter().map(|file| file.bytes).sum()
}
