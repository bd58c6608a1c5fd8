//! Thought signatures: state that Gemini hangs on a tool call or on a message.
//!
//! On the wire it is `extra_content` (`{"google": {"thought_signature": "..."}}`). In the
//! canonical form it is the state of a reasoning block; its data names the call it belongs to by
//! its place in the message, because clients of other dialects may move the block or rename the
//! call. State that is a list (`reasoning_details`) is no signature.

use super::wire::member;
use crate::block::State;
use crate::dialect::Dialect;
use crate::json::{self, Json};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What Google documents for a call that was made elsewhere: it is not validated.
pub(super) const PLACEHOLDER: &str =
    r#"{"google":{"thought_signature":"skip_thought_signature_validator"}}"#;

/// The state in an `extra_content`, if there is a signature in it. `call`: the place of the call.
pub(super) fn state(call: Option<usize>, extra_content: Json<'_>) -> Option<State> {
    if !is_signed(extra_content) {
        return None;
    }
    let mut data = b"{".to_vec();
    if let Some(call) = call {
        data.extend_from_slice(b"\"call\":");
        json::value(&mut data, &call);
        data.push(b',');
    }
    data.extend_from_slice(b"\"extra_content\":");
    data.extend_from_slice(extra_content.get().as_bytes());
    data.push(b'}');
    Some(State::native(
        Dialect::OpenaiChat,
        String::from_utf8(data).ok()?,
    ))
}

/// Whether any vendor's object (`google`, `vertex`) has a signature.
fn is_signed(extra_content: Json<'_>) -> bool {
    #[derive(Deserialize)]
    struct Vendor<'a> {
        #[serde(borrow, default)]
        thought_signature: Option<&'a RawValue>,
    }
    let vendors: BTreeMap<String, &RawValue> =
        serde_json::from_str(extra_content.get()).unwrap_or_default();
    vendors.values().any(|raw| {
        let vendor = serde_json::from_str::<Vendor<'_>>(raw.get()).ok();
        let signature = vendor.and_then(|vendor| member(vendor.thought_signature));
        signature.is_some_and(|signature| !signature.is_empty())
    })
}

/// A signature on its way back to its provider.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Signature<'a> {
    /// Which tool call of the message; none for the message itself.
    #[serde(default)]
    call: Option<usize>,
    #[serde(borrow)]
    extra_content: &'a RawValue,
}

impl<'a> Signature<'a> {
    /// The signature in the data of a state; `None` for other state.
    pub(super) fn read(data: &'a str) -> Option<Self> {
        serde_json::from_str(data).ok()
    }
}

/// The signatures of one message.
#[derive(Debug, Default)]
pub(super) struct Signatures<'a> {
    of_calls: BTreeMap<usize, &'a str>,
    pub(super) of_message: Option<&'a str>,
}

impl<'a> Signatures<'a> {
    pub(super) fn add(&mut self, signature: Signature<'a>) {
        let extra_content = signature.extra_content.get();
        match signature.call {
            Some(call) => {
                self.of_calls.entry(call).or_insert(extra_content);
            }
            None => self.of_message = Some(extra_content),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of_calls.is_empty() && self.of_message.is_none()
    }

    pub(super) fn of_call(&self, call: usize) -> Option<&'a str> {
        self.of_calls.get(&call).copied()
    }
}
