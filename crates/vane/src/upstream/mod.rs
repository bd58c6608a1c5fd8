//! Providers as this process reaches them: addresses, credentials, connections, health.

mod breaker;
mod connect;
mod offer;
mod parts;
mod provider;
mod tls;

pub use breaker::{Breaker, Standing};
pub use connect::Connector;
pub use offer::{Offer, Offers, Tally};
pub use parts::Parts;
pub use provider::Provider;

use crate::config::{Config, Outbound, Timeouts};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;

/// The connections of one worker thread to every provider.
#[derive(Clone)]
pub struct Pool {
    /// HTTP/1.1, or HTTP/2 where TLS agrees on it.
    any: Client<Connector, Parts>,
    /// HTTP/2 without TLS, for providers that the configuration says so of.
    h2c: Client<Connector, Parts>,
}

/// How long an unused connection is kept: less than the minute after which common servers close
/// theirs, so that a call seldom meets a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(55);

impl Pool {
    /// # Errors
    /// If a certificate authority's file cannot be read.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let connector = connector(&config.timeouts, &config.outbound)?;
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE);
        let any = builder.build(connector.clone());
        let h2c = builder.http2_only(true).build(connector);
        Ok(Self { any, h2c })
    }

    /// Sends a request; resolves with the head of its answer.
    ///
    /// # Errors
    /// If no connection could be made, or it broke before the head.
    pub async fn send(
        &self,
        request: http::Request<Parts>,
        h2c: bool,
    ) -> Result<http::Response<hyper::body::Incoming>, hyper_util::client::legacy::Error> {
        if h2c {
            self.h2c.request(request).await
        } else {
            self.any.request(request).await
        }
    }
}

fn connector(timeouts: &Timeouts, outbound: &Outbound) -> anyhow::Result<Connector> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeouts.connect));
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    tcp.enforce_http(false);
    Connector::new(
        tcp,
        tls::client(&outbound.extra_ca)?,
        outbound,
        timeouts.connect,
    )
}
