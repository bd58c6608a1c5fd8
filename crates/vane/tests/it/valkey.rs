//! A server of Valkey or Redis for one test, which may be killed, frozen and started again.
//!
//! `VANE_TEST_VALKEY` is the path of its program; `./test` finds or installs one.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::within;
use crate::world::Folder;

pub(crate) struct Valkey {
    child: Child,
    pub(crate) port: u16,
    arguments: Vec<String>,
    folder: Folder,
}

impl Valkey {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let folder = Folder::new();
        let child = run(port, &arguments, &folder);
        Self {
            child,
            port,
            arguments,
            folder,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again where it was, knowing nothing.
    pub(crate) fn start_again(&mut self) {
        self.child = run(self.port, &self.arguments, &self.folder);
    }

    /// Asks one command of words without spaces; its reply as it came, if it is short.
    pub(crate) async fn command(&self, words: &str) -> String {
        let connected = TcpStream::connect(("127.0.0.1", self.port)).await;
        let mut socket = connected.unwrap();
        let command = format!("{words}\r\n");
        socket.write_all(command.as_bytes()).await.unwrap();
        let mut reply = [0; 4096];
        let read = within("a reply", socket.read(&mut reply)).await.unwrap();
        String::from_utf8_lossy(&reply[..read]).into_owned()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says where the program is"
)]
fn program() -> String {
    std::env::var("VANE_TEST_VALKEY").expect("VANE_TEST_VALKEY names a server's program")
}

/// Returns when it answers.
fn run(port: u16, arguments: &Vec<String>, folder: &Folder) -> Child {
    let mut child = Command::new(program())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .args(arguments)
        .current_dir(&folder.0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = said.any(|line| line.unwrap().contains("Ready to accept connections"));
    assert!(ready, "the server did not start");
    // Whoever says more must be heard, or it would wait for ever.
    std::thread::spawn(move || said.for_each(drop));
    child
}

impl Drop for Valkey {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
