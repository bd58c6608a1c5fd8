//! Files that are broken: an error, and never a crash.

use proptest::prelude::*;
use serde_json::json;
use vane_engine::{Fault, Model, Tokenizer};

use crate::folder::Folder;
use crate::models::{Tiny, pieces_metadata, tokenizer_json};
use crate::vocabularies;
use crate::write::{F32, Value, gguf, safetensors};

fn open(bytes: &[u8]) -> Result<Model, Fault> {
    let folder = Folder::new();
    let path = folder.write("model.gguf", bytes);
    Model::open(&path, &mut |_| ())
}

/// What a model file may be: opened, or refused with a sentence.
fn survives(bytes: &[u8]) {
    if let Err(fault) = open(bytes) {
        assert!(!fault.to_string().is_empty());
    }
}

/// Where the header of a file ends, roughly: what follows are weights, where all bits are sound.
fn header_of_gguf(tiny: &Tiny) -> usize {
    let weights: usize = tiny
        .gguf_tensors(F32)
        .iter()
        .map(|tensor| tensor.bytes.len())
        .sum();
    tiny.gguf(F32).len() - weights
}

#[test]
fn a_file_that_ends_too_early_is_refused_wherever_it_ends() {
    let tiny = Tiny::plain();
    let whole = tiny.gguf(F32);
    let header = header_of_gguf(&tiny);
    for end in (1..header).step_by(37).chain([whole.len() - 1, header + 1]) {
        assert!(open(&whole[..end]).is_err(), "{end}");
    }
    let whole = safetensors(&tiny.tensors(F32));
    let folder = tiny.folder(4, F32);
    for end in (1..4_000).step_by(37).chain([whole.len() - 1]) {
        folder.write("model.safetensors", &whole[..end]);
        assert!(Model::open(folder.path(), &mut |_| ()).is_err(), "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn flipped_bits_crash_nothing(flips in proptest::collection::vec(any::<(u16, u8)>(), 1..4)) {
        let tiny = Tiny::plain();
        let mut bytes = tiny.gguf(F32);
        let header = header_of_gguf(&tiny);
        for (at, bit) in &flips {
            bytes[usize::from(*at) % header] ^= 1 << (bit % 8);
        }
        survives(&bytes);

        let mut bytes = safetensors(&tiny.tensors(F32));
        for (at, bit) in &flips {
            bytes[usize::from(*at) % 2_500] ^= 1 << (bit % 8);
        }
        let folder = tiny.folder(4, F32);
        folder.write("model.safetensors", &bytes);
        let _ = Model::open(folder.path(), &mut |_| ());
    }

    #[test]
    fn random_bytes_are_no_tokenizer(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let folder = Folder::new();
        let _ = Tokenizer::open(&folder.write("tokenizer.model", &bytes));
    }

    #[test]
    fn a_broken_tokenizer_crashes_nothing(at in any::<proptest::sample::Index>(), bit in 0_u8..8) {
        for mut bytes in vocabularies::small_files() {
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let folder = Folder::new();
            if let Ok(tokenizer) = Tokenizer::open(&folder.write("tokenizer", &bytes)) {
                let _ = tokenizer.encode("Hello, wörld\n  x");
            }
        }
    }
}

/// A file that says this much of a model whose tensors are as they should be.
fn with(key: &str, value: Value) -> Vec<u8> {
    let tiny = Tiny::plain();
    let mut metadata = tiny.metadata();
    metadata.retain(|(name, _)| name != key);
    metadata.push((key.to_owned(), value));
    gguf(&metadata, &tiny.gguf_tensors(F32))
}

#[test]
fn mistral3_without_scaling_is_run_and_with_it_refused() {
    let tiny = Tiny::plain();
    let of = |more: &[(&str, Value)]| {
        let renamed = tiny.metadata().into_iter().map(|(name, value)| {
            let name = name.replace("llama.", "mistral3.");
            match name.as_str() {
                "general.architecture" => (name, Value::Text("mistral3".to_owned())),
                _ => (name, value),
            }
        });
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let metadata: Vec<(String, Value)> = renamed.chain(more).collect();
        open(&gguf(&metadata, &tiny.gguf_tensors(F32)))
    };
    of(&[]).unwrap();
    let yarn = Value::Text("yarn".to_owned());
    assert!(of(&[("mistral3.rope.scaling.type", yarn)]).is_err());
    let scale = Value::F32(0.1);
    assert!(of(&[("mistral3.attention.temperature_scale", scale)]).is_err());
}

#[test]
fn absurd_headers_are_refused() {
    let u32 = |key, number| with(key, Value::U32(number));
    let text = |key, text: &str| with(key, Value::Text(text.to_owned()));
    let rows = [
        u32("llama.block_count", 0),
        u32("llama.block_count", u32::MAX),
        u32("llama.embedding_length", 0),
        u32("llama.embedding_length", 1 << 31),
        u32("llama.attention.head_count", 0),
        u32("llama.attention.head_count", 3),
        u32("llama.attention.head_count_kv", 3),
        u32("llama.attention.key_length", 15),
        u32("llama.attention.key_length", u32::MAX),
        u32("llama.rope.dimension_count", 8),
        u32("llama.context_length", 0),
        u32("llama.vocab_size", 65),
        u32("llama.vocab_size", 0),
        u32("llama.attention.sliding_window", u32::MAX),
        u32("llama.expert_count", 8),
        u32("general.alignment", 3),
        u32("general.alignment", 0),
        u32("split.count", 70_000),
        u32("tokenizer.ggml.bos_token_id", 64),
        u32("llama.rope.freq_base", 5),
        with("llama.rope.freq_base", Value::F32(f32::NAN)),
        with("llama.rope.freq_base", Value::F32(-1.0)),
        text("general.architecture", "gpt2"),
        text("llama.rope.scaling.type", "yarn"),
        text("tokenizer.ggml.model", "bert"),
        with("tokenizer.ggml.scores", Value::Floats(vec![0.0; 63])),
        with(
            "tokenizer.ggml.tokens",
            Value::Texts(vec!["a".to_owned(); 65]),
        ),
        with("tokenizer.ggml.token_type", Value::Integers(vec![9; 64])),
        with("tokenizer.ggml.tokens", Value::Texts(Vec::new())),
    ];
    for (number, bytes) in rows.iter().enumerate() {
        assert!(open(bytes).is_err(), "row {number}");
    }
    assert!(
        open(&u32("general.alignment", 32)).is_ok(),
        "and what is sound is not"
    );
}

#[test]
fn wrong_shapes_and_missing_tensors_are_refused() {
    let tiny = Tiny::plain();
    let tensors = tiny.gguf_tensors(F32);
    for at in 0..tensors.len() {
        let mut missing = tensors.clone();
        let gone = missing.remove(at);
        let tied = gone.name == "output.weight";
        assert_eq!(
            open(&gguf(&tiny.metadata(), &missing)).is_ok(),
            tied,
            "{}",
            gone.name
        );
        let mut turned = tensors.clone();
        turned[at].shape.reverse();
        turned[at].shape.push(1);
        assert!(
            open(&gguf(&tiny.metadata(), &turned)).is_err(),
            "{}",
            gone.name
        );
        let mut twice = tensors.clone();
        twice.push(gone);
        assert!(open(&gguf(&tiny.metadata(), &twice)).is_err());
    }
    let mut odd = tensors.clone();
    odd[0].kind = crate::write::Kind(2, "");
    odd[1].shape = vec![1 << 40, 1 << 40];
    assert!(open(&gguf(&tiny.metadata(), &odd)).is_err());
}

#[test]
fn counts_that_the_file_cannot_hold_allocate_nothing() {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend(u64::MAX.to_le_bytes());
    bytes.extend(u64::MAX.to_le_bytes());
    assert!(open(&bytes).is_err());
    let mut metadata = vec![("a".to_owned(), Value::Texts(Vec::new()))];
    let mut bytes = gguf(&metadata, &[]);
    let len = bytes.len();
    bytes[len - 8..].copy_from_slice(&(1_u64 << 21).to_le_bytes());
    assert!(open(&bytes).is_err());
    metadata.extend(
        pieces_metadata()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value)),
    );
    assert!(open(&gguf(&metadata, &[])).is_err());
}

#[test]
fn headers_of_safetensors_that_lie_are_refused() {
    let tiny = Tiny::plain();
    let folder = tiny.folder(4, F32);
    let whole = safetensors(&tiny.tensors(F32));
    let header = usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    let lies = [
        (r#""dtype":"F32""#, r#""dtype":"I64""#),
        (r#""shape":[64,64]"#, r#""shape":[64,65]"#),
        (r#""shape":[64,64]"#, r#""shape":[-1,64]"#),
        (
            r#""shape":[64,64]"#,
            r#""shape":[9223372036854775807,9223372036854775807]"#,
        ),
        (r#""data_offsets":[0,16384]"#, r#""data_offsets":[16384,0]"#),
        (
            r#""data_offsets":[0,16384]"#,
            r#""data_offsets":[0,99999999999]"#,
        ),
        (r#""data_offsets":[0,16384]"#, r#""data_offsets":[0]"#),
    ];
    for (truth, lie) in lies {
        let text = String::from_utf8(whole[8..8 + header].to_vec()).unwrap();
        assert!(text.contains(truth), "{truth}");
        let text = text.replacen(truth, lie, 1);
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.extend(&whole[8 + header..]);
        folder.write("model.safetensors", bytes);
        assert!(Model::open(folder.path(), &mut |_| ()).is_err(), "{lie}");
    }
}

#[test]
fn configurations_that_are_not_run_are_refused() {
    let rows = [
        ("model_type", json!("gemma")),
        ("attention_bias", json!(true)),
        ("hidden_act", json!("gelu")),
        ("rope_scaling", json!({"type": "linear", "factor": 2.0})),
        (
            "rope_parameters",
            json!({"rope_type": "yarn", "rope_theta": 1e4}),
        ),
        ("hidden_size", json!("64")),
        ("hidden_size", json!(null)),
        ("num_attention_heads", json!(0)),
        ("sliding_window", json!(0)),
        ("sliding_window", json!(-4)),
        ("vocab_size", json!(10)),
    ];
    let tiny = Tiny::plain();
    for (key, value) in rows {
        let folder = tiny.folder(4, F32);
        let mut config = tiny.config_json(4);
        config[key] = value.clone();
        folder.write("config.json", config.to_string());
        assert!(
            Model::open(folder.path(), &mut |_| ()).is_err(),
            "{key}: {value}"
        );
    }
}

#[test]
fn what_cannot_fit_is_refused_with_the_numbers() {
    let folder = Tiny::plain().folder(4, F32);
    let fault = Model::open_within(folder.path(), Some(1000), &mut |_| ()).unwrap_err();
    assert!(
        matches!(
            fault,
            Fault::TooLarge {
                needs_mib: 1,
                free_mib: 0,
                ..
            }
        ),
        "{fault}"
    );
    let mut told = Vec::new();
    Model::open_within(folder.path(), None, &mut |progress| told.push(progress)).unwrap();
    assert_eq!(told.first().unwrap().done_bytes, 0);
    assert_eq!(told.last().unwrap().done_bytes, told[0].total_bytes);
    assert!(
        told.windows(2)
            .all(|pair| pair[0].done_bytes <= pair[1].done_bytes)
    );
}

#[test]
fn a_folder_without_a_tokenizer_and_a_path_of_nothing_are_refused() {
    let folder = Tiny::plain().folder(4, F32);
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert!(Model::open(folder.path(), &mut |_| ()).is_err());
    folder.write("tokenizer.json", tokenizer_json().to_string());
    assert!(Model::open(folder.path(), &mut |_| ()).is_ok());
    assert!(Model::open(&folder.path().join("nothing"), &mut |_| ()).is_err());
    assert!(open(b"").is_err());
    assert!(open(b"GGUF").is_err());
}
