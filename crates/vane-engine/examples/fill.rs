//! Fills gaps, greedily and up to the end of a line: `fill model.gguf < cases.jsonl`, each case a JSON object
//! with `prefix` and `suffix`. Answers with one JSON text a line; on the error stream, how long they took.
//!
//! What a model is measured by is so what runs when it is served.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value as Json;
use vane_engine::{Engine, Model, Options, Piece, Prompt, Request};

const TOKENS_MAX: usize = 64;

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("which model?")?;
    let model = Model::open(Path::new(&path), &mut |_| ())?;
    let engine = Engine::start(model, Options::default())?;
    let mut times: Vec<(Duration, Duration)> = Vec::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let case: Json = serde_json::from_str(&line?)?;
        let text = |name: &str| case[name].as_str().unwrap_or_default().to_owned();
        let (filled, time) = fill(&engine, text("prefix"), text("suffix"))?;
        writeln!(out, "{}", Json::from(filled))?;
        times.push(time);
    }
    let (mut first, mut whole): (Vec<_>, Vec<_>) = times.into_iter().unzip();
    writeln!(
        std::io::stderr(),
        "of {}: first token after {:?}, whole after {:?} (medians)",
        first.len(),
        median(&mut first),
        median(&mut whole)
    )?;
    Ok(())
}

/// The text of a gap, and the time until its first piece and its end.
fn fill(
    engine: &Engine,
    prefix: String,
    suffix: String,
) -> anyhow::Result<(String, (Duration, Duration))> {
    let begun = Instant::now();
    let pieces = engine.submit(Request {
        stops: vec!["\n".to_owned()],
        max_tokens: Some(TOKENS_MAX),
        ..Request::new(Prompt::Fill { prefix, suffix })
    })?;
    let (mut filled, mut first) = (String::new(), None);
    for piece in pieces {
        first.get_or_insert_with(|| begun.elapsed());
        match piece? {
            Piece::Text { text, .. } => filled += &text,
            Piece::Thought(_) | Piece::Call(_) | Piece::End { .. } => break,
        }
    }
    let whole = begun.elapsed();
    Ok((filled, (first.unwrap_or(whole), whole)))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
