//! A model: its dimensions, its matrices in mapped files, and its tokenizer.
//!
//! Opening checks every name, shape, format and token id, so that running it needs to check
//! nothing but the tokens that it is given.

mod forward;
#[cfg(feature = "gpu")]
pub(crate) mod gpu;
mod outline;
mod pass;

use std::path::Path;

use crate::Fault;
use crate::kernel::unpack_floats;
use crate::memory;
use crate::shape::{Pairs, Shape};
use crate::tokenizer::Tokenizer;
use crate::weights::gguf::Head;
use crate::weights::{Description, Tensor, Weights};
pub(crate) use forward::{Forward, Step};
pub use outline::Outline;
pub(crate) use pass::Pass;

/// What models are called that were trained to fill in the middle. No file says it otherwise: chat models
/// of the same family have the marks of a gap in their vocabularies, too.
const TRAINED_FOR_GAPS: [&str; 2] = ["codestral", "vane-tiny"];

/// How far opening is: bytes of weights that were read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done_bytes: u64,
    pub total_bytes: u64,
}

/// Weights that can be run.
#[derive(Debug)]
pub struct Model {
    shape: Shape,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// The matrix from hidden numbers to tokens; the embedding itself where it is tied.
    head: Tensor,
    tokenizer: Tokenizer,
    is_trained_for_gaps: bool,
    weight_bytes: u64,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Vec<f32>,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output: Tensor,
    inner_norm: Vec<f32>,
    gate: Tensor,
    up: Tensor,
    down: Tensor,
}

impl Model {
    /// Opens a `.gguf` file (the first, where it is split) or a folder with `config.json`,
    /// safetensors and a tokenizer, and reads it into memory. Refuses what cannot fit there.
    pub fn open(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, Fault> {
        Self::open_within(path, memory::free_bytes(), progress)
    }

    /// As [`Model::open`], within so much memory. `None` is any.
    pub fn open_within(
        path: &Path,
        memory_bytes: Option<u64>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, Fault> {
        let weights = Weights::open(path)?;
        let model = Self::of_weights(&weights)?;
        let needs = model.weight_bytes;
        if let Some(free) = memory_bytes.filter(|free| *free < needs) {
            return Err(Fault::TooLarge {
                what: format!("the weights of {}", path.display()),
                needs_mib: needs.div_ceil(1 << 20),
                free_mib: free >> 20,
            });
        }
        model.read_in(progress);
        Ok(model)
    }

    /// Opens it to ask what it is: nothing but what describes it is read.
    pub fn look(path: &Path) -> Result<Self, Fault> {
        Self::of_weights(&Weights::open(path)?)
    }

    /// What speaks against running a GGUF file that begins so, where all that describes it is there.
    pub fn refusal_of_gguf(beginning: &[u8]) -> Option<String> {
        let head = Head::read(beginning).ok()?;
        // Of a file in parts the later ones describe no model.
        let describes = head.metadata.contains_key("general.architecture");
        let shape = describes.then(|| Shape::of_gguf(&head.metadata).err());
        shape.flatten().or_else(|| head.unread())
    }

    /// What speaks against running safetensors with this `config.json`.
    pub fn refusal_of_config(config: &[u8]) -> Option<String> {
        let config = serde_json::from_slice(config).ok()?;
        Shape::of_config(&config).err()
    }

    /// Opens a GGUF file that is part of this program. `name` is what faults call it.
    pub fn of_program(name: &str, bytes: &'static [u8]) -> Result<Self, Fault> {
        Self::of_weights(&Weights::of_program(Path::new(name), bytes)?)
    }

    fn of_weights(weights: &Weights) -> Result<Self, Fault> {
        let (shape, tokenizer) = match &weights.description {
            Description::Gguf(metadata) => (
                Shape::of_gguf(metadata),
                Tokenizer::of_gguf(metadata, &weights.path)?,
            ),
            Description::Config(config, folder) => {
                (Shape::of_config(config), Tokenizer::of_folder(folder)?)
            }
        };
        let refuse = |what| Fault::Unsupported(format!("{}: {what}", weights.path.display()));
        let shape = shape.map_err(refuse)?;
        if tokenizer.len() > shape.vocabulary {
            let what = format!(
                "{} tokens for a model of {}",
                tokenizer.len(),
                shape.vocabulary
            );
            return Err(Fault::malformed(&weights.path, what));
        }
        let names = Names::of(&shape);
        if weights.has("rope_freqs.weight") {
            return Err(refuse(
                "scaled positions (`rope_freqs.weight`) are not run".to_owned(),
            ));
        }
        let embedding = weights.matrix(names.embedding, shape.vocabulary, shape.hidden)?;
        let head = match &weights.description {
            Description::Config(config, _) if config["tie_word_embeddings"] == true => None,
            Description::Gguf(_) if !weights.has(names.head) => None,
            _ => Some(weights.matrix(names.head, shape.vocabulary, shape.hidden)?),
        };
        let head = head.unwrap_or_else(|| embedding.clone());
        let layers = (0..shape.layers).map(|number| Layer::open(weights, &shape, &names, number));
        let mut model = Self {
            layers: layers.collect::<Result<_, _>>()?,
            norm: vector(weights, names.norm, shape.hidden)?,
            shape,
            embedding,
            head,
            tokenizer,
            is_trained_for_gaps: weights.is_named(&TRAINED_FOR_GAPS),
            weight_bytes: 0,
        };
        let bytes: usize = model.tensors().map(|tensor| tensor.bytes().len()).sum();
        model.weight_bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        Ok(model)
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let tied = self.head.bytes().as_ptr() == self.embedding.bytes().as_ptr();
        let ends = std::iter::once(&self.embedding).chain((!tied).then_some(&self.head));
        ends.chain(self.layers.iter().flat_map(Layer::tensors))
    }

    /// Touches every page, so that the first request does not wait for a disk.
    fn read_in(&self, progress: &mut dyn FnMut(Progress)) {
        const PAGE: usize = 4096;
        let total_bytes = self.weight_bytes;
        let mut done_bytes = 0;
        progress(Progress {
            done_bytes,
            total_bytes,
        });
        for tensor in self.tensors() {
            let bytes = tensor.bytes();
            for page in bytes.chunks(PAGE) {
                std::hint::black_box(page[0]);
            }
            done_bytes += u64::try_from(bytes.len()).unwrap_or_default();
            progress(Progress {
                done_bytes,
                total_bytes,
            });
        }
    }

    /// Whether it was trained to fill in the middle, as far as its names tell.
    pub fn fills_in(&self) -> bool {
        self.is_trained_for_gaps && self.tokenizer.marks_gaps()
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Tokens of a prompt and its answer together.
    pub fn context(&self) -> usize {
        self.shape.context
    }

    /// Bytes of all matrices.
    pub fn weight_bytes(&self) -> u64 {
        self.weight_bytes
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }
}

impl Layer {
    fn open(weights: &Weights, shape: &Shape, names: &Names, number: usize) -> Result<Self, Fault> {
        let (hidden, inner) = (shape.hidden, shape.inner);
        let (queries, keys) = (shape.query_width(), shape.key_width());
        let name = |part: &str| format!("{}.{number}.{part}.weight", names.layers);
        let matrix = |part, rows, columns| weights.matrix(&name(part), rows, columns);
        let [
            attention_norm,
            query,
            key,
            value,
            output,
            inner_norm,
            gate,
            up,
            down,
        ] = names.parts;
        Ok(Self {
            attention_norm: vector(weights, &name(attention_norm), hidden)?,
            query: matrix(query, queries, hidden)?,
            key: matrix(key, keys, hidden)?,
            value: matrix(value, keys, hidden)?,
            output: matrix(output, hidden, queries)?,
            inner_norm: vector(weights, &name(inner_norm), hidden)?,
            gate: matrix(gate, inner, hidden)?,
            up: matrix(up, inner, hidden)?,
            down: matrix(down, hidden, inner)?,
        })
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        let attention = [&self.query, &self.key, &self.value, &self.output];
        attention
            .into_iter()
            .chain([&self.gate, &self.up, &self.down])
    }
}

/// Vectors are few and used as floats: they are kept so.
fn vector(weights: &Weights, name: &str, len: usize) -> Result<Vec<f32>, Fault> {
    let tensor = weights.vector(name, len)?;
    let mut floats = vec![0.0; len];
    unpack_floats(tensor.format, tensor.bytes(), &mut floats);
    Ok(floats)
}

/// What the two kinds of files call the same.
struct Names {
    embedding: &'static str,
    norm: &'static str,
    head: &'static str,
    layers: &'static str,
    /// In the order of `Layer`.
    parts: [&'static str; 9],
}

impl Names {
    fn of(shape: &Shape) -> Self {
        match shape.pairs {
            Pairs::Neighbours => Self {
                embedding: "token_embd.weight",
                norm: "output_norm.weight",
                head: "output.weight",
                layers: "blk",
                parts: [
                    "attn_norm",
                    "attn_q",
                    "attn_k",
                    "attn_v",
                    "attn_output",
                    "ffn_norm",
                    "ffn_gate",
                    "ffn_up",
                    "ffn_down",
                ],
            },
            Pairs::Halves => Self {
                embedding: "model.embed_tokens.weight",
                norm: "model.norm.weight",
                head: "lm_head.weight",
                layers: "model.layers",
                parts: [
                    "input_layernorm",
                    "self_attn.q_proj",
                    "self_attn.k_proj",
                    "self_attn.v_proj",
                    "self_attn.o_proj",
                    "post_attention_layernorm",
                    "mlp.gate_proj",
                    "mlp.up_proj",
                    "mlp.down_proj",
                ],
            },
        }
    }
}
