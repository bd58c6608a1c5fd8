//! OpenAI responses: items, their events, and the token counter.

mod events;

pub(crate) use events::frames;

use super::{CREATED, Said, quoted, signature};
use crate::script::Part;

pub(crate) fn unary(said: &Said<'_>) -> String {
    response(said, status(said), &items(said), &usage(said))
}

pub(crate) fn count(said: &Said<'_>) -> String {
    format!(
        r#"{{"object":"response.input_tokens","input_tokens":{}}}"#,
        said.usage.prompt
    )
}

/// `completed`, unless the scripted finish is another status.
fn status<'a>(said: &Said<'a>) -> &'a str {
    said.answer.finish.as_deref().unwrap_or("completed")
}

fn response(said: &Said<'_>, status: &str, output: &str, usage: &str) -> String {
    let (number, model) = (said.number, said.model());
    let details = if status == "incomplete" {
        r#"{"reason":"max_output_tokens"}"#
    } else {
        "null"
    };
    let error = if status == "failed" {
        r#"{"code":"server_error","message":"The server had an error."}"#
    } else {
        "null"
    };
    format!(
        r#"{{"id":"resp_fake{number:08}","object":"response","created_at":{CREATED},"status":"{status}","background":false,"error":{error},"incomplete_details":{details},"instructions":null,"max_output_tokens":null,"model":{model},"output":[{output}],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{{"effort":null,"summary":null}},"store":false,"temperature":1.0,"text":{{"format":{{"type":"text"}}}},"tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{usage},"metadata":{{}}}}"#
    )
}

fn usage(said: &Said<'_>) -> String {
    let usage = said.usage;
    let (input, output, total) = (
        usage.prompt,
        usage.completion,
        usage.prompt + usage.completion,
    );
    let (cached, written, reasoning) = (usage.cached, usage.cache_write, usage.reasoning);
    format!(
        r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":{cached},"cache_write_tokens":{written}}},"output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":{reasoning}}},"total_tokens":{total}}}"#
    )
}

const UNKNOWN_ITEM: &str = r#"{"type":"hologram_call","id":"holo_fake","data":"?"}"#;

fn items(said: &Said<'_>) -> String {
    let unknown = said
        .answer
        .shape
        .unknown_block
        .then(|| UNKNOWN_ITEM.to_owned());
    let items = said
        .parts
        .iter()
        .enumerate()
        .map(|(at, part)| item(part, at, "completed", true));
    unknown
        .into_iter()
        .chain(items)
        .collect::<Vec<_>>()
        .join(",")
}

/// An item; `whole` says whether it already has its content.
fn item(part: &Part, at: usize, status: &str, whole: bool) -> String {
    match part {
        Part::Text(text) => {
            let content = if whole {
                text_part(text)
            } else {
                String::new()
            };
            format!(
                r#"{{"id":"msg_fake{at:04}","type":"message","status":"{status}","content":[{content}],"role":"assistant"}}"#
            )
        }
        Part::Reasoning(text) => {
            let summary = if whole {
                summary_part(text)
            } else {
                String::new()
            };
            let state = quoted(&signature(text));
            format!(
                r#"{{"id":"rs_fake{at:04}","type":"reasoning","summary":[{summary}],"encrypted_content":{state}}}"#
            )
        }
        Part::Redacted(data) => {
            let data = quoted(data);
            format!(
                r#"{{"id":"rs_fake{at:04}","type":"reasoning","summary":[],"encrypted_content":{data}}}"#
            )
        }
        Part::Tool {
            id,
            name,
            arguments,
        } => {
            let arguments = quoted(if whole { arguments } else { "" });
            let (id, name) = (quoted(id), quoted(name));
            format!(
                r#"{{"id":"fc_fake{at:04}","type":"function_call","status":"{status}","arguments":{arguments},"call_id":{id},"name":{name}}}"#
            )
        }
    }
}

fn text_part(text: &str) -> String {
    format!(
        r#"{{"type":"output_text","annotations":[],"logprobs":[],"text":{}}}"#,
        quoted(text)
    )
}

fn summary_part(text: &str) -> String {
    format!(r#"{{"type":"summary_text","text":{}}}"#, quoted(text))
}
