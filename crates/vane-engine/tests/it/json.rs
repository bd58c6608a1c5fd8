//! Answers that are JSON of a schema, of a model that knows nothing of JSON.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use vane_engine::{
    Engine, Fault, Finish, Grammar, Message, Model, Options, Piece, Pieces, Precision, Prompt,
    Request, Role, Sampling, Usage,
};

use crate::folder::Folder;
use crate::models::Tiny;
use crate::write::F32;

/// Controls, every byte, and a few pieces that cross what JSON keeps apart.
fn texts() -> Vec<String> {
    let controls = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"].map(str::to_owned);
    let bytes = (0..=255).map(|byte: u8| format!("<0x{byte:02X}>"));
    let pieces = [
        "\u{2581}",
        "\u{2581}{\"",
        "{\"",
        "\":\u{2581}",
        "\",\u{2581}\"",
        "\"}",
        "}]",
        "true",
        "12",
        "ab\"",
        "日",
    ];
    { controls.into_iter() }
        .chain(bytes)
        .chain(pieces.map(str::to_owned))
        .collect()
}

/// A random model of such a vocabulary.
fn folder() -> Folder {
    let texts = texts();
    let mut tiny = Tiny::plain();
    tiny.config["vocab_size"] = json!(texts.len());
    let folder = tiny.folder(4, F32);
    let vocab: Map<String, Json> = { texts.iter().enumerate() }
        .map(|(id, text)| (text.clone(), json!(id)))
        .collect();
    let added: Vec<Json> = { texts[..5].iter().enumerate() }
        .map(|(id, text)| json!({"id": id, "content": text, "special": true}))
        .collect();
    let tokenizer = json!({"added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": false},
        "model": {"type": "BPE", "byte_fallback": true, "vocab": vocab, "merges": []}});
    folder.write("tokenizer.json", tokenizer.to_string());
    folder
}

fn engine() -> Engine {
    let options = Options {
        threads: 1,
        precision: Precision::Single,
        ..Options::default()
    };
    Engine::start(Model::open(folder().path(), &mut |_| ()).unwrap(), options).unwrap()
}

/// Short enough that even a random writer comes to its end.
fn schema() -> Json {
    json!({"type": "object", "additionalProperties": false, "required": ["name", "tags", "at"], "properties": {
        "name": {"type": "string", "maxLength": 9},
        "at": {"type": ["integer", "null"], "minimum": -7, "maximum": 4000},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"enum": ["red", "green", 7]}, "maxItems": 3}}})
}

fn asking(seed: u64) -> Request {
    let message = Message {
        role: Role::User,
        content: format!("say {seed}"),
    };
    Request {
        grammar: Some(Arc::new(Grammar::of_schema(&schema().to_string()).unwrap())),
        max_tokens: Some(300),
        sampling: Sampling {
            temperature: 1.0,
            seed: Some(seed),
            ..Sampling::default()
        },
        ..Request::new(Prompt::Chat(vec![message]))
    }
}

fn whole(pieces: Pieces) -> (String, Finish, Usage) {
    let mut text = String::new();
    for piece in pieces {
        match piece.unwrap() {
            Piece::Text { text: more, .. } => text += &more,
            Piece::End { finish, usage } => return (text, finish, usage),
        }
    }
    panic!("an answer without an end");
}

#[test]
fn answers_are_of_the_schema_alone_and_together() {
    let engine = engine();
    let together: Vec<Pieces> = (0..8)
        .map(|seed| engine.submit(asking(seed)).unwrap())
        .collect();
    let grammar = Grammar::of_schema(&schema().to_string()).unwrap();
    let mut texts = Vec::new();
    for (seed, pieces) in (0..).zip(together) {
        let (text, finish, usage) = whole(pieces);
        assert_eq!(finish, Finish::Stop, "{text}");
        assert!(grammar.accepts(text.as_bytes()), "{text}");
        let value: Json = serde_json::from_str(&text).unwrap();
        assert!(
            value["name"].as_str().unwrap().chars().count() <= 9,
            "{text}"
        );
        let alone = whole(self::engine().submit(asking(seed)).unwrap());
        assert_eq!(
            (&text, finish, usage.output_tokens),
            (&alone.0, alone.1, alone.2.output_tokens)
        );
        texts.push(text);
    }
    texts.dedup();
    assert!(texts.len() > 1, "the model still chooses");
}

#[test]
fn a_limit_cuts_and_says_so_and_no_other_end_comes_early() {
    let engine = engine();
    let cut = Request {
        max_tokens: Some(4),
        ..asking(1)
    };
    let (text, finish, usage) = whole(engine.submit(cut).unwrap());
    assert_eq!((finish, usage.output_tokens), (Finish::Length, 4));
    assert!(text.starts_with('{'), "{text}");
    let long = Request {
        min_tokens: 300,
        ..asking(1)
    };
    let (text, finish, _) = whole(engine.submit(long).unwrap());
    assert_eq!(finish, Finish::Stop, "JSON does not go on after its end");
    assert!(serde_json::from_str::<Json>(&text).is_ok(), "{text}");
}

#[test]
fn any_object_is_one_and_the_likeliest_too() {
    let engine = engine();
    for temperature in [0.0, 2.0] {
        let asked = Request {
            grammar: Some(Arc::new(Grammar::object())),
            sampling: Sampling {
                temperature,
                seed: Some(3),
                ..Sampling::default()
            },
            ..asking(0)
        };
        let (text, finish, _) = whole(engine.submit(asked).unwrap());
        assert!(text.starts_with('{'), "{text}");
        assert!(
            finish == Finish::Length || serde_json::from_str::<Json>(&text).unwrap().is_object()
        );
    }
}

#[test]
fn a_vocabulary_that_cannot_write_json_is_refused() {
    let folder = Tiny::plain().folder(4, F32);
    let model = Model::open(folder.path(), &mut |_| ()).unwrap();
    let engine = Engine::start(model, Options::default()).unwrap();
    assert!(matches!(engine.submit(asking(1)), Err(Fault::Refused(_))));
}
