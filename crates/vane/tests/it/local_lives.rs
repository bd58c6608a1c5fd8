//! What becomes of the processes of models: where they compute, and how one follows another.

use crate::alphabet;
use crate::client::Ask;
use crate::here::{configuration, gap};
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
