//! The site: the address that its pages name, and currencies beside the dollar.
//!
//! Invariant: what pages say about where this server is comes from here and never from a
//! request, whose `Host` anyone can write.

use std::net::{Ipv6Addr, SocketAddr};

use vane_catalog::Factor;

use super::node::{Node, Value};
use super::read::{Read, text};
use super::section::Section;
use super::{Config, Currency, Site};

const CURRENCIES_MAX: usize = 8;

impl Site {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let site = Self {
            url: section.take("url", origin),
            currencies: section
                .take_from_file("currencies", currencies)
                .unwrap_or_default(),
        };
        section.finish();
        site
    }
}

impl Config {
    /// The address of this server as others reach it, without a path: `site.url`, or the first of
    /// `hosts`, or the address it listens at.
    #[must_use]
    pub fn origin(&self) -> String {
        if let Some(url) = &self.site.url {
            return url.clone();
        }
        let (scheme, usual) = match self.tls {
            Some(_) => ("https", 443),
            None => ("http", 80),
        };
        let host = self.hosts.first().cloned();
        let host = host.unwrap_or_else(|| reachable(self.listen));
        match self.listen.port() {
            port if port == usual => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// A host at which this address is reached from this machine.
fn reachable(listen: SocketAddr) -> String {
    match listen {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => "localhost".to_owned(),
        SocketAddr::V6(v6) if *v6.ip() == Ipv6Addr::UNSPECIFIED => "localhost".to_owned(),
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

fn origin(node: &Node) -> Read<String> {
    let said = text(node)?;
    let rest = said.trim_end_matches('/');
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| rest.strip_prefix(scheme));
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    match host {
        Some(host) if !host.is_empty() && host.chars().all(plain) => Ok(rest.to_owned()),
        _ => Err("must be an address without a path, such as \"https://vane.example.com\"".into()),
    }
}

/// `{ EUR = "0.92" }`: how much of each a dollar is.
fn currencies(node: &Node) -> Read<Vec<Currency>> {
    let Value::Table(table) = &node.value else {
        return Err("must be a table such as { EUR = \"0.92\" }".to_owned());
    };
    if table.len() > CURRENCIES_MAX {
        return Err(format!("has more than {CURRENCIES_MAX} currencies"));
    }
    let read = |(code, (_, node)): (&String, &(_, Node))| {
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let factor = Factor::parse(&text(node)?).ok();
        match factor.filter(|factor| is_code && factor.to_string() != "0") {
            Some(per_usd) => Ok(Currency {
                code: code.clone(),
                per_usd,
            }),
            None => Err(format!(
                "has `{code}`: it takes three capitals and what a dollar is of it, such as EUR = \"0.92\""
            )),
        }
    };
    table.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{good, problems};

    #[test]
    fn s12_the_address_of_pages_comes_from_the_configuration() {
        for (text, origin) in [
            ("", "http://127.0.0.1:8787"),
            ("listen = \"127.0.0.1:80\"", "http://127.0.0.1"),
            ("listen = \"[::1]:8080\"", "http://[::1]:8080"),
            (
                "hosts = [\"vane.example.com\"]",
                "http://vane.example.com:8787",
            ),
            (
                "hosts = [\"vane.example.com\"]\n[site]\nurl = \"https://vane.example.com/\"",
                "https://vane.example.com",
            ),
        ] {
            assert_eq!(good("origin", text, &[]).origin(), origin, "{text}");
        }
        let set = [("VANE_SITE_URL", "https://a.example")];
        assert_eq!(good("origin", "", &set).origin(), "https://a.example");
    }

    #[test]
    fn what_is_no_address_or_currency_is_named() {
        for (text, named) in [
            ("[site]\nurl = \"vane.example.com\"", "site.url"),
            ("[site]\nurl = \"https://a.example/path\"", "site.url"),
            ("[site]\nurl = \"https://a.example\\\"\"", "site.url"),
            ("[site.currencies]\neuro = \"0.9\"", "site.currencies"),
            ("[site.currencies]\nEUR = \"0\"", "site.currencies"),
            ("[site.currencies]\nEUR = 0.9", "site.currencies"),
            ("[site]\nname = \"x\"", "site.name"),
        ] {
            let found = problems("site", text, &[]);
            assert!(
                found.len() == 1 && found[0].contains(named),
                "{text}: {found:?}"
            );
        }
        let config = good("site", "[site.currencies]\nEUR = \"0.92\"", &[]);
        assert_eq!(config.site.currencies[0].code, "EUR");
        assert_eq!(config.site.currencies[0].per_usd.to_string(), "0.92");
    }
}
