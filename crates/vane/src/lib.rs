//! The gateway: configuration and commands.

pub mod config;
