//! `vane engine`: runs one model for the gateway that started it. People have no use for it.

use std::path::PathBuf;

use vane_engine::Device;

use super::Failure;
use crate::engine::{Orders, describe, outlast_signals, run};

#[derive(Debug, clap::Args)]
pub(super) struct Engine {
    /// A GGUF file or a folder of safetensors; without it, the model that is part of this program
    #[arg(long, value_name = "PATH")]
    weights: Option<PathBuf>,
    /// Where to answer; it ends when standard input does
    #[arg(long, value_name = "PATH", required_unless_present = "describe")]
    socket: Option<PathBuf>,
    /// Say what the model can do, and run nothing
    #[arg(long, conflicts_with = "socket")]
    describe: bool,
    /// `auto`, `cpu`, `cuda` or `metal`
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = device)]
    device: Device,
    /// Tokens of a prompt and its answer together
    #[arg(long, value_name = "TOKENS")]
    context: Option<usize>,
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
    /// How many calls run at once
    #[arg(long, value_name = "NUMBER")]
    sequences: Option<usize>,
    /// For weights, keys and values together
    #[arg(long, value_name = "BYTES")]
    memory: Option<u64>,
}

impl Engine {
    pub(super) async fn run(self) -> Result<(), Failure> {
        outlast_signals().map_err(anyhow::Error::from)?;
        let orders = Orders {
            weights: self.weights,
            device: self.device,
            context: self.context,
            threads: self.threads,
            sequences: self.sequences,
            memory_bytes: self.memory,
        };
        match self.socket {
            Some(socket) if !self.describe => Ok(run(&orders, &socket).await?),
            _ => describe(&orders).map_err(|fault| Failure::said(fault.to_string())),
        }
    }
}

/// Where a model computes, by its name.
pub(super) fn device(name: &str) -> Result<Device, String> {
    Device::named(name).ok_or_else(|| {
        let names = Device::ALL.map(Device::name).join(", ");
        format!("one of {names}")
    })
}
