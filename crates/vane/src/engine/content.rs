//! What is said in the turns of a request: texts, and thoughts of the assistant.

use serde::Deserialize;
use vane_engine::Part as Said;

use super::ask::Unread;

/// The content of a turn.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
pub(super) struct Part {
    r#type: String,
    text: Option<String>,
    thinking: Option<Box<Content>>,
    closed: Option<bool>,
}

impl Content {
    /// Each text on its own: how they are joined is the model's matter.
    pub(super) fn read(&self) -> Result<Vec<Said>, Unread> {
        match self {
            Content::Text(text) => Ok(vec![Said::Text(text.clone())]),
            Content::Parts(parts) => parts.iter().map(Part::read).collect(),
        }
    }

    fn text(&self) -> Result<String, Unread> {
        match self {
            Content::Text(text) => Ok(text.clone()),
            Content::Parts(parts) => parts.iter().map(Part::own_text).collect(),
        }
    }
}

impl Part {
    fn read(&self) -> Result<Said, Unread> {
        match (&*self.r#type, &self.thinking) {
            ("thinking", Some(thinking)) => Ok(Said::Thought {
                text: thinking.text()?,
                closed: self.closed.unwrap_or(true),
            }),
            _ => self.own_text().map(Said::Text),
        }
    }

    fn own_text(&self) -> Result<String, Unread> {
        match (&*self.r#type, &self.text) {
            ("text", Some(text)) => Ok(text.clone()),
            _ => Err(Unread::new("messages", "this model reads text alone")),
        }
    }
}

/// A thought that stands beside the content, as OpenAI's dialect has it.
pub(super) fn thought(text: &str) -> Option<Said> {
    (!text.is_empty()).then(|| Said::Thought {
        text: text.to_owned(),
        closed: true,
    })
}
