//! The real binary and the real router, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "what a test says is written where it is used"
)]

mod alphabet;
mod client;
mod door;
mod here;
mod html;
mod log;
#[cfg(feature = "test-postgres")]
mod postgres;
mod said;
mod schema;
mod serving;
mod shared;
mod site;
mod slices;
mod till;
#[cfg(feature = "test-valkey")]
mod valkey;
mod world;
#[allow(
    dead_code,
    clippy::cast_possible_truncation,
    reason = "the engine's own tests write more, and what is small"
)]
#[path = "../../../vane-engine/tests/it/write.rs"]
mod write;

#[cfg(feature = "test-postgres")]
mod away;
mod blame;
mod bodies;
mod cancel;
mod catalog;
mod chat_completions;
mod cli;
mod console;
mod count_tokens;
mod counts;
mod credentials;
mod credit_commands;
mod crowds;
mod docs;
mod draining;
mod early;
mod embeddings;
mod explain;
mod failures;
mod fim;
mod gallery;
mod health;
mod holds;
mod host;
mod hosted;
mod hostile;
mod http1;
mod idempotency;
mod import;
mod joined;
mod journal_command;
mod keeping;
mod key_commands;
mod keys;
mod kills;
mod leaving;
mod limits;
mod load;
mod local;
mod local_gaps;
mod local_kills;
mod local_lives;
mod local_memory;
mod local_thoughts;
mod malformed;
mod matrix;
mod measured;
mod member_commands;
mod members;
mod messages;
mod metrics;
mod models;
mod money;
mod newcomer;
mod openapi;
mod outage;
mod packed;
mod page_facts;
mod pages;
mod payments;
mod people;
mod playground;
mod proxies;
mod receipt_commands;
mod receipts;
mod reconcile;
mod recorded;
mod recovery;
mod reload;
#[cfg(feature = "test-postgres")]
mod replicas;
mod responses;
mod secrets;
mod security;
mod setup;
mod spent;
mod status;
mod stray_commands;
mod strict;
mod talk_commands;
mod tenants;
#[cfg(feature = "tiny")]
mod tiny;
mod tls;
mod try_it;
mod unread;
mod weights;
mod wire;
