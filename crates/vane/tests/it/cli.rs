//! The commands, as the shell runs them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// A folder of its own for each test, gone with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "vane-cli-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with none of this machine's variables.
    pub(crate) fn vane(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vane"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.vane(arguments).output().unwrap()
    }

    /// The address of its database.
    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.0.join("vane.db").display())
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            stderr(&output)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A server that answers one request with these bytes, and gives back what it was asked.
fn answers_once(answer: String) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || answer_one(&listener, &answer));
    (url, served)
}

/// The same for one request after the other.
pub(crate) fn answers(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let answered = answers.iter().map(|answer| answer_one(&listener, answer));
        answered.collect()
    });
    (url, served)
}

fn answer_one(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let asked = request(&mut stream);
    // Byte by byte, so that every split happens somewhere.
    for byte in answer.as_bytes().chunks(1) {
        if stream.write_all(byte).is_err() {
            break;
        }
    }
    asked
}

/// Reads a whole request.
pub(crate) fn request(stream: &mut impl Read) -> String {
    let mut asked = Vec::new();
    let mut chunk = [0; 4096];
    while !is_whole(&asked) {
        let read = stream.read(&mut chunk).unwrap();
        assert!(read > 0, "the request broke off");
        asked.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8(asked).unwrap()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length:")?
            .trim()
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0)
}

fn stream(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\
         vane-request-id: req_1\r\n\r\n{events}"
    )
}

pub(crate) fn chat_stream() -> String {
    stream(&[
        r#"{"model":"m","choices":[{"delta":{"content":"Hel"}}]}"#,
        r#"{"model":"m","choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"cost":0.00075}}"#,
        "[DONE]",
    ])
}

#[test]
fn an_account_and_a_key_are_made_listed_and_revoked() {
    let folder = Folder::new();
    let account = folder.json(&["account", "create", "team", "--json"]);
    assert_eq!(
        (&account["name"], &account["kind"]),
        (&"team".into(), &"metered".into())
    );
    let create = [
        "key",
        "create",
        "--account",
        "team",
        "--models",
        "a,b",
        "--expires",
        "30d",
    ];
    let key = folder.json(&[&create[..], &["--json"]].concat());
    let (text, id) = (key["key"].as_str().unwrap(), key["id"].as_str().unwrap());
    assert!(
        text.starts_with(&format!("sk-vane-{id}-")) && key["account"] == "team",
        "{key}"
    );

    let list = ["key", "list", "--account", "team", "--json"];
    let listed = folder.json(&list);
    let row = &listed["keys"][0];
    assert_eq!((&row["id"], &row["state"]), (&key["id"], &"active".into()));
    assert_eq!(row["models"], serde_json::json!(["a", "b"]));
    assert!(!listed.to_string().contains(text), "a list shows no key");

    assert!(
        folder
            .run(&["key", "revoke", "--account", "team", id])
            .status
            .success()
    );
    assert_eq!(folder.json(&list)["keys"][0]["state"], "revoked");
    assert!(stdout(&folder.run(&["account", "list"])).contains("team"));
}

#[test]
fn a_failure_is_one_line_and_a_code() {
    let folder = Folder::new();
    folder.json(&["account", "create", "team", "--json"]);
    for (arguments, said) in [
        (&["account", "create", "team"][..], "already"),
        (
            &["account", "create", "c", "--prepaid", "1e3"],
            "plain decimal",
        ),
        (
            &["key", "create", "--account", "nobody"],
            "no account \"nobody\"",
        ),
        (
            &["key", "create", "--account", "team", "--expires", "soon"],
            "--expires must lie ahead",
        ),
        (&["key", "revoke", "--account", "team", "x"], "no key \"x\""),
        (&["chat", "m", "hi"], "VANE_API_KEY"),
        (
            &[
                "chat",
                "m",
                "hi",
                "--key",
                "k",
                "--url",
                "http://127.0.0.1:1",
            ],
            "cannot reach",
        ),
        (&["fim", "none.rs", "--at", "1:1"], "none.rs: No such file"),
        (&["check", "--config", "none.toml", "--json"], ""),
        (
            &["account", "list", "--config", "none.toml"],
            "cannot read the configuration none.toml",
        ),
    ] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let lines = stderr(&output);
        assert!(
            lines.lines().count() <= 1 && lines.contains(said),
            "{arguments:?}: {lines}"
        );
        assert!(
            lines.is_empty() || lines.starts_with("vane: "),
            "{arguments:?}: {lines}"
        );
    }
}

#[test]
fn credit_is_granted_shown_and_audited() {
    let folder = Folder::new();
    let create = ["account", "create", "payer", "--prepaid", "5", "--json"];
    assert_eq!(folder.json(&create)["kind"], "prepaid");
    let grant = ["credit", "grant", "payer", "0.25", "--reason", "invoice 17"];
    let granted = folder.run(&grant);
    assert_eq!(stdout(&granted), "account payer: $5.25 to spend\n");
    let show = folder.json(&["credit", "show", "payer", "--json"]);
    assert_eq!(
        (&show["balance"], &show["held"]),
        (&"5.25".into(), &"0".into())
    );
    for usd in ["1e3", "-5", "0", "10000000", "0.0000000000001", "five"] {
        let refused = folder.run(&["credit", "grant", "payer", usd, "--reason", "x"]);
        assert_eq!(refused.status.code(), Some(1), "{usd}");
        let said = stderr(&refused);
        assert!(
            said.starts_with("vane: ") && said.lines().count() == 1,
            "{said}"
        );
    }
    let audited = folder.json(&["audit", "--json"]);
    assert_eq!(
        (&audited["ok"], &audited["entries"]),
        (&true.into(), &4.into())
    );

    let database = rusqlite::Connection::open(folder.0.join("vane.db")).unwrap();
    let sql = "UPDATE book SET posted = posted + 1 WHERE kind = 'customer'";
    database.execute_batch(sql).unwrap();
    let broken = folder.run(&["audit"]);
    assert_eq!(broken.status.code(), Some(1));
    let said = stdout(&broken);
    assert!(
        said.starts_with("broken: customer payer: the balance is $5.25"),
        "{said}"
    );
}

#[test]
fn r7_check_reports_everything_at_once() {
    let folder = Folder::new();
    folder.write("vane.toml", "lisen = 'x'\nworkers = 0\n");
    let output = folder
        .vane(&["check"])
        .env("VANE_LISTN", "x")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stdout(&output),
        "problem: vane.toml:1:1: `lisen` is not a key of the configuration; did you mean \
         `listen`?\n\
         problem: vane.toml:2:11: `workers` must be an integer from 1 to 1024\n\
         warning: `VANE_LISTN` is not a variable of Vane; did you mean `VANE_LISTEN`?\n"
    );
    let output = folder.run(&["check", "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["problems"][1]["line"], 2);

    folder.write("vane.toml", "");
    let output = folder
        .vane(&["check"])
        .env("MISTRAL_API_KEY", "k")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(
        stdout(&output),
        "ok: listens on 127.0.0.1:8787, providers: mistral\n"
    );
    assert!(
        !folder.0.join("vane.db").exists(),
        "check makes no database"
    );
}

#[test]
fn models_say_what_they_need() {
    let folder = Folder::new();
    let needs = stdout(&folder.run(&["models", "mistral-small"]));
    assert!(
        needs.contains("needs MISTRAL_API_KEY") && needs.contains('$'),
        "{needs}"
    );
    let output = folder
        .vane(&["models", "mistral-small", "--json"])
        .env("MISTRAL_API_KEY", "k")
        .output()
        .unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = rows["models"].as_array().unwrap();
    let ready = |row: &&serde_json::Value| row["ready"] == true;
    let mine = |row: &&serde_json::Value| row["provider"] == "mistral";
    assert!(rows.iter().any(|row| mine(&row)));
    assert!(rows.iter().filter(mine).all(|row| ready(&row)));
}

#[test]
fn chat_prints_the_answer_and_its_cost() {
    let folder = Folder::new();
    let (url, served) = answers_once(chat_stream());
    let output = folder
        .vane(&["chat", "m", "say", "hello", "--url", &url])
        .env("VANE_API_KEY", "sk-vane-test")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), "Hello\n");
    assert_eq!(stderr(&output), "m · 5 in, 2 out · $0.00075\n");
    let asked = served.join().unwrap();
    assert!(
        asked.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("authorization: Bearer sk-vane-test\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains(r#"{"role":"user","content":"say hello"}"#),
        "{asked}"
    );
}

#[test]
fn chat_reads_a_pipe() {
    let folder = Folder::new();
    let (url, served) = answers_once(chat_stream());
    let mut command = folder.vane(&["chat", "m", "review"]);
    command
        .env("VANE_API_KEY", "k")
        .env("VANE_URL", format!("{url}/v1"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"fn main() {}\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(stdout(&output), "Hello\n");
    assert!(served.join().unwrap().contains(r"review\n\nfn main() {}"));
}

#[test]
fn an_error_of_the_server_is_shown_in_its_words() {
    let folder = Folder::new();
    let body = r#"{"error":{"message":"no such key"}}"#;
    let length = body.len();
    let answer = format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: {length}\r\n\r\n{body}");
    let (url, served) = answers_once(answer);
    let output = folder.run(&["chat", "m", "hi", "--key", "k", "--url", &url]);
    assert_eq!(stderr(&output), "vane: 401: no such key\n");
    served.join().unwrap();
}

pub(crate) fn fim_answer() -> String {
    stream(&[
        r#"{"model":"codestral-latest","choices":[{"delta":{"content":"a + b"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"cost":0.00001}}"#,
        "[DONE]",
    ])
}

fn fim(folder: &Folder, file: &Path, answer: String, more: &[&str]) -> (Output, String) {
    let (url, served) = answers_once(answer);
    let file = file.to_str().unwrap();
    let arguments = [
        &["fim", file, "--at", "1:5", "--model", "codestral-latest"],
        &["--key", "k", "--url", &url][..],
        more,
    ]
    .concat();
    let output = folder.run(&arguments);
    (output, served.join().unwrap())
}

#[test]
fn fim_prints_the_middle_or_writes_it() {
    let folder = Folder::new();
    let file = folder.write("sum.rs", "é = (;\nend\n");
    let (output, asked) = fim(&folder, &file, fim_answer(), &["--max-tokens", "7"]);
    assert_eq!(stdout(&output), "a + b");
    assert!(asked.starts_with("POST /v1/fim/completions "), "{asked}");
    assert!(
        asked.contains(r#""prompt":"é = ","suffix":"(;\nend\n""#),
        "{asked}"
    );
    assert!(asked.contains(r#""max_tokens":7"#), "{asked}");

    let (output, _) = fim(&folder, &file, fim_answer(), &["--write"]);
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("inserted 5 characters at 1:5"));
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "é = a + b(;\nend\n"
    );
}

#[test]
fn a_cut_answer_leaves_the_file_alone() {
    let folder = Folder::new();
    let file = folder.write("sum.rs", "a = ;\n");
    let cut = stream(&[r#"{"choices":[{"delta":{"content":"half"}}]}"#]);
    let (output, _) = fim(&folder, &file, cut, &["--write"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cut off"), "{}", stderr(&output));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a = ;\n");
    assert_eq!(
        std::fs::read_dir(&folder.0).unwrap().count(),
        1,
        "no draft is left"
    );
}
