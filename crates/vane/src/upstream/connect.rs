//! Makes a connection to a provider: straight or through a proxy, with or without TLS.
//!
//! Only base URLs of the operator are ever connected to: no address in a request reaches this
//! code.

use crate::config::{Outbound, Timeouts};
use crate::socket::Socket;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;
use tower_service::Service;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: TlsConnector,
    proxies: Arc<Matcher>,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new(timeouts: &Timeouts, outbound: &Outbound) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeouts.connect));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        tcp.enforce_http(false);
        let proxies = Matcher::builder()
            .http(outbound.http_proxy.clone().unwrap_or_default())
            .https(outbound.https_proxy.clone().unwrap_or_default())
            .no(outbound.no_proxy.clone().unwrap_or_default())
            .build();
        let tls = TlsConnector::from(super::tls::client(&outbound.extra_ca)?);
        // The whole of it: name, TCP, proxy and TLS.
        let timeout = timeouts.connect * 2;
        Ok(Self {
            tcp,
            tls,
            proxies: Arc::new(proxies),
            timeout,
        })
    }

    /// Makes a connection to the host of `uri`; the error says what is in the way.
    pub(super) async fn connect(&self, uri: &Uri) -> Result<Stream, String> {
        match tokio::time::timeout(self.timeout, self.clone().make(uri)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(failure)) => Err(innermost(failure.as_ref())),
            Err(_) => Err("no connection within the time limit".to_owned()),
        }
    }

    async fn make(mut self, uri: &Uri) -> Result<Stream, Failure> {
        let secure = uri.scheme_str() == Some("https");
        let proxy = self.proxies.intercept(uri);
        let tcp = match &proxy {
            None => self.tcp.call(uri.clone()).await?,
            Some(proxy) if secure => tunnel(self.tcp, proxy).call(uri.clone()).await?,
            Some(proxy) => self.tcp.call(proxy.uri().clone()).await?,
        };
        let tcp = tcp.into_inner();
        if !secure {
            return Ok(Stream {
                socket: Socket::Plain(tcp),
                proxied: proxy.is_some(),
            });
        }
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let name = ServerName::try_from(host)?;
        let tls = self.tls.connect(name, tcp).await?;
        Ok(Stream {
            socket: Socket::Tls(Box::new(tls.into())),
            proxied: false,
        })
    }
}

/// The cause at the bottom of a chain, which is the one a person can act on.
fn innermost(failure: &(dyn std::error::Error + 'static)) -> String {
    let mut error = failure;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn tunnel(tcp: HttpConnector, proxy: &Intercept) -> Tunnel<HttpConnector> {
    let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
    match proxy.basic_auth() {
        Some(credential) => tunnel.with_auth(credential.clone()),
        None => tunnel,
    }
}

/// A connection to a provider.
pub(super) struct Stream {
    pub(super) socket: Socket,
    /// Requests go to a proxy, which needs the whole address in them.
    pub(super) proxied: bool,
}
