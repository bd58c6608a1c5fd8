//! `vane weights`, as the shell runs it, with a hub beside it.

use serde_json::Value;
use vane_testkit::{FakeHub, Mischief};

use crate::alphabet;
use crate::cli::{Folder, stderr, stdout};

const MODEL: &str = "maker/abc";

/// The command in a folder whose configuration names the hub.
struct Here {
    folder: Folder,
    hub: FakeHub,
}

impl Here {
    async fn new() -> Self {
        let hub = FakeHub::start().await.unwrap();
        let folder = Folder::new();
        let text = format!(
            "[weights]\nhub = \"{}\"\ntoken = \"file:token\"\n",
            hub.url()
        );
        folder.write("vane.toml", &text);
        folder.write("token", "hf_not_to_be_told");
        hub.put(MODEL, "abc-F32.gguf", alphabet::gguf(true));
        Self { folder, hub }
    }

    /// What it printed, where it succeeded; and what it said.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> (Option<String>, String) {
        let all: Vec<&str> = ["weights"].iter().chain(arguments).copied().collect();
        let output = self.folder.run(&all);
        let said = stderr(&output);
        assert!(!said.contains("hf_not_to_be_told"), "{said}");
        (output.status.success().then(|| stdout(&output)), said)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let (printed, said) = self.run(&[arguments, &["--json"]].concat());
        let printed = printed.unwrap_or_else(|| panic!("{arguments:?}: {said}"));
        serde_json::from_str(&printed).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_are_pulled_told_checked_and_removed() {
    let here = Here::new().await;
    let (printed, said) = here.run(&["list"]);
    assert!(
        printed.unwrap().is_empty() && said.contains("vane weights pull"),
        "{said}"
    );
    here.hub.mischief([Mischief::Cut(100)]);
    let (printed, said) = here.run(&["pull", MODEL]);
    let path = printed.unwrap();
    assert!(path.trim_end().ends_with("abc-F32.gguf"), "{path}");
    assert!(
        said.contains("trying again") && said.contains("100 %"),
        "{said}"
    );
    let list = here.json(&["list"]);
    assert_eq!(list["models"][0]["name"], "maker/abc:abc-F32.gguf");
    assert_eq!(list["models"][0]["branches"][0], "main");
    let shown = here.json(&["show", MODEL]);
    assert_eq!(shown["formats"][0]["format"], "F32");
    assert_eq!(shown["fim"], true);
    let kv = shown["kv_bytes_per_token"].as_u64().unwrap();
    let of = |key: &str| shown[key].as_u64().unwrap();
    assert_eq!(kv, of("layers") * 2 * of("kv_heads") * of("head_size") * 2);
    assert!(
        here.run(&["show", MODEL])
            .0
            .unwrap()
            .contains("for each token in 16 bits")
    );
    assert_eq!(here.json(&["verify"])["ok"], true);

    let blob = std::fs::canonicalize(here.folder.0.join(path.trim_end())).unwrap();
    let mut bytes = std::fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let (printed, said) = here.run(&["verify", MODEL]);
    assert!(printed.is_none() && said.contains("must be"), "{said}");

    let (printed, said) = here.run(&["remove", MODEL]);
    assert!(printed.is_none() && said.contains("--yes"), "{said}");
    let removed = here.json(&["remove", MODEL, "--yes"]);
    assert!(removed["bytes"].as_u64() > Some(1000));
    assert!(!blob.exists());
    assert_eq!(here.json(&["list"])["models"], serde_json::json!([]));
    let (printed, said) = here.run(&["remove", MODEL, "--yes"]);
    assert!(
        printed.is_none() && said.contains("vane weights pull maker/abc"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_of_several_is_removed_alone() {
    let here = Here::new().await;
    here.hub.put(MODEL, "abc-other.gguf", alphabet::gguf(false));
    let (printed, said) = here.run(&["pull", MODEL]);
    assert!(
        printed.is_none() && said.contains("maker/abc:abc-other.gguf"),
        "{said}"
    );
    for file in ["F32", "other"] {
        here.json(&["pull", &format!("{MODEL}:{file}")]);
    }
    assert_eq!(here.json(&["list"])["models"].as_array().unwrap().len(), 2);
    here.json(&["remove", "maker/abc:other", "--yes"]);
    let left = here.json(&["list"]);
    assert_eq!(left["models"].as_array().unwrap().len(), 1);
    assert_eq!(
        here.json(&["verify"])["files"][0]["name"],
        "maker/abc:abc-F32.gguf"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_timed() {
    let here = Here::new().await;
    let path = here.folder.0.join("abc.gguf");
    std::fs::write(&path, alphabet::gguf(true)).unwrap();
    let path = path.display().to_string();
    let short = [
        "bench",
        &path,
        "--prompt",
        "16",
        "--output",
        "4",
        "--threads",
        "1",
    ];
    let timed = here.json(&short);
    let rows = timed["timed"].as_array().unwrap();
    let tokens: Vec<_> = rows
        .iter()
        .map(|row| row["tokens"].as_u64().unwrap())
        .collect();
    assert_eq!(tokens, [16, 4, 32]);
    assert!(
        rows.iter()
            .all(|row| row["tokens_per_processor_second"].as_f64() > Some(0.0))
    );
    assert!(here.run(&short).0.unwrap().contains("PER PROCESSOR SECOND"));
    let (printed, said) = here.run(&["bench", &path, "--prompt", "90000"]);
    assert!(printed.is_none() && said.contains("do not fit"), "{said}");
}

#[test]
fn check_tells_of_weights_and_tokenizers_that_are_not_there_and_what_to_do() {
    let folder = Folder::new();
    let tokenizers = "database = \"sqlite:vane.db\"\n[weights.tokenizers]\n\
        \"codestral-latest\" = \"tekken.json\"\n\"mistral-large\" = \"org/repo\"\n";
    let next = "nothing is at this path: mend it, or get weights with `vane weights pull \
        ORG/REPO` and name them ORG/REPO";
    let warned = format!(
        "warning: vane.toml:3:22: `weights.tokenizers.codestral-latest` leads to no tokenizer, so \
         that tokens are estimated: {next}\n\
         warning: vane.toml:4:19: `weights.tokenizers.mistral-large` leads to no tokenizer, so \
         that tokens are estimated: org/repo is not in vane.weights: `vane weights pull org/repo` \
         gets it\n"
    );
    folder.write("vane.toml", tokenizers);
    let output = folder.run(&["check"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.starts_with(&format!("{warned}ok: ")), "{said}");
    let local = "[[local]]\nid = \"abc\"\nfree = true\nweights = \"weights/abc.gguf\"\n";
    folder.write("vane.toml", &format!("{tokenizers}{local}"));
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let problem = format!("problem: vane.toml:8:11: `local.abc.weights` cannot be found: {next}\n");
    assert_eq!(stdout(&output), format!("{problem}{warned}"));
    folder.write("tekken.json", "{}");
    folder.write("vane.toml", "[weights.tokenizers]\na = \"tekken.json\"\n");
    let output = folder.run(&["check"]);
    assert!(!stdout(&output).contains("warning"), "{}", stdout(&output));
}
