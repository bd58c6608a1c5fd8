//! What a request asks for, read just far enough to answer it sensibly.
//!
//! Counting: `prompt_tokens` is one token for each four bytes of every JSON string inside
//! `messages`, `system`, `tools`, `input`, `instructions`, `prompt`, `suffix`, `input_prefix` and
//! `input_suffix` (rounded up, at least 1). It depends on nothing else, so a streamed request
//! counts the same as its unstreamed twin.

use serde_json::Value;

/// The facts of a request that answers depend on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// OpenAI's `stream_options.include_usage`.
    pub(crate) include_usage: bool,
    pub(crate) prompt_tokens: u64,
    /// The tool to call and its arguments, when the request demands one.
    pub(crate) tool: Option<(String, String)>,
    /// The text of the last message, when that message is a tool's result.
    pub(crate) tool_result: Option<String>,
}

const COUNTED: [&str; 9] = [
    "messages",
    "system",
    "tools",
    "input",
    "instructions",
    "prompt",
    "suffix",
    "input_prefix",
    "input_suffix",
];

impl Ask {
    pub(crate) fn read(body: &Value) -> Self {
        let bytes: u64 = COUNTED.iter().map(|key| string_bytes(&body[key])).sum();
        let last = last_turn(body);
        let (result, user) = last.map(read_turn).unwrap_or_default();
        Self {
            model: body["model"].as_str().unwrap_or_default().into(),
            stream: body["stream"] == true,
            include_usage: body["stream_options"]["include_usage"] == true,
            prompt_tokens: bytes.div_ceil(4).max(1),
            tool: if result.is_some() {
                None
            } else {
                demanded_tool(body, &user)
            },
            tool_result: result,
        }
    }
}

/// Tokens of an answer's text by the same measure as a prompt's.
pub(crate) fn tokens_of(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(4)
}

fn string_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(items) => items.iter().map(string_bytes).sum(),
        Value::Object(fields) => fields.values().map(string_bytes).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn last_turn(body: &Value) -> Option<&Value> {
    let turns = body["messages"]
        .as_array()
        .or_else(|| body["input"].as_array())?;
    turns
        .iter()
        .rev()
        .find(|turn| turn["role"] != "system" && turn["role"] != "developer")
}

/// The tool result and the user text of a turn, in any dialect.
fn read_turn(turn: &Value) -> (Option<String>, String) {
    if turn["type"] == "function_call_output" || turn["type"] == "custom_tool_call_output" {
        return (Some(text_of(&turn["output"])), String::new());
    }
    if turn["role"] == "tool" {
        return (Some(text_of(&turn["content"])), String::new());
    }
    let blocks = turn["content"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let results: Vec<String> = blocks
        .iter()
        .filter(|block| block["type"] == "tool_result")
        .map(|block| text_of(&block["content"]))
        .collect();
    let result = (!results.is_empty()).then(|| results.join(" "));
    (result, text_of(&turn["content"]))
}

/// The text of a string or of a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// `use the tool NAME with {json}` in the user's text, else what `tool_choice` demands.
fn demanded_tool(body: &Value, user: &str) -> Option<(String, String)> {
    let tools = body["tools"].as_array().filter(|tools| !tools.is_empty())?;
    if let Some((_, wish)) = user.split_once("use the tool ") {
        let (name, arguments) = wish.split_once(" with ").unwrap_or((wish, "{}"));
        return Some((name.trim().into(), first_object(arguments)));
    }
    let choice = &body["tool_choice"];
    let named = choice["function"]["name"]
        .as_str()
        .or(choice["name"].as_str());
    let kind = choice
        .as_str()
        .or(choice["type"].as_str())
        .unwrap_or_default();
    let name = match (named, kind) {
        (Some(name), _) => name,
        (None, "any" | "required") => tools[0]["function"]["name"]
            .as_str()
            .or(tools[0]["name"].as_str())?,
        (None, _) => return None,
    };
    Some((name.into(), "{}".into()))
}

/// The JSON object at the head of `text`, byte for byte; `{}` when there is none.
fn first_object(text: &str) -> String {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(Value::Object(_))) => text[..values.byte_offset()].trim().into(),
        _ => "{}".into(),
    }
}
