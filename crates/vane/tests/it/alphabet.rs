//! A model file that is made on the spot: it writes the alphabet, on and on, from whichever letter
//! came last.
//!
//! Its layers add nothing, so that a token's embedding is what its successor is found by. After a
//! line's end it has said everything, and it begins a turn of its own with an `a`.

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
const HIDDEN: usize = 64;
/// Tokens that it keeps in mind.
pub(crate) const CONTEXT: u32 = 1 << 16;

/// The bytes of a GGUF file. Without `turns` it fills in and does not converse.
pub(crate) fn gguf(turns: bool) -> Vec<u8> {
    let names = tokens(turns);
    let embeddings: Vec<Vec<f32>> = (0..names.len()).map(embedding).collect();
    let matrix = |rows: &mut dyn Iterator<Item = usize>| -> Vec<f32> {
        rows.flat_map(|row| embeddings[row].iter().copied())
            .collect()
    };
    let zeros = |rows: usize, columns: usize| vec![0.0; rows * columns];
    let layer = |name: &str| format!("blk.0.{name}.weight");
    let tensors = [
        (
            "token_embd.weight".to_owned(),
            vec![names.len(), HIDDEN],
            matrix(&mut (0..names.len())),
        ),
        (
            "output.weight".to_owned(),
            vec![names.len(), HIDDEN],
            matrix(&mut (0..names.len()).map(before)),
        ),
        (
            "output_norm.weight".to_owned(),
            vec![HIDDEN],
            vec![1.0; HIDDEN],
        ),
        (layer("attn_norm"), vec![HIDDEN], vec![1.0; HIDDEN]),
        (layer("attn_q"), vec![32, HIDDEN], zeros(32, HIDDEN)),
        (layer("attn_k"), vec![16, HIDDEN], zeros(16, HIDDEN)),
        (layer("attn_v"), vec![16, HIDDEN], zeros(16, HIDDEN)),
        (layer("attn_output"), vec![HIDDEN, 32], zeros(HIDDEN, 32)),
        (layer("ffn_norm"), vec![HIDDEN], vec![1.0; HIDDEN]),
        (layer("ffn_gate"), vec![32, HIDDEN], zeros(32, HIDDEN)),
        (layer("ffn_up"), vec![32, HIDDEN], zeros(32, HIDDEN)),
        (layer("ffn_down"), vec![HIDDEN, 32], zeros(HIDDEN, 32)),
    ];
    write(&metadata(&names), &tensors)
}

/// A byte is written as the letter that files of this kind have for it.
fn tokens(turns: bool) -> Vec<String> {
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
    controls.chain(bytes).collect()
}

fn of_byte(byte: u8) -> usize {
    CONTROLS.len() + usize::from(byte)
}

/// The token that it follows.
fn before(token: usize) -> usize {
    let of_a = of_byte(b'a');
    match token {
        2 => of_byte(b'\n'),
        // They would stand as near as what is to come instead of them.
        _ if TURNS.contains(&token) => 0,
        _ if token == of_byte(b'\n') => 0,
        // After `z`, and after the end of a turn: its embedding is the same.
        _ if token == of_a => of_byte(b'z'),
        _ if (of_a + 1..=of_byte(b'z')).contains(&token) => token - 1,
        // Nothing leads to itself but what nothing leads to.
        _ => token,
    }
}

/// Drawn, and so far from all others that only its own product is large.
fn embedding(token: usize) -> Vec<f32> {
    let token = if TURNS.contains(&token) {
        of_byte(b'z')
    } else {
        token
    };
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

enum Value {
    Number(u32),
    Text(&'static str),
    Texts(Vec<String>),
    Kinds(Vec<i32>),
}

fn metadata(names: &[String]) -> Vec<(&'static str, Value)> {
    use Value::{Kinds, Number, Text, Texts};
    let kind = |token: usize| if token < CONTROLS.len() { 3 } else { 1 };
    vec![
        ("general.architecture", Text("llama")),
        ("llama.block_count", Number(1)),
        ("llama.embedding_length", Number(small(HIDDEN))),
        ("llama.feed_forward_length", Number(32)),
        ("llama.attention.head_count", Number(2)),
        ("llama.attention.head_count_kv", Number(1)),
        ("llama.attention.key_length", Number(16)),
        ("llama.attention.value_length", Number(16)),
        ("llama.rope.dimension_count", Number(16)),
        ("llama.context_length", Number(CONTEXT)),
        ("tokenizer.ggml.model", Text("gpt2")),
        ("tokenizer.ggml.pre", Text("tekken")),
        ("tokenizer.ggml.bos_token_id", Number(1)),
        ("tokenizer.ggml.eos_token_id", Number(2)),
        ("tokenizer.ggml.tokens", Texts(names.to_vec())),
        (
            "tokenizer.ggml.token_type",
            Kinds((0..names.len()).map(kind).collect()),
        ),
        // Letters are merged by nothing but this.
        ("tokenizer.ggml.merges", Texts(Vec::new())),
    ]
}

fn write(metadata: &[(&str, Value)], tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        text(&mut out, key);
        write_value(&mut out, value);
    }
    let mut offset = 0_u64;
    for (name, shape, floats) in tensors {
        text(&mut out, name);
        out.extend(small(shape.len()).to_le_bytes());
        for dimension in shape.iter().rev() {
            out.extend((*dimension as u64).to_le_bytes());
        }
        out.extend(0_u32.to_le_bytes());
        out.extend(offset.to_le_bytes());
        offset += (4 * floats.len() as u64).next_multiple_of(32);
    }
    for (_, _, floats) in tensors {
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
    }
    out
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    let array = |out: &mut Vec<u8>, kind: u32, len: usize| {
        out.extend(9_u32.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend((len as u64).to_le_bytes());
    };
    match value {
        Value::Number(number) => {
            out.extend(4_u32.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Value::Text(said) => {
            out.extend(8_u32.to_le_bytes());
            text(out, said);
        }
        Value::Texts(many) => {
            array(out, 8, many.len());
            many.iter().for_each(|one| text(out, one));
        }
        Value::Kinds(many) => {
            array(out, 5, many.len());
            many.iter().for_each(|one| out.extend(one.to_le_bytes()));
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}
