//! A fake of Stripe: Checkout Sessions, and events signed and delivered as its documentation says.
//!
//! It refuses what Stripe refuses, answers an idempotency key as it did before, and delivers an
//! event until it is taken, signing each try anew. What happens to a payment is a method here and
//! makes the body of an event; when, how often and in which order it is delivered is the test's.

mod events;
mod payer;
mod sessions;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::{self, Request};

pub use sessions::Session;

/// A running fake; dropping it closes everything.
#[derive(Debug)]
pub struct FakeStripe {
    address: SocketAddr,
    webhook_secret: String,
    state: Shared,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    secret_key: String,
    requests: Vec<Request>,
    sessions: Vec<Session>,
    /// Answers this status to all that is asked.
    refuses: Option<u16>,
    events: usize,
}

type Shared = Arc<Mutex<State>>;

impl FakeStripe {
    /// Starts on a free loopback port, for this key and endpoint.
    pub async fn start(secret_key: &str, webhook_secret: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Shared::default();
        lock(&state).secret_key = secret_key.to_owned();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                // What goes wrong on a connection is its client's test to notice.
                connections.spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Ok(Self {
            address,
            webhook_secret: webhook_secret.to_owned(),
            state,
            task,
        })
    }

    /// What takes the place of `https://api.stripe.com`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        lock(&self.state).sessions.clone()
    }

    /// Answers this status from now on.
    pub fn refuse(&self, status: u16) {
        lock(&self.state).refuses = Some(status);
    }

    /// The header that proves a body sent at that second.
    #[must_use]
    pub fn sign(&self, body: &str, at: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.webhook_secret.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
        let hex = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
        format!("t={at},v1={}", hex.collect::<String>())
    }

    /// Delivers an event once. Says the status of the answer.
    pub async fn deliver(&self, to: SocketAddr, body: &str, at: i64) -> Result<u16> {
        let head = format!(
            "POST /webhooks/stripe HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json; \
             charset=utf-8\r\nuser-agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
             stripe-signature: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.sign(body, at),
            body.len()
        );
        let mut socket = TcpStream::connect(to).await?;
        socket.write_all(head.as_bytes()).await?;
        socket.write_all(body.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await?;
        let status = answer.get(9..12).context("the answer has no status")?;
        Ok(std::str::from_utf8(status)?.parse()?)
    }

    /// Delivers an event until it is taken, at most so often. Says how often it was sent.
    pub async fn deliver_until_taken(
        &self,
        to: SocketAddr,
        body: &str,
        at: i64,
        tries: usize,
    ) -> Result<usize> {
        for n in 1..=tries {
            if (200..300).contains(&self.deliver(to, body, at).await?) {
                return Ok(n);
            }
        }
        anyhow::bail!("it was not taken in {tries} tries")
    }
}

impl Drop for FakeStripe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut client: TcpStream, state: Shared) -> Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(request) = http::read(&mut client, &mut buffer).await? {
        let (status, body) = sessions::answer(&mut lock(&state), &request);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).await?;
        client.write_all(body.as_bytes()).await?;
    }
    Ok(())
}
