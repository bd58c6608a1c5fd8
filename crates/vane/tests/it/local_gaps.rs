//! Gaps that models of this machine fill, and those that they are not asked to.

use serde_json::{Value, json};
use vane::config::{Config, Environment};

use crate::alphabet;
use crate::here::{Here, configuration, gap};
use crate::world::Folder;

const FIM: &str = "/v1/fim/completions";
const COMPLETIONS: &str = "/v1/completions";

/// All of Mistral's later vocabularies have the marks of a gap, and its chat models fill none.
#[tokio::test]
async fn f1_a_chat_model_that_has_the_marks_of_a_gap_fills_it_only_if_its_row_says_so() {
    for (more, fills) in [
        ("", false),
        ("fim = true\n", true),
        ("fim = false\n", false),
    ] {
        let here = Here::of(&alphabet::chatting(), more, |_| {}).await;
        let models = here.world.get("/v1/models/abc").await.ok().json();
        assert_eq!(models["capabilities"]["completion_fim"], fills, "{more}");
        assert_eq!(models["capabilities"]["completion_chat"], true, "{more}");
        let expected = if fills { 200 } else { 400 };
        for path in [FIM, COMPLETIONS] {
            let reply = here.world.post(path, gap("abc", 5, false)).await;
            assert_eq!(reply.status, expected, "{more} {path}: {}", reply.text());
        }
        let text = json!({"model": "abc", "prompt": "abc", "max_tokens": 5});
        let text = here.world.post(COMPLETIONS, text).await.ok();
        assert_eq!(text.json()["choices"][0]["text"], "defgh", "{more}");
    }
}

#[test]
fn check_asks_whether_a_model_with_the_marks_of_a_gap_fills_it() {
    let warnings = |weights: &[u8], more: &str| {
        let folder = Folder::new();
        std::fs::write(folder.0.join("abc.gguf"), weights).unwrap();
        let path = folder.0.join("vane.toml");
        std::fs::write(&path, configuration(&folder, more)).unwrap();
        let (_, warnings) = Config::load(Some(&path), &Environment::default()).unwrap();
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let asked = warnings(&alphabet::chatting(), "");
    assert!(
        asked.len() == 1 && asked[0].contains("local.abc.fim"),
        "{asked:?}"
    );
    for (weights, more) in [
        (alphabet::chatting(), "fim = false"),
        (alphabet::chatting(), "fim = true"),
        (alphabet::gguf(true), ""),
    ] {
        assert_eq!(warnings(&weights, more), [] as [String; 0], "{more}");
    }
}

/// As editors write it who speak OpenAI's completions to Codestral.
#[tokio::test]
async fn f1_a_prompt_with_the_marks_of_a_gap_is_read_as_one_with_its_suffix() {
    let here = Here::start("").await;
    let tokens = async |body: Value| {
        let reply = here.world.post(COMPLETIONS, body).await.ok().json();
        (
            reply["usage"]["prompt_tokens"].clone(),
            reply["choices"][0]["text"].clone(),
        )
    };
    let apart = json!({"model": "abc", "prompt": "abc", "suffix": "the end", "max_tokens": 5});
    let marked = json!({"model": "abc", "prompt": "[SUFFIX]the end[PREFIX]abc", "max_tokens": 5,
        "stop": ["[PREFIX]", "[SUFFIX]"]});
    assert_eq!(tokens(marked).await, tokens(apart).await);
    let other = json!({"model": "abc", "max_tokens": 5,
        "prompt": "<|fim_prefix|>abc<|fim_suffix|>the end<|fim_middle|>"});
    let reply = here.world.post(COMPLETIONS, other).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(
        reply
            .text()
            .contains("send what precedes the gap as `prompt`"),
        "{}",
        reply.text()
    );
}
