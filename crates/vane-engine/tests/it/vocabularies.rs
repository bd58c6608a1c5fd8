//! The vocabularies of `fixtures/tokens.json` as files of every kind. Only pieces that matter for the texts
//! there are known; the others are fillers that no text becomes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value as Json, json};

use crate::models::Tiny;
use crate::write::{F32, Value, gguf};

/// A piece: its text or bytes, score, and kind as SentencePiece numbers them.
struct Piece {
    text: String,
    score: f32,
    kind: u32,
}

pub(crate) fn fixtures() -> Vec<Json> {
    let file: Json = serde_json::from_str(include_str!("../fixtures/tokens.json")).unwrap();
    let mut fixtures = file.as_array().unwrap().clone();
    // Some have the first pieces of another, and are of another version.
    for at in 0..fixtures.len() {
        let of = fixtures[at]["of"].as_str().map(str::to_owned);
        let Some(other) = of.map(|of| fixture(&fixtures, &of).clone()) else {
            continue;
        };
        let size = fixtures[at]["size"].as_u64().unwrap();
        let is_in = |piece: &&Json| piece[0].as_u64().unwrap() < size;
        let pieces = other["pieces"].as_array().unwrap().iter();
        fixtures[at]["pieces"] = pieces.filter(is_in).cloned().collect();
        fixtures[at]["config"] = other["config"].clone();
        fixtures[at]["config"]["default_vocab_size"] = json!(size);
        fixtures[at]["config"]["version"] = fixtures[at]["version"].clone();
    }
    fixtures
}

pub(crate) fn fixture<'a>(fixtures: &'a [Json], version: &str) -> &'a Json {
    let mut all = fixtures.iter();
    all.find(|fixture| fixture["version"] == version).unwrap()
}

/// As Mistral itself has it.
pub(crate) fn mistrals(fixture: &Json) -> Vec<u8> {
    if is_tekken(fixture) {
        tekken(fixture)
    } else {
        model(fixture)
    }
}

/// Of Tekken, not of SentencePiece.
pub(crate) fn is_tekken(fixture: &Json) -> bool {
    fixture["config"].is_object()
}

fn pieces(fixture: &Json) -> Vec<Piece> {
    let size = fixture["size"].as_u64().unwrap();
    let filler = |token| Piece {
        text: format!("\u{e000}{token}"),
        score: -1e6,
        kind: 5,
    };
    let mut pieces: Vec<Piece> = (0..size).map(filler).collect();
    for row in fixture["pieces"].as_array().unwrap() {
        let token = row[0].as_u64().unwrap() as usize;
        let score = row[2].as_f64().unwrap() as f32;
        let kind = row[3].as_u64().unwrap() as u32;
        pieces[token] = Piece {
            text: row[1].as_str().unwrap().to_owned(),
            score,
            kind,
        };
    }
    pieces
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// A SentencePiece model.
pub(crate) fn model(fixture: &Json) -> Vec<u8> {
    model_of(&pieces(fixture))
}

fn model_of(pieces: &[Piece]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        let mut inner = Vec::new();
        field(&mut inner, 1, piece.text.as_bytes());
        inner.push(2 << 3 | 5);
        inner.extend(piece.score.to_le_bytes());
        inner.push(3 << 3);
        varint(&mut inner, u64::from(piece.kind));
        field(&mut out, 1, &inner);
    }
    // The trainer's: pairs are merged. The normaliser's: a space before, and spaces are kept.
    field(&mut out, 2, &[3 << 3, 2]);
    field(
        &mut out,
        3,
        &[
            1 << 3 | 2,
            8,
            b'i',
            b'd',
            b'e',
            b'n',
            b't',
            b'i',
            b't',
            b'y',
            3 << 3,
            1,
            4 << 3,
            0,
        ],
    );
    out
}

/// All pairs of which a piece is made, best first, as converters list them.
fn merges<T: AsRef<[u8]>>(ranked: &[(T, f32)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rank: std::collections::HashMap<&[u8], usize> = ranked
        .iter()
        .enumerate()
        .map(|(at, piece)| (piece.0.as_ref(), at))
        .collect();
    let mut merges = Vec::new();
    for (whole, (text, score)) in ranked.iter().enumerate() {
        let text = text.as_ref();
        let mut pairs: Vec<(usize, usize, usize)> = (1..text.len())
            .filter_map(|at| Some((*rank.get(&text[..at])?, *rank.get(&text[at..])?, at)))
            .collect();
        pairs.sort_unstable();
        merges.extend(
            pairs
                .into_iter()
                .map(|(_, _, at)| (*score, whole, text[..at].to_vec(), text[at..].to_vec())),
        );
    }
    merges.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    merges
        .into_iter()
        .map(|(_, _, left, right)| (left, right))
        .collect()
}

fn json_of(
    vocabulary: serde_json::Map<String, Json>,
    added: Vec<Json>,
    merges: Vec<Json>,
    rest: &Json,
) -> Vec<u8> {
    let mut file = rest.clone();
    file["added_tokens"] = added.into();
    file["model"]["type"] = json!("BPE");
    file["model"]["vocab"] = vocabulary.into();
    file["model"]["merges"] = merges.into();
    file.to_string().into_bytes()
}

/// `tokenizer.json` of pieces.
pub(crate) fn json(fixture: &Json, old: bool) -> Vec<u8> {
    let pieces = pieces(fixture);
    let vocabulary = pieces
        .iter()
        .enumerate()
        .map(|(token, piece)| (piece.text.clone(), json!(token)));
    let added = pieces
        .iter()
        .enumerate()
        .filter(|(_, piece)| matches!(piece.kind, 2 | 3));
    let added =
        added.map(|(token, piece)| json!({"id": token, "content": piece.text, "special": true}));
    let ranked: Vec<(&str, f32)> = pieces
        .iter()
        .filter(|piece| piece.kind == 1)
        .map(|piece| (piece.text.as_str(), piece.score))
        .collect();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let listed = merges(&ranked)
        .into_iter()
        .map(|(left, right)| (text(left), text(right)));
    let listed = listed.map(|(left, right)| {
        if old {
            json!(format!("{left} {right}"))
        } else {
            json!([left, right])
        }
    });
    let prepend = json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u{2581}"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]});
    let meta = json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first", "split": false});
    let rest = if old {
        json!({"normalizer": prepend, "pre_tokenizer": null, "model": {"byte_fallback": true}})
    } else {
        json!({"normalizer": null, "pre_tokenizer": meta, "model": {"byte_fallback": true}})
    };
    json_of(
        vocabulary.collect(),
        added.collect(),
        listed.collect(),
        &rest,
    )
}

/// A model in GGUF that has this vocabulary.
pub(crate) fn gguf_of_pieces(fixture: &Json) -> Vec<u8> {
    gguf_of_pieces_and(fixture, &[])
}

pub(crate) fn gguf_of_pieces_and(fixture: &Json, more: &[(&str, Value)]) -> Vec<u8> {
    let pieces = pieces(fixture);
    let rows = [
        ("tokenizer.ggml.model", Value::Text("llama".to_owned())),
        (
            "tokenizer.ggml.tokens",
            Value::Texts(pieces.iter().map(|piece| piece.text.clone()).collect()),
        ),
        (
            "tokenizer.ggml.scores",
            Value::Floats(pieces.iter().map(|piece| piece.score).collect()),
        ),
        (
            "tokenizer.ggml.token_type",
            Value::Integers(pieces.iter().map(|piece| piece.kind as i32).collect()),
        ),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
    ];
    gguf_with(&[&rows[..], more].concat())
}

fn gguf_with(rows: &[(&str, Value)]) -> Vec<u8> {
    let mut tiny = Tiny::plain();
    tiny.config["tie_word_embeddings"] = json!(true);
    let mut metadata = tiny.metadata();
    metadata.retain(|(key, _)| !key.starts_with("tokenizer.") && key != "llama.vocab_size");
    metadata.extend(
        rows.iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone())),
    );
    let tokens = rows.iter().find_map(|(_, value)| match value {
        Value::Texts(tokens) => Some(tokens.len()),
        _ => None,
    });
    let mut tensors = tiny.gguf_tensors(F32);
    let embedding = &mut tensors[0];
    embedding.shape[0] = tokens.unwrap();
    embedding.bytes = vec![0; embedding.shape[0] * embedding.shape[1] * 4];
    gguf(&metadata, &tensors)
}

/// The pieces of a Tekken vocabulary by rank, fillers where none matters.
fn ranks(fixture: &Json) -> Vec<Vec<u8>> {
    let config = &fixture["config"];
    let special = config["default_num_special_tokens"].as_u64().unwrap();
    let many = config["default_vocab_size"].as_u64().unwrap() - special;
    let filler = |rank| format!("\u{e000}{rank}").into_bytes();
    let mut ranks: Vec<Vec<u8>> = (0..many).map(filler).collect();
    for row in fixture["pieces"].as_array().unwrap() {
        let rank = row[0].as_u64().unwrap() - special;
        ranks[rank as usize] = BASE64.decode(row[1].as_str().unwrap()).unwrap();
    }
    ranks
}

/// `tekken.json`.
pub(crate) fn tekken(fixture: &Json) -> Vec<u8> {
    let vocabulary: Vec<Json> = ranks(fixture)
        .iter()
        .enumerate()
        .map(|(rank, bytes)| json!({"rank": rank, "token_bytes": BASE64.encode(bytes), "token_str": null}))
        .collect();
    let mut file = json!({"config": fixture["config"], "vocab": vocabulary});
    if fixture["version"] == "v15" {
        file["model_settings_builder"] = fixture["builder"].clone();
    }
    // Older files leave them out.
    if fixture["special"].is_array() {
        let special = specials(fixture).into_iter().enumerate();
        file["special_tokens"] = special
            .map(|(rank, name)| json!({"rank": rank, "token_str": name, "is_control": true}))
            .collect();
    }
    file.to_string().into_bytes()
}

fn specials(fixture: &Json) -> Vec<String> {
    match fixture["special"].as_array() {
        None => SPECIAL.map(str::to_owned).into(),
        Some(names) => { names.iter() }
            .map(|name| name.as_str().unwrap().to_owned())
            .collect(),
    }
}

/// What shows the version in files that are not Mistral's own, as templates of its models have it.
fn template(fixture: &Json) -> Option<&'static str> {
    match fixture["version"].as_str() {
        Some("v11") => Some(
            "[SYSTEM_PROMPT]{{ system }}[/SYSTEM_PROMPT][TOOL_CALLS]{{ name }}[CALL_ID]{{ id }}[ARGS]{{ arguments }}",
        ),
        Some("v13") => Some(
            "[SYSTEM_PROMPT]{{ system }}[/SYSTEM_PROMPT][TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}",
        ),
        Some("v15") => Some(
            "{%- set reasoning_effort = 'none' %}{%- if reasoning_effort not in ['none', 'high'] %}\
             [MODEL_SETTINGS]{{ model_settings }}[/MODEL_SETTINGS][SYSTEM_PROMPT]{{ system }}[/SYSTEM_PROMPT]\
             [TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}",
        ),
        _ => None,
    }
}

const SPECIAL: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// Bytes as letters, the way GPT-2 wrote them.
fn lettered(bytes: &[u8]) -> String {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let letter = |byte: &u8| {
        let before = (0..*byte).filter(|byte| !visible(*byte)).count() as u32;
        let code = if visible(*byte) {
            u32::from(*byte)
        } else {
            256 + before
        };
        char::from_u32(code).unwrap()
    };
    bytes.iter().map(letter).collect()
}

/// Names, and whether they are control tokens; merges.
type Words = (Vec<(String, bool)>, Vec<(String, String)>);

fn words(fixture: &Json) -> Words {
    let special = fixture["config"]["default_num_special_tokens"]
        .as_u64()
        .unwrap() as usize;
    let specials = specials(fixture);
    let name =
        |at: usize| { specials.get(at).cloned() }.unwrap_or_else(|| format!("<SPECIAL_{at}>"));
    let ranks = ranks(fixture);
    let tokens = (0..special).map(|at| (name(at), true));
    let tokens = tokens
        .chain(ranks.iter().map(|bytes| (lettered(bytes), false)))
        .collect();
    let ranked: Vec<(&[u8], f32)> = ranks
        .iter()
        .enumerate()
        .map(|(rank, bytes)| (bytes.as_slice(), -(rank as f32)))
        .collect();
    let merges = merges(&ranked).into_iter();
    (
        tokens,
        merges
            .map(|(left, right)| (lettered(&left), lettered(&right)))
            .collect(),
    )
}

pub(crate) fn json_of_tekken(fixture: &Json) -> Vec<u8> {
    let (tokens, merges) = words(fixture);
    let vocabulary = tokens
        .iter()
        .enumerate()
        .map(|(token, (text, _))| (text.clone(), json!(token)));
    let added = tokens
        .iter()
        .enumerate()
        .filter(|(_, (_, control))| *control);
    let added =
        added.map(|(token, (text, _))| json!({"id": token, "content": text, "special": true}));
    let split = json!({"type": "Split", "pattern": {"Regex": fixture["config"]["pattern"]}, "behavior": "Isolated"});
    let rest = json!({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, {"type": "ByteLevel"}]}, "model": {},
        "chat_template": template(fixture)});
    let merges = merges.iter().map(|(left, right)| json!([left, right]));
    json_of(
        vocabulary.collect(),
        added.collect(),
        merges.collect(),
        &rest,
    )
}

pub(crate) fn gguf_of_tekken(fixture: &Json) -> Vec<u8> {
    let (tokens, merges) = words(fixture);
    let kinds = tokens
        .iter()
        .map(|(_, control)| if *control { 3 } else { 1 })
        .collect();
    let mut rows = vec![
        ("tokenizer.ggml.model", Value::Text("gpt2".to_owned())),
        ("tokenizer.ggml.pre", Value::Text("tekken".to_owned())),
        (
            "tokenizer.ggml.tokens",
            Value::Texts(tokens.into_iter().map(|token| token.0).collect()),
        ),
        (
            "tokenizer.ggml.merges",
            Value::Texts(
                merges
                    .iter()
                    .map(|(left, right)| format!("{left} {right}"))
                    .collect(),
            ),
        ),
        ("tokenizer.ggml.token_type", Value::Integers(kinds)),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
    ];
    let template = template(fixture).map(|text| Value::Text(text.to_owned()));
    rows.extend(template.map(|text| ("tokenizer.chat_template", text)));
    gguf_with(&rows)
}

/// One file of each kind, small enough to break in every place.
pub(crate) fn small_files() -> Vec<Vec<u8>> {
    let pieces: Vec<Piece> = crate::models::pieces()
        .into_iter()
        .map(|(text, kind)| Piece {
            text,
            score: 0.0,
            kind: kind as u32,
        })
        .collect();
    let words = json!({"config": {"pattern": fixtures()[4]["config"]["pattern"], "default_vocab_size": 4,
        "default_num_special_tokens": 2, "version": "v3"},
        "vocab": [{"rank": 0, "token_bytes": "YQ=="}, {"rank": 1, "token_bytes": "Yg=="}],
        "special_tokens": [{"rank": 0, "token_str": "<unk>"}, {"rank": 1, "token_str": "<s>"}]});
    let json = crate::models::tokenizer_json().to_string().into_bytes();
    vec![model_of(&pieces), words.to_string().into_bytes(), json]
}
