//! The numbers that make one Mistral model differ from another, read from GGUF metadata or from
//! `config.json` in the forms of transformers 4 and 5.
//!
//! Invariant: a `Shape` that was made is sound: nothing in it is zero, heads divide evenly, and all
//! sizes are small enough to be multiplied.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::weights::gguf::Value;

/// Architectures of GGUF whose layers are Mistral's.
const FAMILIES: [&str; 2] = ["llama", "mistral3"];
const LAYERS_MAX: usize = 1_024;
const WIDTH_MAX: usize = 1 << 18;
const VOCABULARY_MAX: usize = 1 << 21;
const CONTEXT_MAX: usize = 1 << 24;

/// Which numbers of a head turn together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// 2i with 2i + 1, as weights were trained and GGUF keeps them.
    Neighbours,
    /// i with i + half, as transformers reorders them.
    Halves,
}

/// The dimensions of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) layers: usize,
    pub(crate) hidden: usize,
    /// The width within the feed-forward part.
    pub(crate) inner: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_size: usize,
    pub(crate) vocabulary: usize,
    pub(crate) context: usize,
    pub(crate) theta: f64,
    pub(crate) epsilon: f32,
    /// Key j is seen from i if i - j is less than this.
    pub(crate) window: Option<usize>,
    pub(crate) pairs: Pairs,
}

impl Shape {
    pub(crate) fn of_gguf(metadata: &BTreeMap<String, Value>) -> Result<Self, String> {
        let family = match metadata.get("general.architecture") {
            Some(Value::Text(name)) if FAMILIES.contains(&name.as_str()) => name,
            other => {
                let known = FAMILIES.join("` and `");
                return Err(format!("architecture {other:?}; `{known}` are run"));
            }
        };
        let keys = Keys { metadata, family };
        match keys.get("rope.scaling.type") {
            None => {}
            Some(Value::Text(kind)) if kind == "none" => {}
            Some(kind) => return Err(format!("scaled positions ({kind:?}) are not run")),
        }
        if keys.get("attention.temperature_scale").is_some() {
            return Err("attention that is scaled by position is not run".to_owned());
        }
        if keys
            .count("expert_count")?
            .is_some_and(|experts| experts > 0)
        {
            return Err("a mixture of experts is not run".to_owned());
        }
        let hidden = keys.must("embedding_length")?;
        let heads = keys.must("attention.head_count")?;
        let head_size = match keys.count("attention.key_length")? {
            Some(size) => size,
            None => even_part(hidden, heads)?,
        };
        for key in ["attention.value_length", "rope.dimension_count"] {
            if keys.count(key)?.is_some_and(|size| size != head_size) {
                return Err(format!("`{family}.{key}` differs from the size of a head"));
            }
        }
        let vocabulary = match (
            keys.count("vocab_size")?,
            metadata.get("tokenizer.ggml.tokens"),
        ) {
            (Some(many), _) => many,
            (None, Some(Value::Texts(tokens))) => tokens.len(),
            (None, _) => return Err("it does not say how many tokens it knows".to_owned()),
        };
        Self {
            layers: keys.must("block_count")?,
            hidden,
            inner: keys.must("feed_forward_length")?,
            heads,
            kv_heads: keys.count("attention.head_count_kv")?.unwrap_or(heads),
            head_size,
            vocabulary,
            context: keys.must("context_length")?,
            theta: keys.float("rope.freq_base")?.unwrap_or(10_000.0),
            epsilon: single(
                keys.float("attention.layer_norm_rms_epsilon")?
                    .unwrap_or(1e-5),
            ),
            window: keys
                .count("attention.sliding_window")?
                .filter(|window| *window > 0),
            pairs: Pairs::Neighbours,
        }
        .checked()
    }

    pub(crate) fn of_config(config: &Json) -> Result<Self, String> {
        let kind = config["model_type"].as_str();
        if !matches!(kind, Some("mistral" | "llama")) {
            return Err(format!(
                "model type {kind:?}; `mistral` and `llama` are run"
            ));
        }
        for key in ["attention_bias", "mlp_bias"] {
            if config[key].as_bool() == Some(true) {
                return Err(format!("`{key}` is not run"));
            }
        }
        if !matches!(config["hidden_act"].as_str(), None | Some("silu")) {
            return Err(format!("activation {} is not run", config["hidden_act"]));
        }
        let count = |key: &str| count(config, key);
        let must = |key: &str| count(key)?.ok_or_else(|| format!("no `{key}`"));
        let (hidden, heads) = (must("hidden_size")?, must("num_attention_heads")?);
        let head_size = match count("head_dim")? {
            Some(size) => size,
            None => even_part(hidden, heads)?,
        };
        Self {
            layers: must("num_hidden_layers")?,
            hidden,
            inner: must("intermediate_size")?,
            heads,
            kv_heads: count("num_key_value_heads")?.unwrap_or(heads),
            head_size,
            vocabulary: must("vocab_size")?,
            context: must("max_position_embeddings")?,
            theta: theta(config)?,
            epsilon: single(config["rms_norm_eps"].as_f64().unwrap_or(1e-6)),
            window: count("sliding_window")?,
            pairs: Pairs::Halves,
        }
        .checked()
    }

    fn checked(self) -> Result<Self, String> {
        let limits = [
            ("layers", self.layers, LAYERS_MAX),
            ("hidden numbers", self.hidden, WIDTH_MAX),
            ("inner numbers", self.inner, WIDTH_MAX),
            ("heads", self.heads, WIDTH_MAX),
            ("key heads", self.kv_heads, self.heads),
            ("numbers in a head", self.head_size, 1_024),
            (
                "numbers in all heads",
                self.heads.saturating_mul(self.head_size),
                WIDTH_MAX,
            ),
            ("tokens known", self.vocabulary, VOCABULARY_MAX),
            ("tokens of context", self.context, CONTEXT_MAX),
            (
                "tokens in its window",
                self.window.unwrap_or(1),
                CONTEXT_MAX,
            ),
        ];
        for (what, is, max) in limits {
            if is == 0 || is > max {
                return Err(format!("{is} {what}, of 1 to {max}"));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) || !self.head_size.is_multiple_of(2) {
            return Err("heads do not divide evenly".to_owned());
        }
        if !(self.theta.is_finite() && self.theta > 0.0) {
            return Err(format!("a base of positions of {}", self.theta));
        }
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            return Err(format!("an epsilon of {}", self.epsilon));
        }
        Ok(self)
    }

    /// Numbers that a token's queries have.
    pub(crate) fn query_width(&self) -> usize {
        self.heads * self.head_size
    }

    /// Numbers that a token's keys have, and its values.
    pub(crate) fn key_width(&self) -> usize {
        self.kv_heads * self.head_size
    }
}

fn even_part(hidden: usize, heads: usize) -> Result<usize, String> {
    let whole = hidden.checked_rem(heads) == Some(0);
    if whole {
        Ok(hidden / heads)
    } else {
        Err("heads do not divide evenly".to_owned())
    }
}

/// transformers 5 puts it into `rope_parameters`, where also a scaling would stand.
fn theta(config: &Json) -> Result<f64, String> {
    let inner = &config["rope_parameters"];
    for scaling in [inner, &config["rope_scaling"]] {
        let kind = scaling["rope_type"]
            .as_str()
            .or_else(|| scaling["type"].as_str());
        let plain = matches!(kind, None | Some("default"));
        if !plain || (kind.is_none() && !scaling["factor"].is_null()) {
            return Err(format!("scaled positions ({scaling}) are not run"));
        }
    }
    let value = if inner["rope_theta"].is_null() {
        &config["rope_theta"]
    } else {
        &inner["rope_theta"]
    };
    if value.is_null() {
        return Ok(10_000.0);
    }
    value
        .as_f64()
        .ok_or_else(|| format!("`rope_theta` is {value}"))
}

fn count(config: &Json, key: &str) -> Result<Option<usize>, String> {
    let value = &config[key];
    if value.is_null() {
        return Ok(None);
    }
    let number = value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok());
    number
        .map(Some)
        .ok_or_else(|| format!("`{key}` is {value}"))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "models are trained with single precision"
)]
fn single(number: f64) -> f32 {
    number as f32
}

struct Keys<'a> {
    metadata: &'a BTreeMap<String, Value>,
    /// What the names of its keys begin with.
    family: &'a str,
}

impl<'a> Keys<'a> {
    fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.family)
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.metadata.get(&self.name(key))
    }

    fn count(&self, key: &str) -> Result<Option<usize>, String> {
        let name = self.name(key);
        match self.get(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => usize::try_from(*number)
                .map(Some)
                .map_err(|_| format!("`{name}` is {number}")),
            Some(other) => Err(format!("`{name}` is {other:?}")),
        }
    }

    fn must(&self, key: &str) -> Result<usize, String> {
        self.count(key)?
            .ok_or_else(|| format!("no `{}`", self.name(key)))
    }

    fn float(&self, key: &str) -> Result<Option<f64>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Float(number)) => Ok(Some(*number)),
            Some(other) => Err(format!("`{}` is {other:?}", self.name(key))),
        }
    }
}
