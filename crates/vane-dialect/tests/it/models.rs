//! What single models of the catalogue are asked for.

use serde_json::{Value, json};
use vane_dialect::codec::{self, Target};
use vane_dialect::seal::Plain;
use vane_dialect::{Dialect, Notes};

use crate::offers::{
    ALIBABA, GOOGLE, MINIMAX, MINIMAX_RESPONSES, MOONSHOT, OPENAI, Offer, RESPONSES, ZAI,
};

/// What the model is sent, and the notes.
fn sent(door: Dialect, body: &Value, offer: Offer, model: &'static str) -> (Value, Vec<String>) {
    let call = codec::decode_call(door, body.to_string().as_bytes(), &Plain).unwrap();
    let mut notes = Notes::default();
    let target: Target<'_> = offer.model(model);
    let encoded = codec::encode_call(offer.dialect, &call, &target, &mut notes).unwrap();
    let body = serde_json::from_slice(&encoded.body).unwrap();
    (body, notes.dropped().to_vec())
}

/// Codex names an effort in every call.
fn codex(effort: &str) -> Value {
    json!({"model": "m", "input": "Hi", "reasoning": {"effort": effort}})
}

#[test]
fn kimi_is_told_of_reasoning_once_and_in_its_own_words() {
    let (on, off) = (json!({"type": "enabled"}), json!({"type": "disabled"}));
    let nothing = Value::Null;
    for (model, asked, thinking, effort) in [
        ("kimi-k2.6", "high", &on, &nothing),
        ("kimi-k2.6", "none", &off, &nothing),
        ("kimi-k2.7-code", "high", &nothing, &nothing),
        ("kimi-k2.7-code", "none", &nothing, &nothing),
        ("kimi-k3", "none", &nothing, &json!("low")),
        ("kimi-k3", "medium", &nothing, &json!("low")),
        ("kimi-k3", "high", &nothing, &json!("high")),
        ("kimi-k3", "xhigh", &nothing, &json!("high")),
        ("kimi-k3.1-pro", "max", &nothing, &json!("max")),
    ] {
        let (body, _) = sent(Dialect::OpenaiResponses, &codex(asked), MOONSHOT, model);
        assert_eq!(&body["thinking"], thinking, "{model} {asked}: {body}");
        assert_eq!(&body["reasoning_effort"], effort, "{model} {asked}: {body}");
    }
    let off = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
        "thinking": {"type": "disabled"}});
    let (body, notes) = sent(Dialect::AnthropicMessages, &off, MOONSHOT, "kimi-k2.7-code");
    assert!(body.get("thinking").is_none(), "{body}");
    assert_eq!(notes, ["thinking"]);
}

#[test]
fn an_openai_model_that_reasons_unasked_is_sent_no_temperature() {
    for (model, effort, goes) in [
        ("gpt-5.2", None, true),
        ("gpt-5.2", Some("minimal"), true),
        ("gpt-5.2", Some("low"), false),
        ("gpt-5.5", None, false),
        ("gpt-5.5", Some("none"), true),
        ("gpt-5.5", Some("minimal"), true),
        ("gpt-5.5", Some("high"), false),
        ("gpt-5.5-pro", None, false),
        ("gpt-5.5-pro", Some("none"), false),
        ("gpt-5.4-pro", None, false),
        ("gpt-5.2-pro", None, false),
        ("gpt-5.2-codex", None, false),
        ("gpt-5.2-codex", Some("none"), false),
    ] {
        let mut chat = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 0.2, "top_p": 0.9});
        let mut response = json!({"model": "m", "input": "Hi", "temperature": 0.2, "top_p": 0.9});
        if let Some(effort) = effort {
            chat["reasoning_effort"] = json!(effort);
            response["reasoning"] = json!({"effort": effort});
        }
        for (door, body) in [
            (Dialect::OpenaiChat, &chat),
            (Dialect::OpenaiResponses, &response),
        ] {
            for offer in [OPENAI, RESPONSES] {
                let (body, notes) = sent(door, body, offer, model);
                for name in ["temperature", "top_p"] {
                    let is_noted = notes.iter().any(|note| note == name);
                    assert_eq!(body.get(name).is_some(), goes, "{model} {effort:?}: {body}");
                    assert_eq!(is_noted, !goes, "{model} {effort:?}: {notes:?}");
                }
            }
        }
    }
}

#[test]
fn minimax_reasons_where_an_effort_tells_it_to() {
    let said = |thinking: Value| {
        json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
            "thinking": thinking})
    };
    let mut adaptive = said(json!({"type": "adaptive"}));
    adaptive["output_config"] = json!({"effort": "max"});
    for (door, body, effort) in [
        (Dialect::OpenaiResponses, codex("low"), Some("low")),
        (Dialect::OpenaiResponses, codex("xhigh"), Some("high")),
        (Dialect::OpenaiResponses, codex("none"), Some("none")),
        (
            Dialect::OpenaiResponses,
            json!({"model": "m", "input": "Hi"}),
            None,
        ),
        (Dialect::AnthropicMessages, adaptive, Some("high")),
        (
            Dialect::AnthropicMessages,
            said(json!({"type": "adaptive"})),
            Some("medium"),
        ),
        (
            Dialect::AnthropicMessages,
            said(json!({"type": "enabled", "budget_tokens": 20000})),
            Some("high"),
        ),
        (
            Dialect::AnthropicMessages,
            said(json!({"type": "disabled"})),
            None,
        ),
    ] {
        let (sent_there, _) = sent(door, &body, MINIMAX_RESPONSES, "MiniMax-M3");
        let named = sent_there["reasoning"]["effort"].as_str();
        assert_eq!(named, effort, "{body}: {sent_there}");
        let (chat, _) = sent(door, &body, MINIMAX, "MiniMax-M3");
        assert!(chat.get("reasoning_effort").is_none(), "{chat}");
    }
}

#[test]
fn gemini_is_sent_no_penalties() {
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}],
        "presence_penalty": 0.5, "frequency_penalty": 0.2, "temperature": 0.4});
    let (body, notes) = sent(Dialect::OpenaiChat, &chat, GOOGLE, "gemini-3.5-flash");
    assert!(body.get("presence_penalty").is_none() && body.get("frequency_penalty").is_none());
    assert_eq!(body["temperature"], 0.4);
    assert_eq!(notes, ["presence_penalty", "frequency_penalty"]);
}

#[test]
fn glm_that_always_thinks_is_not_told_to_stop() {
    let said = |thinking: Value| {
        json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
            "thinking": thinking})
    };
    let (off, on) = (json!({"type": "disabled"}), json!({"type": "adaptive"}));
    for (model, asked, thinking, effort) in [
        ("glm-4.7", &off, &json!({"type": "disabled"}), None),
        ("glm-4.7", &on, &json!({"type": "enabled"}), None),
        ("glm-5.3", &off, &Value::Null, Some("low")),
        ("glm-5.3-flash", &off, &Value::Null, Some("low")),
        ("glm-5.3", &on, &Value::Null, None),
    ] {
        let asked = said(asked.clone());
        let (body, _) = sent(Dialect::AnthropicMessages, &asked, ZAI, model);
        assert_eq!(&body["thinking"], thinking, "{model}: {body}");
        assert_eq!(body["reasoning_effort"].as_str(), effort, "{model}: {body}");
    }
}

#[test]
fn qwen_that_always_thinks_is_not_told_to_stop() {
    let off = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9,
        "thinking": {"type": "disabled"}});
    for (model, switch, effort) in [
        ("qwen3.8-max", Some(false), "none"),
        ("qwen-plus", Some(false), "none"),
        ("qwen3-vl-32b-thinking", None, "low"),
        ("qwen3-next-80b-a3b-thinking", None, "low"),
        ("qwq-plus", None, "low"),
    ] {
        let (body, notes) = sent(Dialect::AnthropicMessages, &off, ALIBABA, model);
        assert_eq!(body["enable_thinking"].as_bool(), switch, "{model}: {body}");
        assert_eq!(body["reasoning_effort"], effort, "{model}: {body}");
        assert_eq!(notes.is_empty(), switch.is_some(), "{model}: {notes:?}");
    }
    for (effort, switch) in [("none", None), ("high", Some(true))] {
        let (body, _) = sent(
            Dialect::OpenaiResponses,
            &codex(effort),
            ALIBABA,
            "qwen3-vl-235b-a22b-thinking",
        );
        assert_eq!(body["enable_thinking"].as_bool(), switch, "{body}");
    }
}
