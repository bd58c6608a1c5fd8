//! `tokenizer.json`, as converters make it of Mistral's tokenizers: pairs of pieces, either with
//! bytes to fall back to (SentencePiece) or of letters for bytes (Tekken).

use std::collections::HashMap;

use serde_json::Value as Json;

use super::build::{self, Kind, Piece, byte_of};
use super::{Controls, Tokenizer, Version, letters, split};

const TOKENS_MAX: usize = 1 << 21;

pub(super) fn read(file: &Json) -> Result<Tokenizer, String> {
    let model = &file["model"];
    if !matches!(model["type"].as_str(), None | Some("BPE")) {
        return Err(format!(
            "a tokenizer of type {}; `BPE` is read",
            model["type"]
        ));
    }
    let tokens = tokens(file)?;
    let pairs = model["merges"].as_array().ok_or("no `merges`")?;
    let pairs = pairs
        .iter()
        .map(|merge| pair(merge).ok_or_else(|| format!("the merge {merge}")));
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    if model["byte_fallback"] == true {
        pieces(file, tokens, pairs)
    } else {
        words(file, tokens, pairs)
    }
}

/// Every token's text, and whether it is a control token.
fn tokens(file: &Json) -> Result<Vec<(String, bool)>, String> {
    let vocabulary = file["model"]["vocab"].as_object().ok_or("no `vocab`")?;
    let id = |value: &Json| value.as_u64().and_then(|id| usize::try_from(id).ok());
    let mut tokens = Vec::new();
    let mut place = |token: Option<usize>, text: &str, control| {
        let token = token.filter(|token| *token < TOKENS_MAX);
        let token = token.ok_or_else(|| format!("the number of `{text}`"))?;
        if tokens.len() <= token {
            tokens.resize(token + 1, (String::new(), true));
        }
        tokens[token] = (text.to_owned(), control);
        Ok::<_, String>(())
    };
    for (text, token) in vocabulary {
        place(id(token), text, build::is_control(text))?;
    }
    for added in file["added_tokens"].as_array().into_iter().flatten() {
        let text = added["content"]
            .as_str()
            .ok_or("an added token without `content`")?;
        place(id(&added["id"]), text, true)?;
    }
    Ok(tokens)
}

/// `["a", "b"]`, or `"a b"` in older files.
fn pair(merge: &Json) -> Option<(String, String)> {
    if let Some(text) = merge.as_str() {
        let (left, right) = text.split_once(' ')?;
        return Some((left.to_owned(), right.to_owned()));
    }
    match merge.as_array()?.as_slice() {
        [left, right] => Some((left.as_str()?.to_owned(), right.as_str()?.to_owned())),
        _ => None,
    }
}

fn pieces(
    file: &Json,
    tokens: Vec<(String, bool)>,
    pairs: Vec<(String, String)>,
) -> Result<Tokenizer, String> {
    let pieces: Vec<Piece> = tokens
        .into_iter()
        .map(|(text, control)| {
            let kind = match byte_of(&text) {
                Some(byte) if !control => Kind::Byte(byte),
                _ if control => Kind::Control,
                _ => Kind::Text,
            };
            Piece {
                text,
                score: 0.0,
                kind,
            }
        })
        .collect();
    let prepends = steps(&file["normalizer"], "normalizers").any(|step| step["type"] == "Prepend");
    let marks = steps(&file["pre_tokenizer"], "pretokenizers").any(|step| {
        let never = step["prepend_scheme"] == "never" || step["add_prefix_space"] == false;
        step["type"] == "Metaspace" && !never
    });
    build::sentencepiece(&pieces, prepends || marks, Some(pairs), Controls::default())
}

fn words(
    file: &Json,
    tokens: Vec<(String, bool)>,
    pairs: Vec<(String, String)>,
) -> Result<Tokenizer, String> {
    let cut = steps(&file["pre_tokenizer"], "pretokenizers")
        .any(|step| step["type"] == "Split" && step["pattern"]["Regex"] == split::PATTERN);
    if !cut {
        return Err("it cuts words by a pattern that is not known".to_owned());
    }
    let mut names = HashMap::new();
    let mut pieces = Vec::with_capacity(tokens.len());
    for (token, (text, control)) in (0..).zip(tokens) {
        if control {
            names.insert(text, token);
            pieces.push(None);
        } else {
            let bytes = letters::bytes_of(&text);
            pieces.push(Some(bytes.ok_or_else(|| format!("the piece `{text}`"))?));
        }
    }
    let spoken = Version::of_words(file["chat_template"].as_str(), &names);
    build::tekken(pieces, &names, Some(pairs), spoken, Controls::default())
}

/// A step, or those of a sequence.
fn steps<'a>(step: &'a Json, inner: &str) -> impl Iterator<Item = &'a Json> {
    let many = step[inner].as_array();
    let one = if many.is_none() { Some(step) } else { None };
    many.into_iter().flatten().chain(one)
}
