//! Mistral's own files: SentencePiece models and `tekken.json`; and which file of a folder counts.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

use super::build::{self, Piece};
use super::{Controls, Settings, Tokenizer, Version, json, split};
use crate::Fault;
use crate::weights;

const FILE_BYTES_MAX: u64 = 64 << 20;
const TOKENS_MAX: usize = 1 << 21;

/// Those of Mistral before `tokenizer.json`, which others made of them.
const NAMES: &[&str] = &[
    "tekken.json",
    "tokenizer.model.v7",
    "tokenizer.model.v3",
    "tokenizer.json",
    "tokenizer.model",
];

pub(super) fn of_folder(folder: &Path) -> Result<Tokenizer, Fault> {
    let found = NAMES
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.exists());
    let missing = || Fault::malformed(folder, format!("no tokenizer: one of {}", NAMES.join(", ")));
    open(&found.ok_or_else(missing)?)
}

pub(super) fn open(path: &Path) -> Result<Tokenizer, Fault> {
    let bytes = weights::bytes(path, FILE_BYTES_MAX)?;
    let read = if bytes.first() == Some(&b'{') {
        let value = serde_json::from_slice::<Json>(&bytes);
        value
            .map_err(|error| error.to_string())
            .and_then(|mut value| {
                if value["config"]["pattern"].is_string() {
                    tekken(&value)
                } else {
                    if value["chat_template"].is_null() {
                        value["chat_template"] = template_beside(path).into();
                    }
                    json::read(&value)
                }
            })
    } else {
        sentencepiece(&bytes)
    };
    read.map_err(|what| Fault::malformed(path, what))
}

/// The chat template of a `tokenizer.json`, which transformers writes into a file beside it.
fn template_beside(path: &Path) -> Option<String> {
    let read = |name: &str| weights::bytes(&path.with_file_name(name), FILE_BYTES_MAX).ok();
    if let Some(template) = read("chat_template.jinja") {
        return String::from_utf8(template).ok();
    }
    let config: Json = serde_json::from_slice(&read("tokenizer_config.json")?).ok()?;
    let template = &config["chat_template"];
    // One, or several with names of which the first is for conversations.
    let first = template.as_str().or(template[0]["template"].as_str());
    first.map(str::to_owned)
}

pub(super) fn tekken(file: &Json) -> Result<Tokenizer, String> {
    let config = &file["config"];
    if config["pattern"] != split::PATTERN {
        return Err("it cuts words by a pattern that is not known".to_owned());
    }
    let number = |key: &str| {
        let number = config[key]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok());
        number
            .filter(|many| *many <= TOKENS_MAX)
            .ok_or_else(|| format!("its `{key}`"))
    };
    let (tokens, special) = (
        number("default_vocab_size")?,
        number("default_num_special_tokens")?,
    );
    let vocabulary = file["vocab"].as_array().ok_or("no `vocab`")?;
    let many = tokens
        .checked_sub(special)
        .filter(|many| *many <= vocabulary.len());
    let mut pieces = vec![None; special];
    for (rank, piece) in vocabulary[..many.ok_or("fewer tokens than it says")?]
        .iter()
        .enumerate()
    {
        let bytes = piece["token_bytes"]
            .as_str()
            .and_then(|text| BASE64.decode(text).ok());
        if piece["rank"].as_u64() != u64::try_from(rank).ok() || bytes.is_none() {
            return Err(format!("its piece {rank}"));
        }
        pieces.push(bytes);
    }
    let names = match file["special_tokens"].as_array() {
        None => (0..)
            .zip(SPECIAL)
            .map(|(token, name)| ((*name).to_owned(), token))
            .collect(),
        Some(tokens) => special_tokens(tokens)?,
    };
    let version = config["version"].as_str().and_then(Version::named);
    let version = version.ok_or_else(|| format!("version {}", config["version"]))?;
    let settings = match version {
        Version::V15 => Some(Settings::read(&file["model_settings_builder"])?),
        _ => None,
    };
    let spoken = (version, settings);
    build::tekken(pieces, &names, None, spoken, Controls::default())
}

fn special_tokens(tokens: &[Json]) -> Result<HashMap<String, u32>, String> {
    let pair = |token: &Json| {
        let rank = u32::try_from(token["rank"].as_u64()?).ok()?;
        Some((token["token_str"].as_str()?.to_owned(), rank))
    };
    tokens
        .iter()
        .map(|token| pair(token).ok_or_else(|| format!("its token {token}")))
        .collect()
}

/// The control tokens of files that do not list them.
const SPECIAL: &[&str] = &[
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// A SentencePiece model: a message of protobuf, of which the pieces and the normaliser are read.
fn sentencepiece(bytes: &[u8]) -> Result<Tokenizer, String> {
    let mut pieces = Vec::new();
    let mut dummy_space = true;
    for field in Fields(bytes) {
        match field? {
            (1, Field::Bytes(piece)) => pieces.push(self::piece(piece)?),
            // The trainer's settings: only pair merging is run.
            (2, Field::Bytes(trainer)) => {
                for field in Fields(trainer) {
                    if let (3, Field::Number(kind)) = field?
                        && kind != 2
                    {
                        return Err(format!("a SentencePiece model of kind {kind}; 2 is read"));
                    }
                }
            }
            (3, Field::Bytes(normaliser)) => dummy_space = self::dummy_space(normaliser)?,
            _ => {}
        }
        if pieces.len() > TOKENS_MAX {
            return Err("too many pieces".to_owned());
        }
    }
    build::sentencepiece(&pieces, dummy_space, None, Controls::default())
}

fn piece(bytes: &[u8]) -> Result<Piece, String> {
    let (mut text, mut score, mut kind) = (String::new(), 0.0, 1);
    for field in Fields(bytes) {
        match field? {
            (1, Field::Bytes(bytes)) => {
                text = String::from_utf8(bytes.to_vec()).map_err(|_| "a piece that is no text")?;
            }
            (2, Field::Four(bytes)) => score = f32::from_le_bytes(bytes),
            (3, Field::Number(number)) => kind = i64::try_from(number).unwrap_or(i64::MAX),
            _ => {}
        }
    }
    Piece::new(text, score, kind)
}

fn dummy_space(normaliser: &[u8]) -> Result<bool, String> {
    let mut dummy_space = true;
    // What the format takes for granted where a file is silent is that spaces are removed.
    let mut removes = true;
    for field in Fields(normaliser) {
        match field? {
            (2, Field::Bytes(rules)) if !rules.is_empty() => {
                return Err("a normaliser that changes characters".to_owned());
            }
            (3, Field::Number(yes)) => dummy_space = yes != 0,
            (4, Field::Number(yes)) => removes = yes != 0,
            _ => {}
        }
    }
    if removes {
        Err("a normaliser that removes spaces".to_owned())
    } else {
        Ok(dummy_space)
    }
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Four([u8; 4]),
    Eight,
}

/// The fields of a message, by their numbers.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or_else(|| "not a SentencePiece model".to_owned()))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let tag = self.number()?;
        let field = match tag & 7 {
            0 => Field::Number(self.number()?),
            1 => self.take(8).map(|_| Field::Eight)?,
            2 => {
                let len = usize::try_from(self.number()?).ok()?;
                Field::Bytes(self.take(len)?)
            }
            5 => Field::Four(self.take(4)?.try_into().ok()?),
            _ => return None,
        };
        Some((tag >> 3, field))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, many: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(taken)
    }
}
