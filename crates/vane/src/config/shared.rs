//! `limits.shared`: the server through which replicas share the limits of keys.
//!
//! Its address may hold a password, so it is never repeated, and may be `env:NAME` or `file:PATH`.

use std::time::Duration;

use http::Uri;

use super::read::{Read, duration, integer, text};
use super::secret;
use super::section::Section;
use super::{Secret, SharedLimits, SharedServer};

const REPLICAS_MAX: u64 = 10_000;

impl SharedLimits {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let environment = section.reader.environment;
        let server = section.take("shared", |node| {
            server(&secret::resolve(&text(node)?, environment)?)
        });
        let wait = section.take("shared_wait", duration);
        let replicas = section.take("replicas", integer(1..=REPLICAS_MAX));
        Some(Self {
            server: server?,
            wait: wait.unwrap_or(Duration::from_millis(50)),
            answer: Duration::from_secs(1),
            start: Duration::from_secs(1),
            replicas: replicas
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(1),
        })
    }
}

/// `redis://USER:PASSWORD@HOST:PORT/DATABASE`; only the host must be there.
fn server(said: &str) -> Read<SharedServer> {
    let wrong = || {
        "must be a server such as \"redis://10.0.0.7:6379/0\", perhaps with          `:PASSWORD@` or `USER:PASSWORD@` before the host, or `rediss://` for TLS"
            .to_owned()
    };
    let (scheme, rest) = said.trim().split_once("://").ok_or_else(wrong)?;
    let tls = match scheme {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return Err(wrong()),
    };
    // A password may hold what no URL does; what follows it may not.
    let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let uri: Uri = format!("http://{rest}").parse().map_err(|_| wrong())?;
    let host = uri
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(wrong)?;
    let is_port_wrong = uri
        .authority()
        .is_some_and(|authority| authority.as_str() != host);
    if is_port_wrong && uri.port_u16().is_none() {
        return Err(wrong());
    }
    let database = match uri.path().trim_matches('/') {
        "" => 0,
        digits => digits.parse().map_err(|_| wrong())?,
    };
    if uri.query().is_some() || rest.contains('#') {
        return Err(wrong());
    }
    let (user, password) = match user.split_once(':') {
        Some((user, password)) => (user, password),
        None if user.is_empty() => ("", ""),
        None => return Err(wrong()),
    };
    let decoded = crate::relay::percent_decoded;
    Ok(SharedServer {
        tls,
        host: host.trim_matches(['[', ']']).to_owned(),
        port: uri.port_u16().unwrap_or(6379),
        user: decoded(user),
        password: Some(Secret(decoded(password))).filter(|password| !password.0.is_empty()),
        database,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_with_all_its_parts() {
        let plain = SharedServer {
            tls: false,
            host: "cache".to_owned(),
            port: 6379,
            user: String::new(),
            password: None,
            database: 0,
        };
        let password = |said: &str| Some(Secret(said.to_owned()));
        for (said, expected) in [
            ("redis://cache", plain.clone()),
            ("valkey://cache:6379/", plain.clone()),
            (
                "rediss://:p%40ss@cache:7000/3",
                SharedServer {
                    tls: true,
                    port: 7000,
                    password: password("p@ss"),
                    database: 3,
                    ..plain.clone()
                },
            ),
            (
                "redis://vane:a:b@[::1]",
                SharedServer {
                    host: "::1".to_owned(),
                    user: "vane".to_owned(),
                    password: password("a:b"),
                    ..plain.clone()
                },
            ),
        ] {
            assert_eq!(server(said).as_ref(), Ok(&expected), "{said}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused_and_no_password_repeated() {
        for said in [
            "cache:6379",
            "http://cache",
            "redis://",
            "redis://:canary@",
            "redis://canary@cache",
            "redis://:canary@cache/first",
            "redis://:canary@cache?db=1",
            "redis://:canary@cache:99999",
        ] {
            let refused = server(said).unwrap_err();
            assert!(!refused.contains("canary"), "{refused}");
        }
    }
}
