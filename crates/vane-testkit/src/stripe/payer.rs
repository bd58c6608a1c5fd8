//! The payer as a program in another language asks for one: `POST /pay?to=ADDRESS&at=SECONDS` pays
//! the newest session and delivers that it is paid, once.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::FakeStripe;
use crate::http::{self, Request};

impl FakeStripe {
    /// Pays when it is asked to, for ever.
    ///
    /// # Errors
    /// If no connection can be taken any more.
    pub async fn pay_when_asked(&self, listener: &TcpListener) -> Result<()> {
        loop {
            let (mut client, _) = listener.accept().await?;
            let (status, said) = match self.paid(&mut client).await {
                Ok(status) => (200, status.to_string()),
                Err(error) => (400, format!("{error:#}")),
            };
            let length = said.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            // Who asked and left has no answer to get.
            client.write_all((head + &said).as_bytes()).await.ok();
        }
    }

    /// The status by which the delivery was answered.
    async fn paid(&self, client: &mut TcpStream) -> Result<u16> {
        let request = http::read(client, &mut BytesMut::new()).await?;
        let request = request.context("nothing was asked")?;
        let to: SocketAddr = said(&request, "to")?.parse()?;
        let at: i64 = said(&request, "at")?.parse()?;
        let session = self.sessions().pop().context("there is no session")?;
        self.deliver(to, &self.completed(&session), at).await
    }
}

fn said<'r>(request: &'r Request, name: &str) -> Result<&'r str> {
    request
        .query_value(name)
        .with_context(|| format!("`{name}` is missing"))
}
