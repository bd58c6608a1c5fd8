//! A model file that is made on the spot: it writes the alphabet, on and on, from whichever letter
//! came last.
//!
//! Its layers add nothing, so that a token's embedding is what its successor is found by. After a
//! line's end it has said everything, and it begins a turn of its own with an `a`.

use crate::write::Value::{self, Integers, Texts, U32};
use crate::write::{self, F32, Tensor};

/// Control tokens, before those of the 256 bytes.
const CONTROLS: [&str; 12] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[PREFIX]",
    "[SUFFIX]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
];
/// After these it begins a turn.
const TURNS: [usize; 2] = [4, 11];
/// Control tokens of one that thinks, after those of the bytes.
const THINKING: [&str; 8] = [
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
    "[ARGS]",
    "[THINK]",
    "[/THINK]",
    "[MODEL_SETTINGS]",
    "[/MODEL_SETTINGS]",
];
/// What leads to a thought; no turn ends with it.
const TURN: usize = 3;
const THINK: usize = of_byte(255) + 5;
const THINK_END: usize = THINK + 1;
/// What it thinks. Its last character is of two tokens.
pub(crate) const THOUGHT: &str = "A\u{e9}";
/// How prompts say that it is set, as far as a reader of templates looks.
const TEMPLATE: &str = "{%- set reasoning_effort = 'none' %}\
    {%- if reasoning_effort not in ['none', 'low', 'high'] %}[MODEL_SETTINGS][SYSTEM_PROMPT][ARGS]";
const HIDDEN: usize = 64;
/// Tokens that it keeps in mind.
pub(crate) const CONTEXT: u32 = 1 << 16;

/// How wide the part of a layer is that takes most of a model's bytes.
const INNER: usize = 32;

/// What says that it was trained to fill gaps.
const NAME: &str = "Codestral of the alphabet";

/// The bytes of a GGUF file. Without `turns` it fills in and does not converse.
pub(crate) fn gguf(turns: bool) -> Vec<u8> {
    of_width(turns, INNER, NAME)
}

/// The same model by the name of one that converses and has only the marks of a gap.
pub(crate) fn chatting() -> Vec<u8> {
    of_width(true, INNER, "Alphabet Instruct")
}

/// The same model with so many bytes of weights at least, and not many more.
pub(crate) fn large(bytes: usize) -> Vec<u8> {
    of_width(true, bytes.div_ceil(3 * HIDDEN * size_of::<f32>()), NAME)
}

/// One of v15 that converses: its answer begins with a thought, where it may have one.
pub(crate) fn thinking() -> Vec<u8> {
    of_tokens(&tokens(true, &THINKING), INNER, "Alphabet Thinking")
}

fn of_width(turns: bool, inner: usize, name: &str) -> Vec<u8> {
    of_tokens(&tokens(turns, &[]), inner, name)
}

fn of_tokens(names: &[String], inner: usize, name: &str) -> Vec<u8> {
    let thinks = names.len() > THINK;
    let embeddings = (0..names.len()).map(|token| embedding(token, thinks));
    let embeddings: Vec<Vec<f32>> = embeddings.collect();
    let before = |token| before(token, thinks);
    let matrix = |name: &str, rows: &mut dyn Iterator<Item = usize>| {
        let floats = rows.flat_map(|row| &embeddings[row]).copied();
        tensor(name, &[names.len(), HIDDEN], bytes(floats))
    };
    let ones = |name: &str| tensor(name, &[HIDDEN], bytes([1.0; HIDDEN].into_iter()));
    let zeros = |name: &str, rows: usize, columns: usize| {
        let none = vec![0; rows * columns * size_of::<f32>()];
        tensor(name, &[rows, columns], none)
    };
    let tensors = [
        matrix("token_embd", &mut (0..names.len())),
        matrix("output", &mut (0..names.len()).map(before)),
        ones("output_norm"),
        ones("blk.0.attn_norm"),
        zeros("blk.0.attn_q", 32, HIDDEN),
        zeros("blk.0.attn_k", 16, HIDDEN),
        zeros("blk.0.attn_v", 16, HIDDEN),
        zeros("blk.0.attn_output", HIDDEN, 32),
        ones("blk.0.ffn_norm"),
        zeros("blk.0.ffn_gate", inner, HIDDEN),
        zeros("blk.0.ffn_up", inner, HIDDEN),
        zeros("blk.0.ffn_down", HIDDEN, inner),
    ];
    write::gguf(&metadata(name, names, inner), &tensors)
}

fn tensor(name: &str, shape: &[usize], bytes: Vec<u8>) -> Tensor {
    Tensor {
        name: format!("{name}.weight"),
        shape: shape.to_vec(),
        kind: F32,
        bytes,
    }
}

fn bytes(floats: impl Iterator<Item = f32>) -> Vec<u8> {
    floats.flat_map(f32::to_le_bytes).collect()
}

/// A byte is written as the letter that files of this kind have for it.
fn tokens(turns: bool, more: &[&str]) -> Vec<String> {
    let controls = CONTROLS.iter().map(|name| match *name {
        "[INST]" | "[/INST]" if !turns => format!("<no {name}>"),
        name => name.to_owned(),
    });
    let mut unprinted = 0;
    let bytes = (0..=255_u8).map(|byte| {
        let printed = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let letter = if printed {
            char::from(byte)
        } else {
            unprinted += 1;
            char::from_u32(255 + unprinted).unwrap()
        };
        letter.to_string()
    });
    let more = more.iter().map(|name| (*name).to_owned());
    controls.chain(bytes).chain(more).collect()
}

const fn of_byte(byte: u8) -> usize {
    CONTROLS.len() + byte as usize
}

/// The token that it follows.
fn before(token: usize, thinks: bool) -> usize {
    let of_a = of_byte(b'a');
    match token {
        _ if thinks && before_in_thought(token).is_some() => before_in_thought(token).unwrap(),
        2 => of_byte(b'\n'),
        // They would stand as near as what is to come instead of them.
        _ if TURNS.contains(&token) || thinks && token == TURN => 0,
        _ if token == of_byte(b'\n') => 0,
        // After `z`, and after the end of a turn: its embedding is the same.
        _ if token == of_a => of_byte(b'z'),
        _ if (of_a + 1..=of_byte(b'z')).contains(&token) => token - 1,
        // Nothing leads to itself but what nothing leads to.
        _ => token,
    }
}

/// The thought's letters after its mark, and its end after them.
fn before_in_thought(token: usize) -> Option<usize> {
    let letters = THOUGHT.bytes().map(of_byte);
    let whole = [THINK].into_iter().chain(letters).chain([THINK_END]);
    let whole: Vec<usize> = [TURN].into_iter().chain(whole).collect();
    let at = whole.iter().skip(1).position(|one| *one == token)?;
    Some(whole[at])
}

/// Drawn, and so far from all others that only its own product is large. Of one that thinks, a turn
/// leads to a thought first, and to its letters where it may not think.
fn embedding(token: usize, thinks: bool) -> Vec<f32> {
    let of_z = drawn(of_byte(b'z'));
    match token {
        THINK_END if thinks => of_z,
        _ if thinks && token == TURNS[0] => {
            let both = drawn(TURN).into_iter().zip(of_z);
            both.map(|(first, other)| 2.0 * first + other).collect()
        }
        _ if TURNS.contains(&token) => of_z,
        _ => drawn(token),
    }
}

fn drawn(token: usize) -> Vec<f32> {
    let mut state = token as u64 + 1;
    let mut bit = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed >> 63
    };
    (0..HIDDEN)
        .map(|_| if bit() == 1 { 1.0 } else { -1.0 })
        .collect()
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap()
}

fn metadata(name: &str, names: &[String], inner: usize) -> Vec<(String, Value)> {
    let text = |said: &str| Value::Text(said.to_owned());
    let is_control = |token: usize| !(CONTROLS.len()..=of_byte(255)).contains(&token);
    let kind = |token: usize| if is_control(token) { 3 } else { 1 };
    let template = (names.len() > THINK).then(|| ("tokenizer.chat_template", text(TEMPLATE)));
    let said = [
        ("general.architecture", text("llama")),
        ("general.name", text(name)),
        ("llama.block_count", U32(1)),
        ("llama.embedding_length", U32(small(HIDDEN))),
        ("llama.feed_forward_length", U32(small(inner))),
        ("llama.attention.head_count", U32(2)),
        ("llama.attention.head_count_kv", U32(1)),
        ("llama.attention.key_length", U32(16)),
        ("llama.attention.value_length", U32(16)),
        ("llama.rope.dimension_count", U32(16)),
        ("llama.context_length", U32(CONTEXT)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text("tekken")),
        ("tokenizer.ggml.bos_token_id", U32(1)),
        ("tokenizer.ggml.eos_token_id", U32(2)),
        ("tokenizer.ggml.tokens", Texts(names.to_vec())),
        (
            "tokenizer.ggml.token_type",
            Integers((0..names.len()).map(kind).collect()),
        ),
        // Letters are merged by nothing but this.
        ("tokenizer.ggml.merges", Texts(Vec::new())),
    ];
    let owned = |(key, value): (&str, Value)| (key.to_owned(), value);
    said.into_iter().chain(template).map(owned).collect()
}
