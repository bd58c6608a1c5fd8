//! What a model is, in numbers that a person asks for before it is run.

use std::collections::BTreeMap;

use super::Model;
use crate::Version;
use crate::cache::Precision;

/// A model, described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub parameters: u64,
    pub weight_bytes: u64,
    /// The formats of matrices, with the bytes that are in each, most first.
    pub formats: Vec<(&'static str, u64)>,
    pub layers: usize,
    pub hidden: usize,
    pub inner: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_size: usize,
    pub vocabulary: usize,
    /// Tokens of a prompt and its answer together.
    pub context: usize,
    pub window: Option<usize>,
    /// Memory for the keys and values of one token, in 16 bits.
    pub kv_bytes_per_token: u64,
    /// Of the prompts that it knows.
    pub version: Version,
    /// `SentencePiece` or `Tekken`.
    pub tokenizer: &'static str,
    /// Its vocabulary has the marks of a gap.
    pub marks_gaps: bool,
    pub fills_in: bool,
}

impl Model {
    /// What it is.
    pub fn outline(&self) -> Outline {
        let shape = self.shape();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let norms = count((2 * shape.layers + 1) * shape.hidden);
        let matrices: u64 = self
            .tensors()
            .map(|one| count(one.rows * one.columns))
            .sum();
        let mut by_format = BTreeMap::new();
        for tensor in self.tensors() {
            *by_format.entry(tensor.format.name()).or_default() += count(tensor.bytes().len());
        }
        let mut formats: Vec<(&str, u64)> = by_format.into_iter().collect();
        formats.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        let kv_numbers = count(shape.layers * 2 * shape.key_width());
        Outline {
            parameters: matrices + norms,
            weight_bytes: self.weight_bytes(),
            formats,
            layers: shape.layers,
            hidden: shape.hidden,
            inner: shape.inner,
            heads: shape.heads,
            kv_heads: shape.kv_heads,
            head_size: shape.head_size,
            vocabulary: shape.vocabulary,
            context: shape.context,
            window: shape.window,
            kv_bytes_per_token: kv_numbers * count(Precision::Half.bytes()),
            version: self.tokenizer().version(),
            tokenizer: self.tokenizer().kind(),
            marks_gaps: self.tokenizer().marks_gaps(),
            fills_in: self.fills_in(),
        }
    }
}
