//! The doors for conversations, so that one test can walk through all of them.
//!
//! A door knows how a request of its dialect is written and how an answer is read, streamed or
//! not, to the same [`Said`]. Nothing of the product's codecs is used for either.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::said::Said;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Chat,
    MistralChat,
    Messages,
    Responses,
}

pub(crate) const DOORS: [Door; 4] = [
    Door::Chat,
    Door::MistralChat,
    Door::Messages,
    Door::Responses,
];

/// A model for each dialect that an upstream can speak.
pub(crate) const UPSTREAMS: [&str; 4] = ["lab-m", "mistral-m", "claude-m", "resp-m"];

impl Door {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::MistralChat => "/mistral/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    /// The model that is asked in this door's own dialect.
    pub(crate) const fn own_model(self) -> &'static str {
        match self {
            Self::Chat => "lab-m",
            Self::MistralChat => "mistral-m",
            Self::Messages => "claude-m",
            Self::Responses => "resp-m",
        }
    }

    /// A request with one user text.
    pub(crate) fn request(self, model: &str, text: &str, stream: bool) -> Value {
        let mut body = json!({"model": model, "stream": stream});
        match self {
            Self::Chat | Self::MistralChat => {
                body["messages"] = json!([{"role": "user", "content": text}]);
                if stream && self == Self::Chat {
                    body["stream_options"] = json!({"include_usage": true});
                }
            }
            Self::Messages => {
                body["max_tokens"] = json!(2000);
                body["messages"] = json!([{"role": "user", "content": text}]);
            }
            Self::Responses => {
                body["store"] = json!(false);
                body["include"] = json!(["reasoning.encrypted_content"]);
                body["input"] = json!([{"role": "user", "content": text}]);
            }
        }
        body
    }

    /// Puts one tool into a request.
    pub(crate) fn with_tool(self, mut body: Value, name: &str) -> Value {
        let schema = json!({"type": "object", "properties": {"q": {"type": "string"}}});
        body["tools"] = match self {
            Self::Chat | Self::MistralChat => {
                json!([{"type": "function", "function": {"name": name, "parameters": schema}}])
            }
            Self::Messages => json!([{"name": name, "input_schema": schema}]),
            Self::Responses => json!([{"type": "function", "name": name, "parameters": schema}]),
        };
        body
    }

    /// The next request: the conversation so far, the unstreamed answer `told`, and the tool's
    /// result.
    pub(crate) fn continued(self, mut body: Value, told: &Value, result: &str) -> Value {
        let key = if self == Self::Responses {
            "input"
        } else {
            "messages"
        };
        let turns = body[key].as_array_mut().unwrap();
        match self {
            Self::Chat | Self::MistralChat => {
                let message = &told["choices"][0]["message"];
                turns.push(message.clone());
                for call in message["tool_calls"].as_array().unwrap() {
                    turns.push(json!({"role": "tool", "tool_call_id": call["id"],
                        "content": result}));
                }
            }
            Self::Messages => {
                turns.push(json!({"role": "assistant", "content": told["content"]}));
                let blocks = told["content"].as_array().unwrap().iter();
                let calls = blocks.filter(|block| block["type"] == "tool_use");
                let results: Vec<Value> = calls
                    .map(|call| {
                        json!({"type": "tool_result", "tool_use_id": call["id"],
                            "content": result})
                    })
                    .collect();
                turns.push(json!({"role": "user", "content": results}));
            }
            Self::Responses => {
                let items = told["output"].as_array().unwrap();
                turns.extend(items.iter().cloned());
                for call in items.iter().filter(|item| item["type"] == "function_call") {
                    turns.push(json!({"type": "function_call_output",
                        "call_id": call["call_id"], "output": result}));
                }
            }
        }
        body
    }

    #[track_caller]
    pub(crate) fn read(self, reply: &Reply) -> Said {
        let text = reply.text();
        let kind = reply.header("content-type").unwrap();
        if kind.starts_with("text/event-stream") {
            Said::streamed(self, text)
        } else {
            Said::whole(self, &reply.json())
        }
    }

    /// The error's type in an error body of this door.
    #[track_caller]
    pub(crate) fn error_type(self, error: &Value) -> String {
        let place = match self {
            Self::Messages => {
                assert_eq!(error["type"], "error", "{error}");
                &error["error"]["type"]
            }
            Self::MistralChat => {
                assert_eq!(error["object"], "error", "{error}");
                &error["type"]
            }
            Self::Chat | Self::Responses => &error["error"]["type"],
        };
        place
            .as_str()
            .unwrap_or_else(|| panic!("{error}"))
            .to_owned()
    }
}
