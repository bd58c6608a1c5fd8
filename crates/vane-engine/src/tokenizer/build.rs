//! From the parts that a file gives to a tokenizer, and the checks that all kinds of files share.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::bpe::{Bpe, Merges, Pairs};
use super::{Controls, SPACE, Scheme, Settings, Tokenizer, Version, letters};

/// Pieces are short; a file that says otherwise is not one of ours.
const PIECE_BYTES_MAX: usize = 4_096;

/// What a piece is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Control,
    Byte(u8),
}

/// A piece as SentencePiece has it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) score: f32,
    pub(super) kind: Kind,
}

impl Piece {
    /// By the numbers that SentencePiece and GGUF give to kinds.
    pub(super) fn new(text: String, score: f32, kind: i64) -> Result<Self, String> {
        if text.len() > PIECE_BYTES_MAX {
            return Err(format!("a piece of {} bytes", text.len()));
        }
        let kind = match kind {
            // Some converters call control tokens what users defined.
            1 | 4 if is_control(&text) => Kind::Control,
            1 | 4 | 5 => Kind::Text,
            6 => Kind::Byte(byte_of(&text).ok_or_else(|| format!("`{text}` is no byte"))?),
            2 | 3 => Kind::Control,
            kind => return Err(format!("a piece of kind {kind}")),
        };
        Ok(Self { text, score, kind })
    }
}

/// Names that text must never become.
pub(super) fn is_control(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let inner = inner.map(|text| text.strip_prefix('/').unwrap_or(text));
    let named = inner.is_some_and(|name| {
        matches!(
            name,
            "INST"
                | "TOOL_CALLS"
                | "AVAILABLE_TOOLS"
                | "TOOL_RESULTS"
                | "IMG"
                | "PREFIX"
                | "MIDDLE"
                | "SUFFIX"
                | "SYSTEM_PROMPT"
                | "TOOL_CONTENT"
                | "ARGS"
                | "CALL_ID"
                | "THINK"
                | "MODEL_SETTINGS"
        )
    });
    named || matches!(text, "<unk>" | "<s>" | "</s>") || text.starts_with("[control_")
}

/// `<0x0A>`
pub(super) fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok()
}

/// A tokenizer of pieces with scores; of pairs, where a file lists those.
pub(super) fn sentencepiece(
    pieces: &[Piece],
    dummy_space: bool,
    pairs: Option<Vec<(String, String)>>,
    mut controls: Controls,
) -> Result<Tokenizer, String> {
    let mut ids = HashMap::new();
    let mut names = HashMap::new();
    let mut texts = Vec::with_capacity(pieces.len());
    let mut bytes = [None; 256];
    for (token, piece) in (0..).zip(pieces) {
        texts.push(match piece.kind {
            Kind::Control => Box::default(),
            Kind::Text => piece.text.replace(SPACE, " ").into_bytes().into(),
            Kind::Byte(byte) => Box::from([byte]),
        });
        match piece.kind {
            Kind::Text => _ = ids.entry(Box::from(piece.text.as_bytes())).or_insert(token),
            Kind::Control => _ = names.entry(piece.text.as_str()).or_insert(token),
            Kind::Byte(byte) => bytes[usize::from(byte)] = Some(token),
        }
    }
    controls.find(|name| names.get(name).copied());
    let merges = match pairs {
        Some(pairs) => Merges::Pairs(listed(&pairs, &ids, |piece| {
            Some(piece.as_bytes().to_vec())
        })?),
        None => Merges::Pieces(ranks(pieces)),
    };
    let bytes: Option<Vec<u32>> = bytes.into_iter().collect();
    let tokenizer = Tokenizer {
        scheme: Scheme::SentencePiece { dummy_space },
        version: Version::of_marks(&controls),
        settings: None,
        bpe: Bpe { ids, merges },
        texts,
        vocabulary: OnceLock::new(),
        longest: OnceLock::new(),
        bytes: bytes.and_then(|bytes| bytes.try_into().ok()),
        controls,
    };
    checked(tokenizer)
}

/// The higher a score, the lower its rank; equal scores share one.
fn ranks(pieces: &[Piece]) -> Vec<u32> {
    let mut scores: Vec<f32> = pieces.iter().map(|piece| piece.score).collect();
    scores.sort_by(|left, right| right.total_cmp(left));
    scores.dedup();
    let rank = |piece: &Piece| {
        let rank = scores.partition_point(|score| score.total_cmp(&piece.score).is_gt());
        u32::try_from(rank).unwrap_or(u32::MAX)
    };
    pieces.iter().map(rank).collect()
}

/// A tokenizer of byte pieces: `None` where a token is a control token, which `names` knows.
pub(super) fn tekken(
    pieces: Vec<Option<Vec<u8>>>,
    names: &HashMap<String, u32>,
    pairs: Option<Vec<(String, String)>>,
    (version, settings): (Version, Option<Settings>),
    mut controls: Controls,
) -> Result<Tokenizer, String> {
    let mut ids = HashMap::new();
    for (token, piece) in (0..).zip(&pieces) {
        if let Some(piece) = piece {
            if piece.len() > PIECE_BYTES_MAX {
                return Err(format!("a piece of {} bytes", piece.len()));
            }
            ids.entry(Box::from(piece.as_slice())).or_insert(token);
        }
    }
    controls.find(|name| names.get(name).copied());
    let merges = match pairs {
        Some(pairs) => Merges::Pairs(listed(&pairs, &ids, letters::bytes_of)?),
        None => Merges::Pieces((0..).zip(&pieces).map(|(token, _)| token).collect()),
    };
    let texts = pieces
        .into_iter()
        .map(|piece| piece.unwrap_or_default().into())
        .collect();
    let tokenizer = Tokenizer {
        scheme: Scheme::Tekken,
        version,
        settings,
        bpe: Bpe { ids, merges },
        texts,
        vocabulary: OnceLock::new(),
        longest: OnceLock::new(),
        bytes: None,
        controls,
    };
    checked(tokenizer)
}

/// Listed pairs as tokens, with their ranks and what they become.
fn listed(
    pairs: &[(String, String)],
    ids: &HashMap<Box<[u8]>, u32>,
    bytes_of: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Pairs, String> {
    let mut listed = HashMap::with_capacity(pairs.len());
    for (rank, (left, right)) in (0..).zip(pairs) {
        let parts = bytes_of(left).zip(bytes_of(right));
        let found = parts.and_then(|(left, right)| {
            let whole = [left.as_slice(), right.as_slice()].concat();
            let id = |bytes: &[u8]| ids.get(bytes).copied();
            Some(((id(&left)?, id(&right)?), id(&whole)?))
        });
        let (pair, whole) = found.ok_or_else(|| format!("the merge of `{left}` and `{right}`"))?;
        listed.entry(pair).or_insert((rank, whole));
    }
    Ok(listed)
}

fn checked(tokenizer: Tokenizer) -> Result<Tokenizer, String> {
    let controls = &tokenizer.controls;
    let many = tokenizer.texts.len();
    let all = [
        controls.unknown,
        controls.begin,
        controls.end,
        controls.user,
        controls.user_end,
        controls.system,
        controls.system_end,
        controls.prefix,
        controls.suffix,
        controls.tools,
        controls.tools_end,
        controls.calls,
        controls.results,
        controls.results_end,
        controls.content,
        controls.args,
        controls.call_id,
        controls.think,
        controls.think_end,
        controls.settings,
        controls.settings_end,
    ];
    let exists = |token: &u32| usize::try_from(*token).is_ok_and(|token| token < many);
    match all.iter().flatten().find(|token| !exists(token)) {
        Some(token) => Err(format!("the control token {token}, of {many} tokens")),
        None if many == 0 => Err("a vocabulary of nothing".to_owned()),
        None => Ok(tokenizer),
    }
}
