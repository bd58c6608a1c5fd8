use crate::call::Call;
use crate::exchange::Target;
use crate::fault::Fault;
use crate::mistral_embeddings::request;
use crate::notes::Notes;
use crate::quirk::Quirks;
use crate::seal::Plain;

fn send(call: &Call) -> Result<(String, Vec<String>), Fault> {
    let Call::Embed(embed) = call else {
        panic!("{call:?}")
    };
    let target = Target {
        model: "codestral-embed",
        provider: "mistral",
        quirks: Quirks::default(),
        max_output: None,
        seal: &Plain,
    };
    let mut notes = Notes::default();
    let encoded = request::encode(embed, &target, &mut notes)?;
    let text = String::from_utf8(encoded.body).unwrap();
    Ok((text, notes.dropped().to_vec()))
}

#[test]
fn openais_fields_get_mistrals_names() {
    let body =
        br#"{"model":"m","input":["a","b"],"dimensions":3,"encoding_format":"base64","user":"u"}"#;
    let call = crate::openai_embeddings::request::decode(body).unwrap();
    let (text, dropped) = send(&call).unwrap();
    assert_eq!(
        text,
        r#"{"model":"codestral-embed","input":["a","b"],"output_dimension":3,"encoding_format":"base64"}"#
    );
    assert_eq!(dropped, ["user"]);
}

#[test]
fn mistrals_own_fields_come_back() {
    let body = r#"{"model":"codestral-embed","input":"a","output_dimension":3,"output_dtype":"int8","metadata":{"a": 1}}"#;
    let (text, dropped) = send(&request::decode(body.as_bytes()).unwrap()).unwrap();
    assert_eq!(text, body);
    assert!(dropped.is_empty());
}

#[test]
fn token_ids_are_refused() {
    let body = br#"{"model":"m","input":[1,2]}"#;
    let call = request::decode(body).unwrap();
    assert_eq!(send(&call).unwrap_err().param.as_deref(), Some("input"));
}
