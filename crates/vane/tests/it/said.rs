//! What an answer says, read from its wire form by hand.

use serde_json::Value;

use crate::door::Door;

/// The content of an answer, the same whether it was streamed or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    /// Name and arguments, these without insignificant spaces.
    pub(crate) tools: Vec<(String, String)>,
    pub(crate) finish: String,
    /// Input with caches, output.
    pub(crate) tokens: (u64, u64),
}

/// The events of a stream: name (empty where there is none) and data.
pub(crate) fn events(text: &str) -> Vec<(String, String)> {
    let mut events = Vec::new();
    for frame in text.split("\n\n") {
        let mut event = (String::new(), String::new());
        for line in frame.lines() {
            if let Some(name) = line.strip_prefix("event:") {
                event.0 = name.trim().to_owned();
            }
            if let Some(data) = line.strip_prefix("data:") {
                event.1 += data.trim();
            }
        }
        if !event.1.is_empty() {
            events.push(event);
        }
    }
    events
}

/// The last event of a stream that is as it should be, or was as long as it may be.
const ENDS_OF_RESPONSES: [&str; 2] = ["response.completed", "response.incomplete"];

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

impl Said {
    pub(crate) fn whole(door: Door, body: &Value) -> Self {
        let mut said = Self::default();
        match door {
            Door::Chat | Door::MistralChat => {
                let choice = &body["choices"][0];
                said.chat_piece(&choice["message"]);
                said.finish = string(&choice["finish_reason"]);
            }
            Door::Messages => {
                for block in body["content"].as_array().unwrap() {
                    said.text += &string(&block["text"]);
                    said.reasoning += &string(&block["thinking"]);
                    if block["type"] == "tool_use" {
                        let input = block["input"].to_string();
                        said.tools.push((string(&block["name"]), input));
                    }
                }
                said.finish = string(&body["stop_reason"]);
            }
            Door::Responses => said.response(body),
        }
        said.usage(&body["usage"]);
        said.plain()
    }

    fn plain(mut self) -> Self {
        for (_, arguments) in &mut self.tools {
            let value: Value = serde_json::from_str(arguments).unwrap();
            *arguments = value.to_string();
        }
        self
    }

    #[track_caller]
    pub(crate) fn streamed(door: Door, text: &str) -> Self {
        let mut said = Self::default();
        let mut last = String::new();
        for (name, data) in events(text) {
            last.clone_from(&name);
            if data == "[DONE]" {
                last = data;
                continue;
            }
            let data: Value = serde_json::from_str(&data).unwrap();
            match door {
                Door::Chat | Door::MistralChat => {
                    let choice = &data["choices"][0];
                    said.chat_piece(&choice["delta"]);
                    said.finish += &string(&choice["finish_reason"]);
                    said.usage(&data["usage"]);
                }
                Door::Messages => said.message_event(&data),
                Door::Responses if ENDS_OF_RESPONSES.contains(&&*name) => {
                    let deltas = std::mem::take(&mut said.text);
                    said.response(&data["response"]);
                    said.usage(&data["response"]["usage"]);
                    assert_eq!(deltas, said.text, "the deltas say what the end says");
                }
                Door::Responses if name == "response.output_text.delta" => {
                    said.text += &string(&data["delta"]);
                }
                Door::Responses => {}
            }
        }
        let ends: &[&str] = match door {
            Door::Chat | Door::MistralChat => &["[DONE]"],
            Door::Messages => &["message_stop"],
            Door::Responses => &ENDS_OF_RESPONSES,
        };
        assert!(ends.contains(&&*last), "{text}");
        said.plain()
    }

    /// A message, or a delta of one. Content may be parts, some of which are thinking.
    fn chat_piece(&mut self, piece: &Value) {
        self.text += &string(&piece["content"]);
        self.reasoning += &string(&piece["reasoning_content"]);
        for part in piece["content"].as_array().into_iter().flatten() {
            self.text += &string(&part["text"]);
            for thought in part["thinking"].as_array().into_iter().flatten() {
                self.reasoning += &string(&thought["text"]);
            }
        }
        for call in piece["tool_calls"].as_array().into_iter().flatten() {
            let arguments = string(&call["function"]["arguments"]);
            match call["function"]["name"].as_str() {
                Some(name) if !name.is_empty() => self.tools.push((name.to_owned(), arguments)),
                _ => self.tools.last_mut().unwrap().1 += &arguments,
            }
        }
    }

    fn message_event(&mut self, data: &Value) {
        let delta = &data["delta"];
        match data["type"].as_str().unwrap() {
            "content_block_start" if data["content_block"]["type"] == "tool_use" => {
                let name = string(&data["content_block"]["name"]);
                self.tools.push((name, String::new()));
            }
            "content_block_delta" => {
                self.text += &string(&delta["text"]);
                self.reasoning += &string(&delta["thinking"]);
                if let Some(json) = delta["partial_json"].as_str() {
                    self.tools.last_mut().unwrap().1 += json;
                }
            }
            "message_delta" => {
                self.finish = string(&delta["stop_reason"]);
                self.usage(&data["usage"]);
            }
            _ => {}
        }
    }

    fn response(&mut self, body: &Value) {
        for item in body["output"].as_array().unwrap() {
            for part in item["content"].as_array().into_iter().flatten() {
                match item["type"].as_str() {
                    Some("reasoning") => self.reasoning += &string(&part["text"]),
                    _ => self.text += &string(&part["text"]),
                }
            }
            for part in item["summary"].as_array().into_iter().flatten() {
                self.reasoning += &string(&part["text"]);
            }
            if item["type"] == "function_call" {
                let call = (string(&item["name"]), string(&item["arguments"]));
                self.tools.push(call);
            }
        }
        self.finish = string(&body["status"]);
    }

    fn usage(&mut self, usage: &Value) {
        if !usage.is_object() {
            return;
        }
        let input = ["prompt_tokens", "input_tokens"];
        let caches = ["cache_read_input_tokens", "cache_creation_input_tokens"];
        let counts = input.iter().chain(&caches).map(|key| count(&usage[*key]));
        let output = count(&usage["completion_tokens"]) + count(&usage["output_tokens"]);
        self.tokens = (counts.sum(), output);
    }
}
