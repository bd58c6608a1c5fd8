//! What stands between the load and the upstream: nothing, the proxy, or Vane.
//!
//! Each is started on a configuration of its own that is written for the purpose, with one worker
//! for each core, so that nobody profits from an installation's settings.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::process::{self, Process};
use super::programs::Programs;
use super::workload::{ANTHROPIC_MODEL, OPENAI_MODEL};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Gateway {
    /// Straight to the upstream: the latency that is nobody's fault.
    #[value(skip)]
    Direct,
    Nginx,
    Vane,
}

/// Where a gateway listens, what it leads to, and where its files are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
    pub(crate) upstream_port: u16,
}

impl Gateway {
    /// Starts the gateway and returns before it answers; nothing to start for [`Self::Direct`].
    pub(crate) fn start(self, programs: &Programs, place: Place<'_>) -> Result<Option<Process>> {
        let command = match self {
            Self::Direct => return Ok(None),
            Self::Nginx => {
                let file = place.folder.join("nginx.conf");
                std::fs::write(&file, nginx_conf(place)?)?;
                let mut command = process::command(Path::new("nginx"));
                command.arg("-p").arg(place.folder).arg("-c").arg(file);
                command
            }
            Self::Vane => {
                std::fs::write(place.folder.join("vane.toml"), vane_toml(place))?;
                serve(&programs.vane, place.folder)
            }
        };
        Process::start(command, place.folder.join("gateway.log")).map(Some)
    }

    /// The key that requests carry, made with the gateway's own commands where it checks keys.
    pub(crate) fn key(self, programs: &Programs, place: Place<'_>) -> Result<String> {
        if self != Self::Vane {
            return Ok("sk-unchecked".into());
        }
        std::fs::write(place.folder.join("vane.toml"), vane_toml(place))?;
        let vane = &programs.vane;
        command(
            vane,
            place.folder,
            &["account", "create", "bench", "--json"],
        )?;
        new_key(vane, place.folder, "bench", &[])
    }
}

/// `vane serve` on the configuration in `folder`.
pub(crate) fn serve(vane: &Path, folder: &Path) -> Command {
    let mut command = process::command(vane);
    command.current_dir(folder).arg("serve");
    command.arg("--config").arg(folder.join("vane.toml"));
    command
}

/// Makes a key and returns its text.
pub(crate) fn new_key(
    vane: &Path,
    folder: &Path,
    account: &str,
    options: &[&str],
) -> Result<String> {
    let create = ["key", "create", "--account", account, "--json"];
    let made = command(vane, folder, &[&create, options].concat())?;
    let made: serde_json::Value = serde_json::from_str(&made).context("vane key create")?;
    let key = made["key"].as_str();
    Ok(key.context("`key` in what vane key create prints")?.into())
}

/// Runs one command of Vane to its end, with the configuration in `folder`, and returns what it
/// printed.
pub(crate) fn command(vane: &Path, folder: &Path, arguments: &[&str]) -> Result<String> {
    let run = Command::new(vane)
        .args(arguments)
        .arg("--config")
        .arg(folder.join("vane.toml"))
        .current_dir(folder)
        .output()?;
    let words = [&run.stdout[..], &run.stderr[..]].concat();
    let words = String::from_utf8_lossy(&words);
    ensure!(
        run.status.success(),
        "vane {}: {words}",
        arguments.join(" ")
    );
    Ok(String::from_utf8(run.stdout)?)
}

fn vane_toml(place: Place<'_>) -> String {
    let Place {
        folder,
        port,
        upstream_port,
    } = place;
    let folder = folder.display();
    format!(
        r#"listen = "127.0.0.1:{port}"
database = "sqlite:{folder}/vane.db"

[[provider]]
id = "lab"
dialect = "openai"
base_url = "http://127.0.0.1:{upstream_port}/v1"
models = [{{ id = "{OPENAI_MODEL}", upstream = "bench", input = "1", output = "2" }}]

[[provider]]
id = "anth"
dialect = "anthropic"
base_url = "http://127.0.0.1:{upstream_port}"
models = [{{ id = "{ANTHROPIC_MODEL}", upstream = "bench", input = "1", output = "2" }}]
"#
    )
}

fn nginx_conf(place: Place<'_>) -> Result<String> {
    let Place {
        folder,
        port,
        upstream_port,
    } = place;
    let folder = folder.display();
    let workers = std::thread::available_parallelism()?;
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    Ok(format!(
        "daemon off;
user root;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 32768; }}
http {{
    access_log off;
    client_max_body_size 32m;
    client_body_buffer_size 256k;
    keepalive_requests 1000000000;
{temporary}    upstream backend {{
        server 127.0.0.1:{upstream_port};
        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
        }}
    }}
}}
"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: fn() -> Place<'static> = || Place {
        folder: Path::new("somewhere"),
        port: 4000,
        upstream_port: 5000,
    };

    #[test]
    fn vane_is_configured_in_toml_that_parses() {
        let written: toml::Table = vane_toml(PLACE()).parse().unwrap();
        assert_eq!(written["listen"].as_str(), Some("127.0.0.1:4000"));
        let providers = written["provider"].as_array().unwrap();
        assert_eq!(
            providers[0]["base_url"].as_str(),
            Some("http://127.0.0.1:5000/v1")
        );
        assert_eq!(
            providers[1]["models"][0]["id"].as_str(),
            Some(ANTHROPIC_MODEL)
        );
    }

    #[test]
    fn the_proxy_has_a_worker_for_each_core_and_logs_nothing() {
        let written = nginx_conf(PLACE()).unwrap();
        let cores = std::thread::available_parallelism().unwrap();
        assert!(written.contains(&format!("worker_processes {cores};")));
        assert!(written.contains("access_log off;"));
        assert_eq!(written.matches('{').count(), written.matches('}').count());
    }
}
