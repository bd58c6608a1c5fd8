//! Text to tokens and back, as Mistral's own tokenizers do it: SentencePiece (v1 to v3, v7) and Tekken
//! (v3 to v15), from GGUF metadata, from `tokenizer.json`, or from Mistral's own files.
//!
//! Invariant: no text becomes a control token. Control tokens are placed by prompts alone, so that a
//! message cannot end its own turn.

mod bpe;
mod build;
mod gguf;
mod json;
mod letters;
mod mistral;
mod prompt;
mod settings;
mod split;
mod stream;
mod tools;
mod version;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::Fault;
use crate::grammar::{Grammar, Guide, Vocabulary};
use crate::weights::{self, gguf::Value};
use bpe::Bpe;
pub use prompt::{Message, Part, Prompt, Role};
use settings::Settings;
pub use settings::{Effort, Setting};
pub(crate) use stream::Unfinished;
pub(crate) use tools::{ID_LEN, PartMarks, id_of};
pub use tools::{Tool, ToolCall};
pub use version::Version;

/// How SentencePiece writes a space.
const SPACE: &str = "\u{2581}";

/// How text is cut before pieces are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// Not cut; characters are merged, and what no piece covers becomes its bytes.
    SentencePiece {
        /// A text begins with a space that it does not have.
        dummy_space: bool,
    },
    /// Cut into words; bytes are merged.
    Tekken,
}

/// A vocabulary, and how prompts are made of it.
#[derive(Debug)]
pub struct Tokenizer {
    scheme: Scheme,
    version: Version,
    /// How the model can be set, where prompts say so.
    settings: Option<Settings>,
    bpe: Bpe,
    /// What a token says, as bytes; nothing for a control token.
    texts: Vec<Box<[u8]>>,
    /// The same in their order, made when a grammar first asks for it.
    /// Bytes of the longest token.
    longest: OnceLock<usize>,
    vocabulary: OnceLock<Vocabulary>,
    /// The tokens of single bytes, where SentencePiece falls back to them.
    bytes: Option<Box<[u32; 256]>>,
    controls: Controls,
}

/// Tokens that stand for no text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Controls {
    unknown: Option<u32>,
    begin: Option<u32>,
    end: Option<u32>,
    user: Option<u32>,
    user_end: Option<u32>,
    system: Option<u32>,
    system_end: Option<u32>,
    prefix: Option<u32>,
    suffix: Option<u32>,
    tools: Option<u32>,
    tools_end: Option<u32>,
    calls: Option<u32>,
    results: Option<u32>,
    results_end: Option<u32>,
    content: Option<u32>,
    args: Option<u32>,
    call_id: Option<u32>,
    think: Option<u32>,
    think_end: Option<u32>,
    settings: Option<u32>,
    settings_end: Option<u32>,
}

/// The tokens between which a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThinkMarks {
    pub(crate) begin: u32,
    pub(crate) end: u32,
}

impl Controls {
    /// What a file does not number is found by its name.
    fn find(&mut self, id_of: impl Fn(&str) -> Option<u32>) {
        let named = [
            (&mut self.unknown, "<unk>"),
            (&mut self.begin, "<s>"),
            (&mut self.end, "</s>"),
            (&mut self.user, "[INST]"),
            (&mut self.user_end, "[/INST]"),
            (&mut self.system, "[SYSTEM_PROMPT]"),
            (&mut self.system_end, "[/SYSTEM_PROMPT]"),
            (&mut self.prefix, "[PREFIX]"),
            (&mut self.suffix, "[SUFFIX]"),
            (&mut self.tools, "[AVAILABLE_TOOLS]"),
            (&mut self.tools_end, "[/AVAILABLE_TOOLS]"),
            (&mut self.calls, "[TOOL_CALLS]"),
            (&mut self.results, "[TOOL_RESULTS]"),
            (&mut self.results_end, "[/TOOL_RESULTS]"),
            (&mut self.content, "[TOOL_CONTENT]"),
            (&mut self.args, "[ARGS]"),
            (&mut self.call_id, "[CALL_ID]"),
            (&mut self.think, "[THINK]"),
            (&mut self.think_end, "[/THINK]"),
            (&mut self.settings, "[MODEL_SETTINGS]"),
            (&mut self.settings_end, "[/MODEL_SETTINGS]"),
        ];
        for (control, name) in named {
            *control = control.or_else(|| id_of(name));
        }
    }
}

impl Tokenizer {
    pub(crate) fn of_gguf(metadata: &BTreeMap<String, Value>, path: &Path) -> Result<Self, Fault> {
        gguf::read(metadata).map_err(|what| Fault::malformed(path, what))
    }

    /// Of Mistral's own files where they are there, because they are the reference.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, Fault> {
        mistral::of_folder(folder)
    }

    /// Of one file: `tekken.json`, `tokenizer.json`, or a SentencePiece model.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        mistral::open(path)
    }

    /// Of what would stand in a `tekken.json` beside the pattern.
    #[cfg(test)]
    pub(crate) fn of_tekken(mut file: serde_json::Value) -> Self {
        file["config"]["pattern"] = split::PATTERN.into();
        mistral::tekken(&file).unwrap()
    }

    /// Of weights, of which nothing else is read: a GGUF file, a folder, or a tokenizer's own file.
    pub fn beside(path: &Path) -> Result<Self, Fault> {
        match path.extension() {
            _ if path.is_dir() => Self::of_folder(path),
            Some(kind) if kind == "gguf" => Self::of_gguf(&weights::metadata(path)?, path),
            _ => Self::open(path),
        }
    }

    /// How many tokens there are.
    #[allow(clippy::len_without_is_empty, reason = "a vocabulary is never empty")]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// What cuts its texts into pieces.
    pub fn kind(&self) -> &'static str {
        match self.scheme {
            Scheme::SentencePiece { .. } => "SentencePiece",
            Scheme::Tekken => "Tekken",
        }
    }

    /// The token that ends an answer.
    pub(crate) fn end(&self) -> Option<u32> {
        self.controls.end
    }

    /// Whether prompts can mark a gap. That a model was trained to fill it is not said by this.
    pub fn marks_gaps(&self) -> bool {
        self.controls.prefix.is_some() && self.controls.suffix.is_some()
    }

    /// Whether it knows turns of a conversation. Of v1, whose turns are text, nobody can tell.
    pub fn converses(&self) -> bool {
        self.controls.user.is_some()
    }

    /// Whether its vocabulary has the marks of thoughts.
    pub fn thinks(&self) -> bool {
        self.think_marks().is_some()
    }

    pub(crate) fn think_marks(&self) -> Option<ThinkMarks> {
        let (begin, end) = self.controls.think.zip(self.controls.think_end)?;
        Some(ThinkMarks { begin, end })
    }

    /// Whether a thought is open at the end of a prompt.
    pub(crate) fn is_thinking(&self, prompt: &[u32]) -> bool {
        let Some(marks) = self.think_marks() else {
            return false;
        };
        // What ends a turn ends its thoughts.
        let ends = [Some(marks.end), self.controls.user_end, self.controls.end];
        let is_mark = |token: &&u32| **token == marks.begin || ends.contains(&Some(**token));
        prompt.iter().rev().find(is_mark) == Some(&marks.begin)
    }

    /// Whether answers of a chat begin with a space that is none.
    pub(crate) fn has_dummy_space(&self) -> bool {
        self.scheme == Scheme::SentencePiece { dummy_space: true }
    }

    /// What a token says; not always whole characters.
    pub fn text(&self, token: u32) -> &[u8] {
        let index = usize::try_from(token).unwrap_or(usize::MAX);
        self.texts.get(index).map_or(&[], |text| text)
    }

    fn longest(&self) -> usize {
        let longest = || self.texts.iter().map(|text| text.len()).max();
        *self.longest.get_or_init(|| longest().unwrap_or(1).max(1))
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        self.vocabulary.get_or_init(|| Vocabulary::of(&self.texts))
    }

    /// Leads these tokens along a grammar as an answer is, and tells of each whether it was allowed.
    pub fn masks(&self, grammar: Arc<Grammar>, tokens: &[u32], told: &mut dyn FnMut(bool)) {
        let vocabulary = self.vocabulary();
        let mut guide = Guide::new(grammar);
        for token in tokens {
            told(guide.allowed(vocabulary, false).allows(*token));
            guide.push(self.text(*token));
        }
    }

    /// The tokens of a text that goes on from another: without a space before it, and cut as if
    /// something stood there. That is how the reference does it, with the same sign.
    pub fn encode_within(&self, text: &str) -> Vec<u32> {
        const BEFORE: &str = "\u{263a}";
        let before = self.encode(BEFORE).len();
        self.encode(&format!("{BEFORE}{text}")).split_off(before)
    }

    /// The tokens of a text, as the beginning of a text is written.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        match self.scheme {
            Scheme::SentencePiece { dummy_space } => {
                if text.is_empty() {
                    return tokens;
                }
                let dummy = if dummy_space { SPACE } else { "" };
                let text = format!("{dummy}{}", text.replace(' ', SPACE));
                let starts = text.char_indices().map(|(start, _)| start);
                for (piece, token) in self.bpe.merge(text.as_bytes(), starts) {
                    match token {
                        Some(token) => tokens.push(token),
                        None => self.push_bytes(&mut tokens, piece),
                    }
                }
            }
            Scheme::Tekken => {
                for word in split::words(text) {
                    let word = word.as_bytes();
                    if let Some(token) = self.bpe.whole(word) {
                        tokens.push(token);
                        continue;
                    }
                    let pieces = self.bpe.merge(word, 0..word.len()).into_iter();
                    tokens.extend(pieces.filter_map(|(_, token)| token.or(self.controls.unknown)));
                }
            }
        }
        tokens
    }

    fn push_bytes(&self, tokens: &mut Vec<u32>, piece: &[u8]) {
        match &self.bytes {
            Some(bytes) => tokens.extend(piece.iter().map(|byte| bytes[usize::from(*byte)])),
            None => tokens.extend(self.controls.unknown),
        }
    }
}
