//! The tokens of a text by any tokenizer file, as JSON, to compare with another library:
//! `cargo run -p vane-engine --example tokens -- tokenizer.model < text`. A NUL divides texts.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use vane_engine::Tokenizer;

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("which file?")?;
    let tokenizer = Tokenizer::open(Path::new(&path))?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let rows: Vec<Vec<u32>> = text
        .split('\0')
        .map(|text| tokenizer.encode(text))
        .collect();
    serde_json::to_writer(std::io::stdout().lock(), &rows)?;
    Ok(())
}
