//! `vane weights show`.

use serde_json::json;
use vane_engine::{Model, Outline};

use super::super::{Failure, terminal};
use crate::weights::{Shelf, size};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// The name of weights that are here, or a path
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(&self, shelf: &Shelf) -> Result<(), Failure> {
        let path = shelf.resolve(&self.name)?;
        let outline = Model::look(&path)?.outline();
        if self.json {
            return terminal::print_json(&json!({
                "path": path,
                "parameters": outline.parameters,
                "bytes": outline.weight_bytes,
                "formats": outline.formats.iter()
                    .map(|(name, bytes)| json!({ "format": name, "bytes": bytes }))
                    .collect::<Vec<_>>(),
                "layers": outline.layers, "hidden": outline.hidden, "inner": outline.inner,
                "heads": outline.heads, "kv_heads": outline.kv_heads,
                "head_size": outline.head_size, "vocabulary": outline.vocabulary,
                "context": outline.context, "sliding_window": outline.window,
                "kv_bytes_per_token": outline.kv_bytes_per_token,
                "tokenizer": outline.tokenizer, "tokenizer_version": version(&outline),
                "fim": outline.fills_in, "fim_marks": outline.marks_gaps,
            }));
        }
        let formats = outline.formats.iter();
        let formats = formats.map(|(name, bytes)| format!("{name} ({})", size(*bytes)));
        let whole = outline
            .kv_bytes_per_token
            .saturating_mul(outline.context as u64);
        let window = outline
            .window
            .map_or_else(|| "none".to_owned(), |window| format!("{window} tokens"));
        let rows = [
            ("path", path.display().to_string()),
            ("parameters", millions(outline.parameters)),
            ("weights", size(outline.weight_bytes)),
            ("formats", formats.collect::<Vec<_>>().join(", ")),
            (
                "shape",
                format!(
                    "{} layers of {} ({} inner), {} heads of {} ({} for keys)",
                    outline.layers,
                    outline.hidden,
                    outline.inner,
                    outline.heads,
                    outline.head_size,
                    outline.kv_heads
                ),
            ),
            ("vocabulary", format!("{} tokens", outline.vocabulary)),
            (
                "tokenizer",
                format!("{} {}", outline.tokenizer, version(&outline)),
            ),
            ("context", format!("{} tokens", outline.context)),
            ("sliding window", window),
            (
                "keys and values",
                format!(
                    "{} bytes for each token in 16 bits, {} for the whole context",
                    outline.kv_bytes_per_token,
                    size(whole)
                ),
            ),
            ("fills in the middle", fills_in(&outline).to_owned()),
        ];
        let rows: Vec<[String; 2]> = rows.map(|(key, value)| [key.to_owned(), value]).into();
        terminal::print(&terminal::table(&rows))
    }
}

fn fills_in(outline: &Outline) -> &'static str {
    match (outline.fills_in, outline.marks_gaps) {
        (true, _) => "yes",
        (false, true) => {
            "no: it has tokens for a gap, and no name of a model that was trained to fill it; \
             `fim = true` in its row says that it was"
        }
        (false, false) => "no",
    }
}

fn version(outline: &Outline) -> String {
    format!("{:?}", outline.version).to_lowercase()
}

fn millions(parameters: u64) -> String {
    match parameters / 1_000_000 {
        0 => format!("{parameters}"),
        millions => format!("{parameters} ({millions} million)"),
    }
}
