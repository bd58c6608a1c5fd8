//! The shapes of Mistral's answers, whole and streamed, borrowed from the wire.
//!
//! Only what is read is named; every other field (the random padding `p` among them) is skipped.

use crate::json::Str;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// An answer, a chunk of one, or an error that came in its place.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) object: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) model: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) created: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    /// Of an error.
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    /// Of an error.
    #[serde(borrow, default)]
    detail: Option<&'a RawValue>,
}

impl Chunk<'_> {
    /// The one string it brings, if it brings nothing else. Taking such a chunk again with
    /// another string changes nothing but what is said.
    pub(super) fn only_text(&self) -> Option<&str> {
        let [choice] = self.choices.as_deref()? else {
            return None;
        };
        let message = choice.message.as_ref()?;
        let silent = choice.finish_reason.is_none()
            && message.tool_calls.as_ref().is_none_or(Vec::is_empty)
            && choice.index.is_none_or(|index| index.get() == "0")
            && self.usage.is_none();
        match &message.content {
            Some(Content::Text(Cow::Borrowed(text))) if silent => Some(text),
            Some(_) | None => None,
        }
    }

    /// Whether this is an error in the place of an answer (T18).
    pub(super) fn is_error(&self) -> bool {
        let named = self.object.as_ref().is_some_and(|o| o.0 == "error");
        let complains = self.message.is_some() || self.detail.is_some();
        named || self.error.is_some() || (self.choices.is_none() && complains)
    }
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    pub(super) index: Option<&'a RawValue>,
    /// Of a whole answer `message`, of a chunk `delta`.
    #[serde(borrow, default, alias = "delta")]
    pub(super) message: Option<Message<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Str<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) function: Option<FunctionCall<'a>>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// A part of a content list.
#[derive(Deserialize)]
pub(super) struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) text: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) thinking: Option<Content<'a>>,
    #[serde(borrow, default)]
    pub(super) signature: Option<Str<'a>>,
}

/// Content is a string or a list of parts.
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<&'a RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of parts")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = list.next_element()? {
                    parts.push(part);
                }
                Ok(Content::Parts(parts))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Arguments are a string, or the object itself; either way JSON text.
pub(super) fn arguments(raw: Option<&RawValue>) -> Cow<'_, str> {
    let Some(raw) = raw else {
        return Cow::Borrowed("");
    };
    match raw.get() {
        "null" => Cow::Borrowed(""),
        text if text.starts_with('"') => match serde_json::from_str::<Str<'_>>(text) {
            Ok(text) => text.0,
            Err(_) => Cow::Borrowed(""),
        },
        object => Cow::Borrowed(object),
    }
}
