//! Addresses that must not be reached, or cannot be.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A listener that counts connections and closes them: a redirect or an image URL that is
/// followed when it must not be shows up here.
#[derive(Debug)]
pub struct Canary {
    address: SocketAddr,
    /// Who connected.
    peers: watch::Sender<Vec<SocketAddr>>,
    task: JoinHandle<()>,
}

impl Canary {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let peers = watch::Sender::new(Vec::new());
        let seen = peers.clone();
        let task = tokio::spawn(async move {
            while let Ok((_, peer)) = listener.accept().await {
                seen.send_modify(|peers| peers.push(peer));
            }
        });
        Ok(Self {
            address,
            peers,
            task,
        })
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Connections made before this call. It connects itself and waits for that to be seen:
    /// connections are accepted in order, so none made earlier can be missed.
    pub async fn hits(&self) -> Result<usize> {
        let own = TcpStream::connect(self.address).await?.local_addr()?;
        self.peers
            .subscribe()
            .wait_for(|peers| peers.contains(&own))
            .await?;
        self.peers
            .send_modify(|peers| peers.retain(|peer| *peer != own));
        Ok(self.peers.borrow().len())
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port that refuses connections for as long as this lives: bound, so that no one else gets
/// it, and never listening.
#[derive(Debug)]
pub struct ClosedPort {
    socket: TcpSocket,
}

impl ClosedPort {
    pub fn reserve() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:0".parse()?)?;
        Ok(Self { socket })
    }

    pub fn url(&self) -> Result<String> {
        Ok(format!("http://{}", self.socket.local_addr()?))
    }
}
