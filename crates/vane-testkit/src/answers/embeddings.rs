//! Embeddings of OpenAI and Mistral: numbers that depend on the input alone.
//!
//! Each number is k/128 for a byte k of a hash stream, so that it is exact in 32 bits and in
//! decimal, and the float and base64 forms carry equal values. The default length is 8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::ask::{Ask, tokens_of};
use crate::route::Family;
use crate::split::draw;

const LENGTH: u64 = 8;

pub(crate) fn render(family: Family, body: &Value, ask: &Ask, number: usize) -> String {
    let base64 = body["encoding_format"] == "base64";
    let length = body["dimensions"]
        .as_u64()
        .or(body["output_dimension"].as_u64());
    let length = length.unwrap_or(LENGTH);
    let inputs = inputs(&body["input"]);
    let rows = inputs.iter().enumerate().map(|(index, input)| {
        let numbers = numbers(input, length);
        let embedding = if base64 {
            packed(&numbers)
        } else {
            listed(&numbers)
        };
        format!(r#"{{"object":"embedding","index":{index},"embedding":{embedding}}}"#)
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    let tokens: u64 = inputs
        .iter()
        .map(|input| tokens_of(input.len()).max(1))
        .sum();
    let model = super::quoted(&ask.model);
    match family {
        Family::Mistral => format!(
            r#"{{"id":"{number:032x}","object":"list","data":[{rows}],"model":{model},"usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens},"completion_tokens":0}}}}"#
        ),
        _ => format!(
            r#"{{"object":"list","data":[{rows}],"model":{model},"usage":{{"prompt_tokens":{tokens},"total_tokens":{tokens}}}}}"#
        ),
    }
}

/// The inputs as texts; a list of token ids is one input, by its JSON text.
fn inputs(input: &Value) -> Vec<String> {
    match input {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) if items.first().is_some_and(Value::is_number) => {
            vec![input.to_string()]
        }
        Value::Array(items) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .map_or_else(|| item.to_string(), str::to_owned)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn numbers(input: &str, length: u64) -> Vec<f32> {
    let mut seed = super::hash(input);
    let mut next = || {
        let [byte, ..] = draw(&mut seed).to_be_bytes();
        (f32::from(byte) - 128.0) / 128.0
    };
    (0..length).map(|_| next()).collect()
}

fn listed(numbers: &[f32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(f32::to_string).collect();
    format!("[{}]", numbers.join(","))
}

fn packed(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    format!(r#""{}""#, STANDARD.encode(bytes))
}
