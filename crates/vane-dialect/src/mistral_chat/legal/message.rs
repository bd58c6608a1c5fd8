//! One message as the scan reads it: its keys, and what the order of messages depends on.
//!
//! `null` is a no everywhere: some models refuse it where others do not.

use crate::json::Str;
use crate::mistral_chat::request::encode::parts::BILLING_LINE;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// An object of any members.
pub(super) struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) role: Str<'a>,
    #[serde(default)]
    pub(super) content: Content,
    #[serde(borrow, default)]
    pub(super) tool_calls: Vec<Call<'a>>,
    #[serde(borrow, default)]
    pub(super) tool_call_id: Str<'a>,
    #[serde(borrow, default)]
    pub(super) name: Str<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) id: Str<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Str<'a>,
    #[serde(borrow)]
    pub(super) function: Function<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Str<'a>,
    #[serde(borrow)]
    pub(super) arguments: Str<'a>,
}

/// What a message says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Content {
    #[default]
    Absent,
    /// An empty text.
    Empty,
    /// Text that is only spaces.
    Blank,
    Text,
    /// Parts with something else than text among them.
    Media,
}

impl Content {
    fn of(text: &str) -> Self {
        match (text, text.trim()) {
            // The encoder would leave it out.
            (line, _) if line.starts_with(BILLING_LINE) => Self::Blank,
            ("", _) => Self::Empty,
            (_, "") => Self::Blank,
            _ => Self::Text,
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Said)
    }
}

struct Said;

impl<'de> Visitor<'de> for Said {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or parts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::of(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut said = Content::Absent;
        while let Some(part) = seq.next_element::<Part<'de>>()? {
            match part.says() {
                Some(Content::Media) => said = Content::Media,
                Some(Content::Text) if said == Content::Absent => said = Content::Text,
                Some(Content::Text) => {}
                _ => return Err(A::Error::custom("a part that Mistral refuses")),
            }
        }
        match said {
            Content::Absent => Err(A::Error::custom("no parts")),
            said => Ok(said),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow, default)]
    text: Option<Str<'a>>,
    #[serde(borrow, default)]
    image_url: Option<Image<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image<'a> {
    #[serde(borrow)]
    url: Str<'a>,
    #[serde(borrow, default)]
    detail: Option<Str<'a>>,
}

impl Part<'_> {
    fn says(&self) -> Option<Content> {
        match (&*self.kind.0, &self.text, &self.image_url) {
            ("text", Some(Str(text)), None) => Some(Content::of(text)),
            ("image_url", None, Some(image)) => {
                let detail = image.detail.as_ref().map_or("auto", |detail| &detail.0);
                let known = matches!(detail, "auto" | "low" | "high");
                (known && !image.url.0.is_empty()).then_some(Content::Media)
            }
            _ => None,
        }
    }
}
