//! `POST /v1/embeddings` and its twin under `/mistral`.

use base64::Engine as _;
use serde_json::{Value, json};
use vane_dialect::quirk::Quirk;
use vane_testkit::Answer;

use crate::client::Ask;
use crate::world::{World, cost_in, pico};

const PATH: &str = "/v1/embeddings";

fn floats(embedding: &Value) -> Vec<f64> {
    match embedding {
        Value::String(text) => {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text)
                .unwrap();
            let (numbers, rest) = bytes.as_chunks::<4>();
            assert!(rest.is_empty());
            numbers
                .iter()
                .map(|number| f64::from(f32::from_le_bytes(*number)))
                .collect()
        }
        list => list
            .as_array()
            .unwrap()
            .iter()
            .map(|number| number.as_f64().unwrap())
            .collect(),
    }
}

#[tokio::test]
async fn t16_both_encodings_are_served_whatever_the_upstream_returns() {
    let world = World::start().await;
    for model in ["lab-e", "mistral-e"] {
        let ask = |format: &str| {
            let mut body = json!({"model": model, "input": ["one", "two"]});
            if !format.is_empty() {
                body["encoding_format"] = json!(format);
            }
            body
        };
        let list = world.post(PATH, ask("float")).await.ok().json();
        let packed = world.post(PATH, ask("base64")).await.ok().json();
        let silent = world.post(PATH, ask("")).await.ok().json();
        for at in 0..2 {
            let (list, packed) = (&list["data"][at], &packed["data"][at]);
            assert!(
                list["embedding"].is_array() && packed["embedding"].is_string(),
                "{model}"
            );
            assert!(silent["data"][at]["embedding"].is_array(), "{model}");
            let pairs = floats(&list["embedding"])
                .into_iter()
                .zip(floats(&packed["embedding"]));
            assert!(
                pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-6),
                "{model}"
            );
            assert_eq!(list["index"], at);
        }
    }
}

/// Only Mistral packs numbers: where another offer leaves the dtype out, its floats are told as floats.
#[tokio::test]
async fn t16_a_dropped_dtype_still_gets_the_asked_encoding() {
    let world = World::start().await;
    for path in [PATH, "/mistral/v1/embeddings"] {
        for format in ["base64", "float"] {
            let body = json!({"model": "lab-e", "input": "x", "output_dtype": "int8",
                "encoding_format": format});
            let reply = world.post(path, body).await.ok();
            assert_eq!(reply.header("vane-dropped"), Some("output_dtype"));
            let embedding = &reply.json()["data"][0]["embedding"];
            assert_eq!(
                embedding.is_string(),
                format == "base64",
                "{path}: {embedding}"
            );
            assert!(!floats(embedding).is_empty());
        }
    }
}

/// Some refuse the field, some only its `null`, and some answer base64 with nothing.
#[tokio::test]
async fn only_who_gives_base64_is_asked_for_an_encoding() {
    for (quirks, asked) in [
        (vec![], false),
        (vec![Quirk::OpenaiOwn], true),
        (vec![Quirk::OpenaiOwn, Quirk::NoBase64], false),
    ] {
        let world = World::with(|config| {
            let lab = config.providers.iter_mut().find(|row| row.id == "lab");
            lab.unwrap().quirks.extend(&quirks);
        });
        let world = world.await;
        for format in ["\"base64\"", "\"float\"", "null"] {
            world.fake.reset();
            let body = format!(r#"{{"model":"lab-e","input":"x","encoding_format":{format}}}"#);
            let reply = world.post(PATH, &body).await.ok().json();
            let call = world.only_call();
            let sent = call.body_text();
            assert_eq!(sent == body, asked, "{quirks:?}: {sent}");
            assert!(asked || !sent.contains("encoding_format"), "{sent}");
            let packed = reply["data"][0]["embedding"].is_string();
            assert_eq!(packed, format == "\"base64\"", "{quirks:?} {format}");
        }
    }
}

#[tokio::test]
async fn m1_embeddings_are_billed_for_their_input() {
    let world = World::start().await;
    for (path, model) in [
        (PATH, "lab-e"),
        (PATH, "mistral-e"),
        ("/mistral/v1/embeddings", "mistral-e"),
        ("/mistral/v1/embeddings", "lab-e"),
    ] {
        let reply = world
            .post(path, json!({"model": model, "input": "four bytes each."}))
            .await
            .ok();
        assert_eq!(cost_in(reply.text()), "0.000004", "{path} {model}");
        assert_eq!(reply.header("vane-cost"), Some("0.000004"));
    }
    let lines = world.log.lines(4).await;
    assert!(
        lines
            .iter()
            .all(|line| line["outcome"] == "done" && line["input"] == 4),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_model_of_another_kind_is_a_400_that_names_models_that_can() {
    let world = World::start().await;
    let reply = world
        .post(PATH, json!({"model": "lab-m", "input": "x"}))
        .await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("lab-e"), "{}", reply.text());
    let chat = json!({"model": "lab-e", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(world.post("/v1/chat/completions", chat).await.status, 400);
    assert!(world.fake.calls().is_empty());
}

#[tokio::test]
async fn mistrals_sdk_gets_an_id() {
    let world = World::start().await;
    let body = json!({"model": "lab-e", "input": "x"});
    let ask = Ask::post(PATH, body)
        .key(&world.key)
        .header("user-agent", "speakeasy-sdk/python 1.9");
    let reply = world.ask(&ask).await.ok();
    assert!(reply.json()["id"].is_string(), "{}", reply.text());
}

/// Google's embeddings come without counts.
#[tokio::test]
async fn m3_embeddings_without_usage_are_estimated() {
    let world = World::start().await;
    for usage in [json!(null), json!({"prompt_tokens": 0, "total_tokens": 0})] {
        let answer = json!({"object": "list", "model": "lab-e", "usage": usage,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]});
        let answer = Answer::recorded("application/json", &answer.to_string());
        world.fake.always(answer);
        let body = json!({"model": "lab-e", "input": "x".repeat(4_000)}).to_string();
        let bytes = u64::try_from(body.len()).unwrap();
        let reply = world.post(PATH, body).await.ok();
        // A dollar for a million, and four bytes for one.
        let cost = i64::try_from(bytes.div_ceil(4) * 1_000_000).unwrap();
        assert_eq!(pico(cost_in(reply.text())), cost, "{}", reply.text());
        let id = reply.header("vane-request-id").unwrap();
        assert_eq!(world.log.line(id).await["counted"], "bytes/4");
    }
}

/// Asked again, it would be paid again.
#[tokio::test]
async fn vectors_beyond_the_limit_are_asked_for_once_and_blame_nobody() {
    let world = World::with(|config| config.limits.answer_bytes_max = 1_000).await;
    let answer = json!({"object": "list", "model": "lab-e",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
        "data": [{"object": "embedding", "index": 0, "embedding": vec![0.5; 1_000]}]});
    let answer = Answer::recorded("application/json", &answer.to_string());
    world.fake.always(answer);
    for nth in 1..=4 {
        let reply = world
            .post(PATH, json!({"model": "lab-e", "input": "x"}))
            .await;
        assert_eq!(reply.status, 413, "{}", reply.text());
        assert!(
            reply.text().contains("embed fewer texts"),
            "{}",
            reply.text()
        );
        assert_eq!(world.fake.calls().len(), nth);
    }
}
