//! An output item as the wire has it. Every member is raw: items of kinds unknown here may use the
//! same names for something else.

use super::tracks::Kind;
use crate::fault::Fault;
use crate::openai_responses::wire;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize, Default)]
pub(in crate::openai_responses) struct ItemWire<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) call_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) summary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) encrypted_content: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
pub(super) struct PartWire<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) annotations: Option<&'a RawValue>,
}

impl<'a> ItemWire<'a> {
    pub(in crate::openai_responses) fn read(raw: &'a RawValue) -> Result<Self, Fault> {
        serde_json::from_str(raw.get())
            .map_err(|error| Fault::protocol(format!("an output item is malformed: {error}")))
    }

    pub(super) fn kind(&self) -> Kind {
        match wire::text(self.kind).as_deref() {
            Some("message") => Kind::Message,
            Some("reasoning") => Kind::Reasoning,
            Some("function_call") => Kind::Function,
            Some("custom_tool_call") => Kind::Custom,
            Some(_) | None => Kind::Hosted,
        }
    }

    /// The arguments; an object that some upstreams write in place of its text is taken as text.
    pub(super) fn arguments(&self) -> Result<Cow<'a, str>, Fault> {
        let raw = match self.kind() {
            Kind::Custom => self.input,
            Kind::Message | Kind::Reasoning | Kind::Function | Kind::Hosted => self.arguments,
        };
        match raw {
            Some(object) if object.get().starts_with('{') => Ok(Cow::Borrowed(object.get())),
            _ => wire::told(raw),
        }
    }
}

/// The elements of a list; empty if it is none.
pub(super) fn list(raw: Option<&RawValue>) -> Vec<&RawValue> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}
