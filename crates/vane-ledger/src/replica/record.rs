//! The records that a replica writes into its journal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ReplicaError;
use crate::book::Op;

/// What is to happen should the process die: the id of a call, then a settlement.
pub const OPENED: u8 = 1;
/// What has happened: a settlement.
pub const SETTLED: u8 = 2;

pub(super) fn opened(call: &str, op: &Op) -> Vec<u8> {
    // The id stands before it, so that who only looks for the call need not read the rest.
    let mut payload = Vec::with_capacity(512);
    payload.push(u8::try_from(call.len()).unwrap_or(u8::MAX));
    payload.extend_from_slice(call.as_bytes());
    write(op, payload)
}

pub(super) fn settled(op: &Op) -> Vec<u8> {
    write(op, Vec::with_capacity(512))
}

/// Nothing in an operation can fail to be written to memory.
fn write(op: &Op, payload: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(op, payload).unwrap_or_default()
}

/// A record as people are shown it, as JSON: the operation where it could be read.
pub(super) fn shown(kind: u8, payload: &[u8], op: Option<&Op>) -> String {
    let read = op.and_then(|op| serde_json::to_string(op).ok());
    read.unwrap_or_else(|| {
        let payload = STANDARD.encode(payload);
        serde_json::json!({ "kind": kind, "payload": payload }).to_string()
    })
}

/// The call of an opened record, and the settlement, unread.
pub(super) fn split(payload: &[u8]) -> Result<(&str, &[u8]), ReplicaError> {
    let split = || {
        let (length, rest) = payload.split_first()?;
        let (call, op) = rest.split_at_checked(usize::from(*length))?;
        Some((std::str::from_utf8(call).ok()?, op))
    };
    split().ok_or(ReplicaError::Unreadable)
}

pub(super) fn read(payload: &[u8]) -> Result<Op, ReplicaError> {
    postcard::from_bytes(payload).map_err(|_| ReplicaError::Unreadable)
}
