//! Sets `tiny` where the model of the first run is to be part of the program and its file is there:
//! a copy of the source without weights builds, too.
#![allow(
    clippy::print_stdout,
    reason = "that is how such a program speaks to cargo"
)]

use std::path::Path;

fn main() {
    const FOLDER: &str = "../../weights";
    println!("cargo::rustc-check-cfg=cfg(tiny)");
    // Of a file that is not there, every build would be told that it changed.
    println!("cargo::rerun-if-changed={FOLDER}");
    let wanted = cfg!(feature = "tiny");
    if wanted && Path::new(FOLDER).join("vane-tiny.gguf").exists() {
        println!("cargo::rustc-cfg=tiny");
    } else if wanted {
        println!(
            "cargo::warning=without weights/vane-tiny.gguf, this build has no model of its own"
        );
    }
}
