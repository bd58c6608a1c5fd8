//! Every chore that a script would do, run as `cargo xtask`.
//!
//! `tidy` holds the tree to the rules that no compiler checks; `bench` measures the gateway beside a
//! bare reverse proxy; `sbom` lists what a build contains; `openapi` renews the kept description of the API; `load` is the other end of `bench`, a process of its own so that its CPU time
//! is never counted as the gateway's.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore talks to the person who runs it"
)]
#![allow(
    clippy::cast_precision_loss,
    reason = "figures are printed with three digits; no count here reaches 2^52"
)]

mod bench;
mod load;
mod openapi;
mod packages;
mod sbom;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Check the tree against the rules that no compiler checks.
    Tidy,
    /// Measure the gateway beside a bare reverse proxy on this machine.
    Bench(bench::Options),
    /// Write docs/openapi.json anew from the routes.
    Openapi,
    /// List every package of the lock file as CycloneDX 1.6 JSON.
    Sbom(sbom::Options),
    /// Offer load to one address and print what came back (used by `bench`).
    #[command(hide = true)]
    Load(load::Options),
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Tidy => tidy::run(),
        Chore::Bench(options) => bench::run(&options),
        Chore::Openapi => openapi::run(),
        Chore::Sbom(options) => sbom::run(&options),
        Chore::Load(options) => load::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {fault:#}");
            ExitCode::FAILURE
        }
    }
}
