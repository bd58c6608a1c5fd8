//! Model lists: a few well-known ids for each provider.

use super::{CREATED, quoted};
use crate::route::Family;

/// The list, or the one model that is asked for; `None` for an id that begins with `no-such`.
pub(crate) fn render(family: Family, id: Option<&str>) -> Option<String> {
    if let Some(id) = id {
        return (!id.starts_with("no-such")).then(|| card(family, id));
    }
    let ids: &[&str] = match family {
        Family::OpenAi => &["gpt-5.2", "gpt-5.2-mini", "text-embedding-3-small"],
        Family::Anthropic => &["claude-opus-4-8", "claude-haiku-4-5"],
        Family::Mistral => &[
            "mistral-large-latest",
            "codestral-latest",
            "codestral-embed",
        ],
        Family::Llama => &["local.gguf"],
    };
    let cards = ids
        .iter()
        .map(|id| card(family, id))
        .collect::<Vec<_>>()
        .join(",");
    Some(match family {
        Family::Anthropic => {
            let (first, last) = (ids.first()?, ids.last()?);
            format!(
                r#"{{"data":[{cards}],"has_more":false,"first_id":"{first}","last_id":"{last}"}}"#
            )
        }
        _ => format!(r#"{{"object":"list","data":[{cards}]}}"#),
    })
}

fn card(family: Family, id: &str) -> String {
    let fim = id.starts_with("codestral") && !id.contains("embed");
    let chat = !id.contains("embed");
    let name = id;
    let id = quoted(id);
    match family {
        Family::OpenAi => {
            format!(r#"{{"id":{id},"object":"model","created":{CREATED},"owned_by":"openai"}}"#)
        }
        Family::Llama => {
            format!(r#"{{"id":{id},"object":"model","created":{CREATED},"owned_by":"llamacpp"}}"#)
        }
        Family::Anthropic => format!(
            r#"{{"id":{id},"type":"model","display_name":"Fake {name}","created_at":"2026-02-01T00:00:00Z","max_input_tokens":200000,"max_tokens":64000}}"#,
        ),
        Family::Mistral => format!(
            r#"{{"id":{id},"object":"model","created":{CREATED},"owned_by":"mistralai","name":{id},"description":"Fake.","max_context_length":32768,"aliases":[],"deprecation":null,"deprecation_replacement_model":null,"default_model_temperature":0.3,"type":"base","capabilities":{{"completion_chat":{chat},"completion_fim":{fim},"function_calling":{chat},"reasoning":false,"fine_tuning":false,"vision":false,"ocr":false,"classification":false,"moderation":false,"audio":false}}}}"#,
        ),
    }
}
