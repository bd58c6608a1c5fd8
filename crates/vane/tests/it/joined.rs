//! A stream as a client's SDK joins it: the whole answer that goes into the next request.

use serde_json::{Value, json};

use crate::door::Door;
use crate::said::events;

impl Door {
    /// The unstreamed form of a streamed answer, as far as a conversation needs it.
    pub(crate) fn joined(self, text: &str) -> Value {
        let data = events(text).into_iter().map(|(_, data)| data);
        let data = data.filter(|data| data != "[DONE]");
        let data: Vec<Value> = data.map(|d| serde_json::from_str(&d).unwrap()).collect();
        match self {
            Self::Chat => chat(&data, false),
            Self::MistralChat => chat(&data, true),
            Self::Messages => messages(&data),
            Self::Responses => {
                let end = data.iter().find(|d| d["type"] == "response.completed");
                end.unwrap()["response"].clone()
            }
        }
    }
}

fn chat(chunks: &[Value], parts: bool) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let (mut calls, mut details) = (Vec::<Value>::new(), Vec::<Value>::new());
    for chunk in chunks {
        let delta = &chunk["choices"][0]["delta"];
        match &delta["content"] {
            Value::String(text) if !text.is_empty() => {
                content.push(json!({"type": "text", "text": text}));
            }
            Value::Array(list) => content.extend(list.iter().cloned()),
            _ => {}
        }
        details.extend(
            delta["reasoning_details"]
                .as_array()
                .into_iter()
                .flatten()
                .cloned(),
        );
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            match calls.get_mut(index) {
                None => calls.push(call.clone()),
                Some(known) => append(
                    &mut known["function"]["arguments"],
                    &call["function"]["arguments"],
                ),
            }
        }
    }
    for call in &mut calls {
        call.as_object_mut().unwrap().remove("index");
    }
    let texts = content.iter().filter_map(|part| part["text"].as_str());
    let text = texts.collect::<String>();
    let content = if parts { json!(content) } else { json!(text) };
    let mut message = json!({"role": "assistant", "content": content, "tool_calls": calls});
    if !details.is_empty() {
        message["reasoning_details"] = json!(details);
    }
    json!({"choices": [{"message": message}]})
}

fn messages(events: &[Value]) -> Value {
    let mut content: Vec<Value> = Vec::new();
    let mut input = String::new();
    for event in events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => content.push(event["content_block"].clone()),
            "content_block_delta" => {
                let (block, delta) = (content.last_mut().unwrap(), &event["delta"]);
                for key in ["text", "thinking", "signature"] {
                    append(&mut block[key], &delta[key]);
                }
                input += delta["partial_json"].as_str().unwrap_or_default();
            }
            "content_block_stop" if !input.is_empty() => {
                let whole = std::mem::take(&mut input);
                content.last_mut().unwrap()["input"] = serde_json::from_str(&whole).unwrap();
            }
            _ => {}
        }
    }
    for block in &mut content {
        let members = block.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
    }
    json!({"content": content})
}

fn append(text: &mut Value, more: &Value) {
    if let Some(more) = more.as_str() {
        *text = json!(format!("{}{more}", text.as_str().unwrap_or_default()));
    }
}
