//! Makes a connection to a provider: straight or through a proxy, with or without TLS.
//!
//! Only base URLs of the operator are ever connected to: no address in a request reaches this
//! code.

use super::names::Names;
use super::pool::Unsent;
use crate::config::{Outbound, Timeouts};
use crate::local::{self, Fleet};
use crate::socket::Socket;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustix::io::Errno;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;
use tower_service::Service;

#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<Names>,
    tls: TlsConnector,
    proxies: Arc<Matcher>,
    timeout: Duration,
    local: Arc<Fleet>,
}

impl Connector {
    pub(super) fn new(
        timeouts: &Timeouts,
        outbound: &Outbound,
        local: Arc<Fleet>,
    ) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new_with_resolver(Names::default());
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeouts.connect));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        tcp.enforce_http(false);
        let no = outbound.no_proxy.clone().unwrap_or_default();
        // The matcher takes a star for names only.
        let none = no.split(',').any(|host| host.trim() == "*");
        let proxy = |url: &Option<String>| url.clone().filter(|_| !none).unwrap_or_default();
        let proxies = Matcher::builder()
            .http(proxy(&outbound.http_proxy))
            .https(proxy(&outbound.https_proxy))
            .no(no)
            .build();
        let tls = TlsConnector::from(super::tls::client(&outbound.extra_ca)?);
        // The whole of it: name, TCP, proxy and TLS.
        let timeout = timeouts.connect * 2;
        Ok(Self {
            tcp,
            tls,
            proxies: Arc::new(proxies),
            timeout,
            local,
        })
    }

    /// The process that runs a model of this machine now.
    pub(super) fn process_of(&self, model: &str) -> Option<u32> {
        self.local.process_of(model)
    }

    /// Makes a connection to the host of `uri`; the error says what is in the way.
    pub(super) async fn connect(&self, uri: &Uri) -> Result<Stream, Unsent> {
        if uri.scheme_str() == Some(local::SCHEME) {
            let unix = self.local.connect(uri.host().unwrap_or_default()).await;
            let (unix, process) = unix.map_err(Unsent::Unreachable)?;
            return Ok(Stream {
                socket: Socket::Unix(unix),
                via: None,
                process: Some(process),
            });
        }
        let proxy = self.proxies.intercept(uri);
        let via = proxy.as_ref().map(Via::new);
        let made = self.clone().make(uri, proxy, via.clone());
        match (tokio::time::timeout(self.timeout, made).await, via) {
            (Ok(made), _) => made,
            (Err(_), None) => Err(Unsent::Unreachable(
                "no connection within the time limit".to_owned(),
            )),
            (Err(_), Some(via)) => Err(Unsent::Unreachable(format!(
                "no connection through the proxy {} within the time limit",
                via.name
            ))),
        }
    }

    async fn make(
        mut self,
        uri: &Uri,
        proxy: Option<Intercept>,
        via: Option<Via>,
    ) -> Result<Stream, Unsent> {
        let secure = uri.scheme_str() == Some("https");
        let tcp = match &proxy {
            None => self.tcp.call(uri.clone()).await.map_err(unmade),
            Some(proxy) if secure => {
                let tunnel = tunnel(self.tcp, proxy).call(uri.clone()).await;
                tunnel.map_err(unmade)
            }
            Some(proxy) => self.tcp.call(proxy.uri().clone()).await.map_err(unmade),
        };
        let tcp = match (tcp, &via) {
            (Ok(tcp), _) => tcp.into_inner(),
            (Err(Unsent::Unreachable(why)), Some(via)) => {
                let why = format!("the proxy {}: {why}", via.name);
                return Err(Unsent::Unreachable(why));
            }
            (Err(why), _) => return Err(why),
        };
        if !secure {
            let socket = Socket::Plain(tcp);
            return Ok(Stream {
                socket,
                via,
                process: None,
            });
        }
        let host = uri.host().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(unmade)?;
        let tls = self.tls.connect(name, tcp).await.map_err(unmade)?;
        let socket = Socket::Tls(Box::new(tls.into()));
        Ok(Stream {
            socket,
            via: None,
            process: None,
        })
    }
}

/// A proxy that requests are given to, rather than one that a tunnel goes through.
#[derive(Clone)]
pub struct Via {
    /// Its host and port.
    pub name: Arc<str>,
    pub(super) credential: Option<HeaderValue>,
}

impl Via {
    fn new(proxy: &Intercept) -> Self {
        let authority = proxy.uri().authority();
        Self {
            name: authority.map_or("", |authority| authority.as_str()).into(),
            credential: proxy.basic_auth().cloned(),
        }
    }
}

/// By the cause at the bottom of a chain, which is the one a person can act on.
fn unmade(failure: impl std::error::Error + 'static) -> Unsent {
    let mut error: &dyn std::error::Error = &failure;
    while let Some(source) = error.source() {
        error = source;
    }
    let why = error.to_string();
    match error.downcast_ref().is_some_and(is_ours) {
        true => Unsent::Exhausted(why),
        false => Unsent::Unreachable(why),
    }
}

/// Whether it is this machine that has no more of what a connection takes: descriptors, ports,
/// memory, threads that look names up. No upstream can help it.
fn is_ours(error: &io::Error) -> bool {
    const OURS: [Errno; 6] = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::ADDRNOTAVAIL,
        Errno::AGAIN,
        Errno::NOBUFS,
        Errno::NOMEM,
    ];
    Errno::from_io_error(error).is_some_and(|errno| OURS.contains(&errno))
}

fn tunnel(tcp: HttpConnector<Names>, proxy: &Intercept) -> Tunnel<HttpConnector<Names>> {
    let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
    match proxy.basic_auth() {
        Some(credential) => tunnel.with_auth(credential.clone()),
        None => tunnel,
    }
}

/// A connection to a provider.
pub(super) struct Stream {
    pub(super) socket: Socket,
    /// The proxy that requests go to, which needs the whole address in them.
    pub(super) via: Option<Via>,
    /// The child that it leads to, if one does.
    pub(super) process: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_no_fault_of_an_upstream() {
        let check = |errno: Errno, ours: bool| {
            let unsent = unmade(Chained(errno.into()));
            assert_eq!(matches!(unsent, Unsent::Exhausted(_)), ours, "{unsent}");
        };
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::ADDRNOTAVAIL,
            Errno::AGAIN,
        ] {
            check(errno, true);
        }
        for errno in [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::TIMEDOUT] {
            check(errno, false);
        }
    }

    /// As a connector tells it.
    #[derive(Debug, thiserror::Error)]
    #[error("tcp connect error")]
    struct Chained(#[source] io::Error);
}
