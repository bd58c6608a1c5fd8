//! One child process: how it is started, what it says, how it is asked after and ended.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use serde::Deserialize;
use vane_engine::Device;

use crate::config::Engine;
use crate::engine::{Facts, Orders, Word};

/// An answer about its health is no longer.
const HEALTH_BYTES_MAX: u64 = 64 << 10;
/// What follows an answer that went well.
const OK: &str = "HTTP/1.1 200 ";

/// What is heard of a child, and about it.
pub(super) enum Event {
    Said(Word),
    /// Its output ended, and so it did.
    Gone,
    /// It is wanted no more.
    Stop,
    /// Another one has taken its place: what it answers may go on for so long.
    Retire(Duration),
}

/// A running child. Dropping it kills it.
pub(super) struct Child {
    process: std::process::Child,
    input: Option<ChildStdin>,
    socket: PathBuf,
}

/// What a child says of its health.
#[derive(Deserialize)]
pub(super) struct Health {
    /// Since its last answer ended; 0 while one is made.
    pub(super) quiet_ms: u64,
}

impl Child {
    /// Starts one; what it says goes to `heard`.
    pub(super) fn start(
        engine: &Engine,
        orders: &Orders,
        heard: Sender<Event>,
    ) -> io::Result<Self> {
        let mut command = command(engine, orders)?;
        let socket = super::address()?;
        command.arg("--socket").arg(&socket);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let child = Self {
            process,
            input,
            socket,
        };
        let listener = std::thread::Builder::new().name("local-words".into());
        listener.spawn(move || {
            let lines = output.into_iter().flat_map(|output| {
                let lines = BufReader::new(output).lines();
                lines.map_while(Result::ok)
            });
            for word in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                // Who started it may have lost patience.
                let _ = heard.send(Event::Said(word));
            }
            let _ = heard.send(Event::Gone);
        })?;
        Ok(child)
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks it how it is, for at most so long.
    pub(super) fn health(&self, patience: Duration) -> io::Result<Health> {
        let mut socket = UnixStream::connect(&self.socket)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_write_timeout(Some(patience))?;
        socket.write_all(b"GET /health HTTP/1.1\r\nhost: local\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.take(HEALTH_BYTES_MAX).read_to_string(&mut answer)?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        match body.filter(|_| answer.starts_with(OK)) {
            Some(body) => serde_json::from_str(body).map_err(io::Error::from),
            None => Err(io::Error::other("it is not well")),
        }
    }

    /// Lets it end with the last of its answers.
    pub(super) fn retire(&mut self) -> io::Result<()> {
        match &mut self.input {
            Some(input) => input.write_all(b"retire\n"),
            None => Ok(()),
        }
    }

    /// Lets it end by itself: its input ends.
    pub(super) fn dismiss(&mut self) {
        drop(self.input.take());
    }

    /// Waits for one that has ended, and says how.
    pub(super) fn ended(mut self) -> String {
        match self.process.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(folder) = self.socket.parent() {
            // It has mostly removed it itself.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// What a file of weights can do, asked of a child so that the file is read by nobody else.
pub(crate) fn describe(engine: &Engine, orders: &Orders) -> Result<Facts, String> {
    let output = command(engine, orders).and_then(|mut command| {
        command.arg("--describe").stdin(Stdio::null());
        command.stderr(Stdio::null()).output()
    });
    let output = output.map_err(|error| format!("cannot be looked at: {error}"))?;
    let words = output.stdout.split(|byte| *byte == b'\n');
    for word in words.filter_map(|line| serde_json::from_slice(line).ok()) {
        match word {
            Word::Is(facts) => return Ok(facts),
            Word::Refused(why) => return Err(why),
            Word::Opening { .. } | Word::Ready | Word::Fell(_) => {}
        }
    }
    Err(format!("cannot be looked at: {}", output.status))
}

/// With nothing of our environment, where keys may stand, and out of reach of what a terminal sends to
/// us: it ends when we have.
fn command(engine: &Engine, orders: &Orders) -> io::Result<Command> {
    let mut command = Command::new(super::program(engine)?);
    command.arg0("vane").arg("engine").args(arguments(orders));
    command.env_clear().process_group(0);
    if let Some(libraries) = &engine.libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    if orders.memory_bytes.is_some() {
        // The system counts what may be written, and the allocator would ready a GiB at once.
        command.env("MIMALLOC_ARENA_EAGER_COMMIT", "0");
    }
    Ok(command)
}

fn arguments(orders: &Orders) -> Vec<std::ffi::OsString> {
    let Orders {
        weights,
        device,
        context,
        threads,
        sequences,
        memory_bytes,
    } = orders;
    let mut arguments = Vec::new();
    // Another build, which `engine.program` may name, chooses by itself too.
    if *device != Device::Auto {
        arguments.extend(["--device".into(), device.name().into()]);
    }
    if let Some(weights) = weights {
        arguments.push("--weights".into());
        arguments.push(Path::as_os_str(weights).to_owned());
    }
    let numbers = [
        ("--context", context.map(|number| number.to_string())),
        ("--threads", threads.map(|number| number.to_string())),
        ("--sequences", sequences.map(|number| number.to_string())),
        ("--memory", memory_bytes.map(|number| number.to_string())),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            arguments.extend([name.into(), number.into()]);
        }
    }
    arguments
}
