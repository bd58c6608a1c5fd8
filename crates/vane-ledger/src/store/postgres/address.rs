//! Where a PostgreSQL database is, and how far the way to it is trusted.
//!
//! The URL holds a password, so that no part of it is ever repeated: what is shown of it is host,
//! port and database. The modes of `sslmode` mean what they mean to every other client.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::{Tls, Trust};
use crate::error::LedgerError;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const PATIENCE: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(30);

pub(super) struct Address {
    config: Config,
    tls: Tls,
    shown: String,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, LedgerError> {
        let (plain, mode, roots) = take_tls(url)?;
        let (ssl_mode, trust) = match (mode.as_deref(), &roots) {
            (Some("disable"), _) => (SslMode::Disable, Trust::Anyone),
            (None | Some("prefer"), _) => (SslMode::Prefer, Trust::Anyone),
            // As with other clients: who names authorities wants them asked.
            (Some("require"), None) => (SslMode::Require, Trust::Anyone),
            (Some("require" | "verify-ca"), _) => (SslMode::Require, Trust::Authorities),
            (Some("verify-full"), _) => (SslMode::Require, Trust::Host),
            (Some(_), _) => return Err(LedgerError::PostgresAddress),
        };
        let mut config = Config::from_str(&plain).map_err(|_| LedgerError::PostgresAddress)?;
        // A mode that is left was hidden by a character that had to be escaped.
        let hidden = config.get_ssl_mode() != SslMode::Prefer;
        config.ssl_mode(ssl_mode);
        if hidden || config.get_hosts().is_empty() {
            return Err(LedgerError::PostgresAddress);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("vane");
        }
        // After a failover a name may lead to the former primary for a while, where nothing can be
        // written: no connection is better than that one.
        if config.get_target_session_attrs() == TargetSessionAttrs::Any {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        // A server that is gone without a word must be noticed by someone who only waits.
        config.keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        Ok(Self {
            shown: shown(&config),
            tls: Tls::new(trust, roots.as_deref())?,
            config,
        })
    }

    pub(super) fn connect(&self) -> Result<postgres::Client, LedgerError> {
        Ok(self.config.connect(self.tls.clone())?)
    }

    /// What an error may call it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

/// The URL without what is said of TLS, the mode and the file of authorities.
fn take_tls(url: &str) -> Result<(String, Option<String>, Option<PathBuf>), LedgerError> {
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(LedgerError::PostgresAddress);
    }
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value.to_owned()),
            Some(("sslrootcert", value)) => roots = Some(PathBuf::from(plain(value)?)),
            _ => rest.push(pair),
        }
    }
    let mark = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{base}{mark}{}", rest.join("&")), mode, roots))
}

/// Without its %-escapes.
fn plain(text: &str) -> Result<String, LedgerError> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part
            .split_at_checked(2)
            .ok_or(LedgerError::PostgresAddress)?;
        let byte = u8::from_str_radix(digits, 16).map_err(|_| LedgerError::PostgresAddress)?;
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| LedgerError::PostgresAddress)
}

fn shown(config: &Config) -> String {
    let mut hosts = String::new();
    for (n, host) in config.get_hosts().iter().enumerate() {
        let ports = config.get_ports();
        let port = ports.get(n).or(ports.first()).copied().unwrap_or(5432);
        let host = match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        hosts += &format!("{}{host}:{port}", if n == 0 { "" } else { "," });
    }
    let database = config.get_dbname().or(config.get_user());
    format!("{hosts}/{}", database.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_an_address_is_no_secret() {
        for (url, expected) in [
            ("postgres://vane:hunter2@db/books", "db:5432/books"),
            (
                "postgresql://vane:hunter2@db:6000/books?sslmode=require",
                "db:6000/books",
            ),
            (
                "postgres://vane:hunter2@a,b:7/x?application_name=y",
                "a:5432,b:7/x",
            ),
            ("postgres://vane:hunter2@[::1]:7/x", "::1:7/x"),
            (
                "postgres://vane@/x?host=/run/postgresql",
                "/run/postgresql:5432/x",
            ),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.shown(), expected, "{url}");
        }
    }

    #[test]
    fn a_server_is_one_that_can_be_written_to_unless_it_is_said_otherwise() {
        let asked = |query: &str| {
            let address = Address::parse(&format!("postgres://vane@db/books{query}"));
            address.unwrap().config.get_target_session_attrs()
        };
        assert_eq!(asked(""), TargetSessionAttrs::ReadWrite);
        let said = asked("?target_session_attrs=read-only");
        assert_eq!(said, TargetSessionAttrs::ReadOnly);
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_repeated() {
        for url in [
            "postgres:",
            "postgres://vane:hunter2@db:port/x",
            "postgres://vane:hun?ter2@db/x?sslmode=require",
            "postgres://vane:hunter2@db/x?sslmode=sometimes",
            "postgres://vane:hunter2@db/x?hunter2=1",
            "postgres://vane:hunter2@db/x?sslrootcert=%zz",
        ] {
            let message = Address::parse(url).err().expect(url).to_string();
            assert!(
                message.contains("write `postgres://USER"),
                "{url}: {message}"
            );
            assert!(!message.contains("hun"), "{message}");
        }
    }

    #[test]
    fn a_file_of_authorities_that_is_missing_is_named() {
        let url = "postgres://vane:hunter2@db/x?sslmode=verify-full&sslrootcert=%2Fmissing.pem";
        let message = Address::parse(url).err().unwrap().to_string();
        assert!(message.contains("/missing.pem"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}
