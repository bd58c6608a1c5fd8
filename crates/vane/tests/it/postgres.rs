//! PostgreSQL for tests: a schema of the server that all tests share, or a server of the test's own,
//! which it may stop.
//!
//! `VANE_TEST_POSTGRES` names the shared one; `./test` starts it. A server of one's own is made with
//! PostgreSQL's own programs, which refuse to run as root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use postgres::{Client, NoTls};
use rustix::process::geteuid;

use crate::world::Folder;

/// The driver blocks, and may not where other tasks run.
fn run(url: &str, sql: &str) -> Result<(), postgres::Error> {
    let work = || Client::connect(url, NoTls)?.batch_execute(sql);
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

/// Somewhere that several Vanes may serve.
pub(crate) trait Database {
    fn url(&self) -> String;

    fn sql(&self, sql: &str) {
        run(&self.url(), sql).unwrap();
    }
}

/// Dropped in the end.
pub(crate) struct Schema {
    server: String,
    name: String,
}

impl Schema {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the tests says where there is a server"
    )]
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let server = std::env::var("VANE_TEST_POSTGRES");
        let server = server.expect("VANE_TEST_POSTGRES names a server");
        let name = format!("vane_{}_{number}", std::process::id());
        let sql = format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}");
        run(&server, &sql).unwrap();
        Self { server, name }
    }
}

impl Database for Schema {
    fn url(&self) -> String {
        let (server, name) = (&self.server, &self.name);
        format!("{server}?application_name={name}&options=-csearch_path%3D{name}")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let _gone = run(&self.server, &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

/// A port that was free may be another's by the time it is taken.
const TRIES: usize = 5;

/// A server that syncs what it commits, on a port that was free.
pub(crate) struct Server {
    folder: Folder,
    port: u16,
    programs: PathBuf,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut server = Self {
            port: 0,
            folder: Folder::new(),
            programs: programs(),
        };
        let home = server.home();
        std::fs::create_dir(&home).unwrap();
        if geteuid().is_root() {
            own(&home);
        }
        let words = [
            "-U",
            "vane",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
        ];
        assert!(server.run("initdb", &words), "initdb");
        let is_up = (0..TRIES).any(|_| {
            server.port = free_port();
            server.is_begun()
        });
        assert!(is_up, "{}", server.log());
        server
    }

    fn home(&self) -> PathBuf {
        self.folder.0.join("server")
    }

    /// Whether it did what it was told.
    fn run(&self, program: &str, words: &[&str]) -> bool {
        let (home, program) = (self.home(), self.programs.join(program));
        let mut command = match geteuid().is_root() {
            true => {
                let mut command = Command::new("setpriv");
                let nobody = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"];
                command.args(nobody).arg(&program);
                command
            }
            false => Command::new(&program),
        };
        command.arg("-D").arg(home.join("db")).args(words);
        // What it starts keeps its output open, and outlives it.
        command.current_dir(&home).stdin(Stdio::null());
        command.stdout(Stdio::null()).status().unwrap().success()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home().join("log")).unwrap_or_default()
    }

    /// Ends when it takes connections, where it did before.
    pub(crate) fn begin(&self) {
        let is_up = (0..TRIES).any(|_| self.is_begun());
        assert!(is_up, "{}", self.log());
    }

    fn is_begun(&self) -> bool {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -p {} -c unix_socket_directories=''",
            self.port
        );
        let log = self.home().join("log").display().to_string();
        self.run("pg_ctl", &["-s", "-w", "-l", &log, "-o", &options, "start"])
    }

    /// Ends without a word to whoever is connected, as a machine does that loses power.
    pub(crate) fn end(&self) {
        let words = ["-s", "-w", "-m", "immediate", "stop"];
        assert!(self.run("pg_ctl", &words), "{}", self.log());
    }
}

impl Database for Server {
    fn url(&self) -> String {
        format!("postgres://vane@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.home().join("db/postmaster.pid").exists() {
            self.end();
        }
    }
}

fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

fn own(folder: &Path) {
    let owned = Command::new("chown").arg("nobody").arg(folder).status();
    assert!(owned.unwrap().success());
}

/// Where PostgreSQL's programs are: where Debian puts them, the newest first, or on the path.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql");
    let installed = installed.into_iter().flatten().flatten();
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = installed.map(|entry| entry.path()).max_by_key(version);
    newest.map_or_else(PathBuf::new, |newest| newest.join("bin"))
}
