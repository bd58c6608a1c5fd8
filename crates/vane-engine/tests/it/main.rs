#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fixtures are small numbers"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share fails as they do"
)]

mod folder;
mod hostile;
mod json;
mod logits;
mod models;
mod running;
mod thoughts;
mod tiny;
mod tokens;
mod vocabularies;
mod write;
