use crate::call::Call;
use crate::embed::{Embed, EmbedInput, Encoding, Vector};
use crate::exchange::Target;
use crate::fault::Kind;
use crate::json::Raw;
use crate::notes::Notes;
use crate::openai_embeddings::{request, response, vector};
use crate::quirk::{Quirk, Quirks};
use crate::seal::Plain;
use proptest::prelude::*;

fn embed(body: &str) -> Embed {
    match request::decode(body.as_bytes()).unwrap() {
        Call::Embed(embed) => *embed,
        other => panic!("{other:?}"),
    }
}

fn send(embed: &Embed, quirks: Quirks) -> (String, Vec<String>) {
    let target = Target {
        model: "up",
        provider: "lab",
        quirks,
        max_output: None,
        seal: &Plain,
    };
    let mut notes = Notes::default();
    let body = request::encode(embed, &target, &mut notes).unwrap().body;
    (String::from_utf8(body).unwrap(), notes.dropped().to_vec())
}

#[test]
fn the_union_of_fields_is_taken() {
    let embed = embed(
        r#"{"model":"m","input":"x","output_dimension":3,"output_dtype":"int8","encoding_format":"base64","user":"u"}"#,
    );
    assert_eq!(embed.input, EmbedInput::One("x".into()));
    assert_eq!(
        (embed.dimensions, embed.dtype.as_deref()),
        (Some(3), Some("int8"))
    );
    let (text, dropped) = send(&embed, Quirks::default().with(Quirk::OpenaiOwn));
    assert_eq!(
        text,
        r#"{"model":"up","input":"x","dimensions":3,"encoding_format":"base64","user":"u"}"#
    );
    assert_eq!(dropped, ["output_dtype"]);
    let without = Quirks::default()
        .with(Quirk::OpenaiOwn)
        .with(Quirk::NoBase64);
    assert!(!send(&embed, without).0.contains("encoding_format"));
}

#[test]
fn token_ids_stay_raw_and_junk_is_refused() {
    let ids = embed(r#"{"model":"m","input":[[1, 2],[3]]}"#);
    assert!(
        send(&ids, Quirks::default())
            .0
            .contains(r#""input":[[1, 2],[3]]"#)
    );
    for input in ["[]", "[1,\"a\"]", "{}", "[[1],2]", "7"] {
        let body = format!(r#"{{"model":"m","input":{input}}}"#);
        let fault = request::decode(body.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.kind, fault.param.as_deref()),
            (Kind::Invalid, Some("input")),
            "{input}"
        );
    }
}

const FLOATS: &str = r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[0.5]},{"object":"embedding","index":0,"embedding":[ 1.0,-2e-3 ]}],"model":"e","usage":{"prompt_tokens":4,"total_tokens":4}}"#;

#[test]
fn t16_floats_become_base64_when_asked() {
    let answer = response::decode(FLOATS.as_bytes()).unwrap();
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input_uncached, usage.output), (4, 0));
    let asked = Embed {
        encoding: Some(Encoding::Base64),
        ..Embed::default()
    };
    let out = response::encode(&answer, &asked, "r", Some("0.01")).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"id":"r","object":"list","model":"e","data":[{"object":"embedding","index":0,"embedding":"AACAP28SA7s="},{"object":"embedding","index":1,"embedding":"AAAAPw=="}],"usage":{"prompt_tokens":4,"completion_tokens":0,"total_tokens":4,"cost":0.01}}"#
    );
}

#[test]
fn vectors_in_the_asked_encoding_keep_their_bytes() {
    let answer = response::decode(FLOATS.as_bytes()).unwrap();
    let out = response::encode(&answer, &Embed::default(), "r", None).unwrap();
    assert!(
        String::from_utf8(out)
            .unwrap()
            .contains(r#""embedding":[ 1.0,-2e-3 ]"#)
    );
}

#[test]
fn t16_base64_becomes_floats_when_asked() {
    let mut out = Vec::new();
    vector::write(
        &mut out,
        &Vector::Base64("AACAP28SA7s=".into()),
        Encoding::Float,
    )
    .unwrap();
    assert_eq!(out, b"[1.0,-0.002]");
    for bad in ["AAA=", "?", "AADAfw=="] {
        let bad = Vector::Base64(bad.into());
        assert!(vector::write(&mut Vec::new(), &bad, Encoding::Float).is_err());
    }
}

#[test]
fn t18_an_error_with_status_200_is_a_fault() {
    let error = br#"{"error":{"message":"m","type":"invalid_request_error"}}"#;
    assert_eq!(response::decode(error).unwrap_err().kind, Kind::Invalid);
    assert_eq!(
        response::decode(b"<html>").unwrap_err().kind,
        Kind::Protocol
    );
    assert_eq!(response::decode(b"{}").unwrap_err().kind, Kind::Protocol);
}

proptest! {
    #[test]
    fn t16_the_way_there_and_back_is_exact(bits in prop::collection::vec(any::<u32>(), 0..20)) {
        let floats: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|f| f.is_finite()).collect();
        let raw = Raw::of(&floats);
        let mut base64 = Vec::new();
        vector::write(&mut base64, &Vector::Numbers(raw.clone()), Encoding::Base64).unwrap();
        let text: String = serde_json::from_slice(&base64).unwrap();
        let mut back = Vec::new();
        vector::write(&mut back, &Vector::Base64(text), Encoding::Float).unwrap();
        prop_assert_eq!(std::str::from_utf8(&back).unwrap(), raw.get());
    }
}
