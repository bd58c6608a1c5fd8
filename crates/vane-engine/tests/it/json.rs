//! Answers that are JSON of a schema, of a model that knows nothing of JSON.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value as Json, json};
use vane_engine::{
    Engine, Fault, Finish, Grammar, Message, Model, Options, Piece, Pieces, Precision, Prompt,
    Request, Role, Sampling, Tool, ToolCall, ToolChoice, Tools, Usage,
};

use crate::folder::Folder;
use crate::models::Tiny;
use crate::write::F32;

const CONTROLS: [&str; 12] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[PREFIX]",
    "[SUFFIX]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
];

/// Controls, every byte, and a few pieces that cross what JSON keeps apart.
fn texts() -> Vec<String> {
    let controls = CONTROLS.map(str::to_owned);
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

/// How a model writes its calls: by its version.
const VERSIONS: [&str; 3] = ["v3", "v11", "v13"];

/// A random model whose vocabulary is of Tekken, with the control tokens of its version.
pub(crate) fn folder_of_tekken(version: &str, more: &[&str]) -> Folder {
    let later = [
        "[SYSTEM_PROMPT]",
        "[/SYSTEM_PROMPT]",
        "[TOOL_CONTENT]",
        "[ARGS]",
        "[CALL_ID]",
    ];
    let names = CONTROLS.iter().chain(&later).chain(more);
    let names: Vec<&str> = names.copied().collect();
    // Some go on where a name, an argument or a call is over.
    let pieces = [
        " {\"", "{\"", "\": ", "\"}", "}]", "now", "now{", "we", "[ARGS", "12", "ab\"", "日",
    ];
    let pieces = (0..=255_u8)
        .map(|byte| vec![byte])
        .chain(pieces.map(Into::into));
    let vocab: Vec<Json> = { pieces.enumerate() }
        .map(|(rank, bytes)| json!({"rank": rank, "token_bytes": BASE64.encode(bytes)}))
        .collect();
    let special: Vec<Json> = { names.iter().enumerate() }
        .map(|(rank, name)| json!({"rank": rank, "token_str": name, "is_control": true}))
        .collect();
    let mut config = crate::vocabularies::fixtures()[4]["config"].clone();
    config["version"] = json!(version);
    config["default_num_special_tokens"] = json!(names.len());
    config["default_vocab_size"] = json!(names.len() + vocab.len());
    let mut tiny = Tiny::plain();
    tiny.config["vocab_size"] = config["default_vocab_size"].clone();
    let folder = tiny.folder(4, F32);
    let file = json!({"config": config, "vocab": vocab, "special_tokens": special});
    folder.write("tekken.json", file.to_string());
    folder
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
    let added: Vec<Json> = { texts[..CONTROLS.len()].iter().enumerate() }
        .map(|(id, text)| json!({"id": id, "content": text, "special": true}))
        .collect();
    let tokenizer = json!({"added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": false},
        "model": {"type": "BPE", "byte_fallback": true, "vocab": vocab, "merges": []}});
    folder.write("tokenizer.json", tokenizer.to_string());
    folder
}

fn engine() -> Engine {
    engine_of("v3")
}

fn engine_of(version: &str) -> Engine {
    let folder = match version {
        "v3" => folder(),
        later => folder_of_tekken(later, &[]),
    };
    let options = Options {
        threads: 1,
        precision: Precision::Single,
        ..Options::default()
    };
    Engine::start(Model::open(folder.path(), &mut |_| ()).unwrap(), options).unwrap()
}

/// Short enough that even a random writer comes to its end.
pub(crate) fn schema() -> Json {
    json!({"type": "object", "additionalProperties": false, "required": ["name", "tags", "at"], "properties": {
        "name": {"type": "string", "maxLength": 9},
        "at": {"type": ["integer", "null"], "minimum": -7, "maximum": 4000},
        "ok": {"type": "boolean"},
        "tags": {"type": "array", "items": {"enum": ["red", "green", 7]}, "maxItems": 3}}})
}

pub(crate) fn asking(seed: u64) -> Request {
    let message = Message::new(Role::User, format!("say {seed}"));
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
            Piece::Thought(_) | Piece::Call(_) => panic!("no text"),
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

fn tool(name: &str, parameters: &Json) -> Tool {
    Tool {
        name: name.to_owned(),
        description: String::new(),
        parameters: parameters.to_string(),
        strict: false,
    }
}

pub(crate) fn calling(seed: u64, choice: ToolChoice) -> Request {
    let city = json!({"type": "object", "properties": {"city": {"$ref": "#/$defs/City"}, "days": {"type": "integer", "maximum": 9}},
        "required": ["city"], "additionalProperties": false, "$defs": {"City": {"enum": ["Bern", "Rom"]}}});
    let list = vec![
        tool("weather", &city),
        tool("now", &json!({"type": "object", "properties": {}})),
    ];
    Request {
        grammar: None,
        tools: Tools {
            list,
            choice,
            single: false,
        },
        ..asking(seed)
    }
}

/// What was said, what was called, and why it ended.
fn called(pieces: Pieces) -> (String, Vec<ToolCall>, Finish) {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for piece in pieces {
        match piece.unwrap() {
            Piece::Text { text: more, .. } => text += &more,
            Piece::Thought(_) => panic!("no vocabulary here has thoughts"),
            Piece::Call(call) => calls.push(call),
            Piece::End { finish, .. } => return (text, calls, finish),
        }
    }
    panic!("an answer without an end");
}

#[test]
fn calls_are_held_to_the_schemas_of_their_tools() {
    VERSIONS.into_iter().for_each(held_to_schemas);
}

fn held_to_schemas(version: &str) {
    let engine = engine_of(version);
    let submit = |seed| engine.submit(calling(seed, ToolChoice::Any)).unwrap();
    let together: Vec<Pieces> = (0..8).map(submit).collect();
    let mut all = Vec::new();
    let mut many = 0;
    for (seed, pieces) in (0..).zip(together) {
        let (text, calls, finish) = called(pieces);
        assert_eq!(text, "");
        assert!(finish == Finish::Length || !calls.is_empty() && finish == Finish::Calls);
        for call in &calls {
            assert!(call.id.len() == 9 && call.id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            let arguments: Json = serde_json::from_str(&call.arguments).unwrap();
            if call.name == "weather" {
                assert!(["Bern", "Rom"].contains(&arguments["city"].as_str().unwrap()));
                assert!(arguments["days"].as_i64().is_none_or(|days| days <= 9));
            } else {
                assert_eq!((call.name.as_str(), arguments), ("now", json!({})));
            }
        }
        let alone = engine_of(version);
        let pieces = alone.submit(calling(seed, ToolChoice::Any)).unwrap();
        assert_eq!(called(pieces).1, calls);
        many = many.max(calls.len());
        all.extend(calls);
    }
    assert!(all.iter().any(|call| call.name == "weather"));
    // Whether a list goes on is a matter of one token of many.
    assert!(
        many > 1 || version == "v3",
        "{version}: one answer has several"
    );
    let named = Tools {
        single: true,
        ..calling(0, ToolChoice::Named("now".to_owned())).tools
    };
    for seed in 0..8 {
        let request = Request {
            tools: named.clone(),
            ..calling(seed, ToolChoice::Any)
        };
        let (_, calls, finish) = called(engine.submit(request).unwrap());
        assert_eq!((calls.len(), finish), (1, Finish::Calls));
        assert_eq!(calls[0].name, "now");
    }
}

#[test]
fn calls_that_a_limit_cuts_are_told_as_far_as_they_are_whole() {
    for version in VERSIONS {
        let engine = engine_of(version);
        let whole = called(engine.submit(calling(2, ToolChoice::Any)).unwrap());
        let mut told = Vec::new();
        for most in 1..120 {
            let cut = Request {
                max_tokens: Some(most),
                // Holds back no end of a call, and makes no other.
                min_tokens: most,
                ..calling(2, ToolChoice::Any)
            };
            let mut usage = None;
            let (mut calls, mut text) = (Vec::new(), String::new());
            for piece in engine.submit(cut).unwrap() {
                match piece.unwrap() {
                    Piece::Text { text: more, .. } => text += &more,
                    Piece::Thought(_) => panic!("no vocabulary here has thoughts"),
                    Piece::Call(call) => calls.push(call),
                    Piece::End {
                        finish,
                        usage: used,
                    } => usage = Some((finish, used.output_tokens)),
                }
            }
            let (finish, used) = usage.unwrap();
            assert_eq!(text, "", "{version}");
            assert!(used <= most && (used == most || finish == Finish::Calls));
            assert!(finish == Finish::Length || finish == Finish::Calls);
            assert!(whole.1.starts_with(&calls), "{calls:?} of {:?}", whole.1);
            told.push(calls.len());
        }
        assert!(
            told[0] == 0 && told.is_sorted() && told[118] > 0,
            "{told:?}"
        );
    }
}

#[test]
fn a_model_that_may_call_speaks_or_calls_and_one_that_may_not_speaks() {
    VERSIONS.into_iter().for_each(speaks_or_calls);
}

fn speaks_or_calls(version: &str) {
    let engine = engine_of(version);
    let answer = |seed, choice| called(engine.submit(calling(seed, choice)).unwrap());
    let free: Vec<_> = (0..40).map(|seed| answer(seed, ToolChoice::Auto)).collect();
    assert!(
        free.iter()
            .any(|(text, calls, _)| !text.is_empty() && !calls.is_empty())
    );
    assert!(
        free.iter()
            .any(|(_, calls, finish)| calls.is_empty() && *finish != Finish::Calls)
    );
    for seed in 0..40 {
        let (_, calls, finish) = answer(seed, ToolChoice::None);
        assert!(calls.is_empty() && finish != Finish::Calls);
    }
    // What comes of a call is read, and answered.
    let call = ToolCall {
        id: "abcdefgh1".to_owned(),
        name: "now".to_owned(),
        arguments: "{}".to_owned(),
    };
    let turn = |role, content: &str| Message::new(role, content);
    let turns = vec![
        turn(Role::User, "Hi"),
        turn(Role::Caller(vec![call]), ""),
        turn(
            Role::Tool {
                call_id: "abcdefgh1".to_owned(),
            },
            "12:00",
        ),
    ];
    let request = Request {
        prompt: Prompt::Chat(turns),
        ..asking(1)
    };
    assert_eq!(whole(engine.submit(request).unwrap()).1, Finish::Stop);
}

#[test]
fn tools_that_cannot_be_called_are_refused() {
    let engine = engine();
    let with = |list: Vec<Tool>, choice| Request {
        tools: Tools {
            list,
            choice,
            single: false,
        },
        ..asking(1)
    };
    let unknown =
        json!({"type": "object", "properties": {"a": {"type": "string", "format": "date"}}});
    let strict = Tool {
        strict: true,
        ..tool("a", &unknown)
    };
    let two = vec![tool("a", &unknown), tool("a", &unknown)];
    let rows = [
        (
            with(vec![strict], ToolChoice::Auto),
            "#/properties/a/format",
        ),
        (with(two, ToolChoice::Auto), "two tools"),
        (
            with(vec![tool("a b", &unknown)], ToolChoice::Auto),
            "no name",
        ),
        (with(Vec::new(), ToolChoice::Any), "there is none"),
        (
            with(vec![tool("a", &unknown)], ToolChoice::Named("b".to_owned())),
            "no tool `b`",
        ),
    ];
    for (request, expected) in rows {
        let fault = engine.submit(request).unwrap_err().to_string();
        assert!(fault.contains(expected), "{fault}");
    }
    assert!(
        engine
            .submit(with(vec![tool("a", &unknown)], ToolChoice::Any))
            .is_ok()
    );
    let text = Request {
        prompt: Prompt::Text("x".to_owned()),
        ..calling(1, ToolChoice::Auto)
    };
    assert!(engine.submit(text).is_err());
    let folder = Tiny::plain().folder(4, F32);
    let model = Model::open(folder.path(), &mut |_| ()).unwrap();
    let plain = Engine::start(model, Options::default()).unwrap();
    assert!(plain.submit(calling(1, ToolChoice::None)).is_err());
}
