//! A configuration is read or every fault of it is told; nothing in it ends the process.
//!
//! The text is TOML; what follows a line of dashes is variables, one `NAME=value` to a line.

use std::sync::LazyLock;

use vane::config::{Config, Environment};
use vane::import::litellm::configuration;
use vane_catalog::Catalog;

const SHOWN: &str = "vane.toml";

pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // A secret may be a file, and a file may be a device that never ends.
    if text.contains("/dev/") || text.contains("/proc/") {
        return;
    }
    let (file, variables) = text.split_once("\n---\n").unwrap_or((&text, ""));
    let environment: Environment = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let reading = Config::read_text(SHOWN, file, &environment);
    assert_eq!(
        reading.config.is_some(),
        reading.problems.is_empty(),
        "a configuration with problems, or none without: {:?}",
        reading.problems
    );
    let told = |reading: &vane::config::Reading| -> Vec<String> {
        let problems = reading.problems.iter().map(ToString::to_string);
        let warnings = reading.warnings.iter().map(ToString::to_string);
        problems.chain(warnings).collect()
    };
    for line in told(&reading) {
        assert!(!line.trim().is_empty(), "a problem that says nothing");
    }
    let again = Config::read_text(SHOWN, file, &environment);
    assert_eq!(
        told(&reading),
        told(&again),
        "told otherwise the second time"
    );
    if let Some(config) = reading.config {
        assert!(
            config.auth || config.listen.ip().is_loopback(),
            "an open relay"
        );
    }
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| match Catalog::embedded() {
    Ok(catalog) => catalog,
    Err(faults) => panic!("the embedded catalogue does not load: {faults:?}"),
});

/// A configuration of LiteLLM's is refused, or becomes one of ours that loads.
pub fn litellm(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(imported) = configuration(&text, &CATALOG) else {
        return;
    };
    let value = |name: &str| match name.ends_with("_BASE_URL") {
        true => "https://a.example/v1",
        false => "k",
    };
    let variables = imported.variables.iter();
    let environment: Environment = variables
        .map(|variable| (variable.name.as_str(), value(&variable.name)))
        .collect();
    let reading = Config::read_text(SHOWN, &imported.configuration, &environment);
    assert_eq!(reading.problems, [], "{}", imported.configuration);
}
