//! Tokens counted by the tokenizer of the model itself: what is told before a call, and what is held.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use vane::config::Weights;
use vane::tokens::Tokenizers;
use vane_catalog::Catalog;
use vane_dialect::Call;
use vane_dialect::call::Fill;
use vane_engine::{Prompt, Tokenizer};

use crate::client::Ask;
use crate::world::{Folder, World};

const PATH: &str = "/v1/messages/count_tokens";

/// Vectors of Mistral's own library, with the pieces that matter for them.
fn fixture(version: &str) -> Value {
    let file = include_str!("../../../vane-engine/tests/fixtures/tokens.json");
    let all: Vec<Value> = serde_json::from_str(file).unwrap();
    let found = all
        .into_iter()
        .find(|fixture| fixture["version"] == version);
    found.unwrap()
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}

fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// A SentencePiece model of the fixture's pieces; the others are fillers that no text becomes.
fn sentencepiece(fixture: &Value) -> Vec<u8> {
    let size = fixture["size"].as_u64().unwrap();
    let filler = |token| (format!("\u{e000}{token}"), -1e6, 5);
    let mut pieces: Vec<(String, f32, u64)> = (0..size).map(filler).collect();
    for row in fixture["pieces"].as_array().unwrap() {
        let place = usize::try_from(row[0].as_u64().unwrap()).unwrap();
        let text = row[1].as_str().unwrap().to_owned();
        let score = row[2].to_string().parse().unwrap();
        pieces[place] = (text, score, row[3].as_u64().unwrap());
    }
    let mut out = Vec::new();
    for (text, score, kind) in pieces {
        let mut piece = Vec::new();
        field(&mut piece, 1, text.as_bytes());
        piece.push(2 << 3 | 5);
        piece.extend(score.to_le_bytes());
        piece.push(3 << 3);
        varint(&mut piece, kind);
        field(&mut out, 1, &piece);
    }
    field(&mut out, 2, &[3 << 3, 2]);
    let mut normaliser = Vec::new();
    field(&mut normaliser, 1, b"identity");
    normaliser.extend([3 << 3, 1, 4 << 3, 0]);
    field(&mut out, 3, &normaliser);
    out
}

fn written(folder: &Folder, version: &str) -> PathBuf {
    let path = folder.0.join("tokenizer.model");
    std::fs::write(&path, sentencepiece(&fixture(version))).unwrap();
    path
}

async fn world(tokenizer: &Path) -> World {
    let source = tokenizer.display().to_string();
    World::with(|config| config.weights.tokenizers = vec![("codestral-m".to_owned(), source)]).await
}

#[tokio::test]
async fn conversations_are_counted_as_the_model_reads_them() {
    for version in ["v1", "v2", "v3", "v7"] {
        let folder = Folder::new();
        let world = world(&written(&folder, version)).await;
        let fixture = fixture(version);
        let vectors = fixture["vectors"].as_array().unwrap();
        // This door has one system prompt.
        let systems = |turns: &[Value]| turns.iter().filter(|turn| turn[0] == "system").count();
        let is_here = |chat: &Value| chat.as_array().is_some_and(|turns| systems(turns) <= 1);
        let chats = vectors.iter().filter(|vector| is_here(&vector["chat"]));
        let mut seen = 0;
        for vector in chats {
            let turns = vector["chat"].as_array().unwrap();
            let text = |role: &str| {
                let of = turns.iter().find(|turn| turn[0] == role);
                of.map(|turn| turn[1].clone())
            };
            let messages: Vec<Value> = turns
                .iter()
                .filter(|turn| turn[0] != "system")
                .map(|turn| {
                    let is_users = turn[0] == "user";
                    let role = if is_users { "user" } else { "assistant" };
                    json!({"role": role, "content": content(&turn[1])})
                })
                .collect();
            let mut body = json!({"model": "codestral-m", "messages": messages});
            if let Some(system) = text("system") {
                body["system"] = system;
            }
            let reply = world.post(PATH, body).await.ok();
            let expected = vector["ids"].as_array().unwrap().len();
            assert_eq!(
                reply.json()["input_tokens"],
                expected,
                "{version}: {turns:?}"
            );
            assert_eq!(reply.header("vane-estimate"), None);
            seen += 1;
        }
        assert!(seen >= 4);
        assert!(world.fake.calls().is_empty());
    }
}

/// A text, or parts of one.
fn content(said: &Value) -> Value {
    match said.as_array() {
        None => said.clone(),
        Some(parts) => { parts.iter() }
            .map(|part| json!({"type": "text", "text": part[1]}))
            .collect(),
    }
}

/// A turn of a conversation with tools, as this door takes it.
fn told(turn: &Value) -> Value {
    let user = |content: Value| json!({"role": "user", "content": content});
    match turn[0].as_str().unwrap() {
        "user" => user(turn[1].clone()),
        "result" => {
            user(json!([{"type": "tool_result", "tool_use_id": turn[1], "content": turn[2]}]))
        }
        "calls" => {
            let text = turn[2]
                .as_str()
                .map(|text| json!({"type": "text", "text": text}));
            let calls = turn[1].as_array().unwrap().iter().map(|call| {
                let arguments = call["arguments"].as_str().unwrap();
                let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
                json!({"type": "tool_use", "id": call["id"], "name": call["name"], "input": input})
            });
            let content: Vec<Value> = text.into_iter().chain(calls).collect();
            json!({"role": "assistant", "content": content})
        }
        _ => json!({"role": "assistant", "content": turn[1]}),
    }
}

#[tokio::test]
async fn conversations_with_tools_are_counted_as_the_model_reads_them() {
    for version in ["v3", "v7"] {
        let folder = Folder::new();
        let world = world(&written(&folder, version)).await;
        let fixture = fixture(version);
        let vectors = fixture["vectors"].as_array().unwrap();
        let mut seen = 0;
        for vector in vectors.iter().filter(|vector| vector["talk"].is_array()) {
            let turns = vector["talk"].as_array().unwrap();
            let (system, turns) = match turns[0][0].as_str() {
                Some("system") => (Some(turns[0][1].clone()), &turns[1..]),
                _ => (None, &turns[..]),
            };
            let messages: Vec<Value> = turns.iter().map(told).collect();
            let tools = vector["tools"].as_array().unwrap().iter().map(|tool| {
                let function = &tool["function"];
                json!({"name": function["name"], "description": function["description"],
                    "input_schema": function["parameters"]})
            });
            let mut body = json!({"model": "codestral-m", "messages": messages});
            body["tools"] = tools.collect();
            if let Some(system) = system {
                body["system"] = system;
            }
            let reply = world.post(PATH, body).await.ok();
            assert_eq!(reply.header("vane-estimate"), None, "{version}: {turns:?}");
            let expected = vector["ids"].as_array().unwrap().len();
            assert_eq!(
                reply.json()["input_tokens"],
                expected,
                "{version}: {turns:?}"
            );
            seen += 1;
        }
        assert!(seen >= 6);
    }
}

#[tokio::test]
async fn tools_that_are_put_otherwise_on_their_way_are_estimated() {
    let folder = Folder::new();
    let world = world(&written(&folder, "v3")).await;
    let call = |id: &str| json!(["calls", [{"id": id, "name": "now", "arguments": "{}"}]]);
    let result = |id: &str| json!(["result", id, "12"]);
    let hi = json!(["user", "Hi"]);
    let rows = [
        (
            vec![hi.clone(), call("aB3dE6gH9"), result("aB3dE6gH9")],
            false,
        ),
        (
            vec![hi.clone(), call("toolu_01x"), result("toolu_01x")],
            true,
        ),
        (vec![hi.clone(), call("aB3dE6gH9"), hi.clone()], true),
        (
            vec![
                hi.clone(),
                call("aB3dE6gH9"),
                result("aB3dE6gH9"),
                hi.clone(),
            ],
            true,
        ),
        (vec![hi.clone(), result("aB3dE6gH9")], true),
    ];
    for (turns, is_estimated) in rows {
        let messages: Vec<Value> = turns.iter().map(told).collect();
        let body = json!({"model": "codestral-m", "messages": messages});
        let reply = world.post(PATH, body).await.ok();
        let expected = is_estimated.then_some("true");
        assert_eq!(reply.header("vane-estimate"), expected, "{turns:?}");
    }
}

#[tokio::test]
async fn what_is_not_text_alone_or_too_long_is_estimated() {
    let folder = Folder::new();
    let world = world(&written(&folder, "v3")).await;
    let said = |content: Value| json!({"model": "codestral-m", "messages": [{"role": "user", "content": content}]});
    let source = json!({"type": "url", "url": "https://pictures.test/a.png"});
    let picture =
        said(json!([{"type": "text", "text": "Hi"}, {"type": "image", "source": source}]));
    let mut other = said(json!("Hi"));
    other["model"] = json!("lab-m");
    let long = said(json!("x".repeat(1_100_000)));
    for body in [picture, other, long] {
        let reply = world.post(PATH, body).await.ok();
        assert_eq!(reply.header("vane-estimate"), Some("true"));
    }
    // Several texts are read with an empty line between them.
    let parts = ["Hi", "", "there"].map(|text| json!({"type": "text", "text": text}));
    let counts = [said(json!(parts)), said(json!("Hi\n\nthere"))];
    for body in counts {
        let reply = world.post(PATH, body).await.ok();
        assert_eq!(reply.header("vane-estimate"), None);
        assert_eq!(reply.json()["input_tokens"], 7);
    }
    let body = json!({"model": "codestral-m", "input": "Hi"});
    let reply = world.post("/v1/responses/input_tokens", body).await.ok();
    assert_eq!(reply.header("vane-estimate"), None);
    assert_eq!(reply.json()["input_tokens"], 4);
}

#[tokio::test]
async fn a_file_that_is_no_tokenizer_leaves_the_estimate() {
    let folder = Folder::new();
    let path = folder.0.join("tekken.json");
    std::fs::write(&path, "{\"config\": 1}").unwrap();
    let world = world(&path).await;
    let body = json!({"model": "codestral-m", "messages": [{"role": "user", "content": "Hi"}]});
    for _ in 0..2 {
        let reply = world.post(PATH, body.clone()).await.ok();
        assert_eq!(reply.header("vane-estimate"), Some("true"));
    }
}

#[tokio::test]
async fn a_count_is_the_engines_own_and_the_contracts_vectors_hold() {
    let folder = Folder::new();
    let path = written(&folder, "v3");
    let weights = Weights {
        folder: folder.0.join("none"),
        hub: String::new(),
        token: None,
        tokenizers: vec![("codestral-latest".to_owned(), path.display().to_string())],
    };
    let tokenizers = Arc::new(Tokenizers::new(&weights, &[]));
    let catalog = Catalog::embedded().unwrap();
    let offers = catalog.offers();
    let offer = offers
        .iter()
        .find(|offer| &*offer.id == "codestral-latest")
        .unwrap();
    let engine = Tokenizer::open(&path).unwrap();
    for (prefix, suffix, tokens) in [
        ("def f(a):\n", Some("    return x"), 12),
        ("def f(a):\n", Some(""), 9),
        ("def f(a):\n", None, 9),
        ("", Some("x"), 4),
    ] {
        let fill = Fill {
            prompt: prefix.to_owned(),
            suffix: suffix.map(str::to_owned),
            ..Fill::default()
        };
        let counted = tokenizers.count(offer, &Call::Fill(Box::new(fill))).await;
        assert_eq!(counted, Some(tokens), "{prefix:?} {suffix:?}");
        let prompt = Prompt::Fill {
            prefix: prefix.to_owned(),
            suffix: suffix.unwrap_or_default().to_owned(),
        };
        assert_eq!(engine.lay_out(&prompt).unwrap().len() as u64, tokens);
    }
}

#[tokio::test]
async fn weights_that_were_pulled_bring_their_tokenizer() {
    let catalog = Catalog::embedded().unwrap();
    let offers = catalog.offers().iter();
    let mut named =
        offers.filter(|offer| &*offer.maker == "mistralai" && offer.upstream.contains('/'));
    let offer = named
        .find(|offer| offer.upstream.split('/').count() == 2)
        .unwrap();
    let folder = Folder::new();
    let weights = Weights {
        folder: folder.0.clone(),
        hub: String::new(),
        token: None,
        tokenizers: Vec::new(),
    };
    let tokenizers = Arc::new(Tokenizers::new(&weights, &[]));
    let call = Call::Fill(Box::new(Fill {
        suffix: Some("x".to_owned()),
        ..Fill::default()
    }));
    assert_eq!(tokenizers.count(offer, &call).await, None);
    let model = format!("models--{}", offer.upstream.replace('/', "--"));
    let snapshot = folder.0.join(model).join("snapshots/c");
    std::fs::create_dir_all(&snapshot).unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::write(snapshot.join(file), "{}").unwrap();
    }
    std::fs::write(
        snapshot.join("tokenizer.model"),
        sentencepiece(&fixture("v3")),
    )
    .unwrap();
    assert_eq!(tokenizers.count(offer, &call).await, Some(4));
}

#[tokio::test]
async fn who_lacks_money_for_bytes_is_served_for_tokens() {
    let folder = Folder::new();
    let text = "def f(a):\n    return x\n".repeat(200);
    let body = json!({"model": "codestral-m", "max_tokens": 10,
                      "messages": [{"role": "user", "content": text}]});
    let ask = async |world: &World| {
        let payer = world.key_with("0.0042");
        let ask = Ask::post("/v1/chat/completions", &body).key(payer.expose());
        world.ask(&ask).await.status
    };
    let without = World::start().await;
    assert_eq!(ask(&without).await, 429);
    let with = world(&written(&folder, "v3")).await;
    assert_eq!(ask(&with).await, 200);
}
