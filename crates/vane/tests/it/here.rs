//! A gateway with a model of its own machine: the alphabet, by the binary under test.

use std::time::Duration;

use serde_json::{Value, json};
use vane::config::Config;

use crate::alphabet;
use crate::client::{Ask, Connection, within};
use crate::world::{Folder, World, read};

/// A world with `abc`, which writes the alphabet, and what else a test says of it.
pub(crate) struct Here {
    pub(crate) world: World,
    folder: Folder,
}

impl Here {
    pub(crate) async fn start(more: &str) -> Self {
        Self::with(true, more, |_| {}).await
    }

    pub(crate) async fn with(turns: bool, more: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::of(&alphabet::gguf(turns), more, change).await
    }

    /// With these weights.
    pub(crate) async fn of(weights: &[u8], more: &str, change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        std::fs::write(folder.0.join("abc.gguf"), weights).unwrap();
        let local = read(&folder, &configuration(&folder, more), &[]).unwrap();
        let world = World::with(|config| {
            config.engine = local.engine;
            config.local = local.local;
            config.providers.extend(local.providers);
            change(config);
        });
        Self {
            world: world.await,
            folder,
        }
    }

    /// Has its children follow another row, as a reload does.
    pub(crate) fn follow(&self, more: &str, change: impl FnOnce(&mut Config)) {
        let mut config = read(&self.folder, &configuration(&self.folder, more), &[]).unwrap();
        change(&mut config);
        self.world.gateway.fleet.follow(&config);
    }

    pub(crate) fn process(&self) -> Option<u32> {
        self.world.gateway.fleet.process_of("abc")
    }

    /// The process, once it is another one than before, or none.
    pub(crate) async fn process_after(&self, before: Option<u32>) -> Option<u32> {
        let changed = async {
            while self.process() == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within("another process", changed).await;
        self.process()
    }

    /// The process, once it reads prompts or writes for them, as it says itself.
    pub(crate) async fn process_at_work(&self) -> u32 {
        let at_work = async {
            loop {
                let process = self.process_after(None).await.unwrap();
                if running_at(process).await > 0 {
                    return process;
                }
            }
        };
        within("a model at work", at_work).await
    }
}

pub(crate) fn configuration(folder: &Folder, more: &str) -> String {
    let (program, weights) = (env!("CARGO_BIN_EXE_vane"), folder.0.join("abc.gguf"));
    format!(
        "[engine]\nprogram = {program:?}\n[[local]]\nid = \"abc\"\nfree = true\n\
         weights = {weights:?}\nthreads = 1\n{more}"
    )
}

pub(crate) fn gap(prompt: &str, many: usize, stream: bool) -> Value {
    json!({"model": "abc", "prompt": prompt, "suffix": "the end", "max_tokens": many,
        "stream": stream})
}

pub(crate) fn kill(process: u32) {
    send(process, rustix::process::Signal::KILL);
}

pub(crate) fn send(process: u32, signal: rustix::process::Signal) {
    use rustix::process::{Pid, kill_process};
    let process = Pid::from_raw(process.cast_signed()).unwrap();
    kill_process(process, signal).unwrap();
}

/// Calls that the engine of a process has in hand.
async fn running_at(process: u32) -> u64 {
    let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap();
    let arguments = String::from_utf8(arguments).unwrap();
    let after = arguments.split('\0').skip_while(|said| *said != "--socket");
    let socket = tokio::net::UnixStream::connect(after.into_iter().nth(1).unwrap()).await;
    let mut connection = Connection::over(socket.unwrap());
    let health = connection.ask(&Ask::get("/health")).await.ok();
    health.json()["running"].as_u64().unwrap()
}
