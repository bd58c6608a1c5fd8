//! The weights that come with Vane: they open, cut texts as they were trained to, and write the rest of a
//! line as recorded.

use std::path::Path;

use serde_json::Value as Json;
use vane_engine::{Engine, Finish, Model, Options, Piece, Precision, Prompt, Request};

fn shipped() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vane-tiny.gguf");
    Model::open(&path, &mut |_| ()).unwrap()
}

fn recorded() -> Json {
    serde_json::from_str(include_str!("../fixtures/tiny.json")).unwrap()
}

#[test]
fn the_shipped_weights_cut_texts_as_their_training_did() {
    let (model, recorded) = (shipped(), recorded());
    for row in recorded["tokens"].as_array().unwrap() {
        let text = row["text"].as_str().unwrap();
        let expected: Vec<u32> = serde_json::from_value(row["tokens"].clone()).unwrap();
        assert_eq!(model.tokenizer().encode(text), expected, "{text:?}");
        let expected: Vec<u32> = serde_json::from_value(row["within"].clone()).unwrap();
        assert_eq!(
            model.tokenizer().encode_within(text),
            expected,
            "{text:?}, going on"
        );
    }
}

#[test]
fn the_shipped_weights_fill_a_gap_as_recorded() {
    let recorded = recorded();
    let options = Options {
        threads: 1,
        precision: Precision::Single,
        ..Options::default()
    };
    let engine = Engine::start(shipped(), options).unwrap();
    let text = |name: &str| recorded["gap"][name].as_str().unwrap().to_owned();
    let request = Request {
        max_tokens: Some(48),
        stops: vec!["\n".to_owned()],
        ..Request::new(Prompt::Fill {
            prefix: text("prefix"),
            suffix: text("suffix"),
        })
    };
    let (mut filled, mut end) = (String::new(), None);
    for piece in engine.submit(request).unwrap() {
        match piece.unwrap() {
            Piece::Text { text, .. } => filled += &text,
            Piece::Thought(_) | Piece::Call(_) => {}
            Piece::End { finish, .. } => end = Some(finish),
        }
    }
    assert_eq!(filled, text("middle"));
    assert_eq!(end, Some(Finish::Stop));
}
