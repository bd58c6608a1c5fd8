//! What goes as it is says what the translator would have said.

use super::super::encode::spliced;
use super::super::inbound::{Door, Inbound};
use super::*;
use crate::config::Config;
use crate::gateway::State;
use crate::upstream::Offer;
use http::HeaderMap;
use serde_json::Value;
use std::sync::Arc;
use vane_catalog::Kind;
use vane_dialect::Notes;
use vane_dialect::codec::{self, Target};
use vane_dialect::seal::Plain;

/// Every offer of the catalogue, as if each provider had a key.
fn state() -> State {
    let catalog = vane_catalog::Catalog::embedded().unwrap();
    let mut variables = vec![("VANE_SECRET".to_owned(), "0123456789abcdef".repeat(4))];
    for provider in catalog.providers() {
        if let Some(name) = provider.key_env.first() {
            variables.push((name.to_string(), "k".to_owned()));
        }
        if provider.base_url.is_none() {
            let id = provider.id.to_uppercase();
            variables.push((format!("VANE_{id}_BASE_URL"), "http://up/v1/".to_owned()));
        }
    }
    let pairs = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    State::new(Config::load(None, &pairs.collect()).unwrap().0).unwrap()
}

fn choice(offer: &Arc<Offer>) -> Choice {
    Choice {
        offer: offer.clone(),
        dialect: Dialect::OpenaiChat,
        reason: "asked".into(),
        input_max: None,
    }
}

fn chat(said: &str) -> RawCall {
    let messages = if said.contains("\"messages\"") || said.contains("\"input\"") {
        ""
    } else {
        r#","messages":[{"role":"user","content":"Hi"}]"#
    };
    let body = format!(r#"{{"model":"m"{messages},{said}}}"#);
    let door = Door {
        dialect: Dialect::OpenaiChat,
        route: "",
    };
    super::super::decode(Inbound {
        door,
        headers: HeaderMap::new(),
        body: body.into(),
        request_id: String::new(),
    })
    .unwrap()
}

/// What the translator would write, but for what every chat has.
fn written(call: &RawCall, choice: &Choice) -> Vec<(String, Value)> {
    let offer = &choice.offer;
    let target = Target {
        model: &offer.facts.upstream,
        provider: &offer.provider.id,
        quirks: offer.quirks,
        max_output: offer.facts.max_output,
        seal: &Plain,
    };
    let blocks = call.blocks(&Plain).unwrap();
    let encoded = codec::encode_call(choice.dialect, &blocks, &target, &mut Notes::default());
    let Value::Object(body) = serde_json::from_slice(&encoded.unwrap().body).unwrap() else {
        panic!("no object");
    };
    let members = body.into_iter();
    // A client that wants its thoughts split says so: else they stand where they were written.
    let common = ["model", "messages", "reasoning_split"];
    // The provider's own switch says it alone.
    let is_switched =
        offer.quirks.has(Quirk::ThinkingSwitch) && call.head.raw("thinking").is_some();
    members
        .filter(|(key, _)| !common.contains(&key.as_str()))
        .filter(|(key, _)| !(is_switched && key == "reasoning_effort"))
        .collect()
}

#[test]
fn a_chat_that_goes_as_it_is_has_every_member_that_would_be_written() {
    let state = state();
    let mut went = 0;
    for said in [
        r#""x":null"#,
        r#""reasoning_effort":"none""#,
        r#""reasoning_effort":"minimal""#,
        r#""reasoning_effort":"low""#,
        r#""reasoning_effort":"medium""#,
        r#""reasoning_effort":"high""#,
        r#""reasoning_effort":"xhigh""#,
        r#""reasoning_effort":"max""#,
        r#""reasoning":{"enabled":false}"#,
        r#""reasoning":{"effort":"high"}"#,
        r#""thinking":{"type":"disabled"}"#,
        r#""thinking":{"type":"enabled"}"#,
        r#""max_tokens":5"#,
        r#""max_completion_tokens":5"#,
        r#""temperature":0.5"#,
        r#""top_p":0.5"#,
        r#""seed":7"#,
        r#""stop":["x"]"#,
        r#""presence_penalty":0.5"#,
        r#""logprobs":true"#,
        r#""user":"u""#,
        r#""metadata":{"a":"b"}"#,
        r#""prompt_cache_key":"k""#,
        r#""service_tier":"auto""#,
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{}}}}}],"tool_choice":"required","parallel_tool_calls":false"#,
        r#""response_format":{"type":"json_object"}"#,
    ] {
        let call = chat(said);
        let chats = |offer: &&Arc<Offer>| {
            offer.facts.kind == Kind::Chat && offer.speaks(Dialect::OpenaiChat)
        };
        for offer in state.offers.iter().filter(chats) {
            let choice = choice(offer);
            if !goes_as_it_is(&call, &choice) {
                continue;
            }
            went += 1;
            let sent = spliced(&call, &choice, None).unwrap().concat();
            let sent: Value = serde_json::from_slice(&sent).unwrap();
            for (key, value) in written(&call, &choice) {
                let id = &offer.facts.id;
                // Who refuses neither name of the limit takes both.
                let older = (key == "max_completion_tokens").then(|| sent.get("max_tokens"));
                let told = sent.get(&key).or(older.flatten());
                assert_eq!(told, Some(&value), "{said} to {id}: {key} in {sent}");
            }
        }
    }
    assert!(went > 1_000, "{went} went as they came");
}

#[test]
fn a_chat_in_words_of_other_dialects_goes_nowhere_as_it_is() {
    let state = state();
    let mut offers = state.offers.iter();
    let is_openais =
        |offer: &&Arc<Offer>| &*offer.provider.id == "openai" && &*offer.facts.model == "gpt-4.1";
    let openai = offers.find(is_openais).unwrap();
    let plain = r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}},"messages":[{"role":"assistant","content":"","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]"#;
    assert!(goes_as_it_is(&chat(plain), &choice(openai)));
    let custom = r#""tools":[{"type":"custom","custom":{"name":"p"}}]"#;
    assert!(goes_as_it_is(&chat(custom), &choice(openai)));
    for said in [
        r#""input":"Hi""#,
        r#""input":"Hi","messages":null"#,
        r#""tools":[{"type":"function","name":"f","parameters":{}}]"#,
        r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","name":"p"}]"#,
        r#""tools":[{"name":"f","input_schema":{"type":"object"}}]"#,
        r#""tool_choice":{"type":"any"}"#,
        r#""tool_choice":{"type":"tool","name":"f"}"#,
        r#""tool_choice":{"type":"function","name":"f"}"#,
        r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}]"#,
        r#""messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/i.png"}}]}]"#,
        r#""messages":[{"role":"assistant","content":[],"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}]"#,
    ] {
        let call = chat(said);
        call.blocks(&Plain).unwrap();
        assert!(!goes_as_it_is(&call, &choice(openai)), "{said}");
    }
    // Who takes no tools but functions is sent custom ones as such.
    let others = state
        .offers
        .iter()
        .filter(|offer| offer.speaks(Dialect::OpenaiChat) && !offer.quirks.has(Quirk::OpenaiOwn));
    for offer in others {
        assert!(
            !goes_as_it_is(&chat(custom), &choice(offer)),
            "{}",
            offer.facts.id
        );
    }
}
