//! The tokenizer in the metadata of a GGUF file.

use std::collections::{BTreeMap, HashMap};

use super::build::{self, Piece};
use super::{Controls, Tokenizer, Version, letters};
use crate::weights::gguf::Value;

pub(super) fn read(metadata: &BTreeMap<String, Value>) -> Result<Tokenizer, String> {
    let keys = Keys { metadata };
    let Some(Value::Texts(tokens)) = keys.get("tokens") else {
        return Err("no `tokenizer.ggml.tokens`".to_owned());
    };
    let kinds = match keys.get("token_type") {
        Some(Value::Integers(kinds)) if kinds.len() == tokens.len() => kinds,
        _ => return Err("no `tokenizer.ggml.token_type` of every token".to_owned()),
    };
    match keys.get("model") {
        Some(Value::Text(model)) if model == "llama" => pieces(&keys, tokens, kinds),
        Some(Value::Text(model)) if model == "gpt2" => words(&keys, tokens, kinds),
        other => Err(format!(
            "a tokenizer of model {other:?}; `llama` and `gpt2` are read"
        )),
    }
}

fn pieces(keys: &Keys<'_>, tokens: &[String], kinds: &[i64]) -> Result<Tokenizer, String> {
    let scores = match keys.get("scores") {
        Some(Value::Floats(scores)) if scores.len() == tokens.len() => scores,
        _ => return Err("no `tokenizer.ggml.scores` of every token".to_owned()),
    };
    if keys.get("remove_extra_whitespaces") == Some(&Value::Bool(true)) {
        return Err("a tokenizer that removes spaces is not run".to_owned());
    }
    let parts = tokens.iter().zip(scores).zip(kinds);
    let pieces = parts.map(|((text, score), kind)| Piece::new(text.clone(), *score, *kind));
    let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
    let dummy_space = keys.get("add_space_prefix") != Some(&Value::Bool(false));
    build::sentencepiece(&pieces, dummy_space, None, keys.controls()?)
}

fn words(keys: &Keys<'_>, tokens: &[String], kinds: &[i64]) -> Result<Tokenizer, String> {
    match keys.get("pre") {
        Some(Value::Text(pre)) if pre == "tekken" => {}
        other => return Err(format!("words cut by {other:?}; `tekken` is read")),
    }
    let Some(Value::Texts(merges)) = keys.get("merges") else {
        return Err("no `tokenizer.ggml.merges`".to_owned());
    };
    let pairs = merges.iter().map(|merge| {
        let parts = merge
            .split_once(' ')
            .map(|(left, right)| (left.to_owned(), right.to_owned()));
        parts.ok_or_else(|| format!("the merge `{merge}`"))
    });
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let mut names = HashMap::new();
    let mut pieces = Vec::with_capacity(tokens.len());
    for ((token, text), kind) in (0..).zip(tokens).zip(kinds) {
        if *kind == 1 {
            let bytes = letters::bytes_of(text);
            pieces.push(Some(bytes.ok_or_else(|| format!("the piece `{text}`"))?));
        } else {
            names.insert(text.clone(), token);
            pieces.push(None);
        }
    }
    let template = match keys.metadata.get("tokenizer.chat_template") {
        Some(Value::Text(template)) => Some(template.as_str()),
        _ => None,
    };
    let spoken = Version::of_words(template, &names);
    build::tekken(pieces, &names, Some(pairs), spoken, keys.controls()?)
}

struct Keys<'a> {
    metadata: &'a BTreeMap<String, Value>,
}

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.metadata.get(&format!("tokenizer.ggml.{key}"))
    }

    fn token(&self, key: &str) -> Result<Option<u32>, String> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Integer(token)) => u32::try_from(*token)
                .map(Some)
                .map_err(|_| format!("`tokenizer.ggml.{key}` is {token}")),
            Some(other) => Err(format!("`tokenizer.ggml.{key}` is {other:?}")),
        }
    }

    /// Marks of a gap are known by their names alone: those of other families, which files tell by
    /// number, stand in another order.
    fn controls(&self) -> Result<Controls, String> {
        Ok(Controls {
            unknown: self.token("unknown_token_id")?,
            begin: self.token("bos_token_id")?,
            end: self.token("eos_token_id")?,
            ..Controls::default()
        })
    }
}
