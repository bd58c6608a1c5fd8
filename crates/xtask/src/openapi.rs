//! The kept description of the API, written anew.
//!
//! The test that holds docs/openapi.json against the routes also writes it, so that there is one
//! way to make it, and this crate need not be built with the gateway in it.

use std::process::Command;

use anyhow::{Context, Result, ensure};

const TEST: &str = "openapi::tests::the_kept_copy_is_what_the_routes_say";

pub(crate) fn run() -> Result<()> {
    let test = ["test", "--quiet", "--package", "vane", "--lib", "--", TEST];
    let mut cargo = Command::new("cargo");
    let done = cargo.args(test).env("UPDATE_GOLDEN", "1").status();
    ensure!(done.context("cargo")?.success(), "the copy was not written");
    println!("docs/openapi.json says what the routes say");
    Ok(())
}
