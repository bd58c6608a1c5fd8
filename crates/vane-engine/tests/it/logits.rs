//! Logits against transformers, in single precision, for every shape, file and format.

use std::path::Path;

use serde_json::Value as Json;
use vane_engine::{Engine, Instructions, Model, Options, Piece, Precision, Prompt, Request};

use crate::folder::Folder;
use crate::models::{Tiny, tokenizer_json};
use crate::write::{BF16, F16, F32, gguf, safetensors};

struct Case {
    name: String,
    tiny: Tiny,
    prompt: Vec<u32>,
    logits: Vec<(usize, Vec<f32>)>,
    greedy: Vec<u32>,
}

fn floats(row: &Json) -> Vec<f32> {
    row.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap() as f32)
        .collect()
}

fn tokens(row: &Json) -> Vec<u32> {
    row.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_u64().unwrap() as u32)
        .collect()
}

fn cases() -> Vec<Case> {
    let file: Json = serde_json::from_str(include_str!("../fixtures/logits.json")).unwrap();
    let case = |row: &Json| Case {
        name: row["name"].as_str().unwrap().to_owned(),
        tiny: Tiny::new(&row["config"], row["format"].as_str()),
        prompt: tokens(&row["prompt"]),
        logits: row["logits"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(place, row)| (place.parse().unwrap(), floats(row)))
            .collect(),
        greedy: tokens(&row["greedy"]),
    };
    file.as_array().unwrap().iter().map(case).collect()
}

fn options(instructions: Instructions, threads: usize) -> Options {
    Options {
        threads,
        instructions,
        precision: Precision::Single,
        ..Options::default()
    }
}

fn engine(path: &Path, options: Options) -> Engine {
    let model = Model::open(path, &mut |_| ()).unwrap();
    Engine::start(model, options).unwrap()
}

/// The logarithms of likelihoods after a prompt, by token, and the tokens that follow.
fn run(engine: &Engine, prompt: &[u32], many: usize) -> (Vec<f32>, Vec<u32>) {
    let request = Request {
        max_tokens: Some(many),
        min_tokens: many,
        likelihoods: Some(64),
        ..Request::new(Prompt::Tokens(prompt.to_vec()))
    };
    let mut told = Vec::new();
    for piece in engine.submit(request).unwrap() {
        if let Piece::Text { likelihoods, .. } = piece.unwrap() {
            told.extend(likelihoods);
        }
    }
    let mut first = vec![f32::NAN; 64];
    for (token, _, logarithm) in &told[0].others {
        first[*token as usize] = *logarithm;
    }
    (first, told.iter().map(|one| one.token).collect())
}

fn logarithms(logits: &[f32]) -> Vec<f32> {
    let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
    logits
        .iter()
        .map(|logit| (f64::from(*logit) - sum.ln()) as f32)
        .collect()
}

/// The largest difference to transformers at all places of a case.
fn largest_difference(engine: &Engine, case: &Case) -> f32 {
    let mut largest = 0.0_f32;
    for (place, expected) in &case.logits {
        let (told, _) = run(engine, &case.prompt[..=*place], 1);
        for (told, expected) in told.iter().zip(logarithms(expected)) {
            let difference = (told - expected).abs();
            largest = if difference.is_nan() {
                f32::INFINITY
            } else {
                largest.max(difference)
            };
        }
    }
    largest
}

#[test]
fn every_shape_is_as_transformers_has_it() {
    for case in cases().iter().filter(|case| case.tiny.blocks.is_none()) {
        let folder = case.tiny.folder(5, F32);
        let engine = engine(folder.path(), options(Instructions::detect(), 1));
        let difference = largest_difference(&engine, case);
        assert!(difference < 1e-3, "{}: {difference}", case.name);
        let (_, greedy) = run(&engine, &case.prompt, case.greedy.len());
        assert_eq!(greedy, case.greedy, "{}", case.name);
    }
}

#[test]
fn every_file_of_floats_holds_the_same_model() {
    for case in cases().iter().filter(|case| case.tiny.blocks.is_none()) {
        for kind in [F32, F16, BF16] {
            for version in [4, 5] {
                let folder = case.tiny.folder(version, kind);
                let engine = engine(folder.path(), options(Instructions::detect(), 1));
                let difference = largest_difference(&engine, case);
                assert!(
                    difference < 1e-3,
                    "{} {kind:?} {version}: {difference}",
                    case.name
                );
            }
            let folder = Folder::new();
            let path = folder.write("model.gguf", case.tiny.gguf(kind));
            let engine = engine(&path, options(Instructions::detect(), 1));
            let difference = largest_difference(&engine, case);
            assert!(
                difference < 1e-3,
                "{} {kind:?} gguf: {difference}",
                case.name
            );
        }
    }
}

/// What is lost is the precision of activations, of which 127 steps are kept: weights are the same.
#[test]
fn quantised_models_are_near_with_all_instructions() {
    const BOUND: f32 = 0.12;
    for case in cases().iter().filter(|case| case.tiny.blocks.is_some()) {
        let folder = Folder::new();
        let path = folder.write("model.gguf", case.tiny.gguf(F32));
        for instructions in Instructions::all() {
            let engine = engine(&path, options(instructions, 1));
            let difference = largest_difference(&engine, case);
            assert!(
                difference < BOUND,
                "{} {instructions:?}: {difference}",
                case.name
            );
        }
    }
}

#[test]
fn all_instructions_and_halves_in_the_cache_are_near() {
    let cases = cases();
    let case = &cases[0];
    let folder = case.tiny.folder(5, F32);
    for instructions in Instructions::all() {
        let engine = engine(folder.path(), options(instructions, 1));
        let difference = largest_difference(&engine, case);
        assert!(difference < 1e-3, "{instructions:?}: {difference}");
    }
    let halves = Options {
        precision: Precision::Half,
        ..options(Instructions::detect(), 1)
    };
    let difference = largest_difference(&engine(folder.path(), halves), case);
    assert!(difference < 5e-3, "{difference}");
}

#[test]
fn a_model_that_transformers_saved_in_two_files_is_read() {
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/saved");
    let folder = Folder::new();
    for file in std::fs::read_dir(&saved).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        folder.write(&name, std::fs::read(file.path()).unwrap());
    }
    folder.write("tokenizer.json", tokenizer_json().to_string());
    let expected: Json =
        serde_json::from_slice(&std::fs::read(saved.join("expected.json")).unwrap()).unwrap();
    let case = Case {
        name: "saved".to_owned(),
        tiny: Tiny::plain(),
        prompt: tokens(&expected["prompt"]),
        logits: vec![(
            tokens(&expected["prompt"]).len() - 1,
            floats(&expected["logits"]),
        )],
        greedy: Vec::new(),
    };
    let engine = engine(folder.path(), options(Instructions::detect(), 1));
    let difference = largest_difference(&engine, &case);
    assert!(difference < 1e-3, "{difference}");
}

#[test]
fn a_model_in_several_files_is_whole_and_a_part_of_it_is_refused() {
    let case = &cases()[0];
    let folder = Folder::new();
    let tensors = case.tiny.gguf_tensors(F32);
    let (first, second) = tensors.split_at(7);
    let mut metadata = case.tiny.metadata();
    metadata.push(("split.count".to_owned(), crate::write::Value::U32(2)));
    let path = folder.write("m-00001-of-00002.gguf", gguf(&metadata, first));
    assert!(
        Model::open(&path, &mut |_| ()).is_err(),
        "its second file is missing"
    );
    folder.write("m-00002-of-00002.gguf", gguf(&metadata[..1], second));
    let engine = engine(&path, options(Instructions::detect(), 1));
    assert!(largest_difference(&engine, case) < 1e-3);

    let folder = case.tiny.folder(4, F32);
    let tensors = case.tiny.tensors(F32);
    let (first, second) = tensors.split_at(4);
    folder.write("a.safetensors", safetensors(first));
    folder.write("b.safetensors", safetensors(second));
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let names = |tensors: &[crate::write::Tensor], file: &str| -> Vec<(String, Json)> {
        tensors
            .iter()
            .map(|tensor| (tensor.name.clone(), file.into()))
            .collect()
    };
    let map: serde_json::Map<String, Json> = [
        names(first, "a.safetensors"),
        names(second, "b.safetensors"),
    ]
    .concat()
    .into_iter()
    .collect();
    let index = serde_json::json!({"weight_map": map});
    folder.write("model.safetensors.index.json", index.to_string());
    let engine = self::engine(folder.path(), options(Instructions::detect(), 1));
    assert!(largest_difference(&engine, case) < 1e-3);
    folder.write(
        "model.safetensors.index.json",
        r#"{"weight_map": {"x": "../a.safetensors"}}"#,
    );
    assert!(
        Model::open(folder.path(), &mut |_| ()).is_err(),
        "a name that leads out of the folder"
    );
}
