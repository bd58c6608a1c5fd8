//! Making a connection to the server: TCP, perhaps TLS, then who we are and which database.

use super::line::{Command, shown};
use super::resp::{self, Reply};
use crate::config::SharedServer;
use crate::socket::Socket;
use rustls::pki_types::ServerName;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A connection on which one command is answered after the other.
pub(super) struct Line {
    pub(super) socket: Socket,
    pub(super) unread: Vec<u8>,
}

/// # Errors
/// With what is in the way, in words that hold no password.
pub(super) async fn connect(
    server: &SharedServer,
    tls: &TlsConnector,
    wait: Duration,
) -> Result<Line, String> {
    let opened = timeout(wait, open(server, tls)).await;
    let socket = opened.map_err(|_| "no connection in time".to_owned())??;
    let mut line = Line {
        socket,
        unread: Vec::new(),
    };
    if let Some(password) = &server.password {
        let parts = ["AUTH", &server.user, &password.0];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        line.command(parts, wait).await?;
    }
    if server.database != 0 {
        let database = server.database.to_string();
        line.command(["SELECT", &database].into_iter(), wait)
            .await?;
    }
    Ok(line)
}

async fn open(server: &SharedServer, tls: &TlsConnector) -> Result<Socket, String> {
    let tcp = TcpStream::connect((server.host.as_str(), server.port)).await;
    let tcp = tcp.map_err(|error| error.to_string())?;
    tcp.set_nodelay(true).map_err(|error| error.to_string())?;
    if !server.tls {
        return Ok(Socket::Plain(tcp));
    }
    let name = ServerName::try_from(server.host.clone()).map_err(|error| error.to_string())?;
    let secured = tls.connect(name, tcp).await;
    let secured = secured.map_err(|error| error.to_string())?;
    Ok(Socket::Tls(Box::new(secured.into())))
}

impl Line {
    /// A command that can only be answered with OK.
    async fn command<'p>(
        &mut self,
        parts: impl Iterator<Item = &'p str>,
        wait: Duration,
    ) -> Result<(), String> {
        let command = Command(parts.map(str::to_owned).collect());
        match self.ask(&command, wait).await? {
            Reply::Line(said) if said == "OK" => Ok(()),
            _ => Err("it did not answer OK".to_owned()),
        }
    }

    pub(super) async fn ask(&mut self, command: &Command, wait: Duration) -> Result<Reply, String> {
        let asked = timeout(wait, self.exchange(command)).await;
        asked.map_err(|_| "it did not answer in time".to_owned())?
    }

    async fn exchange(&mut self, command: &Command) -> Result<Reply, String> {
        let mut out = Vec::new();
        command.encode(&mut out);
        let failed = |error: std::io::Error| error.to_string();
        self.socket.write_all(&out).await.map_err(failed)?;
        self.socket.flush().await.map_err(failed)?;
        loop {
            let decoded = resp::decode(&self.unread);
            if let Some((reply, length)) = decoded.map_err(|malformed| malformed.0.to_owned())? {
                self.unread.drain(..length);
                return match reply {
                    Reply::Error(error) => Err(shown(&error)),
                    reply => Ok(reply),
                };
            }
            if self
                .socket
                .read_buf(&mut self.unread)
                .await
                .map_err(failed)?
                == 0
            {
                return Err("it closed the connection".to_owned());
            }
        }
    }
}
