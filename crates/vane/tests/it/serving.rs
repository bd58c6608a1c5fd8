//! The binary as a supervisor runs it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::client::{Ask, Connection, Reply, within};
use crate::log::Log;
use crate::world::Folder;

/// The command with none of this machine's variables.
pub(crate) fn vane(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vane"));
    command.args(arguments).current_dir(&folder.0).env_clear();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The binary as it serves `vane.toml` of its folder; killed with its test.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    /// What it said after its greeting.
    pub(crate) log: Log,
    reader: Option<JoinHandle<()>>,
}

impl Serving {
    pub(crate) fn start(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        let (mut serving, mut lines) = Self::spawn(folder, variables);
        // The greeting shows the first key, and ends with a line that has it too.
        let key = lines.find(|line| line.trim().starts_with("sk-vane-"));
        lines.find(|line| line.contains("ANTHROPIC_AUTH_TOKEN"));
        key.unwrap().trim().clone_into(&mut serving.key);
        serving.listen(lines)
    }

    /// Starts it where one was before, which was told this key.
    pub(crate) fn again(folder: &Folder, variables: &[(&str, &str)], key: &str) -> Self {
        let (mut serving, mut lines) = Self::spawn(folder, variables);
        lines.find(|line| line.starts_with("Providers: ")).unwrap();
        key.clone_into(&mut serving.key);
        serving.listen(lines)
    }

    fn spawn(
        folder: &Folder,
        variables: &[(&str, &str)],
    ) -> (Self, impl Iterator<Item = String> + Send + use<>) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = vane(folder, &["serve", "--config", "vane.toml"]);
        command.env("VANE_LISTEN", address.to_string());
        command.envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let serving = Self {
            child,
            address,
            key: String::new(),
            log: Log::default(),
            reader: None,
        };
        (serving, stderr.lines().map(Result::unwrap))
    }

    /// Listens to what it says from now on.
    fn listen(mut self, lines: impl Iterator<Item = String> + Send + 'static) -> Self {
        let mut all = self.log.clone();
        self.reader = Some(std::thread::spawn(move || {
            for line in lines {
                writeln!(all, "{line}").unwrap();
            }
        }));
        self
    }

    pub(crate) async fn connect(&self) -> Connection {
        within("a connection", Connection::open(self.address)).await
    }

    pub(crate) async fn ask(&self, ask: &Ask) -> Reply {
        self.connect().await.ask(ask).await
    }

    /// Processes that the binary has started.
    pub(crate) fn children(&self) -> String {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
            .collect()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Stops it as a supervisor would; gives back all that it said.
    pub(crate) fn stop(mut self) -> String {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
        self.reader.take().unwrap().join().unwrap();
        self.log.text()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
