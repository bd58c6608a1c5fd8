//! Tokens per second of a model: one prompt is read, some tokens are written, and eight sequences
//! write at once. `cargo run --release -p vane-engine --example speed -- MODEL [--device cpu|cuda|metal] [THREADS]`.
//!
//! Without a file, `--random FORMAT` makes one of 1.1 billion random weights in the temporary folder.

#![allow(clippy::print_stdout, reason = "what it measured is its output")]

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};
use vane_engine::{Device, Engine, Model, Options, Piece, Prompt, Request};

const PROMPT: usize = 256;
const OUTPUT: usize = 32;
const SEQUENCES: usize = 8;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut path = PathBuf::from(arguments.next().context("which model?")?);
    if path.as_os_str() == "--random" {
        let format = arguments.next().context("which format?")?;
        path = std::env::temp_dir().join(format!("vane-random-{format}.gguf"));
        if !path.exists() {
            write_random(&path, &format)?;
        }
    }
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        if argument == "--device" {
            let name = arguments.next().context("which device?")?;
            options.device = Device::named(&name).context("one of auto, cpu, cuda, metal")?;
        } else {
            options.threads = argument.parse()?;
        }
    }
    let start = Instant::now();
    let model = Model::open(&path, &mut |_| ())?;
    let opened = start.elapsed().as_secs_f64();
    let (threads, instructions) = (options.threads, options.instructions);
    let engine = Engine::start(model, options)?;
    let place = engine.place();
    println!("opened in {opened:.2} s; {place}, {threads} threads, {instructions:?}");
    println!("tokens/s of the clock, and of a processor's seconds");
    let read = time(&engine, 1, PROMPT, 1)?;
    read.print(&format!("prompt of {PROMPT}"), PROMPT)?;
    time(&engine, 1, 1, OUTPUT)?.print("output", OUTPUT)?;
    let many = time(&engine, SEQUENCES, 1, OUTPUT)?;
    many.print(
        &format!("output of {SEQUENCES} sequences"),
        SEQUENCES * OUTPUT,
    )
}

struct Times {
    clock: Duration,
    processor: Duration,
}

impl Times {
    fn print(&self, what: &str, tokens: usize) -> Result<()> {
        let tokens = f64::from(u32::try_from(tokens)?);
        let (clock, processor) = (self.clock.as_secs_f64(), self.processor.as_secs_f64());
        println!(
            "{what:22} {:8.1} {:8.1}",
            tokens / clock,
            tokens / processor
        );
        Ok(())
    }
}

/// Of all threads together: on a busy machine it says more than the clock.
fn processor() -> Result<Duration> {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Ok(Duration::new(
        u64::try_from(time.tv_sec)?,
        u32::try_from(time.tv_nsec)?,
    ))
}

fn time(engine: &Engine, sequences: usize, prompt: usize, output: usize) -> Result<Times> {
    let (start, before) = (Instant::now(), processor()?);
    let submit = |realm: usize| {
        let tokens = (0..prompt).map(|at| 300 + u32::try_from(at % 1000).unwrap_or_default());
        engine.submit(Request {
            max_tokens: Some(output),
            min_tokens: output,
            realm: u64::try_from(realm).unwrap_or_default(),
            ..Request::new(Prompt::Tokens(tokens.collect()))
        })
    };
    let many = (0..sequences).map(submit).collect::<Result<Vec<_>, _>>()?;
    for piece in many.into_iter().flatten() {
        if let Piece::End { usage, .. } = piece? {
            anyhow::ensure!(usage.output_tokens == output, "an answer ended early");
        }
    }
    Ok(Times {
        clock: start.elapsed(),
        processor: processor()? - before,
    })
}

const HIDDEN: u64 = 2048;
const INNER: u64 = 5632;
const LAYERS: u64 = 22;
const VOCABULARY: u64 = 32_000;

/// Number in GGUF, numbers and bytes of a block, and where its halves stand.
fn format(name: &str) -> Result<Format> {
    Ok(match name {
        "f16" => (1, 1, 2, &[0]),
        "q8_0" => (8, 32, 34, &[0]),
        "q4_0" => (2, 32, 18, &[0]),
        "q4_k" => (12, 256, 144, &[0, 2]),
        "q5_k" => (13, 256, 176, &[0, 2]),
        "q6_k" => (14, 256, 210, &[208]),
        _ => bail!("a format of f16, q8_0, q4_0, q4_k, q5_k, q6_k"),
    })
}

fn write_random(path: &Path, name: &str) -> Result<()> {
    let format = format(name)?;
    let mut tensors = vec![
        ("token_embd.weight".to_owned(), vec![HIDDEN, VOCABULARY]),
        ("output.weight".to_owned(), vec![HIDDEN, VOCABULARY]),
        ("output_norm.weight".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        let parts: [(&str, &[u64]); 9] = [
            ("attn_norm", &[HIDDEN]),
            ("attn_q", &[HIDDEN, HIDDEN]),
            ("attn_k", &[HIDDEN, HIDDEN / 8]),
            ("attn_v", &[HIDDEN, HIDDEN / 8]),
            ("attn_output", &[HIDDEN, HIDDEN]),
            ("ffn_norm", &[HIDDEN]),
            ("ffn_gate", &[HIDDEN, INNER]),
            ("ffn_up", &[HIDDEN, INNER]),
            ("ffn_down", &[INNER, HIDDEN]),
        ];
        tensors.extend(
            parts.map(|(part, shape)| (format!("blk.{layer}.{part}.weight"), shape.to_vec())),
        );
    }
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let (head, sizes) = header(&tensors, format)?;
    out.write_all(&head)?;
    let mut state = 1_u64;
    for ((_, shape), bytes) in tensors.iter().zip(sizes) {
        let mut data = Vec::new();
        if shape.len() == 1 {
            data.extend((0..shape[0]).flat_map(|_| 1.0_f32.to_le_bytes()));
        }
        while data.len() < usize::try_from(bytes)? {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            data.extend(state.to_le_bytes());
        }
        data.truncate(usize::try_from(bytes)?);
        if shape.len() > 1 {
            for block in data.chunks_exact_mut(usize::try_from(format.2)?) {
                format
                    .3
                    .iter()
                    .for_each(|at| block[at + 1] = 0x04 | (block[at + 1] & 0x80));
            }
        }
        data.resize(data.len().next_multiple_of(32), 0);
        out.write_all(&data)?;
    }
    Ok(out.flush()?)
}

type Format = (u32, u64, u64, &'static [usize]);

/// The header, and the bytes of each tensor.
fn header(tensors: &[(String, Vec<u64>)], format: Format) -> Result<(Vec<u8>, Vec<u64>)> {
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend(u64::try_from(tensors.len())?.to_le_bytes());
    out.extend(15_u64.to_le_bytes());
    let numbers = [
        ("llama.block_count", LAYERS),
        ("llama.embedding_length", HIDDEN),
        ("llama.feed_forward_length", INNER),
        ("llama.attention.head_count", 32),
        ("llama.attention.head_count_kv", 4),
        ("llama.context_length", 4096),
        ("llama.vocab_size", VOCABULARY),
        ("tokenizer.ggml.bos_token_id", 1),
        ("tokenizer.ggml.eos_token_id", 2),
    ];
    for (key, number) in numbers {
        text(&mut out, key)?;
        out.extend(4_u32.to_le_bytes());
        out.extend(u32::try_from(number)?.to_le_bytes());
    }
    // llama.cpp asks for it.
    text(&mut out, "llama.attention.layer_norm_rms_epsilon")?;
    out.extend(6_u32.to_le_bytes());
    out.extend(1e-5_f32.to_le_bytes());
    for (key, value) in [
        ("general.architecture", "llama"),
        ("tokenizer.ggml.model", "llama"),
    ] {
        text(&mut out, key)?;
        out.extend(8_u32.to_le_bytes());
        text(&mut out, value)?;
    }
    vocabulary(&mut out)?;
    let (mut offset, mut sizes) = (0, Vec::new());
    for (name, shape) in tensors {
        text(&mut out, name)?;
        out.extend(u32::try_from(shape.len())?.to_le_bytes());
        shape
            .iter()
            .for_each(|dimension| out.extend(dimension.to_le_bytes()));
        let (kind, numbers, bytes, _) = if shape.len() == 1 {
            (0, 1, 4, &[][..])
        } else {
            format
        };
        out.extend(kind.to_le_bytes());
        out.extend(u64::to_le_bytes(offset));
        let size = shape.iter().product::<u64>() / numbers * bytes;
        offset += size.next_multiple_of(32);
        sizes.push(size);
    }
    out.resize(out.len().next_multiple_of(32), 0);
    Ok((out, sizes))
}

/// Pieces that are alike but for their numbers.
fn vocabulary(out: &mut Vec<u8>) -> Result<()> {
    text(out, "tokenizer.ggml.tokens")?;
    array(out, 8);
    for token in 0..VOCABULARY {
        text(out, &format!("t{token}"))?;
    }
    text(out, "tokenizer.ggml.scores")?;
    array(out, 6);
    (0..VOCABULARY).for_each(|_| out.extend(0.0_f32.to_le_bytes()));
    text(out, "tokenizer.ggml.token_type")?;
    array(out, 5);
    (0..VOCABULARY).for_each(|_| out.extend(1_i32.to_le_bytes()));
    Ok(())
}

fn array(out: &mut Vec<u8>, kind: u32) {
    out.extend(9_u32.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(VOCABULARY.to_le_bytes());
}

fn text(out: &mut Vec<u8>, text: &str) -> Result<()> {
    out.extend(u64::try_from(text.len())?.to_le_bytes());
    out.extend(text.as_bytes());
    Ok(())
}
