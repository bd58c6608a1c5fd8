//! A server of Valkey or Redis for one test, which may be killed, frozen and started again.
//!
//! `VANE_TEST_VALKEY` is the path of its program; `./test` finds or installs one.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::client::within;
use crate::world::Folder;

pub(crate) struct Valkey {
    child: Child,
    pub(crate) port: u16,
    arguments: Vec<String>,
    folder: Folder,
    /// For what tests ask.
    line: Mutex<Option<TcpStream>>,
}

/// A port that was free may be another's by the time it is taken.
const TRIES: usize = 5;

impl Valkey {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let folder = Folder::new();
        let started = (0..TRIES).find_map(|_| {
            let port = free_port();
            run(port, &arguments, &folder).map(|child| (child, port))
        });
        let (child, port) = started.expect("the server starts");
        Self {
            child,
            port,
            arguments,
            folder,
            line: Mutex::default(),
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self.line.get_mut() = None;
    }

    /// Starts again where it was, knowing nothing.
    pub(crate) fn start_again(&mut self) {
        let start = |_| run(self.port, &self.arguments, &self.folder);
        self.child = (0..TRIES).find_map(start).expect("the server starts again");
    }

    /// Asks one command of words without spaces; its reply as it came, if it is short.
    pub(crate) async fn command(&self, words: &str) -> String {
        let mut line = self.line.lock().await;
        if line.is_none() {
            let connected = TcpStream::connect(("127.0.0.1", self.port)).await;
            *line = Some(connected.unwrap());
        }
        let socket = line.as_mut().unwrap();
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

fn free_port() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    free.local_addr().unwrap().port()
}

/// Returns when it answers, or has ended because it cannot have the port.
fn run(port: u16, arguments: &[String], folder: &Folder) -> Option<Child> {
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
    if !ready {
        child.wait().unwrap();
        return None;
    }
    // Whoever says more must be heard, or it would wait for ever.
    std::thread::spawn(move || said.for_each(drop));
    Some(child)
}

impl Drop for Valkey {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
