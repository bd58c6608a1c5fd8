//! `/health/ready`: whether calls can be taken now, and how.
//!
//! Invariant: 200 only while a call that comes would be recorded. What merely holds otherwise than
//! it should, such as limits by parts, is told beside it.

use crate::gateway::Gateway;
use crate::relay::{Response, json};
use bytes::Bytes;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn ready(gateway: &Gateway) -> Response {
    if gateway.draining.load(Relaxed) {
        return json(503, Bytes::from_static(br#"{"status":"draining"}"#));
    }
    if gateway.ring.fault().is_some() {
        return json(
            503,
            Bytes::from_static(br#"{"status":"the database cannot be read"}"#),
        );
    }
    match gateway.replica.trouble() {
        Some(why) => {
            let status = format!("calls cannot be recorded: {why}");
            json(503, serde_json::json!({ "status": status }).to_string())
        }
        None => match gateway.traffic.shared() {
            Some(shared) => {
                let said = serde_json::json!({ "status": "ready", "limits": shared.said });
                json(200, said.to_string())
            }
            None => json(200, Bytes::from_static(br#"{"status":"ready"}"#)),
        },
    }
}
