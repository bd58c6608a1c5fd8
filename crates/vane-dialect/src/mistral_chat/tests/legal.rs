//! Which bodies may go to Mistral as they stand.

use super::{decode, target};
use crate::call::Call;
use crate::dialect::Dialect;
use crate::head::Head;
use crate::mistral_chat::legal;
use crate::notes::Notes;
use crate::quirk::Quirk;
use crate::seal::Plain;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use vane_testkit::refusal_of_mistral;

/// Those of the models with the oldest tokenizers.
const QUIRKS: [Quirk; 6] = [
    Quirk::ClosedBody,
    Quirk::NineCharToolIds,
    Quirk::NoUserAfterTool,
    Quirk::TextOrCalls,
    Quirk::NoMessageName,
    Quirk::NoReasoning,
];

const DOORS: [Dialect; 2] = [Dialect::MistralChat, Dialect::OpenaiChat];

fn is_legal(body: &str, door: Dialect, quirks: &[Quirk]) -> bool {
    let head = Head::scan(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let quirks = quirks.iter().copied().collect();
    legal::chat(&head, door, &["vane"], quirks)
}

const TOOLS: &str =
    r#""tools":[{"type":"function","function":{"name":"f","parameters":{"b":1.50,"a":{}}}}]"#;
const CALLS: &str = r#"{"role":"assistant","content":"","tool_calls":[{"id":"aB3dE6gH1","type":"function","function":{"name":"f","arguments":"{\"q\": 1}"}},{"id":"aB3dE6gH2","type":"function","function":{"name":"f","arguments":"{}"}}]}"#;
const RESULTS: &str = r#"{"role":"tool","tool_call_id":"aB3dE6gH2","name":"f","content":"2"},{"content":[{"type":"text","text":"1"}],"role":"tool","tool_call_id":"aB3dE6gH1"}"#;
const USER: &str = r#"{"role":"user","content":"Hi"}"#;

#[test]
fn a_legal_chat_may_go_as_it_is() {
    let body = format!(
        r#"{{"vane":{{"x":1}},"model":"codestral-latest" ,"messages":[{{"role":"system","content":"s"}},{USER},{CALLS},{RESULTS},{{"role":"assistant","content":"Done."}},{{"role":"user","content":[{{"type":"text","text":"And\u0020"}},{{"type":"image_url","image_url":{{"url":"https://x/y","detail":"low"}}}}]}}],{TOOLS},"tool_choice":{{"type":"function","function":{{"name":"f"}}}},"temperature":0.30,"max_tokens":null,"stop":["x"],"random_seed":7,"stream":true,"response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{{"z":1,"a":2}}}}}},"parallel_tool_calls":false,"metadata":{{"k":"v"}}}}"#
    );
    for door in DOORS {
        assert!(is_legal(&body, door, &QUIRKS), "{door:?}: {body}");
    }
}

#[test]
fn an_effort_that_the_model_does_not_take_is_no() {
    let quirks = [Quirk::ClosedBody, Quirk::NoMediumEffort];
    for (effort, legal) in [
        ("none", true),
        ("high", true),
        ("medium", false),
        ("huge", false),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{USER}],"reasoning_effort":"{effort}"}}"#);
        for door in DOORS {
            assert_eq!(is_legal(&body, door, &quirks), legal, "{door:?}: {effort}");
        }
    }
}

#[test]
fn t8_what_mistral_refuses_is_no() {
    let with = |more: &str| format!(r#"{{"model":"m","messages":[{USER}],{more}}}"#);
    let said = |messages: &str| format!(r#"{{"model":"m","messages":[{messages}],{TOOLS}}}"#);
    let told = format!(r#"{USER},{{"role":"assistant","content":"a"}}"#);
    for body in [
        with(r#""max_completion_tokens":1"#),
        with(r#""seed":1"#),
        with(r#""user":"u""#),
        with(r#""stream_options":{"include_usage":true}"#),
        with(r#""random_seed":-1"#),
        with(r#""temperature":1.6"#),
        with(r#""n":2"#),
        with(r#""stream":null"#),
        with(r#""tool_choice":"auto""#),
        with(r#""tools":[]"#),
        with(r#""tools":[{"type":"function","function":{"name":"f"}}]"#),
        with(r#""tools":[{"type":"function","function":{"name":"f f","parameters":{}}}]"#),
        with(r#""tools":[{"type":"custom","custom":{"name":"f"}}]"#),
        with(r#""response_format":{"type":"json_schema"}"#),
        with(r#""response_format":{"type":"text","x":1}"#),
        with(r#""reasoning_effort":"high""#),
        with(r#""prompt_cache_key":"é""#),
        with(r#""prompt_mode":"reasoning""#),
        said(r#"{"role":"user","name":"Ann","content":"Hi"}"#),
        said(r#"{"role":"user","content":"Hi","role":"user"}"#),
        said(r#"{"role":"user","content":""}"#),
        said(r#"{"role":"user","content":[{"type":"text","text":"x","cache_control":{}}]}"#),
        said(r#"{"role":"user","content":[{"type":"input_audio","input_audio":"x"}]}"#),
        said(r#"{"role":"developer","content":"Hi"}"#),
        said(r#"{"role":"system","content":"Hi"}"#),
        said(&told),
        said(&format!(
            r#"{told},{{"role":"system","content":"s"}},{USER}"#
        )),
        said(&format!("{USER},{CALLS}")),
        said(&format!("{USER},{CALLS},{RESULTS},{USER}")),
        said(&format!(
            "{USER},{},{RESULTS}",
            CALLS.replace("\"\"", "null")
        )),
        said(&format!(
            "{USER},{},{RESULTS}",
            CALLS.replace("\"\"", "\"words\"")
        )),
        said(&format!("{USER},{CALLS},{RESULTS}").replace("aB3dE6gH1", "call_1")),
        said(&format!(
            "{USER},{CALLS},{}",
            RESULTS.replace("\"f\"", "\"g\"")
        )),
        said(&format!("{USER},{CALLS},{RESULTS},{CALLS},{RESULTS}")),
        r#"{"model":"m"}"#.to_owned(),
        r#"{"model":"m","messages":[]}"#.to_owned(),
    ] {
        for door in DOORS {
            assert!(!is_legal(&body, door, &QUIRKS), "{door:?}: {body}");
        }
    }
}

/// Messages in an order that is often legal.
fn messages() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just(r#"{"role":"system","content":"late"}"#),
        Just(r#"{"role":"assistant","content":null}"#),
        Just(r#"{"role":"assistant","content":"p","prefix":true}"#),
        Just(r#"{"role":"user","content":"n","name":"Ann"}"#),
        Just(
            r#"{"role":"user","content":[{"type":"text","text":"x-anthropic-billing-header: a"}]}"#
        ),
        Just(r#"{"role":"user","content":[{"type":"image_url","image_url":"https://x"}]}"#),
        Just(CALLS),
        Just(RESULTS),
    ];
    let asked = select(vec![
        USER,
        r#"{"content":"H\u00e9 \ud83d\ude00","role":"user"}"#,
        r#"{"role":"user","content":"a"},{"role":"user","content":"b"}"#,
        r#"{"role":"user","content":[{"type":"text","text":"a"}]}"#,
        r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}]}"#,
    ]);
    let answered = select(vec![
        String::new(),
        r#",{"role":"assistant","content":"x"}"#.to_owned(),
        r#",{"role":"assistant","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]}"#.to_owned(),
        r#",{"role":"assistant","content":" "}"#.to_owned(),
        format!(",{CALLS},{RESULTS}"),
        format!(r#",{CALLS},{RESULTS},{{"role":"assistant","content":"then"}}"#),
    ]);
    let rounds = prop::collection::vec((asked, answered), 1..3);
    (
        any::<bool>(),
        rounds,
        prop::option::weighted(0.2, odd),
        any::<bool>(),
    )
        .prop_map(|(system, rounds, odd, ends)| {
            let mut all: Vec<String> = Vec::new();
            all.extend(system.then(|| r#"{"role":"system","content":"s"}"#.to_owned()));
            for (n, (asked, answered)) in rounds.iter().enumerate() {
                let round = format!("{asked}{answered}");
                // No id stands twice.
                all.push(round.replace("aB3dE6gH", &format!("aB3dE6g{n}")));
            }
            all.extend(odd.map(str::to_owned));
            all.extend(ends.then(|| USER.to_owned()));
            all.join(",")
        })
}

fn body() -> impl Strategy<Value = String> {
    let members = vec![
        TOOLS,
        r#""tool_choice":"required""#,
        r#""parallel_tool_calls":true"#,
        r#""temperature":1.0"#,
        r#""top_p":0.90"#,
        r#""max_tokens":12"#,
        r#""min_tokens":1"#,
        r#""stop":"x""#,
        r#""random_seed":7"#,
        r#""stream":true"#,
        r#""safe_prompt":true"#,
        r#""document_image_limit":8"#,
        r#""document_page_limit":64"#,
        r#""metadata":{"b":1,"a":2}"#,
        r#""presence_penalty":0.5"#,
        r#""prompt_cache_key":"k""#,
        r#""reasoning_effort":"none""#,
        r#""response_format":{"type":"json_object"}"#,
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"z":1},"strict":true}}"#,
    ];
    let illegal = vec![
        r#""seed":1"#,
        r#""n":1"#,
        r#""logit_bias":{}"#,
        r#""top_k":5"#,
    ];
    (
        messages(),
        subsequence(members, 0..6),
        prop::option::weighted(0.1, select(illegal)),
    )
        .prop_map(|(messages, members, illegal)| {
            let mut body = format!(r#"{{"model":"mistral-large","messages":[{messages}]"#);
            for member in members.into_iter().chain(illegal) {
                body += &format!(",{member}");
            }
            body + "}"
        })
        .prop_filter("no key stands twice", |body| {
            body.matches("response_format").count() < 2
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_may_go_as_it_is_is_the_call_that_would_be_asked(
        body in body(),
        door in select(&DOORS[..]),
        quirks in subsequence(&QUIRKS[..], 0..=6),
    ) {
        if is_legal(&body, door, &quirks) {
            let call = match door {
                Dialect::MistralChat => super::super::request::decode(body.as_bytes(), &Plain),
                _ => crate::openai_chat::request::decode(body.as_bytes(), &Plain),
            };
            let Call::Chat(chat) = call.unwrap() else { panic!("no chat: {body}") };
            let mut notes = Notes::default();
            let encoded = super::super::request::encode(&chat, &target(&quirks), &mut notes).unwrap();
            prop_assert!(notes.is_empty(), "{:?} of {body}", notes.dropped());
            prop_assert_eq!(&encoded.asked.ids, &Vec::new());
            prop_assert_eq!(&encoded.asked.prefill, &None);
            let asked = std::str::from_utf8(&encoded.body).unwrap();
            prop_assert_eq!(decode(&body), decode(asked), "{}\n{}", &body, asked);
            let value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(refusal_of_mistral(&value), None, "{}", &body);
        }
    }
}

#[test]
fn the_property_sees_legal_bodies_often() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let legal = (0..500).filter(|_| {
        let body = body().new_tree(&mut runner).unwrap().current();
        is_legal(&body, Dialect::MistralChat, &[])
    });
    let legal = legal.count();
    assert!((50..450).contains(&legal), "{legal} of 500");
}
