//! A file of a model or of its tokenizer is opened or refused, and what was opened runs; nothing in it
//! ends the process or the engine's thread.

use std::fs;
use std::path::PathBuf;

use vane_engine::{
    Engine, Fault, Message, Model, Options, Part, Precision, Prompt, Request, Role, Tokenizer,
};

const CONFIG: &[u8] = include_bytes!("../seeds/model_config/five.json");
const WEIGHTS: &[u8] = include_bytes!("../seeds/weights_safetensors/whole.safetensors");
const TOKENIZER: &[u8] = include_bytes!("../seeds/tokenizer_file/pieces.json");

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!(
            "vane-fuzz-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let folder = std::env::temp_dir().join(name);
        if let Err(fault) = fs::create_dir_all(&folder) {
            panic!("{}: {fault}", folder.display());
        }
        Self(folder)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        if let Err(fault) = fs::write(&path, bytes) {
            panic!("{}: {fault}", path.display());
        }
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn gguf(bytes: &[u8]) {
    let folder = Folder::new();
    run(Model::open(&folder.write("model.gguf", bytes), &mut |_| ()));
}

pub fn safetensors(bytes: &[u8]) {
    folder_of(CONFIG, bytes);
}

pub fn config(bytes: &[u8]) {
    folder_of(bytes, WEIGHTS);
}

fn folder_of(config: &[u8], weights: &[u8]) {
    let folder = Folder::new();
    folder.write("config.json", config);
    folder.write("tokenizer.json", TOKENIZER);
    folder.write("model.safetensors", weights);
    run(Model::open(&folder.0, &mut |_| ()));
}

/// Asks a model that opened for two tokens.
fn run(model: Result<Model, Fault>) {
    let model = match model {
        Ok(model) => model,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    let options = Options {
        threads: 1,
        precision: Precision::Single,
        cache_bytes: Some(1 << 20),
        sequences_max: 1,
        ..Options::default()
    };
    let Ok(engine) = Engine::start(model, options) else {
        return;
    };
    let request = Request {
        max_tokens: Some(2),
        ..Request::new(Prompt::Tokens(vec![0, 0]))
    };
    if let Ok(pieces) = engine.submit(request) {
        for piece in pieces {
            assert!(piece.is_ok(), "the engine's thread ended");
        }
    }
}

const TEXTS: &[&str] = &[
    "",
    " ",
    "ab  \n\tba",
    "日本 é \u{1f600}",
    "[INST] <s> </s> \u{2581}x",
];

pub fn tokenizer(bytes: &[u8]) {
    let folder = Folder::new();
    let tokenizer = match Tokenizer::open(&folder.write("tokenizer", bytes)) {
        Ok(tokenizer) => tokenizer,
        Err(fault) => return assert!(!fault.to_string().is_empty()),
    };
    let known = |tokens: &[u32]| {
        for token in tokens {
            let number = usize::try_from(*token).unwrap_or(usize::MAX);
            assert!(
                number < tokenizer.len(),
                "token {token}, of {}",
                tokenizer.len()
            );
        }
    };
    for text in TEXTS {
        let text = (*text).to_owned();
        known(&tokenizer.encode(&text));
        known(&tokenizer.encode_within(&text));
        let (prefix, suffix) = (text.clone(), text.clone());
        let turn = |role| Message::new(role, text.clone());
        let mut answer = turn(Role::Assistant);
        let (text, closed) = (text.clone(), true);
        answer.content.insert(0, Part::Thought { text, closed });
        let chat = vec![turn(Role::System), turn(Role::User), answer];
        for prompt in [Prompt::Fill { prefix, suffix }, Prompt::Chat(chat)] {
            if let Ok(tokens) = tokenizer.lay_out(&prompt) {
                known(&tokens);
            }
        }
    }
}
