//! The models of `fixtures/make.py`, made again of the same numbers.

use serde_json::{Value as Json, json};

use crate::folder::Folder;
use crate::write::{BF16, F32, Kind, Tensor, Value, gguf, safetensors};

pub(crate) const VOCABULARY: usize = 64;

/// A tiny model: its configuration in the words of transformers.
#[derive(Clone)]
pub(crate) struct Tiny {
    pub(crate) config: Json,
    /// Blocks of this format, in GGUF only.
    pub(crate) blocks: Option<Blocks>,
}

/// A quantised format: its number, numbers and bytes in a block, and where its scales stand.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    kind: u32,
    numbers: usize,
    bytes: usize,
    halves: &'static [(usize, u16)],
}

impl Blocks {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let of = |kind, numbers, bytes, halves| {
            Some(Self {
                kind,
                numbers,
                bytes,
                halves,
            })
        };
        match name {
            "Q8_0" => of(8, 32, 34, &[(0, 0x1419)]),
            "Q4_0" => of(2, 32, 18, &[(0, 0x23ae)]),
            "Q4_1" => of(3, 32, 20, &[(0, 0x23ae), (2, 0xafae)]),
            "Q4_K" => of(12, 256, 144, &[(0, 0x0cea), (2, 0x1819)]),
            "Q5_K" => of(13, 256, 176, &[(0, 0x08ea), (2, 0x1819)]),
            "Q6_K" => of(14, 256, 210, &[(208, 0x029f)]),
            _ => None,
        }
    }
}

pub(crate) fn noise(name: &str) -> impl Iterator<Item = u64> {
    let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, hash);
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    })
}

fn floats(name: &str, shape: &[usize]) -> Vec<f32> {
    let numbers = noise(name).take(shape.iter().product());
    let numbers = numbers.map(|bits| ((bits >> 57) as f32 - 64.0) / 256.0);
    let is_norm = shape.len() == 1;
    numbers
        .map(|number| if is_norm { 2.0 * number + 1.0 } else { number })
        .collect()
}

fn bytes_of(floats: &[f32], kind: Kind) -> Vec<u8> {
    match kind {
        F32 => floats
            .iter()
            .flat_map(|float| float.to_le_bytes())
            .collect(),
        BF16 => floats
            .iter()
            .flat_map(|float| ((float.to_bits() >> 16) as u16).to_le_bytes())
            .collect(),
        // These floats have few digits: only the exponent changes its place.
        _ => floats
            .iter()
            .flat_map(|float| {
                let bits = float.to_bits();
                let magnitude = (bits & 0x7fff_ffff) >> 13;
                let half = magnitude.saturating_sub(112 << 10) | (bits >> 16 & 0x8000);
                (half as u16).to_le_bytes()
            })
            .collect(),
    }
}

impl Tiny {
    pub(crate) fn new(config: &Json, format: Option<&str>) -> Self {
        Self {
            config: config.clone(),
            blocks: format.and_then(Blocks::named),
        }
    }

    /// With grouped heads and no window.
    pub(crate) fn plain() -> Self {
        let config = json!({"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "rope_theta": 10000.0,
            "sliding_window": null, "tie_word_embeddings": false, "rms_norm_eps": 1e-5});
        Self {
            config,
            blocks: None,
        }
    }

    fn number(&self, key: &str) -> usize {
        self.config[key].as_u64().unwrap() as usize
    }

    /// As many as make.py knows, or as the configuration says.
    fn vocabulary(&self) -> usize {
        { self.config["vocab_size"].as_u64() }.map_or(VOCABULARY, |many| many as usize)
    }

    /// Names as transformers has them, and shapes.
    fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (self.number("hidden_size"), self.number("intermediate_size"));
        let size = self.number("head_dim");
        let queries = self.number("num_attention_heads") * size;
        let keys = self.number("num_key_value_heads") * size;
        let mut shapes = vec![
            (
                "model.embed_tokens.weight".to_owned(),
                vec![self.vocabulary(), hidden],
            ),
            ("model.norm.weight".to_owned(), vec![hidden]),
        ];
        if self.config["tie_word_embeddings"] == false {
            shapes.push(("lm_head.weight".to_owned(), vec![self.vocabulary(), hidden]));
        }
        for layer in 0..self.number("num_hidden_layers") {
            let parts = [
                ("input_layernorm", vec![hidden]),
                ("self_attn.q_proj", vec![queries, hidden]),
                ("self_attn.k_proj", vec![keys, hidden]),
                ("self_attn.v_proj", vec![keys, hidden]),
                ("self_attn.o_proj", vec![hidden, queries]),
                ("post_attention_layernorm", vec![hidden]),
                ("mlp.gate_proj", vec![inner, hidden]),
                ("mlp.up_proj", vec![inner, hidden]),
                ("mlp.down_proj", vec![hidden, inner]),
            ];
            let parts =
                parts.map(|(part, shape)| (format!("model.layers.{layer}.{part}.weight"), shape));
            shapes.extend(parts);
        }
        shapes
    }

    pub(crate) fn tensors(&self, kind: Kind) -> Vec<Tensor> {
        let tensor = |(name, shape): (String, Vec<usize>)| {
            let bytes = bytes_of(&floats(&name, &shape), kind);
            Tensor {
                name,
                shape,
                kind,
                bytes,
            }
        };
        self.shapes().into_iter().map(tensor).collect()
    }

    pub(crate) fn gguf_tensors(&self, kind: Kind) -> Vec<Tensor> {
        let tensor = |(name, shape): (String, Vec<usize>)| {
            let ours = gguf_name(&name);
            if let Some(blocks) = self.blocks.filter(|_| shape.len() == 2) {
                let bytes = random_blocks(&ours, &shape, blocks);
                return Tensor {
                    name: ours,
                    shape,
                    kind: Kind(blocks.kind, ""),
                    bytes,
                };
            }
            let mut numbers = floats(&name, &shape);
            if name.contains("q_proj") || name.contains("k_proj") {
                numbers = neighbours_of_halves(&numbers, &shape, self.number("head_dim"));
            }
            // Converters keep norms in single precision.
            let kind = if shape.len() == 1 { F32 } else { kind };
            Tensor {
                name: ours,
                bytes: bytes_of(&numbers, kind),
                shape,
                kind,
            }
        };
        self.shapes().into_iter().map(tensor).collect()
    }

    pub(crate) fn metadata(&self) -> Vec<(String, Value)> {
        let u32 = |key: &str| Value::U32(self.number(key) as u32);
        let mut rows = vec![
            ("general.architecture", Value::Text("llama".to_owned())),
            ("llama.block_count", u32("num_hidden_layers")),
            ("llama.embedding_length", u32("hidden_size")),
            ("llama.feed_forward_length", u32("intermediate_size")),
            ("llama.attention.head_count", u32("num_attention_heads")),
            ("llama.attention.head_count_kv", u32("num_key_value_heads")),
            ("llama.attention.key_length", u32("head_dim")),
            ("llama.attention.value_length", u32("head_dim")),
            ("llama.rope.dimension_count", u32("head_dim")),
            (
                "llama.rope.freq_base",
                Value::F32(self.config["rope_theta"].as_f64().unwrap() as f32),
            ),
            (
                "llama.attention.layer_norm_rms_epsilon",
                Value::F32(self.config["rms_norm_eps"].as_f64().unwrap() as f32),
            ),
            ("llama.context_length", Value::U32(1024)),
            ("llama.vocab_size", Value::U32(VOCABULARY as u32)),
        ];
        if self.config["sliding_window"].is_u64() {
            rows.push(("llama.attention.sliding_window", u32("sliding_window")));
        }
        rows.extend(pieces_metadata());
        rows.into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    }

    pub(crate) fn gguf(&self, kind: Kind) -> Vec<u8> {
        gguf(&self.metadata(), &self.gguf_tensors(kind))
    }

    /// `config.json` as transformers 4 writes it, or 5.
    pub(crate) fn config_json(&self, version: u32) -> Json {
        let mut config = self.config.clone();
        config["model_type"] = json!("mistral");
        config["vocab_size"] = json!(self.vocabulary());
        config["max_position_embeddings"] = json!(1024);
        config["hidden_act"] = json!("silu");
        if version == 5 {
            let theta = config.as_object_mut().unwrap().remove("rope_theta");
            config["rope_parameters"] = json!({"rope_theta": theta, "rope_type": "default"});
        }
        config
    }

    pub(crate) fn folder(&self, version: u32, kind: Kind) -> Folder {
        let folder = Folder::new();
        folder.write("config.json", self.config_json(version).to_string());
        folder.write("tokenizer.json", tokenizer_json().to_string());
        folder.write("model.safetensors", safetensors(&self.tensors(kind)));
        folder
    }
}

fn random_blocks(name: &str, shape: &[usize], blocks: Blocks) -> Vec<u8> {
    let many = shape.iter().product::<usize>() / blocks.numbers;
    let bytes = noise(name).flat_map(u64::to_le_bytes);
    let mut bytes: Vec<u8> = bytes.take(many * blocks.bytes).collect();
    for block in bytes.chunks_exact_mut(blocks.bytes) {
        for (at, half) in blocks.halves {
            let [low, high] = half.to_le_bytes();
            block[*at] = (low & 0xc0) | (block[*at] & 0x3f);
            block[at + 1] = high;
        }
    }
    bytes
}

fn neighbours_of_halves(numbers: &[f32], shape: &[usize], size: usize) -> Vec<f32> {
    let columns = shape[1];
    let row_of = |row: usize| {
        let (head, at) = (row / size, row % size);
        head * size + at / 2 + (at % 2) * (size / 2)
    };
    (0..shape[0])
        .flat_map(|row| &numbers[row_of(row) * columns..][..columns])
        .copied()
        .collect()
}

pub(crate) fn gguf_name(name: &str) -> String {
    let rows = [
        ("model.layers.", "blk."),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
    ];
    rows.iter().fold(name.to_owned(), |name, (theirs, ours)| {
        name.replace(theirs, ours)
    })
}

/// 64 pieces: control tokens, the bytes of some characters, and letters.
pub(crate) fn pieces() -> Vec<(String, i32)> {
    let controls = [
        ("<unk>", 2),
        ("<s>", 3),
        ("</s>", 3),
        ("[INST]", 3),
        ("[/INST]", 3),
        ("[PREFIX]", 3),
        ("[SUFFIX]", 3),
    ];
    let mut pieces: Vec<(String, i32)> =
        controls.map(|(text, kind)| (text.to_owned(), kind)).into();
    pieces.extend(
        ["<0xC3>", "<0xA9>", "<0xE6>", "<0x97>", "<0xA5>"].map(|byte| (byte.to_owned(), 6)),
    );
    pieces.push(("\u{2581}".to_owned(), 1));
    pieces.extend(
        ('a'..='z')
            .chain('A'..='Y')
            .map(|letter| (letter.to_string(), 1)),
    );
    assert_eq!(pieces.len(), VOCABULARY);
    pieces
}

pub(crate) fn pieces_metadata() -> Vec<(&'static str, Value)> {
    let pieces = pieces();
    vec![
        ("tokenizer.ggml.model", Value::Text("llama".to_owned())),
        (
            "tokenizer.ggml.tokens",
            Value::Texts(pieces.iter().map(|piece| piece.0.clone()).collect()),
        ),
        (
            "tokenizer.ggml.scores",
            Value::Floats((0..64).map(|at| -(at as f32)).collect()),
        ),
        (
            "tokenizer.ggml.token_type",
            Value::Integers(pieces.iter().map(|piece| piece.1).collect()),
        ),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
        ("tokenizer.ggml.add_space_prefix", Value::Bool(true)),
    ]
}

pub(crate) fn tokenizer_json() -> Json {
    let pieces = pieces();
    let vocab: serde_json::Map<String, Json> = pieces
        .iter()
        .enumerate()
        .map(|(id, piece)| (piece.0.clone(), json!(id)))
        .collect();
    let added = pieces
        .iter()
        .enumerate()
        .filter(|(_, piece)| matches!(piece.1, 2 | 3));
    let added: Vec<Json> = added
        .map(|(id, piece)| json!({"id": id, "content": piece.0, "special": true}))
        .collect();
    json!({"added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": false},
        "model": {"type": "BPE", "byte_fallback": true, "vocab": vocab, "merges": []}})
}
