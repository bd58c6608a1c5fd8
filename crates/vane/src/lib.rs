//! The gateway: configuration and commands.

pub mod cli;
pub mod config;
