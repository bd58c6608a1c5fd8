//! The text of the `vane.toml`.

use std::fmt::Write as _;

use vane_catalog::{Auth, Provider};
use vane_dialect::quirk::Quirk;

use super::deployment::Deployment;
use super::report::{Report, Why};
use super::server::{Row, Server, Servers};
use super::settings::Settings;
use super::target::Base;
use super::words::{Said, is_variable};
use crate::config::variable_name;

const HEAD: &str = "# Made by `vane import litellm`; `vane check` says whether it holds.\n";

pub(super) fn toml(servers: &Servers<'_>, settings: &Settings, report: &mut Report) -> String {
    let mut out = HEAD.to_owned();
    for server in &servers.servers {
        provider(&mut out, server, servers, report);
    }
    unasked(&mut out, servers, report);
    let line = |name: &str, value: Option<u64>, unit: &str| {
        value.map_or(String::new(), |value| match unit {
            "" => format!("{name} = {value}\n"),
            unit => format!("{name} = \"{value}{unit}\"\n"),
        })
    };
    let attempts = settings.attempts_per_offer;
    let tables = [
        (
            "retries",
            line("per_offer_max", attempts, "")
                + &line("attempts_max", attempts.map(|n| n.max(4)), ""),
        ),
        (
            "timeouts",
            line("upstream_head", settings.upstream_head_seconds, "s"),
        ),
        ("limits", line("body_bytes_max", settings.body_mib, "MiB")),
    ];
    for (table, lines) in tables.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = write!(out, "\n[{table}]\n{lines}");
    }
    out
}

fn provider(out: &mut String, server: &Server, servers: &Servers<'_>, report: &mut Report) {
    let provider = server.provider.as_deref();
    let known = provider.and_then(|id| servers.catalog.provider(id));
    let known = known.map(AsRef::as_ref);
    let _ = writeln!(out, "\n[[provider]]\nid = {}", quoted(&server.id));
    dialect(out, server, known);
    base_url(out, server, known, report);
    if let Some(variable) = credential(server, servers, report) {
        let _ = writeln!(out, "api_key = {}", quoted(&format!("env:{variable}")));
    }
    if !server.headers.is_empty() {
        let pairs = server.headers.iter().map(|(name, variable)| {
            format!("{} = {}", quoted(name), quoted(&format!("env:{variable}")))
        });
        let _ = writeln!(
            out,
            "headers = {{ {} }}",
            pairs.collect::<Vec<_>>().join(", ")
        );
    }
    if let Some(only) = server.only(servers.catalog) {
        let only: Vec<String> = only.into_iter().map(quoted).collect();
        let _ = writeln!(out, "only = [{}]", only.join(", "));
    }
    models(out, server, servers, report);
}

/// Providers that the variables of others switch on, and that nothing was asked of.
fn unasked(out: &mut String, servers: &Servers<'_>, report: &Report) {
    let is_set = |provider: &Provider| {
        let mut variables = provider.key_env.iter();
        variables.any(|variable| report.has_variable(variable))
    };
    let is_written = |id: &str| servers.servers.iter().any(|server| server.id == id);
    let providers = servers.catalog.providers().iter().map(AsRef::as_ref);
    for provider in providers.filter(|row: &&Provider| row.is_callable() && is_set(row)) {
        if provider.base_url.is_some() && !is_written(&provider.id) {
            let id = quoted(&provider.id);
            let _ = writeln!(out, "\n[[provider]]\nid = {id}\nonly = []");
        }
    }
}

/// What the catalogue says of a provider by its id, and of another server of it only if told.
fn dialect(out: &mut String, server: &Server, known: Option<&Provider>) {
    match (known, server.is_catalogues()) {
        (_, true) => {}
        (None, false) => out.push_str("dialect = \"openai\"\n"),
        (Some(row), false) => {
            let paths = row
                .speaks
                .iter()
                .map(|(dialect, path)| format!("{} = {}", dialect.name(), quoted(path)));
            let _ = writeln!(
                out,
                "speaks = {{ {} }}",
                paths.collect::<Vec<_>>().join(", ")
            );
            let _ = writeln!(
                out,
                "auth = {}",
                quoted(match row.auth {
                    Auth::Bearer => "bearer",
                    Auth::XApiKey => "x-api-key",
                    Auth::ApiKey => "api-key",
                    Auth::None => "none",
                })
            );
            let quirks = Quirk::ALL.iter().filter(|quirk| row.quirks.has(**quirk));
            let quirks: Vec<String> = quirks.map(|quirk| quoted(quirk.name())).collect();
            if !quirks.is_empty() {
                let _ = writeln!(out, "quirks = [{}]", quirks.join(", "));
            }
        }
    }
}

fn base_url(out: &mut String, server: &Server, known: Option<&Provider>, report: &mut Report) {
    match &server.base_url {
        Base::Url(url) => {
            let _ = writeln!(out, "base_url = {}", quoted(url));
        }
        Base::Variable(name) => {
            let ours = variable_name(&format!("{}.base_url", server.id));
            let v1 = if server.provider.as_deref() == Some("azure") {
                " with /openai/v1 behind it"
            } else {
                ""
            };
            let _ = writeln!(out, "# base_url: {ours}");
            report.needs(
                &ours,
                format!("the address that {name} holds for LiteLLM{v1}"),
            );
        }
        Base::Usual => {
            if let Some(url) = known
                .filter(|_| !server.is_catalogues())
                .and_then(|row| row.base_url.as_ref())
            {
                let _ = writeln!(out, "base_url = {}", quoted(url));
            }
        }
    }
}

/// The variable that holds the server's key, told to whoever must set it.
fn credential(server: &Server, servers: &Servers<'_>, report: &mut Report) -> Option<String> {
    let known = server
        .provider
        .as_deref()
        .and_then(|id| servers.catalog.provider(id));
    let usual = known
        .and_then(|row| row.key_env.first())
        .map(ToString::to_string);
    let own = || variable_name(&format!("{}.api_key", server.id));
    let first = server.deployments.first();
    let (variable, what) = match &server.key {
        Said::Variable(name) if is_variable(name) => (name.clone(), "as LiteLLM has it"),
        Said::Nothing if known.is_none_or(|row| row.auth == Auth::None) => return None,
        Said::Nothing => (
            usual.unwrap_or_else(own),
            "the key, which the file does not name",
        ),
        Said::Variable(_) | Said::Literal(_) => {
            let usual = usual.filter(|_| server.is_catalogues());
            let variable = usual.unwrap_or_else(own);
            if let Some(deployment) = first {
                let what = format!("put the key into {variable}");
                let place = format!("{}.litellm_params.api_key", deployment.place);
                report.left(Why::Secret, deployment.line, place, what);
            }
            (variable, "the key that stands in the file")
        }
    };
    report.needs(&variable, what);
    Some(variable)
}

fn models(out: &mut String, server: &Server, servers: &Servers<'_>, report: &mut Report) {
    let mut rows = String::new();
    for deployment in server
        .deployments
        .iter()
        .filter(|one| !one.is_every_model())
    {
        let Some(row) = server.row(deployment, servers.catalog) else {
            continue;
        };
        let text = row_text(deployment, &row);
        match &row.left {
            None => {
                let _ = writeln!(rows, "  {text},");
            }
            Some((why, what)) => {
                // A comment ends with its line, whatever the file says.
                let what = what.replace(char::is_control, " ");
                let _ = writeln!(rows, "  # {text},  # {what}");
                let what = format!("{}: {what}", deployment.name);
                report.left(*why, deployment.line, &deployment.place, what);
            }
        }
    }
    if !rows.is_empty() {
        let _ = write!(out, "models = [\n{rows}]\n");
    }
}

fn row_text(deployment: &Deployment, row: &Row) -> String {
    let mut parts = vec![format!("id = {}", quoted(&deployment.name))];
    let texts = [("upstream", &row.upstream), ("like", &row.like)];
    let said = texts
        .iter()
        .filter_map(|(key, text)| Some((*key, text.as_deref()?)));
    let rates = row.rates.iter().map(|(key, rate)| (*key, rate.as_str()));
    parts.extend(
        said.chain(rates)
            .map(|(key, text)| format!("{key} = {}", quoted(text))),
    );
    parts.extend(row.flags.iter().map(|flag| format!("{flag} = true")));
    parts.extend(
        row.counts
            .iter()
            .map(|(key, count)| format!("{key} = {count}")),
    );
    format!("{{ {} }}", parts.join(", "))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
