//! A configuration is read or every fault of it is told; nothing in it ends the process.
//!
//! The text is TOML; what follows a line of dashes is variables, one `NAME=value` to a line.

use vane::config::{Config, Environment};

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
