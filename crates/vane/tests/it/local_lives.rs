//! What becomes of the processes of models: where they compute, and how one follows another.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::alphabet;
use crate::client::{Ask, answered, until};
use crate::here::{Here, configuration, gap, send};
use crate::serving::Serving;
use crate::world::Folder;

const FIM: &str = "/v1/fim/completions";

#[cfg(not(feature = "cuda"))]
#[tokio::test]
async fn a_model_that_finds_no_device_says_why_once() {
    const SAID: &str = "no device for a local model";
    for (more, times) in [("", 1), ("device = \"cpu\"", 0)] {
        let folder = Folder::new();
        std::fs::write(folder.0.join("abc.gguf"), alphabet::gguf(true)).unwrap();
        std::fs::write(folder.0.join("vane.toml"), configuration(&folder, more)).unwrap();
        let serving = Serving::start(&folder, &[]);
        let ask = Ask::post(FIM, gap("abc", 5, false)).key(&serving.key);
        serving.ask(&ask).await.ok();
        serving.log.until("a local model is up").await;
        let text = serving.log.text();
        assert_eq!(text.matches(SAID).count(), times, "{text}");
        assert_eq!(text.matches("--features cuda").count(), times, "{text}");
    }
}

/// Returns once the process is no more.
async fn gone(process: u32) {
    let path = format!("/proc/{process}/stat");
    until("the end of a process", async || {
        !std::fs::exists(&path).unwrap()
    })
    .await;
}

#[tokio::test]
async fn e_what_a_model_answers_ends_while_the_next_calls_go_to_another_one() {
    let here = Here::start("").await;
    // A connection to it waits for the next call.
    here.world.post(FIM, gap("abc", 3, false)).await.ok();
    let mut stream = here.world.stream(FIM, gap("a", 30_000, true)).await;
    stream.until("content", 1).await;
    let first = here.process().unwrap();
    // Far more than it takes.
    here.follow("sequences = 2", |config| {
        config.timeouts.drain = Duration::from_mins(10);
    });
    for _ in 0..3 {
        let whole = here.world.post(FIM, gap("abc", 3, false)).await.ok();
        assert_eq!(whole.json()["choices"][0]["message"]["content"], "def");
        assert!(here.process().is_some_and(|process| process != first));
    }
    // It was not dismissed, which would leave it five seconds.
    assert!(std::fs::exists(format!("/proc/{first}")).unwrap());
    let rest = stream.rest().await;
    assert!(rest.text().contains("data: [DONE]"), "it was cut");
    gone(first).await;
    let whole = here.world.post(FIM, gap("abc", 3, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "def");
}

#[tokio::test]
async fn e_an_answer_that_outlasts_the_drain_is_cut_with_its_model() {
    let here = Here::start("").await;
    let mut stream = here.world.stream(FIM, gap("a", 60_000, true)).await;
    stream.until("content", 1).await;
    let first = here.process().unwrap();
    // Nobody reads on, so it does not end by itself.
    here.follow("sequences = 2", |config| {
        config.timeouts.drain = Duration::ZERO;
    });
    gone(first).await;
}

#[tokio::test]
async fn e_no_call_takes_a_connection_to_a_model_that_another_one_follows() {
    let here = Here::start("").await;
    let mut caller = here.world.connect().await;
    let ask = Ask::post(FIM, gap("abc", 3, false)).key(&here.world.key);
    caller.ask(&ask).await.ok();
    let first = here.process().unwrap();
    // It hears of nothing, and the connection that waits for the next call stays open.
    send(first, Signal::STOP);
    here.follow("sequences = 2", |_| {});
    caller.ask(&ask).await.ok();
    assert_ne!(here.process(), Some(first));
    send(first, Signal::CONT);
    gone(first).await;
}

#[tokio::test]
async fn e_a_call_that_waits_for_a_model_goes_to_the_one_that_follows_it() {
    let folder = Folder::new();
    let (program, begun) = (folder.0.join("program"), folder.0.join("program.begun"));
    // It never says that it is ready.
    let script = "#!/bin/sh\n: > \"$0.begun\"\nwhile read -r line; do :; done\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    let here = Here::with(true, "", |config| {
        config.engine.program = Some(program);
        config.retries.per_offer_max = 1;
    });
    let here = here.await;
    let ask = Ask::post(FIM, gap("abc", 3, false)).key(&here.world.key);
    let mut caller = here.world.connect().await;
    caller.write(&ask.bytes()).await;
    until("a process", async || begun.exists()).await;
    here.follow("", |_| {});
    let whole = answered(&mut caller).await.ok().json();
    assert_eq!(whole["choices"][0]["message"]["content"], "def");
}
