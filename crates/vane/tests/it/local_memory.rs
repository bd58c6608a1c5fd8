//! What models of this machine may take, when they take it, and that the gateway takes none of it.

use crate::alphabet;
use crate::client::Ask;
use crate::here::{Here, configuration, gap};
use crate::serving::Serving;
use crate::world::Folder;

const FIM: &str = "/v1/fim/completions";
const MIB: usize = 1 << 20;
/// Of weights that are large for what a gateway takes.
const LARGE: usize = 192 * MIB;

/// A line of numbers that the system tells of a process, such as `VmRSS:`.
fn told_of(process: u32, file: &str, name: &str) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

fn resident(process: u32) -> usize {
    told_of(process, "status", "VmRSS:") * 1024
}

#[tokio::test]
async fn weights_that_exceed_the_memory_of_their_model_are_refused_with_both_numbers() {
    let weights = alphabet::large(LARGE);
    let here = Here::of(&weights, "memory = \"64MiB\"", |_| {}).await;
    let fault = here.world.post(FIM, gap("abc", 5, false)).await;
    assert_eq!(fault.status, 502, "{}", fault.text());
    for said in ["its model cannot be run", "193 MiB", "64 MiB"] {
        assert!(fault.text().contains(said), "{}", fault.text());
    }
    assert_eq!(here.process(), None);
}

#[tokio::test]
async fn a_process_is_held_to_the_memory_of_its_model_and_another_one_follows_it() {
    let roomy = |config: &mut vane::config::Config| {
        config.limits.body_bytes_max = 128 * MIB;
        config.retries.per_offer_max = 1;
    };
    let here = Here::with(true, "memory = \"64MiB\"", roomy).await;
    here.world.post(FIM, gap("abc", 5, false)).await.ok();
    let first = here.process().unwrap();
    let limit = told_of(first, "limits", "Max data size");
    assert_eq!(limit, (64 + 256) * MIB);
    let fault = here
        .world
        .post(FIM, gap(&"x".repeat(120 * MIB), 1, false))
        .await;
    assert_eq!(fault.status, 502, "{}", fault.text());
    here.process_after(Some(first)).await;
    let whole = here.world.post(FIM, gap("abc", 5, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "defgh");
}

#[tokio::test]
async fn a_model_is_loaded_at_the_start_where_that_is_said_and_else_by_its_first_call() {
    let here = Here::start("preload = true").await;
    assert_ne!(here.process_after(None).await, None);
    let here = Here::start("").await;
    here.world.get("/v1/models").await.ok();
    assert_eq!(here.process(), None);
    here.world.post(FIM, gap("abc", 5, false)).await.ok();
    assert_ne!(here.process(), None);
}

#[tokio::test]
async fn the_gateway_is_no_larger_when_a_model_is_loaded() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("abc.gguf"), alphabet::large(LARGE)).unwrap();
    std::fs::write(folder.0.join("vane.toml"), configuration(&folder, "")).unwrap();
    let serving = Serving::start(&folder, &[]);
    let gateway = serving.id().cast_unsigned();
    assert_eq!(serving.children(), "");
    let before = resident(gateway);
    let ask = Ask::post(FIM, gap("abc", 5, false)).key(&serving.key);
    let whole = serving.ask(&ask).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "defgh");
    let asked =
        serde_json::json!({"model": "abc", "messages": [{"role": "user", "content": "Hi"}]});
    let count = Ask::post("/v1/messages/count_tokens", asked).key(&serving.key);
    serving.ask(&count).await.ok();
    let child = serving.children().trim().parse().unwrap();
    assert!(resident(child) > LARGE);
    let grown = resident(gateway).saturating_sub(before);
    assert!(grown < LARGE / 8, "{before} bytes, then {grown} more");
}
