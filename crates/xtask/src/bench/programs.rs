//! The programs of a benchmark: where they are, or how to get them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::gateway::Gateway;
use crate::tidy::workspace_root;

#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) vane: PathBuf,
    pub(crate) upstream: PathBuf,
    /// This program, optimised: the load must not be what saturates.
    pub(crate) load: PathBuf,
}

impl Programs {
    /// Looks for all that this run needs, before anything is started.
    pub(crate) fn find(measured: Gateway) -> Result<Self> {
        let release = release_folder();
        let [vane, upstream, load] =
            ["vane", "vane-fake-upstream", "xtask"].map(|name| release.join(name));
        let hint = "cargo build --release -p vane -p vane-testkit -p xtask";
        if measured == Gateway::Vane {
            ensure!(vane.is_file(), "{} is missing: {hint}", vane.display());
        }
        ensure!(
            upstream.is_file(),
            "{} is missing: {hint}",
            upstream.display()
        );
        ensure!(nginx_runs(), "nginx is missing: apt-get install nginx");
        ensure!(
            Path::new("/proc/self/stat").exists(),
            "the benchmark reads /proc, which only Linux has"
        );
        Ok(Self {
            vane,
            upstream,
            load,
        })
    }
}

/// Builds the Vane that keeps no books, in a folder of its own: the two must not take each other's
/// place.
pub(crate) fn unledgered() -> Result<PathBuf> {
    let target = release_folder().with_file_name("unledgered");
    let built = Command::new("cargo")
        .current_dir(workspace_root())
        .args([
            "build",
            "--release",
            "-p",
            "vane",
            "--features",
            "unledgered",
        ])
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    ensure!(built.success(), "the build without books: {built}");
    Ok(target.join("release").join("vane"))
}

/// `release` in the target folder that this program was built into, whatever its profile.
fn release_folder() -> PathBuf {
    let built = std::env::current_exe().ok();
    let target = built.as_deref().and_then(|exe| exe.ancestors().nth(2));
    target
        .map_or_else(|| workspace_root().join("target"), Path::to_path_buf)
        .join("release")
}

fn nginx_runs() -> bool {
    let version = Command::new("nginx")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}
