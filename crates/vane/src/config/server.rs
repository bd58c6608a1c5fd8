//! Where the server listens and whom it believes: the values at the root of the file, and `tls`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use vane_ledger::Store;
use vane_ledger::journal::Durability;

use super::nearest::did_you_mean;
use super::node::Node;
use super::read::{Read, boolean, count, list, one_of, parsed, text};
use super::section::Section;
use super::{Config, Network, Secret, Tls, secret};
use crate::server::certificate;

const WORKERS_MAX: u32 = 1_024;
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
const SQLITE: &str = "sqlite:";
const DURABILITIES: [(&str, Durability); 2] =
    [("crash", Durability::Crash), ("power", Durability::Power)];

pub(super) struct Server {
    pub(super) listen: SocketAddr,
    pub(super) database: Secret,
    pub(super) durability: Durability,
    pub(super) journal: Option<PathBuf>,
    pub(super) secret: Option<Secret>,
    pub(super) auth: bool,
    pub(super) tls: Option<Tls>,
    pub(super) workers: usize,
    pub(super) trusted_proxies: Vec<Network>,
    pub(super) hosts: Vec<String>,
    pub(super) metrics_public: bool,
    pub(super) log: String,
}

impl Server {
    pub(super) fn read(root: &mut Section<'_>) -> Self {
        let address = "an address and port such as \"127.0.0.1:8787\"";
        let listen = root.take("listen", parsed(address));
        // `::ffff:127.0.0.1` is loopback, whoever asks.
        let listen =
            listen.map(|said: SocketAddr| SocketAddr::new(said.ip().to_canonical(), said.port()));
        let workers = root.take("workers", count(WORKERS_MAX));
        let server = Self {
            listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8787))),
            database: database(root).unwrap_or_else(|| Secret("sqlite:vane.db".to_owned())),
            durability: root
                .take("durability", one_of(&DURABILITIES))
                .unwrap_or(Durability::Crash),
            journal: root.take("journal", text).map(PathBuf::from),
            secret: server_secret(root),
            auth: root
                .take("auth", one_of(&[("on", true), ("off", false)]))
                .unwrap_or(true),
            tls: tls(root.section("tls")),
            workers: workers.unwrap_or_else(cores),
            trusted_proxies: root
                .take("trusted_proxies", list(network))
                .unwrap_or_default(),
            hosts: root.take("hosts", list(host)).unwrap_or_default(),
            metrics_public: root.take("metrics_public", boolean).unwrap_or(false),
            log: root.take("log", log_filter).unwrap_or("info".to_owned()),
        };
        server.check_exposure(root);
        server
    }

    /// Whether only this machine is meant to reach the server: no proxy hands strangers on to it.
    pub(super) fn is_for_one_machine(&self) -> bool {
        self.listen.ip().is_loopback() && self.hosts.is_empty() && self.trusted_proxies.is_empty()
    }

    /// Beyond loopback, a gateway that anyone may use or whose keys anyone may forge is refused.
    fn check_exposure(&self, root: &Section<'_>) {
        if self.listen.ip().is_loopback() {
            return;
        }
        if !self.auth {
            let what = "may be \"off\" only while `listen` is a loopback address: \
                        anyone who reaches this one could spend";
            root.problem("auth", what);
        }
        if self.secret.is_none() && !self.secret_file().is_some_and(|path| path.exists()) {
            let what = "is missing, and `listen` is not a loopback address: \
                        put the output of `openssl rand -hex 32` into VANE_SECRET, \
                        or into vane.secret beside the database, with PostgreSQL in the working \
                        directory (mode 600)";
            root.problem("secret", what);
        }
    }

    fn secret_file(&self) -> Option<PathBuf> {
        const NAME: &str = "vane.secret";
        if !self.database.0.starts_with(SQLITE) {
            return Some(PathBuf::from(NAME));
        }
        database_file(&self.database.0).map(|path| path.with_file_name(NAME))
    }
}

impl Config {
    /// The file of the database, which need not be there; none of one in memory or at a server.
    #[must_use]
    pub fn database_file(&self) -> Option<&Path> {
        database_file(&self.database.0)
    }
}

pub(super) fn database_file(url: &str) -> Option<&Path> {
    let rest = url.strip_prefix(SQLITE)?;
    match rest.strip_prefix("//").unwrap_or(rest) {
        ":memory:" => None,
        path => Some(Path::new(path)),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The address is not repeated: one of PostgreSQL holds a password.
fn database(root: &mut Section<'_>) -> Option<Secret> {
    let reader = root.reader;
    root.take("database", |node| {
        let said = secret::resolve(&text(node)?, reader.environment)?;
        if Store::understands(&said) {
            Ok(Secret(said))
        } else {
            let what = "must be `sqlite:PATH`, such as \"sqlite:vane.db\", or \
                        `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, perhaps with \
                        `?sslmode=verify-full`; a file of `sslrootcert` must be there";
            Err(what.to_owned())
        }
    })
}

fn server_secret(root: &mut Section<'_>) -> Option<Secret> {
    let secret = secret::take(root, "secret")?;
    if vane_ledger::Secret::from_hex(&secret.0, "secret").is_err() {
        let what = "must be 64 hexadecimal digits; `openssl rand -hex 32` makes some";
        root.problem("secret", what);
        return None;
    }
    Some(secret)
}

fn tls(mut section: Section<'_>) -> Option<Tls> {
    let (has_cert, has_key) = (section.has("cert"), section.has("key"));
    let cert = section.take("cert", file);
    let key = section.take("key", file);
    if has_cert != has_key {
        let missing = if has_cert { "key" } else { "cert" };
        section.problem(missing, "is missing: TLS needs `cert` and `key`");
    }
    let tls = cert.zip(key).map(|(cert, key)| Tls { cert, key });
    if let Some(Err(flaw)) = tls.as_ref().map(certificate::load) {
        section.problem(flaw.key, flaw.why);
    }
    section.finish();
    tls
}

/// A file that is there. A relative path starts at the working directory.
pub(super) fn file(node: &Node) -> Read<PathBuf> {
    let path = PathBuf::from(text(node)?);
    if path.is_file() {
        Ok(path)
    } else {
        Err("names a file that is not there".to_owned())
    }
}

fn network(node: &Node) -> Read<Network> {
    let said = text(node)?;
    let (address, prefix) = said
        .split_once('/')
        .map_or((said.as_str(), None), |(address, prefix)| {
            (address, Some(prefix))
        });
    let wrong = || "must be addresses or ranges such as \"10.0.0.0/8\"".to_owned();
    let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Ok(whole), |prefix| {
        prefix.trim().parse().map_err(|_| wrong())
    })?;
    if prefix > whole {
        return Err(wrong());
    }
    Ok(canonical(address, prefix))
}

/// A range of IPv4 that is written as IPv6 is one of IPv4, as the addresses are that it holds.
fn canonical(address: IpAddr, prefix: u8) -> Network {
    const MAPPED: u8 = 96;
    match (address.to_canonical(), prefix.checked_sub(MAPPED)) {
        (v4 @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => Network {
            address: v4,
            prefix,
        },
        _ => Network { address, prefix },
    }
}

fn host(node: &Node) -> Read<String> {
    let said = text(node)?.trim().to_ascii_lowercase();
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !said.is_empty() && said.chars().all(letter) {
        Ok(said)
    } else {
        Err(
            "must be host names alone, such as \"vane.example.com\"; addresses and localhost \
             are always answered"
                .to_owned(),
        )
    }
}

/// A level, or a level for each module, as `tracing` reads them.
fn log_filter(node: &Node) -> Read<String> {
    const WANTED: &str = "must be a level such as `info`, or `info,vane::upstream=debug`";
    let filter = text(node)?;
    if filter
        .parse::<tracing_subscriber::filter::Targets>()
        .is_err()
    {
        return Err(WANTED.to_owned());
    }
    // A word alone that is no level is a module, and silences all others.
    let is_level = |word: &str| {
        word.parse::<tracing_subscriber::filter::LevelFilter>()
            .is_ok()
    };
    let mut alone = filter
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty() && !word.contains('='));
    let slip = alone.find(|word| !word.starts_with("vane") && !is_level(word));
    match slip {
        Some(word) => Err(format!("{WANTED}{}", did_you_mean(word, LEVELS))),
        None => Ok(filter),
    }
}
