//! Pulls from a hub that cuts, stalls, forgets and lies.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vane_testkit::{FakeHub, HUB_COMMIT, Mischief};

use super::Folder;
use crate::config::{Config, Environment, Secret};
use crate::weights::*;

const MODEL: &str = "maker/model";
const FILE: &str = "model-Q8_0.gguf";

struct Place {
    hub: FakeHub,
    shelf: Shelf,
    folder: Folder,
    config: Config,
    told: Arc<Mutex<Vec<String>>>,
}

impl Place {
    async fn new(test: &str) -> Self {
        let hub = FakeHub::start().await.unwrap();
        let folder = Folder::new(&format!("pull-{test}"));
        let (mut config, _) = Config::load(None, &Environment::default()).unwrap();
        config.weights.hub = hub.url();
        config.weights.token = Some(Secret("hf_secret".to_owned()));
        Self {
            hub,
            shelf: Shelf::new(folder.0.clone()),
            folder,
            config,
            told: Arc::default(),
        }
    }

    /// With one file of bytes that are not alike.
    async fn with_file(test: &str) -> (Self, Vec<u8>) {
        let place = Self::new(test).await;
        let bytes: Vec<u8> = (0..200_000_u32)
            .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
            .collect();
        place.hub.put(MODEL, FILE, bytes.clone());
        (place, bytes)
    }

    async fn pull(&self, said: &str) -> Result<Pulled, Trouble> {
        let patience = Patience {
            tries: 3,
            pause: Duration::from_millis(1),
            silence: Duration::from_secs(20),
        };
        self.pull_patiently(said, patience).await
    }

    async fn pull_patiently(&self, said: &str, patience: Patience) -> Result<Pulled, Trouble> {
        let hub = Hub::new(&self.config, patience).unwrap();
        let told = Arc::clone(&self.told);
        let mut tell = move |step: Step<'_>| {
            if !matches!(step, Step::Came { .. }) {
                told.lock().unwrap().push(format!("{step:?}"));
            }
        };
        let source = Source::parse(said, hub.address())?;
        let found = survey(&hub, &source, None, &mut tell).await?;
        pull(&self.shelf, &hub, &found, &mut tell).await
    }

    fn read(&self) -> Vec<u8> {
        std::fs::read(self.shelf.resolve(MODEL).unwrap()).unwrap()
    }

    fn parts(&self) -> Vec<PathBuf> {
        let blobs = self.folder.0.join("models--maker--model/blobs");
        let all = std::fs::read_dir(blobs).into_iter().flatten().flatten();
        let paths = all.map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some()).collect()
    }

    fn ranges(&self) -> Vec<Option<String>> {
        let downloads = self.hub.downloads();
        let range = |request: &vane_testkit::Request| request.header("range").map(str::to_owned);
        downloads.iter().map(range).collect()
    }
}

#[tokio::test]
async fn a_file_comes_whole_and_once() {
    let (place, bytes) = Place::with_file("whole").await;
    let pulled = place.pull(MODEL).await.unwrap();
    assert!(pulled.files[0].came && pulled.files[0].digest.len() == 64);
    assert_eq!(place.read(), bytes);
    let link = place
        .shelf
        .resolve(&format!("{MODEL}@{HUB_COMMIT}"))
        .unwrap();
    assert_eq!(link, pulled.path);
    assert!(link.is_symlink() && std::fs::read_link(&link).unwrap().is_relative());
    let again = place.pull(MODEL).await.unwrap();
    assert!(!again.files[0].came);
    assert_eq!(place.hub.downloads().len(), 1);
    assert_eq!(place.parts(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_server_that_cuts_is_asked_for_the_rest() {
    let (place, bytes) = Place::with_file("cuts").await;
    place
        .hub
        .mischief([Mischief::Cut(1000), Mischief::Cut(70_000), Mischief::Cut(5)]);
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
    let rest = |from: usize| Some(format!("bytes={from}-"));
    assert_eq!(
        place.ranges(),
        [None, rest(1000), rest(71_000), rest(71_005)]
    );
    let conditions = place.hub.downloads();
    assert!(conditions[1].header("if-range").unwrap().starts_with('"'));
}

#[tokio::test]
async fn what_broke_off_for_good_is_kept_for_the_next_pull() {
    let (place, bytes) = Place::with_file("kept").await;
    let cuts = [5000, 0, 0, 0].map(Mischief::Cut);
    place.hub.mischief(cuts);
    let broken = place.pull(MODEL).await.unwrap_err();
    assert!(
        matches!(broken, Trouble::Broken { tries: 3, .. }),
        "{broken}"
    );
    assert!(place.shelf.resolve(MODEL).is_err());
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
    assert_eq!(
        place.ranges().last().unwrap().as_deref(),
        Some("bytes=5000-")
    );
}

#[tokio::test]
async fn a_server_without_ranges_sends_all_of_it_again() {
    let (place, bytes) = Place::with_file("noranges").await;
    place.hub.mischief([Mischief::Cut(1000), Mischief::NoRange]);
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
}

#[tokio::test]
async fn a_server_that_begins_anew_and_cuts_each_time_is_given_up() {
    let (place, _) = Place::with_file("anew").await;
    let mut all = vec![Mischief::Cut(9000)];
    // It forgets ranges with each cut: the same bytes come again and again.
    all.extend((0..9).map(|_| Mischief::Status(416, "")));
    place.hub.mischief(all);
    let broken = place.pull(MODEL).await.unwrap_err();
    assert!(
        matches!(
            broken,
            Trouble::Broken { .. } | Trouble::NoHub { .. } | Trouble::Refused { .. }
        ),
        "{broken}"
    );
}

#[tokio::test]
async fn other_bytes_in_the_rest_are_found_and_the_whole_is_asked_for() {
    let (place, bytes) = Place::with_file("otherrest").await;
    place
        .hub
        .mischief([Mischief::Cut(1000), Mischief::OtherRest]);
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
    assert_eq!(place.ranges(), [None, Some("bytes=1000-".to_owned()), None]);
}

#[tokio::test]
async fn a_wrong_file_over_a_breaking_line_is_begun_anew_once() {
    let (place, _) = Place::with_file("wrongtwice").await;
    let wrong = [Mischief::Cut(1000), Mischief::OtherRest];
    place.hub.mischief(wrong.into_iter().cycle().take(8));
    let corrupt = place.pull(MODEL).await.unwrap_err();
    assert!(matches!(corrupt, Trouble::Corrupt { .. }), "{corrupt}");
    let rest = Some("bytes=1000-".to_owned());
    assert_eq!(place.ranges(), [None, rest.clone(), None, rest]);
}

#[tokio::test]
async fn an_answer_of_another_length_costs_nothing_of_what_came() {
    let (place, bytes) = Place::with_file("keeps").await;
    place
        .hub
        .mischief([Mischief::Cut(1000), Mischief::Length(7)]);
    let lie = place.pull(MODEL).await.unwrap_err();
    assert!(matches!(lie, Trouble::Length { told: 7, .. }), "{lie}");
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
    let rest = Some("bytes=1000-".to_owned());
    assert_eq!(place.ranges(), [None, rest.clone(), rest]);
}

#[tokio::test]
async fn a_file_that_is_another_one_is_thrown_away() {
    let (place, _) = Place::with_file("corrupt").await;
    place.hub.mischief([Mischief::Other]);
    let corrupt = place.pull(MODEL).await.unwrap_err();
    assert!(matches!(corrupt, Trouble::Corrupt { .. }), "{corrupt}");
    assert!(corrupt.to_string().contains("SHA-256"), "{corrupt}");
    assert!(place.shelf.resolve(MODEL).is_err() && place.parts().is_empty());
}

#[tokio::test]
async fn a_server_that_lies_of_the_length_is_named() {
    for length in [7, 1 << 50] {
        let (place, _) = Place::with_file("length").await;
        place.hub.mischief([Mischief::Length(length)]);
        let lie = place.pull(MODEL).await.unwrap_err();
        assert!(
            matches!(lie, Trouble::Length { told, .. } if told == length),
            "{lie}"
        );
    }
}

#[tokio::test]
async fn a_server_that_floods_is_cut_off() {
    let (place, _) = Place::with_file("flood").await;
    place.hub.mischief([Mischief::Flood]);
    let flood = place.pull(MODEL).await.unwrap_err();
    assert!(matches!(flood, Trouble::Flood { .. }), "{flood}");
    assert!(place.parts().is_empty());
}

#[tokio::test]
async fn a_server_that_falls_silent_is_asked_again() {
    let (place, bytes) = Place::with_file("silent").await;
    place.hub.mischief([Mischief::Stall(3000)]);
    let patience = Patience {
        tries: 5,
        pause: Duration::from_millis(1),
        silence: Duration::from_secs(2),
    };
    place.pull_patiently(MODEL, patience).await.unwrap();
    assert_eq!(place.read(), bytes);
    assert_eq!(place.ranges()[1].as_deref(), Some("bytes=3000-"));
}

#[tokio::test]
async fn what_a_status_means_is_said_and_what_passes_is_tried_again() {
    let (place, bytes) = Place::with_file("passing").await;
    let busy = [503, 500].map(|status| Mischief::Status(status, ""));
    place.hub.mischief(busy);
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
    for (status, headers, expected) in [
        (401, "", "set HF_TOKEN"),
        (
            403,
            "x-error-message: You must accept\r\n",
            "You must accept): accept the model's terms",
        ),
        (404, "", "check the name"),
        (451, "", "answered 451"),
        (429, "retry-after: 9000\r\n", "9000 s"),
    ] {
        let (place, _) = Place::with_file("final").await;
        place.hub.mischief([Mischief::Status(status, headers)]);
        let why = place.pull(MODEL).await.unwrap_err().to_string();
        assert!(why.contains(expected), "{status}: {why}");
        assert!(!why.contains("hf_secret"), "{why}");
        assert_eq!(place.hub.downloads().len(), 1, "{status}");
    }
    let (place, _) = Place::with_file("later").await;
    place
        .hub
        .mischief([Mischief::Status(429, "retry-after: 0\r\n")]);
    place.pull(MODEL).await.unwrap();
}

#[tokio::test]
async fn a_list_that_is_refused_says_what_to_do() {
    for (status, expected) in [(401, "HF_TOKEN"), (403, "terms"), (404, "no maker/model")] {
        let (place, _) = Place::with_file("lists").await;
        place.hub.refuse_lists(status);
        let why = place.pull(MODEL).await.unwrap_err().to_string();
        assert!(
            why.contains(expected) && why.contains("is restricted"),
            "{why}"
        );
    }
    let (place, _) = Place::with_file("lists").await;
    place.hub.refuse_lists(500);
    let away = place.pull(MODEL).await.unwrap_err();
    assert!(matches!(away, Trouble::Unreachable { .. }), "{away}");
}

#[tokio::test]
async fn s6_the_token_of_the_hub_is_told_to_no_other_host() {
    let (place, bytes) = Place::with_file("token").await;
    let other = FakeHub::start().await.unwrap();
    other.put(MODEL, FILE, bytes.clone());
    place.hub.send_to(&other);
    place.pull(MODEL).await.unwrap();
    assert_eq!(place.read(), bytes);
    let tells =
        |request: &vane_testkit::Request| request.header("authorization").map(str::to_owned);
    let ours: Vec<_> = place.hub.requests().iter().map(tells).collect();
    assert_eq!(ours, vec![Some("Bearer hf_secret".to_owned()); 2]);
    let theirs: Vec<_> = other.requests().iter().map(tells).collect();
    assert_eq!(theirs, [None]);
    assert!(!place.told.lock().unwrap().concat().contains("hf_secret"));
}

#[tokio::test]
async fn of_several_models_one_must_be_named() {
    let (place, _) = Place::with_file("several").await;
    place.hub.put(MODEL, "model-Q4_K_M.gguf", vec![1; 10]);
    place.hub.put(MODEL, "README.md", vec![1; 10]);
    let several = place.pull(MODEL).await.unwrap_err();
    let Trouble::Several(choice) = &several else {
        panic!("{several}")
    };
    assert_eq!(choice.files.len(), 2);
    let said = several.to_string();
    assert!(
        said.contains("maker/model:model-Q4_K_M.gguf  10 B"),
        "{said}"
    );
    assert!(place.hub.downloads().is_empty());
    place.pull("maker/model:q4_k_m").await.unwrap();
    let there = place.shelf.resolve(MODEL).unwrap();
    assert!(there.ends_with("model-Q4_K_M.gguf"));
    let missing = place.pull("maker/model:F16").await.unwrap_err();
    assert!(matches!(missing, Trouble::NoSuchFile { .. }), "{missing}");
}

#[tokio::test]
async fn only_what_a_model_needs_comes() {
    let place = Place::new("needs").await;
    let files = [
        "config.json",
        "tekken.json",
        "model.safetensors.index.json",
        "README.md",
        "logo.png",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "consolidated.safetensors",
        "onnx/model.onnx",
        "../../evil.json",
        "/etc/evil.json",
    ];
    for file in files {
        place.hub.put(MODEL, file, file.as_bytes().to_vec());
    }
    let pulled = place.pull(MODEL).await.unwrap();
    let mut came: Vec<_> = pulled.files.iter().map(|file| file.path.as_str()).collect();
    came.sort_unstable();
    assert_eq!(
        came,
        [
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "tekken.json",
        ]
    );
    // Small files are named as git names them, and were compared with that.
    assert_eq!(pulled.files[0].digest.len(), 40);
    assert_eq!(place.shelf.resolve(MODEL).unwrap(), pulled.path);
}

/// A GGUF file of one tensor, in a format by its number, and so many bytes of data.
fn gguf(architecture: &str, format: u32, data: usize) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    };
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    let counts = [
        "block_count",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "context_length",
        "vocab_size",
    ];
    out.extend(1_u64.to_le_bytes());
    out.extend((counts.len() as u64 + 1).to_le_bytes());
    text(&mut out, "general.architecture");
    out.extend(8_u32.to_le_bytes());
    text(&mut out, architecture);
    for key in counts {
        text(&mut out, &format!("llama.{key}"));
        out.extend(4_u32.to_le_bytes());
        let number: u32 = if key == "embedding_length" { 64 } else { 8 };
        out.extend(number.to_le_bytes());
    }
    text(&mut out, "blk.0.ffn_down.weight");
    out.extend(1_u32.to_le_bytes());
    out.extend(256_u64.to_le_bytes());
    out.extend(format.to_le_bytes());
    out.extend(0_u64.to_le_bytes());
    out.resize(out.len().next_multiple_of(32) + data, 7);
    out
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_by_its_name_before_it_is_loaded() {
    const MUCH: usize = 32 << 20;
    let place = Place::new("unread").await;
    let rows = [
        (
            "m-Q3_K_M.gguf",
            gguf("llama", 11, MUCH),
            "`blk.0.ffn_down.weight`: Q3_K is not read: F32, F16",
        ),
        (
            "m-IQ4_XS.gguf",
            gguf("llama", 23, MUCH),
            "IQ4_XS is not read",
        ),
        (
            "m-of-Qwen.gguf",
            gguf("qwen2", 0, MUCH),
            "architecture Some(Text(\"qwen2\"))",
        ),
    ];
    for (file, bytes, _) in &rows {
        place.hub.put(MODEL, file, bytes.clone());
    }
    for (file, _, expected) in &rows {
        let why = place.pull(&format!("{MODEL}:{file}")).await.unwrap_err();
        assert!(matches!(why, Trouble::NotRun { .. }), "{why}");
        let why = why.to_string();
        assert!(why.contains(expected) && why.contains(file), "{why}");
        assert_eq!(place.parts(), [] as [PathBuf; 0]);
    }
    // What is read comes whole.
    place
        .hub
        .put(MODEL, "m-Q4_K_M.gguf", gguf("llama", 12, MUCH));
    place.pull(&format!("{MODEL}:m-Q4_K_M.gguf")).await.unwrap();

    let folder = "maker/folder";
    let config = br#"{"model_type": "mistral3", "text_config": {}}"#;
    place.hub.put(folder, "config.json", config.to_vec());
    place.hub.put(folder, "model.safetensors", vec![1; 10]);
    let why = place.pull(folder).await.unwrap_err().to_string();
    assert!(why.contains("config.json cannot be run here"), "{why}");
    assert!(why.contains("mistral3"), "{why}");
    let asked = place.hub.downloads();
    assert!(
        asked
            .iter()
            .all(|asked| !asked.path.ends_with("model.safetensors"))
    );
}

#[tokio::test]
async fn what_stands_beside_a_model_is_not_taken_for_one() {
    let place = Place::new("beside").await;
    let beside = [
        "mmproj-model-f16.gguf",
        "Model-mmproj-BF16.gguf",
        "imatrix_x.gguf",
        "Model-imatrix.gguf",
    ];
    for file in beside.into_iter().chain(["Model-Q8_0.gguf"]) {
        place.hub.put(MODEL, file, vec![1; 10]);
    }
    let pulled = place.pull(MODEL).await.unwrap();
    assert!(pulled.path.ends_with("Model-Q8_0.gguf"), "{pulled:?}");
}

#[tokio::test]
async fn all_parts_of_a_split_model_come_or_it_is_said_what_is_missing() {
    let place = Place::new("parts").await;
    place.hub.put(MODEL, "q/m-00001-of-00002.gguf", vec![1; 10]);
    let missing = place.pull(MODEL).await.unwrap_err().to_string();
    assert!(missing.contains("1 of 2 parts"), "{missing}");
    place.hub.put(MODEL, "q/m-00002-of-00002.gguf", vec![2; 10]);
    let pulled = place.pull(MODEL).await.unwrap();
    assert!(pulled.path.ends_with("q/m-00001-of-00002.gguf"));
    let second = pulled.path.with_file_name("m-00002-of-00002.gguf");
    assert_eq!(std::fs::read(second).unwrap(), [2; 10]);
}

#[tokio::test]
async fn two_pulls_at_once_bring_one_file() {
    let (place, bytes) = Place::with_file("twice").await;
    let pulls = [place.pull(MODEL), place.pull(MODEL), place.pull(MODEL)];
    let [one, two, three] = pulls;
    let (one, two, three) = tokio::join!(one, two, three);
    let came = [one, two, three].map(|pulled| pulled.unwrap().files[0].came);
    assert_eq!(came.iter().filter(|came| **came).count(), 1);
    assert_eq!((place.hub.downloads().len(), place.read()), (1, bytes));
}

#[tokio::test]
async fn a_file_of_any_address_is_gone_on_with_only_where_it_is_the_same() {
    let (place, bytes) = Place::with_file("address").await;
    let address = format!("{}/maker/model/resolve/main/{FILE}", place.hub.url());
    // By another name of the same host it is no page of the hub.
    let address = address.replace("127.0.0.1", "localhost");
    let cuts = [5000, 0, 0, 0].map(Mischief::Cut);
    place.hub.mischief(cuts);
    assert!(matches!(
        place.pull(&address).await,
        Err(Trouble::Broken { .. })
    ));
    let changed: Vec<u8> = bytes.iter().rev().copied().collect();
    place.hub.put(MODEL, FILE, changed.clone());
    let pulled = place.pull(&address).await.unwrap();
    assert_eq!(std::fs::read(&pulled.path).unwrap(), changed);
    assert!(!place.pull(&address).await.unwrap().files[0].came);
    let found = place.shelf.resolve("localhost/model-Q8-0").unwrap();
    assert_eq!(found, pulled.path);
    // A place that was never asked for its name gets no token.
    assert!(
        place
            .hub
            .downloads()
            .iter()
            .all(|asked| asked.header("authorization").is_none())
    );
}

#[test]
fn addresses_of_the_hub_are_names_and_others_are_files() {
    let hub = "https://hub.example";
    for (said, name) in [
        ("o/r", "o/r"),
        ("https://hub.example/o/r", "o/r"),
        ("https://hub.example/o/r/tree/v1", "o/r@v1"),
        (
            "https://hub.example/o/r/resolve/main/q/a.gguf?download=true",
            "o/r@main:q/a.gguf",
        ),
        (
            "https://hub.example/o/r/blob/main/a.gguf",
            "o/r@main:a.gguf",
        ),
    ] {
        match Source::parse(said, hub) {
            Ok(Source::Hub(found)) => assert_eq!(found.to_string(), name),
            other => panic!("{said}: {other:?}"),
        }
    }
    let other = Source::parse("https://x.example/a/my%20model_1.gguf?k=v", hub).unwrap();
    assert!(matches!(&other, Source::Address(_, name) if name.model() == "x.example/my-20model-1"));
    for said in [
        "ftp://x/a.gguf",
        "https://x/a.bin",
        "https://hub.example/x",
        "https://x/a-00001-of-00002.gguf",
    ] {
        assert!(Source::parse(said, hub).is_err(), "{said}");
    }
}
