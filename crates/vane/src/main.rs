//! The `vane` binary: reads the command line, runs one command, says in one line why it failed.
//!
//! The only place that knows `anyhow`'s chains and exit codes.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use vane::cli::{Cli, Failure, run};
use vane::config::Environment;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As shells say it of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            vane::cli::complain(&vane::cli::told(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let environment = Environment::of_process();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("cannot start")?;
    let done = runtime.block_on(run(cli, &environment));
    // A thread may still wait for a line of the terminal that nobody will type.
    runtime.shutdown_background();
    match done {
        Ok(()) | Err(Failure::Closed) => Ok(ExitCode::SUCCESS),
        Err(Failure::Reported) => Ok(ExitCode::FAILURE),
        Err(Failure::Stopped) => Ok(ExitCode::from(INTERRUPTED)),
        Err(failure) => Err(failure.into()),
    }
}
