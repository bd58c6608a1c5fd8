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

/// Starts a server on a port that it chooses itself; the lines are what it says after it told which.
fn spawn(mut command: Command) -> (Child, SocketAddr, Lines) {
    command.env("VANE_LISTEN", "127.0.0.1:0");
    let mut child = command.spawn().unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines().map_while(Result::ok);
    let mut before = String::new();
    for line in &mut lines {
        if let Some(url) = line.strip_prefix("Vane listens on http://") {
            return (child, url.parse().unwrap(), Box::new(lines));
        }
        before += &line;
        before.push('\n');
    }
    let _ = child.wait();
    panic!("it did not serve: {before}");
}

type Lines = Box<dyn Iterator<Item = String> + Send>;

/// The binary as it serves `vane.toml` of its folder; killed with its test.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    /// The last line of its first greeting.
    pub(crate) to_paste: String,
    /// What the greeting said of providers, of a start that is not the first.
    pub(crate) providers: String,
    /// What it said after its greeting.
    pub(crate) log: Log,
    reader: Option<JoinHandle<()>>,
}

impl Serving {
    pub(crate) fn start(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        Self::first(folder, &["serve", "--config", "vane.toml"], variables)
    }

    /// As it serves where no file was named.
    pub(crate) fn unnamed(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        Self::first(folder, &["serve"], variables)
    }

    fn first(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = vane(folder, arguments);
        command.envs(variables.iter().copied());
        let (child, address, mut lines) = spawn(command);
        // The greeting shows the first key, and ends with a line that has it too.
        let key = lines.find(|line| line.trim().starts_with("sk-vane-"));
        let last =
            |line: &String| line.contains("ANTHROPIC_AUTH_TOKEN") || line.contains("\"suffix\":");
        let to_paste = lines.find(last);
        let key = key.unwrap().trim().to_owned();
        let mut serving = Self::greeted(child, address, key, lines);
        serving.to_paste = to_paste.unwrap();
        serving
    }

    /// On a database that has its accounts. A limit on the size of files is an error to it, not its
    /// end.
    pub(crate) fn again(folder: &Folder) -> Self {
        Self::again_with(folder, &[])
    }

    pub(crate) fn again_with(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("sh");
        let serve = "trap '' XFSZ; exec \"$0\" serve --config vane.toml";
        command.args(["-c", serve, env!("CARGO_BIN_EXE_vane")]);
        command.current_dir(&folder.0).env_clear();
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let (child, address, mut lines) = spawn(command);
        let providers = lines.find(|line| line.starts_with("Providers: "));
        let mut serving = Self::greeted(child, address, String::new(), lines);
        serving.providers = providers.unwrap();
        serving
    }

    fn greeted(
        child: Child,
        address: SocketAddr,
        key: String,
        lines: impl Iterator<Item = String> + Send + 'static,
    ) -> Self {
        let log = Log::default();
        let mut all = log.clone();
        let reader = std::thread::spawn(move || {
            for line in lines {
                writeln!(all, "{line}").unwrap();
            }
        });
        Self {
            child,
            address,
            key,
            to_paste: String::new(),
            providers: String::new(),
            log,
            reader: Some(reader),
        }
    }

    pub(crate) fn id(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Ends it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
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
    pub(crate) fn stop(self) -> String {
        self.signal("-TERM");
        self.stopped()
    }

    /// The same, once it was told to stop.
    pub(crate) fn stopped(mut self) -> String {
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
