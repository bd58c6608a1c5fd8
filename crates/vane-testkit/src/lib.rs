//! A fake upstream that speaks every dialect, and the golden-file harness. Development only.
//!
//! The fake shares no code with the product's codecs: its frames are hand-written templates of
//! what the providers document and were seen to send. It misbehaves on demand, down to single
//! bytes; it refuses what the real providers refuse; it remembers everything.
//!
//! ```
//! use vane_testkit::{Answer, Ended, FakeUpstream, Fault, Script, When};
//!
//! # #[tokio::main] async fn main() -> anyhow::Result<()> {
//! let upstream = FakeUpstream::start().await?;
//! // The first request is refused, the second streams one frame for each step of a gate.
//! upstream.script(
//!     Script::new()
//!         .on(When::path("/messages").nth(1), Answer::fault(Fault::status(529)))
//!         .on(When::path("/messages"), Answer::text("Hello there.").gate("slow")),
//! );
//! # let address = upstream.address();
//! # let send = async |body: &str| {
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     let mut socket = tokio::net::TcpStream::connect(address).await?;
//! #     let head = format!("POST /anthropic/v1/messages HTTP/1.1\r\nx-api-key: k\r\n\
//! #         anthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n", body.len());
//! #     socket.write_all(head.as_bytes()).await?;
//! #     socket.write_all(body.as_bytes()).await?;
//! #     socket.read_u8().await?;
//! #     anyhow::Ok(socket)
//! # };
//! # let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
//! # drop(send(body).await?);
//! # let client = send(body).await?;
//! // ... a client streams from `upstream.anthropic_url()`; two frames are let through to it ...
//! upstream.gate("slow").open(2);
//! upstream.wait_frames(1, 2).await;
//! // ... the client leaves, and the upstream saw that, and what it had sent by then.
//! drop(client);
//! let call = upstream.wait_closed(1).await.unwrap();
//! assert_eq!((call.ended, call.frames), (Some(Ended::ClientLeft), 2));
//! assert_eq!(call.request.header("anthropic-version"), Some("2023-06-01"));
//! assert_eq!(upstream.calls()[0].status, 529);
//! # Ok(()) }
//! ```
//!
//! With no script the answer reflects the request: a text, a plausible middle for FIM, a tool call
//! when `tool_choice` demands one or the last user text says `use the tool NAME with {json}`, and
//! a text that quotes the result after a tool's result. How tokens are counted stands in `ask`.
//!
//! The binary `vane-fake-upstream` is the same over a port. It prints its address, is scripted by
//! `POST /__script`, and driven by the other `/__` paths (see `control`):
//!
//! ```json
//! {"rules": [
//!   {"when": {"path": "/chat/completions", "nth": 1},
//!    "answer": {"fault": {"status": {"status": 429}}, "headers": [["retry-after", "1"]]}},
//!   {"when": {"model": "codestral-latest"},
//!    "answer": {"parts": [{"text": "Hi"}, {"tool": {"id": "c1", "name": "f", "arguments": "{}"}}],
//!               "shape": {"tools": "interleaved"}, "split": {"random": 3}, "gate": "g"}}]}
//! ```
//!
//! With `--bench` it is a backend fast enough to measure through (see [`mod@bench`]).

mod answers;
mod ask;
pub mod bench;
mod canary;
mod control;
mod exchange;
mod faults;
mod gate;
pub mod golden;
mod h2;
mod http;
mod hub;
mod play;
mod proxy;
mod record;
mod respond;
mod route;
mod script;
mod server;
mod shape;
pub mod split;
mod strict;
mod stripe;
mod tls;
mod upstream;

pub use bench::Bench;
pub use canary::{Canary, ClosedPort};
pub use faults::{ErrorBody, Fault};
pub use gate::Gate;
pub use http::Request;
pub use hub::{COMMIT as HUB_COMMIT, FakeHub, Mischief};
pub use proxy::{Proxy, Role};
pub use record::{Call, Ended};
pub use route::Family;
pub use script::{Answer, Part, Recorded, Rule, Script, Usage, When};
pub use server::Settings;
pub use shape::{Lines, Shape, Split, Tools, UsageAt};
pub use strict::refusal_of_mistral;
pub use stripe::{FakeStripe, Session as StripeSession};
pub use tls::{Authority, Certificate};
pub use upstream::FakeUpstream;
