//! S5, S6, S11 with the real binary: what it refuses, what it never says, what it never starts.

use std::path::Path;

use serde_json::json;
use vane_testkit::{Answer, ErrorBody, FakeUpstream, Fault, Proxy, Role, Settings};

use crate::client::{Ask, Reply};
use crate::door::{DOORS, Door};
use crate::serving::{Serving, vane};
use crate::world::{Folder, PROVIDER_KEY, configuration};

#[test]
fn s5_the_binary_does_not_start_open() {
    for (listen, more, said) in [
        ("0.0.0.0:0", &[("VANE_AUTH", "off")][..], "auth"),
        ("0.0.0.0:0", &[], "secret"),
        ("[::]:0", &[], "secret"),
        ("127.0.0.1:0", &[("VANE_SECRET", "short")], "secret"),
    ] {
        let folder = Folder::new();
        let mut command = vane(&folder, &["serve"]);
        command
            .env("VANE_LISTEN", listen)
            .envs(more.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{listen} {more:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.to_lowercase().contains(said),
            "{listen} {more:?}: {stderr}"
        );
        assert!(!folder.0.join("vane.db").exists(), "nothing was made");
    }
}

const PROMPT: &str = "prompt-canary-7d1c";
const ANSWER: &str = "answer-canary-9e2f";

/// Calls that end well and in every kind of failure, through every door.
async fn mix(serving: &Serving, fake: &FakeUpstream) -> Vec<Reply> {
    let mut replies = Vec::new();
    let echo = ErrorBody::Raw(format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {PROVIDER_KEY}"}}}}"#
    ));
    let answers = [
        Answer::text(ANSWER),
        Answer::fault(Fault::status(401)),
        Answer::fault(Fault::Status {
            status: 401,
            body: echo.clone(),
        }),
        Answer::fault(Fault::Status {
            status: 403,
            body: echo,
        }),
        Answer::fault(Fault::status(400)),
        Answer::fault(Fault::Close),
        Answer::text(ANSWER).with_fault(Fault::ErrorAfter(5)),
    ];
    for answer in answers {
        fake.always(answer);
        for door in DOORS {
            for stream in [false, true] {
                let body = door.request(door.own_model(), PROMPT, stream);
                let ask = Ask::post(door.path(), &body).key(&serving.key);
                replies.push(serving.ask(&ask).await);
                let bad = format!("{}x", serving.key);
                replies.push(serving.ask(&Ask::post(door.path(), body).key(&bad)).await);
            }
        }
    }
    for path in ["/v1/models", "/metrics", "/health/ready", "/v1/nothing"] {
        replies.push(serving.ask(&Ask::get(path).key(&serving.key)).await);
        let query = format!("{path}?key={}", serving.key);
        replies.push(serving.ask(&Ask::get(&query)).await);
    }
    let junk = json!({"model": serving.key, "messages": []});
    replies.push(serving.ask(&Ask::post(Door::Chat.path(), &junk)).await);
    replies
}

#[tokio::test]
async fn s6_s11_no_secret_is_told_and_no_process_started() {
    let folder = Folder::new();
    let settings = || Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        ..Settings::default()
    };
    let fake = FakeUpstream::with(settings()).await.unwrap();
    let text = configuration(&fake, &fake).replace("sqlite::memory:", "sqlite:vane.db");
    let text = text.replace(&format!("\"{PROVIDER_KEY}\""), "\"env:LAB_KEY\"");
    std::fs::write(folder.0.join("vane.toml"), text).unwrap();
    let proxy = Proxy::start(Role::Forward).await.unwrap();
    let password = "proxy-password-canary";
    let by_proxy = format!("http://user:{password}@{}", proxy.address());
    let variables = [
        ("LAB_KEY", PROVIDER_KEY),
        ("HTTP_PROXY", &by_proxy),
        ("VANE_LOG", "trace"),
    ];
    let serving = Serving::start(&folder, &variables);
    let key = serving.key.clone();
    let replies = mix(&serving, &fake).await;
    assert!(
        replies.iter().any(|reply| reply.status == 200),
        "{replies:?}"
    );
    assert_eq!(serving.children(), "", "a process was started");
    let said = tokio::task::spawn_blocking(move || serving.stop())
        .await
        .unwrap();
    assert!(
        said.lines().count() > replies.len() / 2,
        "the log is there: {said}"
    );
    assert!(said.contains("\"TRACE\""), "at the finest level");
    let secret = &key[19..];
    let request = &proxy.requests()[0];
    let sent = request.header("proxy-authorization").unwrap();
    for (name, canary) in [
        ("provider key", PROVIDER_KEY),
        ("password of the proxy", password),
        (
            "credential for the proxy",
            sent.strip_prefix("Basic ").unwrap(),
        ),
        ("key", secret),
        ("prompt", PROMPT),
        ("answer", ANSWER),
    ] {
        assert!(!said.contains(canary), "the {name} is in the log");
        for (file, bytes) in files(&folder.0) {
            let found = memchr::memmem::find(&bytes, canary.as_bytes()).is_some();
            assert!(!found || file == "vane.toml", "the {name} is in {file}");
        }
    }
    for reply in &replies {
        let whole = format!("{:?} {}", reply.headers, reply.text());
        assert!(!whole.contains(PROVIDER_KEY), "{whole}");
        assert!(!whole.contains(secret), "{whole}");
    }
}

/// All files below, those of the journal too.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(inside(&path));
        } else {
            files.push(file(&path));
        }
    }
    assert!(files.iter().any(|(name, _)| name == "vane.db"));
    assert!(files.iter().any(|(name, _)| name.ends_with(".journal")));
    files
}

fn inside(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| file(&entry.path())).collect()
}

fn file(path: &Path) -> (String, Vec<u8>) {
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    (name, std::fs::read(path).unwrap())
}
