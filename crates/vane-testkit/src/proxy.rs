//! A forward proxy that remembers what it was shown: tunnels by CONNECT, and requests with whole
//! addresses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream, tcp::OwnedWriteHalf};
use tokio::task::{JoinHandle, JoinSet};

use crate::http::{self, Request};

/// What a proxy does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Forward,
    /// Answers this status itself.
    Refuse(u16),
    /// Reads, and says nothing.
    Hang,
}

/// A running proxy; dropping it closes everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Request>,
    tunnelled: Vec<u8>,
}

type Shared = Arc<Mutex<Seen>>;

impl Proxy {
    /// Starts on a free loopback port.
    pub async fn start(role: Role) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Shared::default();
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                // What goes wrong on a connection is its client's test to notice.
                connections.spawn(serve(socket, role, Arc::clone(&shared)));
            }
        });
        Ok(Self {
            address,
            seen,
            task,
        })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that it was given itself; the path is the target as it came.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.seen).requests.clone()
    }

    /// Everything that clients sent through tunnels.
    #[must_use]
    pub fn tunnelled(&self) -> Vec<u8> {
        lock(&self.seen).tunnelled.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut client: TcpStream, role: Role, seen: Shared) -> Result<()> {
    let mut buffer = BytesMut::new();
    let Some(request) = http::read(&mut client, &mut buffer).await? else {
        return Ok(());
    };
    lock(&seen).requests.push(request.clone());
    match role {
        Role::Hang => std::future::pending().await,
        Role::Refuse(status) => {
            let refusal = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
            Ok(client.write_all(refusal.as_bytes()).await?)
        }
        Role::Forward if request.method == "CONNECT" => tunnel(client, &request.path, &seen).await,
        Role::Forward => forward(client, request, buffer, &seen).await,
    }
}

async fn tunnel(mut client: TcpStream, target: &str, seen: &Shared) -> Result<()> {
    let upstream = TcpStream::connect(target).await?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_upstream, mut to_upstream) = upstream.into_split();
    let up = async {
        let mut buffer = BytesMut::new();
        while from_client.read_buf(&mut buffer).await? > 0 {
            lock(seen).tunnelled.extend_from_slice(&buffer);
            to_upstream.write_all(&buffer.split()).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        done = up => done,
        done = copy(&mut from_upstream, &mut to_client) => Ok(done.map(|_| ())?),
    }
}

/// Requests of one connection, all to the host of the first.
async fn forward(
    client: TcpStream,
    first: Request,
    mut buffer: BytesMut,
    seen: &Shared,
) -> Result<()> {
    let (host, _) = split(&first.path)?;
    let upstream = TcpStream::connect(host).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_upstream, mut to_upstream) = upstream.into_split();
    let up = async {
        pass(&first, &mut to_upstream).await?;
        while let Some(request) = http::read(&mut from_client, &mut buffer).await? {
            lock(seen).requests.push(request.clone());
            pass(&request, &mut to_upstream).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        done = up => done,
        done = copy(&mut from_upstream, &mut to_client) => Ok(done.map(|_| ())?),
    }
}

/// Host and path of a whole address.
fn split(target: &str) -> Result<(&str, &str)> {
    let Some(rest) = target.strip_prefix("http://") else {
        bail!("not a whole address: {target}");
    };
    let slash = rest.find('/').context("an address without a path")?;
    Ok(rest.split_at(slash))
}

/// Writes a request as its host wants it, without what was meant for the proxy.
async fn pass(request: &Request, upstream: &mut OwnedWriteHalf) -> Result<()> {
    let (_, path) = split(&request.path)?;
    let mut head = format!("{} {path} HTTP/1.1\r\n", request.method);
    for (name, value) in &request.headers {
        if !name.eq_ignore_ascii_case("proxy-authorization") {
            head += &format!("{name}: {value}\r\n");
        }
    }
    upstream.write_all(head.as_bytes()).await?;
    upstream.write_all(b"\r\n").await?;
    Ok(upstream.write_all(&request.body).await?)
}
