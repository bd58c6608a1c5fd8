//! The files of a model: which there are, what they say of the model, and its tensors by name.
//!
//! Tensors are ranges of mapped files. Nothing of them is read before it is used.

pub(crate) mod format;
pub(crate) mod gguf;
pub(crate) mod safetensors;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::Fault;
use crate::map::Map;
use format::Format;
use gguf::{Entry, Gguf, Value};

const SHARDS_MAX: usize = 1_024;
/// A configuration or an index; tokenizers are larger.
pub(crate) const JSON_BYTES_MAX: u64 = 64 << 20;

/// A matrix, or a vector as a matrix of one row, in a mapped file.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) format: Format,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    file: Arc<Map>,
    start: usize,
    row_bytes: usize,
}

impl Tensor {
    #[cfg(test)]
    pub(crate) fn of_bytes(format: Format, rows: usize, columns: usize, bytes: &[u8]) -> Self {
        let row_bytes = format.row_bytes(columns).unwrap();
        Self {
            format,
            rows,
            columns,
            file: Arc::new(Map::of_bytes(bytes)),
            start: 0,
            row_bytes,
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let start = self.start + row * self.row_bytes;
        &self.file[start..start + self.row_bytes]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.file[self.start..self.start + self.rows * self.row_bytes]
    }

    /// Where its bytes are, for who keeps them there.
    #[cfg(all(feature = "metal", target_os = "macos"))]
    pub(crate) fn file(&self) -> &Arc<Map> {
        &self.file
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} x {}", self.format, self.rows, self.columns)
    }
}

/// What the files say of the model.
#[derive(Debug)]
pub(crate) enum Description {
    Gguf(BTreeMap<String, Value>),
    /// `config.json`, and the folder that it stands in.
    Config(Json, PathBuf),
}

/// All tensors of a model.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) description: Description,
    /// What faults name.
    pub(crate) path: PathBuf,
    files: Vec<Arc<Map>>,
    tensors: BTreeMap<String, (usize, Entry)>,
}

impl Weights {
    /// Opens a `.gguf` file (of several, the first) or a folder with `config.json`.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        if path.is_dir() {
            Self::open_folder(path)
        } else {
            Self::open_gguf(path)
        }
    }

    fn open_gguf(path: &Path) -> Result<Self, Fault> {
        Self::of_gguf(path, Map::open(path)?)
    }

    /// Whether they say one of these words in their names, in whatever case: within a GGUF file, by their
    /// own path, or by the folder of a shelf that they came into (`models--ORG--REPO`).
    pub(crate) fn is_named(&self, words: &[&str]) -> bool {
        let mut names = Vec::new();
        if let Description::Gguf(metadata) = &self.description {
            for key in ["general.name", "general.basename"] {
                if let Some(Value::Text(name)) = metadata.get(key) {
                    names.push(name.to_lowercase());
                }
            }
        }
        let parts = self
            .path
            .iter()
            .map(|part| part.to_string_lossy().to_lowercase());
        let parts: Vec<String> = parts.collect();
        let own = parts.last().into_iter();
        let shelved = parts.iter().filter(|part| part.starts_with("models--"));
        names.extend(own.chain(shelved).cloned());
        names
            .iter()
            .any(|name| words.iter().any(|word| name.contains(word)))
    }

    /// One whole GGUF file that is in memory already.
    pub(crate) fn of_program(name: &Path, bytes: &'static [u8]) -> Result<Self, Fault> {
        Self::of_gguf(name, Map::of_program(bytes))
    }

    fn of_gguf(path: &Path, first: Map) -> Result<Self, Fault> {
        if !Gguf::is_one(&first) {
            let what = "not a GGUF file; safetensors are opened by their folder";
            return Err(Fault::malformed(path, what));
        }
        let gguf = Gguf::read(&first).map_err(|what| Fault::malformed(path, what))?;
        let shards = match gguf.metadata.get("split.count") {
            Some(Value::Integer(many)) if *many > 1 => usize::try_from(*many).unwrap_or(usize::MAX),
            _ => 1,
        };
        let mut weights = Self {
            description: Description::Gguf(gguf.metadata),
            path: path.to_owned(),
            files: Vec::new(),
            tensors: BTreeMap::new(),
        };
        weights.add(path, first, gguf.tensors)?;
        for path in sibling_shards(path, shards)? {
            let file = Map::open(&path)?;
            let gguf = Gguf::read(&file).map_err(|what| Fault::malformed(&path, what))?;
            weights.add(&path, file, gguf.tensors)?;
        }
        Ok(weights)
    }

    fn open_folder(folder: &Path) -> Result<Self, Fault> {
        let config = json(&folder.join("config.json"), JSON_BYTES_MAX)?;
        let mut weights = Self {
            description: Description::Config(config, folder.to_owned()),
            path: folder.to_owned(),
            files: Vec::new(),
            tensors: BTreeMap::new(),
        };
        for path in safetensors_files(folder)? {
            let file = Map::open(&path)?;
            let tensors = safetensors::read(&file).map_err(|what| Fault::malformed(&path, what))?;
            weights.add(&path, file, tensors)?;
        }
        Ok(weights)
    }

    fn add(
        &mut self,
        path: &Path,
        file: Map,
        tensors: BTreeMap<String, Entry>,
    ) -> Result<(), Fault> {
        let number = self.files.len();
        self.files.push(Arc::new(file));
        for (name, entry) in tensors {
            if self.tensors.contains_key(&name) {
                let what = format!("the tensor `{name}` is in another file too");
                return Err(Fault::malformed(path, what));
            }
            self.tensors.insert(name, (number, entry));
        }
        Ok(())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The tensor of this name, which must have this shape.
    pub(crate) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Tensor, Fault> {
        self.tensor(name, &[rows, columns])
    }

    pub(crate) fn vector(&self, name: &str, len: usize) -> Result<Tensor, Fault> {
        self.tensor(name, &[len])
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, Fault> {
        let found = self.tensors.get(name);
        let missing = || Fault::malformed(&self.path, format!("the tensor `{name}` is missing"));
        let (file, entry) = found.ok_or_else(missing)?;
        if entry.shape != shape {
            let what = format!(
                "the tensor `{name}` is {:?} and must be {shape:?}",
                entry.shape
            );
            return Err(Fault::malformed(&self.path, what));
        }
        let columns = shape.last().copied().unwrap_or_default();
        let row_bytes = entry.format.row_bytes(columns).ok_or_else(missing)?;
        Ok(Tensor {
            format: entry.format,
            rows: entry.range.len() / row_bytes,
            columns,
            file: Arc::clone(&self.files[*file]),
            start: entry.range.start,
            row_bytes,
        })
    }
}

/// What a GGUF file says of itself.
pub(crate) fn metadata(path: &Path) -> Result<BTreeMap<String, Value>, Fault> {
    let read = Gguf::read(&Map::open(path)?);
    let gguf = read.map_err(|what| Fault::malformed(path, what))?;
    Ok(gguf.metadata)
}

/// `model-00001-of-00003.gguf` and a count of three: the other two.
fn sibling_shards(path: &Path, shards: usize) -> Result<Vec<PathBuf>, Fault> {
    if shards == 1 {
        return Ok(Vec::new());
    }
    if shards > SHARDS_MAX {
        return Err(Fault::malformed(path, format!("{shards} files")));
    }
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let ending = format!("-00001-of-{shards:05}.gguf");
    let Some(stem) = name.strip_suffix(&ending) else {
        let what =
            format!("the first of {shards} files, whose name ends in {ending}, is asked for");
        return Err(Fault::malformed(path, what));
    };
    let sibling = |number| path.with_file_name(format!("{stem}-{number:05}-of-{shards:05}.gguf"));
    Ok((2..=shards).map(sibling).collect())
}

/// The one file, or those that the index names.
fn safetensors_files(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let path = folder.join("model.safetensors.index.json");
    if !path.exists() {
        return Ok(vec![folder.join("model.safetensors")]);
    }
    let index = json(&path, JSON_BYTES_MAX)?;
    let map = index["weight_map"].as_object();
    let map = map.ok_or_else(|| Fault::malformed(&path, "no `weight_map`"))?;
    let names: BTreeSet<&str> = map.values().filter_map(Json::as_str).collect();
    // A name from a file is no path: it must not lead out of the folder.
    let plain = |name: &str| !name.is_empty() && name != ".." && !name.contains(['/', '\\', '\0']);
    if names.len() > SHARDS_MAX || !names.iter().all(|name| plain(name)) {
        return Err(Fault::malformed(&path, "names files that cannot be"));
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// A file of JSON of bounded size.
pub(crate) fn json(path: &Path, bytes_max: u64) -> Result<Json, Fault> {
    let bytes = bytes(path, bytes_max)?;
    serde_json::from_slice(&bytes).map_err(|error| Fault::malformed(path, error.to_string()))
}

/// A whole file of bounded size.
pub(crate) fn bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Fault> {
    let unreadable = |source| Fault::unreadable(path, source);
    if std::fs::metadata(path).map_err(unreadable)?.len() > bytes_max {
        return Err(Fault::malformed(
            path,
            format!("larger than {bytes_max} bytes"),
        ));
    }
    std::fs::read(path).map_err(unreadable)
}
